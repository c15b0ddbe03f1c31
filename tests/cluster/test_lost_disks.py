"""Disks that are lost or full, and logs that others have forgotten: copies are made whole again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackbox import boto3_client, wait_for
from cluster.load import under_load, write_much
from cluster.zones import TABLE, Zones
from damaged_files import flip
from stator_node.storage.rocksdb import RocksItemStore

DISK_BYTES = 96 * 1024 * 1024
BALLAST = "ballast"
FULL_SECONDS = 3.0
SMALL_BYTES = 4096
FIRST_TABLE = 1  # its identifier in stored keys


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
    partition_id = zones.partitions()[0]["partition_id"]
    zones.ask("transfer", f"{partition_id}", "zone-3")
    wait_for(lambda: zones.leader_zone() == "zone-3" or None, "the small disk leads")
    with under_load(zones, tmp_path, seed=32) as load:
        began = time.monotonic()
        ballast = zones.node_folder("zone-3") / BALLAST
        fill(ballast)
        write_much(zones, entries=300, item_bytes=20_000)
        load.wait_for_success()
        time.sleep(FULL_SECONDS)  # Its process is started again and again, in vain.
        assert "this pod ends, its disk refuses" in zones.written
        load.wait_for_success()
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


def test_damaged_bytes_are_read_from_a_peer_and_replaced(zones: Zones, tmp_path: Path) -> None:
    """In the gateway's own zone, where every eventual read goes first."""
    write_much(zones, entries=600)
    client = boto3_client(zones.url)
    with under_load(zones, tmp_path, seed=33) as load:
        with zones.held_down("zone-1", how=signal.SIGTERM):
            assert damage_items(zones.node_folder("zone-1")) > 0
        zones.wait_until_whole()
        deadline = time.monotonic() + 30
        while "rebuilt from its peers" not in zones.written:
            for number in range(600):
                key = {"pk": {"S": f"item-{number}"}}
                assert "Item" in client.get_item(TableName=TABLE, Key=key), number
            assert time.monotonic() < deadline, "nobody has noticed the damage"
        began = time.monotonic()
        zones.wait_until_whole()
        load.wait_for_success()
        print(f"damaged bytes: whole again {time.monotonic() - began:.1f} s after they were found")
    before = zones.written.count("rebuilt from its peers")
    for number in range(600):
        key = {"pk": {"S": f"item-{number}"}}
        assert "Item" in client.get_item(TableName=TABLE, Key=key), number
    client.close()
    assert zones.written.count("rebuilt from its peers") == before


def damage_items(folder: Path) -> int:
    """Flip bits in each file that holds items of a stopped node; how many files."""
    store = RocksItemStore(folder / "rocksdb", read_only=True)
    database: Any = store._database
    # The keys of items begin with their table's identifier, four bytes; those of logs with eight.
    names = [
        file["name"]
        for file in database.live_files()
        if file["start_key"][:4] == FIRST_TABLE.to_bytes(4, "big")
    ]
    store.close()
    for name in names:
        path = folder / "rocksdb" / name.lstrip("/")
        size = path.stat().st_size
        if size > SMALL_BYTES:  # Not what opening needs to read: then the disk counts as lost.
            for offset in range(0, size // 2, 1024):
                flip(path, offset)
    return len(names)


def test_a_node_that_cannot_start_keeps_nobody_from_serving(zones: Zones, tmp_path: Path) -> None:
    """Its database does not open; the log says what to do; done, the copies are whole again."""
    folder = zones.node_folder("zone-2")
    with under_load(zones, tmp_path, seed=34) as load:
        zones.kill()
        lost = zones.node_id("zone-2")
        zones.wait_until_unlocked("zone-2")
        (folder / "rocksdb" / "CURRENT").write_bytes(b"MANIFEST-nothing\n")
        zones.start()
        load.wait_for_success(30)
        assert "zone-2 does not start: served without it" in zones.written
        assert "delete the folder to have it rebuilt from peers" in zones.written
        with zones.held_down("zone-2"):
            zones.lose_disk("zone-2")
        zones.wait_until_without(lost)
