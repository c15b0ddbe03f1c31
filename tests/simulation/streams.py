"""TCP between simulated nodes, so that the product's own transport runs in the simulator.

`NodeLoop.create_connection` and `create_server` come here. A stream's bytes arrive in order, cut
into other pieces than they were written in, after the delays of `network.py`. A lost piece costs
the time of sending it again. Across a cut nothing arrives, nobody is told, and what was written
waits; after `stalled_seconds_max` the sender gives up. The other end of a killed process hears of
it; of a node without power it hears nothing until it sends and the node is up again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulation.network import Network
    from simulation.virtual_loop import NodeLoop

HIGH_WATER_BYTES = 256 * 1024  # under way, from where on the writer is asked to pause
CONNECT_SECONDS_MAX = 120.0  # the operating system's own patience
PORT_FIRST = 40_000
SPLIT_CHANCE = 0.1  # of a piece, to arrive in two

Factory = Callable[[], Any]
Address = tuple[str, int]


class VirtualServer:
    """Takes the part of asyncio.Server."""

    def __init__(self, streams: Streams, loop: NodeLoop, factory: Factory, address: Address):
        self.loop = loop
        self.factory = factory
        self.address = address
        self._streams = streams

    @property
    def sockets(self) -> list[VirtualServer]:
        return [self]

    def getsockname(self) -> Address:
        return self.address

    def is_serving(self) -> bool:
        return self._streams.server(self.address) is self

    def close(self) -> None:
        self._streams.closed(self)

    async def wait_closed(self) -> None:
        """Its connections are not its business."""


class StreamEnd(asyncio.Transport):
    """One end of a connection; takes the part of asyncio's transports."""

    def __init__(self, streams: Streams, loop: NodeLoop, number: int) -> None:
        super().__init__()
        self.loop = loop
        self.name = loop.node.name
        self.number = number
        self.peer: StreamEnd | None = None
        self.protocol: Any = None
        self.closing = False
        self.lost = False
        self.paused = False
        self.under_way = 0  # bytes written and not yet taken by the other end
        self.last_arrival = 0
        self.stalled: deque[bytes | None] = deque()  # pieces that a cut holds up; None is the end
        self.stalled_since = 0
        self._streams = streams

    def __repr__(self) -> str:
        return f"<stream {self.number} at {self.name}>"

    def begin(self, factory: Factory) -> None:
        """Give it to a new protocol. Called in a turn of this node's loop."""
        if not self.lost:
            self.protocol = factory()
            self.protocol.connection_made(self)

    # What a protocol may ask of it.

    def write(self, data: Any) -> None:
        if self.closing or self.lost or self.loop.dead or not data:
            return
        piece = bytes(data)
        self.under_way += len(piece)
        self._streams.send(self, piece)
        if self.under_way > HIGH_WATER_BYTES and not self.paused:
            self.paused = True
            self.protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        """What has been written still arrives; then the other end hears of the end."""
        if self.closing or self.lost or self.loop.dead:
            return
        self.closing = True
        self._streams.send(self, None)
        self.loop.call_soon(self.lose, None)

    def abort(self) -> None:
        """End both ends; what is under way may be gone."""
        if not self.lost and not self.loop.dead:
            self._streams.reset(self, None)

    def is_closing(self) -> bool:
        return self.closing or self.lost

    def get_write_buffer_size(self) -> int:
        return self.under_way

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return 0, HIGH_WATER_BYTES

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The limits are the network's."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "peername" and self.peer is not None:
            return (self.peer.name, self.number)
        return (self.name, self.number) if name == "sockname" else default

    def get_protocol(self) -> Any:
        return self.protocol

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def pause_reading(self) -> None:
        raise NotImplementedError("no product code pauses reading; model it when one does")

    # What the network does to it.

    def take(self, piece: bytes) -> None:
        """Bytes for the protocol. Called in a turn of this node's loop."""
        peer = self.peer
        if peer is not None:
            peer.taken(len(piece))
        if not self.lost and not self.closing:
            self.protocol.data_received(piece)

    def taken(self, size: int) -> None:
        """The other end has read: there is room again."""
        self.under_way -= size
        if self.paused and self.under_way <= HIGH_WATER_BYTES // 2:
            self.paused = False
            if not self.lost:
                self.loop.call_soon(self.protocol.resume_writing)

    def take_end(self) -> None:
        """The other end has closed; no protocol here keeps its half open."""
        if not self.lost:
            self.protocol.eof_received()
            self.close()

    def lose(self, error: Exception | None) -> None:
        """Tell the protocol, once, that it is over."""
        if self.lost:
            return
        self.lost = True
        self._streams.forget(self)
        if self.protocol is not None:
            self.protocol.connection_lost(error)


class Streams:
    """All listening servers and open connections of a world."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._servers: dict[Address, VirtualServer] = {}
        self._ends: dict[int, list[StreamEnd]] = {}  # by connection, in order of opening
        self._numbers = PORT_FIRST

    def listen(self, loop: NodeLoop, factory: Factory, port: int) -> VirtualServer:
        """Raises OSError if the port is taken."""
        self._numbers += 1
        address = (loop.node.name, port or self._numbers)
        if address in self._servers:
            raise OSError(98, f"address {address} is in use")
        self._servers[address] = VirtualServer(self, loop, factory, address)
        return self._servers[address]

    def server(self, address: Address) -> VirtualServer | None:
        """Who listens there."""
        return self._servers.get(address)

    def closed(self, server: VirtualServer) -> None:
        """Stop listening."""
        if self._servers.get(server.address) is server:
            del self._servers[server.address]

    async def connect(
        self, loop: NodeLoop, factory: Factory, host: str, port: int
    ) -> tuple[StreamEnd, Any]:
        """Open a connection. Raises ConnectionRefusedError; hangs across a cut."""
        world, network, source = loop.world, self.network, loop.node.name
        if host not in world.nodes:
            raise OSError(-2, f"no node is named {host}")
        world.record(source, "connect", host, port)
        answered: asyncio.Future[StreamEnd] = loop.create_future()

        def refuse() -> None:
            if not answered.done():
                answered.set_exception(ConnectionRefusedError(111, f"{host}:{port} refuses"))

        def arrive() -> None:
            if not network.reaches(source, host) or not world.nodes[host].has_power:
                return
            server = self._servers.get((host, port))
            back = world.now + network.delay(host, source, 0)
            if server is None or server.loop.dead:
                world.at(back, loop.call_soon, refuse)
                return
            near, far = self._pair(loop, server.loop)
            server.loop.call_soon(far.begin, server.factory)  # The system accepts at once.
            far.last_arrival = back  # What the server says comes after the answer.
            world.at(back, loop.call_soon, greet, near)

        def greet(near: StreamEnd) -> None:
            if answered.done() or near.lost or not network.reaches(host, source):
                self.reset(near, None)
            else:
                near.begin(factory)
                answered.set_result(near)

        world.at(world.now + network.delay(source, host, 0), arrive)
        patience = loop.call_later(CONNECT_SECONDS_MAX, _give_up, answered)
        try:
            near = await answered
        finally:
            patience.cancel()
        return near, near.protocol

    def _pair(self, near_loop: NodeLoop, far_loop: NodeLoop) -> tuple[StreamEnd, StreamEnd]:
        self._numbers += 1
        near = StreamEnd(self, near_loop, self._numbers)
        far = StreamEnd(self, far_loop, self._numbers)
        near.peer, far.peer = far, near
        self._ends[self._numbers] = [near, far]
        return near, far

    def send(self, end: StreamEnd, piece: bytes | None) -> None:
        """Put a piece (None: the end of the stream) on its way."""
        network, peer = self.network, end.peer
        assert peer is not None
        world, settings = network.world, network.settings_of(end.name, peer.name)
        if network.chance(settings.reset):
            world.at(world.now, self.reset, end, ConnectionResetError(104, "reset by the network"))
            return
        delay = network.delay(end.name, peer.name, len(piece or b""))
        while network.chance(settings.loss):
            delay += round(settings.resend_seconds * 1e9)
        end.last_arrival = max(end.last_arrival + 1, world.now + delay)
        world.at(end.last_arrival, self._arrive, end, piece)

    def _arrive(self, end: StreamEnd, piece: bytes | None) -> None:
        network, peer = self.network, end.peer
        assert peer is not None
        world = network.world
        if end.stalled or not network.reaches(end.name, peer.name) or not peer.loop.node.has_power:
            if not end.stalled:
                end.stalled_since = world.now
                patience = network.settings_of(end.name, peer.name).stalled_seconds_max
                world.at(world.now + round(patience * 1e9), self._give_up, end, world.now)
            end.stalled.append(piece)
            return
        self._deliver(end, peer, piece)

    def _deliver(self, end: StreamEnd, peer: StreamEnd, piece: bytes | None) -> None:
        if peer.loop.dead or peer.lost:
            # The machine is there and knows nothing of this connection any more.
            if not end.lost and piece is not None:
                self.reset(end, ConnectionResetError(104, "reset by the peer"))
        elif piece is None:
            peer.loop.call_soon(peer.take_end)
        elif len(piece) > 1 and self.network.chance(SPLIT_CHANCE):
            at = self.network.world.random.randrange(1, len(piece))
            peer.loop.call_soon(peer.take, piece[:at])
            peer.loop.call_soon(peer.take, piece[at:])
        else:
            peer.loop.call_soon(peer.take, piece)

    def _give_up(self, end: StreamEnd, since: int) -> None:
        if end.stalled and end.stalled_since == since and not end.loop.dead:
            self.reset(end, TimeoutError(110, "the connection timed out"))

    def retry_stalled(self) -> None:
        """A cut is healed, or a node is up again: what waited is sent again."""
        for ends in list(self._ends.values()):
            for end in ends:
                peer = end.peer
                assert peer is not None
                if not end.stalled or not self.network.reaches(end.name, peer.name):
                    continue
                if peer.loop.node.has_power:
                    pieces, end.stalled = end.stalled, deque()
                    end.last_arrival = max(end.last_arrival, self.network.world.now)
                    for piece in pieces:
                        self.send(end, piece)

    def reset(self, end: StreamEnd, error: Exception | None) -> None:
        """Break a connection: this end knows now, the other one if and when it hears."""
        peer = end.peer
        assert peer is not None
        end.closing = True
        end.stalled.clear()
        if not end.loop.dead:
            end.loop.call_soon(end.lose, error)
        self._tell_reset(end, peer)

    def _tell_reset(self, end: StreamEnd, peer: StreamEnd) -> None:
        world = self.network.world

        def hear() -> None:
            if not self.network.reaches(end.name, peer.name) or peer.loop.dead:
                return
            if peer.loop.node.has_power:
                peer.closing = True
                error = ConnectionResetError(104, "reset by the peer")
                peer.loop.call_soon(peer.lose, error)

        world.at(world.now + self.network.delay(end.name, peer.name, 0), hear)

    def forget(self, end: StreamEnd) -> None:
        """An end is over; the connection is when both are."""
        ends = self._ends.get(end.number, [])
        if all(one.lost or one.loop.dead for one in ends):
            self._ends.pop(end.number, None)

    def node_ended(self, name: str, *, silently: bool) -> None:
        """The process is gone. The machine, if it still has power, tells the others."""
        for address in [one for one in self._servers if one[0] == name]:
            del self._servers[address]
        for ends in list(self._ends.values()):
            for end in ends:
                if end.name == name and end.loop.dead and end.peer is not None:
                    end.stalled.clear()
                    if not silently:
                        self._tell_reset(end, end.peer)
            self.forget(ends[0])


def _give_up(answered: asyncio.Future[StreamEnd]) -> None:
    if not answered.done():
        answered.set_exception(TimeoutError(110, "the connection timed out"))
