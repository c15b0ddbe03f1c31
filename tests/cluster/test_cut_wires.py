"""Cuts between the nodes, in one direction and in both: service goes on, and nothing is stale."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cluster.load import under_load
from cluster.network import Network
from cluster.zones import ZONES, Zones

CUT_SECONDS = 4.0
LAST_WORDS_SECONDS = 1.7  # a leader that hears nobody steps down after 1.1


def both(own: str, other: str) -> list[tuple[str, str]]:
    return [(own, other), (other, own)]


@pytest.mark.parametrize("way", ["from", "to", "from and to"])
def test_a_leader_cut_off_from_its_peers(zones: Zones, tmp_path: Path, way: str) -> None:
    """The gateway still reaches it; it must not answer for a group that goes on without it."""
    with Network(zones) as network, under_load(zones, tmp_path, seed=40 + len(way)) as load:
        zones.wait_until_whole()
        leader = zones.leader_zone()
        others = [zone for zone in ZONES if zone != leader]
        wires = [(leader, other) for other in others if "from" in way]
        wires += [(other, leader) for other in others if "to" in way]
        began = time.monotonic()
        with network.cut(*wires):
            time.sleep(CUT_SECONDS)
            load.wait_for_success()
        zones.wait_until_whole()
        load.wait_for_success()
        pause = load.longest_pause(began)
        print(f"cut {way} the leader: {pause:.2f} s without a write")
        if way == "to":
            assert pause < LAST_WORDS_SECONDS, "it is heard, and should have named another"


def test_two_nodes_that_hear_each_other_only_by_the_third(zones: Zones, tmp_path: Path) -> None:
    """The leader and one follower are cut from each other: the group must not change for ever."""
    with Network(zones) as network, under_load(zones, tmp_path, seed=45) as load:
        zones.wait_until_whole()
        leader = zones.leader_zone()
        term = zones.partitions()[0]["term"]
        began = time.monotonic()
        with network.cut(*both(leader, zones.follower_zone())):
            time.sleep(CUT_SECONDS)
        zones.wait_until_whole()
        load.wait_for_success()
        print(f"one wire cut: {load.longest_pause(began):.2f} s without a write")
        assert zones.partitions()[0]["term"] <= term + 2, "leaders took turns"
