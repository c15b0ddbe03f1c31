"""Who is in the group, and how that changes: pure functions from configuration to configuration.

A leader proposes a `MembershipChange` as a log entry; every replica calls `changed` on it when it
is handed out to be applied (`reconfiguration`). Several changes of voters at once go through a
joint configuration (section 6; thesis 4.3), which is left by an empty change: the leader's own
doing when the change said `auto_leave`, the shell's otherwise.

Invariants, by `check_configuration` and the tests: no replica has two places; every quorum of a
configuration overlaps every quorum of what one step makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from stator_core.raft.messages import Configuration
from stator_core.raft.refusals import MembershipRefused, ReplicaDamaged

FORMAT_VERSION: Final = b"1"
REPLICAS_MAX: Final = 31  # in one group; a message to each of them leaves the leader's machine


class ChangeKind(Enum):
    """What becomes of one replica. The values are stored in logs: never change them."""

    ADD_VOTER = "voter"  # a new replica, or a learner that has caught up
    ADD_LEARNER = "learner"  # a new replica, or a voter that shall vote no more
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    kind: ChangeKind
    replica: int


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """Changes that happen together. None at all means: leave the joint configuration."""

    changes: tuple[Change, ...] = ()
    auto_leave: bool = True


LEAVE_JOINT: Final = MembershipChange()


def check_configuration(configuration: Configuration) -> None:
    """Every replica has one place, and what only joint configurations have is theirs alone."""
    voting = configuration.voters | configuration.voters_outgoing
    assert not configuration.learners & voting, "a learner votes"
    assert configuration.learners_next <= configuration.voters_outgoing, "a later learner is gone"
    assert not configuration.learners_next & configuration.voters, "a later learner stays voter"
    assert configuration.joint or not configuration.learners_next
    assert configuration.joint or not configuration.auto_leave
    assert all(replica > 0 for replica in configuration.members)


def changed(configuration: Configuration, change: MembershipChange) -> Configuration:
    """The configuration after this change.

    Raises MembershipRefused if the change does not fit. Deterministic: what the leader accepted,
    every replica accepts.
    """
    if not change.changes:
        return _leave_joint(configuration)
    if configuration.joint:
        raise MembershipRefused("a joint configuration must be left before the next change")
    incoming, learners = _incoming(configuration, change.changes)
    if not incoming:
        raise MembershipRefused("the last voter cannot be removed")
    if len(incoming | learners | configuration.voters) > REPLICAS_MAX:
        raise MembershipRefused(f"a group has at most {REPLICAS_MAX} replicas")
    if len(incoming ^ configuration.voters) <= 1:
        result = replace(configuration, voters=incoming, learners=learners)
    else:
        result = Configuration(
            voters=incoming,
            voters_outgoing=configuration.voters,
            learners=learners - configuration.voters,
            learners_next=learners & configuration.voters,
            auto_leave=change.auto_leave,
        )
    check_configuration(result)
    return result


def _leave_joint(configuration: Configuration) -> Configuration:
    if not configuration.joint:
        raise MembershipRefused("there is no joint configuration to leave")
    result = Configuration(
        voters=configuration.voters,
        learners=configuration.learners | configuration.learners_next,
    )
    check_configuration(result)
    return result


def _incoming(
    configuration: Configuration, changes: tuple[Change, ...]
) -> tuple[frozenset[int], frozenset[int]]:
    """Voters and learners as they will be in the end."""
    replicas = [change.replica for change in changes]
    if len(set(replicas)) != len(replicas):
        raise MembershipRefused("one replica is changed twice")
    voters, learners = set(configuration.voters), set(configuration.learners)
    for change in changes:
        replica = change.replica
        if replica <= 0:
            raise MembershipRefused(f"{replica} is not a replica identifier")
        places = {ChangeKind.ADD_VOTER: voters, ChangeKind.ADD_LEARNER: learners}
        place = places.get(change.kind)
        if place is None and replica not in voters | learners:
            raise MembershipRefused(f"replica {replica} is not in the group")
        if place is not None and replica in place:
            raise MembershipRefused(f"replica {replica} is a {change.kind.value} already")
        voters.discard(replica)
        learners.discard(replica)
        if place is not None:
            place.add(replica)
    return frozenset(voters), frozenset(learners)


def encode_change(change: MembershipChange) -> bytes:
    """Version 1, ASCII words: `1 auto voter:4 remove:1`; `1 auto` leaves a joint configuration."""
    words = [f"{one.kind.value}:{one.replica}".encode() for one in change.changes]
    return b" ".join([FORMAT_VERSION, b"auto" if change.auto_leave else b"explicit", *words])


def decode_change(data: bytes) -> MembershipChange:
    """The change that an entry's data holds. Raises ReplicaDamaged for what we never wrote."""
    try:
        version, leave, *words = data.decode("ascii").split(" ")
        if version != FORMAT_VERSION.decode() or leave not in ("auto", "explicit"):
            raise ValueError(leave)
        changes = []
        for word in words:
            kind, replica = word.split(":")
            changes.append(Change(ChangeKind(kind), int(replica)))
    except ValueError as error:
        raise ReplicaDamaged(f"a membership entry cannot be read: {data[:100]!r}") from error
    return MembershipChange(tuple(changes), auto_leave=leave == "auto")
