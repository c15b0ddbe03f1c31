"""The work behind the states of tables, in a process that holds every partition itself.

In: the next step of a table, from `table_life.py`. It changes stored entries through the replica's
store and saves the table's next state. Each step may be begun again after a crash: the state on
disk says which one. Invariant: an index is ACTIVE only when it holds every entry that follows from
the table.
"""

from __future__ import annotations

import asyncio
import logging

import orjson

from stator_core import expiry, item_format, keys, table_status
from stator_core.indexes import index_change
from stator_core.key_format import IDENTIFIER_BYTES
from stator_core.partition import index_writes
from stator_core.table import Index, Table
from stator_core.table_description import TableStatistics
from stator_node.catalog import Catalog
from stator_node.doors import StorageFailed
from stator_node.replica import SLICE_ENTRIES, Replica
from stator_node.storage_errors import name_of
from stator_node.table_statistics import TableCounter

logger = logging.getLogger(__name__)


class LocalTableWork:
    """The `table_life.TableWork` of `stator local`."""

    def __init__(self, catalog: Catalog, replica: Replica, counter: TableCounter) -> None:
        self._catalog = catalog
        self._replica = replica
        self._counter = counter

    def statistics(self, table: Table) -> TableStatistics:
        """As the counter knows it."""
        return self._counter.statistics(table)

    def storage_failed(self, error: StorageFailed) -> None:
        """The way back is the commit's affair."""
        self._replica.commit.storage_failed(error)

    async def activate(self, table: Table) -> None:
        self._catalog.save(table_status.table_active(table))

    async def delete(self, table: Table) -> None:
        """Take away the items of a table and of its indexes, then the table."""
        await self._replica.commit.drain()
        for identifier in (table.identifier, *(index.identifier for index in table.global_indexes)):
            self._delete_identifier(identifier)
        store = self._replica.store
        store.delete_range("expiries", *expiry.partition_bounds(table.identifier))
        self._catalog.remove(table.name)
        self._counter.forget(table)

    async def remove_index(self, table: Table, index: Index) -> None:
        await self._replica.commit.drain()
        self._delete_identifier(index.identifier)
        self._catalog.save(table_status.index_removed(self._catalog.tables[table.name], index.name))

    def _delete_identifier(self, identifier: int) -> None:
        start = identifier.to_bytes(IDENTIFIER_BYTES, "big")
        end = (identifier + 1).to_bytes(IDENTIFIER_BYTES, "big")
        self._replica.store.delete_range("items", start, end)
        self._replica.store.delete_range("indexes", start, end)

    async def fill_index(self, table: Table, index: Index) -> None:
        """Backfill: walk the table in slices, and put each item's entry as the item is by then.

        Writes of clients keep the index meanwhile, since the descriptor names it. A slice is read
        and written in one turn of the loop, so no write comes between.
        """
        name = table.name
        # Writes evaluated before the descriptor named the index know nothing of it: they must be
        # in the store before it is read.
        await self._replica.commit.drain()
        table = self._catalog.tables[name]
        self._catalog.save(table_status.index_backfilling(table, index.name))
        for start, end in keys.scan_bounds(table, None, 0, 1):
            position: bytes | None = start
            while position is not None:
                position = self._fill_slice(name, index.name, position, end)
                await asyncio.sleep(0)
                if self._is_deleting(name, index.name):
                    return
        await self._replica.commit.drain()
        self._catalog.save(table_status.index_active(self._catalog.tables[name], index.name))

    def _is_deleting(self, name: str, index_name: str) -> bool:
        index = self._catalog.tables[name].index(index_name)
        return index is not None and index.status == "DELETING"

    def _fill_slice(self, name: str, index_name: str, start: bytes, end: bytes) -> bytes | None:
        """Put the entries of the next items; the key to go on from, or None at the end."""
        table = self._catalog.tables[name]
        index = table.index(index_name)
        assert index is not None
        for count, (key, stored) in enumerate(self._replica.store.cursor("items", start, end)):
            if count == SLICE_ENTRIES:
                return key
            # As stored, not as in flight: a write in flight carries its own change of the entry,
            # and its batch comes after this one.
            try:
                found = item_format.read(key, stored)
            except item_format.Damaged as error:
                logger.error(
                    "%s has no entry in index %s: %s", name_of(key, [table]), index_name, error
                )
                continue
            change = index_change(table, index, None, orjson.loads(found.payload))
            if change is not None:
                self._replica.store.write(index_writes([change], found.timestamp), sync=False)
        return None
