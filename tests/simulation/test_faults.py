"""Faults strike at random, keep to their bound, and leave a healthy world behind."""

from __future__ import annotations

import pytest

from simulation.faults import EVERYTHING, Faults, Rhythm
from simulation.test_world import NAMES, Gossip
from simulation.world import World

FAST = Rhythm(pause_seconds=0.05, fault_seconds=0.2)


def harassed(seed: int, down_max: int = 1, seconds: float = 10.0) -> tuple[World, Faults, int]:
    """(world, faults, the most nodes that were down at once)."""
    world = World(seed)
    for name in NAMES:
        world.add_node(name, Gossip)
    faults = Faults(world, rhythm=FAST, down_max=down_max)
    faults.begin()
    most = 0

    def watch() -> bool:
        nonlocal most
        down = [node for node in world.nodes.values() if not node.running or node.loop.frozen]
        most = max(most, len(down))
        return False

    world.run(seconds, until=watch)
    faults.end()
    return world, faults, most


def test_every_kind_of_fault_comes() -> None:
    happened: dict[str, int] = {}
    for seed in range(4):
        for kind, times in harassed(seed)[1].happened.items():
            happened[kind] = happened.get(kind, 0) + times

    assert set(happened) == set(EVERYTHING)


@pytest.mark.parametrize("seed", range(4))
def test_after_the_end_every_node_runs_and_hears_the_others(seed: int) -> None:
    world, _, _ = harassed(seed)
    world.run(0.5)
    tellings = {node.name: len(node.product.known) for node in world.nodes.values()}
    world.run(5.0)

    for node in world.nodes.values():
        assert node.running
        assert not node.loop.frozen
        assert len(node.product.known) > tellings[node.name]


def test_faults_are_part_of_the_seed() -> None:
    assert harassed(5)[0].trace_hash() == harassed(5)[0].trace_hash()


def test_a_scenario_chooses_its_faults() -> None:
    world = World(1)
    world.add_node("n1", lambda _: None)
    faults = Faults(world, {"clock jump": 1}, rhythm=FAST)
    faults.begin()
    world.run(5.0)

    assert list(faults.happened) == ["clock jump"]


@pytest.mark.parametrize("down_max", [1, 2])
def test_no_more_nodes_are_down_at_once_than_allowed(down_max: int) -> None:
    assert max(harassed(seed, down_max)[2] for seed in range(6)) == down_max
