"""The HTTP door: DynamoDB's JSON protocol on a port.

Wired by `local.py` with an `Executor` and a `SignatureVerifier`. Each client gets an
`HttpConnection`; one sweep a second keeps all their time limits and the Date header. Invariants:
never more than `connections_max` connections; `held_bytes` is the sum over the connections.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Mapping

from stator_node.doors import Clock, Executor
from stator_node.gateway.http_answer import Answers
from stator_node.gateway.http_connection import HttpConnection
from stator_node.gateway.http_limits import HttpLimits
from stator_node.gateway.http_request import RequestReader, SideDoor
from stator_node.gateway.request_ids import RequestIds
from stator_node.gateway.sigv4 import SignatureVerifier

BACKLOG = 1_024  # connections that the kernel has accepted and the loop has not seen


class HttpDoor:
    """Serves `executor` over HTTP. `region` is named in the health text."""

    def __init__(
        self,
        executor: Executor,
        verifier: SignatureVerifier,
        clock: Clock,
        *,
        region: str = "us-east-1",
        limits: HttpLimits | None = None,
        side_doors: Mapping[bytes, SideDoor] | None = None,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.limits = limits or HttpLimits()
        self.executor = executor
        self.answers = Answers(RequestIds(random_bytes).next)
        self.reader = RequestReader(
            executor.operations, verifier.verify, region, self.limits, side_doors
        )
        self.held_bytes = 0
        self.tick = clock.monotonic()
        self.port = 0  # that is listened on, once started
        self._clock = clock
        self._connections: set[HttpConnection] = set()
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._all_gone = asyncio.Event()
        self.answers.set_date(clock.now())

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def start(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Listen; port 0 takes any free one. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: HttpConnection(self),
            host,
            port,
            ssl=tls,
            reuse_port=reuse_port,
            backlog=BACKLOG,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._timer = loop.call_later(self.limits.sweep_seconds, self._sweep_again)

    async def stop(self, grace_seconds: float) -> None:
        """Stop listening, let running requests finish for so long, then drop the rest."""
        assert self._server is not None
        self._server.close()
        for connection in tuple(self._connections):
            connection.stop()
        if self._connections:
            self._all_gone.clear()
            try:
                async with asyncio.timeout(grace_seconds):
                    await self._all_gone.wait()
            except TimeoutError:
                for connection in tuple(self._connections):
                    connection.abort()
        if self._timer is not None:
            self._timer.cancel()
        await self._server.wait_closed()

    def sweep(self) -> None:
        """Date the answers, and end what has waited too long on any connection."""
        self.tick = self._clock.monotonic()
        self.answers.set_date(self._clock.now())
        for connection in tuple(self._connections):
            connection.sweep(self.tick)

    def admit(self, connection: HttpConnection) -> bool:
        """Count a new connection in, unless there are too many."""
        if len(self._connections) >= self.limits.connections_max:
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: HttpConnection) -> None:
        """Count a lost connection out."""
        self._connections.discard(connection)
        if not self._connections:
            self._all_gone.set()

    def make_room(self) -> None:
        """All connections hold too much together: the one that holds most gives way."""
        max(self._connections, key=lambda connection: connection.held_bytes).give_way()

    def _sweep_again(self) -> None:
        self.sweep()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.limits.sweep_seconds, self._sweep_again)
