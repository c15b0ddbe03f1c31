"""Streams between simulated nodes do what TCP does: the product's own transport runs on them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from simulation.network import LinkSettings
from simulation.world import Node, World
from stator_node.transport.frame_format import Hello, Status
from stator_node.transport.links import Address, Links
from stator_node.transport.server import FrameServer, Request

PORT = 7000


class Talker(asyncio.Protocol):
    """Writes down what happens to it."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.data = b""
        self.pieces = 0
        self.ended: list[str] = []
        self.paused = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.pieces += 1

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.append("closed" if error is None else type(error).__name__)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False


class Pair:
    """Node "server" listens, node "client" has connected to it."""

    def __init__(self, seed: int = 1, **settings: Any) -> None:
        self.world = World(seed, links=LinkSettings(**settings))
        self.served: list[Talker] = []
        self.client = Talker()
        self.errors: list[str] = []
        self.world.add_node("server", self.boot_server)
        self.world.run(0.01)
        self.world.add_node("client", self.boot_client)
        self.world.run(0.1)

    def boot_server(self, node: Node) -> None:
        node.loop.create_task(node.loop.create_server(self.accept, "127.0.0.1", PORT))

    def accept(self) -> Talker:
        self.served.append(Talker())
        return self.served[-1]

    def boot_client(self, node: Node) -> None:
        node.loop.create_task(self.connect(node))

    async def connect(self, node: Node) -> None:
        try:
            await node.loop.create_connection(lambda: self.client, "server", PORT)
        except OSError as error:
            self.errors.append(type(error).__name__)

    def say(self, data: bytes) -> None:
        """The client writes, in a turn of its loop."""
        self.world.nodes["client"].loop.call_soon(self.client.transport.write, data)

    @property
    def server(self) -> Talker:
        return self.served[-1]


@pytest.mark.parametrize("settings", [{}, {"loss": 0.3}, {"delay_seconds_mean": 0.05}])
def test_bytes_arrive_in_order_whatever_the_link_does(settings: dict[str, float]) -> None:
    pair = Pair(**settings)
    pair.world.run(10.0)
    sent = [bytes([number]) * 10 for number in range(100)]
    for piece in sent:
        pair.say(piece)

    pair.world.run(30.0)

    assert pair.server.data == b"".join(sent)
    assert pair.server.pieces > len(sent)  # Some came in two.


def test_a_connection_to_nobody_is_refused() -> None:
    pair = Pair()
    pair.world.nodes["server"].kill()
    node = pair.world.nodes["client"]
    node.loop.create_task(pair.connect(node))

    pair.world.run(1.0)

    assert pair.errors == ["ConnectionRefusedError"]


def test_a_connection_across_a_cut_hangs_and_then_fails() -> None:
    pair = Pair()
    pair.world.network.cut("server", "client", both=False)
    node = pair.world.nodes["client"]
    node.loop.create_task(pair.connect(node))

    pair.world.run(60.0)
    assert pair.errors == []
    pair.world.run(90.0)

    assert pair.errors == ["TimeoutError"]


def test_what_a_cut_holds_up_comes_after_it_is_healed() -> None:
    pair = Pair()
    pair.world.network.cut("client", "server")
    pair.say(b"hello")
    pair.world.run(5.0)
    assert pair.server.data == b""

    pair.world.network.heal()
    pair.world.run(1.0)

    assert pair.server.data == b"hello"
    assert pair.client.ended == []


def test_a_sender_gives_up_on_a_long_cut() -> None:
    pair = Pair(stalled_seconds_max=10.0)
    pair.world.network.cut("client", "server")
    pair.say(b"hello")

    pair.world.run(11.0)

    assert pair.client.ended == ["TimeoutError"]
    assert pair.server.ended == []


def test_a_closed_end_is_heard_of_after_all_it_wrote() -> None:
    pair = Pair()
    pair.say(b"last words")
    pair.world.nodes["client"].loop.call_soon(pair.client.transport.close)

    pair.world.run(1.0)

    assert pair.server.data == b"last words"
    assert (pair.client.ended, pair.server.ended) == (["closed"], ["closed"])


def test_a_killed_process_breaks_its_connections() -> None:
    pair = Pair()
    pair.world.nodes["server"].kill()

    pair.world.run(1.0)

    assert pair.client.ended == ["ConnectionResetError"]


def test_a_node_without_power_is_missed_only_by_who_speaks_to_it_later() -> None:
    pair = Pair()
    pair.world.nodes["server"].cut_power()
    pair.say(b"are you there?")
    pair.world.run(5.0)
    assert pair.client.ended == []

    pair.world.nodes["server"].start()
    pair.world.run(1.0)

    assert pair.client.ended == ["ConnectionResetError"]


def test_a_frozen_reader_makes_the_writer_pause() -> None:
    pair = Pair()
    pair.world.nodes["server"].freeze()
    for _ in range(10):
        pair.say(bytes(100_000))
    pair.world.run(1.0)
    assert pair.client.paused

    pair.world.nodes["server"].thaw()
    pair.world.run(1.0)

    assert not pair.client.paused
    assert len(pair.server.data) == 1_000_000


class Echo:
    """The product's frame server of one node; answers requests with their own body."""

    def __init__(self, node: Node, peers: list[str]) -> None:
        hello = Hello("cluster", node.name, "node", node.zone)
        self.raft: list[tuple[str, bytes]] = []
        self.ups: list[str] = []
        self.server = FrameServer(hello, self)
        node.loop.create_task(self.server.start("0.0.0.0", PORT))
        self.links = Links(hello, node.clock, node.world.random.random)
        self.links.on_up = self.ups.append
        for peer in peers:
            self.links.connect(peer, Address(peer, PORT))

    def raft_received(self, sender: Hello, partition_id: int, message: bytes) -> None:
        self.raft.append((sender.sender_id, message))

    def request_received(self, sender: Hello, request: Request) -> None:
        request.answer(Status.RESULT, request.body)


def test_the_products_own_transport_runs_in_the_world_and_finds_its_way_back() -> None:
    world = World(5)
    names = ["n1", "n2", "n3"]
    for name in names:
        world.add_node(name, lambda node: Echo(node, [one for one in names if one != node.name]))
    world.run(2.0)
    first = world.nodes["n1"].product
    assert sorted(first.ups) == ["n2", "n3"]

    world.nodes["n1"].loop.call_soon(first.links.send_raft, "n2", 7, b"append")
    world.run(1.0)
    assert world.nodes["n2"].product.raft == [("n1", b"append")]

    world.nodes["n2"].down_for(5.0, power=True)
    world.run(20.0)

    assert first.links.is_up("n2")
    assert first.ups.count("n2") == 2
