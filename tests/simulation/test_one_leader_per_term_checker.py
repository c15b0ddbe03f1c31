"""The observer of elections lets good ones pass and stops at the first bad one."""

from __future__ import annotations

from typing import Any

import pytest

from simulation.one_leader_per_term_checker import OneLeaderPerTermChecker
from simulation.promise import PromiseBroken


def event(kind: str, replica: int, partition: int = 1, **members: Any) -> dict[str, Any]:
    return {"event": kind, "partition": partition, "replica": replica, **members}


def watch(*events: dict[str, Any]) -> OneLeaderPerTermChecker:
    checker = OneLeaderPerTermChecker()
    for one in events:
        checker.observe(one)
    return checker


def test_one_leader_in_each_term_and_partition_passes() -> None:
    checker = watch(
        event("vote", 1, term=1, candidate=1),
        event("vote", 2, term=1, candidate=1),
        event("leader", 1, term=1),
        event("leader", 2, partition=9, term=1),
        event("sent", 2, bytes=7),
        event("vote", 2, term=1, candidate=1),
        event("leader", 2, term=2),
    )

    assert checker.leaders == 3


@pytest.mark.parametrize(
    "events, complaint",
    [
        (
            [event("leader", 1, term=3), event("leader", 2, term=3)],
            "partition 1: term 3 has two leaders: 1 and 2",
        ),
        (
            [event("vote", 1, term=3, candidate=1), event("vote", 1, term=3, candidate=2)],
            "partition 1: replica 1 voted twice in term 3: for 1 and for 2",
        ),
        (
            [event("term", 1, term=3), event("term", 1, term=2)],
            "partition 1: replica 1 went back from term 3 to 2",
        ),
        (
            [event("forgotten", 1), event("leader", 1, term=1)],
            "partition 1: forgotten replica 1 acts",
        ),
    ],
)
def test_a_broken_election_is_stopped_at(events: list[dict[str, Any]], complaint: str) -> None:
    with pytest.raises(PromiseBroken) as broken:
        watch(*events)

    assert str(broken.value).startswith(complaint)
