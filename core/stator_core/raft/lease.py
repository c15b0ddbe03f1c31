"""What time tells a leader: whether it may still answer reads alone, and whether it still leads.

Called by `raft` (ticks), `replication` (every answer of a peer) and `election`. Two clocks of one
kind, both "the time that a quorum has reached":

* The lease. Every message of a leader carries the time it was sent, and its receiver sends that
  back. A round sent at `s` and answered by a quorum gives a lease until `s + lease_duration`: each
  of that quorum promised, when it received the message at or after `s`, to vote for nobody during
  one election timeout from then; another leader needs one of them; and the duration is shorter
  than that timeout by more than clocks may drift apart. It is the sending that counts: an answer
  says nothing about the time it took. A frozen leader finds its lease run out because `now` jumped.
* The quorum's contact (check-quorum, thesis 6.2). A leader that has not heard from a quorum for an
  election timeout steps down, so that its clients go elsewhere. Who hears nobody may still be
  heard: it says TimeoutNow to the follower that has most of the log, so that the others need not
  wait for an election timeout as well.

A leadership transfer lets the target break the promise, so the leader gives its lease up before it
says TimeoutNow, and for the rest of its term: the message, or the votes that follow from it, may be
delayed for any time. Reads then go through `read_index`.

Invariant: lease_until is only in the future if this term's opening entry is applied here (so
everything that any earlier leader acknowledged is too) and no TimeoutNow was sent in this term.
"""

from __future__ import annotations

from stator_core.raft.messages import NO_REPLICA, Role, TimeoutNow
from stator_core.raft.progress import Progress
from stator_core.raft.quorum import UNBOUNDED, joint_reached, reached
from stator_core.raft.state import LONG_AGO, ReplicaState


def renew_lease(state: ReplicaState) -> None:
    """Work out the lease from what the voters have answered."""
    if state.lease_surrendered or state.log.applied < state.term_start:
        state.lease_until = LONG_AGO
        return
    if state.alone:
        state.lease_until = UNBOUNDED
        return
    own = state.replica
    now = state.now
    round_sent = reached(
        [now if p.replica == own else p.acknowledged_send_time for p in state.incoming]
    )
    if state.outgoing:
        outgoing = [now if p.replica == own else p.acknowledged_send_time for p in state.outgoing]
        round_sent = min(round_sent, reached(outgoing))
    if round_sent < 0:
        state.lease_until = LONG_AGO  # No quorum has answered this term yet.
    else:
        state.lease_until = round_sent + state.settings.lease_duration


def surrender_lease(state: ReplicaState) -> None:
    """For the rest of this term."""
    state.lease_surrendered = True
    state.lease_until = LONG_AGO


def quorum_heard_at(state: ReplicaState) -> int:
    """The latest time since which a quorum, this replica included, has answered."""
    assert state.role is Role.LEADER

    def heard(voters: list[Progress]) -> list[int]:
        return [state.now if p.replica == state.replica else p.heard_at for p in voters]

    return joint_reached(heard(state.incoming), heard(state.outgoing))


def in_touch(state: ReplicaState) -> bool:
    """Whether a quorum has been heard within an election timeout."""
    return state.now < quorum_heard_at(state) + state.settings.election_timeout


def protected(state: ReplicaState) -> bool:
    """Whether this replica must not vote for anybody now: it follows, or is, a live leader."""
    if state.role is Role.LEADER:
        return in_touch(state)
    return state.now < state.promise_until


def hand_over(state: ReplicaState, target: Progress) -> None:
    """Tell a peer that has the whole log to campaign at once (thesis 3.10)."""
    assert target.match == state.log.last_index
    surrender_lease(state)
    state.send(TimeoutNow(state.replica, target.replica, state.term))


def step_down(state: ReplicaState) -> None:
    """Lead this term no more, and have the best follower campaign at once.

    Its lease is over with that, so the promises that the votes will break protect nothing; and it
    can never lead this term again, however late the message comes.
    """
    assert state.role is Role.LEADER
    followers = [peer for peer in state.incoming if peer.replica != state.replica]
    state.become_follower(state.term, NO_REPLICA)
    if followers:
        best = max(followers, key=lambda peer: (peer.match, peer.heard_at, -peer.replica))
        state.send(TimeoutNow(state.replica, best.replica, state.term))


def end_transfer(state: ReplicaState) -> None:
    """The target did not take over; propose again, though without a lease if it was told to."""
    state.transfer_target = NO_REPLICA
