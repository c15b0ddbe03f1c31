"""A partition's state: its stored form, and the keys that it owns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partition_states import INDEXED, MUSIC, STAMP, described, split, table_of
from stator_core import partition_state
from stator_core.change_format import feed_bounds
from stator_core.entry_format import EntryKind
from stator_core.key_format import HASH_SPACE
from stator_core.partition_changes import (
    apply_change,
    begun,
    describe_body,
    learner_body,
    trim_body,
)
from stator_core.partition_descriptor import (
    WHOLE_SPACE,
    new_partition,
)
from stator_core.partition_state import (
    PartitionState,
    from_json,
    place_key,
    to_json,
)
from stator_core.table_status import table_deleted

PLACES = st.integers(1, HASH_SPACE - 1)


def test_a_state_comes_back_as_it_was_stored() -> None:
    learning = apply_change(MUSIC, EntryKind.CONFIGURE, STAMP, learner_body("n4")).state

    for state in (MUSIC, learning, split(MUSIC, 2**63).state):
        assert from_json(to_json(state)) == state


@pytest.mark.parametrize(
    "stored",
    [b"", b"[]", b"null", b"{}", b'{"version":2}', b'{"version":1}', b'{"version":1,"table":[]}'],
)
def test_bytes_that_are_no_state_are_refused(stored: bytes) -> None:
    with pytest.raises(ValueError):
        from_json(stored)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_damaged_state_is_refused_or_another_state_and_nothing_else(
    position: int, flip: int
) -> None:
    stored = bytearray(to_json(MUSIC))
    stored[position % len(stored)] ^= flip
    try:
        from_json(bytes(stored))
    except ValueError:
        return


def test_a_partition_of_an_index_owns_keys_of_the_index_and_has_no_feed() -> None:
    of_index = new_partition(9, "Music", INDEXED.global_indexes[0].identifier, WHOLE_SPACE, ("n1",))
    state = begun(PartitionState(of_index, INDEXED), 0)
    identifiers = {int.from_bytes(start[:4], "big") for _, start, _ in state.owned_ranges()[:2]}

    assert identifiers == {INDEXED.global_indexes[0].identifier}
    assert (state.is_of_index, MUSIC.is_of_index) == (True, False)
    assert (state.shards, state.followers) == ((), ())
    removed = described(state, replace(INDEXED, global_indexes=()))
    assert removed.is_of_index


# ------------------------------------------------------------------------------------- the feed


def test_the_end_of_the_hash_space_is_the_next_table() -> None:
    assert place_key(3, 0) == bytes.fromhex("00000003 0000000000000000")
    assert place_key(3, HASH_SPACE) == bytes.fromhex("00000004")


def test_the_state_s_version_is_written() -> None:
    assert b'"version":1' in to_json(MUSIC)
    assert partition_state.STATE_VERSION == 2


def test_of_a_deleted_table_the_feed_alone_is_content() -> None:
    streamed = table_of(
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    ).changed(status="DELETING")
    state = begun(replace(MUSIC, table=streamed), STAMP)
    body = describe_body(table_deleted(streamed), 1)
    deleted = apply_change(state, EntryKind.DESCRIBE, STAMP + 5, body).state
    assert [(shard.start, shard.end) for shard in deleted.shards] == [(STAMP, STAMP + 5)]
    assert deleted.is_of_deleted
    assert deleted.owned_ranges() == state.owned_ranges()
    assert [family for family, _, _ in deleted.content_ranges()] == ["changes"]
    forgotten = {family for family, start, end in deleted.forgotten_ranges() if start < end}
    assert forgotten >= {"items", "indexes", "expiries"}
    trimmed = apply_change(deleted, EntryKind.TRIM, STAMP + 6, trim_body(STAMP + 5)).state
    assert trimmed.shards == ()
    assert trimmed.forgotten_ranges()[0] == ("changes", *feed_bounds(7, until=STAMP + 5))


def test_what_is_trimmed_is_forgotten_and_nothing_else() -> None:
    trimmed = apply_change(MUSIC, EntryKind.TRIM, STAMP, trim_body(9)).state
    assert trimmed.forgotten_ranges() == [("changes", *feed_bounds(7, until=9))]
