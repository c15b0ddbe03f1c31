"""The deterministic world: one seed, one thread, virtual time, nodes that fail on purpose.

A test makes a `World(seed)`, adds nodes with a `boot` that builds the product in them, schedules
faults and workloads, and runs. All chance comes from `world.random`, all order from one heap of
(time, number), so a seed gives the same run, event for event: `trace_hash` proves it. What goes
wrong in a node's callback ends the run with `SimulationFailed`, which tells the seed, the time and
the last events.

    world = World(seed)
    for name in ("n1", "n2", "n3"):
        world.add_node(name, boot, zone=name)
    world.after(2.0, world.nodes["n1"].cut_power)
    world.after(4.0, world.nodes["n1"].start)
    world.run(10.0)
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from simulation.clocks import NANOSECONDS, NodeClock
from simulation.disk import DiskSettings, SimulatedDisk
from simulation.network import LinkSettings, Network
from simulation.virtual_loop import NodeLoop

EVENTS_MAX = 50_000_000  # of one run: a world that goes in circles ends
TRACE_LINES = 200  # kept for the message of a failure
CLOCK_OFFSET_SECONDS = 0.05  # of a node's wall clock at the beginning, either way
CLOCK_RATE = 0.000_2  # off, either way

Boot = Callable[["Node"], Any]


class SimulationFailed(AssertionError):
    """Something that must not happen has happened in the simulated world."""


class Timer:
    """Something that will happen, unless it is cancelled."""

    __slots__ = ("action", "args", "cancelled")

    def __init__(self, action: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.action = action
        self.args = args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class World:
    """See the module. `now` is true time in nanoseconds since the beginning."""

    def __init__(
        self,
        seed: int,
        *,
        links: LinkSettings | None = None,
        keep_trace: bool = False,
    ) -> None:
        """`keep_trace` keeps every event in `trace`, for finding where two runs part."""
        self.seed = seed
        self.random = random.Random(seed)
        self.now = 0
        self.events = 0
        self.nodes: dict[str, Node] = {}
        self.trace: deque[str] = deque(maxlen=None if keep_trace else TRACE_LINES)
        self.network = Network(self, links)
        self._heap: list[tuple[int, int, Timer]] = []
        self._number = 0
        self._stamp = 0
        self._hash = hashlib.blake2b(digest_size=16)
        self._failure: SimulationFailed | None = None

    # Nodes.

    def add_node(
        self,
        name: str,
        boot: Boot,
        *,
        zone: str = "",
        disk: DiskSettings | None = None,
        start: bool = True,
    ) -> Node:
        """A machine. `boot(node)` runs in its loop at every start; what it gives is `product`."""
        assert name not in self.nodes
        node = Node(self, name, boot, zone, disk)
        self.nodes[name] = node
        if start:
            node.start()
        return node

    # Time.

    def at(self, when: int, action: Callable[..., Any], *args: Any) -> Timer:
        """Do something at a true time in nanoseconds; at equal times in the order of asking."""
        timer = Timer(action, args)
        self._number += 1
        heapq.heappush(self._heap, (max(when, self.now), self._number, timer))
        return timer

    def after(self, seconds: float, action: Callable[..., Any], *args: Any) -> Timer:
        """Do something in the world (a fault, a check) after so much true time."""
        return self.at(self.now + round(seconds * NANOSECONDS), action, *args)

    def stamp(self) -> int:
        """True time that no two calls share: the clock of a `HistoryWriter` in the world."""
        self._stamp = max(self.now, self._stamp + 1)
        return self._stamp

    def run(
        self,
        seconds: float | None = None,
        *,
        until: Callable[[], bool] | None = None,
        events_max: int = EVENTS_MAX,
    ) -> bool:
        """Let time pass: so many seconds, or until something holds, or until nothing is left.

        True unless `until` did not come to hold in time. Raises SimulationFailed.
        """
        end = None if seconds is None else self.now + round(seconds * NANOSECONDS)
        last_event = self.events + events_max
        while self._heap:
            if until is not None and until():
                return True
            if end is not None and self._heap[0][0] > end:
                break
            self.now, _, timer = heapq.heappop(self._heap)
            if timer.cancelled:
                continue
            self.events += 1
            if self.events > last_event:
                self.fail("world", f"more than {events_max} events", None)
            else:
                self._do(timer)
            if self._failure is not None:
                raise self._failure
        if end is not None:
            self.now = max(self.now, end)
        return until is None or until()

    def end(self) -> None:
        """Nothing runs here any more; what was about to is forgotten without a complaint."""
        for node in self.nodes.values():
            node.loop.die()

    def _do(self, timer: Timer) -> None:
        try:
            timer.action(*timer.args)
        except SimulationFailed:
            raise
        except Exception as error:  # noqa: BLE001  # Whatever it is, it is the run's end.
            self.fail("world", "an action raised", error)

    # The trace.

    def record(self, actor: str, what: str, *details: Any) -> None:
        """Take an event into the trace. Details must print alike in every run: no addresses."""
        line = f"{self.now} {actor} {what} {' '.join(map(repr, details))}"
        self._hash.update(line.encode())
        self.trace.append(line)

    def trace_hash(self) -> str:
        """Of all events so far; equal for equal seeds."""
        return self._hash.hexdigest()

    def fail(self, actor: str, message: str, error: BaseException | None) -> None:
        """End the run: `run` raises this when the present event is over. The first one counts."""
        if self._failure is not None:
            return
        last = "\n  ".join(list(self.trace)[-20:])
        reason = f"{message}: {type(error).__name__}: {error}" if error else message
        self._failure = SimulationFailed(
            f"seed {self.seed}, {self.now / NANOSECONDS:.6f} s, {actor}: {reason}\n  {last}"
        )
        self._failure.__cause__ = error


class Node:
    """A machine: a clock and a disk that stay, and one life of the process after the other."""

    def __init__(
        self, world: World, name: str, boot: Boot, zone: str, disk: DiskSettings | None
    ) -> None:
        self.world = world
        self.name = name
        self.zone = zone
        chance = world.random
        self.clock = NodeClock(
            lambda: world.now,
            offset=chance.uniform(-CLOCK_OFFSET_SECONDS, CLOCK_OFFSET_SECONDS),
            rate=1.0 + chance.uniform(-CLOCK_RATE, CLOCK_RATE),
            uptime=chance.uniform(0, 1000),
        )
        self.disk = SimulatedDisk(chance, disk, record=self._record_disk, busy=self._busy)
        self.loop = NodeLoop(self)
        self.loop.die()
        self.product: Any = None
        self.has_power = True
        self.lives = 0
        self._boot = boot

    @property
    def running(self) -> bool:
        """Whether there is a process (it may be frozen)."""
        return not self.loop.dead

    def start(self) -> None:
        """Begin a life: `boot` runs in the first turn of a new loop. Nothing if it runs."""
        if self.running:
            return
        self.world.record(self.name, "start", self.lives)
        self.lives += 1
        had_power, self.has_power = self.has_power, True
        self.loop = NodeLoop(self)
        self.loop.call_soon(self._begin)
        if not had_power:
            self.world.network.streams.retry_stalled()

    def _begin(self) -> None:
        self.product = self._boot(self)

    def kill(self) -> None:
        """kill -9: what was written stays, synced or not; the peers' connections break."""
        self._end("kill", silently=False)
        self.disk = self.disk.successor()

    def cut_power(self) -> None:
        """The machine is off: what was not synced may be lost, and nobody is told."""
        if self.running or self.has_power:
            self.has_power = False
            self._end("power cut", silently=True)
            self.disk.lose_power()
            self.disk = self.disk.successor()

    def lose_disk(self) -> None:
        """The process is killed and its folder is gone."""
        self.kill()
        self.disk.erase()

    def freeze(self) -> None:
        """SIGSTOP: the process stands still; its timers and its data wait."""
        self.world.record(self.name, "freeze")
        self.loop.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self.world.record(self.name, "thaw")
        self.loop.thaw()

    def down_for(self, seconds: float, *, power: bool = False) -> None:
        """Killed now (or without power), and started again after so many seconds."""
        if power:
            self.cut_power()
        else:
            self.kill()
        self.world.after(seconds, self.start)

    def _end(self, how: str, *, silently: bool) -> None:
        self.world.record(self.name, how)
        self.loop.die()
        self.product = None
        self.world.network.node_ended(self.name, silently=silently)

    def _record_disk(self, what: str, *details: Any) -> None:
        self.world.record(self.name, f"disk {what}", *details)

    def _busy(self, seconds: float) -> None:
        # A call from a simulated thread costs the loop nothing.
        if self.loop.in_turn:
            self.loop.busy(seconds)
