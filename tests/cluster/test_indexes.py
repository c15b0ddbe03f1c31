"""Global indexes of a real cluster end as the items say, whatever is killed, split, taken away."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from blackbox import boto3_client, wait_for
from cluster.zones import Zones

GENRES = 7
INDEX = {
    "IndexName": "by-genre",
    "KeySchema": [{"AttributeName": "genre", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
DEFINITIONS = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "genre")]


def create(zones: Zones, name: str, *indexes: dict[str, Any]) -> Any:
    """A table with these indexes; gives a client, which tries again what may not have been done."""
    client = boto3_client(zones.url, tries=8)
    client.create_table(
        TableName=name,
        AttributeDefinitions=DEFINITIONS if indexes else DEFINITIONS[:1],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        **({"GlobalSecondaryIndexes": list(indexes)} if indexes else {}),
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return client


def fill(client: Any, name: str, count: int) -> None:
    for start in range(0, count, 25):
        puts = [
            {"PutRequest": {"Item": song(number, number % GENRES)}}
            for number in range(start, start + 25)
        ]
        client.batch_write_item(RequestItems={name: puts})


def song(number: int, genre: int) -> dict[str, Any]:
    return {"pk": {"S": f"song-{number:05d}"}, "genre": {"S": f"genre-{genre}"}}


@contextmanager
def writing(client: Any, name: str, keys: int) -> Iterator[None]:
    """Puts, changes and deletes go on meanwhile; an answer of 500 leaves it open what was done."""
    ended = threading.Event()
    refused: list[ClientError] = []

    def write() -> None:
        for number in itertools.count():
            if ended.is_set():
                return
            try:
                if number % 11 == 10:
                    key = {"pk": song(number % keys, 0)["pk"]}
                    client.delete_item(TableName=name, Key=key)
                else:
                    item = song(number % keys, number // keys % GENRES)
                    client.put_item(TableName=name, Item=item)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                    refused.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert refused == []


def everything(client: Any, name: str, **how: Any) -> list[tuple[str, str]]:
    pages = client.get_paginator("scan").paginate(TableName=name, **how)
    items = [item for page in pages for item in page["Items"]]
    return sorted((item["pk"]["S"], item["genre"]["S"]) for item in items)


def wait_until_equal(client: Any, name: str) -> int:
    """Wait until the index holds what the items say, and every replica of it. Gives the number."""
    wanted = everything(client, name, ConsistentRead=True)
    for _ in range(6):  # Eventual reads go round the replicas.
        wait_for(
            lambda: everything(client, name, IndexName="by-genre") == wanted or None,
            "an index that follows",
        )
    by_query = []
    for genre in range(GENRES):
        pages = client.get_paginator("query").paginate(
            TableName=name,
            IndexName="by-genre",
            KeyConditionExpression="genre = :g",
            ExpressionAttributeValues={":g": {"S": f"genre-{genre}"}},
        )
        by_query += [(i["pk"]["S"], i["genre"]["S"]) for page in pages for i in page["Items"]]
    assert sorted(by_query) == wanted
    return len(wanted)


def index_of(client: Any, name: str) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = client.describe_table(TableName=name)["Table"].get(
        "GlobalSecondaryIndexes", []
    )
    return found[0] if found else None


def add_index(client: Any, name: str) -> None:
    client.update_table(
        TableName=name,
        AttributeDefinitions=DEFINITIONS,
        GlobalSecondaryIndexUpdates=[{"Create": INDEX}],
    )


def kill_leader(zones: Zones, table: str) -> None:
    zone = zones.leader_zone(table)
    pid = zones.kill_node(zone)
    zones.wait_for_new_process(zone, pid)


def test_an_index_follows_through_splits_and_lost_leaders(zones: Zones) -> None:
    name = "Followed"
    client = create(zones, name, INDEX)
    with writing(client, name, 200):
        for number, what in enumerate((name, f"{name}/by-genre"), 1):
            zones.ask("split", what)
            wait_for(lambda what=what: len(zones.partitions(what)) == 2 or None, f"two of {number}")
            kill_leader(zones, what)
            zones.wait_until_whole()
    assert wait_until_equal(client, name) > 100


def test_an_index_is_filled_though_leaders_die_and_writes_go_on(zones: Zones) -> None:
    name = "Filled"
    client = create(zones, name)
    fill(client, name, 3_000)
    with writing(client, name, 100):
        add_index(client, name)
        wait_for(lambda: zones.partitions(f"{name}/by-genre") or None, "the index's partition")
        kill_leader(zones, name)
        wait_for(
            lambda: (index_of(client, name) or {}).get("IndexStatus") == "ACTIVE" or None,
            "a filled index",
            90,
        )
    assert wait_until_equal(client, name) > 2_900
    described = index_of(client, name)
    assert described is not None and "Backfilling" not in described


def test_an_index_goes_in_the_middle_of_its_fill_and_comes_again(zones: Zones) -> None:
    name = "Removed"
    client = create(zones, name)
    fill(client, name, 2_000)
    add_index(client, name)
    wait_for(lambda: (index_of(client, name) or {}).get("Backfilling") or None, "a fill")
    client.update_table(
        TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-genre"}}]
    )
    wait_for(lambda: index_of(client, name) is None or None, "no index")
    wait_for(lambda: not zones.partitions(f"{name}/by-genre") or None, "none of its partitions")
    add_index(client, name)
    wait_for(
        lambda: (index_of(client, name) or {}).get("IndexStatus") == "ACTIVE" or None,
        "the new index",
        90,
    )
    assert wait_until_equal(client, name) == 2_000
    client.delete_table(TableName=name)
    wait_for(lambda: not zones.partitions(f"{name}/by-genre") or None, "nothing of the table")
