"""The cluster as one planning sees it: reports sorted by partition, and what follows from them.

In: specification, observation, now. Out: questions answered for the rules (`placement_replicas.py`,
`placement_leaders.py`, `placement_splits.py`, `placement_tables.py`): who leads, which copies are
good, whose range is current, which node may take more. Nothing here decides or changes.

Invariant: `led` holds only partitions whose leader can be believed; no rule acts on any other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from stator_core.partition_descriptor import PartitionDescriptor, Replica
from stator_core.partition_map import PartitionMap
from stator_core.placement_types import (
    InFlight,
    Node,
    NodeState,
    Observation,
    ReplicaReport,
    Specification,
    TableSpecification,
)

_HEARD = (NodeState.ALIVE, NodeState.DRAINING, NodeState.SUSPECT)
_SERVING = (NodeState.ALIVE, NodeState.DRAINING)


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: its descriptor (the leader's, else the newest) and its members' reports."""

    descriptor: PartitionDescriptor
    leader: ReplicaReport | None
    unled: str  # why there is no leader to talk to; empty if there is one
    members: dict[int, ReplicaReport]  # by replica id

    @property
    def partition_id(self) -> int:
        return self.descriptor.partition_id

    @property
    def subject(self) -> str:
        return f"partition {self.partition_id} of {self.descriptor.table_name}"

    @property
    def size_bytes(self) -> int:
        if self.leader is not None:
            return self.leader.size_bytes
        return max((report.size_bytes for report in self.members.values()), default=0)

    @property
    def read_units(self) -> float:
        return sum(report.read_units_per_second for report in self.members.values())

    @property
    def write_units(self) -> float:
        return sum(report.write_units_per_second for report in self.members.values())

    @property
    def is_moving(self) -> bool:
        return self.descriptor.joint is not None or bool(self.descriptor.learners)


class ClusterView:
    """Everything that the rules ask, computed once per planning."""

    def __init__(self, specification: Specification, observation: Observation, now: float) -> None:
        self.configuration = specification.configuration
        self.now = now
        self.nodes = {node.node_id: node for node in sorted(observation.nodes, key=_node_id)}
        self.tables = {table.identifier: table for table in specification.tables}
        assert len(self.tables) == len(specification.tables), "two tables of one identifier"
        self.reports = sorted(
            (report for report in observation.replicas if self._is_heard(report)),
            key=lambda report: (report.descriptor.partition_id, report.node_id),
        )
        patience = self.configuration.in_flight_seconds
        self.in_flight: tuple[InFlight, ...] = tuple(
            flight for flight in observation.in_flight if now - flight.started < patience
        )
        # Zones with a node that serves or may yet come back, and is to stay.
        self.zones_in_service = frozenset(
            node.zone
            for node in self.nodes.values()
            if node.state is NodeState.ALIVE or self.is_awaited(node)
        )
        self.partitions = self._sorted_by_partition()
        self.maps = self._led_maps()
        self.led = self._led()

    def _is_heard(self, report: ReplicaReport) -> bool:
        node = self.nodes.get(report.node_id)
        return node is not None and node.state in _HEARD

    # ------------------------------------------------------------------------------- partitions

    def _sorted_by_partition(self) -> dict[int, Partition]:
        grouped: dict[int, list[ReplicaReport]] = {}
        for report in self.reports:
            grouped.setdefault(report.descriptor.partition_id, []).append(report)
        return {key: self._partition(reports) for key, reports in sorted(grouped.items())}

    def _partition(self, reports: list[ReplicaReport]) -> Partition:
        newest = max((r.descriptor for r in reports), key=lambda d: d.seniority)
        leader = max((r for r in reports if r.is_leader), key=lambda r: r.term, default=None)
        descriptor = newest if leader is None else leader.descriptor
        members = {
            report.replica_id: report
            for report in reports
            if (replica := descriptor.replica(report.replica_id)) is not None
            and replica.node_id == report.node_id
        }
        unled = self._doubt(leader, newest, members)
        return Partition(descriptor, None if unled else leader, unled, members)

    def _doubt(
        self,
        leader: ReplicaReport | None,
        newest: PartitionDescriptor,
        members: dict[int, ReplicaReport],
    ) -> str:
        """Why this leader is not to be relied on; empty if it is."""
        if leader is None:
            return "no member says that it leads"
        if leader.replica_id not in members:
            return f"{leader.node_id} says that it leads but is no member"
        if self.nodes[leader.node_id].state not in _SERVING:
            return f"its leader {leader.node_id} is silent"
        if any(report.term > leader.term for report in members.values()):
            return "an election is under way"
        if newest.epochs != leader.descriptor.epochs and newest.is_newer_than(leader.descriptor):
            return f"a member knows a later state than its leader {leader.node_id} reported"
        return ""

    def _led_maps(self) -> dict[int, PartitionMap]:
        maps: dict[int, PartitionMap] = {}
        for partition in self.partitions.values():
            if partition.leader is not None:
                identifier = partition.descriptor.table_identifier
                known = maps.get(identifier) or PartitionMap(identifier)
                maps[identifier] = known.updated(partition.descriptor)
        return maps

    def _led(self) -> dict[int, Partition]:
        """Partitions with a leader and a range that nothing newer contradicts."""
        current = {
            descriptor.partition_id
            for partition_map in self.maps.values()
            for descriptor in partition_map.partitions
        }
        return {
            key: partition
            for key, partition in self.partitions.items()
            if partition.leader is not None and key in current
        }

    def table_of(self, partition: Partition) -> TableSpecification | None:
        return self.tables.get(partition.descriptor.table_identifier)

    def map_of(self, table_identifier: int) -> PartitionMap:
        return self.maps.get(table_identifier) or PartitionMap(table_identifier)

    # ------------------------------------------------------------------------------------ copies

    def is_caught_up(self, partition: Partition, replica: Replica) -> bool:
        """Whether the replica holds all but the last few entries, on a node that serves."""
        report = partition.members.get(replica.replica_id)
        node = self.nodes.get(replica.node_id)
        if report is None or partition.leader is None or node is None:
            return False
        behind = partition.leader.last_index - report.applied_index
        return node.state in _SERVING and behind <= self.configuration.caught_up_entries

    def good_voters(self, partition: Partition) -> tuple[Replica, ...]:
        voters = partition.descriptor.voters
        return tuple(voter for voter in voters if self.is_caught_up(partition, voter))

    def has_good_majority(self, partition: Partition) -> bool:
        return len(self.good_voters(partition)) >= majority(len(partition.descriptor.voters))

    def is_lost(self, node_id: str) -> bool:
        """Whether what the node held must be made anew elsewhere."""
        node = self.nodes.get(node_id)
        if node is None or node.state is NodeState.REMOVED:
            return True
        overdue = self.now - node.since >= self.configuration.dead_node_seconds
        return node.state is NodeState.DEAD and (node.replace_now or overdue)

    # ------------------------------------------------------------------------------------- nodes

    def state_of(self, node_id: str) -> NodeState:
        node = self.nodes.get(node_id)
        return NodeState.REMOVED if node is None else node.state

    def zone_of(self, node_id: str) -> str | None:
        node = self.nodes.get(node_id)
        return None if node is None else node.zone

    def is_settled(self, node: Node) -> bool:
        return self.now - node.since >= self.configuration.settled_seconds

    def is_awaited(self, node: Node) -> bool:
        """Silent, but not yet given up."""
        silent = node.state in (NodeState.SUSPECT, NodeState.DEAD)
        return silent and not self.is_lost(node.node_id)

    def is_zone_strict(self, replication: int) -> bool:
        """Whether there are zones enough that no two replicas may share one."""
        return len(self.zones_in_service) >= replication

    def zone_use(self, replicas: tuple[Replica, ...]) -> Counter[str]:
        zones = (self.zone_of(replica.node_id) for replica in replicas)
        return Counter(zone for zone in zones if zone is not None)


def majority(voters: int) -> int:
    return voters // 2 + 1


def used_fraction(node: Node) -> float:
    return 1.0 - node.free_bytes / node.capacity_bytes if node.capacity_bytes else 1.0


def _node_id(node: Node) -> str:
    return node.node_id
