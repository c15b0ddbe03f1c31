"""Where replicas lie: lost ones replaced, zones apart, nodes drained, evened out, not overfilled.

In: the view and the ledger. Out: AddLearner, PromoteLearner, RemoveReplica, and the TransferLeader
that a leader's own removal needs. A move is three steps, each planned afresh from what is seen:
add a learner, wait until it has caught up, promote it and remove the replica that it replaces in
one joint change. Nothing remembers why a learner was added: it stays for as long as some purpose
below would add it today, else it goes.

Invariants: no voter leaves unless the good copies that stay are a majority of the voters that stay;
a good copy leaves only when another good copy takes its place or the rest is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from stator_core.partition_descriptor import Replica
from stator_core.placement_leaders import successors, transfer_from
from stator_core.placement_ledger import Ledger
from stator_core.placement_types import (
    AddLearner,
    Node,
    NodeState,
    PromoteLearner,
    RemoveReplica,
)
from stator_core.placement_view import ClusterView, Partition, majority, used_fraction


class Purpose(Enum):
    """Why a replica should come to a node, the most urgent first; the value is for people."""

    LOST = "replaces a lost replica"
    MISSING = "completes the number of replicas"
    ZONE = "takes two replicas out of one zone"
    DRAIN = "empties a draining node"
    SPACE = "relieves a full node"
    MERGE = "brings a partition to the nodes of its neighbour, to merge them"
    BALANCE = "evens out the nodes"


OF_CHOICE = frozenset({Purpose.SPACE, Purpose.MERGE, Purpose.BALANCE})
# Nodes that a partition should come to before it can merge; by partition id.
Wishes = Mapping[int, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Swap:
    """The node that should get a replica, and the voter that it replaces, if any."""

    target: Node
    victim: Replica | None


class ReplicaRules:
    """The rules of one planning."""

    def __init__(self, view: ClusterView, ledger: Ledger, wishes: Wishes) -> None:
        self.view = view
        self.ledger = ledger
        self.wishes = wishes
        nodes = view.nodes.values()
        full = view.configuration.full_fraction
        self._are_draining = any(node.state is NodeState.DRAINING for node in nodes)
        self._are_full = any(used_fraction(node) > full for node in nodes)
        self._emptied_of_leaders_first = frozenset(
            partition.leader.node_id
            for partition in view.led.values()
            if partition.leader is not None
            and view.state_of(partition.leader.node_id) is NodeState.DRAINING
            and successors(partition, view, ledger)
        )

    # ------------------------------------------------------------------------- finish what began

    def go_on(self, partition: Partition) -> None:
        """The next step of a partition whose members are changing."""
        descriptor = partition.descriptor
        if not self.ledger.may_touch(partition):
            self.ledger.skip(partition.subject, "its change of members waits for an action to end")
            return
        if descriptor.joint is not None:
            self.ledger.skip(partition.subject, "a joint configuration is being left")
            return
        useful: list[tuple[Replica, Swap, Purpose]] = []
        for learner in descriptor.learners:
            found = None if self._is_hopeless(learner) else self._use_of(partition, learner)
            if found is None or useful:
                self._remove(partition, learner)
                return
            useful.append((learner, *found))
        for learner, swap, purpose in useful:
            if self.view.is_caught_up(partition, learner):
                self._promote(partition, learner, swap)
            else:
                text = f"the learner on {learner.node_id} catches up; it {purpose.value}"
                self.ledger.skip(partition.subject, text)

    def _is_hopeless(self, learner: Replica) -> bool:
        """Whether the learner's node will not make a copy of it."""
        node = self.view.nodes.get(learner.node_id)
        if node is None or node.state not in (NodeState.ALIVE, NodeState.SUSPECT):
            return True
        return used_fraction(node) > self.view.configuration.stuffed_fraction

    def _use_of(self, partition: Partition, learner: Replica) -> tuple[Swap, Purpose] | None:
        """What the learner is good for, unless a more urgent purpose has a better node for it."""
        node = self.view.nodes[learner.node_id]
        for purpose in Purpose:
            swap = self._swap(partition, purpose, (node,), learner)
            if swap is not None:
                return swap, purpose
            others = self._open_nodes(partition, purpose)
            if purpose not in OF_CHOICE and self._swap(partition, purpose, others, None):
                return None
        return None

    def _promote(self, partition: Partition, learner: Replica, swap: Swap) -> None:
        victim = swap.victim
        if self._leads(partition, victim) and not successors(partition, self.view, self.ledger):
            # Nobody else could lead: the learner gets its vote first, and then leads instead.
            victim = None
        staying = tuple(voter for voter in partition.descriptor.voters if voter != victim)
        good = sum(self.view.is_caught_up(partition, r) for r in (*staying, learner))
        enough = good >= majority(len(staying) + 1)
        if not enough or not self.view.has_good_majority(partition):
            self.ledger.skip(partition.subject, "too few good copies to change its members")
            return
        if self._leads(partition, victim):
            transfer_from(partition, self.view, self.ledger)
            return
        self.ledger.decide(
            PromoteLearner(
                partition.partition_id,
                partition.descriptor.table_identifier,
                partition.descriptor.epochs,
                learner.replica_id,
                None if victim is None else victim.replica_id,
            )
        )

    @staticmethod
    def _leads(partition: Partition, replica: Replica | None) -> bool:
        leader = partition.leader
        return leader is not None and replica is not None and leader.node_id == replica.node_id

    def _remove(self, partition: Partition, replica: Replica) -> None:
        self.ledger.decide(
            RemoveReplica(
                partition.partition_id,
                partition.descriptor.table_identifier,
                partition.descriptor.epochs,
                replica.replica_id,
            )
        )

    # --------------------------------------------------------------------------- voters too many

    def drop_surplus(self, partition: Partition) -> None:
        """Take one voter out of a partition that has more than its table asks for."""
        table = self.view.table_of(partition)
        voters = partition.descriptor.voters
        if table is None or partition.is_moving or len(voters) <= table.replication:
            return
        if not self.ledger.may_disturb(partition):
            return
        zones = self.view.zone_use(voters)

        def worth(voter: Replica) -> tuple[bool, bool, bool, int, int]:
            return (
                zones[self.view.zone_of(voter.node_id) or ""] <= 1,
                self.view.state_of(voter.node_id) is NodeState.ALIVE,
                self.view.is_caught_up(partition, voter),
                -self.ledger.replica_count[voter.node_id],
                voter.replica_id,
            )

        for victim in sorted(voters, key=worth):
            if not self._can_spare(partition, victim):
                continue
            if self._leads(partition, victim):
                transfer_from(partition, self.view, self.ledger)
            else:
                self._remove(partition, victim)
            return
        self.ledger.skip(partition.subject, "one voter too many, but too few good copies")

    def _can_spare(self, partition: Partition, victim: Replica) -> bool:
        rest = [voter for voter in partition.descriptor.voters if voter != victim]
        good = sum(self.view.is_caught_up(partition, voter) for voter in rest)
        whole = good == len(rest)
        enough = good >= majority(len(rest)) and self.view.has_good_majority(partition)
        return enough and (whole or not self.view.is_caught_up(partition, victim))

    # ------------------------------------------------------------------------------ start a move

    def begin(self, partition: Partition, purpose: Purpose) -> None:
        """Add the learner that serves this purpose, if there is a need, a node and room."""
        if not self._is_called_for(purpose):
            return
        needed = self._victims(partition, purpose)
        if not needed or partition.is_moving:
            return
        if purpose is Purpose.DRAIN:
            busy = self._emptied_of_leaders_first & partition.descriptor.node_ids
            if busy:
                self.ledger.skip(partition.subject, f"leaders leave {min(busy)} first")
                return
        swap = self._swap(partition, purpose, self._open_nodes(partition, purpose), None)
        if swap is None:
            if purpose is not Purpose.BALANCE:
                text = f"no node that {purpose.value} has room in a free zone"
                self.ledger.skip(partition.subject, text)
            return
        if not self.ledger.may_disturb(partition):
            return
        if not self.ledger.may_move(partition, of_choice=purpose in OF_CHOICE):
            return
        self.ledger.decide(
            AddLearner(
                partition.partition_id,
                partition.descriptor.table_identifier,
                partition.descriptor.epochs,
                swap.target.node_id,
            )
        )

    def _is_called_for(self, purpose: Purpose) -> bool:
        """Whether the cluster as a whole gives a reason; mostly it gives none: a look costs."""
        match purpose:
            case Purpose.DRAIN:
                return self._are_draining
            case Purpose.SPACE:
                return self._are_full
            case Purpose.MERGE:
                return bool(self.wishes)
            case Purpose.BALANCE:
                count = self.ledger.replica_count
                counts = [count[node_id] for node_id in self.view.nodes]
                # One that departs still counts where it is (`_serves`).
                spread = max(counts) + 1 - min(counts)
                return spread >= self.view.configuration.replica_imbalance_min
            case Purpose.LOST | Purpose.MISSING | Purpose.ZONE:
                return True  # A partition's own affair.

    def _open_nodes(self, partition: Partition, purpose: Purpose) -> list[Node]:
        """Nodes that could take one more replica of this partition."""
        limits = self.view.configuration
        of_choice = purpose in OF_CHOICE
        fraction = limits.filled_fraction_max if of_choice else limits.full_fraction
        return [
            node
            for node in self.view.nodes.values()
            if node.state is NodeState.ALIVE
            and (self.view.is_settled(node) or not of_choice)
            and partition.descriptor.replica_on(node.node_id) is None
            and node.node_id not in self.ledger.leaving
            and self.ledger.room_for(node, partition.size_bytes, fraction)
        ]

    # --------------------------------------------------------------------------- who goes, to whom

    def _swap(
        self,
        partition: Partition,
        purpose: Purpose,
        nodes: Iterable[Node],
        learner: Replica | None,
    ) -> Swap | None:
        """The best swap for the purpose with one of these nodes; `learner` is there already."""
        nodes = tuple(nodes)
        for victim in self._victims(partition, purpose):
            zones = self.view.zone_use(
                tuple(voter for voter in partition.descriptor.voters if voter != victim)
            )
            fitting = [
                node
                for node in nodes
                if self._fits_zones(partition, purpose, node, victim, zones)
                and self._serves(partition, purpose, node, victim, learner)
            ]
            if fitting:
                count = self.ledger.replica_count
                best = min(fitting, key=lambda n: (zones[n.zone], count[n.node_id], n.node_id))
                return Swap(best, victim)
        return None

    def _victims(self, partition: Partition, purpose: Purpose) -> list[Replica | None]:
        """The voters that the purpose wants away, first choice first; None: it only adds."""
        table = self.view.table_of(partition)
        count_of_voters = len(partition.descriptor.voters)
        if table is None or count_of_voters > table.replication:
            return []
        if count_of_voters < table.replication:
            return [None] if purpose is Purpose.MISSING else []
        away = self._wanted_away(partition, purpose)
        if not away:
            return []
        if purpose in OF_CHOICE and not self._could_be_led_by_others(partition):
            away = [voter for voter in away if not self._leads(partition, voter)]
        count = self.ledger.replica_count
        away.sort(key=lambda v: (self._leads(partition, v), -count[v.node_id], v.replica_id))
        return list(away)

    def _could_be_led_by_others(self, partition: Partition) -> bool:
        """Whether the leader has somebody to hand over to, now or when it has caught up."""
        return any(
            not self._leads(partition, voter)
            and self.view.state_of(voter.node_id) in (NodeState.ALIVE, NodeState.SUSPECT)
            for voter in partition.descriptor.voters
        )

    def _wanted_away(self, partition: Partition, purpose: Purpose) -> list[Replica]:
        view, voters = self.view, partition.descriptor.voters
        match purpose:
            case Purpose.LOST:
                return [each for each in voters if view.is_lost(each.node_id)]
            case Purpose.MISSING:
                return []
            case Purpose.ZONE:
                zones = view.zone_use(voters)
                return [each for each in voters if zones[view.zone_of(each.node_id) or ""] > 1]
            case Purpose.DRAIN:
                return self._in_state(voters, NodeState.DRAINING)
            case Purpose.SPACE:
                full = view.configuration.full_fraction
                alive = self._in_state(voters, NodeState.ALIVE)
                return [each for each in alive if used_fraction(view.nodes[each.node_id]) > full]
            case Purpose.MERGE:
                wished = self.wishes.get(partition.partition_id, frozenset())
                return [each for each in voters if wished and each.node_id not in wished]
            case Purpose.BALANCE:
                is_wished = partition.partition_id in self.wishes
                return [] if is_wished else self._in_state(voters, NodeState.ALIVE)

    def _in_state(self, voters: Iterable[Replica], state: NodeState) -> list[Replica]:
        return [each for each in voters if self.view.state_of(each.node_id) is state]

    def _fits_zones(
        self,
        partition: Partition,
        purpose: Purpose,
        node: Node,
        victim: Replica | None,
        zones: Mapping[str, int],
    ) -> bool:
        table = self.view.table_of(partition)
        used = zones.get(node.zone, 0)
        if table is not None and self.view.is_zone_strict(table.replication) and used:
            return False
        left = zones.get(self.view.zone_of(victim.node_id) or "", 0) if victim is not None else 0
        if purpose is Purpose.ZONE:
            return used < left
        return used <= left if purpose in OF_CHOICE else True

    def _serves(
        self,
        partition: Partition,
        purpose: Purpose,
        node: Node,
        victim: Replica | None,
        learner: Replica | None,
    ) -> bool:
        if purpose is Purpose.MERGE:
            return node.node_id in self.wishes.get(partition.partition_id, frozenset())
        if purpose is not Purpose.BALANCE or victim is None:
            return True
        # The ledger counts a move under way as done; here it is weighed as if it had not begun.
        there = self.ledger.replica_count[node.node_id] - (learner is not None)
        departing = self.ledger.departing.get(partition.partition_id)
        here = self.ledger.replica_count[victim.node_id] + (departing == victim)
        return here - there >= self.view.configuration.replica_imbalance_min
