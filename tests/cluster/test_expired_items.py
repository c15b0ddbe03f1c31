"""Time to live over real processes: leaders delete, copies agree, a killed leader does no harm."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from blackbox import boto3_client, wait_for
from cluster.copies import assert_copies_agree
from cluster.zones import Zones

EXPIRED, LIVING = 5_000, 200
PATIENCE_SECONDS = 60.0
numbers = iter(range(100))


@pytest.fixture
def client(zones: Zones) -> Iterator[Any]:
    made = boto3_client(zones.url)
    yield made
    made.close()


@pytest.fixture
def sessions(zones: Zones) -> str:
    name = f"Sessions-{next(numbers)}"
    zones.create_table(name)
    return name


def enable(client: Any, table: str) -> None:
    client.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"}
    )


def put(client: Any, table: str, ends: dict[str, int]) -> None:
    """Put items; again where the cluster could not say whether it had."""
    puts = [
        {"PutRequest": {"Item": {"pk": {"S": name}, "ends": {"N": str(second)}}}}
        for name, second in ends.items()
    ]
    for start in range(0, len(puts), 25):
        left = {table: puts[start : start + 25]}
        while left:
            try:
                left = client.batch_write_item(RequestItems=left)["UnprocessedItems"]
            except ClientError:
                time.sleep(0.1)


def count(client: Any, table: str) -> int | None:
    """How many items a strong read sees; None where nobody can say right now."""
    try:
        pages = client.get_paginator("scan").paginate(
            TableName=table, ConsistentRead=True, Select="COUNT"
        )
        return sum(page["Count"] for page in pages)
    except ClientError:
        return None


def wait_until_left(client: Any, table: str, items: int) -> None:
    def look() -> bool | None:
        time.sleep(0.05)
        found = count(client, table)
        return True if found is not None and found <= items else None

    wait_for(look, f"{items} items left", PATIENCE_SECONDS)


def test_what_has_ended_goes_from_every_copy(zones: Zones, client: Any, sessions: str) -> None:
    enable(client, sessions)
    now = int(time.time())
    put(client, sessions, {"over": now + 2, "living": now + 86_400})
    assert count(client, sessions) == 2

    wait_until_left(client, sessions, 1)

    assert assert_copies_agree(zones, sessions) == 1

    def told() -> bool | None:
        """What follows a partition that rests is in the status a second later."""
        (partition,) = zones.partitions(sessions)
        swept = partition["time_to_live"]
        return True if (swept["deleted"], swept["filled"]) == (1, True) else None

    wait_for(told, "the sweep in the status")


@pytest.mark.timeout(240)
def test_a_leader_killed_amid_the_sweep_leaves_the_rest_to_the_next(
    zones: Zones, client: Any, sessions: str
) -> None:
    now = int(time.time())
    over = {f"over {number}": now - 10 - number for number in range(EXPIRED)}
    living = {f"living {number}": now + 86_400 for number in range(LIVING)}
    put(client, sessions, over | living)
    enable(client, sessions)

    for share in (0.8, 0.4):
        wait_until_left(client, sessions, LIVING + int(EXPIRED * share))
        zone = zones.leader_zone(sessions)
        pid = zones.kill_node(zone)
        left = wait_for(lambda: count(client, sessions), "an answer")
        print(f"{left} items left when the leader was killed")
        assert left > LIVING, "the kill must come amid the work"
        zones.wait_for_new_process(zone, pid)

    wait_until_left(client, sessions, LIVING)
    assert count(client, sessions) == LIVING
    assert assert_copies_agree(zones, sessions) == LIVING
    assert "Traceback" not in zones.written


def test_a_split_table_loses_what_has_ended_and_nothing_else(
    zones: Zones, client: Any, sessions: str
) -> None:
    enable(client, sessions)
    now = int(time.time())
    over = {f"over {number}": now + 6 for number in range(300)}
    living = {f"living {number}": now + 86_400 for number in range(LIVING)}
    put(client, sessions, over | living)
    zones.ask("split", sessions, "--at", f"{1 << 63:016x}")
    wait_for(lambda: len(zones.partitions(sessions)) == 2 or None, "two partitions")

    wait_until_left(client, sessions, LIVING)

    assert assert_copies_agree(zones, sessions) == LIVING
