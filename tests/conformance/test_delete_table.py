"""DeleteTable takes a table away with all that it holds, unless it is protected or in the making.

It is DELETING for a while, and then as if it had never been. AWS: API reference, DeleteTable.
"""

from __future__ import annotations

import blackbox
from control_plane import attributes, index, table_body
from item_table import invalid

IN_USE = "ResourceInUseException: Attempt to change a resource which is still in use: "
PROTECTED = invalid(
    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion "
    "protection first."
)


def test_a_table_is_deleting_at_first_and_gone_soon(control):
    name = control.create()

    description = control.client.delete_table(TableName=name)["TableDescription"]

    assert (description["TableName"], description["TableStatus"]) == (name, "DELETING")
    control.gone(name)
    assert name not in control.client.list_tables()["TableNames"]
    assert control.refusal("GetItem", TableName=name, Key={"pk": {"S": "a"}}) == (
        "ResourceNotFoundException: Requested resource not found"
    )


def test_a_table_that_is_being_deleted_serves_no_data(control):
    """(unconfirmed: DynamoDB may serve it shortly)"""
    name = control.create()
    control.client.delete_table(TableName=name)

    assert control.refusal("PutItem", TableName=name, Item={"pk": {"S": "a"}}) == (
        "ResourceNotFoundException: Requested resource not found"
    )
    control.gone(name)


def test_a_table_made_again_is_empty_and_another(control):
    old = control.describe(control.create())
    name = old["TableName"]
    control.client.put_item(TableName=name, Item={"pk": {"S": "a"}})
    control.client.delete_table(TableName=name)
    control.gone(name)

    control.client.create_table(**table_body(TableName=name))
    blackbox.wait_until_active(control.client, name)

    assert control.client.scan(TableName=name)["Count"] == 0
    assert control.describe(name)["TableId"] != old["TableId"]


def test_indexes_go_with_their_table(control):
    body = table_body(
        AttributeDefinitions=attributes(pk="S", a="S"), GlobalSecondaryIndexes=[index("abc", "a")]
    )
    name = control.settled(control.begin(body))
    control.client.put_item(TableName=name, Item={"pk": {"S": "a"}, "a": {"S": "a"}})
    control.client.delete_table(TableName=name)
    control.gone(name)

    control.client.create_table(**body | {"TableName": name})
    blackbox.wait_until_active(control.client, name)

    assert control.client.scan(TableName=name, IndexName="abc")["Count"] == 0


def test_a_protected_table_stays(control):
    name = control.create(DeletionProtectionEnabled=True)

    assert control.refusal("DeleteTable", TableName=name) == PROTECTED
    assert control.describe(name)["TableStatus"] == "ACTIVE"
    control.update(name, DeletionProtectionEnabled=False)
    control.client.delete_table(TableName=name)
    control.gone(name)


def test_a_table_in_the_making_stays(control):
    name, outcomes = control.just_begun(("DeleteTable", {}))

    assert outcomes == [f"{IN_USE}Table is being created: {name}"]


def test_a_table_under_change_stays(control):
    name = control.provision()
    units = {"ReadCapacityUnits": 6, "WriteCapacityUnits": 6}

    outcomes = control.at_once(
        ("UpdateTable", {"TableName": name, "ProvisionedThroughput": units}),
        ("DeleteTable", {"TableName": name}),
    )

    assert outcomes == [f"{IN_USE}Table: {name} is in the process of being updated."]
    blackbox.wait_until_active(control.client, name)


def test_a_table_whose_index_is_in_the_making_stays(control):
    name = control.create()
    create = {
        "GlobalSecondaryIndexUpdates": [{"Create": index("abc", "a")}],
        "AttributeDefinitions": attributes(a="S"),
    }

    outcomes = control.at_once(
        ("UpdateTable", {"TableName": name} | create), ("DeleteTable", {"TableName": name})
    )

    assert str(outcomes[0]).startswith(IN_USE)
    blackbox.wait_until_active(control.client, name)


def test_a_table_is_also_found_by_its_arn(control):
    name = control.create()
    arn = control.describe(name)["TableArn"]

    assert control.client.delete_table(TableName=arn)["TableDescription"]["TableName"] == name
    control.gone(name)
