"""The checker of streams finds every change that is missing, doubled, out of order or elsewhere."""

from __future__ import annotations

import random

import pytest

from simulation.promise import PromiseBroken
from simulation.stream_checker import PartitionFeed, check_stream
from stator_core import stream_shards
from stator_core.change_format import Change, ChangeFlag

LEFT, RIGHT = b"left", b"right"
WHOLE = stream_shards.opened((), 1, "label", "KEYS_ONLY", 0)
ONE, TWO = stream_shards.split(stream_shards.rolled(WHOLE, 1, 50), 1, 2, 100)


def change(stamp: int, key: bytes, before: bytes, after: bytes) -> Change:
    return Change(stamp, ChangeFlag(0), key, before, after)


CHANGES = [
    change(10, LEFT, b"", b"1"),
    change(20, RIGHT, b"", b"2"),
    change(60, LEFT, b"1", b"3"),
    change(110, LEFT, b"3", b""),
]
AFTER = [change(120, RIGHT, b"2", b"4")]
ITEMS = {RIGHT: b"4"}


def check(left: list[Change], right: list[Change], items: dict[bytes, bytes]) -> int:
    feeds = [PartitionFeed(1, ONE, left), PartitionFeed(2, TWO, right)]
    return check_stream(feeds, items, random.Random(1))


def test_a_stream_that_ends_as_its_table_does_is_whole() -> None:
    assert check(CHANGES, AFTER, ITEMS) == 5


@pytest.mark.parametrize("missing", range(4))
def test_a_missing_change_is_found(missing: int) -> None:
    with pytest.raises(PromiseBroken):
        check(CHANGES[:missing] + CHANGES[missing + 1 :], AFTER, ITEMS)
    with pytest.raises(PromiseBroken):
        check(CHANGES, [], ITEMS)


def test_a_doubled_change_is_found() -> None:
    with pytest.raises(PromiseBroken):
        check([*CHANGES, change(130, LEFT, b"3", b"")], AFTER, ITEMS)


def test_a_change_that_stands_in_no_shard_of_its_partition_is_found() -> None:
    with pytest.raises(PromiseBroken, match="is in shards"):
        check(CHANGES, [change(99, RIGHT, b"2", b"4")], ITEMS)


def test_changes_out_of_order_are_found() -> None:
    one, two, three, four = CHANGES
    swapped = [three._replace(stamp=10), two, one._replace(stamp=60), four]
    with pytest.raises(PromiseBroken):
        check(swapped, AFTER, ITEMS)


def test_another_end_is_found() -> None:
    with pytest.raises(PromiseBroken, match="end differently"):
        check(CHANGES, AFTER, {RIGHT: b"5"})
    with pytest.raises(PromiseBroken, match="end differently"):
        check(CHANGES, AFTER, {})


def test_lineage_that_is_not_honest_is_found() -> None:
    child = TWO[0]
    for shards in ((), stream_shards.opened((), 2, "label", "KEYS_ONLY", child.start + 1)):
        with pytest.raises(PromiseBroken):
            check_stream(
                [PartitionFeed(1, ONE[:-1], CHANGES[:3]), PartitionFeed(2, shards, [])],
                {},
                random.Random(1),
            )
