"""GetItem: the order and the words of its refusals, and what of the item it hands out."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core.errors import DynamoDBError, ValidationException
from stator_core.item import Item
from stator_core.requests import get_item
from stator_core.requests.get_item import GetItem, parse
from stator_core.table import KeyAttribute, KeySchema, Table

PK, SK = KeyAttribute("pk", "S"), KeyAttribute("sk", "N")
TABLE = Table(
    name="Music",
    identifier=1,
    table_id="00000000-0000-0000-0000-000000000000",
    arn="arn:aws:dynamodb:eu-west-2:000000000000:table/Music",
    key_schema=KeySchema((PK,), (SK,)),
    attribute_definitions=(PK, SK),
    created=0.0,
)
ENVELOPE = "1 validation error detected: "
KEY: dict[str, Any] = {"pk": {"S": "a"}, "sk": {"N": "1"}}
STORED: Item = {**KEY, "a": {"M": {"b": {"S": "x"}}}, "c": {"S": "y"}}


def body(**members: Any) -> dict[str, Any]:
    return copy.deepcopy({"TableName": "Music", "Key": KEY, **members})


def refusal(**members: Any) -> str | None:
    with pytest.raises(ValidationException) as caught:
        parse(body(**members))
    return caught.value.message


def test_a_plain_body_asks_for_the_whole_item_eventually_consistent() -> None:
    request = parse(body(Key={"pk": {"S": "a"}, "sk": {"N": "+1.0"}}))

    assert request == GetItem("Music", KEY)
    assert not request.consistent_read
    assert request.project(STORED) is STORED


@pytest.mark.parametrize(
    "value, read", [(True, True), (False, False), ("yes", True), ("F", False), (None, False)]
)
def test_consistent_read_takes_the_strings_that_dynamodb_takes(value: Any, read: bool) -> None:
    assert parse(body(ConsistentRead=value)).consistent_read is read


def test_a_projection_keeps_the_structure_of_what_it_picks() -> None:
    request = parse(body(ProjectionExpression="#a.b, pk", ExpressionAttributeNames={"#a": "a"}))

    assert request.project(STORED) == {"pk": {"S": "a"}, "a": {"M": {"b": {"S": "x"}}}}
    assert request.project(KEY | {"c": {"S": "y"}}) == {"pk": {"S": "a"}}


def test_attributes_to_get_is_the_older_form_of_a_projection() -> None:
    request = parse(body(AttributesToGet=["c", "a.b"]))

    assert request.project(STORED) == {"c": {"S": "y"}}


@pytest.mark.parametrize(
    "members, message",
    [
        (
            {"Key": {"pk": {"N": ""}}},
            "The parameter cannot be converted to a numeric value: ",
        ),
        ({"Key": {"": {"S": "a"}}}, "Empty attribute name"),
        (
            {"ProjectionExpression": ""},
            "Invalid ProjectionExpression: The expression can not be empty;",
        ),
        (
            {"ProjectionExpression": "a, a"},
            (
                "Invalid ProjectionExpression: Two document paths overlap with each other; must "
                "remove or rewrite one of these paths; path one: [a], path two: [a]"
            ),
        ),
        (
            {"ProjectionExpression": "a", "ExpressionAttributeNames": {"#a": "a"}},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}",
        ),
        (
            {"ExpressionAttributeNames": {"#a": "a"}},
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            {"ProjectionExpression": "a", "AttributesToGet": ["a"]},
            (
                "Can not use both expression and non-expression parameters in the same request: "
                "Non-expression parameters: {AttributesToGet} "
                "Expression parameters: {ProjectionExpression}"
            ),
        ),
        (
            {"AttributesToGet": ["a", "a"]},
            "One or more parameter values were invalid: Duplicate value in attribute name: a",
        ),
        (
            {"ReturnConsumedCapacity": "X", "Key": None},
            (
                "2 validation errors detected: Value null at 'key' failed to satisfy constraint: "
                "Member must not be null; Value 'X' at 'returnConsumedCapacity' failed to satisfy "
                "constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"
            ),
        ),
        (
            {"TableName": ""},
            ENVELOPE + "Value at 'TableName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
    ],
)
def test_only_request_members_are_enveloped(members: dict[str, Any], message: str) -> None:
    assert refusal(**members) == message


def test_the_key_must_have_exactly_the_attributes_of_the_schema() -> None:
    parse(body()).check(TABLE)
    for key in ({"pk": {"S": "a"}}, {**KEY, "c": {"S": "x"}}, {**KEY, "sk": {"S": "1"}}):
        with pytest.raises(ValidationException) as caught:
            parse(body(Key=key)).check(TABLE)
        assert caught.value.message == "The provided key element does not match the schema"


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
        "ConsistentRead": st.sampled_from([True, False, "yes", "perhaps", 1, None]),
        "ProjectionExpression": st.sampled_from(["a", "#a.b", "a,", "", "a, a", None, 1]),
        "ExpressionAttributeNames": st.sampled_from(
            [{"#a": "a"}, {"#a": ""}, {"a": "a"}, {}, {"#a": 1}, None, []]
        ),
        "ReturnConsumedCapacity": st.sampled_from(["TOTAL", "X", None, 1, []]),
        "AttributesToGet": st.sampled_from([["a"], ["a", "a"], [], [""], [None], "a"]),
        "Unheard": st.just(1),
    },
)


def outcome(read: Any, request_body: dict[str, Any]) -> Any:
    try:
        request = read(copy.deepcopy(request_body))
    except DynamoDBError as error:
        return error.body()
    projected = request.project(STORED)
    request.projection = None
    return request, projected


@given(BODIES)
def test_the_fast_lane_and_the_slow_lane_agree(request_body: dict[str, Any]) -> None:
    slow = outcome(get_item._parse_in_order, request_body)

    assert outcome(parse, request_body) == slow
