"""docs/differences.md is the whole list, and every row of it is so.

The lists of what is not there are computed from botocore's model of the API. Each row of behaviour
has a test here by the name that the page gives; a test that fails may be good news, and then the
row goes.
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from pathlib import Path
from typing import Any

import botocore.session
import pytest

import blackbox
from blackbox import Connection, Start
from docs.pages import ROOT, table_rows
from fuzz.world import World, run
from stator_core import requests
from stator_core.requests.shapes import Structure

PAGE = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
SERVICES = ("dynamodb", "dynamodbstreams")
BEHAVIOUR = "here"


def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def service_of(operation: str) -> str:
    return next(each for each in SERVICES if operation in model(each).operation_names)


def served() -> frozenset[str]:
    """The operations of the router."""
    found: list[frozenset[str]] = []

    async def look() -> None:
        world = World()
        found.append(world.router.operations)
        await world.close()

    run(look())
    return found[0]


def first_cells(head: str) -> list[str]:
    return [row[0].strip("`") for row in table_rows(PAGE, head)]


# ------------------------------------------------------------------------ what is not there at all


def test_the_operations_on_the_page_are_all_of_awss_that_are_not_served() -> None:
    known = {name for service in SERVICES for name in model(service).operation_names}

    assert first_cells("operation") == sorted(known - served())


@pytest.mark.parametrize("operation", first_cells("operation"))
def test_an_operation_that_is_not_there_is_an_unknown_operation(
    operation: str, connection: Connection
) -> None:
    answer = connection.call(operation, {})

    assert (answer.status, answer.error) == (400, "UnknownOperationException")


def known_members() -> dict[str, set[str]]:
    """What each operation's shape knows, by operation."""
    modules = [
        importlib.import_module(f"stator_core.requests.{module.name}")
        for module in pkgutil.iter_modules(requests.__path__)
    ]
    shapes = [shape for m in modules for shape in vars(m).values() if isinstance(shape, Structure)]
    return {
        shape.name.removesuffix("Input"): set(shape.members)
        for shape in shapes
        if shape.name.endswith("Input")
    }


def test_the_members_on_the_page_are_all_of_awss_that_are_not_known() -> None:
    missing: dict[str, set[str]] = {}
    for operation, known in known_members().items():
        shape = model(service_of(operation)).operation_model(operation).input_shape
        for member in set(shape.members) - known:
            missing.setdefault(member, set()).add(operation)
    page = {row[0].strip("`"): set(row[1].split(", ")) for row in table_rows(PAGE, "member")}

    assert page == missing


@pytest.mark.parametrize(
    "member,operation",
    [
        (row[0].strip("`"), operation)
        for row in table_rows(PAGE, "member")
        for operation in row[1].split(", ")
    ],
)
def test_a_member_that_is_not_there_is_refused_by_its_name(
    member: str, operation: str, connection: Connection, client: Any, create_table: Any
) -> None:
    table = create_table()
    body: dict[str, Any] = {"TableName": table, member: [{}]}
    if operation == "CreateTable":
        body |= {
            "TableName": f"{table}.other",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        }

    answer = connection.call(operation, body)

    assert answer.error == "ValidationException"
    assert member in str(answer.message)


# ---------------------------------------------------------------------- behaviour, row by row


def test_every_row_of_behaviour_names_a_test_of_this_file() -> None:
    named = [row[2].strip("`") for row in table_rows(PAGE, BEHAVIOUR)]
    source = Path(__file__).read_text(encoding="utf-8")
    below = source.rpartition("behaviour, row by row")[2]
    written = [line[4:].partition("(")[0] for line in below.splitlines() if line[:9] == "def test_"]

    assert sorted(named) == sorted(written)


def test_a_table_of_one_write_unit_takes_any_number_of_writes(
    client: Any, create_table: Any
) -> None:
    units = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    table = create_table(BillingMode="PROVISIONED", ProvisionedThroughput=units)

    for number in range(400):  # more than five minutes of unused units
        client.put_item(TableName=table, Item={"pk": {"S": str(number)}})


def test_an_item_past_its_time_to_live_goes_soon(client: Any, create_table: Any) -> None:
    table = create_table()
    client.update_time_to_live(
        TableName=table,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"},
    )
    item = {"pk": {"S": "a"}, "expires": {"N": f"{int(time.time()) - 1}"}}
    client.put_item(TableName=table, Item=item)

    def is_gone() -> bool | None:
        return "Item" not in client.get_item(TableName=table, Key={"pk": {"S": "a"}}) or None

    blackbox.wait_for(is_gone, "the item gone")


def test_time_to_live_is_switched_twice_in_a_row(client: Any, create_table: Any) -> None:
    table = create_table()
    for enabled in (True, False, True):
        client.update_time_to_live(
            TableName=table,
            TimeToLiveSpecification={"Enabled": enabled, "AttributeName": "expires"},
        )


def test_a_third_reader_of_a_shard_is_refused(client: Any, streams: Any, create_table: Any) -> None:
    table = create_table(StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    arn = client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    one, two, three = (
        streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for _ in range(3)
    )
    for position in (one, two, one, two):
        streams.get_records(ShardIterator=position)

    with pytest.raises(streams.exceptions.LimitExceededException):
        streams.get_records(ShardIterator=three)


def test_a_global_index_has_every_answered_write(client: Any, create_table: Any) -> None:
    index = {
        "IndexName": "by.colour",
        "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    definition = {"AttributeName": "colour", "AttributeType": "S"}
    table = create_table(GlobalSecondaryIndexes=[index], MoreAttributeDefinitions=[definition])

    for number in range(50):
        item = {"pk": {"S": str(number)}, "colour": {"S": "red"}}
        client.put_item(TableName=table, Item=item)
        found = client.query(
            TableName=table,
            IndexName="by.colour",
            KeyConditionExpression="colour = :c",
            ExpressionAttributeValues={":c": {"S": "red"}},
        )
        assert found["Count"] == number + 1


def test_an_eventually_consistent_read_sees_the_last_write(client: Any, create_table: Any) -> None:
    table = create_table()
    for number in range(50):
        item = {"pk": {"S": "a"}, "n": {"N": str(number)}}
        client.put_item(TableName=table, Item=item)
        read = client.get_item(TableName=table, Key={"pk": {"S": "a"}}, ConsistentRead=False)
        assert read["Item"] == item


def test_a_table_is_active_within_a_second(create_table: Any) -> None:
    begun = time.monotonic()
    create_table()  # waits until it is ACTIVE

    assert time.monotonic() - begun < 5  # of which four are for a busy machine


def test_the_item_count_is_that_of_this_moment(client: Any, create_table: Any) -> None:
    table = create_table()
    client.put_item(TableName=table, Item={"pk": {"S": "abc"}})
    described = client.describe_table(TableName=table)["Table"]

    assert (described["ItemCount"], described["TableSizeBytes"]) == (1, 5)


def test_any_signature_is_taken_where_there_are_no_access_keys(
    url: str, start_stator: Start, tmp_path: Path
) -> None:
    blackbox.boto3_client(url, "anyone", "anything").list_tables()
    keys = tmp_path / "keys"
    keys.write_text("AKIA secret\n")
    strict = blackbox.boto3_client(start_stator("--access-keys", str(keys)).url, "AKIA", "wrong")
    with pytest.raises(strict.exceptions.ClientError, match="signature we calculated"):
        strict.list_tables()


def test_a_resource_policy_refuses_nobody(client: Any, create_table: Any) -> None:
    policy = '{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "dynamodb:*"}]}'
    table = create_table(ResourcePolicy=policy)

    client.put_item(TableName=table, Item={"pk": {"S": "a"}})


def test_every_region_has_the_same_tables(connection: Connection, create_table: Any) -> None:
    table = create_table()
    elsewhere = blackbox.AUTHORIZATION.replace(blackbox.REGION, "eu-central-1")
    answer = connection.call("DescribeTable", {"TableName": table}, Authorization=elsewhere)

    assert answer.status == 200


def test_encryption_is_described_and_not_done(start_stator: Start, tmp_path: Path) -> None:
    server = start_stator()
    client = blackbox.boto3_client(server.url)
    created = client.create_table(
        TableName="secret",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True},
    )
    blackbox.wait_until_active(client, "secret")
    client.put_item(TableName="secret", Item={"pk": {"S": "a word that is easy to find"}})
    server.kill()

    assert created["TableDescription"]["SSEDescription"]["SSEType"] == "KMS"
    files = (path for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert any(b"easy to find" in path.read_bytes() for path in files)


def test_of_a_large_body_the_signature_is_verified_first(connection: Connection) -> None:
    for size, error in ((1_000, "SerializationException"), (300_000, "MissingAuthentication")):
        answer = connection.call("PutItem", b"{" * size, Authorization="")
        assert str(answer.error).startswith(error)


def test_a_body_of_too_many_values_is_refused(connection: Connection) -> None:
    values = b",".join([b'{"S":""}'] * 213_000)
    body = b'{"TableName":"things","Item":{"pk":{"S":"a"},"l":{"L":[' + values + b"]}}}"

    assert connection.call("PutItem", body).error == "RequestEntityTooLargeException"
