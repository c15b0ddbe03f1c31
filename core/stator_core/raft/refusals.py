"""Why Raft says no: one class per reason, so that the shell answers without reading texts.

Raised by `Raft`'s methods. Nothing was changed when one is raised, except that a quiet replica may
have woken up: look for a Ready and at the deadline as after any event. An AssertionError is never
among them: that is a bug of ours. `ReplicaDamaged` is the one that ends a replica's life.
"""

from __future__ import annotations

from stator_core.raft.messages import NO_REPLICA


class Refusal(Exception):
    """What was asked cannot be done now; the replica is unchanged."""


class NotLeader(Refusal):
    """Ask `leader`, if somebody is known to lead."""

    def __init__(self, leader: int) -> None:
        known = f"replica {leader} leads" if leader != NO_REPLICA else "no leader is known"
        super().__init__(f"this replica does not lead: {known}")
        self.leader = leader


class LeadershipMoving(Refusal):
    """A leadership transfer is under way; proposals wait for its end."""


class TooMuchUncommitted(Refusal):
    """The bytes proposed and not yet committed would pass their limit: slow down."""


class TooManyReads(Refusal):
    """The reads waiting for a quorum would pass their limit."""


class MembershipRefused(Refusal):
    """The change does not fit the configuration, or another one is not applied yet."""


class TransferRefused(Refusal):
    """The target cannot lead."""


class MessageRefused(Refusal):
    """The message cannot have been meant for this replica: another uses its identifier."""


class Compacted(Exception):
    """The log no longer reaches back to this index: a snapshot has taken its place."""


class ReplicaDamaged(Exception):
    """What disk or peers say cannot be true of a replica that kept its promises.

    Typically a disk lost writes that it had called durable. The replica must take part no more; a
    new one, with a new identifier, takes its place.
    """
