"""Disks that are lost or full, and logs that others have forgotten: copies are made whole again."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackbox import wait_for
from cluster.load import under_load, write_much
from cluster.zones import Zones

DISK_BYTES = 96 * 1024 * 1024
BALLAST = "ballast"


def test_a_lost_disk_comes_back_as_another_node(zones: Zones, tmp_path: Path) -> None:
    with under_load(zones, tmp_path, seed=30) as load:
        zone = zones.leader_zone()
        lost = zones.node_id(zone)
        began = time.monotonic()
        with zones.held_down(zone):
            zones.lose_disk(zone)
        wait_for(lambda: zones.node_id(zone) != lost or None, "another node", 30)
        whole = zones.wait_until_without(lost)
        print(f"disk lost: whole again after {time.monotonic() - began:.1f} s")
        load.wait_for_success()
        for partition in whole["partitions"]:
            assert sorted(m["zone"] for m in partition["replicas"]) == [
                "zone-1",
                "zone-2",
                "zone-3",
            ]


def test_a_node_that_was_away_for_long_gets_a_snapshot(zones: Zones, tmp_path: Path) -> None:
    with under_load(zones, tmp_path, seed=31):
        with zones.held_down(zones.follower_zone()):
            write_much(zones, entries=3_500)
        zones.wait_until_whole()
        assert "snapshot" not in zones.written, zones.written[-2_000:]


def test_a_full_disk_stops_one_node_and_nobody_else(tmp_path: Path, small_disk: Zones) -> None:
    zones = small_disk
    with under_load(zones, tmp_path, seed=32) as load:
        began = time.monotonic()
        ballast = zones.node_folder("zone-3") / BALLAST
        fill(ballast)
        write_much(zones, entries=300, item_bytes=20_000)
        load.wait_for_success()
        assert zones.node_folder("zone-3").joinpath(BALLAST).exists()
        ballast.unlink()
        zones.wait_until_whole()
        print(f"disk full: {load.longest_pause(began):.2f} s without an acknowledged write")


def fill(path: Path) -> None:
    """Write until the disk takes no more."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65_536))
        except OSError:
            return


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Zones]:
    """A cluster one of whose folders is a small file system in memory."""
    if os.geteuid() != 0:
        pytest.skip("a small disk cannot be mounted: not root")
    folder = tmp_path / "zones"
    folder.mkdir()
    cluster = Zones(folder)
    disk = cluster.node_folder("zone-3")
    disk.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    try:
        cluster.start()
        cluster.create_table()
        cluster.wait_until_whole()
        yield cluster
    finally:
        cluster.end()
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
