"""Finding pods by a name: every address of it is asked who is there, again and again.

In: names with ports, such as that of a headless Service, and a HELLO that names no receiver. Out:
who answered, with the address, to whoever keeps links (`cluster_view.py`, `remote_tables.py`).
Used by `gateway_process.py` and `supervisor_process.py`. Invariants: a name that is not answered
changes nothing, so pods that were found stay known while nobody resolves names; an address whose
pod is linked is not asked again; one that is taken over by another pod is.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence

from stator_node.transport.complaints import Complaints
from stator_node.transport.connection import FrameConnection
from stator_node.transport.frame_format import (
    FrameRefused,
    Hello,
    Kind,
    decode_hello,
    decode_refusal,
    encode_hello,
)
from stator_node.transport.links import Address

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
ANSWER_SECONDS_MAX = 2.0
ADDRESSES_MAX = 1_024


class Seeds:
    """Looks for pods, and tells of those that it finds."""

    def __init__(
        self,
        seeds: Sequence[tuple[str, int]],
        hello: Hello,
        joined: Callable[[Hello, Address], None],
        is_linked: Callable[[str], bool],
        tls: Callable[[], ssl.SSLContext | None],
    ) -> None:
        """`seeds`: names with ports. `joined` is called whenever a pod was met.

        `is_linked`: it need not be met again. `tls` is asked each time: certificates are renewed.
        """
        self._tls = tls
        self._seeds = [Address(host, port) for host, port in seeds]
        self._hello = hello
        self._joined = joined
        self._is_linked = is_linked
        self._met: dict[Address, str] = {}
        self._complaints = Complaints()
        self.unanswered = len(self._seeds)  # names and addresses, at the last look

    async def run(self) -> None:
        """Look, forever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look once: ask everybody who may be new."""
        resolved = [await self._resolved(seed) for seed in self._seeds]
        found = dict.fromkeys([address for each in resolved for address in each][:ADDRESSES_MAX])
        met = await asyncio.gather(*(self._meet(each) for each in found))
        self.unanswered = met.count(False) + resolved.count([])

    async def _resolved(self, seed: Address) -> list[Address]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                entries = await loop.getaddrinfo(seed.host, seed.port, type=socket.SOCK_STREAM)
        except (TimeoutError, OSError) as error:
            self._complaints.say(f"the name {seed.host}", str(error) or "no answer in time")
            return []
        self._complaints.well(f"the name {seed.host}")
        return [Address(str(entry[4][0]), seed.port) for entry in entries]

    async def _meet(self, address: Address) -> bool:
        """Whether it is known who is there."""
        met = self._met.get(address)
        if met is not None and self._is_linked(met):
            return True
        name = f"{address.host}:{address.port}"
        try:
            hello = await shake_hands(address, self._hello, self._tls())
        except ConnectionError as error:
            now = asyncio.get_running_loop().time()
            self._complaints.absent(name, str(error) or type(error).__name__, now)
            return False
        except (OSError, FrameRefused) as error:
            self._complaints.say(name, str(error) or type(error).__name__)
            return False
        self._complaints.well(name)
        self._met[address] = hello.sender_id
        self._joined(hello, address)
        return True


async def shake_hands(address: Address, hello: Hello, tls: ssl.SSLContext | None) -> Hello:
    """Who is at an address. Raises OSError, FrameRefused."""
    assert hello.receiver_id is None
    loop = asyncio.get_running_loop()
    asking = _Asking(hello, loop.create_future())
    connection = FrameConnection(asking)
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            await loop.create_connection(lambda: connection, address.host, address.port, ssl=tls)
            return await asking.answer
    finally:
        asking.answer.cancel()
        connection.close()


class _Asking:
    """The one question of a connection."""

    def __init__(self, hello: Hello, answer: asyncio.Future[Hello]) -> None:
        self.answer = answer
        self._hello = hello

    def connected(self, connection: FrameConnection) -> None:
        connection.send(Kind.HELLO, encode_hello(self._hello))

    def frame_received(self, connection: FrameConnection, kind: int, payload: bytes) -> None:
        if self.answer.done():
            return
        if kind == Kind.REFUSED:
            self.answer.set_exception(FrameRefused(f"refused: {decode_refusal(payload)}"))
            return
        if kind != Kind.HELLO:
            raise FrameRefused("the first frame must be a HELLO")
        found = decode_hello(payload)
        if found.cluster_id != self._hello.cluster_id:
            reason = f"this is cluster {self._hello.cluster_id}, it is of {found.cluster_id}"
            self.answer.set_exception(FrameRefused(reason))
            return
        self.answer.set_result(found)

    def disconnected(self, connection: FrameConnection, reason: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(ConnectionError(reason))
