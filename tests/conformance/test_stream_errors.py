"""Streams: every refusal of the four operations, to the letter.

AWS: API reference, DynamoDB Streams.
"""

from __future__ import annotations

from typing import Any

import pytest

import blackbox
from item_table import PARAMETER, constraint, constraint_without_value, enum, invalid, member_errors

ARN = "arn:aws:dynamodb:us-east-1:111122223333:table/nothing/stream/2026-01-31T12:00:00.000"
SHARD = "shardId-00000000000000000001-0123456789abcdef"
NUMBER = "100000000000000000000"
TYPES = ("AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON")


def refused(connection: blackbox.Connection, operation: str, **body: Any) -> str:
    """The refusal of a request, as one line."""
    target = f"DynamoDBStreams_20120810.{operation}"
    answer = connection.call(operation, body, **{"X-Amz-Target": target})
    assert answer.status == 400
    return f"{answer.error}: {answer.message}"


@pytest.fixture(scope="module")
def stream(client: Any, streams: Any, make_table: Any) -> dict[str, str]:
    """StreamArn and ShardId of a stream with one record."""
    specification = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    table = make_table(StreamSpecification=specification)
    table.put({"pk": {"S": "a"}})
    arn = client.describe_table(TableName=table.name)["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    return {"StreamArn": arn, "ShardId": shard["ShardId"]}


@pytest.mark.parametrize(
    "operation, body, expected",
    [
        (
            "ListStreams",
            {"Limit": 0},
            constraint_without_value("limit", "have value greater than or equal to 1"),
        ),
        (
            "ListStreams",
            {"Limit": 101},
            constraint_without_value("limit", "have value less than or equal to 100"),
        ),
        (
            "ListStreams",
            {"TableName": "ab"},
            constraint("tableName", "ab", "have length greater than or equal to 3"),
        ),
        (
            "ListStreams",
            {"TableName": "a?c"},
            constraint("tableName", "a?c", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ),
        (
            "DescribeStream",
            {},
            constraint("streamArn", None, "not be null"),
        ),
        (
            "DescribeStream",
            {"StreamArn": "x" * 1025},
            constraint_without_value("streamArn", "have length less than or equal to 1024"),
        ),
        (
            "DescribeStream",
            {"StreamArn": ARN, "Limit": 101},
            constraint_without_value("limit", "have value less than or equal to 100"),
        ),
        (
            "DescribeStream",
            {"StreamArn": ARN, "ExclusiveStartShardId": "short"},
            constraint_without_value(
                "exclusiveStartShardId", "have length greater than or equal to 28"
            ),
        ),
        (
            "DescribeStream",
            {"StreamArn": ARN, "ShardFilter": {"Type": "ALL", "ShardId": SHARD}},
            constraint("shardFilter.type", "ALL", enum("CHILD_SHARDS")),
        ),
        (
            "GetShardIterator",
            {"StreamArn": ARN, "ShardId": SHARD, "ShardIteratorType": "NEWEST"},
            constraint("shardIteratorType", "NEWEST", enum(*TYPES)),
        ),
        (
            "GetShardIterator",
            {"StreamArn": ARN, "ShardId": "x" * 66, "ShardIteratorType": "LATEST"},
            constraint_without_value("shardId", "have length less than or equal to 65"),
        ),
        (
            "GetShardIterator",
            {
                "StreamArn": ARN,
                "ShardId": SHARD,
                "ShardIteratorType": "AT_SEQUENCE_NUMBER",
                "SequenceNumber": "1",
            },
            constraint_without_value("sequenceNumber", "have length greater than or equal to 21"),
        ),
        (
            "GetShardIterator",
            {
                "StreamArn": ARN,
                "ShardId": SHARD,
                "ShardIteratorType": "AT_SEQUENCE_NUMBER",
                "SequenceNumber": "1" * 41,
            },
            constraint_without_value("sequenceNumber", "have length less than or equal to 40"),
        ),
        (
            "GetRecords",
            {},
            constraint("shardIterator", None, "not be null"),
        ),
        (
            "GetRecords",
            {"ShardIterator": "x" * 2049},
            constraint_without_value("shardIterator", "have length less than or equal to 2048"),
        ),
    ],
)
def test_a_member_alone(connection, operation, body, expected):
    """26.95"""
    assert refused(connection, operation, **body) == member_errors(expected)


def test_several_members_are_reported_together(connection):
    """5.1"""
    answer = refused(connection, "GetShardIterator", ShardIteratorType="x")
    assert answer == member_errors(
        constraint("streamArn", None, "not be null"),
        constraint("shardId", None, "not be null"),
        constraint("shardIteratorType", "x", enum(*TYPES)),
    )


@pytest.mark.parametrize(
    "operation, body",
    [
        ("ListStreams", {"ExclusiveStartStreamArn": "kossaapaaasdafsdaasdasdasdasasdasfadfadf"}),
        ("DescribeStream", {"StreamArn": "fake-stream"}),
        ("GetShardIterator", {"StreamArn": ARN.rpartition("/")[0]}),
    ],
)
def test_what_is_no_arn(connection, operation, body):
    """19.9"""
    if operation == "GetShardIterator":
        body = {**body, "ShardId": SHARD, "ShardIteratorType": "LATEST"}
    assert refused(connection, operation, **body) == invalid("Invalid StreamArn")


def test_an_unknown_stream(connection):
    """19.9"""
    expected = f"ResourceNotFoundException: Requested resource not found: Stream: {ARN} not found"
    assert refused(connection, "DescribeStream", StreamArn=ARN) == expected
    wanted = {"StreamArn": ARN, "ShardId": SHARD, "ShardIteratorType": "LATEST"}
    assert refused(connection, "GetShardIterator", **wanted) == expected


def test_an_unknown_table(connection):
    assert refused(connection, "ListStreams", TableName="nothing") == (
        "ResourceNotFoundException: Requested resource not found: Table: nothing not found"
    )


def test_an_unknown_shard(connection, stream):
    """19.9"""
    wanted = {**stream, "ShardId": SHARD, "ShardIteratorType": "LATEST"}
    assert refused(connection, "GetShardIterator", **wanted) == (
        "ResourceNotFoundException: Requested resource not found: Shard does not exist"
    )


@pytest.mark.parametrize(
    "members, expected",
    [
        (
            {"ShardIteratorType": "AT_SEQUENCE_NUMBER"},
            invalid(PARAMETER + "SequenceNumber cannot be null"),
        ),
        (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER"},
            invalid(PARAMETER + "SequenceNumber cannot be null"),
        ),
        (
            {"ShardIteratorType": "TRIM_HORIZON", "SequenceNumber": NUMBER},
            invalid(PARAMETER + "SequenceNumber should not be passed for this iterator type"),
        ),
        (
            {"ShardIteratorType": "LATEST", "SequenceNumber": "sdfsafglldfngjdafnasdflgnald"},
            invalid(PARAMETER + "SequenceNumber should not be passed for this iterator type"),
        ),
        (
            {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": NUMBER},
            invalid("Invalid SequenceNumber for the shard"),
        ),
        (
            {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "x" * 30},
            invalid("Invalid SequenceNumber for the shard"),
        ),
        (
            {"ShardIteratorType": "AT_TIMESTAMP"},
            invalid(PARAMETER + "Timestamp cannot be null"),
        ),
        (
            {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 99_999_999_999},
            invalid(PARAMETER + "Timestamp cannot be in the future"),
        ),
    ],
)
def test_members_that_do_not_fit_the_type_or_the_shard(connection, stream, members, expected):
    """26.95"""
    assert refused(connection, "GetShardIterator", **stream, **members) == expected


def test_an_iterator_that_nobody_gave(connection, streams, stream):
    """19.9"""
    expected = invalid("Invalid ShardIterator")
    assert refused(connection, "GetRecords", ShardIterator="x") == expected
    given = streams.get_shard_iterator(ShardIteratorType="LATEST", **stream)["ShardIterator"]
    changed = given[:20] + ("A" if given[20] != "A" else "B") + given[21:]
    assert refused(connection, "GetRecords", ShardIterator=changed) == expected


@pytest.mark.parametrize("limit, word", [(0, "greater"), (1001, "less")])
def test_a_limit_of_records(connection, streams, stream, limit, word):
    given = streams.get_shard_iterator(ShardIteratorType="LATEST", **stream)["ShardIterator"]
    bound = 1 if limit == 0 else 1000
    expected = constraint_without_value("limit", f"have value {word} than or equal to {bound}")
    answer = refused(connection, "GetRecords", ShardIterator=given, Limit=limit)
    assert answer == member_errors(expected)


def test_a_third_reader_beside_two(streams, stream):
    """19.8: two readers of a shard."""
    positions = [
        streams.get_shard_iterator(ShardIteratorType="TRIM_HORIZON", **stream)["ShardIterator"]
        for _ in range(3)
    ]
    for _ in range(2):
        for number in (0, 1):
            page = streams.get_records(ShardIterator=positions[number])
            positions[number] = page["NextShardIterator"]
    with pytest.raises(streams.exceptions.LimitExceededException) as too_many:
        streams.get_records(ShardIterator=positions[2])
    message = too_many.value.response["Error"]["Message"]
    assert message == "Too many operations for a given subscriber."


@pytest.mark.parametrize(
    "body, message",
    [
        ({"StreamArn": 5}, "NUMBER_VALUE cannot be converted to String"),
        ({"StreamArn": ARN, "Limit": "5"}, "STRING_VALUE cannot be converted to Integer"),
    ],
)
def test_members_of_a_wrong_type(connection, body, message):
    assert refused(connection, "DescribeStream", **body) == f"SerializationException: {message}"


@pytest.mark.parametrize(
    "target", ["DynamoDB_20120810.GetRecords", "DynamoDBStreams_20120810.PutItem"]
)
def test_each_service_knows_its_own_operations_only(connection, target):
    """1.1"""
    answer = connection.call("GetRecords", {}, **{"X-Amz-Target": target})
    assert (answer.status, answer.error) == (400, "UnknownOperationException")
