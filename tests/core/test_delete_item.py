"""DeleteItem: the order and the words of its refusals, and what it makes of the item before."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core.errors import (
    ConditionalCheckFailedException,
    DynamoDBError,
    ValidationException,
)
from stator_core.item import Item
from stator_core.requests import delete_item
from stator_core.requests.delete_item import DeleteItem, parse
from stator_core.table import KeyAttribute, KeySchema, Table

PK = KeyAttribute("pk", "S")
TABLE = Table(
    name="Music",
    identifier=1,
    table_id="00000000-0000-0000-0000-000000000000",
    arn="arn:aws:dynamodb:eu-west-2:000000000000:table/Music",
    key_schema=KeySchema((PK,)),
    attribute_definitions=(PK,),
    created=0.0,
)
ENVELOPE = "1 validation error detected: "
KEY: dict[str, Any] = {"pk": {"S": "a"}}
STORED: Item = {**KEY, "c": {"S": "y"}}


def body(**members: Any) -> dict[str, Any]:
    return copy.deepcopy({"TableName": "Music", "Key": KEY, **members})


def refusal(**members: Any) -> str | None:
    with pytest.raises(ValidationException) as caught:
        parse(body(**members))
    return caught.value.message


def test_a_plain_body_is_read_with_defaults() -> None:
    request = parse(body())

    assert request == DeleteItem("Music", KEY)
    assert not request.needs_previous


@pytest.mark.parametrize(
    "members, message",
    [
        (
            {"Key": {"pk": {"N": "x"}}},
            ENVELOPE + "The parameter cannot be converted to a numeric value: x",
        ),
        ({"ReturnValues": "ALL_NEW"}, ENVELOPE + "ReturnValues can only be ALL_OLD or NONE"),
        (
            {"ReturnValues": "ALL_NEW", "ConditionExpression": ""},
            ENVELOPE + "ReturnValues can only be ALL_OLD or NONE",
        ),
        (
            {"ConditionExpression": ""},
            ENVELOPE + "Invalid ConditionExpression: The expression can not be empty;",
        ),
        (
            {"ConditionExpression": "a = :v", "ExpressionAttributeValues": {}},
            ENVELOPE + "ExpressionAttributeValues must not be empty",
        ),
        (
            {"ConditionExpression": "a = :v", "Expected": {"a": {"Exists": False}}},
            ENVELOPE + "Can not use both expression and non-expression parameters in the same "
            "request: Non-expression parameters: {Expected} "
            "Expression parameters: {ConditionExpression}",
        ),
        (
            {"Key": {"pk": {"BOOL": "yes"}}, "ReturnValues": "ALL_NEW"},
            "ReturnValues can only be ALL_OLD or NONE",
        ),
    ],
)
def test_refusals_are_enveloped_or_bare_as_captured(members: dict[str, Any], message: str) -> None:
    assert refusal(**members) == message


def test_the_key_must_have_exactly_the_attributes_of_the_schema() -> None:
    parse(body()).check(TABLE)
    with pytest.raises(ValidationException) as caught:
        parse(body(Key={**KEY, "c": {"S": "x"}})).check(TABLE)
    assert caught.value.message == "The provided key element does not match the schema"


def test_a_delete_leaves_nothing_and_may_hand_back_what_was_there() -> None:
    request = parse(body(ReturnValues="ALL_OLD"))

    for _ in range(2):  # Evaluating changes nothing.
        evaluated = request.evaluate(TABLE, STORED, 6)
        assert (evaluated.item, evaluated.size, evaluated.attributes) == (None, 0, STORED)
    assert request.evaluate(TABLE, None, 0).attributes is None
    assert parse(body()).evaluate(TABLE, STORED, 6).attributes is None


def test_a_false_condition_refuses_the_delete_of_an_absent_item_too() -> None:
    request = parse(body(ConditionExpression="attribute_exists(pk)"))

    assert request.evaluate(TABLE, STORED, 6).item is None
    with pytest.raises(ConditionalCheckFailedException):
        request.evaluate(TABLE, None, 0)


def test_a_condition_may_not_reach_into_a_key() -> None:
    with pytest.raises(ValidationException) as caught:
        parse(body(ConditionExpression="attribute_exists(pk[0])")).check(TABLE)

    assert caught.value.message is not None
    assert caught.value.message.endswith("are not allowed: Key: pk")


VALUES = st.sampled_from(
    [{"S": "a"}, {"N": "1.0"}, {"N": "x"}, {"N": 1}, {"BOOL": "true"}, {"S": "a", "N": "1"}, {}, 1]
)
BODIES = st.fixed_dictionaries(
    {
        "TableName": st.sampled_from(["Music"] * 8 + ["ab", "", None, 1]),
        "Key": st.just(KEY)
        | st.dictionaries(st.sampled_from(["pk", "sk", ""]), VALUES, max_size=2)
        | st.none(),
    },
    optional={
        "ConditionExpression": st.sampled_from(["a = :a", "attribute_exists(#a)", "a =", "", 1]),
        "ExpressionAttributeNames": st.sampled_from(
            [{"#a": "a"}, {"#a": ""}, {"a": "a"}, {}, {"#a": 1}, None, []]
        ),
        "ExpressionAttributeValues": st.dictionaries(
            st.sampled_from([":a", ":a", ":b", "a"]), VALUES, max_size=2
        ),
        "ReturnValues": st.sampled_from(["NONE", "ALL_OLD", "ALL_NEW", "X", None, 1, []]),
        "ReturnConsumedCapacity": st.sampled_from(["TOTAL", "X", None]),
        "Expected": st.sampled_from([{}, {"a": {"Exists": "no"}}, {"a": {"Value": {"S": "a"}}}]),
        "ConditionalOperator": st.sampled_from(["AND", "X"]),
        "Unheard": st.just(1),
    },
)


def outcome(read: Any, request_body: dict[str, Any]) -> Any:
    try:
        request = read(copy.deepcopy(request_body))
    except DynamoDBError as error:
        return error.body()
    condition, request.condition = request.condition, None
    # Conditions are closures: they are alike if they agree about items.
    items: list[Item | None] = [None, STORED, {"a": {"S": "a"}}, {"a": {"N": "1"}}]
    return request, condition and [condition.matches(item) for item in items]


@given(BODIES)
def test_the_fast_lane_and_the_slow_lane_agree(request_body: dict[str, Any]) -> None:
    slow = outcome(delete_item._parse_in_order, request_body)

    assert outcome(parse, request_body) == slow
