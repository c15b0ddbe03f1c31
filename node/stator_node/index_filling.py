"""Filling a new global index of a replicated table, on the leader, while writes go on.

In: the partition and the index's name, from `node_requests.py`. It walks the items in slices and
puts each one's entry into the log, as the item is when its turn comes: in flight, or else as
applied. Writes of clients carry the changes of their own entries, and what is in the log first is
applied first, so an entry never falls behind its item. Invariant: it ends when every entry is
applied here.
"""

from __future__ import annotations

import asyncio

import orjson

from stator_core import item_format, keys
from stator_core.indexes import index_change
from stator_core.partition import index_writes
from stator_core.table import Index, Table
from stator_node.doors import Operation
from stator_node.hosted_partition import HostedPartition
from stator_node.pending import wait

SLICE_ENTRIES = 200


class IndexNotFilled(Exception):
    """It has to be begun again: the leader, the partition or the index is another by now."""


class IndexFilling:
    """One walk over the items of a partition."""

    def __init__(self, hosted: HostedPartition, index_name: str) -> None:
        self._hosted = hosted
        self._index_name = index_name

    async def run(self) -> None:
        """Fill the index. Raises IndexNotFilled, or what the commit fails with."""
        table, _ = self._target()
        for start, end in keys.scan_bounds(table, None, 0, 1):
            position: bytes | None = start
            while position is not None:
                position, operations = self._slice(position, end)
                if operations:
                    commit = self._hosted.commit
                    await wait(commit.answer_after(commit.stage_entries(operations), b""))
                else:
                    await asyncio.sleep(0)

    def _target(self) -> tuple[Table, Index]:
        hosted = self._hosted
        if not hosted.may_write or hosted.state is None:
            raise IndexNotFilled("the partition is led elsewhere")
        index = hosted.state.table.index(self._index_name)
        if index is None or index.status != "CREATING":
            raise IndexNotFilled("the index is not being created here")
        return hosted.state.table, index

    def _slice(self, start: bytes, end: bytes) -> tuple[bytes | None, list[Operation]]:
        """The entries of the next items, and the key to go on from, None at the end."""
        table, index = self._target()
        commit = self._hosted.commit
        operations: list[Operation] = []
        for count, (key, _) in enumerate(commit.store.cursor("items", start, end)):
            if count == SLICE_ENTRIES:
                return key, operations
            stored = commit.item(key)
            if stored is None:
                continue
            found = item_format.read(key, stored)
            change = index_change(table, index, None, orjson.loads(found.payload))
            if change is not None:
                operations += index_writes([change], found.timestamp)
        return None, operations
