"""What operators do to a running cluster: clients hardly notice, and no key is lost or doubled."""

from __future__ import annotations

import time
from pathlib import Path

from blackbox import boto3_client, wait_for
from cluster.load import under_load, write_much
from cluster.zones import TABLE, ZONES, Zones
from stator_node.cluster_command import NotDone

ERRORS_MAX = 6  # of thousands: requests that were under way when leaders changed


def test_leaders_are_handed_over(zones: Zones, tmp_path: Path) -> None:
    with under_load(zones, tmp_path, seed=50) as load:
        began = time.monotonic()
        for zone in (*ZONES, *ZONES):
            partition = zones.partitions()[0]
            zones.ask("transfer", f"{partition['partition_id']}", zone)
            wait_for(lambda zone=zone: zones.leader_zone() == zone or None, f"{zone} leads")
        print(f"six transfers: {load.longest_pause(began):.2f} s without a write at most")
    assert load.outcomes["not_done"] + load.outcomes["unknown"] <= ERRORS_MAX, load.errors


def test_partitions_are_split(zones: Zones, tmp_path: Path) -> None:
    write_much(zones, entries=200)
    with under_load(zones, tmp_path, seed=51) as load:
        began = time.monotonic()
        for count in (2, 3, 4):
            wait_for(lambda count=count: split_begun(zones, count), "a split")
            wait_for(lambda count=count: len(zones.partitions()) == count or None, "a child")
            zones.wait_until_whole()
            load.wait_for_success()
        print(f"three splits: {load.longest_pause(began):.2f} s without a write at most")
    assert load.outcomes["not_done"] + load.outcomes["unknown"] <= ERRORS_MAX, load.errors
    assert items_of(zones) >= 200


def test_what_was_split_survives_its_leaders(zones: Zones, tmp_path: Path) -> None:
    before = items_of(zones)
    with under_load(zones, tmp_path, seed=52) as load:
        for zone in ZONES:
            pid = zones.kill_node(zone)
            zones.wait_for_new_process(zone, pid)
            zones.wait_until_whole()
            load.wait_for_success()
    assert items_of(zones) >= before


def test_partitions_are_merged(zones: Zones, tmp_path: Path) -> None:
    before = items_of(zones)
    with under_load(zones, tmp_path, seed=54) as load:
        began = time.monotonic()
        for count in range(len(zones.partitions()) - 1, 0, -1):
            wait_for(lambda count=count: merge_begun(zones, count), "a merge")
            load.wait_for_success()
        print(f"{load.longest_pause(began):.2f} s without a write at most")
    assert load.outcomes["not_done"] + load.outcomes["unknown"] <= ERRORS_MAX, load.errors
    assert len(zones.partitions()) == 1
    assert items_of(zones) >= before


def test_what_was_merged_survives_its_leaders(zones: Zones, tmp_path: Path) -> None:
    before = items_of(zones)
    with under_load(zones, tmp_path, seed=55) as load:
        for zone in ZONES:
            pid = zones.kill_node(zone)
            zones.wait_for_new_process(zone, pid)
            zones.wait_until_whole()
            load.wait_for_success()
    assert items_of(zones) >= before


def test_a_drained_node_leads_nothing(zones: Zones, tmp_path: Path) -> None:
    with under_load(zones, tmp_path, seed=53):
        zone = zones.leader_zone()
        zones.ask("drain", zone)
        wait_for(lambda: zones.leads(zone) == 0 or None, "a node without leaders", 40)
        zones.ask("drain", zone, "--cancel")
        zones.wait_until_whole()


def split_begun(zones: Zones, count: int) -> bool | None:
    """Ask for a split, and again where a leader that has just changed could not do it."""
    if len(zones.partitions()) >= count:
        return True
    try:
        zones.ask("split", TABLE)
    except NotDone:
        return None
    return True


def merge_begun(zones: Zones, count: int) -> bool | None:
    """Merge the first two; again where a leader that has just changed could not do it."""
    if len(zones.partitions()) <= count:
        return True
    try:
        zones.ask("merge", f"{zones.partitions()[0]['partition_id']}")
    except NotDone:
        return None
    return True


def items_of(zones: Zones) -> int:
    """How many items a Scan over all partitions finds, each key once."""
    client = boto3_client(zones.url)
    found: list[str] = []
    for page in client.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True):
        found += [item["pk"]["S"] for item in page["Items"]]
    client.close()
    assert len(found) == len(set(found)), "a key was found twice"
    return len(found)
