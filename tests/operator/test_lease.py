"""Who may work: a Lease is taken when it is free or silent, by one alone and by its own clock."""

from __future__ import annotations

from typing import Any

from stator_operator.lease import (
    LEASE_SECONDS,
    RENEW_SECONDS_MAX,
    ROUND_SECONDS,
    Seen,
    Take,
    Wait,
    next_step,
    seen_now,
    taken,
)

NOW = "2026-11-20T12:00:00.000000Z"


def a_lease(holder: str, version: str = "7", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "stator-operator", "namespace": "ours", "resourceVersion": version},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": LEASE_SECONDS, **spec},
    }


def test_a_holder_ends_before_another_may_begin() -> None:
    """Renewing is given up, with a round to spare, before anybody takes a silent Lease."""
    assert RENEW_SECONDS_MAX + 2 * ROUND_SECONDS <= LEASE_SECONDS


def test_a_free_lease_is_taken() -> None:
    assert next_step(None, "a", None, 0) == Take()
    assert next_step(a_lease(""), "a", None, 0) == Take()


def test_ones_own_lease_is_taken_again_at_once() -> None:
    """A container that is started again has the name of the one before, which is gone."""
    assert next_step(a_lease("a"), "a", None, 0) == Take()


def test_a_lease_of_another_is_waited_for_until_it_has_been_silent_long_enough() -> None:
    lease = a_lease("b")
    seen = seen_now(lease, None, 100.0)

    assert next_step(lease, "a", seen, 100.0) == Wait("b")
    assert next_step(lease, "a", seen, 100.0 + LEASE_SECONDS - 0.1) == Wait("b")
    assert next_step(lease, "a", seen, 100.0 + LEASE_SECONDS) == Take()


def test_what_its_holder_asked_for_counts() -> None:
    lease = a_lease("b", leaseDurationSeconds=60)

    assert next_step(lease, "a", Seen("7", 100.0), 159.0) == Wait("b")
    assert next_step(lease, "a", Seen("7", 100.0), 160.0) == Take()


def test_a_lease_that_changes_is_not_silent() -> None:
    seen = seen_now(a_lease("b", "7"), None, 100.0)
    later = a_lease("b", "8")
    seen = seen_now(later, seen, 114.0)

    assert seen == Seen("8", 114.0)
    assert next_step(later, "a", seen, 120.0) == Wait("b")
    assert seen_now(later, seen, 120.0) == Seen("8", 114.0)


def test_a_taken_lease_says_who_and_since_when_and_keeps_its_version() -> None:
    before = a_lease("b", leaseTransitions=3, acquireTime="long ago")
    after = taken(before, "ours", "stator-operator", "a", NOW)

    assert after["spec"] == {
        "holderIdentity": "a",
        "leaseDurationSeconds": LEASE_SECONDS,
        "acquireTime": NOW,
        "renewTime": NOW,
        "leaseTransitions": 4,
    }
    assert after["metadata"]["resourceVersion"] == "7"
    assert before["spec"]["holderIdentity"] == "b"


def test_renewing_changes_the_time_alone() -> None:
    held = taken(None, "ours", "stator-operator", "a", NOW)
    renewed = taken(held, "ours", "stator-operator", "a", "later")

    assert held["spec"]["leaseTransitions"] == 0
    assert renewed["spec"] == held["spec"] | {"renewTime": "later"}
