"""The beginning and the end of things: tables made and deleted, strays cleared, nodes let go.

In: the view and the ledger. Out: CreatePartition, MarkTableActive, DeletePartition,
MarkTableDeleted, DeleteStray, RemoveNode.

Invariants: only a table that is CREATING gets partitions made, each range once, by the record; a
gap in any other table is an outage to report, never a hole to fill. Only what belongs to a deleted
table, or what its group has demonstrably left behind, is thrown away. An unknown table's partitions
stay: whoever has lost the list of tables must not lose the tables too.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from stator_core.key_format import HASH_SPACE
from stator_core.partition_descriptor import HashRange, PartitionDescriptor, new_partition
from stator_core.placement_ledger import Ledger
from stator_core.placement_types import (
    AddLearner,
    CreatePartition,
    DeletePartition,
    DeleteStray,
    MarkTableActive,
    MarkTableDeleted,
    Node,
    NodeState,
    RemoveNode,
    ReplicaReport,
    TableSpecification,
)
from stator_core.placement_view import ClusterView, majority


def even_ranges(count: int) -> list[HashRange]:
    """The hash space in so many parts of equal size."""
    assert count >= 1
    edges = [HASH_SPACE * index // count for index in range(count + 1)]
    return [HashRange(start, end) for start, end in pairwise(edges)]


class TableRules:
    """Hands out partition ids, so there is one of it in a planning."""

    def __init__(self, view: ClusterView, ledger: Ledger, next_partition_id: int) -> None:
        self.view = view
        self.ledger = ledger
        self.next_partition_id = next_partition_id
        self.deletions = 0

    # ------------------------------------------------------------------------------------- create

    def create(self, table: TableSpecification) -> None:
        """Make what a CREATING table still lacks; mark it ACTIVE when it lacks nothing."""
        subject = f"table {table.name}"
        gaps = self.view.map_of(table.identifier).gaps()
        if table.status != "CREATING":
            if gaps and table.status != "DELETING":
                self.ledger.skip(subject, f"no leader is known for {len(gaps)} ranges of hashes")
            return
        if not gaps:
            if not self._is_marked(table):
                self.ledger.decide(MarkTableActive(table.identifier))
            return
        known = list(table.recorded)
        known += [
            flight.action.descriptor
            for flight in self.view.in_flight
            if isinstance(flight.action, CreatePartition)
            and flight.action.table_identifier == table.identifier
        ]
        known += [
            partition.descriptor
            for partition in self.view.partitions.values()
            if partition.descriptor.table_identifier == table.identifier
        ]
        for descriptor in table.recorded:
            self._repeat(descriptor)
        for range_ in even_ranges(1 if table.pinned else table.partitions_on_creation):
            if not any(range_.overlaps(descriptor.range) for descriptor in known):
                self._create(table, range_)

    def _is_marked(self, table: TableSpecification) -> bool:
        return table.identifier in self.ledger.marked

    def _repeat(self, descriptor: PartitionDescriptor) -> None:
        """Ask again, with the same words, the nodes that show nothing of a recorded partition."""
        key = descriptor.partition_id
        subject = f"partition {key} of {descriptor.table_name}"
        seen = self.view.partitions.get(key)
        if key in self.ledger.touched or (seen is not None and seen.leader is not None):
            return
        if seen is not None and seen.descriptor.epochs != descriptor.epochs:
            self.ledger.skip(subject, seen.unled)
            return
        shown = {report.node_id for report in seen.members.values()} if seen else set()
        silent = descriptor.node_ids - shown
        if any(self.view.state_of(node_id) is NodeState.ALIVE for node_id in silent):
            self.ledger.decide(CreatePartition(descriptor))
        else:
            self.ledger.skip(subject, "its nodes are silent, or elect a leader")

    def _create(self, table: TableSpecification, range_: HashRange) -> None:
        chosen = self._nodes_for(table)
        missing = table.replication - len(chosen)
        awaited = any(self.view.is_awaited(node) for node in self.view.nodes.values())
        if missing and (awaited or len(chosen) < majority(table.replication)):
            text = f"waits for nodes: {len(chosen)} of {table.replication} replicas have a place"
            self.ledger.skip(f"table {table.name}", text)
            return
        descriptor = new_partition(
            self.next_partition_id,
            table.name,
            table.identifier,
            range_,
            tuple(node.node_id for node in chosen),
        )
        self.next_partition_id += 1
        self.ledger.decide(CreatePartition(descriptor))

    def _nodes_for(self, table: TableSpecification) -> list[Node]:
        """One node a zone, the emptiest; the one with the fewest leaders first, as it may lead."""
        limits = self.view.configuration
        strict = self.view.is_zone_strict(table.replication)
        zones: Counter[str] = Counter()
        chosen: list[Node] = []
        open_nodes = [
            node
            for node in self.view.nodes.values()
            if node.state is NodeState.ALIVE
            and self.ledger.room_for(node, 0, limits.filled_fraction_max)
        ]
        while len(chosen) < table.replication:
            fitting = [n for n in open_nodes if n not in chosen and not (strict and zones[n.zone])]
            if not fitting:
                break
            count = self.ledger.replica_count
            best = min(fitting, key=lambda n: (zones[n.zone], count[n.node_id], n.node_id))
            chosen.append(best)
            zones[best.zone] += 1
        leaders = self.ledger.leader_count
        return sorted(chosen, key=lambda node: (leaders[node.node_id], node.node_id))

    # ------------------------------------------------------------------------------------- delete

    def delete(self, table_identifier: int) -> None:
        """Throw away all that is seen of a table that is DELETING or deleted."""
        busy = any(
            isinstance(flight.action, CreatePartition | AddLearner)
            and flight.action.table_identifier == table_identifier
            for flight in self.view.in_flight
        )
        left = [
            partition
            for partition in self.view.partitions.values()
            if partition.descriptor.table_identifier == table_identifier
        ]
        for partition in left:
            if partition.partition_id in self.ledger.touched or not self._may_delete():
                continue
            holders = sorted(
                report.node_id
                for report in self.view.reports
                if report.descriptor.partition_id == partition.partition_id
            )
            self.ledger.decide(
                DeletePartition(partition.partition_id, table_identifier, tuple(holders))
            )
            self.deletions += 1
        table = self.view.tables.get(table_identifier)
        if table is not None and not left and not busy and not self._is_marked(table):
            self.ledger.decide(MarkTableDeleted(table_identifier))

    def _may_delete(self) -> bool:
        return self.deletions < self.view.configuration.deletions_max

    # ------------------------------------------------------------------------------------- strays

    def clear_stray(self, report: ReplicaReport) -> None:
        """Throw away a replica that is no member any more, if nothing could need it."""
        descriptor = report.descriptor
        led = self.view.led.get(descriptor.partition_id)
        is_member = led is not None and report.replica_id in led.members
        if is_member or descriptor.partition_id in self.ledger.touched:
            return
        subject = f"partition {descriptor.partition_id} of {descriptor.table_name}"
        why_not = self._why_keep(report)
        if why_not and led is None:
            self.ledger.skip(subject, self.view.partitions[descriptor.partition_id].unled)
        elif why_not:
            self.ledger.skip(subject, f"a leftover on {report.node_id} stays: {why_not}")
        elif self._may_delete():
            self.deletions += 1
            self.ledger.decide(
                DeleteStray(
                    descriptor.partition_id,
                    descriptor.table_identifier,
                    report.node_id,
                    report.replica_id,
                )
            )

    def _why_keep(self, report: ReplicaReport) -> str:
        """Empty if the leftover may go.

        Newer partitions must hold all of its hashes in good health. If its own group lives on and
        has removed it, that is enough. If the group is no more, it was merged into a neighbour, and
        a member of that neighbour still needs the data when it comes to the merge in its log.
        """
        old = report.descriptor
        if self.view.state_of(report.node_id) is NodeState.SUSPECT:
            return "its node is silent"
        known = self.view.map_of(old.table_identifier)
        if any(gap.overlaps(old.range) for gap in known.gaps()):
            return "nobody leads some of its hashes"
        was_removed = old.partition_id in self.view.led
        for descriptor in known.partitions_of(old.range.start, old.range.end):
            partition = self.view.led.get(descriptor.partition_id)
            is_own_group = descriptor.partition_id == old.partition_id
            # A leader that was removed has applied that itself: it knows as much as its group.
            is_old = descriptor.is_newer_than(old) or (
                is_own_group and descriptor.epochs == old.epochs
            )
            if partition is None or not is_old:
                return "nothing newer holds all of its hashes"
            if descriptor.replica_on(report.node_id) is not None:
                if is_own_group or not was_removed:
                    return "its node is a member of what holds its hashes now"
            if not self.view.has_good_majority(partition):
                return "too few good copies of its hashes"
        arriving = any(
            isinstance(action, AddLearner)
            and action.table_identifier == old.table_identifier
            and action.node_id == report.node_id
            for action in (*(f.action for f in self.view.in_flight), *self.ledger.actions)
        )
        return "its node is about to get a replica of its table" if arriving else ""

    # -------------------------------------------------------------------------------------- nodes

    def remove(self, node: Node) -> None:
        """Let a node go that was asked to leave and holds nothing any more."""
        is_dead = node.state is NodeState.DEAD and node.replace_now
        if node.state is not NodeState.DRAINING and not is_dead:
            return
        subject = f"node {node.node_id}"
        if node.node_id in self.ledger.leaving:
            return
        held = sum(
            node.node_id in partition.descriptor.node_ids
            or node.node_id in {report.node_id for report in partition.members.values()}
            for partition in self.view.partitions.values()
        )
        held += sum(report.node_id == node.node_id for report in self.view.reports)
        held += sum(
            node.node_id in descriptor.node_ids
            for table in self.view.tables.values()
            if table.status == "CREATING"
            for descriptor in table.recorded
            if descriptor.partition_id not in self.view.partitions
        )
        if held:
            self.ledger.skip(subject, f"leaves when it holds nothing; now {held}")
        elif self._is_awaiting_arrival(node.node_id):
            self.ledger.skip(subject, "leaves when an action that concerns it has ended")
        elif is_dead and self._has_gaps():
            self.ledger.skip(subject, "stays: it may hold what nobody leads")
        else:
            self.ledger.decide(RemoveNode(node.node_id))

    def _is_awaiting_arrival(self, node_id: str) -> bool:
        for flight in self.view.in_flight:
            match flight.action:
                case AddLearner():
                    if flight.action.node_id == node_id:
                        return True
                case CreatePartition():
                    if node_id in flight.action.descriptor.node_ids:
                        return True
        return False

    def _has_gaps(self) -> bool:
        return any(
            self.view.map_of(table.identifier).gaps()
            for table in self.view.tables.values()
            if table.status != "DELETING"
        )
