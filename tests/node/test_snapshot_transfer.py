"""A partition's state on its way to a replica that needs it: whole, at one index, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import frame_peers
from frame_peers import HOST, Pod
from stator_core.entry_format import EntryKind, StoredWrite, encode_change
from stator_core.partition_descriptor import HashRange, new_partition
from stator_core.partition_state import PartitionState, place_key, to_json
from stator_core.raft.messages import Configuration, InstallSnapshot, SnapshotMetadata
from stator_core.requests import create_table
from stator_node.doors import StorageFailed
from stator_node.memory import MemoryItemStore
from stator_node.operation_codes import OperationCode
from stator_node.snapshot_transfer import (
    Chunk,
    ChunkRefused,
    content_of,
    decode_chunk,
    encode_chunk,
    send_snapshot,
)
from stator_node.transport.frame_format import Hello, Status
from stator_node.transport.server import Request
from table_bodies import create_body

TABLE = create_table.parse(create_body()).table(iter((3,)), "id", 1.0, "eu-west-2", "1234")
HALF = HashRange(2**62, 2**63)
STATE = PartitionState(new_partition(7, "Music", 3, HALF, ("a", "b")), TABLE)
MESSAGE = InstallSnapshot(
    1, 2, 3, SnapshotMetadata(20, 2, Configuration(frozenset((1, 2)))), send_time=5
)
LARGE = 1 << 20  # a piece of a snapshot that everything fits in
MEMBERS: dict[str, Any] = {
    "transfer": "t",
    "sequence": 0,
    "until": 20,
    "timestamp": 5,
    "state": to_json(STATE).decode(),
    "message": None,
}


def key_at(place: int, name: bytes = b"k", identifier: int = 3) -> bytes:
    return place_key(identifier, place) + name


def filled(*keys: bytes, value: bytes = b"v") -> MemoryItemStore:
    store = MemoryItemStore()
    store.write([("items", key, value) for key in keys], sync=True)
    return store


class Receiver(Pod):
    """Takes chunks; refuses the one with the sequence `refuse_from`, and all after it."""

    refuse_from = 1 << 30

    def request_received(self, sender: Hello, request: Request) -> None:
        assert request.operation == OperationCode.SNAPSHOT_CHUNK
        chunk = decode_chunk(request.body)
        if chunk.sequence >= self.refuse_from:
            request.answer(Status.UNAVAILABLE, b"I have enough")
            return
        self.chunks.append(chunk)
        request.answer(Status.RESULT, b"")

    def __init__(self, node_id: str) -> None:
        super().__init__(node_id)
        self.chunks: list[Chunk] = []


async def pair() -> tuple[Pod, Receiver]:
    a, b = Pod("a"), Receiver("b")
    await b.start()
    await a.server.start(HOST, 0)
    await a.reach(b)
    return a, b


def test_a_snapshot_has_every_key_of_the_partition_and_no_other() -> None:
    inside = [key_at(HALF.start), key_at(HALF.start + 5), key_at(HALF.end - 1, b"\xff")]
    outside = [key_at(HALF.start - 1, b"\xff"), key_at(HALF.end), key_at(HALF.start, identifier=4)]
    store = filled(*inside, *outside)
    store.write([("indexes", inside[0], b"entry"), ("indexes", outside[1], b"entry")], sync=True)

    written = [write for piece in content_of(store, STATE, LARGE) for write in piece]
    assert written == [("items", key, b"v") for key in inside] + [("indexes", inside[0], b"entry")]


def test_a_snapshot_is_of_the_moment_it_was_asked_for() -> None:
    store = filled(key_at(HALF.start))
    content = content_of(store, STATE, LARGE)
    store.write([("items", key_at(HALF.start), b"later")], sync=True)
    store.write([("items", key_at(HALF.start + 1), b"later")], sync=True)

    assert list(content) == [[("items", key_at(HALF.start), b"v")]]


def test_an_empty_partition_is_one_empty_piece() -> None:
    assert list(content_of(MemoryItemStore(), STATE, LARGE)) == [[]]


def test_pieces_are_bounded() -> None:
    store = filled(*(key_at(HALF.start + n) for n in range(10)), value=bytes(40))

    assert [len(piece) for piece in content_of(store, STATE, 100)] == [2, 2, 2, 2, 2, 0]


def test_a_snapshot_arrives_in_order_and_ends_with_the_message() -> None:
    store = filled(*(key_at(HALF.start + n) for n in range(5)), value=bytes(40))

    async def story() -> list[Chunk]:
        a, b = await pair()
        assert await send_snapshot(
            a.links, "b", 7, STATE, 5, content_of(store, STATE, 100), MESSAGE
        )
        assert {request.partition_id for request in b.requests} <= {7}
        return b.chunks

    chunks = frame_peers.run(story())
    assert [chunk.sequence for chunk in chunks] == [0, 1, 2]
    assert [chunk.message for chunk in chunks] == [None, None, MESSAGE]
    assert {(chunk.transfer, chunk.until, chunk.timestamp) for chunk in chunks} == {
        (chunks[0].transfer, 20, 5)
    }
    assert all(chunk.state == STATE for chunk in chunks)
    arrived = [write for chunk in chunks for write in chunk.writes]
    assert arrived == [write for piece in content_of(store, STATE, 100) for write in piece]


def test_two_transfers_have_two_names() -> None:
    async def story() -> None:
        a, b = await pair()
        for _ in range(2):
            await send_snapshot(a.links, "b", 7, STATE, 5, iter([[]]), MESSAGE)
        assert b.chunks[0].transfer != b.chunks[1].transfer

    frame_peers.run(story())


def test_a_refused_chunk_ends_the_transfer(caplog: pytest.LogCaptureFixture) -> None:
    store = filled(*(key_at(HALF.start + n) for n in range(5)))

    async def story() -> None:
        a, b = await pair()
        b.refuse_from = 2
        assert not await send_snapshot(
            a.links, "b", 7, STATE, 5, content_of(store, STATE, 10), MESSAGE
        )
        assert [chunk.sequence for chunk in b.chunks] == [0, 1]
        assert not await send_snapshot(
            a.links, "c", 7, STATE, 5, content_of(store, STATE, 10), MESSAGE
        )

    frame_peers.run(story())
    assert caplog.messages == [
        "snapshot of partition 7 for node b broke off: I have enough",
        "snapshot of partition 7 for node c broke off: UNAVAILABLE",
    ]


def test_a_disk_that_fails_in_the_middle_ends_the_transfer_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def content() -> Iterator[list[StoredWrite]]:
        yield [("items", b"k", b"v")]
        yield [("items", b"l", b"v")]
        raise StorageFailed("input/output error")

    async def story() -> None:
        a, b = await pair()
        assert not await send_snapshot(a.links, "b", 7, STATE, 5, content(), MESSAGE)
        assert all(chunk.message is None for chunk in b.chunks)

    frame_peers.run(story())
    assert "broke off: input/output error" in caplog.text


@given(st.binary(max_size=60))
def test_foreign_bytes_are_no_chunk(body: bytes) -> None:
    with pytest.raises(ChunkRefused):
        decode_chunk(body)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_damaged_chunk_is_refused_or_a_chunk_and_nothing_else(position: int, flip: int) -> None:
    body = bytearray(encode_chunk(MEMBERS, [("items", b"k", b"v")]))
    body[position % len(body)] ^= flip
    try:
        decode_chunk(bytes(body))
    except ChunkRefused:
        return


@pytest.mark.parametrize(
    "members",
    [
        {"sequence": "x"},
        {"until": None},
        {"timestamp": "x"},
        {"state": 5},
        {"state": "{}"},
        {"message": 5},
        {"message": "AAAA"},
        {"message": "!"},
        {"message": "AQcAAAABAAAAAgAAAAAAAAAD"},  # TimeoutNow
    ],
)
def test_a_chunk_with_a_strange_member_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ChunkRefused):
        decode_chunk(encode_chunk(MEMBERS | members, []))


def test_a_chunk_without_a_member_or_with_another_entry_is_refused() -> None:
    for name in MEMBERS:
        members = {other: member for other, member in MEMBERS.items() if other != name}
        with pytest.raises(ChunkRefused):
            decode_chunk(encode_chunk(members, []))
    head = orjson.dumps(MEMBERS)
    change = encode_change(EntryKind.SPLIT, 1, b"{}")
    with pytest.raises(ChunkRefused, match="writes and nothing else"):
        decode_chunk(len(head).to_bytes(4, "big") + head + change)
