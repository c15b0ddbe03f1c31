"""The network between simulated nodes: delay, loss, duplication, reordering, cuts in any direction.

`world.py` owns one. Datagrams (`send`) meet every fault; the streams that the product's transport
speaks (`streams.py`) use the same links as TCP does: what is lost comes later, what is cut waits or
is reset. A link is a direction: `cut("a", "b", both=False)` stops what a sends to b and nothing
else. Delays, losses and cuts change while messages are under way: a message meets the cut that
stands when it would arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zlib import crc32

from simulation.streams import Streams

if TYPE_CHECKING:
    from simulation.world import World

Receive = Callable[[str, bytes], None]  # source, payload


@dataclass(slots=True)
class LinkSettings:
    """Times in seconds, chances from 0 to 1 for each message."""

    delay_seconds_min: float = 0.000_1
    delay_seconds_mean: float = 0.000_5
    bytes_per_second: float = 1e9
    loss: float = 0.0
    duplicate: float = 0.0  # of datagrams
    reorder: float = 0.0  # of datagrams: it is held back for up to `reorder_seconds`
    reorder_seconds: float = 0.02
    reset: float = 0.0  # of streams: the connection breaks
    resend_seconds: float = 0.2  # of streams: what a loss costs
    stalled_seconds_max: float = 20.0  # of streams: cut for longer, the sender gives up


class Network:
    """All links of a world. A node that is down neither sends nor receives."""

    def __init__(self, world: World, settings: LinkSettings | None = None) -> None:
        self.world = world
        self.settings = settings or LinkSettings()
        self.streams = Streams(self)
        self._links: dict[tuple[str, str], LinkSettings] = {}
        self._cut: set[tuple[str, str]] = set()  # asked for membership alone: a set has no order
        self._clogged: dict[tuple[str, str], int] = {}
        self._receivers: dict[str, Receive] = {}

    # Links and their faults.

    def link(self, source: str, target: str) -> LinkSettings:
        """The settings of one direction, for changing: a copy of the network's until then."""
        return self._links.setdefault((source, target), replace(self.settings))

    def replace_link(self, source: str, target: str, settings: LinkSettings) -> None:
        """Give one direction a copy of these settings."""
        self._links[source, target] = replace(settings)

    def settings_of(self, source: str, target: str) -> LinkSettings:
        """The settings of one direction, for reading."""
        return self._links.get((source, target), self.settings)

    def cut(self, source: str, target: str, *, both: bool = True) -> None:
        """Nothing arrives from `source` at `target` any more; with `both` nor the other way."""
        self.world.record("network", "cut", source, target, both)
        self._cut.add((source, target))
        if both:
            self._cut.add((target, source))

    def partition(self, *groups: Iterable[str]) -> None:
        """Only nodes of one group reach each other; nodes of no group are as they were."""
        members = [list(group) for group in groups]
        for number, group in enumerate(members):
            for other in members[number + 1 :]:
                for source in group:
                    for target in other:
                        self.cut(source, target)

    def isolate(self, name: str, *, inbound: bool = True, outbound: bool = True) -> None:
        """Cut one node off from all others, or only what it hears, or only what it says."""
        for other in self.world.nodes:
            if other == name:
                continue
            if inbound:
                self.cut(other, name, both=False)
            if outbound:
                self.cut(name, other, both=False)

    def heal(self, source: str | None = None, target: str | None = None) -> None:
        """Take back all cuts, or those between two nodes."""
        self.world.record("network", "heal", source, target)
        if source is None or target is None:
            self._cut.clear()
        else:
            self._cut -= {(source, target), (target, source)}
        self.streams.retry_stalled()

    def clog(self, source: str, target: str, seconds: float) -> None:
        """What is sent on this link in the next seconds arrives no sooner than after them."""
        self.world.record("network", "clog", source, target, seconds)
        self._clogged[source, target] = self.world.now + round(seconds * 1e9)

    def calm(self) -> None:
        """Every link is as at the beginning: whole, and with the network's own settings."""
        self._links.clear()
        self._clogged.clear()
        self.heal()

    def reaches(self, source: str, target: str) -> bool:
        """Whether something that arrives now arrives at all."""
        return (source, target) not in self._cut

    # Datagrams.

    def listen(self, name: str, receive: Receive | None) -> None:
        """Hand datagrams for this node to `receive(source, payload)` in turns of its loop."""
        if receive is None:
            self._receivers.pop(name, None)
        else:
            self._receivers[name] = receive

    def send(self, source: str, target: str, payload: bytes) -> None:
        """Send one datagram. It may be lost, late, doubled, or overtaken; nobody is told."""
        world, settings = self.world, self.settings_of(source, target)
        world.record(source, "send", target, len(payload), crc32(payload))
        copies = 2 if settings.duplicate and world.random.random() < settings.duplicate else 1
        for _ in range(copies):
            if settings.loss and world.random.random() < settings.loss:
                world.record("network", "lost", source, target)
                continue
            arrival = world.now + self.delay(source, target, len(payload))
            if settings.reorder and world.random.random() < settings.reorder:
                arrival += round(world.random.uniform(0, settings.reorder_seconds) * 1e9)
            world.at(arrival, self._arrive, source, target, payload)

    def _arrive(self, source: str, target: str, payload: bytes) -> None:
        node = self.world.nodes[target]
        receive = self._receivers.get(target)
        if not self.reaches(source, target) or not node.running or receive is None:
            self.world.record("network", "dropped", source, target)
            return
        node.loop.call_soon(receive, source, payload)

    def delay(self, source: str, target: str, size: int) -> int:
        """Nanoseconds that a message of `size` bytes sent now is under way."""
        settings = self.settings_of(source, target)
        least, mean = settings.delay_seconds_min, settings.delay_seconds_mean
        seconds = least + self.world.random.expovariate(1.0) * max(0.0, mean - least)
        seconds += size / settings.bytes_per_second
        clogged = self._clogged.get((source, target), 0) - self.world.now
        return max(clogged, 0) + round(seconds * 1e9)

    def chance(self, probability: float) -> bool:
        """True so often; draws nothing for what never happens."""
        return probability > 0 and self.world.random.random() < probability

    def node_ended(self, name: str, *, silently: bool) -> None:
        """A node's process is gone. After a power cut its peers are not told."""
        self._receivers.pop(name, None)
        self.streams.node_ended(name, silently=silently)
