"""Outbound links: one connection to each node, kept up, and the requests under way on it.

A node's links carry its Raft messages and snapshots; a gateway's links carry requests. Used by
`partition_host.py` and `cluster_view.py`. Nothing here waits: a message that cannot go now is
refused at once, and the caller knows what to do about it. Invariants: a request is resolved exactly
once (answer, deadline, or loss of the link, which says whether it was begun); a slow or dead node
costs the others nothing; `on_up` and `on_down` take turns for a node.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from stator_node.doors import Clock
from stator_node.pending import Pending
from stator_node.transport.complaints import Complaints, say_failed_handshakes
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
    decode_refusal,
    encode_hello,
)

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 2.0  # from the first packet to the HELLO of the other side
RECONNECT_SECONDS_MIN = 0.05
RECONNECT_SECONDS_MAX = 2.0
SWEEP_SECONDS = 0.1
# With so many sweeps without a byte, though a PONG is due with each, a connection is dropped. Later
# than a Raft leader that hears nobody steps down (after 1.1 s): its last words go by it.
SILENT_SWEEPS_MAX = 13


class Answer(NamedTuple):
    """What came of a request. `status` says what `body` is (`frame_format.Status`)."""

    status: Status
    body: bytes


NOT_SENT = Answer(Status.UNAVAILABLE, b"")
LOST = Answer(Status.UNKNOWN, b"")
_STATUSES = {int(status): status for status in Status}


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
        self.links = links
        self._attempt = _Attempt(self)
        self._requests: dict[int, tuple[Pending[Answer], float]] = {}
        self._woken = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._keep_up())

    @property
    def connection(self) -> FrameConnection | None:
        """The one that is up, or being made."""
        return self._attempt.connection

    def send(self, kind: Kind, *parts: bytes) -> bool:
        """Send a frame if the link is up and has room."""
        connection = self._attempt.connection
        return self.is_up and connection is not None and connection.send(kind, *parts)

    def request(
        self, request_id: int, header: bytes, body: bytes, deadline: float
    ) -> Pending[Answer]:
        """Send a request; resolved by its answer, by the deadline, or by the loss of the link."""
        pending: Pending[Answer] = Pending()
        if self.send(Kind.REQUEST, header, body):
            self._requests[request_id] = pending, deadline
        else:
            pending.resolve(NOT_SENT)
        return pending

    def sweep(self, now: float) -> None:
        """End what has waited past its deadline; look whether the other side still lives."""
        late = [number for number, (_, deadline) in self._requests.items() if deadline <= now]
        for number in late:
            self._settle(number, LOST)
        connection = self._attempt.connection
        if not self.is_up or connection is None:
            return
        if connection.silent_for() > SILENT_SWEEPS_MAX:
            connection.abort(f"silent for {SILENT_SWEEPS_MAX * SWEEP_SECONDS:g} s")
        else:
            connection.send(Kind.PING, CLOCK.pack(int(now * 1000)))

    def close(self) -> None:
        """Give the node up. What is under way ends as lost, now."""
        self._task.cancel()
        attempt, self._attempt = self._attempt, _Attempt(self)
        if attempt.connection is not None:
            attempt.connection.close()
        self._go_down("closed")

    async def _keep_up(self) -> None:
        """Connect, wait for the end, connect again, ever more slowly."""
        loop = asyncio.get_running_loop()
        pause = RECONNECT_SECONDS_MIN
        peer = f"node {self.node_id}"
        while True:
            self._woken.clear()
            attempt = self._attempt = _Attempt(self)
            is_absent = False
            began = loop.time()
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await loop.create_connection(
                        attempt.connect, self.address.host, self.address.port, ssl=self.links.tls
                    )
                    await attempt.settled.wait()
                await attempt.ended.wait()
            except TimeoutError:
                attempt.give_up(f"no HELLO within {CONNECT_SECONDS:g} s")
            except (OSError, ValueError, OverflowError) as error:  # Or no host, or no port.
                is_absent = isinstance(error, ConnectionError)
                attempt.give_up(str(error) or type(error).__name__)
            if is_absent:
                self.links.complaints.absent(peer, attempt.reason, self.links.clock.monotonic())
            elif not attempt.was_up:
                self.links.complaints.say(peer, attempt.reason)
            # A connection that never lasts counts as none: it must not be made without a pause.
            lasted = attempt.was_up and loop.time() - began > RECONNECT_SECONDS_MAX
            pause = RECONNECT_SECONDS_MIN if lasted else min(pause * 2, RECONNECT_SECONDS_MAX)
            if await self._rest(pause * (0.5 + self.links.chance())):
                # It may not listen yet: the next attempts follow as after its end.
                pause = RECONNECT_SECONDS_MIN

    async def _rest(self, seconds: float) -> bool:
        """A pause between two attempts. True: there was news of the node."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        return self._woken.is_set()

    def wake(self) -> None:
        """The node has just spoken: if the link is down, it need not stay so for a pause."""
        self._woken.set()

    def greeted(self) -> None:
        """The other side has said who it is: the link is up."""
        self.is_up = True
        self.refused = None
        self.links.complaints.well(f"node {self.node_id}")
        self._tell(lambda: self.links.on_up(self.node_id))

    def lost(self, attempt: _Attempt) -> None:
        """A connection has ended."""
        if attempt is self._attempt:
            self._go_down(attempt.reason)

    def _go_down(self, reason: str) -> None:
        if self.is_up:
            self.is_up = False
            for number in tuple(self._requests):
                self._settle(number, LOST)
            self._tell(lambda: self.links.on_down(self.node_id, reason))

    def _tell(self, listener: Callable[[], None]) -> None:
        try:
            listener()
        except Exception:
            # The link must be kept up all the same.
            logger.exception("the news of node %s could not be taken in", self.node_id)

    def answered(self, payload: bytes) -> None:
        """Raises FrameRefused, struct.error."""
        number, status_number = ANSWER_HEADER.unpack_from(payload)
        status = _STATUSES.get(status_number)
        if status is None:
            raise FrameRefused(f"answer status {status_number} is unknown to this version")
        # It may have missed its deadline: then nobody waits.
        self._settle(number, Answer(status, payload[ANSWER_HEADER.size :]))

    def ponged(self, payload: bytes) -> None:
        """Raises struct.error."""
        self.round_trip_ms = self.links.clock.monotonic() * 1000 - CLOCK.unpack(payload)[0]

    def _settle(self, number: int, answer: Answer) -> None:
        waiting = self._requests.pop(number, None)
        if waiting is None:
            return
        try:
            waiting[0].resolve(answer)
        except Exception:
            logger.exception("an answer of node %s could not be taken in", self.node_id)


class _Attempt:
    """One connection of a link, from its beginning to its end: HELLO first, then the rest."""

    def __init__(self, link: Link) -> None:
        self.connection: FrameConnection | None = None
        self.was_up = False
        self.reason = "closed"
        self.settled = asyncio.Event()  # the other side has said HELLO, or no
        self.ended = asyncio.Event()
        self._link = link

    def connect(self) -> FrameConnection:
        """The protocol of the connection."""
        self.connection = FrameConnection(self)
        return self.connection

    def give_up(self, reason: str) -> None:
        """The connection was not made, or not in time."""
        self.reason = reason
        if self.connection is not None:
            self.connection.abort(reason)

    def connected(self, connection: FrameConnection) -> None:
        link = self._link
        hello = replace(link.links.hello, receiver_id=link.node_id)
        connection.send(Kind.HELLO, encode_hello(hello))

    def frame_received(self, connection: FrameConnection, kind: int, payload: bytes) -> None:
        link = self._link
        if kind == Kind.ANSWER and self.was_up:
            link.answered(payload)
        elif kind == Kind.REFUSED:
            link.refused = decode_refusal(payload)
            connection.abort(f"it refuses this pod: {link.refused}")
        elif not self.was_up:
            self._greet(kind, payload)
        elif kind == Kind.PONG:
            link.ponged(payload)
        else:
            raise FrameRefused(f"frame kind {kind} is not expected here")

    def disconnected(self, connection: FrameConnection, reason: str) -> None:
        self.reason = reason
        self._link.lost(self)
        self.settled.set()
        self.ended.set()

    def _greet(self, kind: int, payload: bytes) -> None:
        if kind != Kind.HELLO:
            raise FrameRefused("the first frame must be a HELLO")
        link = self._link
        hello, ours = decode_hello(payload), link.links.hello.cluster_id
        if hello.cluster_id != ours:
            raise FrameRefused(f"this is cluster {ours}, you are of {hello.cluster_id}")
        if hello.sender_id != link.node_id:
            raise FrameRefused(f"expected node {link.node_id}, reached {hello.sender_id}")
        self.was_up = True
        self.settled.set()
        link.greeted()


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
        self.complaints = Complaints()
        if tls is not None:
            self.renew(tls)
        self.on_up: Callable[[str], None] = lambda _: None
        self.on_down: Callable[[str, str], None] = lambda _node, _reason: None
        # Answers what is asked of this node itself; None: it is not asked.
        self.own: Callable[[int, int, int, bytes], Pending[Answer]] | None = None
        self._links: dict[str, Link] = {}
        self._request_ids = itertools.count(1)
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    def renew(self, tls: ssl.SSLContext) -> None:
        """Make connections under this context from now on."""
        say_failed_handshakes(tls, self.complaints)
        self.tls = tls

    def connect(self, node_id: str, address: Address) -> None:
        """Keep a link to this node; a new address replaces the old link. None to this very one."""
        if node_id == self.hello.sender_id:
            return
        link = self._links.get(node_id)
        if link is not None:
            if link.address == address:
                return
            link.close()
        self._links[node_id] = Link(self, node_id, address)

    def wake(self, hello: Hello) -> None:
        """A node has connected to this pod: it runs again, so a link that is down is made now."""
        link = self._links.get(hello.sender_id)
        if link is not None and not link.is_up:
            link.wake()

    def disconnect(self, node_id: str) -> None:
        """The node is gone for good."""
        link = self._links.pop(node_id, None)
        if link is not None:
            link.close()

    def link(self, node_id: str) -> Link | None:
        return self._links.get(node_id)

    def is_up(self, node_id: str) -> bool:
        if self.own is not None and node_id == self.hello.sender_id:
            return True
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
        if self.own is not None and node_id == self.hello.sender_id:
            return self.own(partition_id, operation, flags, body)
        link = self._links.get(node_id)
        if link is None:
            pending: Pending[Answer] = Pending()
            pending.resolve(NOT_SENT)
            return pending
        number = next(self._request_ids)
        header = REQUEST_HEADER.pack(number, partition_id, flags, operation)
        return link.request(number, header, body, self.clock.monotonic() + timeout_seconds)

    def close(self) -> None:
        """Close every link; what is under way ends as lost. Nobody is told that nodes are down."""
        self._sweeper.cancel()
        self.on_down = lambda _node, _reason: None
        for link in self._links.values():
            link.close()

    def abort(self) -> None:
        """The same, now: what waits to be sent stays, and no TLS farewell is waited for."""
        connections = [link.connection for link in self._links.values()]
        self.close()
        for connection in connections:
            if connection is not None:
                connection.abort("closed")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = self.clock.monotonic()
            for link in tuple(self._links.values()):
                link.sweep(now)
