"""Conditions: a time that means something, and nothing new where nothing is new."""

from __future__ import annotations

from stator_operator.conditions import Condition, merged


def test_the_time_moves_with_the_status_alone() -> None:
    first = merged([Condition("Ready", False, "PodsNotReady", "zone a")], [], 1, "t1")
    second = merged([Condition("Ready", False, "PodsNotReady", "zone b")], first, 2, "t2")
    third = merged([Condition("Ready", True, "AllPodsServe")], second, 2, "t3")

    assert [each[0]["lastTransitionTime"] for each in (first, second, third)] == ["t1", "t1", "t3"]
    assert second[0]["message"] == "zone b"
    assert second[0]["observedGeneration"] == 2


def test_what_nobody_knows_is_unknown() -> None:
    assert merged([Condition("Ready", None, "NotAsked")], [], 1, "t")[0]["status"] == "Unknown"


def test_the_same_world_gives_the_same_conditions() -> None:
    said = [Condition("Ready", True, "AllPodsServe"), Condition("Accepted", True, "Accepted")]
    once = merged(said, [], 1, "t1")

    assert merged(said, once, 1, "t2") == once
