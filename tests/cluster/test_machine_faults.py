"""Slow disks and wrong wall clocks under judged load: nothing is lost, nothing stale is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackbox import boto3_client, boto3_streams
from cluster.load import under_load
from cluster.machine_faults import MachineFaults, NoCompiler
from cluster.zones import TABLE, ZONES, Zones
from stream_reader import StreamReader

SLOW_SECONDS = 1.0  # for each sync, so a handful of writes in a second go through such a disk
MORE = 300  # successes: more than a slow disk lets through in the time that they may take
HOUR = 3_600.0


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> MachineFaults:
    try:
        return MachineFaults(tmp_path_factory.mktemp("faults"), ZONES)
    except NoCompiler as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def faulty(faults: MachineFaults, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zones]:
    zones = Zones(tmp_path_factory.mktemp("zones"))
    zones.environment = faults.environment
    zones.start()
    try:
        zones.create_table(
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
        )
        zones.wait_until_whole()
        yield zones
    finally:
        zones.end()


@pytest.fixture
def hurt(faulty: Zones, faults: MachineFaults) -> Iterator[Zones]:
    """A cluster whose machines do as `faults` says, and are well at the end of a test."""
    faulty.wait_until_whole()
    yield faulty
    faults.end()


def test_where_all_disks_are_slow_writes_wait_for_them_and_nothing_else_does(
    hurt: Zones, faults: MachineFaults
) -> None:
    """A loop that waited, too, would miss heartbeats: no leader would last for a second write."""
    client = boto3_client(hurt.url)
    leader = hurt.leader_zone()
    for zone in ZONES:
        faults.slow_disk(zone, SLOW_SECONDS)
    for number in range(4):
        item = {"pk": {"S": f"slow-{number}"}}
        began = time.monotonic()
        client.put_item(TableName=TABLE, Item=item)
        assert time.monotonic() - began >= SLOW_SECONDS
        read = client.get_item(TableName=TABLE, Key=item, ConsistentRead=True)
        assert read["Item"] == item
    assert hurt.leader_zone() == leader
    client.close()


def test_the_slow_disk_of_a_follower_is_not_waited_for(
    hurt: Zones, faults: MachineFaults, tmp_path: Path
) -> None:
    with under_load(hurt, tmp_path, seed=60) as load:
        zone, began = hurt.follower_zone(), time.monotonic()
        faults.slow_disk(zone, SLOW_SECONDS)
        load.wait_for_success(count=MORE)
        faults.slow_disk(zone, 0)
        hurt.wait_until_whole()
        print(f"a follower's disk slow: {load.longest_pause(began):.2f} s without a write")


def test_the_slow_disk_of_a_leader_holds_writes_up_and_loses_none(
    hurt: Zones, faults: MachineFaults, tmp_path: Path
) -> None:
    with under_load(hurt, tmp_path, seed=61) as load:
        zone, began = hurt.leader_zone(), time.monotonic()
        faults.slow_disk(zone, SLOW_SECONDS)
        for _ in range(3):
            load.wait_for_success()
        hurt.kill_node(zone)  # With syncs under way.
        load.wait_for_success()
        faults.slow_disk(zone, 0)
        hurt.wait_until_whole()
        load.wait_for_success(count=MORE)
        print(f"the leader's disk slow: {load.longest_pause(began):.2f} s without a write")


def test_wall_clocks_that_jump_change_nothing(
    hurt: Zones, faults: MachineFaults, tmp_path: Path
) -> None:
    """The log says which write is newer; and nothing is stamped as older than what it follows."""
    with under_load(hurt, tmp_path, seed=62) as load:
        ahead = hurt.leader_zone()
        faults.wall_clock(ahead, HOUR)
        load.wait_for_success(count=MORE)
        partition_id = hurt.partitions()[0]["partition_id"]
        behind = hurt.follower_zone()
        faults.wall_clock(behind, -HOUR)
        hurt.ask("transfer", f"{partition_id}", behind)
        load.wait_for_success(count=MORE)
        hurt.kill_node(hurt.leader_zone())
        load.wait_for_success()
        for zone in (ahead, behind):
            faults.wall_clock(zone, 0)
        hurt.wait_until_whole()
        load.wait_for_success(count=MORE)
    times = [each["dynamodb"]["ApproximateCreationDateTime"] for each in records_of(hurt)]
    assert times == sorted(times)
    assert times[0].timestamp() < time.time() + 60
    assert times[-1].timestamp() > time.time() + HOUR / 2, "nobody's clock was ahead"


def records_of(zones: Zones) -> list[dict[str, Any]]:
    """The stream of the histories' table. No write is under way."""
    client, streams = boto3_client(zones.url), boto3_streams(zones.url)
    arn = client.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    records = StreamReader(streams, arn).read_all()
    client.close()
    streams.close()
    return records
