"""Majorities, of one set of voters and of two: small numbers, all of them."""

from __future__ import annotations

from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from stator_core.raft.quorum import (
    UNBOUNDED,
    VoteResult,
    joint_reached,
    joint_vote_result,
    majority_size,
    reached,
    vote_result,
)


def test_two_majorities_always_share_a_voter() -> None:
    for voters in range(1, 8):
        size = majority_size(voters)
        for one, other in product(combinations(range(voters), size), repeat=2):
            assert set(one) & set(other)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=9))
def test_reached_is_the_highest_value_that_a_majority_has(values: list[int]) -> None:
    needed = majority_size(len(values))
    expected = max(v for v in values if sum(other >= v for other in values) >= needed)

    assert reached(list(values)) == expected


def test_no_voters_hold_nothing_back() -> None:
    assert reached([]) == UNBOUNDED
    assert joint_reached([3, 5, 4], []) == 4
    assert vote_result((), {}) is VoteResult.WON


def test_a_joint_configuration_moves_as_slowly_as_its_slower_half() -> None:
    assert joint_reached([9, 9, 1], [2, 3, 9]) == 3


def test_an_election_is_open_until_a_majority_has_spoken() -> None:
    voters = (1, 2, 3)

    assert vote_result(voters, {1: True}) is VoteResult.PENDING
    assert vote_result(voters, {1: True, 2: False}) is VoteResult.PENDING
    assert vote_result(voters, {1: True, 3: True}) is VoteResult.WON
    assert vote_result(voters, {2: False, 3: False}) is VoteResult.LOST
    assert vote_result(voters, {1: True, 8: True, 9: True}) is VoteResult.PENDING


def test_a_joint_election_needs_both_halves() -> None:
    votes = {1: True, 2: True}

    assert joint_vote_result((1, 2, 3), (1, 4, 5), votes) is VoteResult.PENDING
    assert joint_vote_result((1, 2, 3), (1, 4, 5), votes | {4: True}) is VoteResult.WON
    refused = votes | {4: False, 5: False}
    assert joint_vote_result((1, 2, 3), (1, 4, 5), refused) is VoteResult.LOST
