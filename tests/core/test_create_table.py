"""CreateTable: every refusal in DynamoDB's words, and the table that a good request makes."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from stator_core.errors import SerializationException, ValidationException
from stator_core.requests import create_table
from stator_core.requests.create_table import parse
from stator_core.table import KeyAttribute, KeySchema
from table_bodies import (
    ACCOUNT,
    NOW,
    REGION,
    TABLE_ID,
    UNITS,
    active,
    attributes,
    create_body,
    created,
    index,
    keys,
    provisioned_body,
    ranged_body,
)

P = "One or more parameter values were invalid: "
ENVELOPE = "1 validation error detected: "
INITIAL = (
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
    "on-demand-capacity-mode.html#on-demand-capacity-mode-initial"
)


def refusal(body: dict[str, Any]) -> str | None:
    with pytest.raises(ValidationException) as caught:
        parse(body)
    return caught.value.message


def lsi(name: str = "local", *names: str, **members: Any) -> dict[str, Any]:
    return index(name, *(names or ("pk", "a")), **members)


def gsi(name: str = "global", *names: str, **members: Any) -> dict[str, Any]:
    return index(name, *(names or ("a",)), **members)


def with_local(*indexes: dict[str, Any], **members: Any) -> dict[str, Any]:
    definitions = attributes(pk="S", sk="S", a="S")
    return ranged_body(
        **{
            "AttributeDefinitions": definitions,
            "LocalSecondaryIndexes": list(indexes),
            **members,
        }
    )


def with_global(*indexes: dict[str, Any], **members: Any) -> dict[str, Any]:
    return create_body(
        **{
            "AttributeDefinitions": attributes(pk="S", a="S"),
            "GlobalSecondaryIndexes": list(indexes),
            **members,
        }
    )


def schema(*elements: tuple[str, str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in elements]


def many(count_: int, make: Any) -> list[dict[str, Any]]:
    return [make(f"index{number}") for number in range(count_)]


@pytest.mark.parametrize(
    "body, message",
    [
        pytest.param(
            create_body(BillingMode=None),
            P + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode "
            "is PROVISIONED",
            id="t1: a table without a mode is PROVISIONED and needs its units",
        ),
        pytest.param(
            create_body(ProvisionedThroughput=UNITS),
            P + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
            "BillingMode is PAY_PER_REQUEST",
            id="t2: an on-demand table takes no units",
        ),
        pytest.param(
            provisioned_body(
                ProvisionedThroughput={
                    "ReadCapacityUnits": 1_000_000_000_001,
                    "WriteCapacityUnits": 1_000_000_000_001,
                }
            ),
            "Given value 1000000000001 for ReadCapacityUnits is out of bounds",
            id="t3: units have a bound, the read units named first",
        ),
        pytest.param(
            provisioned_body(
                AttributeDefinitions=attributes(pk="S", a="S"),
                GlobalSecondaryIndexes=[
                    gsi(
                        ProvisionedThroughput={
                            "ReadCapacityUnits": 1,
                            "WriteCapacityUnits": 1_000_000_000_001,
                        }
                    )
                ],
            ),
            "Given value 1000000000001 for WriteCapacityUnits is out of bounds for index global",
            id="t3: units of an index have it too",
        ),
        pytest.param(
            create_body(AttributeDefinitions=[]),
            "Invalid KeySchema: Some index key attribute have no definition",
            id="t4: fewer definitions than key attributes",
        ),
        pytest.param(
            create_body(KeySchema=keys("pk", "pk")),
            "Invalid KeySchema: Some index key attribute have no definition",
            id="t4: an attribute that is both keys counts twice",
        ),
        pytest.param(
            create_body(AttributeDefinitions=attributes(b="S")),
            P + "Some index key attributes are not defined in AttributeDefinitions. Keys: [pk], "
            "AttributeDefinitions: [b]",
            id="t5: another attribute is defined than the key's",
        ),
        pytest.param(
            create_body(AttributeDefinitions=attributes(pk="S", b="S"), KeySchema=keys("pk", "pk")),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
            id="t6: hash and range are two attributes",
        ),
        pytest.param(
            create_body(KeySchema=schema(("pk", "RANGE"))),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
            id="t7: the first element is the HASH",
        ),
        pytest.param(
            create_body(
                AttributeDefinitions=attributes(pk="S", b="S"),
                KeySchema=schema(("pk", "HASH"), ("b", "HASH")),
            ),
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
            id="t7: the second element is the RANGE",
        ),
        pytest.param(
            create_body(AttributeDefinitions=attributes(pk="S", spare="S")),
            P + "Number of attributes in KeySchema does not exactly match number of attributes "
            "defined in AttributeDefinitions",
            id="t8: a spare definition, on a table without indexes",
        ),
        pytest.param(
            with_local(),
            P + "List of LocalSecondaryIndexes is empty",
            id="t9: an empty list of local indexes",
        ),
        pytest.param(
            create_body(GlobalSecondaryIndexes=[]),
            P + "List of GlobalSecondaryIndexes is empty",
            id="t9: an empty list of global indexes",
        ),
        pytest.param(
            create_body(
                AttributeDefinitions=attributes(pk="S", a="S"), LocalSecondaryIndexes=[lsi()]
            ),
            P + "Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex",
            id="t10: local indexes need a table with a range key",
        ),
        pytest.param(
            with_local(lsi("local", "pk"), AttributeDefinitions=attributes(pk="S", sk="S")),
            P + "Index KeySchema does not have a range key for index: local",
            id="t11: a local index has a range key",
        ),
        pytest.param(
            with_local(lsi("local", "a", "pk")),
            P + "Index KeySchema does not have the same leading hash key as table KeySchema for "
            "index: local. index hash key: a, table hash key: pk",
            id="t12: a local index has the table's hash key",
        ),
        pytest.param(
            with_global(gsi(Projection={})),
            P + "Unknown ProjectionType: null",
            id="t13: a projection has a type",
        ),
        pytest.param(
            with_global(gsi(Projection={"ProjectionType": "ALL", "NonKeyAttributes": ["x"]})),
            P + "ProjectionType is ALL, but NonKeyAttributes is specified",
            id="t14: ALL names no attributes",
        ),
        pytest.param(
            with_local(lsi(Projection={"ProjectionType": "KEYS_ONLY", "NonKeyAttributes": ["x"]})),
            P + "ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified",
            id="t14: KEYS_ONLY names no attributes",
        ),
        pytest.param(
            with_global(gsi(Projection={"ProjectionType": "INCLUDE"})),
            P + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
            id="t15: INCLUDE names attributes",
        ),
        pytest.param(
            with_local(lsi("twice"), GlobalSecondaryIndexes=[gsi("twice")]),
            P + "Duplicate index name: twice",
            id="t16: both kinds of index share their names",
        ),
        pytest.param(
            with_local(*many(6, lsi)),
            P + "Number of LocalSecondaryIndexes exceeds per-table limit of 5",
            id="t17: five local indexes",
        ),
        pytest.param(
            with_global(*many(21, gsi)),
            P + "GlobalSecondaryIndex count exceeds the per-table limit of 20",
            id="t18: twenty global indexes",
        ),
        pytest.param(
            with_global(gsi(ProvisionedThroughput=UNITS)),
            P + "ProvisionedThroughput should not be specified for index: global when BillingMode "
            "is PAY_PER_REQUEST",
            id="t19: an index of an on-demand table takes no units",
        ),
        pytest.param(
            with_global(gsi(), BillingMode="PROVISIONED", ProvisionedThroughput=UNITS),
            P + "ProvisionedThroughput is not specified for index: global",
            id="t19: an index of a provisioned table needs units",
        ),
        pytest.param(
            create_body(KeySchema=schema(("pk", "HASH"), ("sk", "RANGE"), ("a", "RANGE"))),
            ENVELOPE + "Value '[KeySchemaElement(attributeName=pk, keyType=HASH), "
            "KeySchemaElement(attributeName=sk, keyType=RANGE), "
            "KeySchemaElement(attributeName=a, keyType=RANGE)]' at 'keySchema' failed to satisfy "
            "constraint: Member must have length less than or equal to 2",
            id="t20: a table's key has at most two elements",
        ),
        pytest.param(
            create_body(
                StreamSpecification={"StreamEnabled": False, "StreamViewType": "NEW_IMAGE"}
            ),
            P + "Table is being created with a stream disabled, UpdateViewType should not be "
            "specified",
            id="t21: a stream that is off has no view type",
        ),
        pytest.param(
            provisioned_body(OnDemandThroughput={"MaxReadRequestUnits": 1}),
            P + "MaxReadRequestUnits for OnDemandThroughput cannot be specified when table "
            "BillingMode is PROVISIONED.",
            id="t23: caps are for on-demand tables",
        ),
        pytest.param(
            create_body(AttributeDefinitions=[*attributes(pk="S"), *attributes(pk="N")]),
            "Attribute Name is duplicated: pk",
            id="t24: an attribute is defined once",
        ),
    ],
)
def test_each_rule_of_a_new_table_has_its_own_refusal(body: dict[str, Any], message: str) -> None:
    assert refusal(body) == message


@pytest.mark.parametrize(
    "body, message",
    [
        pytest.param(
            with_global(
                gsi(), AttributeDefinitions=attributes(sk="S", a="S", b="S", pk="S", c="S")
            ),
            P + "Some AttributeDefinitions are not used. "
            "AttributeDefinitions: [sk, a, b, pk, c], keys used: [a, pk]",
            id="26.96: a spare definition, on a table with indexes, in Java's order",
        ),
        pytest.param(
            with_global(
                gsi("global", "q", Projection={}),
                AttributeDefinitions=attributes(pk="S", sk="S"),
                KeySchema=keys("pk", "sk"),
            ),
            P + "Some index key attributes are not defined in AttributeDefinitions. Keys: [q], "
            "AttributeDefinitions: [sk, pk]",
            id="26.96: an undefined index key, before anything else about the index",
        ),
        pytest.param(
            with_global(gsi("global", "a", "b"), AttributeDefinitions=attributes(pk="S")),
            "Invalid KeySchema: Some index key attribute have no definition",
            id="26.96: fewer definitions than the index has key attributes",
        ),
        pytest.param(
            with_local(lsi("l1"), GlobalSecondaryIndexes=[gsi("g1")]),
            "2 validation errors detected: Value 'g1' at "
            "'globalSecondaryIndexes.1.member.indexName' failed to satisfy constraint: Member must "
            "have length greater than or equal to 3; Value 'l1' at "
            "'localSecondaryIndexes.1.member.indexName' failed to satisfy constraint: Member must "
            "have length greater than or equal to 3",
            id="26.97: members of global indexes are listed first",
        ),
        pytest.param(
            with_local(lsi(KeySchema=schema(("pk", "HASH"), ("a", "RANGE"), ("sk", "RANGE")))),
            ENVELOPE + "Value '[KeySchemaElement(attributeName=pk, keyType=HASH), "
            "KeySchemaElement(attributeName=a, keyType=RANGE), "
            "KeySchemaElement(attributeName=sk, keyType=RANGE)]' at 'keySchema' failed to satisfy "
            "constraint: Member must have length less than or equal to 2",
            id="26.97: the path of an index's schema is the table's",
        ),
        pytest.param(
            create_body(OnDemandThroughput={"MaxReadRequestUnits": 0, "MaxWriteRequestUnits": 0}),
            P + "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of "
            "valid range",
            id="26.100: caps begin with 1",
        ),
        pytest.param(
            create_body(OnDemandThroughput={"MaxWriteRequestUnits": -1}),
            P + "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of "
            "valid range",
            id="26.100: -1 is for UpdateTable",
        ),
        pytest.param(
            with_global(gsi(OnDemandThroughput={"MaxReadRequestUnits": 0})),
            P + "Requested MaxReadRequestUnits for OnDemandThroughput for index : global is "
            "outside of valid range",
            id="26.100: caps of an index",
        ),
        pytest.param(
            with_global(
                gsi(ProvisionedThroughput=UNITS, OnDemandThroughput={"MaxWriteRequestUnits": 5}),
                BillingMode="PROVISIONED",
                ProvisionedThroughput=UNITS,
            ),
            P + "MaxWriteRequestUnits for OnDemandThroughput for index: global cannot be specified "
            "when table BillingMode is PROVISIONED.",
            id="26.100: caps of an index of a provisioned table",
        ),
        pytest.param(
            create_body(StreamSpecification={"StreamEnabled": True}),
            P + "Table is being created with a stream enabled, UpdateViewType is required",
            id="a stream has a view type",
        ),
        pytest.param(
            create_body(WarmThroughput={"ReadUnitsPerSecond": 1}),
            P + "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than initial "
            f"throughput for OnDemand. See: {INITIAL}",
            id="warm units begin with what on-demand gives anyway",
        ),
        pytest.param(
            provisioned_body(WarmThroughput={"ReadUnitsPerSecond": 5, "WriteUnitsPerSecond": 4}),
            P + "Requested WriteUnitsPerSecond for WarmThroughput for table is lower than "
            "WriteCapacityUnits of ProvisionedThroughput",
            id="warm units begin with what is provisioned",
        ),
        pytest.param(
            with_global(gsi(WarmThroughput={"WriteUnitsPerSecond": 3_999})),
            P + "Requested WriteUnitsPerSecond for WarmThroughput for index global is lower than "
            f"initial throughput for OnDemand. See: {INITIAL}",
            id="warm units of an index",
        ),
        pytest.param(
            create_body(TableClass="GLACIER"),
            "Invalid table-class parameter provided. Please try again with a valid table-class "
            "value: [STANDARD, STANDARD_INFREQUENT_ACCESS].",
            id="an unknown class",
        ),
        pytest.param(
            create_body(Tags=[{"Key": "aws:foo", "Value": "x"}]),
            "Tag Key cannot be prefixed with aws:, Key: aws:foo",
            id="tags are judged as TagResource judges them",
        ),
        pytest.param(
            create_body(ResourcePolicy="[]"),
            P + "Invalid policy document: This policy contains invalid Json",
            id="a policy is a JSON object",
        ),
        pytest.param(
            create_body(VectorIndexes=[{}]),
            P + "VectorIndexes is not supported yet",
            id="vector indexes are refused, not ignored",
        ),
        pytest.param(
            create_body(GlobalTableSourceArn="arn:aws:dynamodb:eu-west-2:1:table/T"),
            P + "GlobalTableSourceArn is not supported yet",
            id="global tables are refused, not ignored",
        ),
    ],
)
def test_newer_rules_have_their_own_refusals(body: dict[str, Any], message: str) -> None:
    assert refusal(body) == message


@pytest.mark.parametrize(
    "elements, message",
    [
        pytest.param(
            (("a", "HASH"), ("a", "RANGE")),
            "The KeySchema contains multiple key attributes with the same name",
            id="26.98: each attribute once",
        ),
        pytest.param(
            (("a", "HASH"), ("b", "RANGE"), ("c", "HASH")),
            P + "All HASH key attributes must precede RANGE key attributes in the KeySchema",
            id="26.98: HASH before RANGE",
        ),
        pytest.param(
            (("b", "RANGE"), ("a", "HASH")),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
            id="26.98: HASH first",
        ),
        pytest.param(
            tuple((f"h{number}", "HASH") for number in range(5)),
            P + "The KeySchema exceeds the maximum allowed number of HASH key attributes",
            id="26.98: four HASH",
        ),
        pytest.param(
            (("a", "HASH"), *((f"r{number}", "RANGE") for number in range(5))),
            P + "The KeySchema exceeds the maximum allowed number of RANGE key attributes",
            id="26.98: four RANGE",
        ),
    ],
)
def test_the_key_of_a_global_index_has_a_shape(
    elements: tuple[tuple[str, str], ...], message: str
) -> None:
    definitions = attributes(pk="S", **{name: "S" for name, _ in elements})
    # Spare definitions keep the count of definitions out of the question.
    body = with_global(gsi(KeySchema=schema(*elements)), AttributeDefinitions=definitions)

    assert refusal(body) == message


def test_the_table_s_name_is_asked_for_before_everything_else() -> None:
    assert refusal(create_body(TableName=None, KeySchema=None)) == (
        "The parameter 'TableName' is required but was not present in the request"
    )
    assert refusal(create_body(TableName="ab", BillingMode="X")) == (
        ENVELOPE + "Value 'ab' at 'tableName' failed to satisfy constraint: Member must have "
        "length greater than or equal to 3"
    )
    assert refusal(create_body(TableName="", KeySchema=[])) == (
        "2 validation errors detected: Value '' at 'tableName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 3; Value '' at 'tableName' failed to "
        "satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    )


def test_wrong_members_are_listed_together() -> None:
    body = provisioned_body(
        AttributeDefinitions=[{}],
        BillingMode="FREE",
        ProvisionedThroughput={"ReadCapacityUnits": 0},
        KeySchema=[],
    )
    tail = " failed to satisfy constraint: Member must "

    assert refusal(body) == (
        "6 validation errors detected: "
        f"Value null at 'attributeDefinitions.1.member.attributeType'{tail}not be null; "
        f"Value null at 'attributeDefinitions.1.member.attributeName'{tail}not be null; "
        f"Value 'FREE' at 'billingMode'{tail}satisfy enum value set: "
        "[PROVISIONED, PAY_PER_REQUEST]; "
        f"Value null at 'provisionedThroughput.writeCapacityUnits'{tail}not be null; "
        f"Value '0' at 'provisionedThroughput.readCapacityUnits'{tail}have value greater than or "
        f"equal to 1; Value '[]' at 'keySchema'{tail}have length greater than or equal to 1"
    )


def test_types_come_before_constraints() -> None:
    with pytest.raises(SerializationException) as caught:
        parse(create_body(TableName="x", BillingMode=1))

    assert caught.value.message == "NUMBER_VALUE cannot be converted to String"


def test_a_request_with_everything_makes_the_table_it_asks_for() -> None:
    request = parse(
        ranged_body(
            LocalSecondaryIndexes=[
                lsi(Projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["zz", "aa"]})
            ],
            GlobalSecondaryIndexes=[
                gsi("by-b", "b", OnDemandThroughput={"MaxReadRequestUnits": 7}),
                gsi("by-a", "a", "b", WarmThroughput={"ReadUnitsPerSecond": 13_000}),
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "k"},
            TableClass="STANDARD_INFREQUENT_ACCESS",
            DeletionProtectionEnabled=True,
            OnDemandThroughput={"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 5},
            WarmThroughput={"WriteUnitsPerSecond": 5_000},
            Tags=[{"Key": "team", "Value": ""}],
            ResourcePolicy='{"Statement": []}',
        )
    )
    table = request.table(count(40), TABLE_ID, NOW, REGION, ACCOUNT)

    assert table.status == "CREATING"
    assert (table.identifier, [one.identifier for one in table.indexes]) == (40, [41, 42, 43])
    assert table.arn == "arn:aws:dynamodb:eu-west-2:123456789012:table/Music"
    assert table.key_schema == KeySchema((KeyAttribute("pk", "S"),), (KeyAttribute("sk", "S"),))
    assert [one.name for one in table.attribute_definitions] == ["a", "b", "pk", "sk"]
    assert table.local_indexes[0].projection.non_key_attributes == ("aa", "zz")
    assert [one.name for one in table.global_indexes] == ["by-b", "by-a"]
    assert {one.status for one in table.indexes} == {"CREATING"}
    assert {one.backfilling for one in table.indexes} == {None}
    assert table.global_indexes[1].key_schema.range == (KeyAttribute("b", "N"),)
    assert table.global_indexes[1].warm_throughput == (13_000, 4_000)
    assert table.warm_throughput == (12_000, 5_000)
    assert table.last_update_to_pay_per_request == NOW
    assert table.latest_stream_label == "2023-11-14T22:13:20.250"
    assert table.sse == {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "k"}
    assert table.table_class == "STANDARD_INFREQUENT_ACCESS"
    assert table.deletion_protection
    assert table.tags == (("team", ""),)
    assert table.resource_policy == '{"Statement": []}'


def test_a_provisioned_table_remembers_its_units_and_says_nothing_of_its_mode() -> None:
    table = created(
        provisioned_body(
            BillingMode=None,
            AttributeDefinitions=attributes(pk="S", a="S"),
            GlobalSecondaryIndexes=[gsi(ProvisionedThroughput=UNITS)],
        )
    )

    assert table.billing_mode == "PROVISIONED"
    assert table.last_update_to_pay_per_request is None
    assert table.throughput.read_capacity_units == 5
    assert table.global_indexes[0].throughput.write_capacity_units == 5
    assert table.warm_throughput is None


@pytest.mark.parametrize(
    "members",
    [
        {"Tags": []},
        {"OnDemandThroughput": {}},
        {"WarmThroughput": {}},
        {"SSESpecification": {}},
        {"SSESpecification": {"Enabled": False}},
        {"StreamSpecification": {"StreamEnabled": False}},
        {"TableClass": "STANDARD"},
        {"DeletionProtectionEnabled": False},
        {"GlobalSecondaryIndexes": None, "LocalSecondaryIndexes": None},
        {"SomethingNewer": {"a": 1}},
    ],
)
def test_what_asks_for_nothing_special_makes_a_plain_table(members: dict[str, Any]) -> None:
    assert created(create_body(**members)) == created(create_body())


def test_four_hash_and_four_range_attributes_make_an_index() -> None:
    elements = tuple((f"h{n}", "HASH") for n in range(4)) + tuple(
        (f"r{n}", "RANGE") for n in range(4)
    )
    table = active(
        with_global(
            gsi(KeySchema=schema(*elements)),
            AttributeDefinitions=attributes(pk="S", **{name: "N" for name, _ in elements}),
        )
    )

    assert table.global_indexes[0].key_schema.names == tuple(name for name, _ in elements)


def test_an_index_may_repeat_the_table_s_key_and_carry_its_name() -> None:
    body = ranged_body(
        AttributeDefinitions=attributes(pk="S", sk="S"),
        LocalSecondaryIndexes=[lsi("local", "pk", "sk")],
        GlobalSecondaryIndexes=[gsi("Music", "pk", "sk")],
    )

    assert [one.name for one in created(body).indexes] == ["local", "Music"]


def test_a_table_s_arn_may_stand_for_its_name() -> None:
    arn = "arn:aws:dynamodb:eu-west-2:123456789012:table/Music"

    assert parse(create_body(TableName=arn)).table_name == "Music"


def test_the_answer_shows_the_table_in_creating() -> None:
    request = parse(create_body())
    table = request.table(count(1), TABLE_ID, NOW, REGION, ACCOUNT)
    shown = request.answer(table)["TableDescription"]

    assert shown["TableStatus"] == "CREATING"
    assert shown["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    assert "WarmThroughput" not in shown


def test_units_of_a_new_table_are_what_it_is_warm_for() -> None:
    assert create_table.initial_warm_throughput("PAY_PER_REQUEST", None) == (12_000, 4_000)
    assert create_table.initial_warm_throughput("PROVISIONED", create_table.Units(3, 2)) == (3, 2)
