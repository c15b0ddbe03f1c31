"""Pods on loopback that speak frames, and peers that speak them wrongly, for tests/node/transport.

`Pod` is a server and its links with everything that they say written down. `run` runs a story on
the product's own event loop, in real time and within bounds.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Literal, TypeVar

import uvloop

from stator_node.clock import SystemClock
from stator_node.pending import Pending, wait
from stator_node.transport.frame_format import Hello, Kind, Status, encode_hello
from stator_node.transport.links import Address, Answer, Links
from stator_node.transport.server import FrameServer, Request

T = TypeVar("T")
HOST = "127.0.0.1"
CLUSTER = "cluster-1"
STORY_SECONDS_MAX = 30.0
RUNNING: list[Pod | BadServer] = []


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run a story to its end on uvloop. Pods and servers that it leaves running are stopped."""

    async def bounded() -> T:
        try:
            async with asyncio.timeout(STORY_SECONDS_MAX):
                return await story
        finally:
            while RUNNING:
                await RUNNING[-1].stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(bounded())


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait until something is so."""
    for _ in range(int(seconds / 0.005)):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"not within {seconds} s")


def hello_of(
    node_id: str, role: Literal["node", "gateway"] = "node", cluster_id: str = CLUSTER
) -> Hello:
    return Hello(cluster_id, node_id, role, "zone-a")


def frame(kind: int, payload: bytes = b"") -> bytes:
    """The bytes of a frame, of a known kind or not."""
    return struct.pack(">IB", len(payload) + 1, kind) + payload


def hello_frame(hello: Hello, receiver_id: str | None = None) -> bytes:
    return frame(Kind.HELLO, encode_hello(replace(hello, receiver_id=receiver_id)))


class Pod:
    """A node: its server, its links, and what they heard. Requests are answered with their body."""

    def __init__(
        self,
        node_id: str,
        *,
        cluster_id: str = CLUSTER,
        role: Literal["node", "gateway"] = "node",
        server_tls: ssl.SSLContext | None = None,
        client_tls: ssl.SSLContext | None = None,
        chance: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.node_id = node_id
        self.raft: list[tuple[str, int, bytes]] = []
        self.requests: list[Request] = []
        self.answering = True
        self.news: list[tuple[str, ...]] = []  # ("up", node) and ("down", node, reason)
        self.server = FrameServer(hello_of(node_id, role, cluster_id), self, tls=server_tls)
        self.links = Links(
            hello_of(node_id, role, cluster_id), SystemClock(), chance, tls=client_tls
        )
        self.links.on_up = lambda node: self.news.append(("up", node))
        self.links.on_down = lambda node, reason: self.news.append(("down", node, reason))
        RUNNING.append(self)

    async def start(self, port: int = 0) -> Pod:
        await self.server.start(HOST, port)
        return self

    async def stop(self) -> None:
        if self in RUNNING:
            RUNNING.remove(self)
            self.links.close()
            await self.server.stop()
            await asyncio.sleep(0.01)  # Closed connections say good-bye.

    def connect(self, node_id: str, port: int) -> None:
        self.links.connect(node_id, Address(HOST, port))

    async def reach(self, other: Pod) -> None:
        """Connect, and wait until the link is up."""
        self.connect(other.node_id, other.server.port)
        await until(lambda: self.links.is_up(other.node_id))

    def ask(
        self, node_id: str, body: bytes = b"body", seconds: float = 5.0, operation: int = 1
    ) -> Pending[Answer]:
        return self.links.request(node_id, 7, operation, 0, body, seconds)

    async def answer_of(self, node_id: str, body: bytes = b"body", seconds: float = 5.0) -> Answer:
        return await wait(self.ask(node_id, body, seconds))

    # What the server calls.

    def raft_received(self, sender: Hello, partition_id: int, message: bytes) -> None:
        self.raft.append((sender.sender_id, partition_id, message))

    def request_received(self, sender: Hello, request: Request) -> None:
        self.requests.append(request)
        if request.body == b"raise":
            raise RuntimeError("a bug")
        if self.answering:
            request.answer(Status.RESULT, request.body)


class RawPeer:
    """A client that sends whatever bytes it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int, *, greeting: Hello | None = None) -> RawPeer:
        """Connect; with a greeting, say it and take the answer."""
        peer = cls(*await asyncio.open_connection(HOST, port))
        if greeting is not None:
            peer.send(hello_frame(greeting))
            assert (await peer.receive())[0] == Kind.HELLO
        return peer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def receive(self) -> tuple[int, bytes]:
        """The next frame. Raises IncompleteReadError at the end of the stream."""
        length, kind = struct.unpack(">IB", await self.reader.readexactly(5))
        return kind, await self.reader.readexactly(length - 1)

    async def reason(self) -> str:
        """What the REFUSED says that must come, and after it nothing."""
        kind, payload = await self.receive()
        while kind != Kind.REFUSED:
            kind, payload = await self.receive()
        return payload.decode()

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            return


class BadServer:
    """Listens, and answers each connection with the bytes of its `script`, in turn.

    It hangs up when it is refused.
    """

    def __init__(self, *script: bytes | None) -> None:
        """None: take the connection and say nothing."""
        self.script = list(script)
        self.heard: list[bytes] = []
        self.connections: list[float] = []
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        RUNNING.append(self)

    async def start(self, port: int = 0) -> int:
        self._server = await asyncio.start_server(self._serve, HOST, port)
        listening: int = self._server.sockets[0].getsockname()[1]
        return listening

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.connections.append(asyncio.get_running_loop().time())
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.heard.append(await reader.read(65536))
        if answer is not None:
            writer.write(answer)
        try:
            while data := await reader.read(65536):
                self.heard.append(data)
                if b"reason" in data:
                    return
        except OSError:
            return
        finally:
            writer.close()

    async def stop(self) -> None:
        RUNNING.remove(self)
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0.01)
