"""One seed, one run, event for event; and the product's own code keeps its promise in the world."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulation.history import HistoryWriter, operations_of
from simulation.linearizability import check
from simulation.network import LinkSettings
from simulation.no_lost_write_checker import NoLostWriteChecker
from simulation.world import Node, SimulationFailed, World
from stator_node.doors import StorageFailed
from stator_node.sync_loop import SyncLoop

NAMES = ("n1", "n2", "n3")
HOSTILE = LinkSettings(loss=0.05, duplicate=0.05, reorder=0.1)


class Gossip:
    """Stores what it hears, and tells another node what it knows, at its own odd times."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.known = dict(node.disk.content("items"))
        self.sync = SyncLoop(node.disk, node.loop, lambda _: node.kill())
        node.world.network.listen(node.name, self.hear)
        node.loop.call_later(0.01, self.tell)

    def hear(self, source: str, payload: bytes) -> None:
        self.known[payload] = source.encode()
        self.sync.append([("items", payload, source.encode())], lambda: None)

    def tell(self) -> None:
        chance = self.node.world.random
        target = chance.choice(NAMES)
        self.node.world.network.send(self.node.name, target, b"%d" % chance.randrange(1000))
        self.node.loop.call_later(chance.uniform(0.005, 0.03), self.tell)


def gossip(seed: int, seconds: float = 5.0) -> World:
    """A run with every kind of fault."""
    world = World(seed, links=HOSTILE)
    for name in NAMES:
        world.add_node(name, Gossip, zone=name)
    nodes, chance = world.nodes, world.random
    world.after(0.5, nodes["n1"].down_for, 0.4)
    world.after(1.0, lambda: nodes["n2"].down_for(0.7, power=True))
    world.after(1.2, world.network.cut, "n1", "n3")
    world.after(2.0, world.network.heal)
    world.after(2.2, nodes["n3"].freeze)
    world.after(2.9, nodes["n3"].thaw)
    world.after(3.0, lambda: nodes["n1"].clock.jump(chance.uniform(-10, 10)))
    world.after(3.1, lambda: nodes["n1"].clock.drift(1.01))
    world.after(3.3, lambda: nodes["n3"].disk.corrupt())
    world.after(3.5, lambda: setattr(nodes["n2"].disk.settings, "slowness", 50.0))
    world.after(4.0, nodes["n2"].lose_disk)
    world.after(4.1, nodes["n2"].start)
    world.run(seconds)
    return world


def test_a_seed_gives_the_same_run_event_for_event() -> None:
    first, second = gossip(1), gossip(1)

    assert first.trace_hash() == second.trace_hash()
    assert first.events == second.events > 1000
    assert list(first.trace) == list(second.trace)


def test_another_seed_gives_another_run() -> None:
    assert len({gossip(seed, 0.5).trace_hash() for seed in range(10)}) == 10


def test_no_order_of_hashing_leaks_into_a_run() -> None:
    """Python orders sets of strings by a secret of the process; a run must not."""
    code = "from simulation.test_world import gossip; print(gossip(3, 3.0).trace_hash())"
    tests = Path(__file__).resolve().parent.parent
    hashes = set()
    for secret in ("0", "1"):
        environment = os.environ | {"PYTHONHASHSEED": secret, "PYTHONPATH": str(tests)}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        hashes.add(done.stdout)

    assert len(hashes) == 1


def test_one_differing_byte_on_a_disk_makes_another_trace() -> None:
    def run(value: bytes) -> str:
        world = World(1)
        world.add_node("n", lambda node: node.disk.write([("items", b"k", value)], sync=True))
        world.run()
        return world.trace_hash()

    assert run(b"a") == run(b"a") != run(b"b")


def test_a_run_until_something_holds_stops_there() -> None:
    world = World(1)
    seen: list[int] = []
    for second in range(10):
        world.after(second, seen.append, second)

    assert world.run(until=lambda: len(seen) == 3)
    assert world.now == 2_000_000_000
    assert not world.run(1.5, until=lambda: len(seen) == 9)


def test_a_world_that_goes_in_circles_ends() -> None:
    world = World(9)

    def again() -> None:
        world.after(0, again)

    again()

    with pytest.raises(SimulationFailed, match=r"seed 9, .* more than 1000 events"):
        world.run(events_max=1000)


def test_stamps_grow_though_time_stands_still() -> None:
    world = World(1)

    assert [world.stamp() for _ in range(3)] == [1, 2, 3]


class Register:
    """A store of one node with one client: the product's SyncLoop acknowledges its writes."""

    def __init__(self, node: Node, history: HistoryWriter, early: bool) -> None:
        self.node = node
        self.history = history
        self.early = early
        self.count = 0
        self.sync = SyncLoop(node.disk, node.loop, lambda _: None)
        for number in range(3):
            self.go_on(f"c{number}.{node.lives}")

    def go_on(self, process: str) -> None:
        self.count += 1
        key, value = f"k{self.node.lives}.{self.count % 50}", f"{process}.{self.count}"
        self.history.invoke(process, "write", key, value)

        def done() -> None:
            self.history.returned(process, "ok")
            self.node.loop.call_later(0.001, self.go_on, process)

        operation = [("items", key.encode(), value.encode())]
        told = (lambda: None) if self.early else done
        self.sync.append(operation, told)  # type: ignore[arg-type]
        if self.early:
            done()


def crash_run(seed: int, *, early: bool) -> tuple[list[Any], dict[str, Any]]:
    """Writes, five power cuts, and what is there at the end: (history, items)."""
    world = World(seed)
    sink = io.StringIO()
    history = HistoryWriter(sink, world.stamp)
    node = world.add_node("n", lambda node: Register(node, history, early))
    for second in range(1, 6):
        world.after(second * 0.2 + world.random.uniform(0, 0.1), node.down_for, 0.05)
        world.after(second * 0.2 + 0.02, lambda: node.running and node.down_for(0.03, power=True))
    world.after(1.5, node.cut_power)
    world.run(1.6)
    items = {key.decode(): {"value": value.decode()} for key, value in node.disk.content("items")}
    return [json.loads(line) for line in sink.getvalue().splitlines()], items


def judge(events: list[Any], items: dict[str, Any]) -> None:
    checker = NoLostWriteChecker()
    for event in events:
        checker.observe(event)
    checker.finish(items)


@pytest.mark.parametrize("seed", range(10))
def test_what_the_products_sync_loop_acknowledged_survives_power_cuts(seed: int) -> None:
    events, items = crash_run(seed, early=False)

    judge(events, items)
    end = max(event["time"] for event in events) + 1
    finals = [
        {"event": "invoke", "process": "end", "operation": "read", "key": key, "argument": None}
        for key in sorted(items)
    ]
    for number, read in enumerate(finals):
        result = {
            "event": "return",
            "process": "end",
            "outcome": "ok",
            "result": items[read["key"]],
        }
        events += [read | {"time": end + 2 * number}, result | {"time": end + 2 * number + 1}]
    assert check(operations_of(events)).answer == "linearizable"


def test_a_store_that_acknowledges_before_its_sync_is_caught() -> None:
    """The proof that these tests can fail: the same store with its one promise broken."""
    caught = 0
    for seed in range(10):
        try:
            judge(*crash_run(seed, early=True))
        except AssertionError as broken:
            assert "acknowledged" in str(broken)  # noqa: PT017
            caught += 1

    assert caught >= 5


def test_a_disk_that_refuses_reaches_the_product_as_its_own_error() -> None:
    seen: list[str] = []

    def boot(node: Node) -> None:
        node.disk.fill()
        try:
            node.disk.write([("items", b"k", b"v")], sync=True)
        except StorageFailed as error:
            seen.append(str(error))

    world = World(1)
    world.add_node("n", boot)
    world.run()

    assert seen == ["IO error: No space left on device"]


def test_faults_are_scheduled_in_true_time() -> None:
    world = World(1)
    lives: list[float] = []
    node = world.add_node("n", lambda _: lives.append(world.now / 1e9))
    kill: Callable[[], None] = node.kill
    world.after(1.0, kill)
    world.after(3.0, node.start)
    world.run(5.0)

    assert [round(moment) for moment in lives] == [0, 3]
