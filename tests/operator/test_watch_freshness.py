"""A watch is dead when it does not tell what a list shows; a quiet one is not."""

from __future__ import annotations

from typing import Any

from stator_operator.metrics import Metrics
from stator_operator.watch_freshness import BEHIND_SECONDS_MAX, WatchFreshness


class Time:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def body(uid: str, generation: int = 1) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "generation": generation}}


def made() -> tuple[WatchFreshness, Time, Metrics]:
    time, metrics = Time(), Metrics()
    return WatchFreshness(("StoragePool", "Pod"), time, metrics), time, metrics


def test_a_quiet_watch_is_alive() -> None:
    freshness, time, metrics = made()
    freshness.told("StoragePool", body("u"), deleted=False)
    time.now += 100_000
    freshness.listed("StoragePool", [body("u")])
    freshness.measure()

    assert freshness.dead() == []
    assert 'watch_event_age_seconds{kind="StoragePool"} 100000' in metrics.text()


def test_a_watch_that_misses_a_change_is_dead_after_a_while() -> None:
    freshness, time, metrics = made()
    freshness.told("StoragePool", body("u", 1), deleted=False)
    freshness.listed("StoragePool", [body("u", 2)])
    freshness.measure()

    assert freshness.dead() == []
    assert 'watch_is_behind{kind="StoragePool"} 1' in metrics.text()
    time.now += BEHIND_SECONDS_MAX
    assert freshness.dead() == ["StoragePool"]


def test_a_watch_that_misses_a_new_object_or_a_deletion_is_behind() -> None:
    for told, listed in (((), ("u",)), (("u",), ())):
        freshness, time, _ = made()
        for uid in told:
            freshness.told("StoragePool", body(uid), deleted=False)
        freshness.listed("StoragePool", [body(uid) for uid in listed])
        time.now += BEHIND_SECONDS_MAX
        assert freshness.dead() == ["StoragePool"]


def test_a_watch_that_catches_up_is_alive() -> None:
    """A list may be a moment ahead of the stream."""
    freshness, time, _ = made()
    freshness.listed("StoragePool", [body("u")])
    freshness.told("StoragePool", body("u"), deleted=False)
    time.now += BEHIND_SECONDS_MAX
    freshness.listed("StoragePool", [body("u")])
    assert freshness.dead() == []

    freshness.told("StoragePool", body("u"), deleted=True)
    freshness.listed("StoragePool", [])
    time.now += BEHIND_SECONDS_MAX
    assert freshness.dead() == []
