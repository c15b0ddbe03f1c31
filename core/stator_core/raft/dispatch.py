"""Which message is handled at all, and by whom: the rules about terms, before any other rule.

Called by `Raft.step`. Section 5.1: a higher term makes a follower of anybody, a lower one is
refused. Two exceptions keep a healthy leader in place: nobody takes notice of a vote asked for
while a leader is protected (thesis 6.2 and 4.2.3), and a pre-vote moves no term (thesis 9.6).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from stator_core.raft.election import (
    handle_request_vote,
    handle_timeout_now,
    handle_vote_response,
)
from stator_core.raft.lease import protected
from stator_core.raft.messages import (
    NO_REPLICA,
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    HeartbeatResponse,
    InstallSnapshot,
    Message,
    Quiesce,
    RequestVote,
    RequestVoteResponse,
    Role,
    TimeoutNow,
)
from stator_core.raft.quiescence import handle_quiesce, wake_by
from stator_core.raft.refusals import MessageRefused
from stator_core.raft.replication import (
    handle_append,
    handle_append_response,
    handle_heartbeat,
    handle_heartbeat_response,
    handle_install_snapshot,
)
from stator_core.raft.state import ReplicaState

NOT_SENT: Final = 0  # in the place of a send time: no message of this term is answered

# Message -> handler of it in its own term. A leader's messages make a candidate of the same term a
# follower (section 5.2); answers to a leader mean nothing to anybody else.
FROM_LEADER: Final[dict[type, Callable[[ReplicaState, Any], None]]] = {
    AppendEntries: handle_append,
    Heartbeat: handle_heartbeat,
    InstallSnapshot: handle_install_snapshot,
    Quiesce: handle_quiesce,
}
TO_LEADER: Final[dict[type, Callable[[ReplicaState, Any], None]]] = {
    AppendEntriesResponse: handle_append_response,
    HeartbeatResponse: handle_heartbeat_response,
}
ABOUT_VOTES: Final[dict[type, Callable[[ReplicaState, Any], None]]] = {
    RequestVote: handle_request_vote,
    RequestVoteResponse: handle_vote_response,
    TimeoutNow: handle_timeout_now,
}


def handle(state: ReplicaState, message: Message) -> None:
    """One message. Raises MessageRefused, ReplicaDamaged."""
    if message.receiver != state.replica or message.sender == state.replica:
        raise MessageRefused(
            f"replica {state.replica} got a message of {message.sender} for {message.receiver}"
        )
    if state.quiesced:
        wake_by(state, message)
    if message.term < state.term:
        _answer_old_term(state, message)
        return
    kind = type(message)
    if kind in FROM_LEADER and message.term == state.term:
        _check_leader(state, message.sender)
    if isinstance(message, RequestVote) and _disturbs(state, message):
        state.ignore("vote asked for while a leader lives")
        return
    if message.term > state.term and not _of_a_pre_vote(message):
        state.become_follower(message.term, message.sender if kind in FROM_LEADER else NO_REPLICA)
    handler = TO_LEADER.get(kind)
    if handler is not None:
        if state.role is Role.LEADER:
            handler(state, message)
        else:
            state.ignore("answer to a leader that is none")
        return
    handler = FROM_LEADER.get(kind) or ABOUT_VOTES[kind]
    handler(state, message)


def _check_leader(state: ReplicaState, sender: int) -> None:
    """A term has one leader; another means that a voter has forgotten its vote."""
    if state.leader not in (NO_REPLICA, sender):
        raise MessageRefused(
            f"replica {sender} claims to lead term {state.term}, but {state.leader} does"
        )


def _disturbs(state: ReplicaState, message: RequestVote) -> bool:
    """Whether this request must not be noticed. One that was granted is answered again."""
    repeated = not message.pre_vote and message.term == state.term and message.sender == state.vote
    return not message.leadership_transfer and not repeated and protected(state)


def _of_a_pre_vote(message: Message) -> bool:
    """Whether its term is one that somebody only thinks of. A refusal's is its sender's own."""
    if isinstance(message, RequestVote):
        return message.pre_vote
    return isinstance(message, RequestVoteResponse) and message.pre_vote and message.vote_granted


def _answer_old_term(state: ReplicaState, message: Message) -> None:
    """A replica that lags behind must learn of the present term, lest it be stuck for ever."""
    state.ignore("message of an old term")
    if type(message) in FROM_LEADER:
        # Its sender leads an old term. With pre-vote nobody else would tell it.
        state.send_after_persistence(
            AppendEntriesResponse(state.replica, message.sender, state.term, False, 0, NOT_SENT)
        )
    elif isinstance(message, RequestVote) and message.pre_vote:
        state.send(
            RequestVoteResponse(state.replica, message.sender, state.term, False, pre_vote=True)
        )
