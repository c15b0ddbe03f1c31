"""The plan while it is being written: what is under way, what is decided, what fits beside it.

In: the view of the cluster (`placement_view.py`), then each action that a rule decides on. Out:
answers to "may this start now?", and at the end the decision. The rules ask before they decide.

Invariants: one action per partition; one disruptive action per table, and none that begins while
another partition of the table is half way through a move; moves within the cluster's budget; all
counted together with what is in flight.
"""

from __future__ import annotations

from collections import Counter

from stator_core.partition_descriptor import Replica, Role
from stator_core.placement_types import (
    Action,
    AddLearner,
    CreatePartition,
    Decision,
    DeleteStray,
    Disruptive,
    MarkTableActive,
    MarkTableDeleted,
    MembershipChange,
    Node,
    NodeState,
    Reason,
    RemoveNode,
    RemoveReplica,
    TransferLeader,
    partitions_of,
)
from stator_core.placement_view import ClusterView, Partition


class Ledger:
    """Counts replicas and leaders as they will be once everything under way is done."""

    def __init__(self, view: ClusterView) -> None:
        self.view = view
        self.actions: list[Action] = []
        self.reasons: list[Reason] = []
        self.touched: set[int] = set()  # partitions with an action in flight or planned
        self.disrupted: set[int] = set()  # tables with a disruptive action in flight or planned
        self.marked: set[int] = set()  # tables about to be marked ACTIVE or deleted
        self.leaving: set[str] = set()  # nodes about to be removed
        self.transfers = 0
        self.moving = {p.partition_id for p in view.led.values() if p.is_moving}
        self.replica_count: Counter[str] = Counter()
        self.leader_count: Counter[str] = Counter()
        self.reserved_bytes: Counter[str] = Counter()
        # Who goes when the move under way is done, as far as one can tell; by partition.
        self.departing: dict[int, Replica] = {}
        self._count_present()
        for flight in view.in_flight:
            self._note(flight.action)

    def decision(self) -> Decision:
        return Decision(tuple(self.actions), tuple(sorted(set(self.reasons))))

    def decide(self, action: Action) -> None:
        assert not self.touched & set(partitions_of(action)), "one action per partition"
        self.actions.append(action)
        self._note(action)

    def skip(self, subject: str, text: str) -> None:
        self.reasons.append(Reason(subject, text))

    # ------------------------------------------------------------------------------- may it start?

    def may_touch(self, partition: Partition) -> bool:
        """Whether an action of this partition's own move may come now."""
        if partition.partition_id in self.touched:
            return False
        return partition.descriptor.table_identifier not in self.disrupted

    def may_disturb(self, partition: Partition) -> bool:
        """Whether something new may begin with this partition; says why not."""
        if not self.may_touch(partition):
            self.skip(partition.subject, "waits: one change of a table at a time")
            return False
        if partition.is_moving:
            self.skip(partition.subject, "waits for its own change of members")
            return False
        for other in sorted(self.moving):
            moving = self.view.led.get(other)
            if moving is not None and self._is_same_table(moving, partition):
                self.skip(partition.subject, f"waits for the move of partition {other}")
                return False
        return True

    def may_move(self, partition: Partition, of_choice: bool) -> bool:
        """Whether the budget of moves has room for one more; says why not."""
        budget = self.view.configuration
        most = budget.moves_of_choice_max if of_choice else budget.concurrent_moves_max
        if len(self.moving) >= most:
            self.skip(
                partition.subject, f"waits: {len(self.moving)} moves under way, {most} may be"
            )
            return False
        return True

    def may_transfer(self, partition: Partition) -> bool:
        if self.transfers >= self.view.configuration.leader_transfers_max:
            self.skip(partition.subject, f"waits: {self.transfers} leader transfers under way")
            return False
        return True

    @staticmethod
    def _is_same_table(one: Partition, other: Partition) -> bool:
        return one.descriptor.table_identifier == other.descriptor.table_identifier

    # ---------------------------------------------------------------------------------------- room

    def room_for(self, node: Node, size_bytes: int, fraction: float) -> bool:
        """Whether the node stays within that fraction of its capacity with so much more on it."""
        free = node.free_bytes - self.reserved_bytes[node.node_id] - size_bytes
        return free >= (1.0 - fraction) * node.capacity_bytes

    # ------------------------------------------------------------------------------------- counting

    def _count_present(self) -> None:
        for partition in self.view.partitions.values():
            if partition.partition_id not in self.view.led and partition.leader is not None:
                continue  # A newer partition holds its hashes: it is about to vanish.
            descriptor = partition.descriptor
            incoming = None if descriptor.joint is None else descriptor.joint.incoming
            for replica in descriptor.replicas:
                if incoming is None or replica.replica_id in incoming:
                    self.replica_count[replica.node_id] += 1
            if partition.leader is not None:
                self.leader_count[partition.leader.node_id] += 1
        for partition in self.view.led.values():
            for learner in partition.descriptor.learners:
                self._reserve(partition, learner)
                self._expect_departure(partition, learner.node_id)

    def _reserve(self, partition: Partition, learner: Replica) -> None:
        report = partition.members.get(learner.replica_id)
        copied = 0 if report is None else report.size_bytes
        self.reserved_bytes[learner.node_id] += max(0, partition.size_bytes - copied)

    def _expect_departure(self, partition: Partition, arriving_node_id: str) -> None:
        table = self.view.table_of(partition)
        voters = partition.descriptor.voters
        if table is None or len(voters) < table.replication:
            return

        def likelihood(voter: Replica) -> tuple[bool, bool, bool, int, int]:
            zone = self.view.zone_of(voter.node_id)
            return (
                self.view.is_lost(voter.node_id),
                self.view.state_of(voter.node_id) is NodeState.DRAINING,
                zone == self.view.zone_of(arriving_node_id),
                self.replica_count[voter.node_id],
                -voter.replica_id,
            )

        departing = max(voters, key=likelihood)
        if partition.partition_id not in self.departing:
            self.departing[partition.partition_id] = departing
            self.replica_count[departing.node_id] -= 1

    def _note(self, action: Action) -> None:
        self.touched.update(partitions_of(action))
        if isinstance(action, Disruptive):
            self.disrupted.add(action.table_identifier)
        if isinstance(action, MembershipChange):
            self.moving.add(action.partition_id)
        match action:
            case AddLearner():
                self._note_arrival(action)
            case RemoveReplica():
                self._note_removal(action)
            case TransferLeader():
                self.transfers += 1
                self.leader_count[action.from_node_id] -= 1
                self.leader_count[action.to_node_id] += 1
            case CreatePartition() if action.partition_id not in self.view.partitions:
                self.replica_count.update(r.node_id for r in action.descriptor.replicas)
                self.leader_count[self.expected_leader(action)] += 1
            case MarkTableActive() | MarkTableDeleted():
                self.marked.add(action.table_identifier)
            case RemoveNode():
                self.leaving.add(action.node_id)
            case DeleteStray() | _:
                pass

    @staticmethod
    def expected_leader(action: CreatePartition) -> str:
        return action.descriptor.replicas[0].node_id

    def _note_arrival(self, action: AddLearner) -> None:
        partition = self.view.partitions.get(action.partition_id)
        if partition is None or partition.descriptor.replica_on(action.node_id) is not None:
            return  # The report already shows it.
        self.replica_count[action.node_id] += 1
        self.reserved_bytes[action.node_id] += partition.size_bytes
        self._expect_departure(partition, action.node_id)

    def _note_removal(self, action: RemoveReplica) -> None:
        partition = self.view.partitions.get(action.partition_id)
        replica = None if partition is None else partition.descriptor.replica(action.replica_id)
        if replica is None:
            return
        self.replica_count[replica.node_id] -= 1
        # With the learner the move is off: who should have gone for it stays.
        if replica.role is Role.LEARNER and action.partition_id in self.departing:
            self.replica_count[self.departing.pop(action.partition_id).node_id] += 1
