"""A part of a feed is read in order, up to a count and to bytes, and says whether more follows."""

from __future__ import annotations

from typing import Any

import pytest

from small_stream import LABEL, change, music, stored
from stator_core import stream_shards
from stator_core.change_format import ChangeDamaged
from stator_core.partition_descriptor import WHOLE_SPACE, new_partition
from stator_core.partition_state import PartitionState
from stator_node.feed_reading import (
    read_answer,
    read_changes,
    read_changes_body,
    read_feed,
)
from stator_node.memory import MemoryItemStore


def feeds(*stamps: int) -> MemoryItemStore:
    """A store with records of partition 7 at these stamps, and of its neighbours."""
    store = MemoryItemStore()
    for partition_id in (6, 7, 8):
        for stamp in stamps:
            item = {"pk": {"S": "a"}, "sk": {"N": str(stamp)}}
            key, value = stored(partition_id, change(stamp, None, item))
            store.write([("changes", key, value)], sync=True)
    return store


def read(
    store: MemoryItemStore, start: int, end: int, limit: int = 1000, bytes_max: int = 10**6
) -> tuple[list[int], bool]:
    entries, more = read_feed(store, 7, start, end, limit, bytes_max)
    assert all(key[:8] == (7).to_bytes(8, "big") for key, _ in entries)
    return [int.from_bytes(key[8:], "big") for key, _ in entries], more


def test_what_lies_between_two_stamps() -> None:
    store = feeds(0, 10, 20, 30, 2**64 - 1)
    assert read(store, 10, 30) == ([10, 20], False)
    assert read(store, 0, 2**64) == ([0, 10, 20, 30, 2**64 - 1], False)
    assert read(store, 11, 20) == ([], False)
    assert read(store, 30, 30) == ([], False)
    assert read(store, 31, 30) == ([], False)


def test_a_part_says_that_more_follows() -> None:
    store = feeds(*range(5))
    assert read(store, 0, 10, limit=4) == ([0, 1, 2, 3], True)
    assert read(store, 0, 10, limit=5) == ([0, 1, 2, 3, 4], False)
    assert read(store, 0, 5, limit=5) == ([0, 1, 2, 3, 4], False)


def test_enough_bytes_end_a_part_behind_one_record_at_least() -> None:
    store = feeds(*range(40))
    (one,), more = read(store, 0, 40, bytes_max=1)
    assert (one, more) == (0, True)
    _, value = stored(7, change(1, None, {"pk": {"S": "a"}, "sk": {"N": "1"}}))
    assert read(store, 1, 40, bytes_max=3 * len(value)) == ([1, 2, 3], True)
    assert read(store, 39, 40, bytes_max=1) == ([39], False)


def replica(*shards: stream_shards.Shard) -> PartitionState:
    descriptor = new_partition(7, "Music", 7, WHOLE_SPACE, ("n1",))
    return PartitionState(descriptor, music(), shards)


def page(store: MemoryItemStore, state: PartitionState, position: int, limit: int = 9) -> Any:
    name = state.shards[0].shard_id if state.shards else stream_shards.shard_id(7, 5)
    answer = read_changes(store, state, 77, read_changes_body(name, position, limit)).answer
    found = read_answer(7, answer)
    assert found.last == 77
    return [each.stamp for each in found.changes], found.more, found.end


def test_a_replica_answers_with_records_of_the_shard_alone() -> None:
    store = feeds(4, 5, 8, 9, 10)
    (shard,) = stream_shards.opened((), 7, LABEL, "NEW_IMAGE", 5)
    assert page(store, replica(shard), 0) == ([5, 8, 9, 10], False, None)
    (closed,) = stream_shards.closed((shard,), 10)
    assert page(store, replica(closed), 6) == ([8, 9], False, 10)
    assert page(store, replica(closed), 6, limit=1) == ([8], True, 10)
    assert page(store, replica(closed), 10) == ([], False, 10)


def test_a_replica_that_does_not_know_a_shard_yet_says_nothing_of_it() -> None:
    assert page(feeds(4, 5, 8), replica(), 0) == ([], False, None)


def test_a_reader_has_come_behind_what_he_is_given_or_to_where_he_asks() -> None:
    store = feeds(4, 5, 8)
    (shard,) = stream_shards.opened((), 7, LABEL, "NEW_IMAGE", 5)

    def read_until(position: int, limit: int, *shards: stream_shards.Shard) -> int | None:
        body = read_changes_body(shard.shard_id, position, limit)
        found = read_changes(store, replica(*shards), 77, body).position
        assert found is None or found.label == LABEL
        return None if found is None else found.until

    assert read_until(0, 1, shard) == 6
    assert read_until(6, 9, shard) == 9
    assert read_until(20, 9, shard) == 20
    assert read_until(0, 9, *stream_shards.closed((shard,), 5)) == 5
    assert read_until(0, 9) is None
    # Who asks for LATEST reads nothing yet.
    assert read_until(0, 0, shard) is None


def test_a_record_arrives_as_it_was_stored_or_not_at_all() -> None:
    store = feeds(5)
    (shard,) = stream_shards.opened((), 7, LABEL, "NEW_IMAGE", 5)
    body = read_changes_body(shard.shard_id, 5, 1)
    answer = read_changes(store, replica(shard), 77, body).answer
    (found,) = read_answer(7, answer).changes
    assert found == change(5, None, {"pk": {"S": "a"}, "sk": {"N": "5"}})
    with pytest.raises(ChangeDamaged):
        read_answer(7, answer[:-1] + bytes([answer[-1] ^ 1]))
    with pytest.raises(ChangeDamaged):
        read_answer(8, answer)
