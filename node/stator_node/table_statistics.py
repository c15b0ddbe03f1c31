"""How many items a table has and how large it is, counted beside the traffic.

In: the number of writes to each table, from `replica.py`. Out: `TableStatistics` for DescribeTable.
DynamoDB refreshes these figures about every six hours; here a small table is counted when it is
asked for, a large one in slices in the background, for at most a tenth of the loop's time.
"""

from __future__ import annotations

import asyncio
import logging

from stator_core import item_format, keys
from stator_core.table import Index, Table
from stator_core.table_description import NOTHING_COUNTED, IndexStatistics, TableStatistics
from stator_node.doors import Clock, ItemStore, StorageFailed

logger = logging.getLogger(__name__)

SLICE_ENTRIES = 200
SMALL_ENTRIES_MAX = 1_000  # counted in place: a millisecond or two
REST_FACTOR = 10  # after counting for t seconds, rest ten times as long
ROUND_SECONDS = 1.0


class TableCounter:
    """Counts tables that changed since they were last counted."""

    def __init__(self, store: ItemStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[int, TableStatistics] = {}
        # Writes since the last count, by table identifier; counted up by the replica.
        self.writes: dict[int, int] = {}

    def statistics(self, table: Table) -> TableStatistics:
        """What is known of a table; exact for one that is small or has not changed."""
        known = self._known.get(table.identifier)
        writes = self.writes.get(table.identifier, 0)
        if known is not None and writes == 0:
            return known
        entries = (0 if known is None else known.item_count) + writes
        if entries <= SMALL_ENTRIES_MAX:
            try:
                if known is not None or self._is_small(table):
                    self._count_now(table)
            except StorageFailed as error:
                self._give_up(table, error)
        return self._known.get(table.identifier, NOTHING_COUNTED)

    def forget(self, table: Table) -> None:
        """The table is gone."""
        self._known.pop(table.identifier, None)
        self.writes.pop(table.identifier, None)

    async def run(self, tables: dict[str, Table]) -> None:
        """Count what has changed, forever. `tables` is the catalog's own dictionary."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            for table in list(tables.values()):
                if table.identifier not in self._known or self.writes.get(table.identifier):
                    await self._count(table)

    def _is_small(self, table: Table) -> bool:
        return _Count(table, self).slice(self._store, SMALL_ENTRIES_MAX + 1)

    def _count_now(self, table: Table) -> None:
        count = _Count(table, self)
        while not count.slice(self._store, SLICE_ENTRIES):
            pass
        self._finish(table, count)

    async def _count(self, table: Table) -> None:
        count = _Count(table, self)
        try:
            while True:
                began = self._clock.monotonic()
                if count.slice(self._store, SLICE_ENTRIES):
                    break
                await asyncio.sleep((self._clock.monotonic() - began) * REST_FACTOR)
        except StorageFailed as error:
            self._give_up(table, error)
            return
        self._finish(table, count)

    def _give_up(self, table: Table, error: StorageFailed) -> None:
        """The table cannot be read whole: keep what is known, until it changes again."""
        logger.error("the items of table %s cannot be counted: %s", table.name, error)
        self._known.setdefault(table.identifier, NOTHING_COUNTED)
        self.writes[table.identifier] = 0

    def _finish(self, table: Table, count: _Count) -> None:
        self._known[table.identifier] = count.result()
        left = self.writes.get(table.identifier, 0) - count.writes_before
        self.writes[table.identifier] = max(left, 0)


class _Count:
    """One walk over a table and its indexes, slice by slice.

    Each slice seeks anew behind the last: a count may take minutes, and a cursor held that long
    would keep old versions of everything, and the database from being closed.
    """

    def __init__(self, table: Table, counter: TableCounter) -> None:
        self.writes_before = counter.writes.get(table.identifier, 0)
        self._parts: list[Index | None] = [None, *table.indexes]
        self._totals = [[0, 0] for _ in self._parts]
        self._left = [
            (part, *bounds)
            for part, index in enumerate(self._parts)
            for bounds in keys.scan_bounds(table, index, 0, 1)
        ]

    def slice(self, store: ItemStore, entries: int) -> bool:
        """Count up to so many entries. True: everything is counted. Raises StorageFailed."""
        while self._left and entries > 0:
            part, start, end = self._left[0]
            index, total = self._parts[part], self._totals[part]
            is_local = index is not None and not index.is_global
            found = store.cursor("indexes" if is_local else "items", start, end).take(entries)
            for key, stored in found:
                if index is None or index.is_global or keys.is_entry_of(index, key):
                    total[0] += 1
                    total[1] += item_format.size_of(stored)
            if len(found) < entries:
                del self._left[0]
            else:
                self._left[0] = part, found[-1][0] + b"\0", end
            entries -= len(found)
        return not self._left

    def result(self) -> TableStatistics:
        (items, size), *others = self._totals
        return TableStatistics(
            items,
            size,
            {
                index.name: IndexStatistics(*total)
                for index, total in zip(self._parts[1:], others, strict=True)
                if index is not None
            },
        )
