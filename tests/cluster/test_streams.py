"""A consumer follows a stream by lineage while its table is split and leaders are killed.

Real processes, boto3 on both sides. Every change comes once, those of each item in order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from blackbox import boto3_client, boto3_streams, wait_for, wait_until_active
from cluster.copies import assert_copies_agree
from cluster.zones import Zones
from stator_node.cluster_command import NotDone, status_tables
from stream_load import CREATE_TABLE, TABLE, CountingLoad
from stream_reader import StreamReader

WRITERS = 6
SLOW = "slow"
GATEWAY_ZONE = "zone-1"
CHANGES = 3_500  # more than a log keeps for who is behind
SECONDS_MAX = 60.0


@pytest.mark.timeout(300)
def test_every_change_comes_once_and_in_order_through_splits_and_lost_leaders(
    zones: Zones,
) -> None:
    client, streams = boto3_client(zones.url), boto3_streams(zones.url)
    arn = client.create_table(**CREATE_TABLE)["TableDescription"]["LatestStreamArn"]
    wait_until_active(client, TABLE)
    load = CountingLoad(WRITERS)
    consumer = StreamReader(streams, arn)

    def follow(more: int) -> None:
        """Consume until so many more writes are acknowledged."""
        goal = load.acknowledged + more
        consume(consumer, lambda: load.acknowledged >= goal)

    def split(count: int) -> None:
        consume(consumer, lambda: split_begun(zones, count))
        consume(consumer, lambda: len(zones.partitions(TABLE)) == count)

    load.begin(zones.url)
    try:
        follow(200)
        split(2)
        follow(200)
        zone = zones.leader_zone(TABLE)
        pid = zones.kill_node(zone)
        follow(100)
        split(3)
        zones.wait_for_new_process(zone, pid)
        pid = zones.kill_node(zones.leader_zone(TABLE))
        follow(200)
    finally:
        load.end()
    consume(consumer, lambda: not consumer.turn())
    zones.wait_until_whole()
    load.check(client, consumer.read_all())
    for partition in zones.partitions(TABLE):
        assert partition["stream"]["open_shards"] == 1
        assert 0 < partition["stream"]["oldest_record_seconds"] < SECONDS_MAX * 3
    wait_for(lambda: iterator_ages(zones) == [0, 0, 0] or None, "everything is read")
    # Who comes later reads the same, shard by shard.
    load.check(client, StreamReader(streams, arn).read_all())
    shards = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    print(f"{load.acknowledged} writes, {len(consumer.records)} records, {len(shards)} shards")
    assert len(shards) == 5
    assert len(consumer.finished) == 2
    client.put_item(TableName=TABLE, Item={"pk": {"S": "unread"}, "n": {"N": "1"}})
    wait_for(lambda: sum(iterator_ages(zones)) >= 1_000 or None, "a record grows old")
    assert "ITERATOR AGE" in status_tables(zones.status())
    consume(consumer, lambda: iterator_ages(zones) == [0, 0, 0])
    # And who comes when the table is gone.
    client.delete_table(TableName=TABLE)
    wait_for(lambda: TABLE not in client.list_tables()["TableNames"] or None, "no table")
    late = StreamReader(streams, arn)
    late.read_all()
    assert len(late.finished) == 5
    assert {each["eventID"] for each in late.records} == {r["eventID"] for r in consumer.records}
    client.close()
    streams.close()


@pytest.mark.timeout(300)
def test_a_follower_too_slow_for_the_log_gets_the_feed_with_its_state(zones: Zones) -> None:
    """Frozen while the others' logs forget what it lacks, it wakes to a snapshot, feed and all."""
    # Leaders may just be balanced when one zone freezes: a write whose outcome is unknown is asked
    # for again, and where it was done it changes nothing, which makes no record.
    client, streams = boto3_client(zones.url, tries=5), boto3_streams(zones.url)
    made = client.create_table(**{**CREATE_TABLE, "TableName": SLOW})
    wait_until_active(client, SLOW)
    (partition,) = zones.partitions(SLOW)
    # Eventual reads go to the gateway's own zone first: so it is this replica's feed that is read.
    if zones.leader_zone(SLOW) == GATEWAY_ZONE:
        zones.ask("transfer", f"{partition['partition_id']}", "zone-2")
        wait_for(lambda: zones.leader_zone(SLOW) != GATEWAY_ZONE or None, "another leader")
    with zones.frozen(GATEWAY_ZONE):
        for number in range(CHANGES):
            client.put_item(TableName=SLOW, Item={"pk": {"S": f"{number}"}})
    zones.wait_until_whole()

    def replica() -> Any:
        return next(
            each for each in zones.partitions(SLOW)[0]["replicas"] if each["zone"] == GATEWAY_ZONE
        )

    wait_for(lambda: replica()["lag"] == 0 or None, "a follower that has everything", SECONDS_MAX)
    reader = StreamReader(streams, made["TableDescription"]["LatestStreamArn"])
    keys = [record["dynamodb"]["Keys"]["pk"]["S"] for record in reader.read_all()]
    assert keys == [f"{number}" for number in range(CHANGES)]
    assert_copies_agree(zones, SLOW)
    client.close()
    streams.close()


def consume(consumer: StreamReader, is_so: Callable[[], bool]) -> None:
    """Read on until something is so; what a lost leader refuses is asked for again."""

    def look() -> bool | None:
        try:
            consumer.turn()
        except (BotoCoreError, ClientError) as refused:
            print(f"asked again: {refused}")
        time.sleep(0.05)
        return True if is_so() else None

    wait_for(look, "what the consumer waits for", SECONDS_MAX)


def iterator_ages(zones: Zones) -> list[int]:
    """How old the oldest record is that was not read, by partition (milliseconds)."""
    return [each["stream"]["iterator_age_milliseconds"] for each in zones.partitions(TABLE)]


def split_begun(zones: Zones, count: int) -> bool:
    """Ask for a split, and again where a leader that has just changed could not do it."""
    if len(zones.partitions(TABLE)) >= count:
        return True
    try:
        zones.ask("split", TABLE)
    except NotDone:
        return False
    return True
