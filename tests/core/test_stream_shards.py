"""Shards tile what is kept of a feed: every stamp is in exactly one, and descent is honest."""

from __future__ import annotations

import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core import stream_shards
from stator_core.stream_shards import Shards

# What happens to the partitions of a table, each time at a later stamp.
EVENTS = st.lists(st.tuples(st.sampled_from(("roll", "split", "trim")), st.integers(0, 3)))


def lived(events: list[tuple[str, int]]) -> tuple[dict[int, Shards], int]:
    """The shards by partition after these events, and the stamp of the last."""
    shards = {1: stream_shards.opened((), 1, "label", "NEW_IMAGE", 10)}
    stamp = 10
    for what, choice in events:
        stamp += 10
        one = sorted(shards)[choice % len(shards)]
        if what == "roll":
            shards[one] = stream_shards.rolled(shards[one], one, stamp)
        elif what == "split":
            child = max(shards) + 1
            shards[one], shards[child] = stream_shards.split(shards[one], one, child, stamp)
        else:
            shards[one] = stream_shards.trimmed(shards[one], stamp - 20)
    return shards, stamp


@given(EVENTS)
def test_the_shards_of_a_partition_follow_each_other_without_gap_or_overlap(
    events: list[tuple[str, int]],
) -> None:
    shards, _ = lived(events)
    for partition_id, own in shards.items():
        assert [each.is_open for each in own] == [False] * (len(own) - 1) + [True]
        for earlier, later in itertools.pairwise(own):
            assert earlier.end == later.start
            assert later.parent_id == earlier.shard_id
        assert all(stream_shards.partition_of(each.shard_id) == partition_id for each in own)


@given(EVENTS)
def test_a_child_begins_where_its_parent_ended(events: list[tuple[str, int]]) -> None:
    shards, _ = lived(events)
    known = {each.shard_id: each for own in shards.values() for each in own}
    assert len(known) == sum(map(len, shards.values())), "no name twice"
    for each in known.values():
        parent = known.get(each.parent_id or "")
        assert parent is None or parent.end == each.start


@given(EVENTS)
def test_shards_come_back_as_they_were_stored(events: list[tuple[str, int]]) -> None:
    for own in lived(events)[0].values():
        stored = orjson.loads(orjson.dumps(stream_shards.to_json(own)))
        assert stream_shards.from_json(stored) == own


def test_a_name_has_the_form_of_dynamodb_s() -> None:
    name = stream_shards.shard_id(255, 2**64 - 1)
    assert name == "shardId-18446744073709551615-00000000000000ff"
    assert 28 <= len(name) <= 65
    assert stream_shards.partition_of(name) == 255


@pytest.mark.parametrize(
    "text", ["", "shardId", "shardId-1-2", "shardId-" + "0" * 20 + "-" + "x" * 16, "a-b-c-d"]
)
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        stream_shards.partition_of(text)


def test_a_description_opens_closes_and_leaves_alone() -> None:
    one = stream_shards.described((), 1, "first", "NEW_IMAGE", 10)
    assert [(each.label, each.start, each.end) for each in one] == [("first", 10, None)]
    assert stream_shards.described(one, 1, "first", "NEW_IMAGE", 20) == one
    two = stream_shards.described(one, 1, "second", "KEYS_ONLY", 30)
    assert [(each.label, each.start, each.end) for each in two] == [
        ("first", 10, 30),
        ("second", 30, None),
    ]
    assert two[1].parent_id is None
    closed = stream_shards.described(two, 1, "second", None, 40)
    assert [each.end for each in closed] == [30, 40]
    assert stream_shards.described(closed, 1, "second", None, 50) == closed


def test_an_open_shard_is_due_four_hours_after_it_began() -> None:
    shards = stream_shards.opened((), 1, "label", "NEW_IMAGE", 10)
    due = 10 + (4 * 3_600_000 << 16)
    assert not stream_shards.is_due(shards, due - 1)
    assert stream_shards.is_due(shards, due)
    assert not stream_shards.is_due(stream_shards.closed(shards, 20), due)
