"""Takes away tombstones of global indexes that nothing late can come for any more.

In: the partitions of global indexes that this pod leads, and time. Every few minutes each is walked
in slices, beside other work; what has stood for longer than TOMBSTONE_SECONDS is deleted through
the partition's log. Out: writes into `raft_commit.py`. Started by `node.py`. Invariant: a tombstone
that a newer write in flight has replaced stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from stator_core import index_entries
from stator_core.errors import DynamoDBError
from stator_core.index_entries import TOMBSTONE_SECONDS
from stator_core.item_format import Damaged
from stator_node.doors import Clock, Operation, StorageFailed
from stator_node.hosted_partition import HostedPartition
from stator_node.pending import wait
from stator_node.raft_commit import NotLeading

logger = logging.getLogger(__name__)

ROUND_SECONDS = 600.0
SLICE_TOMBSTONES = 200
REST_SECONDS = 0.05


async def run(partitions: Mapping[int, HostedPartition], clock: Clock) -> None:
    """Sweep, forever."""
    while True:
        await asyncio.sleep(ROUND_SECONDS)
        for hosted in tuple(partitions.values()):
            try:
                await sweep(hosted, clock)
            except (Damaged, StorageFailed, DynamoDBError, NotLeading) as error:
                logger.warning("partition %d keeps tombstones: %s", hosted.partition_id, error)


async def sweep(hosted: HostedPartition, clock: Clock) -> int:
    """Sweep one partition, if it is an index's and led here. Gives the number of tombstones gone.

    Raises Damaged, StorageFailed, DynamoDBError, NotLeading.
    """
    state = hosted.state
    if state is None or not state.is_of_index or not hosted.may_write:
        return 0
    (start, end), swept = next((s, e) for f, s, e in state.owned_ranges() if f == "indexes"), 0
    while hosted.may_write:
        found = hosted.commit.store.cursor("indexes", start, end).take(SLICE_TOMBSTONES)
        due: list[Operation] = [
            ("indexes", key, None)
            for key, stored in found
            if clock.now() - index_entries.read_tombstone(key, stored).stored_at > TOMBSTONE_SECONDS
            and hosted.commit.index_entry(key) == stored
        ]
        if due:
            await wait(hosted.commit.answer_after(hosted.commit.stage_beside(due), b""))
            swept += len(due)
        if len(found) < SLICE_TOMBSTONES:
            break
        start = found[-1][0] + b"\x00"
        await asyncio.sleep(REST_SECONDS)
    return swept
