"""The Python of public DynamoDB guides runs with boto3 against Stator and gives what it promises.

Each test is one snippet, its calls unchanged; around it stands what the guide describes in words
(the table, the items), and after it what the guide says comes out. A stream's handler is called
with the records of the stream, as Lambda would call it. Snippets of transactions and DAX wait for
those features.
"""

from __future__ import annotations

import datetime
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Key

from blackbox import (
    Stator,
    boto3_client,
    boto3_resource,
    boto3_streams,
    wait_for,
    wait_until_active,
)
from guides.commands import table as definition


@pytest.fixture(scope="module")
def guide_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of this module's own: the snippets name their tables."""
    server = Stator(tmp_path_factory.mktemp("snippets")).start()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def client(guide_url: str) -> Iterator[Any]:
    made = boto3_client(guide_url)
    yield made
    made.close()


@pytest.fixture
def make(client: Any, guide_url: str) -> Iterator[Any]:
    """Create a table whose keys are strings; returns boto3's Table of it."""
    resource = boto3_resource(guide_url)
    made: list[str] = []

    def create(name: str, *keys: str, **members: Any) -> Any:
        client.create_table(**definition(name, *keys, **members))
        made.append(name)
        wait_until_active(client, name)
        return resource.Table(name)

    yield create
    for name in made:
        client.delete_table(TableName=name)
    resource.meta.client.close()


def test_a_strong_read_sees_the_balance_that_was_just_written(client: Any, make: Any) -> None:
    make("Accounts", "UserID")
    dynamodb = client

    dynamodb.update_item(
        TableName="Accounts",
        Key={"UserID": {"S": "U1"}},
        UpdateExpression="SET Balance = :new",
        ExpressionAttributeValues={":new": {"N": "500"}},
    )
    response = dynamodb.get_item(
        TableName="Accounts",
        Key={"UserID": {"S": "U1"}},
        ConsistentRead=True,  # Strongly consistent read
    )

    assert response["Item"] == {"UserID": {"S": "U1"}, "Balance": {"N": "500"}}


def test_a_strong_read_through_the_table_object(make: Any) -> None:
    table = make("Orders", "OrderId")
    table.put_item(Item={"OrderId": "ORD1001"})

    response = table.get_item(Key={"OrderId": "ORD1001"}, ConsistentRead=True)

    assert response["Item"] == {"OrderId": "ORD1001"}


def test_a_conditional_write_refuses_the_older_version(make: Any) -> None:
    table = make("Versions", "OrderId")

    def deliver() -> Any:
        response = table.put_item(
            Item={"OrderId": "123", "Status": "Delivered", "Version": 3},
            ConditionExpression="attribute_not_exists(Version) OR Version < :v",
            ExpressionAttributeValues={":v": 3},
        )
        return response

    assert deliver()["ResponseMetadata"]["HTTPStatusCode"] == 200
    # "Write fails if concurrent update already applied"
    with pytest.raises(table.meta.client.exceptions.ConditionalCheckFailedException):
        deliver()


def test_a_local_index_gives_a_customers_orders_by_date(make: Any) -> None:
    keys = [
        {"AttributeName": "customer_id", "KeyType": "HASH"},
        {"AttributeName": "order_date", "KeyType": "RANGE"},
    ]
    index = {
        "IndexName": "order-date-index",
        "KeySchema": keys,
        "Projection": {"ProjectionType": "ALL"},
    }
    table = make(
        "Customers", "customer_id", "order_id", more=("order_date",), LocalSecondaryIndexes=[index]
    )
    for order, date in (("O1", "2024-03-01"), ("O2", "2024-01-01"), ("O3", "2024-02-01")):
        table.put_item(Item={"customer_id": "C001", "order_id": order, "order_date": date})
    table.put_item(Item={"customer_id": "C002", "order_id": "O4", "order_date": "2024-01-01"})

    response = table.query(
        IndexName="order-date-index", KeyConditionExpression=Key("customer_id").eq("C001")
    )

    assert [item["order_id"] for item in response["Items"]] == ["O2", "O3", "O1"]


def test_a_leaderboard_lists_the_best_first(make: Any) -> None:
    def create_leaderboard_item(
        game_id: str, user_id: str, score: int, max_score: int = 1000000
    ) -> dict[str, Any]:
        # Invert score so higher scores come first
        inverted = str(max_score - score).zfill(10)
        return {
            "PK": f"GAME#{game_id}",
            "SK": f"SCORE#{inverted}#USER#{user_id}",
            "score": score,
            "user_id": user_id,
            "timestamp": datetime.datetime(2024, 6, 20, tzinfo=datetime.UTC).isoformat(),
        }

    table = make("Leaderboard", "PK", "SK")
    scores = list(range(10, 130, 10))
    random.Random(7).shuffle(scores)
    for score in scores:
        table.put_item(Item=create_leaderboard_item("chess", f"user{score}", score))

    # Get top 10
    response = table.query(
        KeyConditionExpression=Key("PK").eq("GAME#chess"),
        ScanIndexForward=True,  # Ascending (inverted scores)
        Limit=10,
    )

    assert [int(item["score"]) for item in response["Items"]] == list(range(120, 20, -10))


def test_sensor_readings_of_the_last_hours_are_found_over_their_buckets(make: Any) -> None:
    table = make("Sensors", "PK", "SK")
    now = datetime.datetime(2024, 6, 20, 11, 30, tzinfo=datetime.UTC)

    def write_sensor_reading(device_id: str, reading: dict[str, Any], now: Any) -> None:
        item = {
            "PK": f"DEVICE#{device_id}#DATE#{now.strftime('%Y-%m-%d')}",
            "SK": f"TIME#{now.strftime('%H:%M:%S.%f')}",
            "temperature": reading["temp"],
            "humidity": reading["humidity"],
            "ttl": int((now + timedelta(days=30)).timestamp()),  # 30-day retention
        }
        table.put_item(Item=item)

    def get_recent_readings(device_id: str, hours: int = 1) -> list[Any]:
        start_time = now - timedelta(hours=hours)

        # May need to query multiple date partitions
        results: list[Any] = []
        current = start_time
        while current.date() <= now.date():
            response = table.query(
                KeyConditionExpression=Key("PK").eq(
                    f"DEVICE#{device_id}#DATE#{current.strftime('%Y-%m-%d')}"
                )
                & Key("SK").gte(f"TIME#{start_time.strftime('%H:%M:%S')}")
            )
            results.extend(response["Items"])
            current += timedelta(days=1)
        return results

    for minutes in (10, 50, 70, 600):
        reading = {"temp": Decimal(minutes), "humidity": Decimal("0.5")}
        write_sensor_reading("d1", reading, now - timedelta(minutes=minutes))

    assert [item["temperature"] for item in get_recent_readings("d1")] == [50, 10]
    assert [item["temperature"] for item in get_recent_readings("d1", hours=2)] == [70, 50, 10]


def test_pages_follow_the_last_evaluated_key(make: Any) -> None:
    table = make("Pages", "PK", "SK")
    for number in range(45):
        table.put_item(Item={"PK": "USER#u1", "SK": f"ORDER#{number:03d}"})

    def paginate_orders(user_id: str, page_size: int = 20, last_key: Any = None) -> dict[str, Any]:
        params: dict[str, Any] = {
            "KeyConditionExpression": Key("PK").eq(f"USER#{user_id}"),
            "Limit": page_size,
        }
        if last_key:
            params["ExclusiveStartKey"] = last_key

        response = table.query(**params)
        return {
            "items": response["Items"],
            "next_key": response.get("LastEvaluatedKey"),  # None if no more pages
        }

    pages = [paginate_orders("u1")]
    while pages[-1]["next_key"]:
        pages.append(paginate_orders("u1", last_key=pages[-1]["next_key"]))

    assert [len(page["items"]) for page in pages] == [20, 20, 5]
    assert [item["SK"] for page in pages for item in page["items"]] == [
        f"ORDER#{number:03d}" for number in range(45)
    ]


def test_sharded_keys_are_read_back_from_every_shard(make: Any) -> None:
    table = make("Followers", "PK", "SK")
    chance = random.Random(11)

    def get_sharded_pk(user_id: str, num_shards: int = 10) -> str:
        shard = chance.randint(0, num_shards - 1)
        return f"USER#{user_id}#SHARD#{shard}"

    for number in range(30):
        pk = get_sharded_pk("celebrity123")
        table.put_item(Item={"PK": pk, "SK": f"FOLLOWER#{number:02d}"})

    found = [
        item["SK"]
        for shard in range(10)
        for item in table.query(
            KeyConditionExpression=Key("PK").eq(f"USER#celebrity123#SHARD#{shard}")
        )["Items"]
    ]

    assert sorted(found) == [f"FOLLOWER#{number:02d}" for number in range(30)]


def test_a_session_ends_by_itself_and_a_filter_hides_it_until_then(client: Any, make: Any) -> None:
    sessions = make("EndedSessions", "PK", "SK")
    now = int(time.time())
    for name, ends in (("long ago", now - 6 * 365 * 86_400), ("living", now + 3600)):
        sessions.put_item(Item={"PK": f"SESSION#{name}", "SK": "DATA", "expires_at": ends})
    client.update_time_to_live(
        TableName=sessions.name,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
    )
    sessions.put_item(Item={"PK": "SESSION#over", "SK": "DATA", "expires_at": now - 1})

    living = sessions.scan(
        FilterExpression="expires_at > :now", ExpressionAttributeValues={":now": now}
    )
    assert [item["PK"] for item in living["Items"]] == ["SESSION#living"]

    def names() -> set[str]:
        return {item["PK"] for item in sessions.scan()["Items"]}

    left = {"SESSION#long ago", "SESSION#living"}
    wait_for(lambda: names() == left or None, "the ended session gone")


def test_time_to_live_is_enabled_by_one_call(client: Any, make: Any) -> None:
    make("Sessions", "PK", "SK")

    client.update_time_to_live(
        TableName="Sessions",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
    )

    setting = client.describe_time_to_live(TableName="Sessions")["TimeToLiveDescription"]
    assert setting["AttributeName"] == "expires_at"
    assert setting["TimeToLiveStatus"] in ("ENABLING", "ENABLED")


def test_a_stream_handler_is_told_of_inserts_and_deletes(
    client: Any, make: Any, guide_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a consumer in Lambda's place, which is no part of DynamoDB."""
    make(
        "OrdersCDC",
        "OrderId",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )

    def lambda_handler(event: Any, context: Any) -> Any:
        for record in event["Records"]:
            event_name = record["eventName"]
            print(f"Detected {event_name} event")
            if event_name == "INSERT":
                new_item = record["dynamodb"]["NewImage"]
                print("New order:", new_item)
            elif event_name == "REMOVE":
                old_item = record["dynamodb"]["OldImage"]
                print("Deleted order:", old_item)
        return {"statusCode": 200}

    order = {"OrderId": {"S": "O-1"}, "Status": {"S": "PLACED"}}
    client.put_item(TableName="OrdersCDC", Item=order)
    client.put_item(TableName="OrdersCDC", Item={**order, "Status": {"S": "SENT"}})
    client.delete_item(TableName="OrdersCDC", Key={"OrderId": {"S": "O-1"}})
    arn = client.describe_table(TableName="OrdersCDC")["Table"]["LatestStreamArn"]
    streams = boto3_streams(guide_url)
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = streams.get_records(ShardIterator=iterator)["Records"]
    streams.close()

    assert lambda_handler({"Records": records}, None) == {"statusCode": 200}
    assert capsys.readouterr().out.splitlines() == [
        "Detected INSERT event",
        f"New order: {order}",
        "Detected MODIFY event",
        "Detected REMOVE event",
        f"Deleted order: { {**order, 'Status': {'S': 'SENT'}} }",
    ]
