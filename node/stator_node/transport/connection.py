"""One TCP connection between two pods, cut into frames.

Made by `server.py` (inbound) and `links.py` (outbound), which are its `Owner`. What is sent in one
turn of the event loop leaves in one write. Invariants: frames arrive whole and in order; never more
than `queue_bytes_max` wait to be sent; a stream that is not of this protocol is closed, with the
reason told to the other side where that is still possible; so is one to somebody whose certificate
is for another cluster, before anything is said or heard; after `refuse`, `close` or `abort` the
owner gets no more frames.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from typing import Protocol, cast

from stator_node.transport.frame_format import (
    FRAME_BYTES_MAX,
    FRAME_HEADER,
    LENGTH_BYTES,
    FrameRefused,
    Kind,
    encode_refusal,
    frame_header,
)
from stator_node.transport.tls_files import stranger

logger = logging.getLogger(__name__)

QUEUE_BYTES_MAX = 64 * 1024 * 1024
LINGER_SECONDS = 1.0  # for the last bytes to leave, and a refusal to be read
_KINDS = frozenset(Kind)


class Owner(Protocol):
    """Who hears of what happens on a connection."""

    def connected(self, connection: FrameConnection) -> None: ...

    def frame_received(self, connection: FrameConnection, kind: int, payload: bytes) -> None:
        """May raise FrameRefused, or struct.error for a short frame: the connection is refused."""

    def disconnected(self, connection: FrameConnection, reason: str) -> None: ...


class FrameConnection(asyncio.Protocol):
    """Frames in, frames out."""

    def __init__(self, owner: Owner, queue_bytes_max: int = QUEUE_BYTES_MAX) -> None:
        self.peer_host = "unknown"
        self._owner = owner
        self._queue_bytes_max = queue_bytes_max
        self._transport: asyncio.Transport | None = None  # None: not yet open, or being closed
        self._was_made = False
        self._loop = asyncio.get_running_loop()
        self._received: list[bytes] = []  # what no whole frame has been cut from yet
        self._received_bytes = 0
        self._needed_bytes = FRAME_HEADER.size
        self.silence = 0  # as `silent_for` last said
        self._heard = True
        self._queue: list[bytes] = []
        self._queue_bytes = 0
        self._flushing = False
        self._paused = False
        self._reason: str | None = None
        self._leaving: asyncio.Transport | None = None  # with its last words on the way
        self._lingering: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def send(self, kind: Kind, *parts: bytes) -> bool:
        """Queue a frame. False: it is too large, too much waits, or the connection is gone."""
        transport = self._transport
        if transport is None:
            return False
        try:
            header, size = frame_header(kind, parts)
        except FrameRefused as error:
            logger.error("%s to %s is not sent: %s", kind.name, self.peer_host, error)
            return False
        waiting = self._queue_bytes + size
        if self._paused:
            waiting += transport.get_write_buffer_size()
        if waiting > self._queue_bytes_max:
            return False
        self._queue.append(header)
        self._queue += parts
        self._queue_bytes += size
        if not self._flushing and not self._paused:
            self._flushing = True
            self._loop.call_soon(self._flush)
        return True

    def silent_for(self) -> int:
        """How often in a row this was asked with nothing received in between.

        Counted, not measured: the time that this process itself stood still is not the peer's.
        """
        self.silence = 0 if self._heard else self.silence + 1
        self._heard = False
        return self.silence

    def refuse(self, reason: str) -> None:
        """Tell the other side why, and close.

        What it sends meanwhile is read and dropped: a close over unread bytes would reset the
        connection and take the reason with it.
        """
        if self._transport is not None:
            self.send(Kind.REFUSED, encode_refusal(reason))
            self._leave(f"refused: {reason}")

    def close(self) -> None:
        """Close after what is queued has left, or after a while."""
        self._leave("closed")
        if self._leaving is not None:
            self._leaving.close()
        elif not self._was_made:
            self._reason = "closed"

    def abort(self, reason: str) -> None:
        """Drop the connection now."""
        transport, self._transport = self._transport or self._leaving, None
        if transport is not None:
            self._reason = self._reason or reason
            transport.abort()
        elif not self._was_made:
            self._reason = reason

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._was_made = True
        if self._reason:
            # Given up while it was being made: nobody would ever close it.
            cast(asyncio.Transport, transport).abort()
            return
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.peer_host = str(peer[0])
        strange = stranger(transport.get_extra_info("ssl_object"))
        if strange is not None:
            self.refuse(strange)
            return
        self._owner.connected(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = self._leaving = None
        self._queue.clear()
        self._queue_bytes = 0
        if self._lingering is not None:
            self._lingering.cancel()
        reason = self._reason or (str(error) if error else "the other side closed")
        self._owner.disconnected(self, reason)

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        self._heard = True
        self._received_bytes += len(data)
        if self._received:
            self._received.append(data)
            if self._received_bytes < self._needed_bytes:
                return  # A large frame comes in many pieces; they are joined once.
            data = b"".join(self._received)
        elif self._received_bytes < self._needed_bytes:
            self._received = [data]
            return
        try:
            rest = self._cut(data)
        except FrameRefused as error:
            rest = b""
            self.refuse(str(error))
        except struct.error:
            rest = b""
            self.refuse("a frame is shorter than its kind needs")
        self._received = [rest] if rest else []
        self._received_bytes = len(rest)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._flush()

    def _cut(self, data: bytes) -> bytes:
        """Hand on every whole frame; returns what is left. Raises FrameRefused."""
        position, end, header = 0, len(data), FRAME_HEADER.size
        received = self._owner.frame_received
        self._needed_bytes = header
        while end - position >= header and self._transport is not None:
            length, kind = FRAME_HEADER.unpack_from(data, position)
            if not 1 <= length <= FRAME_BYTES_MAX:
                raise FrameRefused(f"a frame of {length} bytes, the limit is {FRAME_BYTES_MAX}")
            if kind not in _KINDS:
                raise FrameRefused(f"frame kind {kind} is unknown to this version")
            next_position = position + LENGTH_BYTES + length
            if next_position > end:
                self._needed_bytes = LENGTH_BYTES + length
                break
            received(self, kind, data[position + header : next_position])
            position = next_position
        return data[position:] if position else data

    def _flush(self) -> None:
        self._flushing = False
        if self._queue and self._transport is not None:
            pieces, self._queue = self._queue, []
            self._queue_bytes = 0
            self._transport.write(b"".join(pieces))

    def _leave(self, reason: str) -> None:
        """Hand what is queued to the transport and send nothing more."""
        self._flush()
        transport, self._transport = self._transport, None
        if transport is not None:
            self._reason = reason
            self._leaving = transport
            self._lingering = self._loop.call_later(LINGER_SECONDS, transport.abort)
