"""Kill -9 while expired items are deleted, or while the index by expiry is filled.

Each expired item is gone when the dust has settled, no living one is, and the folder is sound: the
index by expiry holds exactly what follows from the items.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from blackbox import Start, boto3_client, wait_for, wait_until_active
from faults.test_kill_under_load import verify

TABLE = "Sessions"
EXPIRED, LIVING = 6_000, 300
ROUND = ("--ttl-round-seconds", "0.1", "--no-sync")
SETTING = {"Enabled": True, "AttributeName": "ends"}


def fill(client: Any) -> set[str]:
    """A table of expired and living items; the names of the living ones."""
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    wait_until_active(client, TABLE)
    now = int(time.time())
    ends = {f"expired {n}": now - 10 - n for n in range(EXPIRED)}
    living = {f"living {n}": now + 86_400 + n for n in range(LIVING)}
    puts = [
        {"PutRequest": {"Item": {"pk": {"S": name}, "ends": {"N": str(second)}}}}
        for name, second in (ends | living).items()
    ]
    for start in range(0, len(puts), 25):
        client.batch_write_item(RequestItems={TABLE: puts[start : start + 25]})
    return set(living)


def names(client: Any) -> set[str]:
    pages = client.get_paginator("scan").paginate(TableName=TABLE)
    return {item["pk"]["S"] for page in pages for item in page["Items"]}


def count(client: Any) -> int:
    """How many items there are; one page holds them all."""
    return int(client.scan(TableName=TABLE, Select="COUNT")["Count"])


@pytest.mark.parametrize("seed", range(4))
def test_killed_again_and_again_it_deletes_what_has_ended_and_nothing_else(
    seed: int, start_stator: Start, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    server = start_stator(*ROUND)
    client = boto3_client(server.url)
    living = fill(client)
    client.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=SETTING)
    for kill in range(4):
        if kill == 0:
            time.sleep(chance.uniform(0, 0.3))  # It may be filling the index yet.
        else:
            left = LIVING + EXPIRED * (4 - kill) / 4
            while count(client) >= left:
                time.sleep(0.01)
            assert count(client) > LIVING, "the kill must come amid the work"
        client.close()
        server.kill()
        assert "Traceback" not in server.written
        server = start_stator(*ROUND)
        client = boto3_client(server.url)

    wait_for(lambda: count(client) <= LIVING or None, "the expired items gone")
    time.sleep(0.3)
    assert names(client) == living
    client.close()
    server.stop()
    assert "sound" in verify(tmp_path / "data")
