"""Kill -9 under load: every acknowledged write is there, no other one is half there.

Twenty kills: four data folders, each killed five times, each life going on with what the last one
left. A story is its seed: `FAULT_SEED=17 make faults` begins with seed 17 instead of 1.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from blackbox import STATOR, Start, Stator, boto3_client, wait_for
from faulty_load import CREATE_TABLE, TABLE, Load

FIRST_SEED = int(os.environ.get("FAULT_SEED", "1"))
STORIES = 4
KILLS = 5
WRITERS = 6
VERIFY_SECONDS_MAX = 60.0


def create_table(server: Stator) -> None:
    client = boto3_client(server.url)
    client.create_table(**CREATE_TABLE)
    wait_until_at_rest(server)
    client.close()


def wait_until_at_rest(server: Stator) -> None:
    """Until the table and its indexes are ACTIVE."""
    client = boto3_client(server.url)

    def look() -> bool | None:
        table = client.describe_table(TableName=TABLE)["Table"]
        states = {index["IndexStatus"] for index in table.get("GlobalSecondaryIndexes", [])}
        return True if states | {table["TableStatus"]} == {"ACTIVE"} else None

    wait_for(look, "the table at rest")
    client.close()


def verify(data: Path) -> str:
    """What `stator verify` says of a folder that it calls sound."""
    done = subprocess.run(
        [STATOR, "verify", data], capture_output=True, text=True, timeout=VERIFY_SECONDS_MAX
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + STORIES))
def test_acknowledged_writes_outlive_every_kill(
    seed: int, start_stator: Start, tmp_path: Path
) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    load = Load(WRITERS, seed)
    server = start_stator()
    create_table(server)
    for kill in range(KILLS):
        before = load.acknowledged
        load.begin(server.url)
        load.wait_for_acknowledged(50)
        time.sleep(chance.uniform(0.0, 0.5))
        server.kill()
        load.end()
        assert [writer.refused for writer in load.writers] == [None] * WRITERS
        verify(tmp_path / "data")
        server = start_stator()
        load.check(server.url)
        print(f"kill {kill}: {load.acknowledged - before} writes acknowledged before it")
    assert server.stop() == 0
    assert "incomplete" not in verify(tmp_path / "data")


def test_changes_of_tables_outlive_every_kill(start_stator: Start, tmp_path: Path) -> None:
    """An index is added and dropped under load; each kill comes at another moment of that."""
    seed = FIRST_SEED
    print(f"seed {seed}")
    chance = random.Random(seed)
    load = Load(3, seed)
    server = start_stator()
    create_table(server)
    for _ in range(KILLS):
        load.begin(server.url)
        client = boto3_client(server.url)
        indexes = client.describe_table(TableName=TABLE)["Table"]["GlobalSecondaryIndexes"]
        present = any(index["IndexName"] == "added" for index in indexes)
        client.update_table(**(drop_index() if present else add_index()))
        client.close()
        time.sleep(chance.uniform(0.0, 0.1))
        server.kill()
        load.end()
        verify(tmp_path / "data")
        server = start_stator()
        wait_until_at_rest(server)
        load.check(server.url)
        client = boto3_client(server.url)
        indexes = client.describe_table(TableName=TABLE)["Table"]["GlobalSecondaryIndexes"]
        client.close()
        assert any(index["IndexName"] == "added" for index in indexes) is not present
        assert server.stop() == 0
        verify(tmp_path / "data")
        server = start_stator()


def add_index() -> dict[str, object]:
    index = CREATE_TABLE["GlobalSecondaryIndexes"][0] | {"IndexName": "added"}
    return {
        "TableName": TABLE,
        "AttributeDefinitions": CREATE_TABLE["AttributeDefinitions"],
        "GlobalSecondaryIndexUpdates": [{"Create": index}],
    }


def drop_index() -> dict[str, object]:
    delete = {"Delete": {"IndexName": "added"}}
    return {"TableName": TABLE, "GlobalSecondaryIndexUpdates": [delete]}


def test_a_stop_under_load_loses_nothing_acknowledged(start_stator: Start, tmp_path: Path) -> None:
    load = Load(WRITERS, FIRST_SEED)
    server = start_stator()
    create_table(server)
    load.begin(server.url)
    load.wait_for_acknowledged(200)
    assert server.stop() == 0
    load.end()
    logs = [path.stat().st_size for path in (tmp_path / "data" / "rocksdb").glob("*.log")]
    assert sum(logs) == 0, "a clean stop leaves nothing to replay"
    verify(tmp_path / "data")
    load.check(start_stator().url)
