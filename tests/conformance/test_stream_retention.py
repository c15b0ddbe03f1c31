"""Streams as time goes by: iterators expire, shards roll, records are trimmed after a day.

AWS: Developer Guide, "Change data capture for DynamoDB Streams". Hours pass by `--test-clock`;
against a server that has no such clock (`--url`) these tests are skipped.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

import blackbox
from stream_reader import StreamReader, shards_of

HOUR = 3600.0
numbers = itertools.count()


@pytest.fixture(scope="module")
def server_url(url_of_clock: str) -> str:
    return url_of_clock


class Streamed:
    """A table with a stream, on the server whose clock is moved."""

    def __init__(self, url: str) -> None:
        self.client = blackbox.boto3_client(url)
        self.streams = blackbox.boto3_streams(url)
        self.name = f"streamed.{next(numbers)}"
        made = self.client.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.arn = made["TableDescription"]["LatestStreamArn"]
        blackbox.wait_until_active(self.client, self.name)

    def put(self, pk: str, **more: Any) -> None:
        self.client.put_item(TableName=self.name, Item={"pk": {"S": pk}, **more})

    def keys(self) -> list[str]:
        records = StreamReader(self.streams, self.arn).read_all()
        return [record["dynamodb"]["Keys"]["pk"]["S"] for record in records]

    def await_keys(self, *expected: str) -> None:
        """A stream shows a write a moment after its answer."""
        blackbox.wait_for(lambda: self.keys() == list(expected) or None, f"keys {expected}")

    def shards(self) -> list[dict[str, Any]]:
        return shards_of(self.streams, self.arn)

    def iterator(self, shard: dict[str, Any], kind: str, **members: Any) -> str:
        answer = self.streams.get_shard_iterator(
            StreamArn=self.arn, ShardId=shard["ShardId"], ShardIteratorType=kind, **members
        )
        return str(answer["ShardIterator"])

    def close(self) -> None:
        self.client.delete_table(TableName=self.name)
        self.client.close()
        self.streams.close()


@pytest.fixture
def table(server_url, clock) -> Iterator[Streamed]:
    made = Streamed(server_url)
    yield made
    made.close()


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as error:
        call()
    told = error.value.response["Error"]
    return f"{told['Code']}: {told['Message']}"


def test_an_iterator_lives_for_fifteen_minutes(table, clock):
    """19.7"""
    (shard,) = table.shards()
    position = table.iterator(shard, "LATEST")
    clock(890.0)
    table.streams.get_records(ShardIterator=position)
    clock(20.0)
    assert refused(lambda: table.streams.get_records(ShardIterator=position)) == (
        "ExpiredIteratorException: The provided iterator exceeds the maximum age allowed."
    )


def test_a_shard_ends_after_four_hours_and_names_its_child(table, clock):
    """19.5, 19.6, 19.8"""
    table.put("a")
    table.await_keys("a")
    clock(4 * HOUR)
    blackbox.wait_for(lambda: len(table.shards()) == 2 or None, "a child")
    table.put("b")
    parent, child = table.shards()
    assert child["ParentShardId"] == parent["ShardId"]
    ending = parent["SequenceNumberRange"]["EndingSequenceNumber"]
    starting = child["SequenceNumberRange"]["StartingSequenceNumber"]
    assert int(ending) < int(starting)
    shard_filter = {"Type": "CHILD_SHARDS", "ShardId": parent["ShardId"]}
    filtered = table.streams.describe_stream(StreamArn=table.arn, ShardFilter=shard_filter)
    assert filtered["StreamDescription"]["Shards"] == [child]
    page = table.streams.get_records(ShardIterator=table.iterator(parent, "TRIM_HORIZON"))
    assert len(page["Records"]) == 1
    assert "NextShardIterator" not in page
    table.await_keys("a", "b")


def test_records_older_than_a_day_are_gone_and_refused(table, clock):
    """19.7, 19.10"""
    trimmed = "TrimmedDataAccessException: The data you are trying to access has been trimmed."
    table.put("old")
    table.await_keys("old")
    (shard,) = table.shards()
    start = table.iterator(shard, "TRIM_HORIZON")
    (record,) = table.streams.get_records(ShardIterator=start)["Records"]
    number = record["dynamodb"]["SequenceNumber"]
    table.put("other")
    table.await_keys("old", "other")
    clock(12 * HOUR)
    table.put("young")
    clock(12 * HOUR - 60)
    first = table.shards()[0]
    at = table.iterator(first, "AT_SEQUENCE_NUMBER", SequenceNumber=number)
    page = table.streams.get_records(ShardIterator=at, Limit=1)
    clock(120.0)
    assert refused(lambda: table.streams.get_records(ShardIterator=at)) == trimmed
    following = page["NextShardIterator"]
    assert refused(lambda: table.streams.get_records(ShardIterator=following)) == trimmed
    assert (
        refused(lambda: table.iterator(first, "AT_SEQUENCE_NUMBER", SequenceNumber=number))
        == trimmed
    )
    table.await_keys("young")


def test_a_deleted_tables_stream_is_gone_after_a_day(server_url, clock):
    """19.10"""
    table = Streamed(server_url)
    table.put("a")
    table.await_keys("a")
    table.close()
    late = Streamed(server_url)
    arn = table.arn
    assert [each["eventName"] for each in StreamReader(late.streams, arn).read_all()] == ["INSERT"]
    clock(24 * HOUR + 5)
    assert refused(lambda: late.streams.describe_stream(StreamArn=arn)) == (
        f"ResourceNotFoundException: Requested resource not found: Stream: {arn} not found"
    )
    late.close()


def test_what_time_to_live_deletes_is_marked_as_the_services_own(table, clock):
    """20.5"""
    table.client.update_time_to_live(
        TableName=table.name,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"},
    )
    now = clock(0.0)
    table.put("a", ends={"N": str(int(now + 100))})
    table.put("b")
    table.client.delete_item(TableName=table.name, Key={"pk": {"S": "b"}})
    clock(200.0)
    reader = StreamReader(table.streams, table.arn)
    blackbox.wait_for(lambda: (reader.turn(), len(reader.records) == 4 or None)[1], "the record")
    by_client, by_service = reader.records[2:]
    assert (by_client["eventName"], by_service["eventName"]) == ("REMOVE", "REMOVE")
    assert "userIdentity" not in by_client
    assert by_service["userIdentity"] == {
        "PrincipalId": "dynamodb.amazonaws.com",
        "Type": "Service",
    }
    assert by_service["dynamodb"]["OldImage"]["pk"] == {"S": "a"}
