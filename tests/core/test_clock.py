"""The hybrid clock: always forward, close to the wall clock where it can be."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stator_core.clock import COUNTER_BITS, HybridClock, milliseconds_of

times = st.integers(0, 2**41)


def test_a_timestamp_begins_with_the_wall_clock() -> None:
    timestamp = HybridClock().next(1_700_000_000_000)

    assert milliseconds_of(timestamp) == 1_700_000_000_000
    assert timestamp == 1_700_000_000_000 << COUNTER_BITS


def test_within_a_millisecond_it_counts() -> None:
    clock = HybridClock()

    assert [clock.next(5) & 0xFFFF for _ in range(3)] == [0, 1, 2]


@given(st.lists(times, min_size=2, max_size=20))
def test_it_never_stands_still_whatever_the_wall_clock_does(wall) -> None:
    clock = HybridClock()
    timestamps = [clock.next(now) for now in wall]

    assert all(earlier < later for earlier, later in pairwise(timestamps))


@given(times, st.integers(0, 2**60), times)
def test_it_stays_ahead_of_what_it_observed(first, other, second) -> None:
    clock = HybridClock()
    before = clock.next(first)
    clock.observe(other)

    assert clock.next(second) > max(before, other)


def test_it_goes_on_where_it_was_left() -> None:
    last = HybridClock().next(9)

    assert HybridClock(last).next(3) == last + 1
