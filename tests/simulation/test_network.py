"""Datagrams meet the faults of their link, in the direction that was asked for."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from simulation.network import LinkSettings
from simulation.world import World


def world_of(seed: int = 1, **settings: Any) -> tuple[World, list[tuple[str, str, bytes]]]:
    """Three nodes that write down what they receive: (target, source, payload)."""
    world = World(seed, links=LinkSettings(**settings))
    received: list[tuple[str, str, bytes]] = []
    for name in ("a", "b", "c"):
        boot = lambda node: world.network.listen(
            node.name, lambda source, payload: received.append((node.name, source, payload))
        )
        world.add_node(name, boot)
    world.run(0.01)
    return world, received


def send_all(world: World, payload: bytes = b"x") -> None:
    for source in "abc":
        for target in "abc":
            if source != target:
                world.network.send(source, target, payload)
    world.run(1.0)


def test_every_message_of_a_whole_network_arrives_once() -> None:
    world, received = world_of()

    send_all(world)

    assert Counter(received) == Counter(
        (target, source, b"x") for source in "abc" for target in "abc" if source != target
    )


def test_a_cut_in_one_direction_lets_the_other_pass() -> None:
    world, received = world_of()
    world.network.cut("a", "b", both=False)

    send_all(world)

    pairs = {(source, target) for target, source, _ in received}
    assert ("a", "b") not in pairs
    assert len(pairs) == 5


def test_a_partition_stands_until_it_is_healed() -> None:
    world, received = world_of()
    world.network.partition(["a"], ["b", "c"])
    send_all(world)
    assert {(source, target) for target, source, _ in received} == {("b", "c"), ("c", "b")}

    world.network.heal()
    send_all(world)

    assert len(received) == 8


@pytest.mark.parametrize("inbound, outbound, arriving", [(True, False, 4), (False, True, 4)])
def test_a_node_can_be_deaf_or_dumb(inbound: bool, outbound: bool, arriving: int) -> None:
    world, received = world_of()
    world.network.isolate("a", inbound=inbound, outbound=outbound)

    send_all(world)

    assert len(received) == arriving
    assert any(target == "a" for target, _, _ in received) is not inbound
    assert any(source == "a" for _, source, _ in received) is not outbound


def test_a_message_under_way_meets_the_cut_that_stands_at_its_arrival() -> None:
    world, received = world_of()
    world.network.send("a", "b", b"x")
    world.network.cut("a", "b")
    world.run(1.0)

    assert received == []


def test_loss_and_duplication_are_as_frequent_as_asked() -> None:
    world, received = world_of(loss=0.2, duplicate=0.5)
    for _ in range(2000):
        world.network.send("a", "b", b"x")
    world.run(1.0)

    assert 2250 < len(received) < 2550  # 2000 * 1.5 * 0.8


def test_messages_overtake_each_other_only_where_delays_differ() -> None:
    world, received = world_of(delay_seconds_mean=0.0)
    for number in range(50):
        world.network.send("a", "b", bytes([number]))
    world.run(1.0)
    assert [payload[0] for _, _, payload in received] == list(range(50))

    received.clear()
    world.network.link("a", "b").reorder = 0.5
    for number in range(50):
        world.network.send("a", "b", bytes([number]))
    world.run(1.0)

    order = [payload[0] for _, _, payload in received]
    assert order != sorted(order)
    assert sorted(order) == list(range(50))


def test_a_clogged_link_delivers_later() -> None:
    world, received = world_of()
    world.network.clog("a", "b", 5.0)
    world.network.send("a", "b", b"x")

    world.run(4.9)
    assert received == []
    world.run(0.2)
    assert len(received) == 1


def test_a_node_that_is_down_receives_nothing() -> None:
    world, received = world_of()
    world.nodes["b"].cut_power()
    world.network.send("a", "b", b"x")
    world.run(1.0)
    assert received == []

    world.nodes["b"].start()
    world.run(0.01)
    world.network.send("a", "b", b"y")
    world.run(1.0)

    assert received == [("b", "a", b"y")]
