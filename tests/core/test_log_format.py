"""A replica's log on disk, version 1: golden bytes, round trips, and damage that is always seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core import log_format
from stator_core.log_format import LogDamaged, entry_key, record_key, seal
from stator_core.raft.messages import (
    Configuration,
    Entry,
    EntryKind,
    HardState,
    SnapshotMetadata,
)
from stator_core.raft.refusals import ReplicaDamaged

U64 = st.integers(0, 2**64 - 1)
U32 = st.integers(0, 2**32 - 1)
REPLICAS = st.frozensets(st.integers(1, 2**32 - 1), max_size=4)
CONFIGURATIONS = st.builds(Configuration, REPLICAS, REPLICAS, REPLICAS, REPLICAS, st.booleans())
SNAPSHOTS = st.builds(SnapshotMetadata, U64, U64, CONFIGURATIONS)
KEY = entry_key(7, 9)
# What decodes each kind of record; an entry's key has an index, the others' have none.
READERS: list[tuple[bytes, Callable[[bytes, bytes], Any]]] = [
    (KEY, log_format.decode_entry),
    (record_key(7, b"H"), log_format.decode_hard_state),
    (record_key(7, b"B"), log_format.decode_position),
    (record_key(7, b"A"), log_format.decode_applied),
]


def test_keys_never_change_and_sort_by_partition_then_index() -> None:
    assert bytes.fromhex("0000000000000007 45 0000000000000009") == KEY
    assert record_key(7, b"H") == bytes.fromhex("0000000000000007 48")
    assert entry_key(7, 255) < entry_key(7, 256) < entry_key(8, 0)
    assert log_format.partition_of(KEY) == 7
    assert log_format.index_of(KEY) == 9


def test_the_bytes_of_records_never_change() -> None:
    entry = Entry(9, 3, EntryKind.MEMBERSHIP, b"data")
    applied = record_key(7, b"A")

    assert log_format.encode_entry(KEY, entry) == bytes.fromhex(
        "01 9c3f10ac266cb36c 0000000000000003 01 64617461"
    )
    assert log_format.encode_hard_state(record_key(7, b"H"), HardState(3, 2, 8)) == bytes.fromhex(
        "01 c84b57c085e3d9ca 0000000000000003 00000002 0000000000000008"
    )
    assert log_format.encode_position(record_key(7, b"B"), 4, 2) == bytes.fromhex(
        "01 130d63d7bf0de88f 0000000000000004 0000000000000002"
    )
    assert log_format.encode_applied(applied, 8, 5) == bytes.fromhex(
        "01 44d6e7b8058a87cb 0000000000000008 0000000000000005"
    )
    assert [kind.value for kind in EntryKind] == [0, 1]


@given(U64, st.integers(0, log_format.PARTITION_MAX))
def test_a_partition_s_records_lie_between_its_bounds_and_nobody_else_s(
    index: int, partition: int
) -> None:
    start, end = log_format.partition_bounds(partition)

    assert start <= record_key(partition, b"A") < entry_key(partition, index) < end
    assert record_key(partition + 1, b"A") >= end


@given(U64, U64, st.sampled_from(EntryKind), st.binary(max_size=100))
def test_an_entry_comes_back_as_it_was_written(
    index: int, term: int, kind: EntryKind, data: bytes
) -> None:
    key, entry = entry_key(7, index), Entry(index, term, kind, data)

    assert log_format.decode_entry(key, log_format.encode_entry(key, entry)) == entry


@given(U64, U32, U64)
def test_hard_state_position_and_applied_index_come_back(term: int, vote: int, index: int) -> None:
    hard, before, applied = (record_key(7, letter) for letter in (b"H", b"B", b"A"))
    state = HardState(term, vote, index)

    assert (
        log_format.decode_hard_state(hard, log_format.encode_hard_state(hard, state)),
        log_format.decode_position(before, log_format.encode_position(before, index, term)),
        log_format.decode_applied(applied, log_format.encode_applied(applied, index, term)),
    ) == (state, (index, term), (index, term))


@given(SNAPSHOTS)
def test_a_snapshot_s_position_comes_back_from_its_members(snapshot: SnapshotMetadata) -> None:
    assert log_format.snapshot_of(log_format.snapshot_members(snapshot)) == snapshot


@given(st.binary(max_size=30), st.integers(min_value=0), st.integers(1, 255))
def test_a_single_wrong_byte_is_damage(data: bytes, position: int, flip: int) -> None:
    stored = bytearray(log_format.encode_entry(KEY, Entry(9, 3, EntryKind.NORMAL, data)))
    stored[position % len(stored)] ^= flip

    with pytest.raises(LogDamaged):
        log_format.decode_entry(KEY, bytes(stored))


def test_a_record_under_another_key_is_damage() -> None:
    stored = log_format.encode_entry(KEY, Entry(9, 3, EntryKind.NORMAL, b"data"))

    with pytest.raises(LogDamaged, match="checksum"):
        log_format.decode_entry(entry_key(7, 10), stored)
    with pytest.raises(LogDamaged, match="checksum"):
        log_format.decode_entry(entry_key(8, 9), stored)


@pytest.mark.parametrize("key, read", READERS)
@given(content=st.binary(max_size=40))
def test_foreign_bytes_are_damage_even_under_a_right_checksum(
    key: bytes, read: Callable[[bytes, bytes], Any], content: bytes
) -> None:
    with pytest.raises(LogDamaged):
        read(key, content)
    try:
        read(key, seal(key, content))
    except LogDamaged:
        return


@pytest.mark.parametrize("key, read", READERS)
def test_an_empty_or_newer_record_is_damage_that_says_so(
    key: bytes, read: Callable[[bytes, bytes], Any]
) -> None:
    with pytest.raises(LogDamaged, match="version missing"):
        read(key, b"")
    with pytest.raises(LogDamaged, match="version 02, not 01"):
        read(key, b"\x02" + seal(key, b"")[1:])
    with pytest.raises(ReplicaDamaged):
        read(key, seal(key, b"short"))


@pytest.mark.parametrize(
    "change",
    [
        {"index": -1},
        {"index": "1"},
        {"term": None},
        {"voters": None},
        {"voters": [0]},
        {"voters": ["1"]},
        {"learners": "12"},
        {"learners": [True]},
        {"learners_next": [2**32]},
        {"voters_outgoing": [[1]]},
    ],
)
def test_members_that_are_no_snapshot_are_refused(change: dict[str, Any]) -> None:
    members = log_format.snapshot_members(
        SnapshotMetadata(5, 2, Configuration(frozenset((1, 2)), learners=frozenset((3,))))
    )

    with pytest.raises(ValueError, match="no "):
        log_format.snapshot_of(members | change)


@pytest.mark.parametrize("members", [None, [], {}, 1, "text"])
def test_json_of_another_shape_is_no_configuration(members: Any) -> None:
    with pytest.raises(ValueError, match="no configuration"):
        log_format.configuration_of(members)
