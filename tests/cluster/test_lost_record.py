"""`control/`, or a supervisor's folder, is lost: storage processes tell which tables there are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackbox import boto3_client, boto3_streams, wait_for, wait_until_active
from cluster.load import under_load
from cluster.separate import ZONES as PLACES
from cluster.separate import Pods, client_of, create_music, has, put
from cluster.zones import TABLE, Zones
from stator_core.catalog_rebuilding import NUMBERS_MARGIN
from stream_reader import StreamReader

INDEX = {
    "IndexName": "by-kind",
    "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
RICH: dict[str, Any] = {
    "TableName": "Rich",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "kind", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
    "GlobalSecondaryIndexes": [INDEX],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    "DeletionProtectionEnabled": True,
    "Tags": [{"Key": "owner", "Value": "me"}],
}
REBUILT = "is rebuilt from what {pods} pods hold; tables: {tables}, deleted ones "
REBUILT += "whose streams are read: {deleted};"


def test_without_its_control_folder_a_cluster_has_all_its_tables(
    zones: Zones, tmp_path: Path
) -> None:
    with under_load(zones, tmp_path, seed=40) as load:
        client = boto3_client(zones.url)
        described, arns = make_tables(client)
        for number in range(30):
            client.put_item(TableName="Rich", Item=item(number))
        load.wait_for_success()
        highest = max(each["partition_id"] for each in zones.status()["partitions"])
        client.close()

        zones.end()
        shutil.rmtree(zones.data / "control")
        zones.start()
        assert REBUILT.format(pods=3, tables=2, deleted=1) in zones.written
        load.wait_for_success()
        client, streams = boto3_client(zones.url), boto3_streams(zones.url)
        wait_until_active(client, "Rich")
        now = client.describe_table(TableName="Rich")["Table"]
        assert {**now, **COUNTED} == {**described, **COUNTED}
        tags = client.list_tags_of_resource(ResourceArn=now["TableArn"])["Tags"]
        assert tags == RICH["Tags"]
        client.put_item(TableName="Rich", Item=item(30))
        wait_for(lambda: of_index(client) == 31 or None, "the index has it all")
        for arn, count in zip(arns, (31, 1), strict=True):
            follow(StreamReader(streams, arn), count)

        # What comes now has numbers that nothing has or had.
        zones.create_table("New")
        zones.ask("split", TABLE)
        wait_for(lambda: len(zones.partitions()) == 2 or None, "a partition is cut")
        new = {each["partition_id"] for each in zones.status()["partitions"]}
        assert len([each for each in new if each > highest + NUMBERS_MARGIN - 1]) == 2
        assert client.list_tables()["TableNames"] == sorted([TABLE, "New", "Rich"])
        client.update_table(TableName="Rich", DeletionProtectionEnabled=False)
        wait_until_active(client, "Rich")
        client.delete_table(TableName="Rich")
        client.get_waiter("table_not_exists").wait(TableName="Rich", WaiterConfig={"Delay": 1})
        client.close()
    zones.wait_until_whole()


# What is counted anew every now and then.
COUNTED = {"ItemCount": 0, "TableSizeBytes": 0, "GlobalSecondaryIndexes": []}


def make_tables(client: Any) -> tuple[Any, list[str]]:
    """The description of one, and the streams of that and of one that is deleted."""
    client.create_table(**{**RICH, "TableName": "Gone", "DeletionProtectionEnabled": False})
    wait_until_active(client, "Gone")
    client.put_item(TableName="Gone", Item=item(0))
    gone = client.describe_table(TableName="Gone")["Table"]["LatestStreamArn"]
    client.delete_table(TableName="Gone")
    client.get_waiter("table_not_exists").wait(TableName="Gone", WaiterConfig={"Delay": 1})
    client.create_table(**RICH)
    wait_until_active(client, "Rich")
    described = client.describe_table(TableName="Rich")["Table"]
    return described, [described["LatestStreamArn"], gone]


def item(number: int) -> Any:
    return {"pk": {"S": f"item-{number}"}, "kind": {"S": "all"}}


def of_index(client: Any) -> int:
    count: int = client.query(
        TableName="Rich",
        IndexName="by-kind",
        KeyConditionExpression="kind = :kind",
        ExpressionAttributeValues={":kind": {"S": "all"}},
    )["Count"]
    return count


def follow(reader: StreamReader, count: int) -> None:
    """Read a stream from its beginning until it has brought so many changes."""

    def is_read() -> bool | None:
        reader.turn()
        return True if len(reader.records) >= count else None

    wait_for(is_read, f"{count} changes")
    assert len(reader.records) == count


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[Pods]:
    made = Pods(tmp_path)
    yield made
    made.end()


def test_a_supervisor_with_an_empty_folder_takes_up_the_cluster_though_a_node_is_away(
    pods: Pods, tmp_path: Path
) -> None:
    """As after a machine is lost with the supervisor and a storage pod on it."""
    for zone in PLACES:
        pods.start_node(zone)
    supervisor, gateway = pods.start_supervisor(), pods.start_gateway()
    client = client_of(gateway)
    create_music(client)
    put(client, "before")
    supervisor.kill()
    pods.nodes[PLACES[0]].kill()
    shutil.rmtree(tmp_path / "steering")
    put(client, "without")

    again = pods.start_supervisor()
    assert REBUILT.format(pods=2, tables=1, deleted=0) in again.written
    # The node that is away is awaited, and not given up.
    states = {each["zone"]: each["state"] for each in pods.pool()["nodes"]}
    assert states == dict.fromkeys(PLACES[1:], "ALIVE") | {PLACES[0]: "DEAD"}
    assert has(client, "before")
    assert has(client, "without")
    pods.start_node(PLACES[0])
    wait_for(lambda: pods.is_whole() or None, "three replicas again", 60)
    wait_for(lambda: dropped(client), "a table operation is answered")
    client.close()


def dropped(client: Any) -> bool | None:
    try:
        client.delete_table(TableName="Music")
    except client.exceptions.ClientError:
        return None
    return True
