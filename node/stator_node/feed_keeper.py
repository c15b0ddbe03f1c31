"""Has the feeds of the partitions that this pod leads rolled and trimmed on time.

In: the replicas of this pod, and time. Each second it asks `stator_core.feed_keeping` what is due
for each partition that is led here. Out: ROLL and TRIM entries, proposed by
`hosted_partition.py`. Started by `node.py`. Invariant: an entry is proposed again only when the
one before it is applied, or lost with its term.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

from stator_core import change_format, feed_keeping, partition_changes
from stator_core.entry_format import EntryKind
from stator_core.partition_state import EXPIRIES, PartitionState
from stator_core.raft.refusals import Refusal
from stator_node.doors import Clock, ItemStore, StorageFailed
from stator_node.hosted_partition import HostedPartition

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


class FeedKeeper:
    """Looks after all feeds of one pod."""

    def __init__(self, partitions: Mapping[int, HostedPartition], clock: Clock) -> None:
        self._partitions = partitions
        self._clock = clock
        self._proposed: dict[int, tuple[int, int]] = {}  # by partition: term, index

    async def run(self) -> None:
        """Look, forever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for hosted in tuple(self._partitions.values()):
                try:
                    self.look(hosted)
                except (Refusal, StorageFailed) as error:
                    logger.warning("partition %d keeps its feed: %s", hosted.partition_id, error)

    def look(self, hosted: HostedPartition) -> None:
        """Propose what is due for one partition. Raises Refusal, StorageFailed."""
        state = hosted.state
        if state is None or state.is_of_index or not hosted.may_propose:
            return
        term, index = self._proposed.get(hosted.partition_id, (0, 0))
        if term == hosted.raft.term and hosted.log.applied < index:
            return  # The state does not show yet what has been proposed.
        now = int(self._clock.now() * 1000)
        if feed_keeping.is_roll_due(state, now):
            self._propose(hosted, EntryKind.ROLL, b"{}")
        until = feed_keeping.trimmable_until(state, now)
        oldest = partial(oldest_change, hosted)
        if feed_keeping.is_trim_due(state.shards, state.trimmed, until, oldest):
            self._propose(hosted, EntryKind.TRIM, partition_changes.trim_body(until))

    def _propose(self, hosted: HostedPartition, kind: EntryKind, body: bytes) -> None:
        index = hosted.propose_change(kind, body)
        self._proposed[hosted.partition_id] = hosted.raft.term, index


def oldest_change(hosted: HostedPartition) -> int | None:
    """The stamp of the first record that is left of a feed."""
    assert hosted.state is not None
    bounds = change_format.feed_bounds(hosted.partition_id, hosted.state.trimmed - 1)
    found = hosted.commit.store.cursor("changes", *bounds).take(1)
    return change_format.stamp_of(found[0][0]) if found else None


def has_delivered(store: ItemStore, state: PartitionState) -> bool:
    """Whether all changes of a partition have reached all indexes that follow it."""
    followed = [each for each in state.followers if each.name != EXPIRIES]
    if not followed:
        return True
    delivered = min(each.delivered for each in followed)
    bounds = change_format.feed_bounds(state.descriptor.partition_id, delivered)
    return not store.cursor("changes", *bounds).take(1)
