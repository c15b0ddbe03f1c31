"""Streams: what a reader sees of the writes to a table, through boto3.

AWS: Developer Guide, "Change data capture for DynamoDB Streams"; API reference, DynamoDB Streams.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

import blackbox
from stream_reader import StreamReader, shards_of

BOTH = "NEW_AND_OLD_IMAGES"
SECONDS = dt.timedelta(seconds=1)


class Streaming:
    """A table with the HASH key `pk`, and its stream."""

    def __init__(self, client: Any, streams: Any, name: str) -> None:
        self.client, self.streams, self.name = client, streams, name

    @property
    def arn(self) -> str:
        return str(self.client.describe_table(TableName=self.name)["Table"]["LatestStreamArn"])

    def put(self, pk: str, **more: Any) -> None:
        self.client.put_item(TableName=self.name, Item={"pk": {"S": pk}, **more})

    def update(self, pk: str, expression: str, **values: Any) -> None:
        given = {f":{name}": value for name, value in values.items()}
        self.client.update_item(
            TableName=self.name,
            Key={"pk": {"S": pk}},
            UpdateExpression=expression,
            **({"ExpressionAttributeValues": given} if given else {}),
        )

    def delete(self, pk: str) -> None:
        self.client.delete_item(TableName=self.name, Key={"pk": {"S": pk}})

    def records(self) -> list[dict[str, Any]]:
        return StreamReader(self.streams, self.arn).read_all()

    def iterator(self, kind: str, **members: Any) -> str:
        """An iterator of the stream's only shard."""
        (shard,) = shards_of(self.streams, self.arn)
        answer = self.streams.get_shard_iterator(
            StreamArn=self.arn, ShardId=shard["ShardId"], ShardIteratorType=kind, **members
        )
        return str(answer["ShardIterator"])

    def keys_from(self, position: str) -> list[str]:
        found = self.streams.get_records(ShardIterator=position)["Records"]
        return [record["dynamodb"]["Keys"]["pk"]["S"] for record in found]

    def switch(self, view_type: str | None) -> None:
        wanted: dict[str, Any] = {"StreamEnabled": view_type is not None}
        if view_type is not None:
            wanted["StreamViewType"] = view_type
        self.client.update_table(TableName=self.name, StreamSpecification=wanted)
        blackbox.wait_until_active(self.client, self.name)


@pytest.fixture
def streaming(client: Any, streams: Any, create_table: Any) -> Any:
    """Make a table with a stream of this view type."""

    def make(view_type: str = BOTH, **members: Any) -> Streaming:
        specification = {"StreamEnabled": True, "StreamViewType": view_type}
        name = create_table(StreamSpecification=specification, **members)
        return Streaming(client, streams, name)

    return make


def images(record: dict[str, Any]) -> tuple[Any, Any]:
    return record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage")


def test_insert_modify_and_remove_come_in_order(streaming):
    """19.2"""
    table = streaming()
    table.put("a", n={"N": "1"})
    table.put("a", n={"N": "2"})
    table.update("a", "SET n = :n", n={"N": "3"})
    table.delete("a")
    items = [{"pk": {"S": "a"}, "n": {"N": str(n)}} for n in (1, 2, 3)]

    records = table.records()

    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "MODIFY", "REMOVE"]
    assert [images(record) for record in records] == [
        (None, items[0]),
        (items[0], items[1]),
        (items[1], items[2]),
        (items[2], None),
    ]


def test_a_record_has_the_members_that_dynamodb_gives_it(streaming):
    """19.2, 19.5"""
    table = streaming()
    table.put("a", n={"N": "1"})
    (record,) = table.records()

    assert set(record) == {
        "awsRegion", "dynamodb", "eventID", "eventName", "eventSource", "eventVersion",
    }  # fmt: skip
    assert re.fullmatch("[0-9a-f]{32}", record["eventID"])
    assert (record["eventSource"], record["eventVersion"]) == ("aws:dynamodb", "1.1")
    assert record["awsRegion"] == table.arn.split(":")[3]
    told = record["dynamodb"]
    assert told["Keys"] == {"pk": {"S": "a"}}
    assert re.fullmatch("[0-9]{21,40}", told["SequenceNumber"])
    assert told["StreamViewType"] == BOTH
    assert told["SizeBytes"] == len("pk" + "a") + len("pk" + "a" + "n") + 2
    moment = told["ApproximateCreationDateTime"]
    assert moment.microsecond == 0
    assert abs(moment - dt.datetime.now(dt.UTC)) < 60 * SECONDS


@pytest.mark.parametrize(
    "view_type, members",
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        (BOTH, {"NewImage", "OldImage"}),
    ],
)
def test_the_view_type_says_which_images_there_are(streaming, view_type, members):
    """19.1"""
    table = streaming(view_type)
    table.put("a", n={"N": "1"})
    table.put("a", n={"N": "2"})
    _, record = table.records()

    assert set(record["dynamodb"]) & {"NewImage", "OldImage"} == members
    assert record["dynamodb"]["StreamViewType"] == view_type


def test_a_table_with_indexes_shows_no_more_than_its_view_type(streaming):
    """19.1"""
    by_kind = {
        "IndexName": "by-kind",
        "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    definitions = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "kind")]
    table = streaming(
        "KEYS_ONLY", AttributeDefinitions=definitions, GlobalSecondaryIndexes=[by_kind]
    )
    table.put("a", kind={"S": "x"})
    table.put("a", kind={"S": "y"})

    assert [images(record) for record in table.records()] == [(None, None)] * 2


def test_what_changes_nothing_leaves_no_record(streaming):
    """19.3"""
    table = streaming()
    table.put("a", n={"N": "1"}, set={"SS": ["x", "y"]})
    table.put("a", n={"N": "1.0"}, set={"SS": ["y", "x"]})
    table.update("a", "SET n = :n", n={"N": "1"})
    table.update("a", "REMOVE nothing")
    table.delete("b")

    assert [record["eventName"] for record in table.records()] == ["INSERT"]


def test_a_batch_leaves_a_record_for_each_of_its_writes(streaming):
    """19.11"""
    table = streaming()
    writes = [{"PutRequest": {"Item": {"pk": {"S": str(n)}}}} for n in range(25)]
    table.client.batch_write_item(RequestItems={table.name: writes})

    records = table.records()

    assert sorted(r["dynamodb"]["Keys"]["pk"]["S"] for r in records) == sorted(map(str, range(25)))
    assert len({record["eventID"] for record in records}) == 25
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 25


def test_sets_of_numbers_come_in_java_s_order(streaming):
    """26.42"""
    table = streaming()
    table.put("a", ns={"NS": ["1", "2", "3"]}, ss={"SS": ["b", "a"]}, bs={"BS": [b"2", b"1"]})
    (record,) = table.records()

    assert record["dynamodb"]["NewImage"] == {
        "pk": {"S": "a"},
        "ns": {"NS": ["3", "2", "1"]},
        "ss": {"SS": ["a", "b"]},
        "bs": {"BS": [b"1", b"2"]},
    }


def test_each_type_of_iterator_begins_where_it_should(streaming):
    """19.7"""
    table = streaming("KEYS_ONLY")
    table.put("a")
    table.put("b")
    latest = table.iterator("LATEST")
    table.put("c")
    second = table.records()[1]["dynamodb"]["SequenceNumber"]

    assert table.keys_from(table.iterator("TRIM_HORIZON")) == ["a", "b", "c"]
    assert table.keys_from(latest) == ["c"]
    at = table.iterator("AT_SEQUENCE_NUMBER", SequenceNumber=second)
    assert table.keys_from(at) == ["b", "c"]
    after = table.iterator("AFTER_SEQUENCE_NUMBER", SequenceNumber=second)
    assert table.keys_from(after) == ["c"]
    before = dt.datetime.now(dt.UTC) - 3600 * SECONDS
    assert table.keys_from(table.iterator("AT_TIMESTAMP", Timestamp=before)) == ["a", "b", "c"]


def test_a_page_has_so_many_records_and_the_next_goes_on_behind_it(streaming):
    """19.8"""
    table = streaming("KEYS_ONLY")
    for n in range(5):
        table.put(str(n))
    position = table.iterator("TRIM_HORIZON")
    sizes = []
    for _ in range(4):
        page = table.streams.get_records(ShardIterator=position, Limit=2)
        sizes.append(len(page["Records"]))
        position = page["NextShardIterator"]

    assert sizes == [2, 2, 1, 0]


def test_a_page_has_up_to_a_megabyte(streaming):
    """19.8"""
    table = streaming("NEW_IMAGE")
    for n in range(4):
        table.put(str(n), s={"S": "x" * 390_000})
    page = table.streams.get_records(ShardIterator=table.iterator("TRIM_HORIZON"))
    assert len(page["Records"]) == 2
    page = table.streams.get_records(ShardIterator=page["NextShardIterator"])
    assert len(page["Records"]) == 2


def test_a_stream_is_described(streaming):
    """19.6"""
    table = streaming()
    described = table.streams.describe_stream(StreamArn=table.arn)["StreamDescription"]
    shown = table.client.describe_table(TableName=table.name)["Table"]
    (shard,) = described.pop("Shards")
    created = described.pop("CreationRequestDateTime")

    assert described == {
        "StreamArn": shown["LatestStreamArn"],
        "StreamLabel": shown["LatestStreamLabel"],
        "StreamStatus": "ENABLED",
        "StreamViewType": BOTH,
        "TableName": table.name,
        "KeySchema": shown["KeySchema"],
    }
    assert abs(created - dt.datetime.now(dt.UTC)) < 60 * SECONDS
    assert re.fullmatch("shardId-[0-9]{20}-[0-9a-f]+", shard["ShardId"])
    assert 28 <= len(shard["ShardId"]) <= 65
    assert set(shard["SequenceNumberRange"]) == {"StartingSequenceNumber"}


def test_a_disabled_stream_is_closed_and_can_be_read_to_its_end(streaming):
    """19.10"""
    table = streaming("KEYS_ONLY")
    table.put("a")
    old = table.arn
    table.switch(None)
    table.put("b")

    described = table.streams.describe_stream(StreamArn=old)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    (shard,) = described["Shards"]
    assert "EndingSequenceNumber" in shard["SequenceNumberRange"]
    page = table.streams.get_records(ShardIterator=table.iterator("TRIM_HORIZON"))
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in page["Records"]] == ["a"]
    assert "NextShardIterator" not in page


def test_a_stream_that_is_enabled_again_is_another(streaming):
    """19.1"""
    table = streaming("KEYS_ONLY")
    table.put("a")
    old = table.arn
    table.switch(None)
    table.switch("NEW_IMAGE")
    table.put("b")

    assert table.arn != old
    listed = table.streams.list_streams(TableName=table.name)["Streams"]
    assert [each["StreamArn"] for each in listed] == [old, table.arn]
    assert [r["dynamodb"]["Keys"]["pk"]["S"] for r in table.records()] == ["b"]


def test_a_deleted_tables_stream_stays_readable(client, streams, create_table):
    """19.10"""
    specification = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    name = create_table(StreamSpecification=specification)
    table = Streaming(client, streams, name)
    arn = table.arn
    table.put("a")
    client.delete_table(TableName=name)
    client.get_waiter("table_not_exists").wait(
        TableName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )

    listed = streams.list_streams(TableName=name)["Streams"]
    assert [each["StreamArn"] for each in listed] == [arn]
    records = StreamReader(streams, arn).read_all()
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in records] == ["a"]


def test_streams_are_listed_page_by_page(streaming):
    """19.10"""
    tables = [streaming("KEYS_ONLY") for _ in range(3)]
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = tables[0].streams.list_streams(Limit=1)
    found += page["Streams"]
    while "LastEvaluatedStreamArn" in page:
        page = tables[0].streams.list_streams(
            Limit=1, ExclusiveStartStreamArn=page["LastEvaluatedStreamArn"]
        )
        found += page["Streams"]

    assert {table.arn for table in tables} <= {each["StreamArn"] for each in found}
    assert all(set(each) == {"StreamArn", "TableName", "StreamLabel"} for each in found)


def test_an_iterator_can_be_used_again(streaming):
    table = streaming("KEYS_ONLY")
    table.put("a")
    position = table.iterator("TRIM_HORIZON")

    first = table.streams.get_records(ShardIterator=position)["Records"]
    assert table.streams.get_records(ShardIterator=position)["Records"] == first
