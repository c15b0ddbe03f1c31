"""The inbound side: who connects, whether they may, and what they say.

Wired by `node.py`. Every connection begins with a HELLO; one of another cluster, another protocol
or a wrong receiver is refused with a reason on both sides, logged once per reason, and closed.
Frames of an accepted connection go to the `Inbound` handler, which is `partition_host.py`.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Protocol

from stator_node.transport.connection import FrameConnection
from stator_node.transport.frame_format import (
    ANSWER_HEADER,
    PARTITION_HEADER,
    REQUEST_HEADER,
    FrameRefused,
    Hello,
    Kind,
    Status,
    decode_hello,
    encode_hello,
)

logger = logging.getLogger(__name__)

HELLO_SECONDS_MAX = 5.0
REFUSALS_REMEMBERED_MAX = 1_000


class Request:
    """One request that a peer or a gateway sent. Answer it once, whenever."""

    __slots__ = ("_connection", "_number", "body", "flags", "operation", "partition_id")

    def __init__(self, connection: FrameConnection, payload: bytes) -> None:
        number, partition_id, flags, operation = REQUEST_HEADER.unpack_from(payload)
        self._connection = connection
        self._number = number
        self.partition_id: int = partition_id
        self.flags: int = flags
        self.operation: int = operation
        self.body = payload[REQUEST_HEADER.size :]

    def answer(self, status: Status, body: bytes) -> None:
        """Send the answer; nothing happens if the asker has gone."""
        self._connection.send(Kind.ANSWER, ANSWER_HEADER.pack(self._number, status), body)


class Inbound(Protocol):
    """Who handles what arrives. `sender` is the HELLO of the connection."""

    def raft_received(self, sender: Hello, partition_id: int, message: bytes) -> None: ...

    def request_received(self, sender: Hello, request: Request) -> None: ...


class FrameServer:
    """Listens for other pods."""

    def __init__(
        self, hello: Hello, inbound: Inbound, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self.hello = hello
        self.inbound = inbound
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._connections: set[FrameConnection] = set()
        self._refusals: set[tuple[str, str]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: FrameConnection(_InboundOwner(self)), host, port, ssl=self._tls
        )

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        assert self._server is not None
        self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        await self._server.wait_closed()

    def opened(self, connection: FrameConnection) -> None:
        self._connections.add(connection)

    def closed(self, connection: FrameConnection) -> None:
        self._connections.discard(connection)

    def check(self, hello: Hello) -> None:
        """Whether this sender may speak. Raises FrameRefused; each refusal is logged once."""
        reason = None
        if hello.cluster_id != self.hello.cluster_id:
            reason = f"this is cluster {self.hello.cluster_id}, you are of {hello.cluster_id}"
        elif hello.receiver_id not in (None, self.hello.sender_id):
            reason = f"this is node {self.hello.sender_id}, you look for {hello.receiver_id}"
        elif hello.sender_id == self.hello.sender_id:
            reason = f"node id {hello.sender_id} is mine: two nodes have one identity"
        if reason is None:
            return
        if (hello.sender_id, reason) not in self._refusals:
            if len(self._refusals) < REFUSALS_REMEMBERED_MAX:
                self._refusals.add((hello.sender_id, reason))
            logger.error("refused %s %s: %s", hello.role, hello.sender_id, reason)
        raise FrameRefused(reason)


class _InboundOwner:
    """Hears one inbound connection."""

    def __init__(self, server: FrameServer) -> None:
        self._server = server
        self._sender: Hello | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connected(self, connection: FrameConnection) -> None:
        self._server.opened(connection)
        self._patience = asyncio.get_running_loop().call_later(
            HELLO_SECONDS_MAX, connection.abort, "no HELLO came"
        )

    def frame_received(self, connection: FrameConnection, kind: int, payload: bytes) -> None:
        sender, inbound = self._sender, self._server.inbound
        if sender is None:
            self._greet(connection, kind, payload)
        elif kind == Kind.RAFT:
            (partition_id,) = PARTITION_HEADER.unpack_from(payload)
            inbound.raft_received(sender, partition_id, payload[PARTITION_HEADER.size :])
        elif kind == Kind.REQUEST:
            inbound.request_received(sender, Request(connection, payload))
        elif kind == Kind.PING:
            connection.send(Kind.PONG, payload)
        else:
            raise FrameRefused(f"frame kind {kind} is not expected here")

    def disconnected(self, connection: FrameConnection, _reason: str) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._server.closed(connection)

    def _greet(self, connection: FrameConnection, kind: int, payload: bytes) -> None:
        if kind != Kind.HELLO:
            raise FrameRefused("the first frame must be a HELLO")
        hello = decode_hello(payload)
        self._server.check(hello)
        if self._patience is not None:
            self._patience.cancel()
        self._sender = hello
        connection.send(Kind.HELLO, encode_hello(self._server.hello))
