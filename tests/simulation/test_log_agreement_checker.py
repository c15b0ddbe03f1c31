"""The observer of logs lets agreement pass and stops at the first disagreement."""

from __future__ import annotations

from typing import Any

import pytest

from simulation.log_agreement_checker import LogAgreementChecker
from simulation.promise import PromiseBroken


def applied(replica: int, index: int, digest: str = "", term: int = 1) -> dict[str, Any]:
    return event("applied", replica, index=index, digest=digest or f"e{index}", term=term)


def event(kind: str, replica: int, **members: Any) -> dict[str, Any]:
    return {"event": kind, "partition": 1, "replica": replica, **members}


def watch(*events: dict[str, Any]) -> LogAgreementChecker:
    checker = LogAgreementChecker()
    for one in events:
        checker.observe(one)
    return checker


def test_replicas_that_apply_the_same_entries_pass() -> None:
    checker = watch(
        applied(1, 1),
        applied(1, 2),
        applied(2, 1),
        event("restarted", 1, index=1),
        applied(1, 2),
        applied(1, 3, term=4),
        event("restored", 3, index=2),
        applied(3, 3, term=4),
        event("leader", 3, last_index=3),
        event("state", 1, index=3, digest="s"),
        event("state", 3, index=3, digest="s"),
    )

    assert checker.committed == {1: 3}


def test_the_log_of_a_splits_child_begins_where_its_first_replicas_say() -> None:
    checker = watch(
        event("begun", 1, index=10), applied(1, 11), event("begun", 2, index=10), applied(2, 11)
    )

    assert checker.committed == {1: 11}


@pytest.mark.parametrize(
    "events, complaint",
    [
        ([applied(1, 2)], "replica 1 applied index 2 after 0"),
        ([applied(1, 1), applied(2, 1, "other")], "index 1 is term 1, digest e1 at replica 1"),
        ([applied(1, 1), applied(2, 1, term=2)], "index 1 is term 1, digest e1 at replica 1"),
        ([applied(1, 1, term=2), applied(1, 2, term=1)], "index 2 of term 1 follows one of 2"),
        ([event("restored", 2, index=5)], "replica 2 installed a snapshot at 5, which no replica"),
        (
            [applied(1, 1), applied(1, 2), event("restored", 1, index=1)],
            "replica 1 went back from 2 to a snapshot of 1",
        ),
        (
            [applied(1, 1), event("restarted", 2, index=1)],
            "replica 2 restarted at 1, which it had not applied",
        ),
        (
            [applied(1, 1), event("leader", 2, last_index=0)],
            "replica 2 leads with a log up to 0, but 1 is committed",
        ),
        (
            [event("state", 1, index=3, digest="s"), event("state", 2, index=3, digest="t")],
            "after index 3 replica 1 holds s, replica 2 holds t",
        ),
        ([event("begun", 1, index=10), event("begun", 2, index=9)], "begun after 10, at 2 after 9"),
    ],
)
def test_a_disagreement_is_stopped_at(events: list[dict[str, Any]], complaint: str) -> None:
    with pytest.raises(PromiseBroken) as broken:
        watch(*events)

    assert str(broken.value).startswith(f"partition 1: {complaint}")
