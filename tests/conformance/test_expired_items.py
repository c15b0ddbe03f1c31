"""An item whose time to live is over is deleted by the service; every other item stays.

AWS: Developer Guide, "Using time to live (TTL)". Days pass by `--test-clock`; against a server that
has no such clock (`--url`) these tests are skipped. Ours only: DynamoDB takes hours to days.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import blackbox

YEAR = 365 * 86_400
numbers = itertools.count()


@pytest.fixture(scope="module")
def server_url(url_of_clock: str) -> str:
    return url_of_clock


@pytest.fixture(scope="module")
def resource(server_url) -> Iterator[Any]:
    made = blackbox.boto3_resource(server_url)
    yield made
    made.meta.client.close()


@pytest.fixture
def table(resource) -> Any:
    """A table of one's own with time to live on `ends` and an index of each kind."""
    made = create(resource)
    enable(made)
    return made


def create(resource, *, only_keys: bool = False, **members: Any) -> Any:
    name = f"expiring.{next(numbers)}"
    indexes = {
        "LocalSecondaryIndexes": [index("local", "pk", "a")],
        "GlobalSecondaryIndexes": [index("global", "a")],
    }
    resource.create_table(
        **({} if only_keys else indexes)
        | {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "AttributeDefinitions": [
                {"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk", "a")
            ],
        }
        | members
    )
    blackbox.wait_until_active(resource.meta.client, name)
    return resource.Table(name)


def index(name: str, *attributes: str) -> dict[str, Any]:
    roles = ("HASH", "RANGE")
    schema = [
        {"AttributeName": each, "KeyType": role}
        for each, role in zip(attributes, roles, strict=False)
    ]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}


def enable(table, attribute: str = "ends", *, on: bool = True) -> None:
    table.meta.client.update_time_to_live(
        TableName=table.name,
        TimeToLiveSpecification={"Enabled": on, "AttributeName": attribute},
    )


def put(table, pk: str, **attributes: Any) -> None:
    table.put_item(Item={"pk": pk, "sk": "1", "a": "x", **attributes})


def names(table, **options: Any) -> set[str]:
    """What a strong read sees, or of an index an eventual one."""
    scan = table.scan(**{"ConsistentRead": "IndexName" not in options} | options)
    return {item["pk"] for item in scan["Items"]}


def await_names(table, expected: set[str], **options: Any) -> None:
    blackbox.wait_for(
        lambda: True if names(table, **options) == expected else None, f"{expected} left"
    )


def test_an_item_goes_when_its_time_has_come(table, clock):
    now = int(clock(0))
    put(table, "in an hour", ends=now + 3600)
    put(table, "tomorrow", ends=now + 86_400)
    assert names(table) == {"in an hour", "tomorrow"}

    clock(3601)

    await_names(table, {"tomorrow"})


def test_index_entries_go_with_it(table, clock):
    now = int(clock(0))
    put(table, "going", ends=now + 10)
    put(table, "staying")
    for name in ("local", "global"):
        await_names(table, {"going", "staying"}, IndexName=name)

    clock(20)

    await_names(table, {"staying"})
    for name in ("local", "global"):
        await_names(table, {"staying"}, IndexName=name)


def test_only_numbers_of_seconds_count(table, clock):
    now = int(clock(0))
    put(table, "a text", ends=str(now))
    put(table, "a set", ends={now})
    put(table, "a list", ends=[now])
    put(table, "null", ends=None)
    put(table, "nothing")
    put(table, "another name", end=now)
    put(table, "milliseconds", ends=now * 1000)
    put(table, "zero", ends=0)
    put(table, "negative", ends=-now)
    stay = names(table)
    put(table, "a number", ends=now + 5)

    clock(10)

    await_names(table, stay)


def test_a_fraction_of_a_second_counts(table, clock):
    now = int(clock(0))
    put(table, "soon", ends=Decimal(f"{now + 50}.5"))
    put(table, "later", ends=Decimal(f"{now + 4000}.5"))

    clock(52)

    await_names(table, {"later"})


def test_what_is_over_five_years_old_is_left_alone(table, clock):
    now = int(clock(0))
    put(table, "six years ago", ends=now - 6 * YEAR)
    put(table, "four years ago", ends=now - 4 * YEAR)

    clock(1)

    await_names(table, {"six years ago"})


def test_an_update_rescues_an_item_and_another_dooms_one(table, clock):
    now = int(clock(0))
    put(table, "rescued", ends=now + 10)
    put(table, "freed", ends=now + 10)
    put(table, "doomed", ends=now + 9000)
    set_ends = {"UpdateExpression": "SET ends = :t"}
    table.update_item(
        Key={"pk": "rescued", "sk": "1"},
        ExpressionAttributeValues={":t": now + 9000},
        **set_ends,
    )
    table.update_item(Key={"pk": "freed", "sk": "1"}, UpdateExpression="REMOVE ends")
    table.update_item(
        Key={"pk": "doomed", "sk": "1"}, ExpressionAttributeValues={":t": now + 10}, **set_ends
    )

    clock(20)

    await_names(table, {"rescued", "freed"})


def test_items_that_were_there_before_it_was_enabled_go_too(resource, clock):
    table = create(resource)
    now = int(clock(0))
    with table.batch_writer() as batch:
        for number in range(300):
            batch.put_item(Item={"pk": f"{number}", "sk": "1", "ends": now + 10 + number % 2 * 900})
    clock(20)
    assert len(names(table)) == 300

    enable(table)
    clock(0)

    await_names(table, {f"{number}" for number in range(1, 300, 2)})


def test_disabled_nothing_goes_any_more(resource, table, clock):
    now = int(clock(0))
    put(table, "a", ends=now + 10)
    enable(table, on=False)
    other = create(resource)
    enable(other)
    put(other, "b", ends=now + 10)

    clock(20)

    await_names(other, set())
    assert names(table) == {"a"}


def test_a_key_may_say_when_the_item_ends(resource, clock):
    now = int(clock(0))
    definitions = [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
    ]
    table = create(resource, AttributeDefinitions=definitions, only_keys=True)
    enable(table, "sk")
    table.put_item(Item={"pk": "a", "sk": now + 10})
    table.put_item(Item={"pk": "b", "sk": now + 5000})

    clock(20)

    await_names(table, {"b"})


def test_until_then_it_is_read_and_a_filter_hides_it(table, clock):
    """Who must not see it filters, as the guides say."""
    now = int(clock(0))
    put(table, "six years ago", ends=now - 6 * YEAR)
    put(table, "living", ends=now + 100)

    hidden = names(
        table, FilterExpression="ends > :now", ExpressionAttributeValues={":now": int(clock(0))}
    )

    assert names(table) == {"six years ago", "living"}
    assert hidden == {"living"}


@pytest.fixture(scope="module")
def records(server_url) -> Iterator[Any]:
    """`records(table)`: the names of events, and who did it, of all records of its stream."""
    streams = blackbox.boto3_streams(server_url)

    def read(table) -> list[tuple[str, Any]]:
        table.reload()
        arn = table.latest_stream_arn
        found = []
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            at = {"StreamArn": arn, "ShardId": shard["ShardId"]}
            iterator = streams.get_shard_iterator(**at, ShardIteratorType="TRIM_HORIZON")
            page = streams.get_records(ShardIterator=iterator["ShardIterator"])
            found += [(each["eventName"], each.get("userIdentity")) for each in page["Records"]]
        return found

    yield read
    streams.close()


def test_a_stream_tells_that_the_service_did_it(resource, clock, records):
    """AWS: "Using DynamoDB Streams and Time to Live"."""
    stream = {"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"}
    table = create(resource, StreamSpecification=stream)
    enable(table)
    now = int(clock(0))
    put(table, "ends", ends=now + 10)
    put(table, "deleted", ends=now + 10)
    table.delete_item(Key={"pk": "deleted", "sk": "1"})

    clock(20)

    await_names(table, set())
    service = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    assert records(table) == [
        ("INSERT", None),
        ("INSERT", None),
        ("REMOVE", None),
        ("REMOVE", service),
    ]


def test_the_same_clock_trims_a_stream_after_a_day(resource, clock, records):
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    table = create(resource, StreamSpecification=stream)
    put(table, "yesterday")
    blackbox.wait_for(lambda: records(table) == [("INSERT", None)] or None, "its record")

    clock(25 * 3600)
    blackbox.wait_for(lambda: records(table) == [] or None, "the older record trimmed")
    put(table, "today")

    blackbox.wait_for(lambda: len(records(table)) == 1 or None, "the younger one's record")


def test_the_same_clock_ends_a_shard_iterator_after_fifteen_minutes(resource, server_url, clock):
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    table = create(resource, StreamSpecification=stream)
    table.reload()
    streams = blackbox.boto3_streams(server_url)
    arn = table.latest_stream_arn
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST"
    )["ShardIterator"]
    streams.get_records(ShardIterator=iterator)

    clock(16 * 60)

    with pytest.raises(streams.exceptions.ExpiredIteratorException):
        streams.get_records(ShardIterator=iterator)
    streams.close()
