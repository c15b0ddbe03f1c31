"""The slow lane of Query and Scan, check by check."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import ValidationException
from stator_core.expressions.substitutions import Layer
from stator_core.requests import query, scan
from stator_core.requests.range_members import Operation
from stator_core.requests.range_reading import RangeReading

EQUALS_A = {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}
SHAPES = {"Query": query.SHAPE, "Scan": scan.SHAPE}
FILTER = {"Query": "QueryFilter", "Scan": "ScanFilter"}


def reading(operation: Operation = "Query", **members: Any) -> RangeReading:
    return RangeReading(operation, {"TableName": "Table", **members}, SHAPES[operation])


def refusal(check: Any, *arguments: Any) -> str | None:
    with pytest.raises(ValidationException) as caught:
        check(*arguments)
    return caught.value.message


def test_unknown_members_are_left_out() -> None:
    assert reading(Unknown=1).body == {"TableName": "Table"}


@pytest.mark.parametrize(
    "members",
    [
        {"AttributesToGet": ["a", ""]},
        {"ExclusiveStartKey": {"": {"S": "a"}}},
        {"ExpressionAttributeValues": {":a": {"L": [{"M": {"": {"S": "a"}}}]}}},
        {"QueryFilter": {"": EQUALS_A}},
        {"KeyConditions": {"a": {**EQUALS_A, "AttributeValueList": [{"M": {"": {}}}]}}},
    ],
)
def test_an_empty_name_is_refused_wherever_it_stands(members: dict[str, Any]) -> None:
    assert refusal(reading(**members).refuse_empty_names) == "Empty attribute name"


@pytest.mark.parametrize("operation", ["Query", "Scan"])
def test_an_empty_name_behind_a_placeholder_is_found_without_any_expression(
    operation: Operation,
) -> None:
    read = reading(operation, ExpressionAttributeNames={"#a": ""})

    assert refusal(read.refuse_empty_names) == (
        "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a"
    )


def test_mixed_parameters_are_listed_in_dynamodbs_order() -> None:
    members = {
        "KeyConditionExpression": "",
        "FilterExpression": "",
        "ProjectionExpression": "",
        "KeyConditions": {},
        "ConditionalOperator": "",
        "QueryFilter": {},
        "AttributesToGet": ["a"],
    }
    assert refusal(reading(**members).refuse_mixing) == (
        "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {AttributesToGet, QueryFilter, ConditionalOperator, "
        "KeyConditions} Expression parameters: {ProjectionExpression, FilterExpression, "
        "KeyConditionExpression}"
    )


@pytest.mark.parametrize(
    "operation, members, message",
    [
        (
            "Query",
            {"ExpressionAttributeNames": {"#a": "a"}},
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            "Query",
            {"ExpressionAttributeValues": {}, "ProjectionExpression": "a"},
            (
                "ExpressionAttributeValues can only be specified when using expressions: "
                "FilterExpression and KeyConditionExpression are null"
            ),
        ),
        (
            "Scan",
            {"ExpressionAttributeValues": {}},
            (
                "ExpressionAttributeValues can only be specified when using expressions: "
                "FilterExpression is null"
            ),
        ),
    ],
)
def test_placeholders_need_an_expression(
    operation: Operation, members: dict[str, Any], message: str
) -> None:
    assert refusal(reading(operation, **members).refuse_mixing) == message


@pytest.mark.parametrize("operation", ["Query", "Scan"])
@pytest.mark.parametrize(
    "operator, conditions, message",
    [
        ("AND", 0, "ConditionalOperator cannot be used without Filter or Expected"),
        (
            "?",
            1,
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        ),
        ("and", 2, "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]"),
    ],
)
def test_a_conditional_operator_needs_two_conditions(
    operation: Operation, operator: str, conditions: int, message: str
) -> None:
    filter_ = dict.fromkeys("ab"[:conditions], EQUALS_A)
    made = reading(operation, ConditionalOperator=operator, **{FILTER[operation]: filter_})
    assert refusal(made.check_conditional_operator) == message


def test_an_older_filter_becomes_a_condition() -> None:
    made = reading(QueryFilter={"a": EQUALS_A, "b": EQUALS_A}, ConditionalOperator="OR")
    made.check_conditional_operator()
    condition = made.legacy_filter()
    assert condition is not None
    assert condition.matches({"b": {"S": "a"}})
    assert not condition.matches({"b": {"S": "b"}})
    assert reading().legacy_filter() is None


def test_refused_values_are_worded_by_the_layer() -> None:
    twice = {"ComparisonOperator": "EQ", "AttributeValueList": [{"SS": ["a", "a"]}]}
    made = reading(QueryFilter={"a": twice})
    assert made.layer is Layer.NEW
    assert refusal(made.legacy_filter) == (
        "One or more parameter values were invalid: "
        'Input collection ["a", "a"] contains duplicates.'
    )
    made = reading(QueryFilter={"a": twice}, Limit=1.5)
    assert made.layer is Layer.OLD
    assert refusal(made.legacy_filter) == (
        "One or more parameter values were invalid: Input collection [a, a] contains duplicates."
    )


def test_attributes_are_asked_for_once() -> None:
    assert refusal(reading(AttributesToGet=["a", "b", "a"]).attributes_to_get) == (
        "One or more parameter values were invalid: Duplicate value in attribute name: a"
    )
    projection = reading(AttributesToGet=["a.b"]).attributes_to_get()
    assert projection is not None and projection.top_level_names == {"a.b"}
