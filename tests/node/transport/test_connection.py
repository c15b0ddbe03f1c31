"""A stream of bytes cut into frames: whole, in order, bounded, and closed when it is foreign."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import virtual_time
from frame_peers import frame
from stator_node.transport.connection import LINGER_SECONDS, FrameConnection
from stator_node.transport.frame_format import (
    FRAME_BYTES_MAX,
    PARTITION_HEADER,
    FrameRefused,
    Kind,
    decode_refusal,
)

FRAMES = st.lists(st.tuples(st.sampled_from(Kind), st.binary(max_size=40)), max_size=12)


class Wire(asyncio.Transport):
    """A transport whose other end is the test. `kernel_bytes` are taken before it pauses."""

    def __init__(self, kernel_bytes: int = 1 << 30) -> None:
        super().__init__({"peername": ("10.0.0.7", 1234)})
        self.writes: list[bytes] = []
        self.ended: str | None = None
        self._room = kernel_bytes
        self._buffered = 0
        self.protocol: FrameConnection

    def write(self, data: Any) -> None:
        self.writes.append(data)
        self._room -= len(data)
        if self._room < 0:
            self._buffered = -self._room
            self.protocol.pause_writing()

    def drained(self, kernel_bytes: int) -> None:
        """The other side has read everything."""
        self._room, self._buffered = kernel_bytes, 0
        self.protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        return self._buffered

    def close(self) -> None:
        if not self._buffered:
            self._end("closed")

    def abort(self) -> None:
        self._end("aborted")

    def _end(self, how: str) -> None:
        if self.ended is None:
            self.ended = how
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


class Ear:
    """An owner that writes down what it hears; some frames it does not like."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes]] = []
        self.reasons: list[str] = []

    def connected(self, connection: FrameConnection) -> None:
        return

    def frame_received(self, connection: FrameConnection, kind: int, payload: bytes) -> None:
        if payload == b"refuse":
            raise FrameRefused("I do not like it")
        if payload == b"short":
            PARTITION_HEADER.unpack_from(payload)
        if payload == b"abort":
            connection.abort("enough")
        self.frames.append((kind, payload))

    def disconnected(self, connection: FrameConnection, reason: str) -> None:
        self.reasons.append(reason)


def opened(
    queue_bytes_max: int = 1 << 20, kernel_bytes: int = 1 << 30
) -> tuple[FrameConnection, Wire, Ear]:
    wire, ear = Wire(kernel_bytes), Ear()
    wire.protocol = connection = FrameConnection(ear, queue_bytes_max)
    connection.connection_made(wire)
    return connection, wire, ear


def refusal_in(data: bytes) -> str:
    """The reason in the REFUSED frame that these bytes are."""
    assert data[4] == Kind.REFUSED
    assert struct.unpack_from(">I", data)[0] == len(data) - 4
    return decode_refusal(data[5:])


@given(FRAMES, st.data())
def test_frames_arrive_whole_and_in_order_however_the_stream_is_cut(
    frames: list[tuple[Kind, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(frame(kind, payload) for kind, payload in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))

    async def story() -> None:
        connection, _, ear = opened()
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            if start != end:
                connection.data_received(stream[start:end])
        assert ear.frames == frames

    virtual_time.run(story())


def test_a_large_frame_in_small_pieces_is_put_together() -> None:
    payload = bytes(range(256)) * 4096

    async def story() -> None:
        connection, _, ear = opened()
        stream = frame(Kind.RAFT, b"before") + frame(Kind.RAFT, payload) + frame(Kind.PING)
        for start in range(0, len(stream), 1000):
            connection.data_received(stream[start : start + 1000])
        assert ear.frames == [(5, b"before"), (5, payload), (3, b"")]

    virtual_time.run(story())


def test_everything_sent_in_one_turn_leaves_in_one_write() -> None:
    async def story() -> None:
        connection, wire, _ = opened()
        for number in range(3):
            assert connection.send(Kind.RAFT, bytes((number,)), b"message")
        assert wire.writes == []
        await asyncio.sleep(0)
        assert wire.writes == [b"".join(frame(5, bytes((n,)) + b"message") for n in range(3))]

    virtual_time.run(story())


@pytest.mark.parametrize(
    "stream, reason",
    [
        (frame(9, b"x"), "frame kind 9 is unknown to this version"),
        (frame(0), "frame kind 0 is unknown to this version"),
        (struct.pack(">IB", 0, 5), "a frame of 0 bytes, the limit is 18874368"),
        (struct.pack(">IB", FRAME_BYTES_MAX + 1, 5), "a frame of 18874369 bytes, the limit is"),
        (b"GET / HTTP/1.1\r\n\r\n", "a frame of 1195725856 bytes, the limit is"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "a frame of 369295618 bytes, the limit is"),
        (frame(5, b"refuse"), "I do not like it"),
        (frame(5, b"short"), "a frame is shorter than its kind needs"),
    ],
)
def test_a_foreign_stream_is_refused_with_the_reason_and_closed(stream: bytes, reason: str) -> None:
    async def story() -> None:
        connection, wire, ear = opened()
        connection.data_received(frame(3) + stream + frame(3))
        assert not connection.is_open
        assert not connection.send(Kind.PING)
        connection.data_received(frame(3) * 1000)
        assert ear.frames == [(3, b"")], "nothing behind it is listened to"
        assert reason in refusal_in(wire.writes[-1])
        assert wire.ended is None, "what comes is read, so that the refusal can be, too"
        await asyncio.sleep(LINGER_SECONDS + 0.1)
        assert wire.ended == "aborted"
        assert len(ear.reasons) == 1
        assert f"refused: {reason}" in ear.reasons[0]

    virtual_time.run(story())


def test_an_owner_that_aborts_hears_no_more_frames() -> None:
    async def story() -> None:
        connection, _, ear = opened()
        connection.data_received(frame(5, b"abort") + frame(5, b"more"))
        await asyncio.sleep(0)
        assert ear.frames == [(5, b"abort")]
        assert ear.reasons == ["enough"]

    virtual_time.run(story())


def test_what_waits_to_be_sent_is_bounded_whoever_holds_it() -> None:
    async def story() -> None:
        connection, wire, _ = opened(queue_bytes_max=1000, kernel_bytes=100)
        assert not connection.send(Kind.RAFT, bytes(1000)), "more than the bound at once"
        assert connection.send(Kind.RAFT, bytes(500))
        await asyncio.sleep(0)
        assert wire.get_write_buffer_size() == 405
        assert connection.send(Kind.RAFT, bytes(500))
        assert not connection.send(Kind.RAFT, bytes(500)), "with what the transport holds"
        assert connection.is_open
        await asyncio.sleep(0)
        assert len(wire.writes) == 1, "a slow reader gets no more before it has read"
        wire.drained(10_000)
        assert len(wire.writes) == 2
        assert connection.send(Kind.RAFT, bytes(500))

    virtual_time.run(story())


def test_a_frame_that_is_too_large_is_not_sent_and_said(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        connection, wire, _ = opened(queue_bytes_max=1 << 30)
        assert not connection.send(Kind.ANSWER, bytes(FRAME_BYTES_MAX))
        assert connection.send(Kind.ANSWER, b"small")
        await asyncio.sleep(0)
        assert wire.writes == [frame(7, b"small")]

    virtual_time.run(story())
    assert "ANSWER to 10.0.0.7 is not sent: a frame of 18874369 bytes" in caplog.text


def test_close_lets_what_is_queued_leave() -> None:
    async def story() -> None:
        connection, wire, ear = opened()
        connection.send(Kind.RAFT, b"last words")
        connection.close()
        connection.close()
        assert wire.writes == [frame(5, b"last words")]
        await asyncio.sleep(0)
        assert ear.reasons == ["closed"]
        assert not connection.send(Kind.PING)

    virtual_time.run(story())


def test_close_does_not_wait_for_ever_for_a_reader_that_does_not_read() -> None:
    async def story() -> None:
        connection, _, ear = opened(kernel_bytes=10)
        connection.send(Kind.RAFT, bytes(500))
        connection.close()
        await asyncio.sleep(LINGER_SECONDS / 2)
        assert ear.reasons == []
        await asyncio.sleep(LINGER_SECONDS)
        assert ear.reasons == ["closed"]

    virtual_time.run(story())


def test_silence_is_counted_by_asking() -> None:
    async def story() -> None:
        connection, _, _ = opened()
        assert [connection.silent_for() for _ in range(3)] == [0, 1, 2]
        connection.data_received(frame(3)[:2])
        assert [connection.silent_for() for _ in range(3)] == [0, 1, 2]

    virtual_time.run(story())


@pytest.mark.parametrize(
    "error, reason", [(None, "the other side closed"), (OSError("reset"), "reset")]
)
def test_the_owner_hears_why_a_connection_was_lost(error: Exception | None, reason: str) -> None:
    async def story() -> None:
        connection, _, ear = opened()
        connection.send(Kind.PING)
        connection.connection_lost(error)
        await asyncio.sleep(0)
        assert ear.reasons == [reason]
        assert not connection.is_open

    virtual_time.run(story())


def test_a_connection_that_is_given_up_while_it_is_made_is_dropped_when_it_comes() -> None:
    """Else nobody would ever close it: who gave it up has another one by then."""

    async def run() -> None:
        for give_up in (FrameConnection.close, lambda made: made.abort("no HELLO within 2 s")):
            wire, ear = Wire(), Ear()
            wire.protocol = connection = FrameConnection(ear, 1 << 20)
            give_up(connection)
            connection.connection_made(wire)
            assert wire.ended == "aborted"
            assert not connection.send(Kind.PING, b"")
            await asyncio.sleep(0)
            assert len(ear.reasons) == 1

    asyncio.run(run())
