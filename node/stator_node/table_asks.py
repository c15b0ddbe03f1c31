"""Changes of tables that clients ask for, where `Table` objects are the truth: the operator's word.

In: CreateTable and its kin, as gateways bring them, and what the operator says of them
(`operator_tables.py`). A request is checked as ever, so mistakes are answered at once. What an
object can say of it becomes an `Ask`: the table as it was and as it is to be. The operator writes
that into the object and accepts; then the client's own request is carried out and answered. What no
object says is done at once. Wired by `supervisor_process.py`.

Invariants: nothing of a request is done before its ask is accepted; an ask lives for a few seconds,
and its client is answered before it gives up; a table has one ask at a time.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass, field
from typing import Any

from stator_core import desired_table
from stator_core.errors import (
    DynamoDBError,
    InternalServerError,
    LimitExceededException,
    ResourceInUseException,
    ServiceUnavailable,
    ValidationException,
)
from stator_core.limits import CONTROL_PLANE_OPERATIONS_MAX
from stator_core.table_status import IN_USE
from stator_node.doors import Caller, StorageFailed
from stator_node.pending import Pending
from stator_node.stream_operations import StreamOperation
from stator_node.table_life import CHANGES, Change, TableLife

logger = logging.getLogger(__name__)

Members = dict[str, Any]

# Less than a gateway waits for its supervisor: `remote_tables.REQUEST_SECONDS_MAX`.
ASK_SECONDS_MAX = 6.0
AWAY = "Tables cannot be changed at this moment: the operator, which keeps them, is away."
UNKNOWN_OUTCOME = "The request may or may not take effect: the operator did not say."
# With what the operator may refuse a client's request.
REFUSALS: dict[str, type[DynamoDBError]] = {
    each.name(): each
    for each in (
        ValidationException,
        ResourceInUseException,
        LimitExceededException,
        ServiceUnavailable,
    )
}


@dataclass(slots=True)
class Ask:
    """A request that waits. `before` None: there is no table; `after` None: it is to go."""

    ask_id: str
    operation: str
    name: str
    before: Members | None
    after: Members | None
    body: Members
    caller: Caller
    answer: Pending[bytes] = field(default_factory=Pending)
    was_told: bool = False  # the operator may have begun to do something about it

    def members(self) -> Members:
        """As the operator hears of it."""
        return {
            "id": self.ask_id,
            "operation": self.operation,
            "name": self.name,
            "before": self.before,
            "after": self.after,
        }


class TableAsks:
    """The requests that wait for the operator."""

    def __init__(self, tables: TableLife) -> None:
        self._tables = tables
        self._operations = tables.operations()
        self._asks: dict[str, Ask] = {}
        self._more = asyncio.Event()

    def operations(self) -> dict[str, StreamOperation]:
        """The table operations by name; those that change tables wait where they must."""

        def change(operation: str) -> StreamOperation:
            return lambda body, caller: self._ask(operation, body, caller)

        return {**self._operations, **{operation: change(operation) for operation in CHANGES}}

    def is_open(self, name: str) -> bool:
        """Whether a request for this table waits."""
        return any(each.name == name for each in self._asks.values())

    async def waiting(self, seconds: float) -> list[Ask]:
        """All that wait, as soon as there are any; none when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                while not self._asks:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            return []
        for each in self._asks.values():
            each.was_told = True
        return list(self._asks.values())

    def accept(self, ask_id: str) -> None:
        """The object says it: carry the request out, and answer. An ask that is over is let be."""
        ask = self._asks.pop(ask_id, None)
        if ask is None:
            return
        try:
            ask.answer.resolve(self._operations[ask.operation](ask.body, ask.caller))
        except DynamoDBError as error:
            ask.answer.fail(error)
        except StorageFailed as error:
            logger.error("the control store refuses: %s", error)
            ask.answer.fail(InternalServerError("Internal server error"))

    def refuse(self, ask_id: str, error: str, message: str) -> None:
        """No object will say it. `error`: one of REFUSALS. An ask that is over is let be."""
        ask = self._asks.pop(ask_id, None)
        if ask is not None:
            ask.answer.fail(REFUSALS[error](message))

    def _ask(self, operation: str, body: Members, caller: Caller) -> bytes | Pending[bytes]:
        change = self._tables.prepare(operation, body, caller)
        name = change.after.name
        if self.is_open(name):
            raise ResourceInUseException(f"{IN_USE}: Table is being changed: {name}")
        if len(self._asks) >= CONTROL_PLANE_OPERATIONS_MAX:
            raise LimitExceededException(
                f"Subscriber limit exceeded: Only {CONTROL_PLANE_OPERATIONS_MAX} tables can be "
                "created, updated, or deleted simultaneously"
            )
        before, after = _said(operation, change)
        if before == after:
            return self._operations[operation](body, caller)
        ask = Ask(str(uuid.uuid4()), operation, name, before, after, body, caller)
        self._asks[ask.ask_id] = ask
        self._more.set()
        asyncio.get_running_loop().call_later(ASK_SECONDS_MAX, self._give_up, ask.ask_id)
        return ask.answer

    def _give_up(self, ask_id: str) -> None:
        ask = self._asks.pop(ask_id, None)
        if ask is None:
            return
        logger.error("%s of table %s: the operator has not decided", ask.operation, ask.name)
        error = InternalServerError(UNKNOWN_OUTCOME) if ask.was_told else ServiceUnavailable(AWAY)
        ask.answer.fail(error)


def _said(operation: str, change: Change) -> tuple[Members | None, Members | None]:
    """What an object says of the table before and after."""
    before = None if change.before is None else desired_table.body_of(change.before)
    after = None if operation == "DeleteTable" else desired_table.body_of(change.after)
    return before, after
