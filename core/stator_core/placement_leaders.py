"""Where leaders lie: off the nodes that are to go, and spread evenly over the rest.

In: the view and the ledger. Out: TransferLeader. A transfer costs the partition's clients a moment,
so it needs a reason: a drain, a removal, or a node that leads at least two partitions more than the
one that takes over.

Invariant: only a voter that has caught up, on a node that is ALIVE, is asked to lead.
"""

from __future__ import annotations

from stator_core.partition_descriptor import Replica
from stator_core.placement_ledger import Ledger
from stator_core.placement_types import NodeState, TransferLeader
from stator_core.placement_view import ClusterView, Partition


def successors(partition: Partition, view: ClusterView, ledger: Ledger) -> list[Replica]:
    """The voters that could lead instead, the node with the fewest leaders first."""
    assert partition.leader is not None
    able = [
        voter
        for voter in view.good_voters(partition)
        if voter.node_id != partition.leader.node_id
        and view.state_of(voter.node_id) is NodeState.ALIVE
    ]
    return sorted(able, key=lambda voter: (ledger.leader_count[voter.node_id], voter.replica_id))


def transfer_from(partition: Partition, view: ClusterView, ledger: Ledger) -> None:
    """Move the leader of a partition whose present leader has to go."""
    able = successors(partition, view, ledger)
    if not able:
        ledger.skip(partition.subject, "its leader must go, but no other voter has caught up")
    elif ledger.may_transfer(partition):
        _decide(partition, able[0], ledger)


def drain_leader(partition: Partition, view: ClusterView, ledger: Ledger) -> None:
    """Move the leader off a draining node."""
    assert partition.leader is not None
    if view.state_of(partition.leader.node_id) is not NodeState.DRAINING:
        return
    if partition.descriptor.joint is None and ledger.may_touch(partition):
        transfer_from(partition, view, ledger)
    else:
        ledger.skip(partition.subject, "its leader must go, but another change is under way")


def balance_leader(partition: Partition, view: ClusterView, ledger: Ledger) -> None:
    """Move the leader to a node that leads clearly fewer partitions."""
    assert partition.leader is not None
    here = partition.leader.node_id
    if view.state_of(here) is not NodeState.ALIVE:
        return
    # Asked of thousands of partitions, most of which lie well: successors are looked for last.
    fewest = min(ledger.leader_count[node_id] for node_id in view.nodes)
    if ledger.leader_count[here] - fewest < view.configuration.leader_imbalance_min:
        return
    for successor in successors(partition, view, ledger):
        imbalance = ledger.leader_count[here] - ledger.leader_count[successor.node_id]
        if imbalance < view.configuration.leader_imbalance_min:
            return
        if not view.is_settled(view.nodes[successor.node_id]):
            ledger.skip(partition.subject, f"{successor.node_id} should lead it once it is settled")
            continue
        if ledger.may_disturb(partition) and ledger.may_transfer(partition):
            _decide(partition, successor, ledger)
        return


def _decide(partition: Partition, successor: Replica, ledger: Ledger) -> None:
    assert partition.leader is not None
    ledger.decide(
        TransferLeader(
            partition.partition_id,
            partition.descriptor.table_identifier,
            partition.leader.term,
            partition.leader.node_id,
            successor.node_id,
        )
    )
