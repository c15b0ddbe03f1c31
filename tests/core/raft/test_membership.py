"""Configurations change so that every step's quorums overlap: checked for all small groups."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core.raft.membership import (
    LEAVE_JOINT,
    Change,
    ChangeKind,
    MembershipChange,
    changed,
    check_configuration,
    decode_change,
    encode_change,
)
from stator_core.raft.messages import Configuration
from stator_core.raft.quorum import majority_size
from stator_core.raft.refusals import MembershipRefused, ReplicaDamaged

THREE = Configuration(voters=frozenset({1, 2, 3}))
CHANGES = st.lists(
    st.builds(Change, st.sampled_from(ChangeKind), st.integers(1, 6)), min_size=1, max_size=4
)


def change(text: str, *, auto_leave: bool = True) -> MembershipChange:
    """`+4 -1 ~2`: a voter, a removal, a learner."""
    kinds = {"+": ChangeKind.ADD_VOTER, "-": ChangeKind.REMOVE, "~": ChangeKind.ADD_LEARNER}
    words = text.split()
    changes = tuple(Change(kinds[word[0]], int(word[1:])) for word in words)
    return MembershipChange(changes, auto_leave=auto_leave)


def quorums(configuration: Configuration) -> list[frozenset[int]]:
    """Every smallest set that can commit or elect."""

    def majorities(voters: frozenset[int]) -> list[frozenset[int]]:
        if not voters:
            return [frozenset()]
        return [frozenset(one) for one in combinations(sorted(voters), majority_size(len(voters)))]

    halves = product(majorities(configuration.voters), majorities(configuration.voters_outgoing))
    return [incoming | outgoing for incoming, outgoing in halves]


@given(st.lists(CHANGES, max_size=6))
def test_quorums_before_and_after_every_step_overlap(steps: list[list[Change]]) -> None:
    """Section 6: at no time can two majorities decide apart from each other."""
    configuration = THREE
    for step in steps:
        try:
            after = changed(configuration, MembershipChange(tuple(step)))
        except MembershipRefused:
            after = configuration
        reachable = [after, changed(after, LEAVE_JOINT)] if after.joint else [after]
        for following in reachable:
            check_configuration(following)
            pairs = product(quorums(configuration), quorums(following))
            assert all(one & other for one, other in pairs)
            configuration = following


def test_one_voter_more_or_less_needs_no_joint_configuration() -> None:
    assert changed(THREE, change("+4")).voters == {1, 2, 3, 4}
    assert changed(THREE, change("-3")) == Configuration(voters=frozenset({1, 2}))
    assert changed(THREE, change("~4 ~5")).learners == {4, 5}


def test_several_voters_go_through_a_joint_configuration() -> None:
    joint = changed(THREE, change("+4 -1"))

    assert joint.joint
    assert joint.auto_leave
    assert (joint.voters, joint.voters_outgoing) == ({2, 3, 4}, {1, 2, 3})
    assert changed(joint, LEAVE_JOINT) == Configuration(voters=frozenset({2, 3, 4}))


def test_a_voter_that_becomes_a_learner_votes_until_the_joint_configuration_is_left() -> None:
    joint = changed(THREE, change("~2 ~3"))

    assert joint.learners == frozenset()
    assert joint.learners_next == {2, 3}
    assert joint.votes(2)
    assert changed(joint, LEAVE_JOINT).learners == {2, 3}


def test_a_learner_is_promoted() -> None:
    with_learner = changed(THREE, change("~4"))

    assert changed(with_learner, change("+4")) == Configuration(voters=frozenset({1, 2, 3, 4}))


@pytest.mark.parametrize(
    "text, reason",
    [
        ("-1 -2 -3", "the last voter cannot be removed"),
        ("+4 -4", "one replica is changed twice"),
        ("-9", "replica 9 is not in the group"),
        ("+1", "replica 1 is a voter already"),
        ("+0", "0 is not a replica identifier"),
        ("", "there is no joint configuration to leave"),
        (" ".join(f"~{replica}" for replica in range(4, 40)), "a group has at most 31 replicas"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MembershipRefused, match=reason):
        changed(THREE, change(text))


def test_a_joint_configuration_takes_no_other_change() -> None:
    with pytest.raises(MembershipRefused, match="must be left before"):
        changed(changed(THREE, change("+4 -1")), change("+5"))


def test_changes_are_stored_in_bytes_that_stay() -> None:
    """These bytes are in logs: they may be added to, not changed."""
    assert encode_change(change("+4 -1 ~2")) == b"1 auto voter:4 remove:1 learner:2"
    assert encode_change(LEAVE_JOINT) == b"1 auto"
    assert encode_change(change("+4", auto_leave=False)) == b"1 explicit voter:4"


@given(CHANGES, st.booleans())
def test_what_was_stored_is_read_again(changes: list[Change], auto_leave: bool) -> None:
    stored = MembershipChange(tuple(changes), auto_leave)

    assert decode_change(encode_change(stored)) == stored


@pytest.mark.parametrize(
    "data", [b"", b"2 auto", b"1 maybe", b"1 auto voter", b"1 auto x:1", b"\xff"]
)
def test_bytes_that_nobody_wrote_mean_a_damaged_replica(data: bytes) -> None:
    with pytest.raises(ReplicaDamaged):
        decode_change(data)
