"""Indexes come with their table: five local ones and twenty global ones at most.

Their keys are held against the table's definitions, their projections against themselves. AWS: API
reference, CreateTable; "Service, account, and table quotas"; error texts as DynamoDB answers
(captured 2026-10).
"""

from __future__ import annotations

from typing import Any

import pytest

from control_plane import ALL, UNITS, attributes, index, keys, provisioned, table_body
from item_table import PARAMETER, constraint, invalid, member_errors

RANGED: dict[str, Any] = {
    "AttributeDefinitions": attributes(pk="S", sk="S", a="S"),
    "KeySchema": keys("pk", "sk"),
}
INDEXED = RANGED | {"AttributeDefinitions": attributes(pk="S", a="S"), "KeySchema": keys("pk")}


def test_indexes_are_described_with_their_keys_and_projections(control):
    description = control.begin(
        provisioned(
            AttributeDefinitions=attributes(pk="S", sk="N", a="S", b="B"),
            KeySchema=keys("pk", "sk"),
            LocalSecondaryIndexes=[
                index("local", "pk", "a", Projection={"ProjectionType": "KEYS_ONLY"})
            ],
            GlobalSecondaryIndexes=[
                index(
                    "global",
                    "b",
                    "sk",
                    Projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "y"]},
                    ProvisionedThroughput=UNITS,
                )
            ],
        )
    )

    (local,) = description["LocalSecondaryIndexes"]
    (global_,) = description["GlobalSecondaryIndexes"]
    arn = description["TableArn"]
    assert local == {
        "IndexName": "local",
        "KeySchema": keys("pk", "a"),
        "Projection": {"ProjectionType": "KEYS_ONLY"},
        "IndexSizeBytes": 0,
        "ItemCount": 0,
        "IndexArn": f"{arn}/index/local",
    }
    assert global_["IndexStatus"] == "CREATING"
    assert global_["KeySchema"] == keys("b", "sk")
    assert sorted(global_["Projection"]["NonKeyAttributes"]) == ["x", "y"]
    assert global_["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    assert global_["IndexArn"] == f"{arn}/index/global"


def test_twenty_global_and_five_local_indexes_are_the_most(control):
    name = control.create(
        AttributeDefinitions=attributes(pk="S", sk="S", a="S"),
        KeySchema=keys("pk", "sk"),
        GlobalSecondaryIndexes=[index(f"global-{number}", "a") for number in range(20)],
        LocalSecondaryIndexes=[index(f"local-{number}", "pk", "a") for number in range(5)],
    )

    assert len(control.describe(name)["GlobalSecondaryIndexes"]) == 20


def test_a_global_index_takes_four_attributes_of_each_role(control):
    name = control.create(
        AttributeDefinitions=attributes(pk="S", **dict.fromkeys("abcdefgh", "N")),
        GlobalSecondaryIndexes=[index("eight", "a b c d", "e f g h")],
    )

    (described,) = control.describe(name)["GlobalSecondaryIndexes"]
    assert described["KeySchema"] == keys("a b c d", "e f g h")


@pytest.mark.parametrize(
    "kind, key_max", [("LocalSecondaryIndexes", 2), ("GlobalSecondaryIndexes", 8)]
)
def test_the_key_of_an_index_too_long_is_reported_at_the_plain_path(control, kind, key_max):
    long = keys("pk", " ".join("abcdefgh"[:key_max]))
    body = table_body(**{kind: [{"IndexName": "abc", "KeySchema": long, "Projection": ALL}]})
    shown = ", ".join(
        f"KeySchemaElement(attributeName={each['AttributeName']}, keyType={each['KeyType']})"
        for each in long
    )

    assert control.refusal("CreateTable", **body) == member_errors(
        constraint("keySchema", f"[{shown}]", f"have length less than or equal to {key_max}")
    )


@pytest.mark.parametrize(
    "members, text",
    [
        pytest.param(
            {"LocalSecondaryIndexes": []},
            "List of LocalSecondaryIndexes is empty",
            id="no local index in the list",
        ),
        pytest.param(
            {"GlobalSecondaryIndexes": []},
            "List of GlobalSecondaryIndexes is empty",
            id="no global index in the list",
        ),
        pytest.param(
            {
                "AttributeDefinitions": attributes(pk="S", a="S"),
                "KeySchema": keys("pk"),
                "LocalSecondaryIndexes": [index("abc", "pk", "a")],
            },
            "Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex",
            id="a local index of a table without RANGE key",
        ),
        pytest.param(
            {
                "LocalSecondaryIndexes": [index("abc", "pk")],
                "GlobalSecondaryIndexes": [index("efg", "a")],
            },
            "Index KeySchema does not have a range key for index: abc",
            id="a local index without RANGE key",
        ),
        pytest.param(
            {"LocalSecondaryIndexes": [index("abc", "a", "sk")]},
            "Index KeySchema does not have the same leading hash key as table KeySchema for "
            "index: abc. index hash key: a, table hash key: pk",
            id="a local index with another HASH key",
        ),
        pytest.param(
            {"GlobalSecondaryIndexes": [index("abc", "a", Projection={})]},
            "Unknown ProjectionType: null",
            id="a projection without type",
        ),
        *(
            pytest.param(
                {
                    "GlobalSecondaryIndexes": [
                        index(
                            "abc",
                            "a",
                            Projection={"ProjectionType": kind, "NonKeyAttributes": ["x"]},
                        )
                    ]
                },
                f"ProjectionType is {kind}, but NonKeyAttributes is specified",
                id=f"{kind} with attributes",
            )
            for kind in ("ALL", "KEYS_ONLY")
        ),
        pytest.param(
            {
                "GlobalSecondaryIndexes": [
                    index("abc", "a", Projection={"ProjectionType": "INCLUDE"})
                ]
            },
            "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
            id="INCLUDE without attributes",
        ),
        pytest.param(
            {
                "LocalSecondaryIndexes": [index("abc", "pk", "a")],
                "GlobalSecondaryIndexes": [index("abc", "a")],
            },
            "Duplicate index name: abc",
            id="local and global indexes share their names",
        ),
        pytest.param(
            {"LocalSecondaryIndexes": [index(f"abc{number}", "pk", "a") for number in range(6)]},
            "Number of LocalSecondaryIndexes exceeds per-table limit of 5",
            id="six local indexes",
        ),
        pytest.param(
            {"GlobalSecondaryIndexes": [index(f"abc{number}", "a") for number in range(21)]},
            "GlobalSecondaryIndex count exceeds the per-table limit of 20",
            id="twenty-one global indexes",
        ),
        pytest.param(
            {"GlobalSecondaryIndexes": [index("abc", "a", ProvisionedThroughput=UNITS)]},
            "ProvisionedThroughput should not be specified for index: abc when BillingMode is "
            "PAY_PER_REQUEST",
            id="units of an index on demand",
        ),
        pytest.param(
            {
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": "abc",
                        "KeySchema": [
                            {"AttributeName": "a", "KeyType": "HASH"},
                            {"AttributeName": "sk", "KeyType": "RANGE"},
                            {"AttributeName": "pk", "KeyType": "HASH"},
                        ],
                        "Projection": ALL,
                    }
                ]
            },
            "All HASH key attributes must precede RANGE key attributes in the KeySchema",
            id="a HASH attribute after a RANGE attribute",
        ),
    ],
)
def test_indexes_are_held_against_the_table_and_each_other(control, members, text):
    body = table_body(**RANGED | members)

    assert control.refusal("CreateTable", **body) == invalid(PARAMETER + text)


def test_a_global_index_has_four_attributes_of_a_role_at_most(control):
    body = table_body(
        AttributeDefinitions=attributes(pk="S", **dict.fromkeys("abcde", "S")),
        GlobalSecondaryIndexes=[index("abc", "a b c d e")],
    )
    assert control.refusal("CreateTable", **body) == invalid(
        PARAMETER + "The KeySchema exceeds the maximum allowed number of HASH key attributes"
    )
    body["GlobalSecondaryIndexes"] = [index("abc", "pk", "a b c d e")]
    assert control.refusal("CreateTable", **body) == invalid(
        PARAMETER + "The KeySchema exceeds the maximum allowed number of RANGE key attributes"
    )


def test_a_global_index_names_an_attribute_once(control):
    body = table_body(
        AttributeDefinitions=attributes(pk="S", a="S"),
        GlobalSecondaryIndexes=[index("abc", "a a")],
    )

    assert control.refusal("CreateTable", **body) == invalid(
        "The KeySchema contains multiple key attributes with the same name"
    )


def test_an_index_of_a_provisioned_table_needs_units_of_its_own(control):
    body = provisioned(**RANGED, GlobalSecondaryIndexes=[index("abc", "a")])

    assert control.refusal("CreateTable", **body) == invalid(
        PARAMETER + "ProvisionedThroughput is not specified for index: abc"
    )


def including(count: int, first: int = 0) -> dict[str, Any]:
    names = [f"attribute-{number}" for number in range(first, first + count)]
    return {"Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": names}}


def test_an_index_includes_twenty_attributes_and_all_indexes_a_hundred(control):
    """(unconfirmed in the words of the second)"""
    hundred = [index(f"index-{number}", "a", **including(20, number)) for number in range(5)]
    control.create(**INDEXED, GlobalSecondaryIndexes=hundred)

    body = table_body(**INDEXED, GlobalSecondaryIndexes=[index("abc", "a", **including(21))])
    refusal = control.refusal("CreateTable", **body)
    assert refusal.endswith("Member must have length less than or equal to 20")
    one_more = [*hundred, index("abc", "a", **including(1))]
    refusal = control.refusal(
        "CreateTable", **table_body(**INDEXED, GlobalSecondaryIndexes=one_more)
    )
    assert refusal.startswith(invalid(PARAMETER))


def test_a_twenty_first_index_is_not_added_later_either(control):
    twenty = [index(f"index-{number}", "a") for number in range(20)]
    name = control.create(**INDEXED, GlobalSecondaryIndexes=twenty)

    refusal = control.refusal(
        "UpdateTable",
        TableName=name,
        GlobalSecondaryIndexUpdates=[{"Create": index("abc", "a")}],
        AttributeDefinitions=attributes(a="S"),
    )

    assert refusal.startswith("LimitExceededException: ")
