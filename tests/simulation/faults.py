"""Random faults at random times, and the calm after them: the fault half of a simulated scenario.

`Faults(world, ...)` picks by the world's chance what goes wrong, where, and for how long. No more
than `down_max` nodes are out of order at once (crashed, frozen, cut off, or without disk), so a
group of three keeps a quorum; with 2 it may lose it and must stay correct. `end` takes everything
back, so that checks of liveness have a healthy cluster before them. Each fault is in the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from simulation.network import LinkSettings
from simulation.world import Node, World

# fault -> how often, beside the others. A scenario hands in its own choice of them.
EVERYTHING: Mapping[str, float] = {
    "kill": 3,
    "power cut": 3,
    "freeze": 2,
    "cut off": 2,
    "deaf": 1,
    "dumb": 1,
    "cut off from peers": 3,
    "partial cut": 2,
    "clog": 2,
    "bad links": 2,
    "slow disk": 2,
    "full disk": 1,
    "failing syncs": 1,
    "clock jump": 1,
    "clock drift": 1,
}
BAD_LINKS = LinkSettings(loss=0.05, duplicate=0.05, reorder=0.1, reset=0.001)
CLOCK_JUMP_SECONDS_MAX = 30.0
CLOCK_RATES = (0.98, 1.02)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Mean seconds of the pause before a fault, and of the fault itself."""

    pause_seconds: float = 1.0
    fault_seconds: float = 2.0


class Faults:
    """`begin` schedules the first fault; each schedules the next until `end`."""

    def __init__(
        self,
        world: World,
        kinds: Mapping[str, float] = EVERYTHING,
        *,
        rhythm: Rhythm | None = None,
        down_max: int = 1,
        spared: Collection[str] = (),
        peers: Collection[str] = (),
    ) -> None:
        """`spared` nodes meet no faults but those of the links to others.

        `peers` are those that being "cut off from peers" keeps apart, while the rest of the world
        still reaches all of them; without any it is all nodes.
        """
        assert set(kinds) <= set(EVERYTHING), "an unknown kind of fault"
        self.world = world
        self._spared = spared
        self._peers = peers
        self.happened: dict[str, int] = {}  # how often each kind came
        self._kinds = dict(kinds)
        self._rhythm = rhythm or Rhythm()
        self._down_max = down_max
        self._out_of_order: dict[str, Callable[[], None]] = {}  # node: how to put it right
        self._ended = False

    def begin(self) -> None:
        """Let the faults begin."""
        self._ended = False
        self._plan()

    def end(self) -> None:
        """No more faults; everything is put right at once."""
        self._ended = True
        for name in list(self._out_of_order):
            self._put_right(name)
        self.world.network.calm()
        for node in self.world.nodes.values():
            node.disk.fail_with = None
            node.disk.settings.slowness = 1.0
            node.disk.settings.sync_failure = 0.0
            node.clock.drift(1.0)
            node.thaw()
            node.start()

    def _plan(self) -> None:
        chance = self.world.random
        self.world.after(chance.expovariate(1.0 / self._rhythm.pause_seconds), self._strike)

    def _strike(self) -> None:
        if self._ended:
            return
        self._plan()
        healthy = [
            node
            for name, node in self.world.nodes.items()
            if name not in self._out_of_order and name not in self._spared
        ]
        if len(self._out_of_order) >= self._down_max or not healthy:
            return
        chance = self.world.random
        node = chance.choice(healthy)
        kind = chance.choices(list(self._kinds), list(self._kinds.values()))[0]
        self.happened[kind] = self.happened.get(kind, 0) + 1
        self.world.record("faults", kind, node.name)
        put_right = self._cause(kind, node)
        if put_right is None:
            return
        self._out_of_order[node.name] = put_right
        seconds = chance.expovariate(1.0 / self._rhythm.fault_seconds)
        self.world.after(seconds, self._put_right_if, node.name, put_right)

    def _put_right_if(self, name: str, put_right: Callable[[], None]) -> None:
        if self._out_of_order.get(name) is put_right:
            self._put_right(name)

    def _put_right(self, name: str) -> None:
        self.world.record("faults", "over", name)
        self._out_of_order.pop(name)()

    def _cause(self, kind: str, node: Node) -> Callable[[], None] | None:
        """Do it; gives what takes it back, or None if nothing needs to."""
        if kind == "clock jump":
            reach = CLOCK_JUMP_SECONDS_MAX
            node.clock.jump(self.world.random.uniform(-reach, reach))
            return None
        if kind == "clock drift":
            node.clock.drift(self.world.random.uniform(*CLOCK_RATES))
            return None
        if kind in ("kill", "power cut", "freeze"):
            return self._stop(kind, node)
        if kind in ("slow disk", "full disk", "failing syncs"):
            return self._harm_disk(kind, node)
        return self._harm_links(kind, node)

    def _stop(self, kind: str, node: Node) -> Callable[[], None]:
        if kind == "freeze":
            node.freeze()
            return node.thaw
        if kind == "kill":
            node.kill()
        else:
            node.cut_power()
        return node.start

    def _harm_disk(self, kind: str, node: Node) -> Callable[[], None]:
        settings = node.disk.settings
        if kind == "slow disk":
            settings.slowness = self.world.random.choice((10.0, 100.0, 1000.0))
        elif kind == "full disk":
            node.disk.fill()
        else:
            settings.sync_failure = 0.2

        def put_right() -> None:
            settings.slowness = 1.0
            settings.sync_failure = 0.0
            node.disk.fail_with = None
            # A product that has given up over its disk ends itself; its keeper starts it again.
            node.start()

        return put_right

    def _harm_links(self, kind: str, node: Node) -> Callable[[], None]:
        network = self.world.network
        others = [name for name in self.world.nodes if name != node.name]
        if kind in ("cut off", "deaf", "dumb"):
            network.isolate(node.name, inbound=kind != "dumb", outbound=kind != "deaf")
        elif kind == "cut off from peers":
            for other in others:
                if other in self._peers or not self._peers:
                    network.cut(node.name, other)
        elif kind == "partial cut":
            for other in others:
                if self.world.random.random() < 0.5:
                    network.cut(node.name, other, both=self.world.random.random() < 0.5)
        for other in others:
            for link in ((node.name, other), (other, node.name)):
                if kind == "clog":
                    network.clog(*link, self.world.random.uniform(0.1, 2.0))
                elif kind == "bad links":
                    network.replace_link(*link, BAD_LINKS)

        def put_right() -> None:
            for other in others:
                network.replace_link(node.name, other, network.settings)
                network.replace_link(other, node.name, network.settings)
                if self._out_of_order.get(other) is None:
                    network.heal(node.name, other)

        return put_right
