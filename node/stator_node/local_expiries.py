"""Time to live in one process: each table has one index by expiry, under the table's identifier.

In: the catalog's settings. Every round it makes the index of a table what its setting wants, filled
or gone, and sweeps what is due (`expiry_sweep.py`). Which setting an index was filled for stands in
the family "meta" under `expiries/` and the table's identifier, written when the index is whole: a
crash on the way leaves the old mark, and the index is made anew from the start. Invariant: no sweep
before its index was begun for the very setting that is in force.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import orjson

from stator_core import expiry, keys
from stator_core.item_format import Damaged
from stator_core.key_format import IDENTIFIER_BYTES, identifier_of
from stator_core.table import Table
from stator_node.catalog import SERVING, Catalog
from stator_node.doors import Clock, ItemStore, StorageDamaged
from stator_node.expiry_filling import fill_slice, settle
from stator_node.expiry_sweep import ROUND_SECONDS, Expiries, Pass, SweepCounts, SweepPass
from stator_node.replica import Replica
from stator_node.storage_errors import name_of

logger = logging.getLogger(__name__)

MARK_PREFIX = b"expiries/"
MARK_END = b"expiries0"  # the byte after "/"


def mark_key(identifier: int) -> bytes:
    """Where the mark of a table is kept, in the family "meta"."""
    return MARK_PREFIX + identifier.to_bytes(IDENTIFIER_BYTES, "big")


def setting_of(table: Table) -> bytes:
    """The setting in force as the mark has it; empty for none."""
    if table.expires_by is None:
        return b""
    assert table.time_to_live is not None
    return orjson.dumps([table.expires_by, table.time_to_live.modified])


class LocalExpiries(Expiries):
    """The indexes by expiry of all tables of one process, and their sweep."""

    def __init__(
        self,
        catalog: Catalog,
        replica: Replica,
        clock: Clock,
        *,
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        """Raises StorageFailed."""
        super().__init__(clock, round_seconds)
        self._catalog = catalog
        self._replica = replica
        self.counts: dict[int, SweepCounts] = {}  # by table identifier
        self._marks = Marks(replica.commit.store)

    def _fills(self) -> Sequence[Pass]:
        tables = tuple(self._catalog.tables.values())
        self._marks.forget_others({table.identifier for table in tables})
        return [
            FillPass(self._catalog, self._replica, self._marks, table)
            for table in tables
            if table.status in SERVING and self._marks.of(table) != setting_of(table)
        ]

    def _sweeps(self) -> Sequence[Pass]:
        tables = tuple(self._catalog.tables.values())
        for identifier in self.counts.keys() - {table.identifier for table in tables}:
            del self.counts[identifier]
        return [
            SweepPass(
                LocalPlace(self._catalog, self._replica, table),
                self._clock,
                self.counts.setdefault(table.identifier, SweepCounts()),
            )
            for table in tables
            if table.expires_by is not None and table.status in SERVING
        ]


class Marks:
    """For which setting each table's index is whole."""

    def __init__(self, store: ItemStore) -> None:
        """Raises StorageFailed."""
        self._store = store
        self._marks = {
            int.from_bytes(key[len(MARK_PREFIX) :], "big"): mark
            for key, mark in store.cursor("meta", MARK_PREFIX, MARK_END)
        }

    def of(self, table: Table) -> bytes:
        """The setting that this table's index was filled for; empty: there is no index."""
        return self._marks.get(table.identifier, b"")

    def put(self, identifier: int, setting: bytes) -> None:
        """Note it durably. Raises StorageFailed."""
        self._store.write([("meta", mark_key(identifier), setting or None)], sync=True)
        if setting:
            self._marks[identifier] = setting
        else:
            self._marks.pop(identifier, None)

    def forget_others(self, identifiers: set[int]) -> None:
        """Only these tables are left. Raises StorageFailed."""
        for identifier in self._marks.keys() - identifiers:
            self.put(identifier, b"")


class LocalPlace:
    """The `expiry_sweep.SweptPlace` that a table of one process is."""

    def __init__(self, catalog: Catalog, replica: Replica, table: Table) -> None:
        self.partition_id = table.identifier
        self.replica = replica
        self._catalog = catalog
        self._name = table.name

    def table(self) -> Table | None:
        """The table while it is the same one, served, and expires by an attribute."""
        table = _serving(self._catalog, self._name, self.partition_id)
        return None if table is None or table.expires_by is None else table

    def holds(self, item_key: bytes) -> bool:
        return identifier_of(item_key) == self.partition_id

    def damaged(self, error: Damaged | StorageDamaged) -> None:
        if isinstance(error, StorageDamaged):
            return  # The round says so, and ends.
        table = self.table()
        name = name_of(error.key, [] if table is None else [table])
        logger.error("%s is left alone by time to live: %s", name, error)


class FillPass:
    """Makes one table's index what its setting wants: gone, or whole."""

    def __init__(self, catalog: Catalog, replica: Replica, marks: Marks, table: Table) -> None:
        self._catalog = catalog
        self._commit = replica.commit
        self._marks = marks
        self._place = LocalPlace(catalog, replica, table)
        self._name = table.name
        self._setting = setting_of(table)
        self._range: tuple[bytes, bytes] | None = None  # what is still to be walked

    async def slice(self) -> bool:
        """Begin, or go on with the next items. Raises DynamoDBError, StorageFailed."""
        identifier = self._place.partition_id
        if self._range is None:
            await settle(self._commit)
        table = _serving(self._catalog, self._name, identifier)
        if table is None or setting_of(table) != self._setting:
            return True  # Another setting by now: the next round begins anew.
        if self._range is None:
            bounds = expiry.partition_bounds(identifier)
            self._commit.store.delete_range("expiries", *bounds)
            ((start, end),) = keys.scan_bounds(table, None)
            self._range = start, end
        if self._setting:
            start, end = self._range
            damaged = self._place.damaged
            position = await fill_slice(self._commit, table, identifier, start, end, damaged)
            if position is not None:
                self._range = position, end
                return False
        self._marks.put(identifier, self._setting)
        return True


def _serving(catalog: Catalog, name: str, identifier: int) -> Table | None:
    """The table of that name while it is served, and still the same one."""
    table = catalog.tables.get(name)
    if table is None or table.identifier != identifier or table.status not in SERVING:
        return None
    return table
