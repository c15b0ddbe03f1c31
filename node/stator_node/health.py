"""How a pod is, for whoever keeps it running: starting, catching up, serving, draining or fenced.

In: plain HTTP on a port of its own, from a kubelet's probes and from `drain_command.py`. Out: 200
or 503, and a word that says why.

    GET  /started   200 once the pod has begun to serve
    GET  /alive     200 as long as its loop turns
    GET  /ready     200 while it serves, has caught up with its peers, and is not asked to go
    GET  /metrics   its figures, as Prometheus reads them, once it serves
    POST /drain     from the pod itself only: 200 when everything has been handed over

Wired by `node_process.py`. Invariants: what is asked here costs next to nothing and changes
nothing, but for draining; a pod that drains serves again only after it was fenced, if it does not
end; one that has caught up is ready until then, however far it falls behind meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable
from enum import Enum
from ipaddress import IPv6Address, ip_address
from typing import Any

from stator_core.exposition import CONTENT_TYPE, Family, text

logger = logging.getLogger(__name__)

REQUEST_SECONDS_MAX = 2.0
REQUEST_BYTES_MAX = 4_096
CONNECTIONS_MAX = 32


class Phase(Enum):
    """How far a pod has come."""

    STARTING = "starting"
    CATCHING_UP = "catching up"
    SERVING = "serving"
    DRAINING = "draining"
    FENCED = "fenced"


class Health:
    """The phase of a pod, and what draining it means."""

    def __init__(self) -> None:
        self.phase = Phase.STARTING
        self._hand_over: Callable[[], Coroutine[Any, Any, None]] | None = None
        self._draining: asyncio.Future[None] | None = None
        self._figures: Callable[[], Iterable[Family]] | None = None

    def serves(
        self,
        hand_over: Callable[[], Coroutine[Any, Any, None]],
        figures: Callable[[], Iterable[Family]] | None = None,
    ) -> None:
        """The pod has begun to serve; `hand_over` gives away what it leads, and returns then.

        `figures`: what it can tell of itself in numbers.
        """
        self.catches_up(hand_over, figures)
        self.has_caught_up()

    def catches_up(
        self,
        hand_over: Callable[[], Coroutine[Any, Any, None]],
        figures: Callable[[], Iterable[Family]] | None = None,
    ) -> None:
        """The same, but that it may lack what others wrote before: it serves, and is not ready."""
        assert self.phase not in (Phase.CATCHING_UP, Phase.SERVING)
        self.phase = Phase.CATCHING_UP
        self._hand_over, self._draining = hand_over, None
        self._figures = figures

    def has_caught_up(self) -> None:
        """The pod lacks nothing any more; one that drains or ends by now goes on to do so."""
        if self.phase is Phase.CATCHING_UP:
            self.phase = Phase.SERVING

    def ends(self) -> None:
        """The pod is ending: it is ready no more."""
        self.phase = Phase.DRAINING

    def fences(self) -> None:
        """The pod is kept out: it has started, leads nothing, and serves nothing."""
        self.phase = Phase.FENCED
        self._hand_over = self._figures = None

    async def drain(self) -> None:
        """Be ready no more, and hand over. Who asks again waits for the same."""
        if self._hand_over is None:
            return  # Nothing was begun, so nothing is led.
        if self._draining is None:
            self.phase = Phase.DRAINING
            logger.info("draining: what this pod leads is handed over")
            self._draining = asyncio.ensure_future(self._hand_over())
        # Who asks may hang up; what was begun is ended all the same.
        await asyncio.shield(self._draining)

    def answer(self, path: str) -> tuple[int, str]:
        """Status and text for a GET."""
        if path == "/metrics" and self._figures is not None:
            return 200, text(self._figures()).removesuffix("\n")
        is_so = {
            "/started": self.phase is not Phase.STARTING,
            "/alive": True,
            "/ready": self.phase is Phase.SERVING,
        }
        if path not in is_so:
            return 404, "not found"
        return (200 if is_so[path] else 503), self.phase.value


class HealthDoor:
    """The port that is asked."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._server: asyncio.Server | None = None
        self._open = 0

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, port: int) -> None:
        """Listen on every address: a kubelet asks from outside. Raises OSError."""
        self._server = await asyncio.start_server(
            self._serve, None, port, limit=REQUEST_BYTES_MAX, backlog=CONNECTIONS_MAX
        )

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        self._open += 1
        try:
            if self._open > CONNECTIONS_MAX:
                return
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                head = await reader.readuntil(b"\r\n\r\n")
            status, text = await self._answer(head, str(writer.get_extra_info("peername")[0]))
            writer.write(_response(status, text))
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # It asked for nothing that can be answered, or has gone.
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, head: bytes, peer: str) -> tuple[int, str]:
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(words) != 3:
            return 400, "bad request"
        method, path, _ = words
        if method == "GET":
            return self._health.answer(path)
        if (method, path) != ("POST", "/drain"):
            return 404, "not found"
        if not _is_own(peer):
            return 403, "a pod is drained from within"
        await self._health.drain()
        return 200, "drained"


def _is_own(peer: str) -> bool:
    """Whether the asker is on this very machine, or in this very pod."""
    address = ip_address(peer.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def _response(status: int, text: str) -> bytes:
    words = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}
    reason = words.get(status, "Service Unavailable")
    body = f"{text}\n".encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
