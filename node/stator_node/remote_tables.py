"""Table operations of a gateway: the supervisor of its cluster executes them.

In: operations from the doors, and who the supervisor is (`transport/seeds.py`). Each goes as one
frame to `supervisor_requests.py` and comes back as its answer or as the error that it raised. While
the supervisor is away, what changes nothing is answered from what the storage pods say.
Invariants: a change whose outcome nobody knows is not sent again; of a table that no pod speaks of
it is not said that there is none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from stator_core.errors import (
    DynamoDBError,
    InternalServerError,
    ResourceNotFoundException,
    ServiceUnavailable,
)
from stator_node.doors import Caller
from stator_node.errand import refused_error
from stator_node.operation_codes import OperationCode
from stator_node.pending import Pending, wait
from stator_node.stream_operations import StreamOperation
from stator_node.table_life import OPERATIONS
from stator_node.table_reading import READS, TableReading
from stator_node.transport.frame_format import Hello, Status
from stator_node.transport.links import Address, Answer, Links

REQUEST_SECONDS_MAX = 8.0
READ_SECONDS_MAX = 2.0  # then the pods' own word is good enough
AWAY_STATUSES = (Status.UNAVAILABLE, Status.UNKNOWN)
AWAY = "Tables cannot be changed or described at this moment: their supervisor is away."
UNKNOWN_OUTCOME = "The request may or may not have taken effect: the supervisor did not answer."


class RemoteTables:
    """The table operations by name, each an errand to the supervisor."""

    def __init__(
        self, links: Links, look: Callable[[], Awaitable[None]], reading: TableReading
    ) -> None:
        """`look`: have this gateway learn what the pods say now; `reading`: what they have said."""
        self._links = links
        self._look = look
        self._reads = reading.operations()
        self._supervisor: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def joined(self, hello: Hello, address: Address) -> None:
        """The supervisor is at this address. It is another one than before where it moved."""
        if self._supervisor is not None and self._supervisor != hello.sender_id:
            self._links.disconnect(self._supervisor)
        self._supervisor = hello.sender_id
        self._links.connect(hello.sender_id, address)

    def operations(self) -> dict[str, StreamOperation]:
        """The operations by DynamoDB's names."""

        def operation(name: str) -> StreamOperation:
            return lambda body, caller: self._ask(name, body, caller)

        return {name: operation(name) for name in OPERATIONS}

    def _ask(self, name: str, body: dict[str, Any], caller: Caller) -> Pending[bytes]:
        pending: Pending[bytes] = Pending()
        task = asyncio.get_running_loop().create_task(self._answer(pending, name, body, caller))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return pending

    async def _answer(
        self, pending: Pending[bytes], name: str, body: dict[str, Any], caller: Caller
    ) -> None:
        answer = await self._asked(name, body, caller)
        if answer.status in AWAY_STATUSES and name in READS:
            self._answer_from_pods(pending, name, body, caller)
            return
        if answer.status is not Status.RESULT:
            pending.fail(_error(answer))
            return
        if name == "DescribeTable":
            # A client that hears ACTIVE writes at once: this gateway must know the table by then.
            await self._look()
        pending.resolve(answer.body)

    async def _asked(self, name: str, body: dict[str, Any], caller: Caller) -> Answer:
        if self._supervisor is None:
            return Answer(Status.UNAVAILABLE, b"")
        asked = orjson.dumps(
            {
                "operation": name,
                "body": body,
                "caller": [caller.access_key, caller.account, caller.region, caller.endpoint],
            }
        )
        seconds = READ_SECONDS_MAX if name in READS else REQUEST_SECONDS_MAX
        return await wait(
            self._links.request(
                self._supervisor, 0, OperationCode.TABLE_OPERATION, 0, asked, seconds
            )
        )

    def _answer_from_pods(
        self, pending: Pending[bytes], name: str, body: dict[str, Any], caller: Caller
    ) -> None:
        try:
            pending.resolve(self._reads[name](body, caller))
        except ResourceNotFoundException:
            pending.fail(ServiceUnavailable(AWAY))  # It may be one that no pod has reported yet.
        except DynamoDBError as error:
            pending.fail(error)


def _error(answer: Answer) -> DynamoDBError:
    if answer.status is Status.REFUSED:
        return refused_error(answer.body)
    if answer.status is Status.UNAVAILABLE:
        return ServiceUnavailable(AWAY)
    return InternalServerError(UNKNOWN_OUTCOME)
