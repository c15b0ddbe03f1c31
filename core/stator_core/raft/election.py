"""Who leads: section 5.2 and 5.4.1, with the pre-vote of thesis 9.6.

Called by `raft` when a timer runs out, when the shell asks, and with every message about votes.
Stages are a table: a pre-candidate asks whether it could win, without raising its term; a
candidate raises it and asks for votes; a leader opens its term with an empty entry.

A candidate's requests, and its vote for itself, wait until term and vote are durable and with them
every entry of its log: a candidate that crashed and came back with a shorter log must not be able
to use votes that were given to the longer one.

Invariants: one vote per term; no vote while a live leader is protected (see `lease`), except that
its own transfer asks for it.
"""

from __future__ import annotations

from stator_core.raft.lease import protected
from stator_core.raft.messages import (
    NO_REPLICA,
    EntryKind,
    RequestVote,
    RequestVoteResponse,
    Role,
    TimeoutNow,
)
from stator_core.raft.quorum import VoteResult, joint_vote_result
from stator_core.raft.replication import append
from stator_core.raft.state import ReplicaState


def can_campaign(state: ReplicaState) -> bool:
    """Whether this replica may stand: a voter that knows of no change it has not yet made."""
    log = state.log
    return (
        state.is_voter
        and state.role is not Role.LEADER
        and log.snapshot is None
        # A committed change is part of the configuration that the election is held in.
        and not log.holds_membership(log.handed_out, log.commit)
    )


def campaign(state: ReplicaState, *, transfer: bool = False) -> bool:
    """Stand for election; by a pre-vote first unless the leader itself asked. False if it may not.

    The election timer starts anew either way, so that a replica that cannot stand tries later.
    """
    if not can_campaign(state):
        state.restart_election_timer()
        return False
    if transfer:
        _become_candidate(state, transfer=True)
    else:
        _become_pre_candidate(state)
    return True


def _become_pre_candidate(state: ReplicaState) -> None:
    """Ask whether an election could be won; the term stays, so asking disturbs nobody."""
    state.become_follower(state.term, NO_REPLICA)
    state.role = Role.PRE_CANDIDATE
    state.votes[state.replica] = True
    log = state.log
    for replica in _voters(state):
        state.send(
            RequestVote(
                state.replica,
                replica,
                state.term + 1,
                log.last_index,
                log.last_term,
                pre_vote=True,
            )
        )
    _count(state)


def _become_candidate(state: ReplicaState, *, transfer: bool) -> None:
    """Raise the term and ask for votes. The own vote counts once it is durable."""
    assert transfer or not protected(state), "the own vote would break the promise to the leader"
    state.become_follower(state.term + 1, NO_REPLICA)
    state.role = Role.CANDIDATE
    state.vote = state.replica
    log = state.log
    for replica in _voters(state):
        state.send_after_persistence(
            RequestVote(
                state.replica,
                replica,
                state.term,
                log.last_index,
                log.last_term,
                leadership_transfer=transfer,
            )
        )


def _voters(state: ReplicaState) -> list[int]:
    configuration = state.configuration
    voters = configuration.voters | configuration.voters_outgoing
    return sorted(voters - {state.replica})


def count_own_vote(state: ReplicaState) -> None:
    """Term and vote of this candidate are durable."""
    assert state.role is Role.CANDIDATE
    assert state.durable_term == state.term
    state.votes[state.replica] = True
    _count(state)


def _count(state: ReplicaState) -> None:
    configuration = state.configuration
    result = joint_vote_result(configuration.voters, configuration.voters_outgoing, state.votes)
    if result is VoteResult.LOST:
        state.become_follower(state.term, NO_REPLICA)
    elif result is VoteResult.WON:
        if state.role is Role.CANDIDATE:
            become_leader(state)
        elif protected(state):
            # Others have lost the leader; this replica heard from it, or may have before a restart.
            state.become_follower(state.term, NO_REPLICA)
        else:
            _become_candidate(state, transfer=False)


def become_leader(state: ReplicaState) -> None:
    """Open the term with an entry of its own: only that commits what earlier terms left."""
    assert state.role is Role.CANDIDATE
    assert state.vote == state.replica
    assert not state.progress
    state.reset_leadership()
    state.role = Role.LEADER
    state.leader = state.replica
    log = state.log
    # An uncommitted change may be anywhere in the log: none is accepted until all is applied.
    state.pending_membership = log.last_index
    state.follow_progress()
    state.own_progress.match = log.persisted
    state.own_progress.next = log.persisted + 1
    state.term_start = append(state, EntryKind.NORMAL, b"")
    state.heartbeat_at = state.now + state.settings.heartbeat_interval
    state.active_at = state.now


def handle_request_vote(state: ReplicaState, message: RequestVote) -> None:
    """Figure 2, RequestVote; its term is not below this replica's (`raft` saw to that)."""
    if message.pre_vote:
        free = message.term > state.term
    else:
        assert message.term == state.term
        free = state.vote == NO_REPLICA and state.leader == NO_REPLICA
        free = free or state.vote == message.sender
    granted = free and state.log.up_to_date(message.last_log_index, message.last_log_term)
    # A grant speaks of the term asked for, a refusal of the term that the asker should know.
    response = RequestVoteResponse(
        state.replica,
        message.sender,
        message.term if granted else state.term,
        granted,
        message.pre_vote,
    )
    if message.pre_vote:
        state.send(response)
        return
    if granted:
        state.vote = message.sender
        state.restart_election_timer()
    state.send_after_persistence(response)


def handle_vote_response(state: ReplicaState, message: RequestVoteResponse) -> None:
    """One more answer; answers to another stage than the present one are out of date."""
    stage = Role.PRE_CANDIDATE if message.pre_vote else Role.CANDIDATE
    if state.role is not stage or message.term > state.term + 1:
        state.ignore("vote that came late")
        return
    if message.sender not in state.votes:
        state.votes[message.sender] = message.vote_granted
        _count(state)


def handle_timeout_now(state: ReplicaState, message: TimeoutNow) -> None:
    """The leader of this term asks this replica to take over (thesis 3.10)."""
    if state.leader != message.sender:
        state.ignore("TimeoutNow of a replica that is not the leader")
        return
    # If a change that is known to be committed has yet to take effect: right after it.
    state.campaign_due = not campaign(state, transfer=True)
