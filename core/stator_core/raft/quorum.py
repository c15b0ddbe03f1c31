"""The arithmetic of majorities: of one set of voters, and of a joint configuration's two.

Called by `election` with votes, by `replication` with match indexes, by `lease` with send times
and by `read_index` with contexts: "the highest value that a quorum has reached" is one function
for all four. No state, no Raft.

Invariant: any two quorums of one configuration share a replica, and so do a quorum of a
configuration and one of a configuration that a single membership step leads to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Final

# What an empty set of voters has reached: it holds nothing back. Larger than any index or time.
UNBOUNDED: Final = 2**63 - 1


class VoteResult(Enum):
    """An election is never just won or not: it may also be open."""

    PENDING = "pending"
    WON = "won"
    LOST = "lost"


def majority_size(voters: int) -> int:
    """How many of so many voters are a quorum."""
    assert voters > 0
    return voters // 2 + 1


def reached(values: list[int]) -> int:
    """The highest value that a majority has reached, given each voter's own. Sorts the list."""
    if not values:
        return UNBOUNDED
    values.sort()
    return values[(len(values) - 1) // 2]


def joint_reached(incoming: list[int], outgoing: list[int]) -> int:
    """The highest value that majorities of both halves have reached."""
    return min(reached(incoming), reached(outgoing))


def vote_result(voters: Collection[int], votes: Mapping[int, bool]) -> VoteResult:
    """How an election among these voters stands; votes of others do not count."""
    if not voters:
        return VoteResult.WON  # The empty half of a configuration that is not joint.
    granted = sum(1 for voter in voters if votes.get(voter) is True)
    missing = sum(1 for voter in voters if voter not in votes)
    needed = majority_size(len(voters))
    if granted >= needed:
        return VoteResult.WON
    return VoteResult.PENDING if granted + missing >= needed else VoteResult.LOST


def joint_vote_result(
    incoming: Collection[int], outgoing: Collection[int], votes: Mapping[int, bool]
) -> VoteResult:
    """Both halves must grant; one that refuses decides."""
    results = {vote_result(incoming, votes), vote_result(outgoing, votes)}
    if VoteResult.LOST in results:
        return VoteResult.LOST
    return VoteResult.PENDING if VoteResult.PENDING in results else VoteResult.WON
