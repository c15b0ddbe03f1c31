"""Letting a group go quiet, and waking it: an idle group sends nothing and sets no timer.

Called by `raft` with the leader's ticks, by `dispatch` with messages. A leader that sees everybody
hold everything, and nothing to do for a while, says Quiesce instead of a heartbeat; whoever hears
it stops its timer. Anything that happens wakes a replica again: a proposal, a read, a message, or
the shell that saw the leader's node die.

Invariant: a quiet replica's log is committed to its end. Leases run out in quiet groups, so quiet
never makes a read stale; and who missed the Quiesce, or was woken alone, wakes the others with its
pre-vote, which a woken follower first refuses: its leader, woken too, is to be heard before it.
"""

from __future__ import annotations

from stator_core.raft.messages import (
    NO_REPLICA,
    AppendEntriesResponse,
    HeartbeatResponse,
    Message,
    Quiesce,
    RequestVote,
    Role,
)
from stator_core.raft.replication import broadcast_heartbeat
from stator_core.raft.state import ReplicaState


def may_quiesce(state: ReplicaState) -> bool:
    """Whether everybody has everything, and nothing has happened for a while."""
    quiesce_after, log = state.settings.quiesce_after, state.log
    last = log.last_index
    return (
        quiesce_after > 0
        and state.now - state.active_at >= quiesce_after
        and log.commit == log.applied == log.persisted == last
        and not state.configuration.joint
        and state.transfer_target == NO_REPLICA
        and not state.reads.pending
        and not state.postponed_reads
        and all(peer.match == last for peer in state.others)
    )


def quiesce(state: ReplicaState) -> None:
    """Send everybody to sleep."""
    assert state.role is Role.LEADER
    state.quiesced = True
    state.commit_notice_at = None
    commit = state.log.commit
    for peer in state.others:
        peer.commit_sent = commit
        state.send(Quiesce(state.replica, peer.replica, state.term, commit))


def handle_quiesce(state: ReplicaState, message: Quiesce) -> None:
    """Stop the election timer, unless there is something that the leader did not know."""
    state.hear_leader(message.sender)
    if state.log.last_index == message.commit == state.log.persisted:
        state.log.commit_to(message.commit)
        state.quiesced = True
    else:
        state.ignore("quiesce of a group whose log goes on here")


def wake(state: ReplicaState) -> None:
    """Start the timers again; a leader says at once that it is there."""
    if not state.quiesced:
        return
    state.quiesced = False
    state.active_at = state.now
    if state.role is Role.LEADER:
        for peer in state.others:
            peer.heard_at = state.now  # Silence was agreed upon.
        broadcast_heartbeat(state)
    else:
        state.restart_election_timer()
        state.draw_election_timeout()


def wake_by(state: ReplicaState, message: Message) -> None:
    """A message for a quiet replica; answers that were still under way wake nobody."""
    assert state.quiesced
    if message.term < state.term or isinstance(message, Quiesce | HeartbeatResponse):
        return
    if isinstance(message, AppendEntriesResponse) and message.success:
        return
    wake(state)
    if isinstance(message, RequestVote) and state.role is not Role.LEADER:
        state.promise()
