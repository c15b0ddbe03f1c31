"""The inbound side: who connects, whether they may, and what they say.

Wired by `node.py`. Every connection begins with a HELLO; one of another cluster, another protocol,
a wrong receiver or a second process under one identity is refused with a reason on both sides,
logged once per reason, and closed. Frames of an accepted connection go to the `Inbound` handler.
Invariant: no bytes and no handler's bug take more than their own connection, or their own request,
along.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

from stator_node.transport.complaints import Complaints, say_failed_handshakes
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
    decode_refusal,
    encode_hello,
)

logger = logging.getLogger(__name__)

HELLO_SECONDS_MAX = 5.0
SWEEP_SECONDS = 0.5
SILENT_SWEEPS_MAX = 20  # peers send a PING every tenth of a second; then a connection is dropped
SILENT_SWEEPS_ALIVE = 2  # one that was silent for longer has no claim to its identity


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
        header = ANSWER_HEADER.pack(self._number, status)
        if not self._connection.send(Kind.ANSWER, header, body):
            # It may be too large for a frame: better an answer than a wait for the deadline.
            header = ANSWER_HEADER.pack(self._number, Status.UNKNOWN)
            self._connection.send(Kind.ANSWER, header)


class OwnRequest(Request):
    """A request of this very pod: it takes no frame, and is answered in place."""

    __slots__ = ("_settle",)

    def __init__(
        self,
        partition_id: int,
        operation: int,
        flags: int,
        body: bytes,
        settle: Callable[[Status, bytes], None],
    ) -> None:
        self.partition_id = partition_id
        self.flags = flags
        self.operation = operation
        self.body = body
        self._settle = settle

    def answer(self, status: Status, body: bytes) -> None:
        self._settle(status, body)


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
        self.complaints = Complaints()
        # Who has connected and may speak; whoever keeps links has news of it.
        self.on_greeted: Callable[[Hello], None] = lambda _: None
        if tls is not None:
            say_failed_handshakes(tls, self.complaints)
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._connections: dict[FrameConnection, Hello | None] = {}  # None: no HELLO yet
        self._sweeping: asyncio.TimerHandle | None = None
        self._stopped = False

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connection,
            host,
            port,
            ssl=self._tls,
            ssl_handshake_timeout=None if self._tls is None else HELLO_SECONDS_MAX,
        )
        self._sweeping = loop.call_later(SWEEP_SECONDS, self._sweep)

    async def renew(self, tls: ssl.SSLContext) -> None:
        """Take connections under this context from now on. Raises OSError.

        A context keeps the authorities that it once trusted, and a server its context. So another
        server takes over the listening socket; for a moment both take connections.
        """
        assert self._server is not None
        say_failed_handshakes(tls, self.complaints)
        loop, old = asyncio.get_running_loop(), self._server
        listening = socket.socket(fileno=os.dup(old.sockets[0].fileno()))
        self._server = await loop.create_server(
            self._connection, sock=listening, ssl=tls, ssl_handshake_timeout=HELLO_SECONDS_MAX
        )
        old.close()

    def _connection(self) -> FrameConnection:
        return FrameConnection(_InboundOwner(self))

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        assert self._server is not None
        self._stopped = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        await self._server.wait_closed()

    def opened(self, connection: FrameConnection) -> None:
        if self._stopped:
            connection.abort("this pod ends")  # It was accepted just before.
        else:
            self._connections[connection] = None

    def closed(self, connection: FrameConnection, reason: str) -> None:
        sender = self._connections.pop(connection, None)
        if reason.startswith("refused"):
            self.complaints.say(_name_of(connection, sender), reason)

    def greet(self, connection: FrameConnection, hello: Hello) -> None:
        """Whether this sender may speak. Raises FrameRefused."""
        self._connections[connection] = hello
        self._check(connection, hello)
        self.complaints.well(_name_of(connection, hello))
        self.on_greeted(hello)
        connection.send(Kind.HELLO, encode_hello(self.hello))

    def _check(self, connection: FrameConnection, hello: Hello) -> None:
        own = self.hello
        if hello.cluster_id != own.cluster_id:
            raise FrameRefused(f"this is cluster {own.cluster_id}, you are of {hello.cluster_id}")
        if hello.receiver_id not in (None, own.sender_id):
            raise FrameRefused(f"this is node {own.sender_id}, you look for {hello.receiver_id}")
        if hello.sender_id == own.sender_id:
            raise FrameRefused(f"node id {own.sender_id} is mine: two nodes have one identity")
        for other, sender in self._connections.items():
            if other is connection or sender is None or not other.is_open:
                continue
            if sender.sender_id != hello.sender_id or sender.instance == hello.instance:
                continue
            if hello.role == "node" and other.silence <= SILENT_SWEEPS_ALIVE:
                raise FrameRefused(
                    f"node id {hello.sender_id} is in use by a process at {other.peer_host}: "
                    "two nodes have one identity"
                )

    def _sweep(self) -> None:
        """Drop connections whose other side has gone without a word."""
        for connection in tuple(self._connections):
            if connection.silent_for() > SILENT_SWEEPS_MAX:
                connection.abort("silent for too long")
        self._sweeping = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)


def _name_of(connection: FrameConnection, sender: Hello | None) -> str:
    """How the log names a peer: by what it says it is, or by where it is."""
    if sender is None:
        return connection.peer_host
    return f"{sender.role} {sender.sender_id} at {connection.peer_host}"


class _InboundOwner:
    """Hears one inbound connection."""

    def __init__(self, server: FrameServer) -> None:
        self._server = server
        self._sender: Hello | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connected(self, connection: FrameConnection) -> None:
        self._server.opened(connection)
        self._patience = asyncio.get_running_loop().call_later(
            HELLO_SECONDS_MAX, connection.refuse, "no HELLO came"
        )

    def frame_received(self, connection: FrameConnection, kind: int, payload: bytes) -> None:
        sender = self._sender
        if sender is not None and kind == Kind.REQUEST:
            self._hand_on_request(sender, Request(connection, payload))
        elif kind == Kind.REFUSED:
            connection.abort(f"refused by the other side: {decode_refusal(payload)}")
        elif sender is None:
            self._greet(connection, kind, payload)
        elif kind == Kind.RAFT:
            (partition_id,) = PARTITION_HEADER.unpack_from(payload)
            self._hand_on_raft(sender, partition_id, payload[PARTITION_HEADER.size :])
        elif kind == Kind.PING:
            connection.send(Kind.PONG, payload)
        else:
            raise FrameRefused(f"frame kind {kind} is not expected here")

    def disconnected(self, connection: FrameConnection, reason: str) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._server.closed(connection, reason)

    def _hand_on_raft(self, sender: Hello, partition_id: int, message: bytes) -> None:
        try:
            self._server.inbound.raft_received(sender, partition_id, message)
        except Exception:
            # One partition's trouble must not cut off the others of this pair of nodes.
            logger.exception("a Raft message for partition %d could not be handled", partition_id)

    def _hand_on_request(self, sender: Hello, request: Request) -> None:
        try:
            self._server.inbound.request_received(sender, request)
        except Exception:
            logger.exception("a request for partition %d failed", request.partition_id)
            request.answer(Status.UNKNOWN, b"")

    def _greet(self, connection: FrameConnection, kind: int, payload: bytes) -> None:
        if kind != Kind.HELLO:
            raise FrameRefused("the first frame must be a HELLO")
        hello = decode_hello(payload)
        self._server.greet(connection, hello)
        if self._patience is not None:
            self._patience.cancel()
        self._sender = hello
