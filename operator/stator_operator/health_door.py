"""How the operator is, for a kubelet and for Prometheus: plain HTTP on a port of its own.

    GET /alive      200 as long as its loop turns and its watches are not dead
    GET /ready      200 while it works, or waits for the Lease that another holds
    GET /metrics    its figures, as Prometheus reads them

Opened by `operator_process.py` before anything else.
"""

from __future__ import annotations

import socket

from aiohttp import web

from stator_operator.metrics import CONTENT_TYPE, Metrics
from stator_operator.watch_freshness import WatchFreshness


class HealthDoor:
    """The port that is asked."""

    def __init__(self, freshness: WatchFreshness, metrics: Metrics) -> None:
        self._freshness = freshness
        self._metrics = metrics
        self.is_ready = False
        application = web.Application()
        application.router.add_get("/alive", self._alive)
        application.router.add_get("/ready", self._ready)
        application.router.add_get("/metrics", self._figures)
        self._runner = web.AppRunner(application, access_log=None)
        self.port = 0

    async def start(self, port: int) -> None:
        """Listen on every address; on any free port where it is 0. Raises OSError."""
        await self._runner.setup()
        listening = _listening(port)
        await web.SockSite(self._runner, listening).start()
        self.port = listening.getsockname()[1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _alive(self, _: web.Request) -> web.Response:
        dead = self._freshness.dead()
        if dead:
            text = f"the watch tells nothing of what lists show: {', '.join(dead)}\n"
            return web.Response(status=503, text=text)
        return web.Response(text="alive\n")

    async def _ready(self, _: web.Request) -> web.Response:
        if not self.is_ready:
            return web.Response(status=503, text="starting\n")
        return web.Response(text="ready\n")

    async def _figures(self, _: web.Request) -> web.Response:
        self._freshness.measure()
        return web.Response(
            body=self._metrics.text().encode(), headers={"Content-Type": CONTENT_TYPE}
        )


def _listening(port: int) -> socket.socket:
    """One socket for IPv4 and IPv6, where there is the latter. Raises OSError."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))
