"""DescribeTable shows a table as it is: its keys, its state, what it holds, how it is billed.

What was never set is left out. AWS: API reference, DescribeTable, TableDescription.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

import blackbox
from control_plane import attributes, index, keys, provisioned
from item_table import constraint, invalid, member_errors


def test_a_table_on_demand(control):
    before = time.time()
    name = control.create()

    raw = control.connection.call("DescribeTable", {"TableName": name}).body["Table"]

    assert raw.keys() == {
        "AttributeDefinitions", "TableName", "KeySchema", "TableStatus", "CreationDateTime",
        "ProvisionedThroughput", "TableSizeBytes", "ItemCount", "TableArn", "TableId",
        "BillingModeSummary", "DeletionProtectionEnabled", "WarmThroughput",
    }  # fmt: skip
    assert raw["TableStatus"] == "ACTIVE"
    # Times are JSON numbers: seconds since the epoch, to the millisecond.
    assert before - 1 <= raw["CreationDateTime"] <= time.time() + 1
    assert raw["CreationDateTime"] == round(raw["CreationDateTime"], 3)
    assert raw["ProvisionedThroughput"] == {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 0,
        "WriteCapacityUnits": 0,
    }
    summary = raw["BillingModeSummary"]
    assert summary["BillingMode"] == "PAY_PER_REQUEST"
    assert before - 1 <= summary["LastUpdateToPayPerRequestDateTime"] <= time.time() + 1
    assert raw["WarmThroughput"] == {
        "ReadUnitsPerSecond": 12_000,
        "WriteUnitsPerSecond": 4_000,
        "Status": "ACTIVE",
    }


def test_a_provisioned_table_has_no_summary_of_its_billing(control):
    name = control.provision()

    table = control.describe(name)

    assert "BillingModeSummary" not in table
    assert table["ProvisionedThroughput"] == {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 5,
        "WriteCapacityUnits": 5,
    }


def test_attribute_definitions_are_those_of_table_and_indexes(control):
    name = control.provision(
        AttributeDefinitions=attributes(z="S", pk="S", sk="N", a="B"),
        KeySchema=keys("pk", "sk"),
        LocalSecondaryIndexes=[index("local", "pk", "z")],
        GlobalSecondaryIndexes=[
            index(
                "global",
                "a",
                ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 2},
            )
        ],
    )

    table = control.describe(name)

    assert table["AttributeDefinitions"] == attributes(a="B", pk="S", sk="N", z="S")
    (global_,) = table["GlobalSecondaryIndexes"]
    assert global_["IndexStatus"] == "ACTIVE"
    assert "Backfilling" not in global_
    assert global_["ProvisionedThroughput"] == {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 1,
        "WriteCapacityUnits": 2,
    }
    (local,) = table["LocalSecondaryIndexes"]
    assert "IndexStatus" not in local


def test_every_state_of_a_table_can_be_described(control):
    description = control.begin(provisioned())
    name = description["TableName"]
    assert control.describe(name)["TableStatus"] in ("CREATING", "ACTIVE")
    blackbox.wait_until_active(control.client, name)
    units = {"ReadCapacityUnits": 6, "WriteCapacityUnits": 6}
    assert control.update(name, ProvisionedThroughput=units)["TableStatus"] == "UPDATING"
    assert control.describe(name)["TableStatus"] in ("UPDATING", "ACTIVE")
    blackbox.wait_until_active(control.client, name)
    deleted = control.client.delete_table(TableName=name)["TableDescription"]
    assert deleted["TableStatus"] == "DELETING"
    control.gone(name)


def test_a_table_is_also_found_by_its_arn(control):
    name = control.create()
    arn = control.describe(name)["TableArn"]

    assert control.describe(arn) == control.describe(name)


@pytest.mark.parametrize("operation", ["DescribeTable", "DeleteTable", "DescribeTimeToLive"])
def test_a_missing_table_is_named(control, operation):
    """Other than on the data plane."""
    assert control.refusal(operation, TableName="none") == (
        "ResourceNotFoundException: Requested resource not found: Table: none not found"
    )


@pytest.mark.parametrize(
    "name, refusal",
    [
        (
            None,
            invalid("The parameter 'TableName' is required but was not present in the request"),
        ),
        (
            "ab",
            member_errors(constraint("tableName", "ab", "have length greater than or equal to 3")),
        ),
        (
            "a b c",
            member_errors(
                constraint(
                    "tableName", "a b c", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
                )
            ),
        ),
    ],
)
@pytest.mark.parametrize("operation", ["DescribeTable", "DeleteTable", "UpdateTable"])
def test_a_name_is_checked_before_the_lookup(control, operation, name, refusal):
    assert control.refusal(operation, TableName=name) == refusal


def test_items_are_counted_in_time(control):
    """DynamoDB does so every six hours; what is promised here is that the members are numbers."""
    name = control.create()
    control.client.put_item(TableName=name, Item={"pk": {"S": "a"}})

    table: dict[str, Any] = control.describe(name)

    assert table["ItemCount"] in (0, 1)
    assert table["TableSizeBytes"] in (0, 3)
