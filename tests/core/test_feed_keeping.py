"""What is due for a feed at a time: shards are rolled, and nothing is trimmed that is needed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from small_stream import LABEL, NOW, music
from stator_core import stream_shards
from stator_core.clock import stamp_at
from stator_core.feed_keeping import is_roll_due, is_trim_due, trimmable_until
from stator_core.partition_descriptor import WHOLE_SPACE, new_partition
from stator_core.partition_state import EXPIRIES, Follower, PartitionState, index_follower
from stator_core.stream import horizon_at
from stator_core.stream_shards import Shards

HOUR = 3_600_000
MINUTE = 60_000


def state(*followers: Follower, shards: Shards = (), trimmed: int = 0) -> PartitionState:
    descriptor = new_partition(7, "Music", 7, WHOLE_SPACE, ("n1",))
    return PartitionState(descriptor, music(), shards, followers, trimmed)


def opened(start: int) -> Shards:
    return stream_shards.opened((), 7, LABEL, "NEW_IMAGE", start)


@pytest.mark.parametrize("start", [0, stamp_at(NOW)])
def test_a_shard_is_rolled_four_hours_after_it_began(start: int) -> None:
    """The first shard of a new partition begins at 0, in the millisecond of its label."""
    shards = opened(start)
    began = NOW + (125 if start == 0 else 0)
    assert not is_roll_due(state(shards=shards), began + 4 * HOUR - 1)
    assert is_roll_due(state(shards=shards), began + 4 * HOUR)
    assert not is_roll_due(state(shards=stream_shards.closed(shards, start + 1)), began + 9 * HOUR)
    assert not is_roll_due(state(), began)


def test_a_stream_keeps_a_day_and_an_index_what_it_has_not_stored() -> None:
    now = NOW + 30 * HOUR
    behind = Follower(index_follower(8), stamp_at(NOW) + 5)
    shards = opened(stamp_at(NOW))
    assert trimmable_until(state(shards=shards), now) == horizon_at(now) == stamp_at(NOW + 6 * HOUR)
    assert trimmable_until(state(behind, shards=shards), now) == stamp_at(NOW) + 6
    near = replace(behind, delivered=stamp_at(now))
    assert trimmable_until(state(near, shards=shards), now) == horizon_at(now)


def test_without_a_stream_the_indexes_alone_are_waited_for() -> None:
    one = Follower(index_follower(8), stamp_at(NOW) + 5)
    other = Follower(index_follower(9), stamp_at(NOW) + 3)
    assert trimmable_until(state(one, other), NOW + HOUR) == stamp_at(NOW) + 4
    # What follows from the items by another way does not read the feed.
    assert trimmable_until(state(Follower(EXPIRIES, 1)), NOW) == stamp_at(NOW)
    assert trimmable_until(state(), NOW) == stamp_at(NOW)


def test_trimming_is_due_for_a_whole_shard_or_for_a_minute_of_records() -> None:
    start = stamp_at(NOW)
    shards = stream_shards.rolled(opened(start), 7, start + 100)
    assert is_trim_due(shards, 0, start + 100, unasked)
    rest, until = stream_shards.trimmed(shards, start + 100), start + 100
    assert not is_trim_due(rest, until, until, unasked)
    minute = until + stamp_at(MINUTE)
    assert not is_trim_due(rest, until, minute - 1, unasked)
    assert is_trim_due(rest, until, minute, lambda: start + 101)
    assert not is_trim_due(rest, until, minute, lambda: minute)
    assert not is_trim_due(rest, until, minute, lambda: None)


def unasked() -> int | None:
    raise AssertionError("the disk need not be asked")
