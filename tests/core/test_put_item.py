"""PutItem: the order and the words of its refusals, and what it makes of the item before."""

from __future__ import annotations

import copy
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core.errors import (
    ConditionalCheckFailedException,
    DynamoDBError,
    SerializationException,
    ValidationException,
)
from stator_core.item import Item
from stator_core.requests import put_item
from stator_core.requests.put_item import PutItem, parse
from stator_core.table import Index, IndexProjection, KeyAttribute, KeySchema, Table

PK, SK = KeyAttribute("pk", "S"), KeyAttribute("sk", "N")
TABLE = Table(
    name="Music",
    identifier=1,
    table_id="00000000-0000-0000-0000-000000000000",
    arn="arn:aws:dynamodb:eu-west-2:000000000000:table/Music",
    key_schema=KeySchema((PK,), (SK,)),
    attribute_definitions=(PK, SK, KeyAttribute("c", "S")),
    created=0.0,
    global_indexes=(
        Index("i", "GLOBAL", 2, KeySchema((KeyAttribute("c", "S"),)), IndexProjection("ALL")),
    ),
)
ENVELOPE = "1 validation error detected: "
P = "One or more parameter values were invalid: "
ITEM: dict[str, Any] = {"pk": {"S": "a"}, "sk": {"N": "1"}}


def body(**members: Any) -> dict[str, Any]:
    return copy.deepcopy({"TableName": "Music", "Item": ITEM, **members})


def refusal(**members: Any) -> str | None:
    with pytest.raises(ValidationException) as caught:
        parse(body(**members))
    return caught.value.message


def test_a_plain_body_is_read_with_defaults() -> None:
    request = parse(body(Item={"pk": {"S": "a"}, "sk": {"N": "1.0"}}))

    assert request == PutItem("Music", ITEM, 7)
    assert request.return_values == "NONE"
    assert not request.needs_previous


def test_every_option_is_read() -> None:
    request = parse(
        body(
            ReturnValues="ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            ReturnConsumedCapacity="INDEXES",
            ReturnItemCollectionMetrics="SIZE",
            ConditionExpression="#p = :v",
            ExpressionAttributeNames={"#p": "pk"},
            ExpressionAttributeValues={":v": {"S": "a"}},
        )
    )

    assert request.condition is not None
    assert request.condition.matches(ITEM)
    assert request.needs_previous
    assert (
        request.return_values,
        request.return_values_on_condition_check_failure,
        request.return_consumed_capacity,
        request.return_item_collection_metrics,
    ) == ("ALL_OLD", "ALL_OLD", "INDEXES", "SIZE")


def test_a_null_member_is_absent_and_an_unknown_one_ignored() -> None:
    assert parse(body(ReturnValues=None, Expected=None, Unheard={"a": 1})) == parse(body())


def test_a_table_arn_names_its_table() -> None:
    assert parse(body(TableName=TABLE.arn)).table_name == "Music"


@pytest.mark.parametrize(
    "members, message",
    [
        ({"Item": {"a": {"SS": []}}}, ENVELOPE + P + "An string set  may not be empty"),
        (
            {"Item": {"a": {"N": "x"}}},
            ENVELOPE + "The parameter cannot be converted to a numeric value: x",
        ),
        (
            {"Item": {"a": {"NULL": False}}},
            ENVELOPE + P + "Null attribute value types must have the value of true",
        ),
        (
            {"Item": {"a": {"SS": ["b", "a", "b"]}}},
            ENVELOPE + P + 'Input collection ["a", "b", "b"] contains duplicates.',
        ),
        ({"Item": {"": {"S": "a"}}}, ENVELOPE + "Empty attribute name"),
        (
            {"Item": {"a": {}}},
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            {"Item": {"a": {"S": "a", "N": "1"}}},
            (
                "Supplied AttributeValue has more than one datatypes set, "
                "must contain exactly one of the supported datatypes"
            ),
        ),
        (
            {"ConditionExpression": ""},
            ENVELOPE + "Invalid ConditionExpression: The expression can not be empty;",
        ),
        (
            {"ConditionExpression": "a = :v"},
            ENVELOPE + "Invalid ConditionExpression: An expression attribute value used in "
            "expression is not defined; attribute value: :v",
        ),
        (
            {"ExpressionAttributeNames": {"#a": "a"}},
            ENVELOPE + "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            {"ExpressionAttributeValues": {":a": {"S": "a"}}},
            ENVELOPE + "ExpressionAttributeValues can only be specified when using expressions",
        ),
        (
            {
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeValues": {":a": {"S": "a"}},
            },
            ENVELOPE + "Value provided in ExpressionAttributeValues unused in expressions: "
            "keys: {:a}",
        ),
        (
            {"ConditionExpression": "a = b", "Expected": {}, "ConditionalOperator": "AND"},
            ENVELOPE + "Can not use both expression and non-expression parameters in the same "
            "request: Non-expression parameters: {Expected, ConditionalOperator} "
            "Expression parameters: {ConditionExpression}",
        ),
        (
            {"ConditionalOperator": "OR"},
            ENVELOPE + "ConditionalOperator cannot be used without Filter or Expected",
        ),
        (
            {"ConditionalOperator": "OR", "Expected": {"a": {"Exists": False}}},
            ENVELOPE + "ConditionalOperator can only be used when Filter or Expected has two or "
            "more elements",
        ),
        (
            {
                "ConditionalOperator": "and",
                "Expected": {"a": {"Exists": False}, "b": {"Exists": False}},
            },
            ENVELOPE + "Failed to satisfy constraint: Member must satisfy enum value set: "
            "[ALL, OR]",
        ),
        ({"ReturnValues": "ALL_NEW"}, ENVELOPE + "ReturnValues can only be ALL_OLD or NONE"),
        (
            {"Item": {"a": {"S": "x" * 409_600}}},
            "Item size has exceeded the maximum allowed size",
        ),
    ],
)
def test_refusals_by_themselves_are_enveloped_or_bare_as_captured(
    members: dict[str, Any], message: str
) -> None:
    assert refusal(**members) == message


@pytest.mark.parametrize(
    "first, second",
    [
        ({"TableName": "ab"}, {"Item": {"a": {"N": "x"}}}),
        ({"ReturnConsumedCapacity": "X"}, {"Item": {"": {"S": "x"}}}),
        ({"Item": {"a": {"SS": []}, "": {"S": "x"}}}, {}),
        ({"Item": {"a": {"N": "x"}}}, {"ExpressionAttributeNames": {"#a": "a"}}),
        ({"ExpressionAttributeNames": {"a": "a"}}, {"ExpressionAttributeValues": {}}),
        ({"ExpressionAttributeValues": {}}, {"ConditionExpression": ""}),
        ({"ConditionExpression": "a ="}, {"ReturnValues": "ALL_NEW"}),
        ({"ReturnValues": "ALL_NEW"}, {"Item": {"a": {"S": "x" * 409_600}}}),
    ],
)
def test_the_earlier_fault_is_reported(first: dict[str, Any], second: dict[str, Any]) -> None:
    with_expression = {"ConditionExpression": "attribute_exists(pk)"}
    alone = refusal(**(with_expression | first))

    assert refusal(**(with_expression | second | first)) == alone


def test_a_string_boolean_hands_the_request_to_the_old_layer() -> None:
    item = {"flag": {"BOOL": "true"}, "a": {"N": ""}}

    assert refusal(Item=item) == "The parameter cannot be converted to a numeric value"
    assert refusal(Item={"flag": {"BOOL": "yes"}}, ConditionExpression="") == (
        "Invalid ConditionExpression: The expression can not be empty;"
    )
    assert refusal(Item={"flag": {"BOOL": "yes"}}, ReturnValues="X") == (
        ENVELOPE + "Value 'X' at 'returnValues' failed to satisfy constraint: Member must satisfy "
        "enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"
    )


def test_a_string_boolean_alone_is_stored_as_a_boolean() -> None:
    assert parse(body(Item={"flag": {"BOOL": "YES"}})).item == {"flag": {"BOOL": True}}


def test_json_types_come_before_all_constraints() -> None:
    with pytest.raises(SerializationException) as caught:
        parse({"TableName": "ab", "Item": {"a": {"N": 1}}})

    assert caught.value.message == "NUMBER_VALUE cannot be converted to String"


def test_too_deep_an_item_is_refused_bare_from_63_levels() -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: dict[str, Any] = {"S": "x"}
        for _ in range(levels):
            value = {"L": [value]}
        return {"a": value}

    text = (
        "Nesting Levels have exceeded supported limits: "
        "Attributes in the item have nested levels beyond supported limit"
    )
    parse(body(Item=nested(31)))
    assert refusal(Item=nested(32)) == ENVELOPE + text
    assert refusal(Item=nested(63)) == text


def test_the_item_must_have_the_keys_of_the_table_and_fit_those_of_its_indexes() -> None:
    parse(body()).check(TABLE)
    for item, message in (
        ({"pk": {"S": "a"}}, P + "Missing the key sk in the item"),
        (
            {"pk": {"S": "a"}, "sk": {"S": "1"}},
            P + "Type mismatch for key sk expected: N actual: S",
        ),
        (
            {**ITEM, "c": {"N": "1"}},
            P + "Type mismatch for Index Key c Expected: S Actual: N IndexName: i",
        ),
    ):
        with pytest.raises(ValidationException) as caught:
            parse(body(Item=item)).check(TABLE)
        assert caught.value.message == message


@pytest.mark.parametrize("attribute, role", [("pk", "Key"), ("c", "IndexKey")])
def test_a_condition_may_not_reach_into_a_key(attribute: str, role: str) -> None:
    request = parse(body(ConditionExpression=f"attribute_exists({attribute}.x)"))

    with pytest.raises(ValidationException) as caught:
        request.check(TABLE)

    assert caught.value.message == (
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
        f"allowed: {role}: {attribute}"
    )


def test_the_new_item_replaces_the_old_one_entirely() -> None:
    before: Item = {**ITEM, "old": {"S": "x"}}
    request = parse(body(ReturnValues="ALL_OLD"))

    for _ in range(2):  # Evaluating changes nothing.
        evaluated = request.evaluate(TABLE, before, 12)
        assert (evaluated.item, evaluated.size) == (ITEM, 7)
        assert evaluated.attributes == before
    assert request.evaluate(TABLE, None, 0).attributes is None
    assert parse(body()).evaluate(TABLE, before, 12).attributes is None


def test_a_false_condition_refuses_the_write() -> None:
    request = parse(
        body(
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    )

    assert request.evaluate(TABLE, None, 0).item == ITEM
    with pytest.raises(ConditionalCheckFailedException) as caught:
        request.evaluate(TABLE, ITEM, 7)
    assert caught.value.members == {"Item": ITEM}


def test_expected_is_the_older_form_of_a_condition() -> None:
    request = parse(
        body(
            Expected={"pk": {"Exists": False}, "c": {"Value": {"S": "x"}}},
            ConditionalOperator="OR",
        )
    )

    assert request.condition is not None
    assert request.condition.matches(None)
    assert request.condition.matches({**ITEM, "c": {"S": "x"}})
    assert not request.condition.matches(ITEM)


VALUES = st.sampled_from(
    [
        {"S": "a"},
        {"S": ""},
        {"N": "1.0"},
        {"N": "x"},
        {"N": 1},
        {"BOOL": True},
        {"BOOL": "true"},
        {"BOOL": "perhaps"},
        {"NULL": True},
        {"NULL": False},
        {"SS": ["b", "a"]},
        {"SS": ["b", "b"]},
        {"L": [{"BOOL": "yes"}, {"N": "2"}]},
        {"M": {"": {"S": "a"}}},
        {"M": {"a": {"S": "a"}}},
        {"S": "a", "N": None},
        {"S": "a", "N": "1"},
        {},
        None,
        "a",
    ]
)
BODIES = st.fixed_dictionaries(
    {
        "TableName": st.sampled_from(["Music"] * 8 + ["ab", "a b", "", None, 1]),
        "Item": st.just({"a": {"N": "1.0"}})
        | st.dictionaries(st.sampled_from(["pk", "sk", "a", "b", ""]), VALUES, max_size=2)
        | st.sampled_from([None, []]),
    },
    optional={
        "ConditionExpression": st.sampled_from(
            ["a = :a", "#a = :a", "attribute_exists(a)", "a =", "", "a.b = :a", None, 1]
        ),
        "ExpressionAttributeNames": st.sampled_from(
            [{"#a": "a"}, {"#a": "a"}, {"#a": ""}, {"a": "a"}, {}, {"#a": 1}, None, []]
        ),
        "ExpressionAttributeValues": st.dictionaries(
            st.sampled_from([":a", ":a", ":b", "a"]), VALUES, max_size=2
        )
        | st.none(),
        "ReturnValues": st.sampled_from(["NONE", "ALL_OLD", "ALL_NEW", "X", "", None, 1]),
        "ReturnConsumedCapacity": st.sampled_from(["TOTAL", "X", None]),
        "ReturnItemCollectionMetrics": st.sampled_from(["SIZE", "X"]),
        "ReturnValuesOnConditionCheckFailure": st.sampled_from(["ALL_OLD", "X"]),
        "Expected": st.sampled_from([{}, {"a": {"Exists": "no"}}]),
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
    items: list[Item | None] = [None, ITEM, {"a": {"S": "a"}}, {"a": {"M": {"b": {"S": "a"}}}}]
    return request, condition and [condition.matches(item) for item in items]


@given(BODIES)
def test_the_fast_lane_and_the_slow_lane_agree(request_body: dict[str, Any]) -> None:
    slow = outcome(put_item._parse_in_order, request_body)

    assert outcome(parse, request_body) == slow


def test_an_item_over_the_limit_is_looked_at_once() -> None:
    """Its size is all that is wrong: the ordered checks have nothing to add. Counted in calls."""
    values = [{"S": "x" * 20} for _ in range(20_000)]
    body = {"TableName": "things", "Item": {"pk": {"S": "a"}, "values": {"L": values}}}
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        with pytest.raises(ValidationException) as refused:
            parse(body)
    finally:
        sys.setprofile(None)
    assert refused.value.message == "Item size has exceeded the maximum allowed size"
    assert len(values) <= calls <= 1.1 * len(values)
