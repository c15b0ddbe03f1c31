"""How many items a table has and how large it is, counted beside the traffic.

In: the number of writes to each table, from `replica.py`. Out: `TableStatistics` for DescribeTable.
DynamoDB refreshes these figures about every six hours; here a small table is counted when it is
asked for, a large one in slices in the background, for at most a tenth of the loop's time.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

from stator_core import item_format, keys
from stator_core.table import Index, Table
from stator_core.table_description import NOTHING_COUNTED, IndexStatistics, TableStatistics
from stator_node.doors import Clock, Family, ItemStore

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
        if entries <= SMALL_ENTRIES_MAX and (known is not None or self._is_small(table)):
            self._count_now(table)
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
        found = itertools.islice(self._entries(table, None), SMALL_ENTRIES_MAX + 1)
        return sum(1 for _ in found) <= SMALL_ENTRIES_MAX

    def _count_now(self, table: Table) -> None:
        count = _Count(table, self)
        while not count.slice():
            pass
        self._finish(table, count)

    async def _count(self, table: Table) -> None:
        count = _Count(table, self)
        while True:
            began = self._clock.monotonic()
            done = count.slice()
            if done:
                break
            await asyncio.sleep((self._clock.monotonic() - began) * REST_FACTOR)
        self._finish(table, count)

    def _finish(self, table: Table, count: _Count) -> None:
        self._known[table.identifier] = count.result()
        left = self.writes.get(table.identifier, 0) - count.writes_before
        self.writes[table.identifier] = max(left, 0)

    def _entries(self, table: Table, index: Index | None) -> Iterator[int]:
        """The sizes of a table's items, or of an index's entries."""
        family: Family = "indexes" if index is not None and not index.is_global else "items"
        for start, end in keys.scan_bounds(table, index, 0, 1):
            for key, stored in self._store.cursor(family, start, end):
                if family == "items" or (index is not None and keys.is_entry_of(index, key)):
                    yield item_format.size_of(stored)


class _Count:
    """One walk over a table and its indexes."""

    def __init__(self, table: Table, counter: TableCounter) -> None:
        self.writes_before = counter.writes.get(table.identifier, 0)
        self._parts: list[Index | None] = [None, *table.indexes]
        self._walks = [counter._entries(table, part) for part in self._parts]
        self._totals = [[0, 0] for _ in self._parts]
        self._position = 0

    def slice(self) -> bool:
        """Count some entries. True: everything is counted."""
        for _ in range(SLICE_ENTRIES):
            size = next(self._walks[self._position], None)
            if size is None:
                self._position += 1
                if self._position == len(self._walks):
                    return True
                continue
            total = self._totals[self._position]
            total[0] += 1
            total[1] += size
        return False

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
