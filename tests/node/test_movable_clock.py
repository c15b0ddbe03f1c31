"""The clock of a test goes where the test says, forward only, and tells who waits."""

from __future__ import annotations

import pytest

from stator_node.memory import ManualClock
from stator_node.movable_clock import NOW_MAX, CannotMove, MovableClock


def test_it_is_ahead_by_all_that_it_was_moved() -> None:
    under = ManualClock(1000.0)
    clock = MovableClock(under)
    moved: list[float] = []
    clock.on_moved = lambda: moved.append(clock.now())

    clock.advance(5)
    under.advance(2)
    clock.advance(0.5)

    assert clock.now() == 1007.5
    assert clock.ahead_seconds == 5.5
    assert moved == [1005.0, 1007.5]
    assert clock.monotonic() == under.monotonic() == 2.0, "rests and limits keep to real time"


def test_it_follows_another_one_forward_only() -> None:
    clock = MovableClock(ManualClock(1000.0))
    moved: list[float] = []
    clock.on_moved = lambda: moved.append(clock.now())

    clock.follow(7.5)
    clock.follow(7.5)
    clock.follow(2.0)

    assert clock.now() == 1007.5
    assert moved == [1007.5], "who is told again does nothing again"


@pytest.mark.parametrize("seconds", [-1, -0.001, float("nan"), float("inf"), NOW_MAX])
def test_it_does_not_go_back_nor_past_the_end_of_time(seconds: float) -> None:
    clock = MovableClock(ManualClock(1000.0))

    with pytest.raises(CannotMove):
        clock.advance(seconds)
    assert clock.now() == 1000.0
