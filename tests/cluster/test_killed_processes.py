"""Processes die under load: nothing acknowledged is lost, nothing refused happens after all."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from blackbox import Connection
from cluster.load import under_load
from cluster.zones import TABLE, ZONES, Zones
from history_load import Load

KILLS = 3


def kill_and_wait(zones: Zones, load: Load, who: str, *hurt: str) -> None:
    """Kill the processes of some zones, and wait until all is as it was."""
    began = time.monotonic()
    pids = {zone: zones.kill_node(zone) for zone in hurt}
    for zone, pid in pids.items():
        zones.wait_for_new_process(zone, pid)
    load.wait_for_success()
    zones.wait_until_whole()
    load.wait_for_success()
    print(f"{who} killed: {load.longest_pause(began):.2f} s without an acknowledged write")


def test_a_killed_leader_is_followed_by_another(zones: Zones, tmp_path: Path) -> None:
    with under_load(zones, tmp_path, seed=1) as load:
        for _ in range(KILLS):
            kill_and_wait(zones, load, "leader", zones.leader_zone())


def test_a_killed_follower_is_hardly_noticed(zones: Zones, tmp_path: Path) -> None:
    with under_load(zones, tmp_path, seed=2) as load:
        for _ in range(KILLS):
            kill_and_wait(zones, load, "follower", zones.follower_zone())


def test_two_nodes_at_once_end_service_until_they_return(zones: Zones, tmp_path: Path) -> None:
    with under_load(zones, tmp_path, seed=3) as load:
        leader = zones.leader_zone()
        other = zones.follower_zone()
        with zones.held_down(leader, other):
            time.sleep(0.2)  # What was under way has ended.
            before = len(load.successes)
            reads_go_on(zones, load)
            time.sleep(2)
            assert len(load.successes) == before, "one node of three acknowledged a write"
        load.wait_for_success(30)
        zones.wait_until_whole()
    assert load.outcomes["not_done"] + load.outcomes["unknown"] > 0


def reads_go_on(zones: Zones, load: Load) -> None:
    """Eventual reads need one replica, whichever it is."""
    connection = Connection(zones.url)
    for key in load.registers:
        body = {"TableName": TABLE, "Key": {"pk": {"S": key}}}
        assert connection.call("GetItem", body).status == 200
    connection.close()


def test_all_nodes_at_once_find_their_tables_again(zones: Zones, tmp_path: Path) -> None:
    with under_load(zones, tmp_path, seed=4) as load:
        kill_and_wait(zones, load, "all nodes", *ZONES)


def test_a_killed_gateway_finds_the_tables_again(zones: Zones, tmp_path: Path) -> None:
    with under_load(zones, tmp_path, seed=5) as load:
        began = time.monotonic()
        zones.kill()
        zones.start()
        zones.wait_until_whole()
        load.wait_for_success(30)
        print(f"gateway killed: {load.longest_pause(began):.2f} s without an acknowledged write")


def test_a_rolling_restart_costs_few_requests(zones: Zones, tmp_path: Path) -> None:
    with under_load(zones, tmp_path, seed=6) as load:
        began = time.monotonic()
        for zone in ZONES:
            pid = zones.signal_node(zone, signal.SIGTERM)
            zones.wait_for_new_process(zone, pid)
            zones.wait_until_whole()
        load.wait_for_success()
        print(f"rolling restart: {load.longest_pause(began):.2f} s without an acknowledged write")
    failed = load.outcomes["not_done"] + load.outcomes["unknown"]
    assert failed <= 3 * len(ZONES), load.errors
