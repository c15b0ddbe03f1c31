"""The work behind the states of tables, in a cluster of storage pods.

In: the next step of a table, from `table_life.py`. The partitions are made, filled and taken away
by the pods, steered by `supervisor.py`; this waits until the pods report what the next state
promises. Invariant: a table is ACTIVE only when every partition of it has a leader that knows its
description.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from stator_core import table_status
from stator_core.table import Index, Table
from stator_core.table_description import TableStatistics
from stator_node.catalog import Catalog
from stator_node.cluster_view import ClusterView
from stator_node.doors import StorageFailed
from stator_node.reports import identifiers_of
from stator_node.supervisor import Supervisor

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
FOLLOWER_LOOKS_MAX = 40
TELLING_LOOKS_MAX = 40


class ClusterTableWork:
    """The `table_life.TableWork` of a cluster."""

    def __init__(self, catalog: Catalog, view: ClusterView, supervisor: Supervisor) -> None:
        self._catalog = catalog
        self._view = view
        self._supervisor = supervisor

    async def activate(self, table: Table) -> None:
        """Wait for leaders everywhere, and for this gateway to know them."""
        identifiers = set(identifiers_of(table))
        await _until(lambda: identifiers <= self._supervisor.ready)
        await self._change(table.name, table_status.table_active)

    async def delete(self, table: Table) -> None:
        """Wait until no pod holds anything of the table and its indexes.

        A table that ever had a stream gives up its items and its name only: its partitions stay
        for the readers of the stream, and the supervisor takes them away when all is trimmed.
        """
        await self._tell_of_end(table)
        indexes = {index.identifier for index in table.global_indexes}
        if table.latest_stream_label is None:
            await _until(lambda: indexes | {table.identifier} <= self._supervisor.gone)
            self._catalog.remove(table.name)
            return
        await _until(lambda: indexes <= self._supervisor.gone)
        deleted = table_status.table_deleted(table)
        while True:
            if await self._supervisor.describe(deleted):
                break
            await asyncio.sleep(LOOK_SECONDS)
        self._catalog.save_deleted(deleted)
        self._supervisor.saved(deleted)

    async def _tell_of_end(self, table: Table) -> None:
        """Have the partitions know that they go, before the first of them has gone.

        So that a record of the tables that is lost can be rebuilt (`found_cluster.py`). But not
        forever: some may have no leader any more.
        """
        for _ in range(TELLING_LOOKS_MAX):
            if await self._supervisor.describe(table):
                break
            await asyncio.sleep(LOOK_SECONDS)
        self._supervisor.let_go(table)

    async def remove_index(self, table: Table, index: Index) -> None:
        """Wait until no pod holds anything of the index, then describe the table without it."""
        await _until(lambda: index.identifier in self._supervisor.gone)
        await self._change(
            table.name, lambda present: table_status.index_removed(present, index.name)
        )

    async def fill_index(self, table: Table, index: Index) -> None:
        """Wait for the partitions of the index, and until those of the table have filled them."""
        await _until(lambda: index.identifier in self._supervisor.ready)

        def is_wanted(present: Table) -> bool:
            known = present.index(index.name)
            return present.status != "DELETING" and known is not None and known.status == "CREATING"

        def filling(present: Table) -> Table | None:
            if not is_wanted(present):
                return None
            return table_status.index_backfilling(present, index.name)

        def filled(present: Table) -> Table | None:
            if not is_wanted(present):
                return None
            return table_status.index_active(present, index.name)

        await self._change(table.name, filling)
        while not self._supervisor.has_filled(table, index):
            if not is_wanted(self._catalog.tables[table.name]):
                return  # Somebody deletes it, or the table.
            await asyncio.sleep(LOOK_SECONDS)
        await self._change(table.name, filled)

    async def _change(self, name: str, change: Callable[[Table], Table | None]) -> None:
        """Have all partitions describe the table as changed, then put it on record.

        Begun anew where the record has changed meanwhile: what a client asked for then is not to be
        written over. Where `change` gives None by then, nothing is done.
        """
        while True:
            before = self._catalog.tables[name]
            after = change(before)
            if after is None:
                return
            await self._described(after)
            if self._catalog.tables[name] is before:
                self._catalog.save(after)
                self._supervisor.saved(after)
                return
            self._supervisor.saved(after)  # The record is what counts again.

    async def _described(self, table: Table) -> None:
        """Wait until every partition of the table describes it like this, as this gateway knows.

        Followers too, since they answer eventual reads; but not for long, one may be away.
        """
        while True:
            if await self._supervisor.describe(table):
                break
            await asyncio.sleep(LOOK_SECONDS)
        await _until(lambda: self._view.tables.get(table.name) == table)
        for _ in range(FOLLOWER_LOOKS_MAX):
            if self._supervisor.is_described_by_all(table):
                return
            await asyncio.sleep(LOOK_SECONDS)

    def statistics(self, table: Table) -> TableStatistics:
        """What the leaders of the table's partitions have counted."""
        return self._view.statistics(table)

    def storage_failed(self, error: StorageFailed) -> None:
        """The control store refused; table operations say so until it takes writes again."""
        logger.error("the control store refuses: %s", error)


async def _until(is_so: Callable[[], bool]) -> None:
    """Look again and again: what is waited for happens in other processes."""
    while True:
        if is_so():
            return
        await asyncio.sleep(LOOK_SECONDS)
