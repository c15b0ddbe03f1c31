"""The planner: from what is wanted and what is seen to what is to be done next.

In: a specification (tables, numbers), an observation (nodes, replica reports, actions in flight)
and the time. Out: actions that may all be started now, in order of urgency, and the reasons why
other things are not done. The operator and the local supervisor call it again and again, carry the
actions out in any order, and need not remember anything: a planner that looks at the world afresh
arrives wherever it was interrupted.

What the rules promise, each in its module: `placement_tables.py`, `placement_replicas.py`,
`placement_leaders.py`, `placement_splits.py`; what holds for all of them: `placement_ledger.py`.
The order below is the order of urgency. Invariant: the same input gives the same plan, in whatever
order nodes and reports are listed.
"""

from __future__ import annotations

from stator_core.placement_leaders import balance_leader, drain_leader
from stator_core.placement_ledger import Ledger
from stator_core.placement_replicas import Purpose, ReplicaRules
from stator_core.placement_splits import SplitRules, heat, merge, wishes
from stator_core.placement_tables import TableRules
from stator_core.placement_types import (
    Action,
    CreatePartition,
    Decision,
    Observation,
    Reason,
    Specification,
    SplitPartition,
)
from stator_core.placement_view import ClusterView, Partition


def plan(specification: Specification, observation: Observation, now: float) -> tuple[Action, ...]:
    """What to start now. `now` in seconds, on the clock of the observation's times."""
    return decide(specification, observation, now).actions


def explain(
    specification: Specification, observation: Observation, now: float
) -> tuple[Reason, ...]:
    """Why what suggests itself is not done now."""
    return decide(specification, observation, now).reasons


def decide(specification: Specification, observation: Observation, now: float) -> Decision:
    """Plan and reasons together."""
    view = ClusterView(specification, observation, now)
    ledger = Ledger(view)
    tables = TableRules(view, ledger, _next_partition_id(observation, specification))
    _plan_tables(tables, specification)
    partitions = _in_order_of_need(view)
    replicas = ReplicaRules(view, ledger, wishes(view))
    for partition in partitions:
        if partition.is_moving:
            replicas.go_on(partition)
    for purpose in (Purpose.LOST, Purpose.MISSING):
        for partition in partitions:
            replicas.begin(partition, purpose)
    for partition in partitions:
        replicas.drop_surplus(partition)
    for partition in partitions:
        if partition.partition_id not in ledger.touched:
            drain_leader(partition, view, ledger)
    splits = SplitRules(view, ledger, tables.next_partition_id)
    for partition in sorted(partitions, key=lambda p: (-heat(p, view), p.partition_id)):
        splits.split(partition)
    for purpose in (Purpose.ZONE, Purpose.DRAIN, Purpose.SPACE):
        for partition in partitions:
            replicas.begin(partition, purpose)
    for partition in partitions:
        balance_leader(partition, view, ledger)
    for identifier in sorted(view.tables):
        merge(view.tables[identifier], view, ledger)
    for purpose in (Purpose.MERGE, Purpose.BALANCE):
        for partition in partitions:
            replicas.begin(partition, purpose)
    for node in view.nodes.values():
        tables.remove(node)
    return ledger.decision()


def _plan_tables(tables: TableRules, specification: Specification) -> None:
    view, ledger = tables.view, tables.ledger
    deleting = {key for key, table in view.tables.items() if table.status == "DELETING"}
    for identifier in sorted(deleting | specification.deleted_tables):
        tables.delete(identifier)
    staying = set(view.tables) - deleting
    for identifier in sorted(staying):
        tables.create(view.tables[identifier])
    for report in view.reports:
        if report.descriptor.table_identifier in staying:
            tables.clear_stray(report)
    known = set(view.tables) | specification.deleted_tables
    for partition in view.partitions.values():
        if partition.descriptor.table_identifier not in known:
            ledger.skip(partition.subject, "its table is unknown: it is left alone")


def _in_order_of_need(view: ClusterView) -> list[Partition]:
    """The partitions that rules may act on, those with the fewest good copies first."""
    wanted: list[Partition] = []
    for partition in view.led.values():
        table = view.table_of(partition)
        if table is not None and table.status != "DELETING":
            wanted.append(partition)
    return sorted(wanted, key=lambda p: (len(view.good_voters(p)), p.partition_id))


def _next_partition_id(observation: Observation, specification: Specification) -> int:
    """An id above every id that is in use, in flight or on record."""
    used = [observation.next_partition_id - 1]
    used += [report.descriptor.partition_id for report in observation.replicas]
    used += [d.partition_id for table in specification.tables for d in table.recorded]
    for flight in observation.in_flight:
        match flight.action:
            case SplitPartition():
                used.append(flight.action.child_id)
            case CreatePartition():
                used.append(flight.action.partition_id)
    return max(used) + 1
