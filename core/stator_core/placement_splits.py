"""How many partitions a table has: split what is too big or too hot, merge what is small and cold.

In: the view and the ledger. Out: SplitPartition, MergePartitions, and for neighbours that could
merge but lie on different nodes the wish to bring them together, which `placement_replicas.py`
fulfils. Neither moves data: a split's halves keep the members, a merge needs equal members.

Invariant: what a merge makes is far below what a split cuts, and a range that has just changed
rests, so the two never chase each other.
"""

from __future__ import annotations

from itertools import pairwise

from stator_core.placement_ledger import Ledger
from stator_core.placement_types import (
    MergePartitions,
    NodeState,
    SplitPartition,
    TableSpecification,
)
from stator_core.placement_view import ClusterView, Partition

Pair = tuple[Partition, Partition]


def heat(partition: Partition, view: ClusterView) -> float:
    """Traffic as a part of what makes a partition split; reads and writes add up."""
    limits = view.configuration
    reads = partition.read_units / limits.split_read_units
    return reads + partition.write_units / limits.split_write_units


def _rests(partition: Partition, view: ClusterView, seconds: float) -> bool:
    assert partition.leader is not None
    return view.now - partition.leader.range_since < seconds


# ------------------------------------------------------------------------------------------- split


class SplitRules:
    """Hands out child ids, so there is one of it in a planning."""

    def __init__(self, view: ClusterView, ledger: Ledger, next_partition_id: int) -> None:
        self.view = view
        self.ledger = ledger
        self.next_partition_id = next_partition_id

    def split(self, partition: Partition) -> None:
        """Cut a partition that is too big at its byte median, one too hot at its traffic median."""
        limits = self.view.configuration
        leader = partition.leader
        assert leader is not None
        is_big = partition.size_bytes >= limits.split_bytes
        warmth = heat(partition, self.view)
        if not is_big and warmth < 1.0:
            return
        why_not = self._why_not(partition)
        at_hash = leader.byte_median if is_big else leader.traffic_median
        if not why_not and not is_big and leader.hot_key_share > limits.hot_key_share_max:
            share = round(100 * leader.hot_key_share)
            why_not = f"hot, but one key makes {share} % of the traffic: a split would not help"
        if not why_not and not self._cuts(partition, at_hash):
            why_not = f"too {'big' if is_big else 'hot'}, but no hash cuts it in halves"
        if why_not or at_hash is None:
            self.ledger.skip(partition.subject, why_not)
        elif self.ledger.may_disturb(partition):
            self.ledger.decide(
                SplitPartition(
                    partition.partition_id,
                    partition.descriptor.table_identifier,
                    partition.descriptor.epochs,
                    at_hash,
                    self.next_partition_id,
                )
            )
            self.next_partition_id += 1

    def _why_not(self, partition: Partition) -> str:
        limits = self.view.configuration
        table = self.view.table_of(partition)
        known = len(self.view.map_of(partition.descriptor.table_identifier).segments)
        if table is None or table.pinned:
            return "should be split, but its table must lie in one partition"
        if known >= limits.partitions_per_table_max:
            return f"should be split, but its table has {known} partitions, the most there may be"
        if not self.view.has_good_majority(partition):
            return "should be split, but too few members have caught up"
        if _rests(partition, self.view, limits.split_rest_seconds):
            return "should be split, but rests after its last change of range"
        return ""

    @staticmethod
    def _cuts(partition: Partition, at_hash: int | None) -> bool:
        range_ = partition.descriptor.range
        return at_hash is not None and range_.start < at_hash < range_.end


# ------------------------------------------------------------------------------------------- merge


def merging_pair(table: TableSpecification, view: ClusterView) -> Pair | None:
    """The first two neighbours of the table that should be one; one pair of a table at a time."""
    if not view.configuration.merges or table.status not in ("ACTIVE", "UPDATING"):
        return None
    if table.has_shards:
        return None
    in_order = [
        view.led[descriptor.partition_id]
        for descriptor in view.map_of(table.identifier).partitions
        if descriptor.partition_id in view.led
    ]
    least = 1 if table.pinned else max(1, table.partitions_on_creation)
    if len(in_order) <= least:
        return None
    for left, right in pairwise(in_order):
        touching = left.descriptor.range.end == right.descriptor.range.start
        if touching and (table.pinned or _is_small_and_cold(left, right, view)):
            return left, right
    return None


def _is_small_and_cold(left: Partition, right: Partition, view: ClusterView) -> bool:
    limits = view.configuration
    if any(_rests(side, view, limits.merge_rest_seconds) for side in (left, right)):
        return False
    small = left.size_bytes + right.size_bytes <= limits.merge_fraction * limits.split_bytes
    return small and heat(left, view) + heat(right, view) <= limits.merge_fraction


def wishes(view: ClusterView) -> dict[int, frozenset[str]]:
    """For both sides of each merging pair the nodes where they should lie: the left one's.

    A left side that is about to change its own members is waited for.
    """
    wished: dict[int, frozenset[str]] = {}
    for table in view.tables.values():
        pair = merging_pair(table, view)
        if pair is None:
            continue
        left, right = pair
        nodes = left.descriptor.node_ids
        stays = all(view.state_of(node_id) is NodeState.ALIVE for node_id in nodes)
        if stays and not left.is_moving and len(nodes) == table.replication:
            wished[left.partition_id] = wished[right.partition_id] = nodes
    return wished


def merge(table: TableSpecification, view: ClusterView, ledger: Ledger) -> None:
    """Merge the table's pair, once both sides lie on the same nodes and are whole."""
    pair = merging_pair(table, view)
    if pair is None:
        return
    left, right = pair
    if left.descriptor.node_ids != right.descriptor.node_ids:
        ledger.skip(right.subject, f"merges with partition {left.partition_id} once moved to it")
        return
    if not all(_is_whole(side, view) for side in pair):
        ledger.skip(right.subject, f"merges with partition {left.partition_id} once both are whole")
        return
    if ledger.may_disturb(left) and ledger.may_disturb(right):
        ledger.decide(
            MergePartitions(
                left.partition_id,
                table.identifier,
                left.descriptor.epochs,
                right.partition_id,
                right.descriptor.epochs,
            )
        )


def _is_whole(partition: Partition, view: ClusterView) -> bool:
    voters = partition.descriptor.voters
    return not partition.is_moving and len(view.good_voters(partition)) == len(voters)
