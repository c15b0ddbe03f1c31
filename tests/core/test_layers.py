"""The two validation layers: which one reads a request, and what it says before a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core.errors import DynamoDBError, ValidationException
from stator_core.expressions.substitutions import Layer
from stator_core.requests import delete_item, get_item, put_item, update_item
from stator_core.requests.layers import EXPRESSIONS, LAYERS, LEGACY, Reading, plain_values
from stator_core.requests.member_rules import Operation
from stator_core.requests.shapes import Structure
from stator_core.value_rules import TYPES

SHAPES: dict[Operation, Structure] = {
    "PutItem": put_item.SHAPE,
    "UpdateItem": update_item.SHAPE,
    "DeleteItem": delete_item.SHAPE,
    "GetItem": get_item.SHAPE,
}
ENVELOPE = "1 validation error detected: "


def reading(operation: Operation, **members: Any) -> Reading:
    required = {"TableName": "Music", "Item": {}, "Key": {}}
    return Reading(operation, required | members, SHAPES[operation])


def refusal(check: Any) -> str | None:
    with pytest.raises(ValidationException) as caught:
        check()
    return caught.value.message


def test_the_tables_know_every_operation_and_only_members_that_exist() -> None:
    for operation, shape in SHAPES.items():
        assert operation in LAYERS
        assert shape.members.keys() >= {*EXPRESSIONS[operation], *LEGACY[operation]}


@pytest.mark.parametrize("operation", sorted(SHAPES))
def test_a_value_with_two_members_or_a_string_boolean_brings_the_old_layer(
    operation: Operation,
) -> None:
    member = "Item" if operation == "PutItem" else "Key"
    for value in ({"S": "a", "N": "1"}, {"BOOL": "true"}, {"L": [{"NULL": "yes"}]}):
        assert reading(operation, **{member: {"a": value}}).layer is Layer.OLD
    assert reading(operation).layer is LAYERS[operation]


def test_unknown_members_are_left_behind() -> None:
    assert reading("GetItem", ExpressionAttributeValues=7).body == {"TableName": "Music", "Key": {}}


@pytest.mark.parametrize(
    "operation, prefix",
    [("PutItem", ENVELOPE), ("UpdateItem", ENVELOPE), ("DeleteItem", ENVELOPE), ("GetItem", "")],
)
def test_the_writes_envelope_refused_values_and_reads_do_not(
    operation: Operation, prefix: str
) -> None:
    member = "Item" if operation == "PutItem" else "Key"
    read = reading(operation, **{member: {"a": {"N": ""}}})

    assert refusal(lambda: read.values_of(member)) == (
        prefix + "The parameter cannot be converted to a numeric value: "
    )


def test_the_old_layer_refuses_bare_and_in_its_own_words() -> None:
    read = reading("PutItem", Item={"a": {"BOOL": "true"}, "b": {"N": ""}})

    assert refusal(lambda: read.values_of("Item")) == (
        "The parameter cannot be converted to a numeric value"
    )
    assert read.refused("text").message == "text"


@pytest.mark.parametrize(
    "members",
    [
        {"Key": {"": {"S": "a"}}},
        {"Key": {"a": {"M": {"b": {"L": [{"M": {"": {"S": "a"}}}]}}}}},
        {"ExpressionAttributeValues": {":a": {"M": {"": {"S": "a"}}}}},
        {"Expected": {"": {"Exists": False}}},
        {"Expected": {"a": {"AttributeValueList": [{"M": {"": {"S": "a"}}}]}}},
        {"AttributeUpdates": {"a": {"Value": {"M": {"": {"S": "a"}}}}}},
    ],
)
def test_an_empty_attribute_name_is_found_wherever_it_is(members: dict[str, Any]) -> None:
    read = reading("UpdateItem", **members)

    assert refusal(read.refuse_empty_names) == ENVELOPE + "Empty attribute name"


def test_an_empty_name_among_attributes_to_get_is_found_too() -> None:
    read = reading("GetItem", AttributesToGet=["a", ""])

    assert refusal(read.refuse_empty_names) == "Empty attribute name"


def test_an_empty_name_behind_a_placeholder_is_found_without_any_expression() -> None:
    names = {"ExpressionAttributeNames": {"#a": "a", "#b": ""}}
    text = "ExpressionAttributeNames contains invalid value: Empty attribute name for key #b"

    assert refusal(reading("UpdateItem", **names).refuse_empty_names) == ENVELOPE + text
    assert refusal(reading("GetItem", **names).refuse_empty_names) == text


def test_mixed_parameters_are_named_in_dynamodbs_order() -> None:
    read = reading(
        "UpdateItem",
        Expected={},
        ConditionExpression="a = b",
        AttributeUpdates={},
        UpdateExpression="REMOVE a",
    )

    assert refusal(read.refuse_mixing) == (
        ENVELOPE + "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {AttributeUpdates, Expected} "
        "Expression parameters: {UpdateExpression, ConditionExpression}"
    )


def test_placeholders_need_an_expression_and_the_old_layer_lists_which() -> None:
    values = {"ExpressionAttributeValues": {":a": {"S": "a"}}}
    text = "ExpressionAttributeValues can only be specified when using expressions"

    assert refusal(reading("UpdateItem", **values).refuse_mixing) == ENVELOPE + text
    old = reading("UpdateItem", Key={"a": {"BOOL": "true"}}, **values)
    assert refusal(old.refuse_mixing) == (
        text + ": UpdateExpression and ConditionExpression are null"
    )
    names = reading("GetItem", ExpressionAttributeNames={"#a": "a"})
    assert refusal(names.refuse_mixing) == (
        "ExpressionAttributeNames can only be specified when using expressions"
    )


@pytest.mark.parametrize(
    "values, plain",
    [
        (None, True),
        ({":a": {"S": "a"}, ":b": {"N": 7}}, True),
        ({":a": {"BOOL": True}, ":b": {"L": [{"M": {"c": {"NULL": True}}}]}}, True),
        ({":a": {"BOOL": "true"}}, False),
        ({":a": {"L": [{"M": {"c": {"NULL": "yes"}}}]}}, False),
        ({":a": {"S": "a", "N": None}}, False),
        ({":a": {}}, False),
        ({":a": "a"}, False),
        ([], False),
    ],
)
def test_values_that_may_hide_an_oddity_are_left_to_the_slow_lane(values: Any, plain: bool) -> None:
    assert plain_values(values) is plain


NAMES = [*sorted(TYPES), "", ":a", "#a", "a", "Value", "Exists", "Action", "Unheard"]
NAMES += ["ComparisonOperator", "AttributeValueList"]
TEXTS = ["", "a", "a = :a", "SET a = :a", "Music", "NONE", "1", "EQ", "yes"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(TEXTS),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=2)
    ),
    max_leaves=8,
)
MEMBERS = sorted({member for shape in SHAPES.values() for member in shape.members})


@given(st.sampled_from([put_item, update_item, delete_item, get_item]), st.data())
def test_any_body_is_read_or_refused_as_dynamodb_refuses(module: Any, data: st.DataObject) -> None:
    body = {"TableName": "Music", "Item": {"pk": {"S": "a"}}, "Key": {"pk": {"S": "a"}}}
    body |= data.draw(st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=4))

    try:
        request = module.parse(body)
    except DynamoDBError:
        return

    assert request.table_name == "Music"
