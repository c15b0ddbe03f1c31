"""Pods are found at every address of a name, and met again where their links are gone."""

from __future__ import annotations

import asyncio

import pytest

from frame_peers import CLUSTER, HOST, Pod, hello_of, run
from stator_node.transport.frame_format import FrameRefused, Hello
from stator_node.transport.links import Address
from stator_node.transport.seeds import Seeds, shake_hands

GATEWAY = hello_of("gateway-1", "gateway")


class Met:
    """Who was met, in order, and who counts as linked."""

    def __init__(self) -> None:
        self.found: list[tuple[str, Address]] = []
        self.linked: set[str] = set()

    def seeds(self, *addresses: Address, hello: Hello = GATEWAY) -> Seeds:
        def joined(found: Hello, address: Address) -> None:
            self.found.append((found.sender_id, address))

        names = [(each.host, each.port) for each in addresses]
        return Seeds(names, hello, joined, self.linked.__contains__, lambda: None)


def test_every_seed_is_asked_who_is_there() -> None:
    async def body() -> None:
        first, second = await Pod("n1").start(), await Pod("n2").start()
        met = Met()
        addresses = [Address(HOST, each.server.port) for each in (first, second)]

        await met.seeds(*addresses).look()

        assert sorted(met.found) == [("n1", addresses[0]), ("n2", addresses[1])]

    run(body())


def test_a_name_stands_for_its_addresses() -> None:
    async def body() -> None:
        pod = await Pod("n1").start()
        met = Met()

        await met.seeds(Address("localhost", pod.server.port)).look()

        assert met.found == [("n1", Address(HOST, pod.server.port))]

    run(body())


def test_who_is_linked_is_not_asked_again_and_who_is_not_is() -> None:
    async def body() -> None:
        pod = await Pod("n1").start()
        port = pod.server.port
        met = Met()
        seeds = met.seeds(Address(HOST, port))
        await seeds.look()
        met.linked.add("n1")
        await seeds.look()
        assert len(met.found) == 1

        met.linked.clear()
        await pod.stop()
        await seeds.look()
        assert len(met.found) == 1
        await Pod("n2").start(port)
        await seeds.look()
        assert [name for name, _ in met.found] == ["n1", "n2"], "another pod has the address"

    run(body())


def test_a_name_that_means_nothing_and_an_address_of_nobody_change_nothing() -> None:
    async def body() -> None:
        met = Met()

        await met.seeds(Address("no-such-host.invalid", 1), Address(HOST, 1)).look()

        assert met.found == []

    run(body())


def test_a_pod_of_another_cluster_is_refused() -> None:
    async def body() -> None:
        pod = await Pod("n1", cluster_id="another").start()
        met = Met()
        address = Address(HOST, pod.server.port)

        await met.seeds(address).look()

        assert met.found == []
        with pytest.raises(FrameRefused, match="another"):
            await shake_hands(address, hello_of("g", "gateway", CLUSTER), None)

    run(body())


def test_who_listens_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stator_node.transport.seeds.ANSWER_SECONDS_MAX", 0.1)

    async def body() -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, HOST, 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(TimeoutError):
            await shake_hands(Address(HOST, port), GATEWAY, None)
        server.close()

    run(body())


def test_where_nobody_answers_is_counted() -> None:
    """Names that mean nothing too: a supervisor without a record waits for who may be there."""

    async def body() -> None:
        pod = await Pod("n1").start()
        met = Met()
        here, nobody = Address(HOST, pod.server.port), Address(HOST, 1)
        seeds = met.seeds(here, nobody, Address("no-such-name.invalid", 8_002))
        assert seeds.unanswered == 3, "nobody has been asked yet"

        await seeds.look()
        assert seeds.unanswered == 2
        met.linked.add("n1")
        await seeds.look()
        assert seeds.unanswered == 2

    run(body())
