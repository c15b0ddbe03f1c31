"""The life of tables: the shell around `stator_core.requests` of tables and `table_status`.

In: table operations from `router.py`; those that change nothing are `table_reading.py`'s. It makes
each change durable in the catalog, answers, and does the work behind the states, which `TableWork`
knows how to do: a new table becomes ACTIVE, a new index is filled from the table while writes go
on, a deleted one is emptied. Work that a crash interrupted is found by its state at the next start
(`resume`). Invariant: a state is shown only after it is durable.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from stator_core import table_status
from stator_core.errors import LimitExceededException
from stator_core.limits import CONTROL_PLANE_OPERATIONS_MAX, TABLES_MAX
from stator_core.requests import (
    create_table,
    delete_table,
    tags,
    time_to_live,
    update_table,
)
from stator_core.table import Index, Table
from stator_core.table_description import TableStatistics
from stator_node.catalog import FIRST_IDENTIFIER, Catalog
from stator_node.doors import Caller, Clock, StorageFailed
from stator_node.table_reading import READS, TableOperation, TableReading

logger = logging.getLogger(__name__)
RETRY_SECONDS = 1.0

CHANGES = (
    "CreateTable",
    "UpdateTable",
    "DeleteTable",
    "TagResource",
    "UntagResource",
    "UpdateTimeToLive",
)
OPERATIONS = (*CHANGES, *READS)


@dataclass(frozen=True, slots=True)
class Change:
    """What an operation makes of a table, and its answer; nothing of it is durable yet."""

    before: Table | None
    after: Table
    answer: bytes


Preparing = Callable[[dict[str, Any], Caller, Iterator[int]], Change]


class TableWork(Protocol):
    """What the states of tables ask for. `local_table_work.py` does it in one process."""

    async def activate(self, table: Table) -> None:
        """A table in CREATING or UPDATING: make it ready, then save it as it is then."""

    async def delete(self, table: Table) -> None:
        """Take away the items of a table and of its indexes, then the table."""

    async def remove_index(self, table: Table, index: Index) -> None:
        """Take away the entries of a global index, then the index."""

    async def fill_index(self, table: Table, index: Index) -> None:
        """Backfill a new global index, then save it as ACTIVE."""

    def statistics(self, table: Table) -> TableStatistics:
        """How many items a table has and how large it is, as far as it has been counted."""

    def storage_failed(self, error: StorageFailed) -> None:
        """The store refused a change of the catalog."""


class TableLife:
    """Executes table operations and the work that follows from them."""

    def __init__(
        self,
        catalog: Catalog,
        work: TableWork,
        clock: Clock,
        *,
        delay_seconds: float,
        account: str,
    ) -> None:
        """`delay_seconds`: how long a table is seen in a passing state at least."""
        self._catalog = catalog
        self._work = work
        self._clock = clock
        self._delay_seconds = delay_seconds
        self._account = account
        self._reading = TableReading(lambda: catalog.tables, work.statistics, clock, account)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def operations(self) -> dict[str, TableOperation]:
        """The operations by DynamoDB's names."""

        def change(operation: str) -> TableOperation:
            return lambda body, caller: self._carry_out(operation, body, caller)

        return {
            **{operation: change(operation) for operation in CHANGES},
            **self._reading.operations(),
        }

    def prepare(self, operation: str, body: dict[str, Any], caller: Caller) -> Change:
        """What one of `CHANGES` would do now: nothing is done, or given away, by asking.

        Raises DynamoDBError where it would be refused.
        """
        return self._prepared(operation)(body, caller, itertools.count(FIRST_IDENTIFIER))

    def resume(self) -> None:
        """Take up the work that the states found at start ask for."""
        for name in list(self._catalog.tables):
            self._work_on(name)

    async def stop(self) -> None:
        """End the work under way; its state on disk says how to go on."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Operations.

    def _prepared(self, operation: str) -> Preparing:
        preparing: dict[str, Preparing] = {
            "CreateTable": self._creation,
            "UpdateTable": self._update,
            "DeleteTable": self._deletion,
            "TagResource": self._tagging,
            "UntagResource": self._untagging,
            "UpdateTimeToLive": self._time_to_live,
        }
        return preparing[operation]

    def _carry_out(self, operation: str, body: dict[str, Any], caller: Caller) -> bytes:
        change = self._prepared(operation)(body, caller, self._catalog.identifiers())
        self._save(change.after)
        return change.answer

    def _creation(self, body: dict[str, Any], caller: Caller, identifiers: Iterator[int]) -> Change:
        request = create_table.parse(body)
        tables = self._catalog.tables
        table_status.check_absent(tables.get(request.table_name))
        if len(tables) >= TABLES_MAX:
            raise LimitExceededException(
                f"Subscriber limit exceeded: There is a limit of {TABLES_MAX} tables per subscriber"
            )
        self._check_operations()
        table = request.table(
            identifiers, str(uuid.uuid4()), self._clock.now(), caller.region, self._account
        )
        return Change(None, table, orjson.dumps(request.answer(table)))

    def _update(self, body: dict[str, Any], _: Caller, identifiers: Iterator[int]) -> Change:
        request = update_table.parse(body)
        now = self._clock.now()
        before = self._reading.table(request.table_name)
        self._check_operations()
        updated = request.apply(before, now, identifiers)
        answer = request.answer(before, updated, self._work.statistics(updated))
        return Change(before, updated, orjson.dumps(answer))

    def _deletion(self, body: dict[str, Any], _: Caller, _ids: Iterator[int]) -> Change:
        request = delete_table.parse(body)
        table = self._reading.table(request.table_name)
        self._check_operations()
        deleting = request.apply(table)
        answer = request.answer(deleting, self._work.statistics(table))
        return Change(table, deleting, orjson.dumps(answer))

    def _tagging(self, body: dict[str, Any], caller: Caller, _: Iterator[int]) -> Change:
        request = tags.parse_tag_resource(body)
        before = self._reading.tagged(request.resource, caller)
        return Change(before, request.apply(before), b"")

    def _untagging(self, body: dict[str, Any], caller: Caller, _: Iterator[int]) -> Change:
        request = tags.parse_untag_resource(body)
        before = self._reading.tagged(request.resource, caller)
        return Change(before, request.apply(before), b"")

    def _time_to_live(self, body: dict[str, Any], _: Caller, _ids: Iterator[int]) -> Change:
        request = time_to_live.parse_update_time_to_live(body)
        before = self._reading.table(request.table_name)
        after = request.apply(before, self._clock.now(), cooldown_seconds=0.0)
        return Change(before, after, orjson.dumps(request.answer()))

    def _check_operations(self) -> None:
        """Refuse one table operation too many at a time (AWS: LimitExceededException)."""
        if len(self._tasks) >= CONTROL_PLANE_OPERATIONS_MAX:
            raise LimitExceededException(
                f"Subscriber limit exceeded: Only {CONTROL_PLANE_OPERATIONS_MAX} tables can be "
                "created, updated, or deleted simultaneously"
            )

    def _save(self, table: Table) -> None:
        """Make a change durable and have its work done. Raises StorageFailed."""
        try:
            self._catalog.save(table)
        except StorageFailed as error:
            self._work.storage_failed(error)
            raise
        self._work_on(table.name)

    # The work behind the states.

    def _work_on(self, name: str) -> None:
        """See to it that somebody works on this table, if there is work."""
        if name not in self._tasks and _has_work(self._catalog.tables[name]):
            self._tasks[name] = asyncio.get_running_loop().create_task(self._settle(name))

    async def _settle(self, name: str) -> None:
        """Take one step after the other until the table rests."""
        try:
            while name in self._catalog.tables and _has_work(self._catalog.tables[name]):
                await asyncio.sleep(self._delay_seconds)
                try:
                    await self._step(self._catalog.tables[name])
                except StorageFailed as error:
                    logger.error("table %s waits for storage: %s", name, error)
                    self._work.storage_failed(error)
                    await asyncio.sleep(RETRY_SECONDS)
                except Exception:
                    # A bug. The state on disk says what is left to do; a restart tries it again.
                    logger.exception("table %s is stuck in its state", name)
                    return
        finally:
            # In the same turn as the last look at the state: work that comes now gets a new task.
            del self._tasks[name]

    def _step(self, table: Table) -> Coroutine[Any, Any, None]:
        """The next piece of work of a table."""
        if table.status == "DELETING":
            return self._work.delete(table)
        if table_status.awaits_table_active(table):
            return self._work.activate(table)
        for index in table.global_indexes:
            if index.status == "DELETING":
                return self._work.remove_index(table, index)
            if index.status == "CREATING":
                return self._work.fill_index(table, index)
        raise AssertionError("a table at rest was worked on")


def _has_work(table: Table) -> bool:
    """Whether the table, or an index of it, is in a passing state."""
    return (
        table.status == "DELETING"
        or table_status.awaits_table_active(table)
        or any(index.status in ("CREATING", "DELETING") for index in table.global_indexes)
    )
