"""The reconcile of a Table: observe, plan, carry out, say how it is.

In: a table's key, from the queue. Out: nothing but what `table_writing.py` and `status_writing.py`
write. Level-triggered, like that of a pool: it may be called at any time, be broken off anywhere,
and begin again in another process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from stator_operator.status_writing import StatusWriter
from stator_operator.table_observing import TableObserver
from stator_operator.table_plan import plan
from stator_operator.table_status import PASSING, table_status
from stator_operator.table_writing import TableOutcome, TableWriter
from stator_operator.work_queue import Key

# How soon to look again, though no object changes: at a table on its way; where nobody answers, or
# something else must come first; at one whose partitions lack something.
CHANGING_SECONDS = 1.0
WAITING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class TableReconcile:
    """`wall`: the time of day, as statuses have it."""

    observer: TableObserver
    writer: TableWriter
    status_writer: StatusWriter
    wall: Callable[[], datetime]

    async def __call__(self, key: Key) -> float | None:
        """Look at the table once. Raises ApiError."""
        found = await self.observer.table(key)
        if found is None:
            self.writer.writer.applied.forget(key)
            return None
        outcome = await self.writer.carry_out(key, plan(found.observed), found)
        observed = replace(found.observed, entry=outcome.entry)
        before = found.body.get("status", {})
        now = self.wall().strftime("%Y-%m-%dT%H:%M:%SZ")
        status = table_status(observed, outcome.waiting, before, now)
        await self.status_writer.write(found.body, status)
        return _again(outcome, status)


def _again(outcome: TableOutcome, status: dict[str, object]) -> float | None:
    conditions = status["conditions"]
    assert isinstance(conditions, list)
    said = {each["type"]: each["status"] for each in conditions}
    waiting, entry = outcome.waiting, outcome.entry
    if waiting is not None and waiting.reason != "ItemsGo":
        passes = waiting.reason in PASSING | {"PoolUnknown"}
        return WAITING_SECONDS if passes else None
    if entry is None or not entry.is_settled:
        # Where clients are served already, or DynamoDB refuses, nobody waits for it.
        is_awaited = said["Ready"] != "True" and (entry is None or entry.refused is None)
        return CHANGING_SECONDS if is_awaited else WAITING_SECONDS
    well = all(said[type_] == "True" for type_ in ("Accepted", "FullyReplicated", "Ready"))
    return None if well else WAITING_SECONDS
