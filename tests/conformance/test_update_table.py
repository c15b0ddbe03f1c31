"""UpdateTable changes one thing about a table at a time, while the table goes on serving.

A change that would change nothing is refused for throughput. AWS: API reference, UpdateTable;
"Managing Global Secondary Indexes"; error texts as DynamoDB answers (captured 2026-10).
"""

from __future__ import annotations

from typing import Any

import pytest

import blackbox
from control_plane import ALL, UNITS, attributes, index, keys
from item_table import PARAMETER, constraint, enum, invalid, member_errors

Members = dict[str, Any]
IN_USE = "ResourceInUseException: Attempt to change a resource which is still in use: "


def create(name: str, hash_: str, **members: Any) -> Members:
    return {"GlobalSecondaryIndexUpdates": [{"Create": index(name, hash_, **members)}]}


def change(action: str, name: str, **members: Any) -> Members:
    return {"GlobalSecondaryIndexUpdates": [{action: {"IndexName": name} | members}]}


@pytest.fixture(scope="module")
def indexed(control) -> str:
    """A provisioned table with a global index `global` on `a` and a local one `local` on `b`."""
    return control.provision(
        AttributeDefinitions=attributes(pk="S", sk="S", a="S", b="S"),
        KeySchema=keys("pk", "sk"),
        GlobalSecondaryIndexes=[index("global", "a", ProvisionedThroughput=UNITS)],
        LocalSecondaryIndexes=[index("local", "pk", "b")],
    )


@pytest.fixture(scope="module")
def on_demand(control) -> str:
    return control.create()


def refusal(control: Any, name: str, **members: Any) -> str:
    return control.refusal("UpdateTable", TableName=name, **members)


# ------------------------------------------------------------------------------------- throughput


def test_units_change_and_the_table_is_updating_meanwhile(control):
    name = control.provision()
    more = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 5}

    description = control.update(name, ProvisionedThroughput=more)
    assert description["TableStatus"] == "UPDATING"
    # Data is served all the while.
    control.client.put_item(TableName=name, Item={"pk": {"S": "a"}})
    blackbox.wait_until_active(control.client, name)

    throughput = control.describe(name)["ProvisionedThroughput"]
    assert (throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]) == (7, 5)
    assert "LastIncreaseDateTime" in throughput
    assert "LastDecreaseDateTime" not in throughput
    assert throughput["NumberOfDecreasesToday"] == 0
    less = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 4}
    throughput = control.updated(name, ProvisionedThroughput=less)["ProvisionedThroughput"]
    assert "LastDecreaseDateTime" in throughput
    assert throughput["NumberOfDecreasesToday"] == 1


def test_units_that_are_the_present_ones_are_refused(control, indexed):
    assert refusal(control, indexed, ProvisionedThroughput=UNITS) == invalid(
        "The provisioned throughput for the table will not change. The requested value equals the "
        "current value. Current ReadCapacityUnits provisioned for the table: 5. Requested "
        "ReadCapacityUnits: 5. Current WriteCapacityUnits provisioned for the table: 5. Requested "
        "WriteCapacityUnits: 5. Refer to the Amazon DynamoDB Developer Guide for current limits "
        "and how to request higher limits."
    )
    assert refusal(control, indexed, **change("Update", "global", ProvisionedThroughput=UNITS)) == (
        invalid(
            "The provisioned throughput for the index global will not change. The requested value "
            "equals the current value. Current ReadCapacityUnits provisioned for index global: 5. "
            "Requested ReadCapacityUnits: 5. Current WriteCapacityUnits provisioned for index "
            "global: 5. Requested WriteCapacityUnits: 5. Refer to the Amazon DynamoDB Developer "
            "Guide for current limits and how to request higher limits."
        )
    )


def test_four_decreases_a_day_are_allowed_at_once(control):
    name = control.provision(
        ProvisionedThroughput={"ReadCapacityUnits": 9, "WriteCapacityUnits": 9}
    )
    for units in (8, 7, 6, 5):
        control.updated(
            name, ProvisionedThroughput={"ReadCapacityUnits": units, "WriteCapacityUnits": 9}
        )

    answered = refusal(
        control, name, ProvisionedThroughput={"ReadCapacityUnits": 4, "WriteCapacityUnits": 9}
    )

    assert answered.startswith(
        "LimitExceededException: Subscriber limit exceeded: Provisioned throughput decreases are "
        "limited within a given UTC day. After the first 4 decreases, each subsequent decrease in "
        "the same UTC day can be performed at most once every 3600 seconds. Number of decreases "
        "today: 4. Last decrease at "
    )


def test_the_units_of_an_index_change(control):
    name = control.provision(
        AttributeDefinitions=attributes(pk="S", a="S"),
        GlobalSecondaryIndexes=[index("global", "a", ProvisionedThroughput=UNITS)],
    )
    more = {"ReadCapacityUnits": 6, "WriteCapacityUnits": 6}

    description = control.updated(name, **change("Update", "global", ProvisionedThroughput=more))

    (described,) = description["GlobalSecondaryIndexes"]
    assert described["ProvisionedThroughput"]["ReadCapacityUnits"] == 6


def test_the_billing_mode_changes_there_and_back(control):
    name = control.provision()

    table = control.updated(name, BillingMode="PAY_PER_REQUEST")
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    table = control.updated(name, BillingMode="PROVISIONED", ProvisionedThroughput=UNITS)
    assert table["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 5


def test_caps_are_merged_member_by_member(control):
    """-1 is echoed by the answer and gone from the description."""
    name = control.create(OnDemandThroughput={"MaxReadRequestUnits": 10})

    control.updated(name, OnDemandThroughput={"MaxWriteRequestUnits": 20})
    assert control.describe(name)["OnDemandThroughput"] == {
        "MaxReadRequestUnits": 10,
        "MaxWriteRequestUnits": 20,
    }
    description = control.update(name, OnDemandThroughput={"MaxReadRequestUnits": -1})
    assert description["OnDemandThroughput"] == {
        "MaxReadRequestUnits": -1,
        "MaxWriteRequestUnits": 20,
    }
    blackbox.wait_until_active(control.client, name)
    assert control.describe(name)["OnDemandThroughput"] == {"MaxWriteRequestUnits": 20}
    table = control.updated(name, BillingMode="PROVISIONED", ProvisionedThroughput=UNITS)
    assert "OnDemandThroughput" not in table


@pytest.mark.parametrize(
    "which, members, text",
    [
        pytest.param(
            "on_demand",
            {"ProvisionedThroughput": UNITS},
            PARAMETER + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
            "BillingMode is PAY_PER_REQUEST",
            id="units on demand",
        ),
        pytest.param(
            "on_demand",
            {"BillingMode": "PROVISIONED"},
            PARAMETER + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
            id="provisioned without units",
        ),
        pytest.param(
            "indexed",
            {"OnDemandThroughput": {"MaxReadRequestUnits": 5, "MaxWriteRequestUnits": 5}},
            PARAMETER + "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the "
            "table BillingMode is PROVISIONED",
            id="caps of a provisioned table, reads first",
        ),
        pytest.param(
            "on_demand",
            {"OnDemandThroughput": {"MaxReadRequestUnits": 0}},
            PARAMETER + "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside "
            "of valid range",
            id="a cap of nothing",
        ),
        pytest.param(
            "on_demand",
            {"OnDemandThroughput": {"MaxWriteRequestUnits": -2}},
            PARAMETER + "Requested MaxWriteRequestUnits for OnDemandThroughput for table is "
            "outside of valid range",
            id="a cap below nothing",
        ),
    ],
)
def test_throughput_must_fit_the_billing_mode(control, request, which, members, text):
    name = request.getfixturevalue(which)

    assert refusal(control, name, **members) == invalid(text)


# --------------------------------------------------------------------------------- other settings


def test_deletion_protection_is_there_at_once(control, on_demand):
    for protected in (True, False):
        description = control.update(on_demand, DeletionProtectionEnabled=protected)
        assert description["TableStatus"] == "ACTIVE"
        assert description["DeletionProtectionEnabled"] is protected


def test_the_class_of_a_table_changes(control):
    name = control.create()

    table = control.updated(name, TableClass="STANDARD_INFREQUENT_ACCESS")

    assert table["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"


def test_a_stream_is_enabled_and_disabled_once_each(control):
    name = control.create()
    enable = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    disable = {"StreamEnabled": False}

    assert refusal(control, name, StreamSpecification=disable) == invalid(
        f"Table has no stream to disable: TableName: {name}"
    )
    table = control.updated(name, StreamSpecification=enable)
    assert table["StreamSpecification"] == enable
    first = table["LatestStreamLabel"]
    for again in (enable, enable | {"StreamViewType": "NEW_IMAGE"}):
        assert refusal(control, name, StreamSpecification=again) == invalid(
            f"Table already has an enabled stream: TableName: {name}"
        )
    table = control.updated(name, StreamSpecification=disable)
    assert "StreamSpecification" not in table
    assert table["LatestStreamLabel"] == first  # The stream can still be read for a day.


# ----------------------------------------------------------------------------------------- indexes


def test_one_index_is_created_or_deleted_at_a_time(control):
    name = control.create(
        AttributeDefinitions=attributes(pk="S", a="S"), GlobalSecondaryIndexes=[index("old", "a")]
    )
    limit = (
        "LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created or "
        "deleted simultaneously per table"
    )
    both = {
        "GlobalSecondaryIndexUpdates": [
            {"Create": index("new", "b")},
            {"Delete": {"IndexName": "old"}},
        ],
        "AttributeDefinitions": attributes(b="S"),
    }
    assert refusal(control, name, **both) == limit

    outcomes = control.at_once(
        (
            "UpdateTable",
            {"TableName": name, **create("new", "b"), "AttributeDefinitions": attributes(b="S")},
        ),
        ("UpdateTable", {"TableName": name, **change("Delete", "old")}),
    )
    assert outcomes == [limit]
    blackbox.wait_until_active(control.client, name)


def test_an_index_cannot_be_deleted_while_it_is_allocated(control):
    name = control.create()

    outcomes = control.at_once(
        (
            "UpdateTable",
            {"TableName": name, **create("new", "b"), "AttributeDefinitions": attributes(b="S")},
        ),
        ("UpdateTable", {"TableName": name, **change("Delete", "new")}),
    )

    assert str(outcomes[0]).startswith(
        f"{IN_USE}Index creation is in resource allocation phase. Retry deletion during "
        "backfilling phase or when the index is active."
    )
    blackbox.wait_until_active(control.client, name)


@pytest.mark.parametrize(
    "members, refused",
    [
        pytest.param(
            {"GlobalSecondaryIndexUpdates": [{}]},
            invalid(
                PARAMETER + "One of GlobalSecondaryIndexUpdate.Update, "
                "GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be "
                "null"
            ),
            id="a change of nothing",
        ),
        pytest.param(
            {
                "GlobalSecondaryIndexUpdates": [
                    {"Delete": {"IndexName": "abc"}},
                    {"Update": {"IndexName": "abc", "ProvisionedThroughput": UNITS}},
                ]
            },
            invalid(
                PARAMETER + "Only one global secondary index update per index is allowed "
                "simultaneously. Index: abc"
            ),
            id="one index twice",
        ),
        pytest.param(
            create("global", "a", ProvisionedThroughput=UNITS)
            | {"AttributeDefinitions": attributes(a="S")},
            invalid("Attempting to create an index which already exists"),
            id="a name that is taken",
        ),
        pytest.param(
            create("local", "a", ProvisionedThroughput=UNITS)
            | {"AttributeDefinitions": attributes(a="S")},
            invalid("Attempting to create an index which already exists"),
            id="a name that a local index has",
        ),
        pytest.param(
            change("Delete", "local"),
            invalid("Cannot delete an index that is not a GlobalSecondaryIndex: local"),
            id="deleting a local index",
        ),
        pytest.param(
            change("Update", "local", ProvisionedThroughput=UNITS),
            invalid("Cannot update an index that is not a GlobalSecondaryIndex: local"),
            id="updating a local index",
        ),
        pytest.param(
            create("new", "x", ProvisionedThroughput=UNITS)
            | {"AttributeDefinitions": attributes(y="S")},
            invalid(
                PARAMETER + "Some index key attributes are not defined in AttributeDefinitions. "
                "Keys: [x], AttributeDefinitions: [y]"
            ),
            id="a key without definition",
        ),
        pytest.param(
            create("new", "x y", ProvisionedThroughput=UNITS)
            | {"AttributeDefinitions": attributes(y="S")},
            invalid("Invalid KeySchema: Some index key attribute have no definition"),
            id="fewer definitions than key attributes",
        ),
    ],
)
def test_changes_of_indexes_are_held_against_the_table(control, indexed, members, refused):
    assert refusal(control, indexed, **members) == refused


@pytest.mark.parametrize("action", ["Delete", "Update"])
def test_a_missing_index_is_not_found(control, indexed, action):
    more = {"ProvisionedThroughput": UNITS} if action == "Update" else {}

    assert refusal(control, indexed, **change(action, "none", **more)) == (
        f"ResourceNotFoundException: Requested resource not found: Index none for table {indexed}"
    )


def test_definitions_merge_by_name_and_keep_their_types(control):
    """Unused ones are dropped; a conflicting type is ignored, not refused."""
    name = control.create()

    table = control.updated(
        name,
        **create("new", "a"),
        AttributeDefinitions=attributes(a="N", pk="N", unused="S"),
    )

    assert table["AttributeDefinitions"] == attributes(a="N", pk="S")


def test_an_index_of_several_attributes_can_be_added(control):
    name = control.create()

    table = control.updated(
        name,
        GlobalSecondaryIndexUpdates=[{"Create": index("new", "a b", "c d")}],
        AttributeDefinitions=attributes(a="S", b="S", c="N", d="B"),
    )

    assert table["GlobalSecondaryIndexes"][0]["KeySchema"] == keys("a b", "c d")


@pytest.mark.parametrize(
    "wrong, text",
    [
        pytest.param(
            {
                "IndexName": "new",
                "KeySchema": [
                    {"AttributeName": "a", "KeyType": "RANGE"},
                    {"AttributeName": "b", "KeyType": "HASH"},
                ],
                "Projection": ALL,
            },
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
            id="RANGE first",
        ),
        pytest.param(
            index("new", "a a"),
            "The KeySchema contains multiple key attributes with the same name",
            id="an attribute twice",
        ),
        pytest.param(
            index("new", "a b c d e"),
            PARAMETER + "The KeySchema exceeds the maximum allowed number of HASH key attributes",
            id="five HASH attributes",
        ),
        pytest.param(
            index("new", "a", Projection={"ProjectionType": "INCLUDE"}),
            PARAMETER + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
            id="INCLUDE without attributes",
        ),
    ],
)
def test_a_new_index_is_checked_as_at_creation(control, on_demand, wrong, text):
    members = {
        "GlobalSecondaryIndexUpdates": [{"Create": wrong}],
        "AttributeDefinitions": attributes(**dict.fromkeys("abcde", "S")),
    }

    assert refusal(control, on_demand, **members) == invalid(text)


# -------------------------------------------------------------------------- the request as a whole


def test_a_request_without_change_is_refused(control, on_demand):
    answered = refusal(control, on_demand)

    assert answered.startswith(
        invalid(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
            "GlobalSecondaryIndexUpdates"
        )
    )
    assert answered.endswith(" is required")


def test_a_missing_table_is_reported_after_what_is_wrong_with_the_request_alone(control):
    assert refusal(control, "none", BillingMode="PAY_PER_REQUEST") == (
        "ResourceNotFoundException: Requested resource not found: Table: none not found"
    )
    assert refusal(control, "none").startswith(invalid("At least one of "))


@pytest.mark.parametrize(
    "members, sentences",
    [
        pytest.param(
            {"BillingMode": "x"},
            [constraint("billingMode", "x", enum("PROVISIONED", "PAY_PER_REQUEST"))],
            id="billing mode",
        ),
        pytest.param(
            {"ProvisionedThroughput": {"ReadCapacityUnits": 0}},
            [
                constraint("provisionedThroughput.writeCapacityUnits", None, "not be null"),
                constraint(
                    "provisionedThroughput.readCapacityUnits",
                    0,
                    "have value greater than or equal to 1",
                ),
            ],
            id="units",
        ),
        pytest.param(
            change("Delete", "ab"),
            [
                constraint(
                    "globalSecondaryIndexUpdates.1.member.delete.indexName",
                    "ab",
                    "have length greater than or equal to 3",
                )
            ],
            id="index name",
        ),
    ],
)
def test_members_that_break_a_rule_are_listed(control, members, sentences):
    assert refusal(control, "none", **members) == member_errors(*sentences)


def test_most_changes_go_alone(control, indexed):
    assert refusal(
        control, indexed, DeletionProtectionEnabled=True, BillingMode="PAY_PER_REQUEST"
    ) == invalid(
        PARAMETER + "DeletionProtection modification must be the only operation in the request"
    )
    assert refusal(
        control,
        indexed,
        ProvisionedThroughput={"ReadCapacityUnits": 6, "WriteCapacityUnits": 6},
        **change("Delete", "global"),
    ) == invalid(PARAMETER + "You cannot create or delete index while updating table IOPS")


def test_a_table_that_is_being_created_does_not_change(control):
    name, outcomes = control.just_begun(("UpdateTable", {"DeletionProtectionEnabled": True}))

    assert outcomes == [f"{IN_USE}Table is being created: {name}"]


def test_a_second_change_of_units_waits_for_the_first(control):
    name = control.provision()
    more, most = ({"ReadCapacityUnits": units, "WriteCapacityUnits": units} for units in (6, 7))

    outcomes = control.at_once(
        ("UpdateTable", {"TableName": name, "ProvisionedThroughput": more}),
        ("UpdateTable", {"TableName": name, "ProvisionedThroughput": most}),
    )

    assert str(outcomes[0]).startswith("ResourceInUseException: ")
    blackbox.wait_until_active(control.client, name)
