"""Members of Query and Scan: which layer reads them, what it lists and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import ValidationException
from stator_core.requests import query, scan, shapes
from stator_core.requests.range_members import (
    Operation,
    check_members,
    is_read_by_old_layer,
    usual_options,
)

SHAPES = {"Query": query.SHAPE, "Scan": scan.SHAPE}


def refusal(operation: Operation, **body: Any) -> tuple[bool, str | None]:
    """Whether the old layer reads the body, and what is wrong with it."""
    oddities = shapes.check(body, SHAPES[operation])
    old_layer = is_read_by_old_layer(operation, body, oddities)
    try:
        check_members(operation, body, old_layer)
    except ValidationException as error:
        return old_layer, error.message
    return old_layer, None


@pytest.mark.parametrize("operation", ["Query", "Scan"])
@pytest.mark.parametrize(
    "body, old_layer",
    [
        ({}, False),
        ({"Limit": 4294967296}, True),
        ({"Limit": 2.5}, True),
        ({"Limit": 2.0}, False),
        ({"ExclusiveStartKey": {"h": {"S": "a", "N": "1"}}}, True),
        ({"ConsistentRead": "yes"}, False),
    ],
)
def test_oddly_written_members_are_taken_by_the_old_layer(
    operation: Operation, body: dict[str, Any], old_layer: bool
) -> None:
    assert refusal(operation, TableName="Table", **body) == (old_layer, None)


def test_a_condition_without_operator_is_read_by_the_old_layer_too() -> None:
    assert refusal("Query", TableName="Table", Limit=0, KeyConditions={"a": {}}) == (
        True,
        (
            "2 validation errors detected: Value '0' at 'limit' failed to satisfy constraint: "
            "Member "
            "must have value greater than or equal to 1; "
            "Value null at 'keyConditions.a.member.comparisonOperator' failed to satisfy "
            "constraint: "
            "Member must not be null"
        ),
    )


def test_without_a_table_name_a_query_lists_everything_in_old_words() -> None:
    old_layer, message = refusal("Query", Select="?", ReturnConsumedCapacity="?", Limit=0)
    assert old_layer
    assert message == (
        "4 validation errors detected: Value '?' at 'select' failed to satisfy constraint: Member "
        "must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, "
        "ALL_PROJECTED_ATTRIBUTES]; Value '?' at 'returnConsumedCapacity' failed to satisfy "
        "constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; Value null at "
        "'tableName' failed to satisfy constraint: Member must not be null; Value '0' at 'limit' "
        "failed to satisfy constraint: Member must have value greater than or equal to 1"
    )


@pytest.mark.parametrize("operation", ["Query", "Scan"])
def test_the_old_layer_lists_a_conditional_operator_that_it_does_not_know(
    operation: Operation,
) -> None:
    assert refusal(operation, ConditionalOperator="and") == (
        True,
        (
            "2 validation errors detected: Value null at 'tableName' failed to satisfy "
            "constraint: Member must not be null; Value 'and' at 'conditionalOperator' failed to "
            "satisfy constraint: Member must satisfy enum value set: [OR, AND]"
        ),
    )


def test_ranges_are_listed_before_names() -> None:
    assert refusal("Scan", TableName="ab", Limit=0, Segment=1_000_000) == (
        False,
        (
            "2 validation errors detected: Value at 'Limit' failed to satisfy constraint: Member "
            "must "
            "have value greater than or equal to 1; Value at 'Segment' failed to satisfy "
            "constraint: "
            "Member must have value less than or equal to 999999"
        ),
    )
    assert refusal("Scan", TableName="ab", ReturnConsumedCapacity="?") == (
        False,
        (
            "2 validation errors detected: Value 'ab' at 'tableName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 3; Value '?' at "
            "'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value "
            "set: [INDEXES, TOTAL, NONE]"
        ),
    )


def test_an_index_name_is_a_name_and_attributes_to_get_are_not_none() -> None:
    assert refusal("Query", TableName="Table", IndexName="a!", AttributesToGet=[]) == (
        False,
        (
            "3 validation errors detected: Value 'a!' at 'indexName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value 'a!' at "
            "'indexName' failed to satisfy constraint: Member must have length greater than or "
            "equal "
            "to 3; Value '[]' at 'attributesToGet' failed to satisfy constraint: Member must have "
            "length greater than or equal to 1"
        ),
    )


@pytest.mark.parametrize(
    "member, value",
    [
        ("IndexName", "a!"),
        ("IndexName", 7),
        ("Select", ["COUNT"]),
        ("Limit", 0),
        ("Limit", True),
        ("Limit", 2**31),
        ("ConsistentRead", "yes"),
        ("ExclusiveStartKey", []),
        ("ExclusiveStartKey", {"h": {"S": "a", "N": "1"}}),
        ("ReturnConsumedCapacity", {}),
    ],
)
def test_the_fast_lane_leaves_what_is_unusual(member: str, value: Any) -> None:
    assert usual_options({member: value}) is None


def test_the_fast_lane_reads_options_with_their_defaults() -> None:
    assert usual_options({}) == (None, None, None, None, False, "NONE")
    body = {
        "IndexName": "index",
        "Select": "COUNT",
        "Limit": 2**31 - 1,
        "ExclusiveStartKey": {"h": {"S": "a"}},
        "ConsistentRead": True,
        "ReturnConsumedCapacity": "TOTAL",
    }
    assert usual_options(body) == tuple(body.values())
