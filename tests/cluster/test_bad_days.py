"""Faults of every kind in random order, also two at a time: what no single test thought of.

A day is a seed. `CLUSTER_DAYS=20` runs more of them, `CLUSTER_FAULTS=40` longer ones.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.load import under_load, write_much
from cluster.network import Network
from cluster.zones import TABLE, ZONES, Zones
from stator_node.cluster_command import NotDone

DAYS = int(os.environ.get("CLUSTER_DAYS", "1"))
FIRST_DAY = int(os.environ.get("CLUSTER_FIRST_DAY", "1"))
FAULTS = int(os.environ.get("CLUSTER_FAULTS", "10"))
PARTITIONS_MAX = 5


class Day:
    """The faults of one day. Each method does one and undoes it."""

    def __init__(self, zones: Zones, network: Network, chance: random.Random) -> None:
        self._zones = zones
        self._network = network
        self._chance = chance
        self._faults: list[Callable[[], None]] = [
            self.kill,
            self.kill,
            self.stop,
            self.freeze,
            self.freeze,
            self.cut,
            self.cut,
            self.transfer,
            self.split,
            self.kill_a_frozen_one,
            self.lose_a_disk,
            self.write,
        ]

    def run(self, count: int) -> None:
        for number in range(count):
            fault = self._chance.choice(self._faults)
            print(f"{time.strftime('%H:%M:%S')} {number}: {fault.__name__}")
            with contextlib.suppress(NotDone):
                fault()
            time.sleep(self._chance.random())

    def _zone(self) -> str:
        return self._chance.choice(ZONES)

    def _moment(self) -> float:
        return 0.2 + 3 * self._chance.random() ** 2

    def kill(self) -> None:
        zone = self._zone()
        pid = self._zones.kill_node(zone)
        self._zones.wait_for_new_process(zone, pid)

    def stop(self) -> None:
        zone = self._zone()
        pid = self._zones.signal_node(zone, signal.SIGTERM)
        self._zones.wait_for_new_process(zone, pid)

    def freeze(self) -> None:
        with self._zones.frozen(*self._chance.sample(ZONES, self._chance.choice((1, 1, 2)))):
            time.sleep(self._moment())

    def kill_a_frozen_one(self) -> None:
        zone = self._zone()
        with self._zones.frozen(zone):
            time.sleep(self._moment())
            pid = self._zones.kill_node(zone)
        self._zones.wait_for_new_process(zone, pid)

    def cut(self) -> None:
        wires = [(own, other) for own in ZONES for other in ZONES if own != other]
        with self._network.cut(*self._chance.sample(wires, self._chance.randrange(1, 5))):
            time.sleep(self._moment())
            if self._chance.random() < 0.3:
                self.kill()

    def transfer(self) -> None:
        partition = self._chance.choice(self._zones.partitions())
        self._zones.ask("transfer", f"{partition['partition_id']}", self._zone())

    def split(self) -> None:
        if len(self._zones.partitions()) < PARTITIONS_MAX:
            self._zones.ask("split", TABLE)

    def write(self) -> None:
        with contextlib.suppress(AssertionError):
            write_much(self._zones, entries=500)

    def lose_a_disk(self) -> None:
        """Never two at once: what is lost must be whole again before the next."""
        self._zones.wait_until_whole()
        zone = self._zone()
        lost = self._zones.node_id(zone)
        with self._zones.held_down(zone):
            self._zones.lose_disk(zone)
        self._zones.wait_until_without(lost)
        self._network.refresh()


@pytest.mark.timeout(60 + 30 * FAULTS)
@pytest.mark.parametrize("seed", range(FIRST_DAY, FIRST_DAY + DAYS))
def test_a_bad_day(zones: Zones, tmp_path: Path, seed: int) -> None:
    with Network(zones) as network, under_load(zones, tmp_path, seed=1000 + seed):
        Day(zones, network, random.Random(seed)).run(FAULTS)
        zones.wait_until_whole()
