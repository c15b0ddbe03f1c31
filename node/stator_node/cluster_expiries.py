"""Time to live in a cluster: the leader of each partition fills its index by expiry and sweeps it.

In: the partitions that this pod leads, and time. A partition whose log has the follower EXPIRIES
with a place in it is filled from there, in slices through its log, and the place is moved on by
FOLLOW entries, so a new leader goes on where the last one was. What is due is swept
(`expiry_sweep.py`), through the log as well: followers only apply. An entry of a key that went to
another partition by a split is taken away when it comes due. Started by `node.py`. Invariants: only
who may take a client's write deletes; while an index is so far behind that clients are throttled,
nothing is swept either.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from stator_core.entry_format import EntryKind
from stator_core.item_format import Damaged
from stator_core.key_format import hash_of, identifier_of
from stator_core.partition_changes import follow_body
from stator_core.partition_state import EXPIRIES, Follower, place_key
from stator_core.table import Table
from stator_node.catalog import SERVING
from stator_node.doors import Clock, StorageDamaged
from stator_node.expiry_filling import fill_slice, settle
from stator_node.expiry_sweep import ROUND_SECONDS, Expiries, Pass, SweepCounts, SweepPass
from stator_node.hosted_partition import HostedPartition
from stator_node.index_feeder import IndexFeeder
from stator_node.partition_host import PartitionHost
from stator_node.raft_commit import NotLeading
from stator_node.replica import Replica

logger = logging.getLogger(__name__)

FOLLOW_SLICES = 10  # from one FOLLOW entry to the next; what lies between may be done again


class ClusterExpiries(Expiries):
    """The indexes by expiry of all partitions that this pod leads, and their sweep."""

    def __init__(
        self,
        host: PartitionHost,
        feeder: IndexFeeder,
        writes: dict[int, int],
        clock: Clock,
        *,
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        """`writes` counts by table identifier, as for `replica.Replica`."""
        super().__init__(clock, round_seconds)
        self._host = host
        self._feeder = feeder
        self._writes = writes
        self._counts: dict[int, SweepCounts] = {}

    def report(self, hosted: HostedPartition) -> dict[str, Any] | None:
        """What a replica's report says of its sweep; None where nothing is swept here."""
        counts = self._counts.get(hosted.partition_id)
        state = hosted.state
        follower = None if state is None else state.follower(EXPIRIES)
        if counts is None or follower is None:
            return None
        return {**counts.report(), "filled": follower.filled is None}

    def _places(self) -> Iterator[ClusterPlace]:
        for hosted in tuple(self._host.partitions.values()):
            place = ClusterPlace(hosted, self._host, self._feeder, self._writes)
            if place.follower() is not None:
                yield place

    def _fills(self) -> Sequence[Pass]:
        return [
            FillPass(place)
            for place in self._places()
            if (follower := place.follower()) is not None and follower.filled is not None
        ]

    def _sweeps(self) -> Sequence[Pass]:
        places = {place.partition_id: place for place in self._places()}
        for partition_id in self._counts.keys() - places.keys():
            del self._counts[partition_id]
        return [
            SweepPass(place, self._clock, self._counts.setdefault(partition_id, SweepCounts()))
            for partition_id, place in places.items()
        ]


class ClusterPlace:
    """The `expiry_sweep.SweptPlace` that a led partition is."""

    def __init__(
        self,
        hosted: HostedPartition,
        host: PartitionHost,
        feeder: IndexFeeder,
        writes: dict[int, int],
    ) -> None:
        self.hosted = hosted
        self.partition_id = hosted.partition_id
        self.replica = Replica(
            hosted.commit, host.loop, host.clock, host.stamps, writes, hosted.partition_id
        )
        self._host = host
        self._feeder = feeder

    def follower(self) -> Follower | None:
        """How far the index is, where it is kept and led here; else None."""
        hosted, state = self.hosted, self.hosted.state
        is_here = self._host.partitions.get(self.partition_id) is hosted
        if state is None or not is_here or not hosted.may_write or state.is_of_index:
            return None
        return None if state.table.expires_by is None else state.follower(EXPIRIES)

    def table(self) -> Table | None:
        """The table while it is served, expires by an attribute, and takes writes here."""
        if self.follower() is None:
            return None
        assert self.hosted.state is not None
        table = self.hosted.state.table
        late = self._feeder.late(self.partition_id, table)
        return table if table.status in SERVING and late is None else None

    def holds(self, item_key: bytes) -> bool:
        assert self.hosted.state is not None
        descriptor = self.hosted.state.descriptor
        held = descriptor.range
        is_of_table = identifier_of(item_key) == descriptor.table_identifier
        return is_of_table and held.start <= hash_of(item_key) < held.end

    def damaged(self, error: Damaged | StorageDamaged) -> None:
        """This replica is rebuilt, so it leads no more. Raises NotLeading."""
        logger.error("partition %d: %s", self.partition_id, error)
        self._host.rebuild(self.hosted)
        raise NotLeading


class FillPass:
    """Takes the items of one partition into its index, from where its log says."""

    def __init__(self, place: ClusterPlace) -> None:
        self._place = place
        self._position: bytes | None = None
        self._slices = 0

    async def slice(self) -> bool:
        """Fill a little. Raises DynamoDBError, NotLeading, Refusal, StorageFailed."""
        try:
            return await self._fill()
        except StorageDamaged as error:
            self._place.damaged(error)
            raise

    async def _fill(self) -> bool:
        place, hosted = self._place, self._place.hosted
        if self._position is None:
            if place.follower() is None:
                return True
            await settle(hosted.commit)
        follower, state = place.follower(), hosted.state
        if follower is None or follower.filled is None or state is None:
            return True
        descriptor = state.descriptor
        position = self._position or bytes.fromhex(follower.filled)
        end = place_key(descriptor.table_identifier, descriptor.range.end)
        self._position = await fill_slice(
            hosted.commit, state.table, place.partition_id, position, end, place.damaged
        )
        self._slices += 1
        if self._position is None or self._slices % FOLLOW_SLICES == 0:
            filled = None if self._position is None else self._position.hex()
            reached = Follower(EXPIRIES, follower.delivered, filled)
            hosted.propose_change(EntryKind.FOLLOW, follow_body(reached))
        return self._position is None
