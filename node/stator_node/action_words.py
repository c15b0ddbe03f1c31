"""The planner's actions in words, for the log: what happens to which partition, and where.

In: actions of `stator_core.placement_types`. Out: a line for people, who know partitions by number
and nodes by the beginnings of their ids. Called by `supervisor.py`.
"""

from __future__ import annotations

from stator_core.placement_types import (
    Action,
    AddLearner,
    CreatePartition,
    DeletePartition,
    DeleteStray,
    MarkTableActive,
    MarkTableDeleted,
    MergePartitions,
    PromoteLearner,
    RemoveNode,
    RemoveReplica,
    SplitPartition,
    TransferLeader,
)

ID_CHARACTERS = 8  # of a node's id: enough to know it by, among those of one cluster


def words(action: Action) -> str:
    """What an action does."""
    match action:
        case CreatePartition(descriptor):
            nodes = ", ".join(_short(each.node_id) for each in descriptor.replicas)
            return f"partition {descriptor.partition_id} of {descriptor.table_name} on {nodes}"
        case AddLearner(partition_id=partition, node_id=node_id):
            return f"partition {partition} gets a replica on {_short(node_id)}"
        case PromoteLearner(partition_id=partition, replica_id=replica, replaces=None):
            return f"replica {replica} of partition {partition} gets a vote"
        case PromoteLearner(partition_id=partition, replica_id=replica, replaces=before):
            return f"replica {replica} of partition {partition} takes the place of {before}"
        case RemoveReplica(partition_id=partition, replica_id=replica):
            return f"partition {partition} gives up replica {replica}"
        case TransferLeader(partition_id=partition, from_node_id=before, to_node_id=node_id):
            return f"{_short(node_id)} leads partition {partition}, instead of {_short(before)}"
        case SplitPartition(partition_id=partition, at_hash=place, child_id=child):
            return f"partition {partition} is cut at {place:016x}: {child} begins there"
        case MergePartitions(partition_id=partition, right_id=right):
            return f"partition {partition} takes over {right}"
        case DeletePartition(partition_id=partition, node_ids=nodes):
            return f"partition {partition} is deleted from {', '.join(map(_short, nodes))}"
        case DeleteStray(partition_id=partition, node_id=node_id, replica_id=replica):
            return f"{_short(node_id)} throws away the old replica {replica} of {partition}"
        case MarkTableActive(identifier):
            return f"table {identifier} is whole"
        case MarkTableDeleted(identifier):
            return f"table {identifier} has gone"
        case RemoveNode(node_id):
            return f"node {_short(node_id)} holds nothing"


def _short(node_id: str) -> str:
    return node_id[:ID_CHARACTERS]
