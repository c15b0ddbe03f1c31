"""TableDescription: each member shown when DynamoDB shows it, and left out when it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stator_core.table import StreamSpecification, Table, Throughput
from stator_core.table_description import (
    IndexStatistics,
    TableStatistics,
    decreases_today,
    description,
    effective_warm_throughput,
    stream_label,
)
from stator_core.table_status import index_active, index_backfilling, table_active
from table_bodies import (
    ACCOUNT,
    DAY,
    NOW,
    TABLE_ID,
    UNITS,
    active,
    attributes,
    create_body,
    created,
    index,
    keys,
    new_index,
    provisioned_body,
    ranged_body,
    updated,
)

ARN = f"arn:aws:dynamodb:eu-west-2:{ACCOUNT}:table/Music"


def test_a_plain_on_demand_table() -> None:
    """17.10, 17.11"""
    assert description(active(create_body())) == {
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "TableName": "Music",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "TableStatus": "ACTIVE",
        "CreationDateTime": NOW,
        "ProvisionedThroughput": {
            "NumberOfDecreasesToday": 0,
            "ReadCapacityUnits": 0,
            "WriteCapacityUnits": 0,
        },
        "TableSizeBytes": 0,
        "ItemCount": 0,
        "TableArn": ARN,
        "TableId": TABLE_ID,
        "BillingModeSummary": {
            "BillingMode": "PAY_PER_REQUEST",
            "LastUpdateToPayPerRequestDateTime": NOW,
        },
        "DeletionProtectionEnabled": False,
        "WarmThroughput": {
            "ReadUnitsPerSecond": 12_000,
            "WriteUnitsPerSecond": 4_000,
            "Status": "ACTIVE",
        },
    }


def test_a_plain_provisioned_table() -> None:
    """17.11"""
    shown = description(active(provisioned_body()))

    assert "BillingModeSummary" not in shown
    assert shown["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    assert shown["WarmThroughput"] == {
        "ReadUnitsPerSecond": 5,
        "WriteUnitsPerSecond": 5,
        "Status": "ACTIVE",
    }


def with_everything() -> Table:
    return active(
        ranged_body(
            LocalSecondaryIndexes=[index("local", "pk", "a")],
            GlobalSecondaryIndexes=[
                index(
                    "by-b",
                    "b",
                    "a",
                    Projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["z", "y"]},
                    OnDemandThroughput={"MaxWriteRequestUnits": 9},
                )
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"},
            SSESpecification={"Enabled": True},
            TableClass="STANDARD_INFREQUENT_ACCESS",
            DeletionProtectionEnabled=True,
            OnDemandThroughput={"MaxReadRequestUnits": 10},
        )
    )


def test_indexes_are_shown_with_what_was_counted() -> None:
    """17.10"""
    statistics = TableStatistics(3, 300, {"by-b": IndexStatistics(2, 200)})
    shown = description(with_everything(), statistics)

    assert (shown["ItemCount"], shown["TableSizeBytes"]) == (3, 300)
    assert shown["LocalSecondaryIndexes"] == [
        {
            "IndexName": "local",
            "KeySchema": keys("pk", "a"),
            "Projection": {"ProjectionType": "ALL"},
            "IndexSizeBytes": 0,
            "ItemCount": 0,
            "IndexArn": f"{ARN}/index/local",
        }
    ]
    assert shown["GlobalSecondaryIndexes"] == [
        {
            "IndexName": "by-b",
            "KeySchema": keys("b", "a"),
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["y", "z"]},
            "IndexSizeBytes": 200,
            "ItemCount": 2,
            "IndexArn": f"{ARN}/index/by-b",
            "IndexStatus": "ACTIVE",
            "ProvisionedThroughput": {
                "NumberOfDecreasesToday": 0,
                "ReadCapacityUnits": 0,
                "WriteCapacityUnits": 0,
            },
            "OnDemandThroughput": {"MaxWriteRequestUnits": 9},
            "WarmThroughput": {
                "ReadUnitsPerSecond": 12_000,
                "WriteUnitsPerSecond": 4_000,
                "Status": "ACTIVE",
            },
        }
    ]


def test_settings_are_shown_as_they_were_made() -> None:
    """17.10"""
    shown = description(with_everything())

    assert shown["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"}
    assert shown["LatestStreamLabel"] == "2023-11-14T22:13:20.250"
    assert shown["LatestStreamArn"] == f"{ARN}/stream/2023-11-14T22:13:20.250"
    assert shown["SSEDescription"] == {
        "Status": "ENABLED",
        "SSEType": "KMS",
        "KMSMasterKeyArn": f"arn:aws:kms:eu-west-2:{ACCOUNT}:alias/aws/dynamodb",
    }
    assert shown["TableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
    assert shown["DeletionProtectionEnabled"] is True
    assert shown["OnDemandThroughput"] == {"MaxReadRequestUnits": 10}


def test_what_was_never_set_is_left_out() -> None:
    """17.11, 23.5"""
    shown = description(active(create_body(SSESpecification={"Enabled": False})))

    for absent in (
        "SSEDescription",
        "StreamSpecification",
        "LatestStreamArn",
        "RestoreSummary",
        "TableClassSummary",
        "OnDemandThroughput",
        "LocalSecondaryIndexes",
        "GlobalSecondaryIndexes",
        "Replicas",
    ):
        assert absent not in shown


def test_a_disabled_stream_leaves_its_label() -> None:
    table = active(create_body()).changed(latest_stream_label="2023-11-14T22:13:20.250")
    shown = description(table)

    assert "StreamSpecification" not in shown
    assert shown["LatestStreamLabel"] == "2023-11-14T22:13:20.250"
    off = description(table.changed(stream=StreamSpecification(False)))
    assert "StreamSpecification" not in off


def test_a_new_index_is_shown_backfilling_until_it_is_active() -> None:
    """17.6"""
    table = updated(active(create_body()), **new_index("by-a", "a"))
    shown = description(table)["GlobalSecondaryIndexes"][0]
    assert (shown["IndexStatus"], shown["Backfilling"]) == ("CREATING", False)

    table = index_backfilling(table, "by-a")
    assert description(table)["GlobalSecondaryIndexes"][0]["Backfilling"] is True
    table = index_active(table, "by-a")
    assert "Backfilling" not in description(table)["GlobalSecondaryIndexes"][0]


def test_a_table_in_creating_shows_warm_units_only_if_they_were_asked_for() -> None:
    plain = created(
        create_body(
            AttributeDefinitions=attributes(pk="S", a="S"),
            GlobalSecondaryIndexes=[index("by-a", "a")],
        )
    )
    asked = created(create_body(WarmThroughput={"ReadUnitsPerSecond": 13_000}))

    assert "WarmThroughput" not in description(plain)
    assert "WarmThroughput" not in description(plain)["GlobalSecondaryIndexes"][0]
    assert "Backfilling" not in description(plain)["GlobalSecondaryIndexes"][0]
    assert description(plain)["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    assert description(asked)["WarmThroughput"]["Status"] == "UPDATING"
    assert description(table_active(asked))["WarmThroughput"] == {
        "ReadUnitsPerSecond": 13_000,
        "WriteUnitsPerSecond": 4_000,
        "Status": "ACTIVE",
    }


def test_times_are_seconds_with_milliseconds() -> None:
    table = active(provisioned_body()).changed(created=1_700_000_000.123456)
    throughput = replace(table.throughput, last_increase=1.23456, last_decrease=2.0)
    shown = description(table.changed(throughput=throughput))

    assert shown["CreationDateTime"] == 1_700_000_000.123
    assert shown["ProvisionedThroughput"]["LastIncreaseDateTime"] == 1.235
    assert shown["ProvisionedThroughput"]["LastDecreaseDateTime"] == 2.0


def test_the_decreases_of_yesterday_are_not_those_of_today() -> None:
    throughput = Throughput(1, 1, last_decrease=NOW, decreases_today=3)

    assert decreases_today(throughput, NOW) == 3
    assert decreases_today(throughput, NOW + DAY) == 0
    assert decreases_today(throughput, None) == 3
    table = active(provisioned_body()).changed(throughput=throughput)
    shown = description(table, now=NOW + DAY)
    assert shown["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 0


@pytest.mark.parametrize(
    "mode, raised, expected",
    [
        ("PAY_PER_REQUEST", None, (12_000, 4_000)),
        ("PROVISIONED", None, (5, 5)),
        ("PROVISIONED", (9, 8), (9, 8)),
    ],
)
def test_warm_units_follow_the_mode_until_something_raises_them(
    mode: str, raised: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    units = Throughput(UNITS["ReadCapacityUnits"], UNITS["WriteCapacityUnits"])

    assert effective_warm_throughput(mode, units, raised) == expected


def test_a_stream_s_label_is_its_moment_in_milliseconds() -> None:
    """17.12"""
    assert stream_label(NOW) == "2023-11-14T22:13:20.250"
    assert stream_label(1_700_000_000.0) == "2023-11-14T22:13:20.000"
