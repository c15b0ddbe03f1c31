"""Outbound links: one connection to each node, kept up, and the requests under way on it.

A node's links carry its Raft messages and snapshots; a gateway's links carry
requests. Used by `partition_host.py` and `cluster_router.py`. Nothing here waits: a message that
cannot go now is refused at once, and the caller knows what to do about it. Invariants: a request is
resolved exactly once (answer, deadline, or loss of the link, which says whether it was begun); a
slow or dead node costs the others nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace

from stator_node.doors import Clock
from stator_node.pending import Pending
from stator_node.transport.connection import FrameConnection
from stator_node.transport.frame_format import (
    ANSWER_HEADER,
    CLOCK,
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

CONNECT_SECONDS = 2.0
RECONNECT_SECONDS_MIN = 0.05
RECONNECT_SECONDS_MAX = 2.0
SWEEP_SECONDS = 0.1
PING_SECONDS = 0.25
SILENCE_SECONDS_MAX = 1.0  # without a PONG for so long the connection is dropped


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. `status` says what `body` is (`frame_format.Status`)."""

    status: Status
    body: bytes


NOT_SENT = Answer(Status.UNAVAILABLE, b"")
LOST = Answer(Status.UNKNOWN, b"")


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int


class Link:
    """The connection to one node: made, watched, made again."""

    def __init__(self, links: Links, node_id: str, address: Address) -> None:
        self.node_id = node_id
        self.address = address
        self.is_up = False
        self.round_trip_ms = 0.0
        self.refused: str | None = None  # the other side's last refusal
        self._links = links
        self._connection: FrameConnection | None = None
        self._requests: dict[int, tuple[Pending[Answer], float]] = {}
        self._heard_at = 0.0
        self._pinged_at = 0.0
        self._task = asyncio.get_running_loop().create_task(self._keep_up())

    def send(self, kind: Kind, *parts: bytes) -> bool:
        """Send a frame if the link is up and has room."""
        connection = self._connection
        return self.is_up and connection is not None and connection.send(kind, *parts)

    def request(
        self, request_id: int, parts: tuple[bytes, ...], deadline: float
    ) -> Pending[Answer]:
        """Send a request; resolved by its answer, by the deadline, or by the loss of the link."""
        pending: Pending[Answer] = Pending()
        if self.send(Kind.REQUEST, *parts):
            self._requests[request_id] = pending, deadline
        else:
            pending.resolve(NOT_SENT)
        return pending

    def sweep(self, now: float) -> None:
        """End what has waited past its deadline; look whether the other side still lives."""
        late = [number for number, (_, deadline) in self._requests.items() if deadline <= now]
        for number in late:
            self._requests.pop(number)[0].resolve(LOST)
        connection = self._connection
        if connection is None or not connection.is_open:
            return
        if now - self._heard_at > SILENCE_SECONDS_MAX:
            connection.abort(f"silent for {SILENCE_SECONDS_MAX} s")
        elif now - self._pinged_at >= PING_SECONDS:
            self._pinged_at = now
            connection.send(Kind.PING, CLOCK.pack(int(now * 1000)))

    def close(self) -> None:
        self._task.cancel()
        if self._connection is not None:
            self._connection.close()

    async def _keep_up(self) -> None:
        """Connect, wait for the end, connect again, ever more slowly."""
        loop = asyncio.get_running_loop()
        pause = RECONNECT_SECONDS_MIN
        while True:
            ended = loop.create_future()
            owner = _LinkOwner(self, ended)
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await loop.create_connection(
                        lambda owner=owner: FrameConnection(owner),
                        self.address.host,
                        self.address.port,
                        ssl=self._links.tls,
                    )
                await ended
            except (OSError, TimeoutError) as error:
                logger.debug("no connection to node %s: %s", self.node_id, error)
            pause = RECONNECT_SECONDS_MIN if owner.was_up else min(pause * 2, RECONNECT_SECONDS_MAX)
            await asyncio.sleep(pause * (0.5 + self._links.chance()))

    def greeted(self, connection: FrameConnection) -> None:
        """The other side has said who it is: the link is up."""
        self._connection = connection
        self.is_up = True
        self.refused = None
        self._heard_at = self._pinged_at = self._links.clock.monotonic()
        self._links.on_up(self.node_id)

    def lost(self, connection: FrameConnection, reason: str) -> None:
        if self._connection is not connection:
            return
        self._connection = None
        self.is_up = False
        requests, self._requests = self._requests, {}
        for pending, _ in requests.values():
            pending.resolve(LOST)
        self._links.on_down(self.node_id, reason)

    def answered(self, payload: bytes) -> None:
        number, status = ANSWER_HEADER.unpack_from(payload)
        waiting = self._requests.pop(number, None)
        if waiting is not None:  # It may have missed its deadline.
            waiting[0].resolve(Answer(Status(status), payload[ANSWER_HEADER.size :]))

    def ponged(self, payload: bytes) -> None:
        self._heard_at = now = self._links.clock.monotonic()
        self.round_trip_ms = now * 1000 - CLOCK.unpack(payload)[0]

    def was_refused(self, payload: bytes) -> None:
        """The other side will not have us; said once in the log, kept for the status."""
        try:
            reason = str(json.loads(payload)["reason"])
        except (ValueError, KeyError, TypeError):
            reason = "no reason given"
        if reason != self.refused:
            logger.error("node %s refuses this pod: %s", self.node_id, reason)
        self.refused = reason


class _LinkOwner:
    """Hears one connection of a link: HELLO first, then the rest."""

    def __init__(self, link: Link, ended: asyncio.Future[None]) -> None:
        self.was_up = False
        self._link = link
        self._ended = ended

    def connected(self, connection: FrameConnection) -> None:
        hello = replace(self._link._links.hello, receiver_id=self._link.node_id)
        connection.send(Kind.HELLO, encode_hello(hello))

    def frame_received(self, connection: FrameConnection, kind: int, payload: bytes) -> None:
        link = self._link
        if kind == Kind.ANSWER:
            link.answered(payload)
        elif kind == Kind.PONG:
            link.ponged(payload)
        elif kind == Kind.REFUSED:
            link.was_refused(payload)
            connection.abort("refused by the other side")
        elif kind == Kind.HELLO and not self.was_up:
            hello = decode_hello(payload)
            ours = link._links.hello.cluster_id
            if hello.cluster_id != ours:
                raise FrameRefused(f"this is cluster {ours}, you are of {hello.cluster_id}")
            if hello.sender_id != link.node_id:
                raise FrameRefused(f"expected node {link.node_id}, reached {hello.sender_id}")
            self.was_up = True
            link.greeted(connection)
        else:
            raise FrameRefused(f"frame kind {kind} is not expected here")

    def disconnected(self, connection: FrameConnection, reason: str) -> None:
        self._link.lost(connection, reason)
        if not self._ended.done():
            self._ended.set_result(None)


class Links:
    """All outbound links of a pod, by node id."""

    def __init__(
        self,
        hello: Hello,
        clock: Clock,
        chance: Callable[[], float],
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`chance` gives numbers in [0, 1) that spread reconnections."""
        self.hello = hello
        self.clock = clock
        self.chance = chance
        self.tls = tls
        self.on_up: Callable[[str], None] = lambda _: None
        self.on_down: Callable[[str, str], None] = lambda _node, _reason: None
        self._links: dict[str, Link] = {}
        self._request_ids = itertools.count(1)
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    def connect(self, node_id: str, address: Address) -> None:
        """Keep a link to this node; a new address replaces the old link."""
        link = self._links.get(node_id)
        if link is not None:
            if link.address == address:
                return
            link.close()
        self._links[node_id] = Link(self, node_id, address)

    def disconnect(self, node_id: str) -> None:
        """The node is gone for good."""
        link = self._links.pop(node_id, None)
        if link is not None:
            link.close()

    def link(self, node_id: str) -> Link | None:
        return self._links.get(node_id)

    def is_up(self, node_id: str) -> bool:
        link = self._links.get(node_id)
        return link is not None and link.is_up

    def send_raft(self, node_id: str, partition_id: int, message: bytes) -> bool:
        """Send a Raft message; False where it was dropped, which Raft makes good."""
        link = self._links.get(node_id)
        return link is not None and link.send(
            Kind.RAFT, PARTITION_HEADER.pack(partition_id), message
        )

    def request(
        self,
        node_id: str,
        partition_id: int,
        operation: int,
        flags: int,
        body: bytes,
        timeout_seconds: float,
    ) -> Pending[Answer]:
        """Ask a node to execute an operation on a partition."""
        link = self._links.get(node_id)
        if link is None:
            pending: Pending[Answer] = Pending()
            pending.resolve(NOT_SENT)
            return pending
        number = next(self._request_ids)
        header = REQUEST_HEADER.pack(number, partition_id, flags, operation)
        return link.request(number, (header, body), self.clock.monotonic() + timeout_seconds)

    def close(self) -> None:
        """Close every link; what is under way ends as lost."""
        self._sweeper.cancel()
        for link in self._links.values():
            link.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = self.clock.monotonic()
            for link in tuple(self._links.values()):
                link.sweep(now)
