"""Entries of a global index end as the items say, in whatever order and however often they come."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core import index_entries, item_format, keys
from stator_core.change_format import Change, ChangeFlag
from stator_core.index_entries import BatchRefused, IndexEntry, Tombstone, resolve
from stator_core.indexes import index_change
from stator_core.item_format import Damaged
from table_bodies import active, attributes, create_body, index

TABLE = active(
    create_body(
        AttributeDefinitions=attributes(pk="S", g="S"),
        GlobalSecondaryIndexes=[index("of-g", "g")],
    )
)
INDEX = TABLE.global_indexes[0]
KEY = keys.item_key(TABLE, {"pk": {"S": "a"}})
# The states of one item: absent, in the index under one of two keys, or not indexed.
STATES = st.one_of(
    st.none(),
    st.fixed_dictionaries({"g": st.sampled_from("xy"), "v": st.sampled_from("12")}),
    st.fixed_dictionaries({"v": st.sampled_from("12")}),
)


def item(state: dict[str, str] | None) -> dict[str, Any] | None:
    if state is None:
        return None
    return {"pk": {"S": "a"}, **{name: {"S": text} for name, text in state.items()}}


def change(stamp: int, before: Any, after: Any) -> Change:
    images = [orjson.dumps(each) if each is not None else b"" for each in (before, after)]
    return Change(stamp, ChangeFlag(0), KEY, *images)


def stored_item(stamp: int, of: dict[str, Any]) -> bytes:
    return item_format.encode(KEY, orjson.dumps(of), 1, stamp)


class Partition:
    """What an index's partition holds."""

    def __init__(self) -> None:
        self.items: dict[bytes, bytes] = {}
        self.indexes: dict[bytes, bytes] = {}

    def take(self, entry: IndexEntry) -> None:
        writes = resolve(entry, self.items.get(entry.key), self.indexes.get(entry.key), 77.5)
        for family, key, value in writes or ():
            place = self.items if family == "items" else self.indexes
            if value is None:
                place.pop(key, None)
            else:
                place[key] = value


@given(st.lists(STATES, min_size=1, max_size=6), st.data())
def test_in_any_order_and_number_the_index_ends_as_the_item_says(
    states: list[dict[str, str] | None], data: st.DataObject
) -> None:
    """Changes come late, twice and by two senders, and a backfill reads the item at any moment."""
    history = [None, *map(item, states)]
    sent: list[IndexEntry] = []
    for stamp, (before, after) in enumerate(itertools.pairwise(history), 1):
        sent += index_entries.entries_of_change(TABLE, INDEX, change(stamp, before, after))
        if after is not None and data.draw(st.booleans()):
            sent += index_entries.entries_of_item(TABLE, INDEX, KEY, stored_item(stamp, after))
    twice = data.draw(st.lists(st.sampled_from(sent))) if sent else []
    partition = Partition()
    for entry in data.draw(st.permutations(sent + twice)):
        partition.take(entry)

    expected = index_change(TABLE, INDEX, None, history[-1])
    wanted = {} if expected is None else {expected.put_key: expected.entry}
    held = {
        key: orjson.loads(item_format.payload_of(key, value))
        for key, value in partition.items.items()
    }
    assert held == wanted


def test_a_removed_entry_leaves_a_tombstone_until_a_newer_one_comes() -> None:
    partition = Partition()
    put, removed, again = (
        index_entries.entries_of_change(TABLE, INDEX, change(stamp, before, after))[0]
        for stamp, before, after in (
            (1, None, item({"g": "x"})),
            (2, item({"g": "x"}), None),
            (3, None, item({"g": "x"})),
        )
    )
    partition.take(removed)
    assert partition.items == {}
    left = index_entries.read_tombstone(put.key, partition.indexes[put.key])
    assert left == Tombstone(stamp=2, stored_at=77)
    partition.take(put)
    assert partition.items == {}, "older than the tombstone"
    partition.take(again)
    assert list(partition.items) == [put.key]
    assert partition.indexes == {}


def test_the_bytes_of_batches_and_tombstones_never_change() -> None:
    batch = index_entries.encode_batch(7, [IndexEntry(1, b"k", b"vv"), IndexEntry(2, b"kk", None)])
    assert batch == bytes.fromhex(
        "0000000000000007"
        "0000000000000001 00000001 00000002 6b 7676"
        "0000000000000002 00000002 ffffffff 6b6b"
    )
    tombstone = index_entries.encode_tombstone(b"k", Tombstone(0x0102, 0x0304))
    assert tombstone[8:] == bytes.fromhex("01 0000000000000102 0000000000000304")


@given(
    st.integers(0, 2**64 - 1),
    st.lists(
        st.builds(
            IndexEntry, st.integers(0, 2**64 - 1), st.binary(), st.one_of(st.none(), st.binary())
        )
    ),
)
def test_a_batch_comes_back(sent_at: int, entries: list[IndexEntry]) -> None:
    batch = index_entries.encode_batch(sent_at, entries)
    assert index_entries.decode_batch(batch) == (sent_at, entries)


@given(st.binary(max_size=60))
def test_foreign_bytes_are_refused_and_nothing_else_happens(data: bytes) -> None:
    try:
        index_entries.decode_batch(data)
    except BatchRefused:
        return


@given(st.integers(0, 24), st.integers(0, 7))
def test_a_damaged_tombstone_is_found_out(position: int, bit: int) -> None:
    stored = bytearray(index_entries.encode_tombstone(b"k", Tombstone(5, 6)))
    stored[position] ^= 1 << bit
    for damaged in (bytes(stored), bytes(stored[:-1])):
        with pytest.raises(Damaged):
            index_entries.read_tombstone(b"k", damaged)
