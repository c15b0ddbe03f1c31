"""Both doors give the same answers: DynamoDB's JSON over HTTP, and its typed twin over gRPC.

The same requests go through boto3 and through this project's own client; answers and errors are
equal. Legacy parameters are not in the contract of the second door. Ours only: no other server has
it, so these tests start a server of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

import blackbox
from stator_core.errors import DynamoDBError
from stator_node.client import Client

Members = dict[str, Any]
NAME = "doors"


class Doors:
    """One server by its two doors."""

    def __init__(self, server: blackbox.Stator) -> None:
        self.client = blackbox.boto3_client(server.url)
        self.streams = blackbox.boto3_streams(server.url)
        self.loop = asyncio.new_event_loop()
        self.grpc_address = f"127.0.0.1:{server.grpc_port}"
        self.http_address = f"127.0.0.1:{server.port}"
        self._grpc = self.run(self._open())

    async def _open(self) -> Client:
        return Client(self.grpc_address, tls=False)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(coroutine)

    def http(self, method: str, **members: Any) -> Members:
        """The answer through the HTTP door, or the error as name and message."""
        try:
            client = self.client if hasattr(self.client, method) else self.streams
            answer = getattr(client, method)(**members)
        except ClientError as refused:
            error = refused.response["Error"]
            found = {"error": error["Code"], "message": error["Message"]}
            return found | (
                {"Item": refused.response["Item"]} if "Item" in refused.response else {}
            )
        del answer["ResponseMetadata"]
        return dict(answer)

    def grpc(self, method: str, **members: Any) -> Members:
        """The same through the gRPC door."""
        try:
            return dict(self.run(getattr(self._grpc, method)(**members)))
        except DynamoDBError as refused:
            found: Members = {"error": refused.name(), "message": refused.message}
            body = refused.body()
            return found | ({"Item": body["Item"]} if "Item" in body else {})

    def close(self) -> None:
        self.run(self._grpc.close())
        self.loop.close()
        self.client.close()
        self.streams.close()


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    server = blackbox.Stator(tmp_path_factory.mktemp("doors")).start()
    opened = Doors(server)
    opened.http(
        "create_table",
        TableName=NAME,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("pk", "S"), ("sk", "N"), ("kind", "S"))
        ],
        BillingMode="PAY_PER_REQUEST",
        LocalSecondaryIndexes=[
            {
                "IndexName": "local",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "kind", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "global",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["s"]},
            }
        ],
    )
    blackbox.wait_until_active(opened.client, NAME)
    for number in range(5):
        opened.http("put_item", TableName=NAME, Item=item(number))
    yield opened
    opened.close()
    server.stop()


def item(number: int) -> Members:
    return {
        "pk": {"S": "p"},
        "sk": {"N": str(number)},
        "kind": {"S": "odd" if number % 2 else "even"},
        "s": {"S": "é" * number},
        "n": {"N": "1E-5"},
        "b": {"B": bytes(range(number))},
        "t": {"BOOL": number > 2},
        "nothing": {"NULL": True},
        "ss": {"SS": ["b", "a"]},
        "ns": {"NS": ["2", "10"]},
        "bs": {"BS": [b"\xff", b"\x00"]},
        "l": {"L": [{"S": "a"}, {"L": []}, {"M": {}}]},
        "m": {"M": {"deep": {"M": {"deeper": {"N": "-0.5"}, "empty": {"S": ""}}}}},
    }


KEY = {"pk": {"S": "p"}, "sk": {"N": "1"}}
MISSING = {"pk": {"S": "p"}, "sk": {"N": "99"}}
BY_PK: Members = {
    "KeyConditionExpression": "pk = :p",
    "ExpressionAttributeValues": {":p": {"S": "p"}},
}


@pytest.mark.parametrize(
    "method, members",
    [
        pytest.param("get_item", {"Key": KEY}, id="an item of every type"),
        pytest.param("get_item", {"Key": MISSING}, id="no item"),
        pytest.param(
            "get_item",
            {
                "Key": KEY,
                "ProjectionExpression": "#m.deep, l[1], s",
                "ExpressionAttributeNames": {"#m": "m"},
                "ConsistentRead": True,
                "ReturnConsumedCapacity": "INDEXES",
            },
            id="a projection and its capacity",
        ),
        pytest.param(
            "get_item", {"Key": KEY, "ProjectionExpression": "absent"}, id="an empty item"
        ),
        pytest.param("query", BY_PK, id="a query"),
        pytest.param(
            "query", BY_PK | {"Limit": 2, "ScanIndexForward": False}, id="a page, backwards"
        ),
        pytest.param("query", BY_PK | {"ExclusiveStartKey": KEY}, id="the rest of a page"),
        pytest.param("query", BY_PK | {"Select": "COUNT"}, id="a count"),
        pytest.param(
            "query",
            BY_PK
            | {
                "FilterExpression": "t = :t",
                "ExpressionAttributeValues": {":p": {"S": "p"}, ":t": {"BOOL": True}},
                "ReturnConsumedCapacity": "TOTAL",
            },
            id="a filter",
        ),
        pytest.param(
            "query",
            BY_PK | {"IndexName": "local", "ReturnConsumedCapacity": "INDEXES"},
            id="a local index",
        ),
        pytest.param(
            "query",
            {
                "IndexName": "global",
                "KeyConditionExpression": "kind = :k",
                "ExpressionAttributeValues": {":k": {"S": "odd"}},
                "ReturnConsumedCapacity": "INDEXES",
                "Limit": 1,
            },
            id="a global index",
        ),
        pytest.param("scan", {}, id="a scan"),
        pytest.param("scan", {"Segment": 1, "TotalSegments": 2}, id="a segment"),
        pytest.param("scan", {"IndexName": "global", "Limit": 3}, id="a scan of an index"),
        pytest.param("describe_table", {}, id="a table"),
        pytest.param("describe_time_to_live", {}, id="time to live"),
    ],
)
def test_reads_are_answered_alike(doors, method, members):
    through_http = doors.http(method, TableName=NAME, **members)

    assert "error" not in through_http
    assert doors.grpc(method, TableName=NAME, **members) == through_http


@pytest.mark.parametrize("method", ["describe_limits", "list_tables"])
def test_account_wide_reads_are_answered_alike(doors, method):
    assert doors.grpc(method) == doors.http(method)


def test_each_door_tells_its_own_address(doors):
    for answer, address in (
        (doors.http("describe_endpoints"), doors.http_address),
        (doors.grpc("describe_endpoints"), doors.grpc_address),
    ):
        assert answer == {"Endpoints": [{"Address": address, "CachePeriodInMinutes": 1_440}]}


def test_batches_are_answered_alike(doors):
    wanted = {NAME: {"Keys": [KEY, MISSING], "ProjectionExpression": "s, sk"}}
    members = {"RequestItems": wanted, "ReturnConsumedCapacity": "TOTAL"}

    assert doors.grpc("batch_get_item", **members) == doors.http("batch_get_item", **members)


def written(doors: Doors, ask: Callable[..., Members]) -> list[Members]:
    """The answers to a series of writes that ends as it began."""
    key = {"pk": {"S": "written"}, "sk": {"N": "1"}}
    old = {"ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "INDEXES"}
    metrics = {"ReturnItemCollectionMetrics": "SIZE"}
    value = {":v": {"NS": ["1", "2"]}}
    batch = [{"PutRequest": {"Item": key}}, {"DeleteRequest": {"Key": MISSING}}]
    return [
        ask("put_item", TableName=NAME, Item=key | {"a": {"L": [{"B": b"\x01"}]}}, **metrics),
        ask("put_item", TableName=NAME, Item=key | {"kind": {"S": "k"}}, **old),
        ask(
            "update_item",
            TableName=NAME,
            Key=key,
            UpdateExpression="SET a = :v REMOVE kind",
            ConditionExpression="attribute_exists(kind)",
            ExpressionAttributeValues=value,
            ReturnValues="UPDATED_NEW",
            ReturnConsumedCapacity="INDEXES",
        ),
        ask(
            "update_item",
            TableName=NAME,
            Key=key,
            UpdateExpression="ADD a :v",
            ExpressionAttributeValues={":v": {"NS": ["3"]}},
            ReturnValues="ALL_NEW",
        ),
        ask(
            "put_item",
            TableName=NAME,
            Item=key,
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        ),
        ask("delete_item", TableName=NAME, Key=key, **old),
        ask(
            "batch_write_item",
            RequestItems={NAME: batch},
            ReturnConsumedCapacity="INDEXES",
            **metrics,
        ),
        ask("delete_item", TableName=NAME, Key=key),
    ]


def test_writes_are_answered_alike(doors):
    through_http = written(doors, doors.http)

    assert written(doors, doors.grpc) == through_http
    failed = through_http[4]
    assert failed["error"] == "ConditionalCheckFailedException"
    assert failed["Item"]["a"] == {"NS": ["1", "2", "3"]}


@pytest.mark.parametrize(
    "method, members",
    [
        pytest.param("get_item", {"TableName": "none", "Key": KEY}, id="no table"),
        pytest.param("get_item", {"Key": {}}, id="no key"),
        pytest.param("get_item", {"Key": KEY | {"a": {"S": "a"}}}, id="another key"),
        pytest.param("get_item", {"TableName": "ab", "Key": KEY}, id="short name"),
        pytest.param("put_item", {"Item": {"pk": {"S": "p"}}}, id="half a key"),
        pytest.param("put_item", {"Item": KEY | {"a": {"N": "x"}}}, id="no number"),
        pytest.param("put_item", {"Item": KEY | {"a": {"SS": []}}}, id="an empty set"),
        pytest.param("put_item", {"Item": KEY | {"a": {"NULL": False}}}, id="NULL that is false"),
        pytest.param("put_item", {"Item": KEY | {"kind": {"N": "1"}}}, id="an index key's type"),
        pytest.param("put_item", {"Item": KEY | {"s": {"S": "x" * 409_600}}}, id="too large"),
        pytest.param(
            "update_item",
            {
                "Key": KEY,
                "UpdateExpression": "SET pk = :v",
                "ExpressionAttributeValues": {":v": {"S": "a"}},
            },
            id="a key that changes",
        ),
        pytest.param("update_item", {"Key": KEY, "UpdateExpression": "SET"}, id="syntax"),
        pytest.param("query", {}, id="a query for nothing"),
        pytest.param("query", BY_PK | {"ExclusiveStartKey": {"pk": {"S": "p"}}}, id="start key"),
        pytest.param("query", BY_PK | {"IndexName": "none"}, id="no index"),
        pytest.param("scan", {"Segment": 3, "TotalSegments": 2}, id="segments"),
        pytest.param("update_table", {}, id="no change"),
        pytest.param(
            "create_table",
            {
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
            id="a table that exists",
        ),
        pytest.param("delete_table", {"TableName": "none"}, id="nothing to delete"),
        pytest.param(
            "update_time_to_live",
            {"TimeToLiveSpecification": {"Enabled": False, "AttributeName": "a"}},
            id="disabled already",
        ),
    ],
)
def test_mistakes_are_refused_alike(doors, method, members):
    members = {"TableName": NAME} | members
    through_http = doors.http(method, **members)

    assert "error" in through_http
    assert doors.grpc(method, **members) == through_http


@pytest.mark.parametrize(
    "method, members",
    [
        ("batch_get_item", {"RequestItems": {NAME: {"Keys": [KEY, KEY]}}}),
        ("batch_get_item", {"RequestItems": {"none": {"Keys": [KEY]}}}),
        ("batch_write_item", {"RequestItems": {}}),
        ("list_tables", {"Limit": 101}),
        ("tag_resource", {"ResourceArn": "x", "Tags": []}),
        ("list_tags_of_resource", {"ResourceArn": "arn:aws:s3:::x"}),
    ],
    ids=["a key twice", "no table", "no writes", "limit", "no tags", "no table's ARN"],
)
def test_mistakes_of_other_operations_are_refused_alike(doors, method, members):
    through_http = doors.http(method, **members)

    assert "error" in through_http
    assert doors.grpc(method, **members) == through_http


def test_tags_written_by_one_door_are_read_by_the_other(doors):
    arn = doors.http("describe_table", TableName=NAME)["Table"]["TableArn"]
    tags = [{"Key": "a", "Value": ""}, {"Key": "b", "Value": "c"}]

    assert doors.grpc("tag_resource", ResourceArn=arn, Tags=tags) == {}
    assert doors.http("list_tags_of_resource", ResourceArn=arn) == {"Tags": tags}
    assert doors.http("untag_resource", ResourceArn=arn, TagKeys=["a"]) == {}
    assert doors.grpc("list_tags_of_resource", ResourceArn=arn) == {"Tags": tags[1:]}


def test_streams(doors: Doors) -> None:
    name = "doors-stream"
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    doors.http(
        "create_table",
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=stream,
    )
    blackbox.wait_until_active(doors.client, name)
    doors.http("put_item", TableName=name, Item=item(3))
    doors.http("put_item", TableName=name, Item=item(3) | {"more": {"NS": ["1", "2", "3"]}})
    doors.http("delete_item", TableName=name, Key={"pk": item(3)["pk"]})

    def same(method: str, **members: Any) -> Members:
        answer = doors.http(method, **members)
        assert doors.grpc(method, **members) == answer
        return answer

    (listed,) = same("list_streams", TableName=name, Limit=5)["Streams"]
    arn = listed["StreamArn"]
    described = same("describe_stream", StreamArn=arn)["StreamDescription"]
    (shard,) = described["Shards"]
    wanted = {"StreamArn": arn, "ShardId": shard["ShardId"]}
    given = doors.grpc("get_shard_iterator", ShardIteratorType="TRIM_HORIZON", **wanted)
    position = given["ShardIterator"]
    by_http, by_grpc = (
        call("get_records", ShardIterator=position, Limit=9) for call in (doors.http, doors.grpc)
    )
    assert by_http["Records"] == by_grpc["Records"]
    assert [each["eventName"] for each in by_http["Records"]] == ["INSERT", "MODIFY", "REMOVE"]
    assert {"NextShardIterator"} == set(by_http) - {"Records"} == set(by_grpc) - {"Records"}
    same("get_records", ShardIterator="x")
    same("describe_stream", StreamArn="fake-stream" * 4)
    same("get_shard_iterator", ShardIteratorType="AT_SEQUENCE_NUMBER", **wanted)
    doors.http("delete_table", TableName=name)
