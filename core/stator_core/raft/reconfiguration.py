"""Membership changes and leadership transfers as a replica lives them (section 6; thesis 4, 3.10).

A change takes effect when its entry, committed, is handed out to be applied. Two facts keep that
safe although a replica may hold an entry long before it knows it committed:

* A leader accepts a change only when the one before is applied by it, so the append that carries
  the second also carries a commit index that covers the first, and both become durable in one
  write. A log thus holds at most one change that its replica does not know to be committed, and
  the configurations before and after one change overlap in every quorum.
* Nobody campaigns while a change that it knows committed has not taken effect (`election`).
"""

from __future__ import annotations

from stator_core.raft.election import campaign
from stator_core.raft.lease import end_transfer, hand_over, renew_lease
from stator_core.raft.membership import (
    LEAVE_JOINT,
    MembershipChange,
    changed,
    decode_change,
    encode_change,
)
from stator_core.raft.messages import NO_REPLICA, Configuration, Entry, EntryKind, Role
from stator_core.raft.progress import NEVER, Progress
from stator_core.raft.quorum import majority_size
from stator_core.raft.refusals import (
    LeadershipMoving,
    MembershipRefused,
    NotLeader,
    ReplicaDamaged,
    TransferRefused,
)
from stator_core.raft.replication import advance_commit, append, broadcast_heartbeat
from stator_core.raft.state import ReplicaState


def propose_change(state: ReplicaState, change: MembershipChange) -> int:
    """Append the change if it fits; its entry's index. Raises MembershipRefused."""
    if state.transfer_target != NO_REPLICA:
        raise LeadershipMoving("leadership is moving to another replica")
    if state.pending_membership > state.log.applied:
        raise MembershipRefused(f"the entry at {state.pending_membership} is not applied yet")
    changed(state.configuration, change)
    return _append_change(state, change)


def keeps_quorum(state: ReplicaState, change: MembershipChange, behind_max: int) -> bool:
    """Whether a majority of the voters that `change` leads to is there and nearly up to date.

    Raft itself asks for no such thing: it would follow a change to voters that are gone for good,
    and nothing could be committed ever after. etcd has this as `strict-reconfig-check`. There is
    who has answered what was sent within the last election timeout, so nobody in a group that was
    quiet until now. True for a change that leaves the voters as they are. Raises
    MembershipRefused for one that does not fit.
    """
    assert state.role is Role.LEADER
    voters = changed(state.configuration, change).voters
    if voters == state.configuration.voters:
        return True
    sent_after = max(state.now - state.settings.election_timeout, NEVER)
    needed_from = state.log.last_index - behind_max
    good = sum(
        peer.acknowledged_send_time > sent_after and peer.match >= needed_from
        for peer in state.others
        if peer.replica in voters
    )
    return good + (state.replica in voters) >= majority_size(len(voters))


def _append_change(state: ReplicaState, change: MembershipChange) -> int:
    state.pending_membership = append(state, EntryKind.MEMBERSHIP, encode_change(change))
    return state.pending_membership


def leave_joint_if_due(state: ReplicaState) -> None:
    """The leader ends a joint configuration by itself, if it was entered so."""
    if (
        state.configuration.auto_leave
        and state.role is Role.LEADER
        and state.pending_membership <= state.log.applied
    ):
        _append_change(state, LEAVE_JOINT)


def take_effect(state: ReplicaState, entry: Entry) -> Configuration:
    """A committed change is handed out: from now on its configuration counts."""
    assert entry.kind is EntryKind.MEMBERSHIP
    try:
        configuration = changed(state.configuration, decode_change(entry.data))
    except MembershipRefused as refusal:
        # The leader checked it against this very configuration.
        raise ReplicaDamaged(f"entry {entry.index} cannot be applied: {refusal}") from refusal
    state.configuration = configuration
    if state.role is Role.LEADER:
        _lead_under(state, configuration)
    elif state.role is not Role.FOLLOWER:
        # Votes were asked for under another configuration.
        state.become_follower(state.term, NO_REPLICA)
    return configuration


def _lead_under(state: ReplicaState, configuration: Configuration) -> None:
    state.follow_progress()
    state.append_due = True
    if not configuration.votes(state.replica):
        _leave_office(state)
        return
    if not configuration.votes(state.transfer_target):
        end_transfer(state)
    renew_lease(state)
    advance_commit(state)


def _leave_office(state: ReplicaState) -> None:
    """The leader is a voter no more: tell the commit index, name a successor, step down (4.2.2)."""
    broadcast_heartbeat(state)
    last = state.log.last_index
    ready = [peer for peer in state.incoming if peer.match == last]
    if ready:
        hand_over(state, ready[0])
    state.become_follower(state.term, NO_REPLICA)


def transfer(state: ReplicaState, target: int) -> None:
    """Let `target` lead: bring it up to date, then tell it to campaign. Raises TransferRefused."""
    if state.role is not Role.LEADER:
        raise NotLeader(state.leader)
    if not state.configuration.votes(target):
        raise TransferRefused(f"replica {target} is not a voter")
    if target in (state.replica, state.transfer_target):
        return
    state.transfer_target = target
    state.transfer_deadline = state.now + state.settings.election_timeout
    peer: Progress = state.progress[target]
    if peer.match == state.log.last_index:
        hand_over(state, peer)
    else:
        state.append_due = True


def campaign_now(state: ReplicaState) -> bool:
    """The shell wants this replica to lead, if nobody does and it does not stand already."""
    if state.role is not Role.FOLLOWER or state.now < state.promise_until:
        return False
    return campaign(state)
