"""A node's clocks are wrong in the ways that were asked for, and in no other."""

from __future__ import annotations

import pytest

from simulation.clocks import EPOCH_SECONDS, NodeClock


class Truth:
    nanoseconds = 0

    def __call__(self) -> int:
        return self.nanoseconds


def test_a_clock_is_skewed_and_drifts() -> None:
    truth = Truth()
    clock = NodeClock(truth, offset=2.0, rate=1.5, uptime=100.0)
    truth.nanoseconds = 10_000_000_000

    assert clock.now() == EPOCH_SECONDS + 15.0 + 2.0
    assert clock.monotonic() == 115.0
    assert clock.true_nanoseconds(3.0) == 2_000_000_000


def test_a_jump_moves_the_wall_clock_alone() -> None:
    clock = NodeClock(Truth())

    clock.jump(-60.0)

    assert clock.now() == EPOCH_SECONDS - 60.0
    assert clock.monotonic() == 0.0


def test_a_new_rate_begins_where_the_old_one_ended() -> None:
    truth = Truth()
    clock = NodeClock(truth)
    truth.nanoseconds = 5_000_000_000
    clock.drift(2.0)
    truth.nanoseconds = 6_000_000_000

    assert clock.monotonic() == 7.0
    with pytest.raises(ValueError, match="forwards"):
        clock.drift(0)
