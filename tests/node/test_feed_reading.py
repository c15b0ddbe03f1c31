"""A part of a feed is read in order, up to a count and to bytes, and says whether more follows."""

from __future__ import annotations

from small_stream import change, stored
from stator_node.feed_reading import SLICE_RECORDS, read_feed
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


def test_enough_bytes_end_a_part_between_slices() -> None:
    count = 2 * SLICE_RECORDS + 1
    store = feeds(*range(count))
    assert read(store, 0, count, bytes_max=1) == (list(range(SLICE_RECORDS)), True)
    assert read(store, SLICE_RECORDS + 1, count, bytes_max=1)[1] is False
