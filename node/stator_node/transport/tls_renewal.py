"""Certificates that are replaced while they are in use: new connections go under the new ones.

In: the files of a process and who speaks under them. It looks at the files every second; open
connections stay as they are. Started by `node.py` and `local_zones.py`. Invariant: files that do
not fit each other, as when one has been replaced and the next one not yet, change nothing.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Protocol

from stator_node.transport.complaints import Complaints
from stator_node.transport.links import Links
from stator_node.transport.tls_files import TlsFiles, TlsRefused

LOOK_SECONDS = 1.0


class Listener(Protocol):
    """A server that other pods connect to: `transport.server.FrameServer`, `OperatorDoor`."""

    async def renew(self, tls: ssl.SSLContext) -> None:
        """Take connections under this context from now on. Raises OSError."""


class Renewal:
    """Keeps the links and the servers of a process at what its files say."""

    def __init__(self, files: TlsFiles, links: Links, *listeners: Listener) -> None:
        """Without `listeners` for a process that only connects."""
        self._files = files
        self._links = links
        self._listeners = listeners
        self._complaints = Complaints()
        self._seen = files.signature()

    async def run(self) -> None:
        """Look at the files, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Speak under new contexts if a file has changed and they all fit each other."""
        signature = self._files.signature()
        if signature == self._seen:
            return
        try:
            client = self._files.context(ssl.Purpose.SERVER_AUTH)
            for listener in self._listeners:
                # Each its own: a context says by one door what goes wrong under it.
                await listener.renew(self._files.context(ssl.Purpose.CLIENT_AUTH))
        except (TlsRefused, OSError) as error:
            self._complaints.say("TLS files", f"they have changed, and the old ones stay: {error}")
            return
        self._links.renew(client)
        self._seen = signature
        self._complaints.well("TLS files")


def renewing(
    files: TlsFiles | None, links: Links, *listeners: Listener
) -> list[asyncio.Task[None]]:
    """Begin to look at the files, where there are any."""
    if files is None:
        return []
    return [asyncio.get_running_loop().create_task(Renewal(files, links, *listeners).run())]
