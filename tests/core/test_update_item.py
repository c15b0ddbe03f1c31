"""UpdateItem: the order and the words of its refusals, and what it makes of the item before."""

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
from stator_core.item import Item, item_size
from stator_core.limits import ITEM_SIZE_BYTES_MAX
from stator_core.requests import update_item
from stator_core.requests.update_item import UpdateItem, parse
from stator_core.table import Index, IndexProjection, KeyAttribute, KeySchema, Table

PK = KeyAttribute("pk", "S")
TABLE = Table(
    name="Music",
    identifier=1,
    table_id="00000000-0000-0000-0000-000000000000",
    arn="arn:aws:dynamodb:eu-west-2:000000000000:table/Music",
    key_schema=KeySchema((PK,)),
    attribute_definitions=(PK, KeyAttribute("i", "S")),
    created=0.0,
    global_indexes=(
        Index("x", "GLOBAL", 2, KeySchema((KeyAttribute("i", "S"),)), IndexProjection("ALL")),
    ),
)
ENVELOPE = "1 validation error detected: "
KEY: dict[str, Any] = {"pk": {"S": "a"}}
STORED: Item = {**KEY, "c": {"N": "1"}, "m": {"M": {"x": {"S": "1"}, "y": {"S": "2"}}}}
ONE: dict[str, Any] = {":one": {"N": "1"}}


def body(**members: Any) -> dict[str, Any]:
    return copy.deepcopy({"TableName": "Music", "Key": KEY, **members})


def counting(**members: Any) -> dict[str, Any]:
    return body(UpdateExpression="SET c = c + :one", ExpressionAttributeValues=ONE, **members)


def refusal(**members: Any) -> str | None:
    with pytest.raises(ValidationException) as caught:
        parse(body(**members))
    return caught.value.message


def refusal_of_write(request: UpdateItem, before: Item | None) -> str | None:
    try:
        request.check(TABLE)
        request.evaluate(TABLE, before, 0 if before is None else item_size(before))
    except ValidationException as error:
        return error.message
    pytest.fail("the write was accepted")


@pytest.mark.parametrize(
    "members, message",
    [
        (
            {"Key": {"pk": {"N": "x"}}},
            ENVELOPE + "The parameter cannot be converted to a numeric value: x",
        ),
        (
            {"UpdateExpression": "SET a ="},
            ENVELOPE + 'Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "="',
        ),
        (
            {"UpdateExpression": "", "ConditionExpression": ""},
            ENVELOPE + "Invalid ConditionExpression: The expression can not be empty;",
        ),
        (
            {"UpdateExpression": ""},
            ENVELOPE + "Invalid UpdateExpression: The expression can not be empty;",
        ),
        (
            {"UpdateExpression": "SET a = :a"},
            ENVELOPE + "Invalid UpdateExpression: An expression attribute value used in "
            "expression is not defined; attribute value: :a",
        ),
        (
            {"UpdateExpression": "REMOVE a", "ConditionExpression": "b = :b"},
            ENVELOPE + "Invalid ConditionExpression: An expression attribute value used in "
            "expression is not defined; attribute value: :b",
        ),
        (
            {
                "UpdateExpression": "REMOVE a",
                "ConditionExpression": "b =",
                "ExpressionAttributeValues": ONE,
            },
            ENVELOPE + 'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="',
        ),
        (
            {"UpdateExpression": "REMOVE a", "ExpressionAttributeValues": ONE},
            ENVELOPE
            + "Value provided in ExpressionAttributeValues unused in expressions: keys: {:one}",
        ),
        (
            {"ExpressionAttributeValues": ONE},
            ENVELOPE + "ExpressionAttributeValues can only be specified when using expressions",
        ),
        (
            {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"N": ""}}},
            ENVELOPE + "The parameter cannot be converted to a numeric value: ",
        ),
        (
            {
                "UpdateExpression": "SET a = :a, b = :b",
                "ExpressionAttributeValues": {":a": {"N": ""}, ":b": {"BOOL": "true"}},
            },
            (
                "ExpressionAttributeValues contains invalid value: "
                "The parameter cannot be converted to a numeric value for key :a"
            ),
        ),
        (
            {"AttributeUpdates": {"a": {"Action": "put", "Value": {"S": "x"}}}},
            ENVELOPE + "Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action",
        ),
        (
            {"AttributeUpdates": {"a": {"Action": "ADD"}}},
            (
                "One or more parameter values were invalid: "
                "Only DELETE action is allowed when no attribute value is specified"
            ),
        ),
        (
            {"AttributeUpdates": {"a": {"Value": {"SS": []}}}},
            ENVELOPE + "One or more parameter values were invalid: An string set  may not be empty",
        ),
        (
            {"AttributeUpdates": {}, "UpdateExpression": "REMOVE a"},
            ENVELOPE + "Can not use both expression and non-expression parameters in the same "
            "request: Non-expression parameters: {AttributeUpdates} "
            "Expression parameters: {UpdateExpression}",
        ),
    ],
)
def test_refusals_are_enveloped_or_bare_as_captured(members: dict[str, Any], message: str) -> None:
    assert refusal(**members) == message


def test_the_key_and_its_attributes_are_out_of_reach() -> None:
    parse(counting()).check(TABLE)
    values = {":v": {"S": "x"}}
    for members, message in (
        (
            {"Key": {"sk": {"S": "a"}}},
            "The provided key element does not match the schema",
        ),
        (
            {"UpdateExpression": "SET pk = :v", "ExpressionAttributeValues": values},
            (
                "One or more parameter values were invalid: Cannot update attribute pk. "
                "This attribute is part of the key"
            ),
        ),
        (
            {"AttributeUpdates": {"pk": {"Value": {"S": "x"}}}},
            (
                "One or more parameter values were invalid: Cannot update attribute pk. "
                "This attribute is part of the key"
            ),
        ),
        (
            {"UpdateExpression": "SET i.x = :v", "ExpressionAttributeValues": values},
            (
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are "
                "not allowed: IndexKey: i"
            ),
        ),
        (
            {"UpdateExpression": "REMOVE a", "ConditionExpression": "attribute_exists(pk.x)"},
            (
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are "
                "not allowed: Key: pk"
            ),
        ),
    ):
        assert refusal_of_write(parse(body(**members)), None) == message


def test_an_update_starts_from_the_item_before_and_leaves_it_as_it_was() -> None:
    request = parse(counting())
    before = copy.deepcopy(STORED)

    for _ in range(2):  # Evaluating changes nothing.
        evaluated = request.evaluate(TABLE, before, item_size(before))
        assert evaluated.item == {**STORED, "c": {"N": "2"}}
        assert evaluated.size == item_size(evaluated.item)
        assert evaluated.attributes is None
        assert before == STORED
    assert request.needs_previous


def test_an_update_without_any_change_makes_an_item_of_the_key_alone() -> None:
    for members in ({}, {"AttributeUpdates": {}}):
        request = parse(body(**members))

        made = request.evaluate(TABLE, None, 0)
        kept = request.evaluate(TABLE, STORED, item_size(STORED))

        assert (made.item, made.size) == (KEY, 3)
        assert (kept.item, kept.size) == (STORED, item_size(STORED))


def test_an_update_of_an_absent_item_makes_it_unless_it_only_removes() -> None:
    made = parse(
        body(UpdateExpression="SET a = :one", ExpressionAttributeValues=ONE, ReturnValues="ALL_NEW")
    ).evaluate(TABLE, None, 0)
    nothing = parse(body(UpdateExpression="REMOVE a", ReturnValues="ALL_NEW")).evaluate(
        TABLE, None, 0
    )

    assert made.item == made.attributes == {**KEY, "a": {"N": "1"}}
    assert (nothing.item, nothing.size, nothing.attributes) == (None, 0, None)


@pytest.mark.parametrize(
    "return_values, attributes",
    [
        ("NONE", None),
        ("ALL_OLD", STORED),
        (
            "ALL_NEW",
            {**KEY, "c": {"N": "2"}, "m": {"M": {"y": {"S": "2"}}}},
        ),
        ("UPDATED_OLD", {"c": {"N": "1"}, "m": {"M": {"x": {"S": "1"}}}}),
        ("UPDATED_NEW", {"c": {"N": "2"}}),
    ],
)
def test_return_values_pick_old_or_new_all_or_what_was_named(
    return_values: str, attributes: Item | None
) -> None:
    request = parse(
        body(
            UpdateExpression="SET c = c + :one REMOVE m.x",
            ExpressionAttributeValues=ONE,
            ReturnValues=return_values,
        )
    )

    assert request.evaluate(TABLE, STORED, item_size(STORED)).attributes == attributes


def test_attributes_are_left_out_where_there_are_none() -> None:
    for return_values in ("ALL_OLD", "UPDATED_OLD"):
        request = parse(
            body(
                UpdateExpression="SET a = :one",
                ExpressionAttributeValues=ONE,
                ReturnValues=return_values,
            )
        )
        assert request.evaluate(TABLE, None, 0).attributes is None
    removed = parse(body(UpdateExpression="REMOVE c", ReturnValues="UPDATED_NEW"))
    assert removed.evaluate(TABLE, STORED, item_size(STORED)).attributes is None


def test_a_false_condition_refuses_the_update() -> None:
    request = parse(
        counting(ConditionExpression="c > :one", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    )

    with pytest.raises(ConditionalCheckFailedException) as caught:
        request.evaluate(TABLE, STORED, item_size(STORED))

    assert caught.value.members == {"Item": STORED}


def test_an_update_that_does_not_fit_what_is_stored_is_refused_bare() -> None:
    missing = parse(counting())
    assert refusal_of_write(missing, KEY) == (
        "The provided expression refers to an attribute that does not exist in the item"
    )
    astray = parse(body(UpdateExpression="SET n.x = :one", ExpressionAttributeValues=ONE))
    assert refusal_of_write(astray, STORED) == (
        "The document path provided in the update expression is invalid for update"
    )


def test_an_index_key_is_checked_when_it_changes_and_only_then() -> None:
    request = parse(body(UpdateExpression="SET i = :one", ExpressionAttributeValues=ONE))

    assert refusal_of_write(request, STORED) == (
        "The update expression attempted to update the secondary index key to unsupported type"
    )
    misfit: Item = {**STORED, "i": {"N": "1"}}
    parse(counting()).evaluate(TABLE, misfit, item_size(misfit))


def test_an_item_that_would_grow_over_the_limit_is_refused() -> None:
    before: Item = {**KEY, "a": {"S": "x" * 300_000}, "b": {"S": "x" * 60_000}}
    request = parse(body(UpdateExpression="SET d = b"))

    assert refusal_of_write(request, before) == (
        "Item size to update has exceeded the maximum allowed size"
    )


def test_the_request_itself_is_charged_against_the_limit_before_the_condition_is_asked() -> None:
    values = {":a": {"S": "x" * 250_000}}
    request = parse(
        body(
            UpdateExpression="SET a = :a, b = if_not_exists(b, :a)",
            ConditionExpression="attribute_exists(nothing)",
            ExpressionAttributeValues=values,
        )
    )

    assert request.request_charge > 409_600
    assert refusal_of_write(request, {**KEY, "b": {"S": "y"}}) == (
        "Item size to update has exceeded the maximum allowed size"
    )


def test_an_update_may_not_leave_the_item_nested_too_deep() -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: dict[str, Any] = {"S": "x"}
        for _ in range(levels):
            value = {"L": [value]}
        return value

    request = parse(
        body(UpdateExpression="SET m.x = :v", ExpressionAttributeValues={":v": nested(31)})
    )
    assert refusal_of_write(request, STORED) == "Nesting Levels have exceeded supported limits"

    fitting = parse(
        body(UpdateExpression="SET m.x = :v", ExpressionAttributeValues={":v": nested(30)})
    )
    fitting.evaluate(TABLE, STORED, item_size(STORED))


def test_attribute_updates_are_the_older_form_of_an_update() -> None:
    request = parse(
        body(
            AttributeUpdates={
                "c": {"Action": "ADD", "Value": {"N": "1.0"}},
                "d": {"Value": {"S": "x"}},
                "m": {"Action": "DELETE"},
            },
            Expected={"c": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "1"}]}},
            ReturnValues="UPDATED_NEW",
        )
    )

    evaluated = request.evaluate(TABLE, STORED, item_size(STORED))

    assert evaluated.item == {**KEY, "c": {"N": "2"}, "d": {"S": "x"}}
    assert evaluated.attributes == {"c": {"N": "2"}, "d": {"S": "x"}}
    assert request.request_charge == 0
    with pytest.raises(ConditionalCheckFailedException):
        request.evaluate(TABLE, KEY, 3)


@pytest.mark.parametrize(
    "expression",
    [
        "SET c = c + :one, #n = :one REMOVE m",
        "SET m.x = :one, l = m REMOVE m.y",
        "REMOVE l[0], m.x",
        "SET l[5] = :one",
    ],
)
def test_the_size_after_an_update_is_that_of_the_whole_item(expression: str) -> None:
    before: Item = {**STORED, "l": {"L": [{"S": "ü"}, {"M": {}}]}}
    request = parse(
        body(
            UpdateExpression=expression,
            ExpressionAttributeNames={"#n": "né"} if "#n" in expression else None,
            ExpressionAttributeValues=ONE if ":one" in expression else None,
        )
    )

    evaluated = request.evaluate(TABLE, before, item_size(before))

    assert evaluated.item is not None
    assert evaluated.size == item_size(evaluated.item)


VALUES = st.sampled_from(
    [{"S": "a"}, {"N": "1.0"}, {"N": "x"}, {"N": 1}, {"BOOL": "true"}, {"S": "a", "N": "1"}, {}, 1]
)
BODIES = st.fixed_dictionaries(
    {
        "TableName": st.sampled_from(["Music"] * 8 + ["ab", "a!", "", None, 1]),
        "Key": st.just(KEY)
        | st.dictionaries(st.sampled_from(["pk", "pk", ""]), VALUES, max_size=1)
        | st.none(),
    },
    optional={
        "UpdateExpression": st.sampled_from(
            ["SET b = :a", "SET #a = :a", "REMOVE a", "ADD c :a", "SET", "", None, 1]
        ),
        "ConditionExpression": st.sampled_from(["a = :a", "attribute_exists(#a)", "a =", "", 1]),
        "ExpressionAttributeNames": st.sampled_from(
            [{"#a": "a"}, {"#a": ""}, {"a": "a"}, {}, {"#a": 1}, None, []]
        ),
        "ExpressionAttributeValues": st.dictionaries(
            st.sampled_from([":a", ":a", ":b", "a"]), VALUES, max_size=2
        ),
        "ReturnValues": st.sampled_from(["NONE", "ALL_OLD", "UPDATED_NEW", "X", None, 1, []]),
        "ReturnConsumedCapacity": st.sampled_from(["TOTAL", "X", None]),
        "AttributeUpdates": st.sampled_from([{}, {"a": {"Action": "DELETE"}}, {"a": {}}]),
        "Expected": st.sampled_from([{}, {"a": {"Exists": "no"}}]),
        "Unheard": st.just(1),
    },
)


def outcome(read: Any, request_body: dict[str, Any]) -> Any:
    try:
        request = read(copy.deepcopy(request_body))
    except DynamoDBError as error:
        return error.body()
    # Updates and conditions are closures: they are alike if they do the same to items.
    made = []
    for before in (None, KEY, {**STORED, "a": {"S": "a"}}):
        try:
            made.append(request.evaluate(TABLE, before, 0 if before is None else item_size(before)))
        except DynamoDBError as error:
            made.append(error.body())
    charged = request.request_charge > ITEM_SIZE_BYTES_MAX  # All else about it is alike.
    request.update, request.condition, request.request_charge = None, None, 0
    return request, made, charged


@given(BODIES)
def test_the_fast_lane_and_the_slow_lane_agree(request_body: dict[str, Any]) -> None:
    slow = outcome(update_item._parse_in_order, request_body)

    assert outcome(parse, request_body) == slow
    assert outcome(parse, request_body) == slow, "now that the text is known"


LONG = {"S": "x" * (ITEM_SIZE_BYTES_MAX - 1)}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"Key": {"pk": {"S": 1}}},
        {"Key": {"pk": {"N": "1.0"}}},
        {"Key": {}},
        {"Key": []},
        {"TableName": "no"},
        {"TableName": None},
        {"UpdateExpression": "SET a = :a"},
        {"UpdateExpression": ["SET a = :a, b = :b"]},
        {"ExpressionAttributeValues": {":a": {"S": "1"}}},
        {"ExpressionAttributeValues": {":a": {"S": "1"}, ":b": {"S": "1"}, ":c": {"S": "1"}}},
        {"ExpressionAttributeValues": {":a": {"S": "1"}, ":c": {"S": "1"}}},
        {"ExpressionAttributeValues": {":a": {"N": "1.0"}, ":b": {"N": "x"}}},
        {"ExpressionAttributeValues": {":a": {"BOOL": "true"}, ":b": {"N": "01"}}},
        {"ExpressionAttributeValues": {":a": {"S": "1"}, ":b": {"L": [{"M": {"": {}}}]}}},
        {"ExpressionAttributeValues": {":a": LONG, ":b": {"S": "1"}}},
        {"ExpressionAttributeValues": {":a": LONG, ":b": LONG}},
        {"ExpressionAttributeValues": {":a": {"S": "x" * 2**21}, ":b": {"S": "1"}}},
        {"ExpressionAttributeValues": {}},
        {"ExpressionAttributeValues": None},
        {"ExpressionAttributeValues": [":a", ":b"]},
    ],
)
def test_a_text_that_came_before_is_taken_and_refused_as_at_first(members: dict[str, Any]) -> None:
    usual = body(
        UpdateExpression="SET a = :a, b = :b",
        ExpressionAttributeValues={":a": {"S": "1"}, ":b": {"N": "1"}},
    )
    parse(copy.deepcopy(usual))  # Now the text is known.
    made = usual | members

    def outcome_of_check(read: Any) -> Any:
        try:
            read(copy.deepcopy(made)).check(TABLE)
        except DynamoDBError as error:
            return error.body()
        return outcome(read, made)

    assert outcome_of_check(parse) == outcome_of_check(update_item._parse_in_order)


def test_the_types_of_values_are_asked_again_of_a_text_that_came_before() -> None:
    made = body(UpdateExpression="ADD c :a", ExpressionAttributeValues={":a": {"N": "1"}})
    parse(copy.deepcopy(made))
    made["ExpressionAttributeValues"] = {":a": {"S": "1"}}

    with pytest.raises(ValidationException, match="operand type: STRING"):
        parse(made)
