"""CreateTable makes a table that is CREATING at first and ACTIVE soon; what is wrong is refused.

Types and constraints of members come first, then billing, then definitions and keys, then indexes.
AWS: API reference, CreateTable; error texts as DynamoDB answers (captured 2026-10).
"""

from __future__ import annotations

import re
from typing import Any

import pytest

import blackbox
from control_plane import UNITS, attributes, index, keys, provisioned, table_body
from item_table import PARAMETER, constraint, enum, invalid, member_errors

NAME_PATTERN = "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
RANGED: dict[str, Any] = {
    "AttributeDefinitions": attributes(pk="S", sk="S", a="S"),
    "KeySchema": keys("pk", "sk"),
}


def test_a_table_is_creating_at_first_and_active_soon(control):
    description = control.begin(table_body())

    assert description["TableStatus"] == "CREATING"
    assert description["KeySchema"] == keys("pk")
    assert description["AttributeDefinitions"] == attributes(pk="S")
    assert (description["ItemCount"], description["TableSizeBytes"]) == (0, 0)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", description["TableId"])
    name = description["TableName"]
    assert re.fullmatch(
        rf"arn:aws:dynamodb:us-east-1:\d{{12}}:table/{re.escape(name)}", description["TableArn"]
    )
    blackbox.wait_until_active(control.client, name)
    control.client.put_item(TableName=name, Item={"pk": {"S": "a"}})


def test_a_table_that_is_being_created_serves_no_data(control):
    key = {"pk": {"S": "a"}}

    _, outcomes = control.just_begun(
        ("PutItem", {"Item": key}), ("GetItem", {"Key": key}), ("Scan", {})
    )

    assert set(outcomes) == {"ResourceNotFoundException: Requested resource not found"}


def test_a_name_is_taken_while_its_table_lives(control):
    """While it is created the text says so (unconfirmed)."""
    name, outcomes = control.just_begun(("CreateTable", table_body(TableName=None)))

    being_created = "Attempt to change a resource which is still in use: Table is being created: "
    assert outcomes == [f"ResourceInUseException: {being_created}{name}"]
    assert control.refusal("CreateTable", **table_body(TableName=name)) == (
        f"ResourceInUseException: Table already exists: {name}"
    )


def test_on_demand_shows_no_units_and_when_it_was_chosen(control):
    description = control.begin(table_body())

    assert description["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    throughput = description["ProvisionedThroughput"]
    assert (throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]) == (0, 0)
    assert throughput["NumberOfDecreasesToday"] == 0


@pytest.mark.parametrize("mode", [None, "PROVISIONED"])
def test_provisioned_is_the_default(control, mode):
    description = control.begin(provisioned(BillingMode=mode))

    assert "BillingModeSummary" not in description
    throughput = description["ProvisionedThroughput"]
    assert (throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]) == (5, 5)


def test_settings_are_described_where_they_differ_from_what_is_usual(control):
    plain = control.describe(control.create())
    assert plain["DeletionProtectionEnabled"] is False
    for member in ("StreamSpecification", "SSEDescription", "TableClassSummary", "LatestStreamArn"):
        assert member not in plain

    name = control.create(
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        SSESpecification={"Enabled": True},
        TableClass="STANDARD_INFREQUENT_ACCESS",
        DeletionProtectionEnabled=True,
        OnDemandThroughput={"MaxReadRequestUnits": 10},
        Tags=[{"Key": "a", "Value": "b"}],
    )
    described = control.describe(name)
    assert described["StreamSpecification"] == {
        "StreamEnabled": True, "StreamViewType": "NEW_IMAGE",
    }  # fmt: skip
    label = described["LatestStreamLabel"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", label)
    assert described["LatestStreamArn"] == f"{described['TableArn']}/stream/{label}"
    assert described["SSEDescription"]["SSEType"] == "KMS"
    assert described["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert described["DeletionProtectionEnabled"] is True
    assert described["OnDemandThroughput"] == {"MaxReadRequestUnits": 10}
    tags = control.client.list_tags_of_resource(ResourceArn=described["TableArn"])
    assert tags["Tags"] == [{"Key": "a", "Value": "b"}]


# ------------------------------------------------------------------------------------ constraints


@pytest.mark.parametrize(
    "name, text",
    [
        pytest.param(
            None,
            "The parameter 'TableName' is required but was not present in the request",
            id="missing",
        ),
        pytest.param(
            "ab",
            "1 validation error detected: "
            + constraint("tableName", "ab", "have length greater than or equal to 3"),
            id="too short",
        ),
        pytest.param(
            "x" * 256,
            "1 validation error detected: "
            + constraint("tableName", "x" * 256, "have length less than or equal to 255"),
            id="too long",
        ),
        pytest.param(
            "a b c",
            "1 validation error detected: " + constraint("tableName", "a b c", NAME_PATTERN),
            id="a character that no name has",
        ),
    ],
)
def test_a_name_is_refused_before_everything_else(control, name, text):
    """(the order is unconfirmed)"""
    body = table_body(TableName=name, BillingMode="x", KeySchema=[])

    assert control.refusal("CreateTable", **body) == invalid(text)


@pytest.mark.parametrize(
    "members, sentences",
    [
        pytest.param(
            {"AttributeDefinitions": None},
            [constraint("attributeDefinitions", None, "not be null")],
            id="no definitions",
        ),
        pytest.param(
            {"KeySchema": None}, [constraint("keySchema", None, "not be null")], id="no key"
        ),
        pytest.param(
            {"KeySchema": []},
            [constraint("keySchema", "[]", "have length greater than or equal to 1")],
            id="an empty key",
        ),
        pytest.param(
            {"AttributeDefinitions": attributes(pk="X")},
            [constraint("attributeDefinitions.1.member.attributeType", "X", enum("B", "N", "S"))],
            id="a type that no key has",
        ),
        pytest.param(
            {"KeySchema": [{"AttributeName": "pk", "KeyType": "PRIMARY"}]},
            [constraint("keySchema.1.member.keyType", "PRIMARY", enum("HASH", "RANGE"))],
            id="a role that no attribute has",
        ),
        pytest.param(
            {"BillingMode": "FREE"},
            [constraint("billingMode", "FREE", enum("PROVISIONED", "PAY_PER_REQUEST"))],
            id="a billing mode that there is not",
        ),
        pytest.param(
            {"KeySchema": [*keys("pk", "sk"), {"AttributeName": "a", "KeyType": "RANGE"}]},
            [
                constraint(
                    "keySchema",
                    "[KeySchemaElement(attributeName=pk, keyType=HASH), "
                    "KeySchemaElement(attributeName=sk, keyType=RANGE), "
                    "KeySchemaElement(attributeName=a, keyType=RANGE)]",
                    "have length less than or equal to 2",
                )
            ],
            id="three key attributes",
        ),
        pytest.param(
            {"GlobalSecondaryIndexes": [index("ab", "pk", Projection=None)]},
            [
                constraint("globalSecondaryIndexes.1.member.projection", None, "not be null"),
                constraint(
                    "globalSecondaryIndexes.1.member.indexName",
                    "ab",
                    "have length greater than or equal to 3",
                ),
            ],
            id="an index with a short name and no projection",
        ),
        pytest.param(
            {
                "LocalSecondaryIndexes": [index("a!", "pk")],
                "GlobalSecondaryIndexes": [index("b!c", "pk")],
            },
            [
                constraint("globalSecondaryIndexes.1.member.indexName", "b!c", NAME_PATTERN),
                constraint(
                    "localSecondaryIndexes.1.member.indexName",
                    "a!",
                    "have length greater than or equal to 3",
                ),
                constraint("localSecondaryIndexes.1.member.indexName", "a!", NAME_PATTERN),
            ],
            id="global indexes are listed before local ones",
        ),
        pytest.param(
            {"GlobalSecondaryIndexes": [index("abc", "pk", Projection={"ProjectionType": "X"})]},
            [
                constraint(
                    "globalSecondaryIndexes.1.member.projection.projectionType",
                    "X",
                    enum("ALL", "INCLUDE", "KEYS_ONLY"),
                )
            ],
            id="a projection that there is not",
        ),
    ],
)
def test_members_that_break_a_rule_are_listed(control, members, sentences):
    assert control.refusal("CreateTable", **table_body(**members)) == member_errors(*sentences)


def test_units_are_at_least_one(control):
    body = provisioned(ProvisionedThroughput={"ReadCapacityUnits": 0, "WriteCapacityUnits": -1})

    assert control.refusal("CreateTable", **body) == member_errors(
        constraint(
            "provisionedThroughput.writeCapacityUnits", -1, "have value greater than or equal to 1"
        ),
        constraint(
            "provisionedThroughput.readCapacityUnits", 0, "have value greater than or equal to 1"
        ),
    )


# ------------------------------------------------------------------------------- billing and keys


@pytest.mark.parametrize(
    "body, text",
    [
        pytest.param(
            table_body(BillingMode=None),
            PARAMETER + "ReadCapacityUnits and WriteCapacityUnits must both be specified when "
            "BillingMode is PROVISIONED",
            id="provisioned without units",
        ),
        pytest.param(
            table_body(ProvisionedThroughput=UNITS),
            PARAMETER + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
            "BillingMode is PAY_PER_REQUEST",
            id="on demand with units",
        ),
        pytest.param(
            provisioned(ProvisionedThroughput=UNITS | {"ReadCapacityUnits": 1_000_000_000_001}),
            "Given value 1000000000001 for ReadCapacityUnits is out of bounds",
            id="units beyond all bounds",
        ),
        pytest.param(
            provisioned(
                **RANGED,
                GlobalSecondaryIndexes=[
                    index(
                        "abc",
                        "a",
                        ProvisionedThroughput=UNITS | {"WriteCapacityUnits": 1_000_000_000_001},
                    )
                ],
            ),
            "Given value 1000000000001 for WriteCapacityUnits is out of bounds for index abc",
            id="units of an index beyond all bounds",
        ),
        pytest.param(
            table_body(AttributeDefinitions=attributes(pk="S"), KeySchema=keys("pk", "sk")),
            "Invalid KeySchema: Some index key attribute have no definition",
            id="fewer definitions than key attributes",
        ),
        pytest.param(
            table_body(AttributeDefinitions=attributes(a="S")),
            PARAMETER + "Some index key attributes are not defined in AttributeDefinitions. Keys: "
            "[pk], AttributeDefinitions: [a]",
            id="a key without definition",
        ),
        pytest.param(
            table_body(
                AttributeDefinitions=attributes(pk="S", a="S"),
                GlobalSecondaryIndexes=[index("abc", "b")],
            ),
            PARAMETER + "Some index key attributes are not defined in AttributeDefinitions. Keys: "
            "[b], AttributeDefinitions: [a, pk]",
            id="the key of an index without definition",
        ),
        pytest.param(
            table_body(
                AttributeDefinitions=attributes(pk="S", sk="S"),
                KeySchema=[*keys("pk"), {"AttributeName": "pk", "KeyType": "RANGE"}],
            ),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
            id="one attribute in both roles",
        ),
        pytest.param(
            table_body(KeySchema=[{"AttributeName": "pk", "KeyType": "RANGE"}]),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
            id="no HASH attribute",
        ),
        pytest.param(
            table_body(AttributeDefinitions=attributes(pk="S", sk="S"), KeySchema=keys("pk sk")),
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
            id="two HASH attributes",
        ),
        pytest.param(
            table_body(AttributeDefinitions=attributes(pk="S", a="S")),
            PARAMETER + "Number of attributes in KeySchema does not exactly match number of "
            "attributes defined in AttributeDefinitions",
            id="a definition too many",
        ),
        pytest.param(
            table_body(
                AttributeDefinitions=attributes(pk="S", a="S", b="S"),
                GlobalSecondaryIndexes=[index("abc", "a")],
            ),
            PARAMETER + "Some AttributeDefinitions are not used. AttributeDefinitions: [a, b, pk], "
            "keys used: [a, pk]",
            id="a definition too many, with an index",
        ),
        pytest.param(
            table_body(AttributeDefinitions=attributes(pk="S") * 2),
            "Attribute Name is duplicated: pk",
            id="an attribute defined twice (unconfirmed)",
        ),
    ],
)
def test_billing_and_keys_are_held_against_each_other(control, body, text):
    answered = control.refusal("CreateTable", **body)

    # Sets are printed in the order of a hash, which is not the promise here.
    assert sorted(re.findall(r"\w+|\W", answered)) == sorted(re.findall(r"\w+|\W", invalid(text)))


# --------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "body, text",
    [
        pytest.param(
            table_body(StreamSpecification={"StreamEnabled": False, "StreamViewType": "NEW_IMAGE"}),
            "Table is being created with a stream disabled, UpdateViewType should not be specified",
            id="a view type without stream",
        ),
        pytest.param(
            provisioned(OnDemandThroughput={"MaxReadRequestUnits": 5, "MaxWriteRequestUnits": 5}),
            "MaxReadRequestUnits for OnDemandThroughput cannot be specified when table BillingMode "
            "is PROVISIONED.",
            id="a cap on reads of a provisioned table",
        ),
        pytest.param(
            provisioned(OnDemandThroughput={"MaxWriteRequestUnits": 5}),
            "MaxWriteRequestUnits for OnDemandThroughput cannot be specified when table "
            "BillingMode is PROVISIONED.",
            id="a cap on writes of a provisioned table",
        ),
        *(
            pytest.param(
                table_body(OnDemandThroughput={"MaxReadRequestUnits": units}),
                "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of "
                "valid range",
                id=f"a cap of {units}",
            )
            for units in (0, -1, -2)
        ),
    ],
)
def test_settings_are_held_against_the_billing_mode(control, body, text):
    assert control.refusal("CreateTable", **body) == invalid(PARAMETER + text)


def test_an_empty_cap_is_none(control):
    name = control.create(OnDemandThroughput={})

    assert "OnDemandThroughput" not in control.describe(name)


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"KeySchema": "pk"}, id="a string for a list"),
        pytest.param({"BillingMode": 1}, id="a number for a string"),
        pytest.param({"DeletionProtectionEnabled": "maybe"}, id="a word for a boolean"),
        pytest.param(
            {"ProvisionedThroughput": {"ReadCapacityUnits": "5"}}, id="a string for a number"
        ),
    ],
)
def test_types_come_before_everything(control, members):
    refusal = control.refusal("CreateTable", **table_body(TableName="x", **members))

    assert refusal.startswith("SerializationException: ")
