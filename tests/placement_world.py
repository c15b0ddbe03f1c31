"""A small cluster for the planner's tests: nodes that fail, partitions as Raft would keep them.

Actions planned here are started, and later executed or failed in whatever order the test likes. A
partition's truth (`Group`) changes only as its log allows: with a leader, a quorum, and epochs that
still fit. What a node holds outlives its membership, as on a real disk, until it is told.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from stator_core import partition_descriptor as descriptors
from stator_core.key_format import HASH_SPACE
from stator_core.partition_descriptor import (
    ChangeRefused,
    HashRange,
    PartitionDescriptor,
    Replica,
    Role,
)
from stator_core.placement_types import (
    Action,
    AddLearner,
    Configuration,
    CreatePartition,
    DeletePartition,
    DeleteStray,
    InFlight,
    MarkTableActive,
    MarkTableDeleted,
    MergePartitions,
    Node,
    NodeState,
    Observation,
    PromoteLearner,
    RemoveNode,
    RemoveReplica,
    ReplicaReport,
    Specification,
    SplitPartition,
    TableSpecification,
    TransferLeader,
)

GIB = 1_073_741_824


@dataclass
class Machine:
    """A node: what it holds by partition id, and how it fares."""

    zone: str
    since: float = -1_000.0
    is_up: bool = True
    is_draining: bool = False
    is_removed: bool = False
    replace_now: bool = False
    is_lost_for_good: bool = False
    ballast_bytes: int = 0
    capacity_bytes: int = 1_000 * GIB
    held: dict[int, tuple[int, PartitionDescriptor]] = field(default_factory=dict)


@dataclass
class Group:
    """One partition as its own log has it."""

    descriptor: PartitionDescriptor
    applied: dict[int, int]
    last_index: int = 10_000
    term: int = 1
    leader: int | None = None
    size_bytes: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    hot_key_share: float = 0.0
    range_since: float = 0.0

    @property
    def quorums(self) -> list[frozenset[int]]:
        joint = self.descriptor.joint
        if joint is not None:
            return [joint.incoming, joint.outgoing]
        return [frozenset(voter.replica_id for voter in self.descriptor.voters)]


class Refused(Exception):
    """An action that no longer fits."""


class World:
    def __init__(
        self, machines: dict[str, str], configuration: Configuration | None = None
    ) -> None:
        self.now = 10_000.0
        self.configuration = configuration or Configuration()
        self.machines = {node_id: Machine(zone) for node_id, zone in machines.items()}
        self.groups: dict[int, Group] = {}
        self.tables: dict[int, TableSpecification] = {}
        self.deleted: set[int] = set()
        self.pending: list[InFlight] = []
        self.next_partition_id = 1

    def table(self, *placements: str, identifier: int = 1, **changes: Any) -> list[Group]:
        """An ACTIVE table of equal partitions, each on the nodes that its text names.

        The first node leads. Partition ids go on from one.
        """
        self.tables[identifier] = TableSpecification(
            f"Table{identifier}", identifier, **{"status": "ACTIVE", **changes}
        )
        made = []
        for index, names in enumerate(placements):
            start, end = (HASH_SPACE * edge // len(placements) for edge in (index, index + 1))
            descriptor = descriptors.new_partition(
                self.next_partition_id,
                f"Table{identifier}",
                identifier,
                HashRange(start, end),
                tuple(names.split()),
            )
            members = [replica.replica_id for replica in descriptor.replicas]
            made.append(Group(descriptor, dict.fromkeys(members, 10_000), leader=1))
            self.groups[self.next_partition_id] = made[-1]
            self.next_partition_id += 1
        for group in made:
            self.tell_members(group)
        return made

    def fail(self, node_id: str, seconds_ago: float = 0.0) -> None:
        """The node is down, and so silent that its partitions elect other leaders."""
        machine = self.machines[node_id]
        machine.is_up, machine.since = False, self.now - seconds_ago
        self.tick()

    def run(self, actions: tuple[Action, ...]) -> None:
        """Every action succeeds at once, and everybody catches up."""
        self.start(actions)
        for flight in list(self.pending):
            self.finish(flight)
        self.tick()
        for group in self.groups.values():
            self.replicate(group)

    # ----------------------------------------------------------------------------------- observing

    def specification(self) -> Specification:
        tables = tuple(self.tables.values())
        return Specification(tables, self.configuration, frozenset(self.deleted))

    def observation(self) -> Observation:
        nodes = tuple(
            Node(
                node_id,
                machine.zone,
                self.state_of(node_id),
                machine.since,
                machine.capacity_bytes,
                max(0, machine.capacity_bytes - machine.ballast_bytes - self.held_bytes(node_id)),
                machine.replace_now,
            )
            for node_id, machine in self.machines.items()
        )
        reports = tuple(
            self.report(node_id, partition_id)
            for node_id, machine in self.machines.items()
            if machine.is_up
            for partition_id in machine.held
        )
        return Observation(nodes, reports, self.next_partition_id, tuple(self.pending))

    def state_of(self, node_id: str) -> NodeState:
        machine = self.machines[node_id]
        if machine.is_removed:
            return NodeState.REMOVED
        if not machine.is_up:
            return NodeState.DEAD if self.now - machine.since > 10 else NodeState.SUSPECT
        return NodeState.DRAINING if machine.is_draining else NodeState.ALIVE

    def held_bytes(self, node_id: str) -> int:
        held = self.machines[node_id].held
        return sum(self.groups[key].size_bytes for key in held if key in self.groups)

    def report(self, node_id: str, partition_id: int) -> ReplicaReport:
        replica_id, remembered = self.machines[node_id].held[partition_id]
        group = self.groups.get(partition_id)
        replica = None if group is None else group.descriptor.replica(replica_id)
        if group is None or replica is None or replica.node_id != node_id:
            return ReplicaReport(node_id, replica_id, remembered, False, 1, 0, 0)
        leads = group.leader == replica_id
        range_ = group.descriptor.range
        middle = (range_.start + range_.end) // 2
        return ReplicaReport(
            node_id,
            replica_id,
            group.descriptor,
            leads,
            group.term,
            group.applied[replica_id],
            group.last_index if leads else group.applied[replica_id],
            group.size_bytes,
            group.read_units if leads else 0.0,
            group.write_units if leads else 0.0,
            group.hot_key_share,
            middle if middle > range_.start else None,
            middle if middle > range_.start else None,
            group.range_since,
        )

    # ------------------------------------------------------------------------------------- living

    def up(self, group: Group, replica_id: int) -> bool:
        replica = group.descriptor.replica(replica_id)
        return replica is not None and self.machines[replica.node_id].is_up

    def has_quorum(self, group: Group) -> bool:
        return all(
            sum(self.up(group, voter) for voter in voters) > len(voters) // 2
            for voters in group.quorums
        )

    def tick(self, seconds: float = 0.0) -> None:
        """Time passes: elections, joint configurations left, members learn what they are."""
        self.now += seconds
        for group in self.groups.values():
            if not self.has_quorum(group):
                group.leader = None
                continue
            leader = group.leader
            if leader is None or not self.up(group, leader) or not self._votes(group, leader):
                able = [
                    v.replica_id for v in group.descriptor.voters if self.up(group, v.replica_id)
                ]
                group.leader = max(able, key=lambda r: (group.applied[r], -r))
                group.term += 1
                group.applied[group.leader] = group.last_index
            if group.descriptor.joint is not None:
                self.replicate(group)
                self.change(group, descriptors.leaving_joint(group.descriptor))
                if group.descriptor.replica(group.leader) is None:
                    group.leader = None
        for group in self.groups.values():
            self.tell_members(group)

    @staticmethod
    def _votes(group: Group, replica_id: int) -> bool:
        replica = group.descriptor.replica(replica_id)
        return replica is not None and replica.role is Role.VOTER

    def tell_members(self, group: Group) -> None:
        if group.leader is None:
            return
        for replica in group.descriptor.replicas:
            machine = self.machines[replica.node_id]
            if machine.is_up:
                machine.held[group.descriptor.partition_id] = (replica.replica_id, group.descriptor)

    def write(self, group: Group, entries: int) -> None:
        """The smallest quorum that is up gets more entries; everybody else falls behind."""
        if group.leader is None or not self.has_quorum(group):
            return
        group.last_index += entries
        group.applied[group.leader] = group.last_index
        for voters in group.quorums:
            able = sorted((v for v in voters if self.up(group, v)), key=lambda v: -group.applied[v])
            for voter in able[: len(voters) // 2 + 1]:
                group.applied[voter] = group.last_index

    def replicate(self, group: Group) -> None:
        """Every member that is up gets all that there is."""
        if group.leader is not None:
            for replica in group.descriptor.replicas:
                if self.up(group, replica.replica_id):
                    group.applied[replica.replica_id] = group.last_index

    def is_good(self, group: Group, replica: Replica) -> bool:
        behind = group.last_index - group.applied[replica.replica_id]
        return self.up(group, replica.replica_id) and behind <= 1_000

    def change(self, group: Group, descriptor: PartitionDescriptor) -> None:
        """A log entry is applied: members that are up hear of it, those removed drop their data."""
        for replica in group.descriptor.replicas:
            machine = self.machines[replica.node_id]
            if descriptor.replica(replica.replica_id) is None and machine.is_up:
                machine.held.pop(descriptor.partition_id, None)
        group.descriptor = descriptor
        group.applied = {
            r.replica_id: group.applied.get(r.replica_id, 0) for r in descriptor.replicas
        }
        self.tell_members(group)

    # ----------------------------------------------------------------------------------- executing

    def start(self, actions: tuple[Action, ...]) -> None:
        """List actions as in flight; new ids are on record first, and used ones are turned away."""
        for action in actions:
            match action:
                case SplitPartition():
                    new_id = action.child_id
                case CreatePartition() if action.descriptor not in (
                    self.tables.get(action.table_identifier, _NO_TABLE).recorded
                ):
                    new_id = action.partition_id
                case _:
                    self.pending.append(InFlight(action, self.now))
                    continue
            if new_id >= self.next_partition_id:
                self.next_partition_id = new_id + 1
                self.pending.append(InFlight(action, self.now))

    def finish(self, flight: InFlight, succeeds: bool = True) -> None:
        self.pending.remove(flight)
        if succeeds:
            with contextlib.suppress(Refused, ChangeRefused):
                _EXECUTE[type(flight.action)](self, flight.action)

    def group_for(self, action: AddLearner | PromoteLearner | RemoveReplica) -> Group:
        group = self.groups.get(action.partition_id)
        if group is None or group.leader is None or not self.has_quorum(group):
            raise Refused
        if action.epochs != group.descriptor.epochs:
            raise Refused
        return group

    def create(self, action: CreatePartition) -> None:
        table = self.tables.get(action.table_identifier)
        descriptor = action.descriptor
        if table is None or table.status != "CREATING":
            raise Refused
        others = [known for known in table.recorded if known != descriptor]
        if any(known.range.overlaps(descriptor.range) for known in others):
            raise Refused
        answering = sum(self.machines[node_id].is_up for node_id in descriptor.node_ids)
        if descriptor not in table.recorded and 2 * answering <= len(descriptor.node_ids):
            raise Refused
        if descriptor not in table.recorded:
            self.tables[table.identifier] = replace(table, recorded=(*table.recorded, descriptor))
        if descriptor.partition_id not in self.groups:
            applied = {replica.replica_id: 0 for replica in descriptor.replicas}
            self.groups[descriptor.partition_id] = Group(descriptor, applied, last_index=0)
        for replica in descriptor.replicas:
            machine = self.machines[replica.node_id]
            if machine.is_up and descriptor.partition_id not in machine.held:
                machine.held[descriptor.partition_id] = (replica.replica_id, descriptor)

    def add(self, action: AddLearner) -> None:
        group = self.group_for(action)
        self.change(group, descriptors.with_learner(group.descriptor, action.node_id))

    def promote(self, action: PromoteLearner) -> None:
        group = self.group_for(action)
        joint = descriptors.entering_joint(group.descriptor, action.replica_id, action.replaces)
        assert joint.joint is not None
        incoming = [joint.replica(replica_id) for replica_id in joint.joint.incoming]
        good = sum(self.is_good(group, replica) for replica in incoming if replica is not None)
        if 2 * good <= len(incoming) or action.replaces == group.leader:
            raise Refused
        self.change(group, joint)

    def remove(self, action: RemoveReplica) -> None:
        group = self.group_for(action)
        if action.replica_id == group.leader:
            raise Refused
        self.change(group, descriptors.without_replica(group.descriptor, action.replica_id))

    def transfer(self, action: TransferLeader) -> None:
        group = self.groups.get(action.partition_id)
        if group is None or group.leader is None or group.term != action.term:
            raise Refused
        target = group.descriptor.replica_on(action.to_node_id)
        if target is None or target.role is not Role.VOTER or not self.up(group, target.replica_id):
            raise Refused
        group.leader, group.term = target.replica_id, group.term + 1
        group.applied[target.replica_id] = group.last_index

    def split(self, action: SplitPartition) -> None:
        group = self.groups.get(action.partition_id)
        if group is None or group.leader is None or action.epochs != group.descriptor.epochs:
            raise Refused
        left, right = descriptors.split(group.descriptor, action.at_hash, action.child_id)
        for half in ("size_bytes", "read_units", "write_units"):
            setattr(group, half, type(getattr(group, half))(getattr(group, half) / 2))
        group.range_since = self.now
        self.groups[action.child_id] = replace(group, descriptor=right, applied=dict(group.applied))
        self.change(group, left)
        self.tell_members(self.groups[action.child_id])

    def merge(self, action: MergePartitions) -> None:
        left, right = self.groups.get(action.partition_id), self.groups.get(action.right_id)
        if left is None or right is None or left.leader is None or right.leader is None:
            raise Refused
        epochs = (left.descriptor.epochs, right.descriptor.epochs)
        if epochs != (action.epochs, action.right_epochs):
            raise Refused
        merged = descriptors.merge(left.descriptor, right.descriptor)
        left.size_bytes += right.size_bytes
        left.read_units += right.read_units
        left.write_units += right.write_units
        left.range_since = self.now
        del self.groups[action.right_id]
        for replica in right.descriptor.replicas:
            if self.machines[replica.node_id].is_up:
                self.machines[replica.node_id].held.pop(action.right_id, None)
        self.change(left, merged)

    def delete(self, action: DeletePartition) -> None:
        table = self.tables.get(action.table_identifier)
        if table is not None and table.status != "DELETING":
            raise AssertionError("a living table's partition was deleted")
        for node_id in action.node_ids:
            if self.machines[node_id].is_up:
                self.machines[node_id].held.pop(action.partition_id, None)
        if not any(action.partition_id in m.held for m in self.machines.values() if m.is_up):
            self.groups.pop(action.partition_id, None)

    def clear(self, action: DeleteStray) -> None:
        machine = self.machines[action.node_id]
        held = machine.held.get(action.partition_id)
        if held is None or held[0] != action.replica_id or not machine.is_up:
            raise Refused
        del machine.held[action.partition_id]

    def activate(self, action: MarkTableActive) -> None:
        table = self.tables.get(action.table_identifier)
        if table is not None and table.status == "CREATING":
            self.tables[table.identifier] = replace(table, status="ACTIVE")

    def forget(self, action: MarkTableDeleted) -> None:
        table = self.tables.get(action.table_identifier)
        if table is None or table.status != "DELETING":
            raise Refused
        del self.tables[action.table_identifier]
        self.deleted.add(action.table_identifier)
        for group in list(self.groups.values()):
            if group.descriptor.table_identifier == action.table_identifier:
                del self.groups[group.descriptor.partition_id]

    def let_go(self, action: RemoveNode) -> None:
        machine = self.machines[action.node_id]
        if machine.is_up and (machine.held or not machine.is_draining):
            raise Refused
        if not machine.is_up and not machine.replace_now:
            raise Refused
        machine.is_removed, machine.is_up = True, False


_NO_TABLE = TableSpecification("", 0)
_EXECUTE: dict[type, Callable[..., None]] = {
    CreatePartition: World.create,
    AddLearner: World.add,
    PromoteLearner: World.promote,
    RemoveReplica: World.remove,
    TransferLeader: World.transfer,
    SplitPartition: World.split,
    MergePartitions: World.merge,
    DeletePartition: World.delete,
    DeleteStray: World.clear,
    MarkTableActive: World.activate,
    MarkTableDeleted: World.forget,
    RemoveNode: World.let_go,
}
