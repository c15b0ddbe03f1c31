"""Filling the index by expiry with the items that were there before time to live was enabled.

In: a table whose descriptor names the attribute, a partition of it, and where to go on. Out: the
entries of the next items, staged behind whatever is in flight. Clients' writes keep the index
meanwhile (`partition.py`); an item is read as its newest write has it and its entry staged in the
same turn of the event loop, so an entry never falls behind its item. Called by `local_expiries.py`
and `cluster_expiries.py`, which remember how far it has come.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from stator_core import expiry, item_format
from stator_core.item_format import Damaged
from stator_core.table import Table
from stator_node.doors import Operation
from stator_node.group_commit import Commit
from stator_node.pending import wait

SLICE_ENTRIES = 200


async def settle(commit: Commit) -> None:
    """Wait until all writes that may have been evaluated before this moment are applied.

    Those that were evaluated before the attribute was known have no entries beside them.
    """
    await wait(commit.answer_after(commit.stage_beside(()), b""))


async def fill_slice(
    commit: Commit,
    table: Table,
    partition_id: int,
    start: bytes,
    end: bytes,
    damaged: Callable[[Damaged], None],
) -> bytes | None:
    """Put the entries of the next items; the key to go on from, or None at the end.

    Raises what the commit fails with, or StorageFailed.
    """
    assert table.expires_by is not None
    found = commit.store.cursor("items", start, end).take(SLICE_ENTRIES + 1)
    operations: list[Operation] = []
    for key, _ in found[:SLICE_ENTRIES]:
        stored = commit.item(key)
        if stored is None:
            continue
        try:
            item = orjson.loads(item_format.payload_of(key, stored))
        except Damaged as error:
            damaged(error)
            continue
        second = expiry.second_of(item, table.expires_by)
        if second is not None:
            operations.append(expiry.entry(partition_id, second, key))
    if operations:
        await wait(commit.answer_after(commit.stage_beside(operations), b""))
    return found[SLICE_ENTRIES][0] if len(found) > SLICE_ENTRIES else None
