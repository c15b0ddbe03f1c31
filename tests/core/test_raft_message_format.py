"""Raft messages between pods, version 1: golden bytes, round trips, refusals."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Configuration,
    Entry,
    EntryKind,
    Heartbeat,
    HeartbeatResponse,
    InstallSnapshot,
    Message,
    Quiesce,
    RequestVote,
    RequestVoteResponse,
    SnapshotMetadata,
    TimeoutNow,
)
from stator_core.raft_message_format import MessageGarbled, decode, encode

U64 = st.integers(0, 2**64 - 1)
U32 = st.integers(0, 2**32 - 1)
FLAG = st.booleans()
WHO = (U32, U32, U64)  # sender, receiver, term
REPLICAS = st.frozensets(st.integers(1, 2**32 - 1), max_size=4)
CONFIGURATIONS = st.builds(Configuration, REPLICAS, REPLICAS, REPLICAS, REPLICAS, FLAG)
SNAPSHOTS = st.builds(SnapshotMetadata, U64, U64, CONFIGURATIONS)
ENTRY_PARTS = st.lists(st.tuples(U64, st.sampled_from(EntryKind), st.binary(max_size=30)))


@st.composite
def append_entries(draw: st.DrawFn) -> AppendEntries:
    """Entries follow the previous index without a gap."""
    sender, receiver, term = (draw(part) for part in WHO)
    previous = draw(st.integers(0, 2**63))
    entries = [
        Entry(index, entry_term, kind, data)
        for index, (entry_term, kind, data) in enumerate(draw(ENTRY_PARTS), previous + 1)
    ]
    return AppendEntries(sender, receiver, term, previous, draw(U64), entries, draw(U64), draw(U64))


MESSAGES: st.SearchStrategy[Message] = st.one_of(
    append_entries(),
    st.builds(RequestVote, *WHO, U64, U64, FLAG, FLAG),
    st.builds(RequestVoteResponse, *WHO, FLAG, FLAG),
    st.builds(AppendEntriesResponse, *WHO, FLAG, U64, U64, U64, U64),
    st.builds(Heartbeat, *WHO, U64, U64, U64),
    st.builds(HeartbeatResponse, *WHO, U64, U64),
    st.builds(InstallSnapshot, *WHO, SNAPSHOTS, U64),
    st.builds(TimeoutNow, *WHO),
    st.builds(Quiesce, *WHO, U64),
)
HEAD = "0000000a 0000000b 0000000000000003"  # sender 10, receiver 11, term 3
ENTRY = Entry(6, 2, EntryKind.MEMBERSHIP, b"xyz")
POSITION = SnapshotMetadata(5, 2, Configuration(frozenset((2, 1)), learners=frozenset((3,))))
ONE = "00000001 0000000000000006 0000000000000002 01 00000003 78797a"  # ENTRY, counted
GOLDEN: list[tuple[Message, str]] = [
    (
        RequestVote(10, 11, 3, 5, 2, pre_vote=True),
        f"01 00 {HEAD} 0000000000000005 0000000000000002 01 00",
    ),
    (RequestVoteResponse(10, 11, 3, True), f"01 01 {HEAD} 01 00"),
    (
        AppendEntries(10, 11, 3, 5, 2, [ENTRY], 4, 99),
        f"01 02 {HEAD} 0000000000000005 0000000000000002 0000000000000004 0000000000000063 {ONE}",
    ),
    (
        AppendEntriesResponse(10, 11, 3, True, 6, 99, 1, 2),
        f"01 03 {HEAD} 01 0000000000000006 0000000000000063 0000000000000001 0000000000000002",
    ),
    (
        Heartbeat(10, 11, 3, 4, 99, 7),
        f"01 04 {HEAD} 0000000000000004 0000000000000063 0000000000000007",
    ),
    (HeartbeatResponse(10, 11, 3, 99, 7), f"01 05 {HEAD} 0000000000000063 0000000000000007"),
    (TimeoutNow(10, 11, 3), f"01 07 {HEAD}"),
    (Quiesce(10, 11, 3, 6), f"01 08 {HEAD} 0000000000000006"),
]


@pytest.mark.parametrize("message, golden", GOLDEN, ids=lambda value: type(value).__name__)
def test_the_bytes_of_messages_never_change(message: Message, golden: str) -> None:
    assert encode(message) == bytes.fromhex(golden)


def test_a_snapshot_s_position_travels_as_json() -> None:
    data = encode(InstallSnapshot(10, 11, 3, POSITION, 99))

    assert data == bytes.fromhex(f"01 06 {HEAD} 0000000000000063") + (
        b'{"index":5,"term":2,"voters":[1,2],"voters_outgoing":[],"learners":[3],'
        b'"learners_next":[],"auto_leave":false}'
    )


@given(MESSAGES)
def test_every_message_comes_back_as_it_was_sent(message: Message) -> None:
    assert decode(encode(message)) == message


@given(MESSAGES, st.data())
def test_a_message_cut_short_or_drawn_out_is_garbled(message: Message, data: st.DataObject) -> None:
    encoded = encode(message)
    cut = data.draw(st.integers(0, len(encoded) - 1))

    with pytest.raises(MessageGarbled):
        decode(encoded[:cut])
    with pytest.raises(MessageGarbled):
        decode(encoded + b"\x00")


@given(MESSAGES, st.integers(min_value=0), st.integers(1, 255))
def test_a_flipped_byte_gives_another_message_or_is_garbled(
    message: Message, position: int, flip: int
) -> None:
    encoded = bytearray(encode(message))
    encoded[position % len(encoded)] ^= flip
    try:
        encode(decode(bytes(encoded)))
    except MessageGarbled:
        return


@given(st.binary(max_size=80))
def test_foreign_bytes_are_garbled_or_a_message_and_nothing_else(data: bytes) -> None:
    for prefix in (b"", b"\x01\x02", b"\x01\x06" + bytes(24)):
        try:
            decode(prefix + data)
        except MessageGarbled:
            continue


def test_a_newer_version_and_an_unknown_type_say_so() -> None:
    encoded = encode(TimeoutNow(10, 11, 3))

    with pytest.raises(MessageGarbled, match="version 2"):
        decode(b"\x02" + encoded[1:])
    with pytest.raises(MessageGarbled, match="no Raft message"):
        decode(b"\x01\x09" + encoded[2:])


def test_entries_with_a_gap_are_garbled() -> None:
    message = AppendEntries(10, 11, 3, 4, 2, [ENTRY], 4, 99)

    with pytest.raises(MessageGarbled, match="entry 6 stands in the place of 5"):
        decode(encode(message))


def test_a_count_of_entries_beyond_the_message_costs_nothing() -> None:
    head = encode(AppendEntries(10, 11, 3, 5, 2, [], 4, 99))[:-4]

    with pytest.raises(MessageGarbled):
        decode(head + struct.pack(">I", 2**32 - 1))


@pytest.mark.parametrize("position", [b"[" * 100_000, b"{}", b"[]", b"null", b"\xff", b"1e999"])
def test_a_position_that_is_none_is_garbled(position: bytes) -> None:
    head = encode(InstallSnapshot(10, 11, 3, POSITION, 99))[:26]

    with pytest.raises(MessageGarbled):
        decode(head + position)
