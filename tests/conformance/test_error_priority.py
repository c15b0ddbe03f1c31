"""Of several mistakes in one request DynamoDB reports one, and which one is part of its interface.

The stages: JSON, the operation, JSON types, members by themselves, names and values, parameters
against each other, expressions, the table, keys, the condition, the size of the result. Every test
sends a request with two mistakes of which the earlier one is answered.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import (
    FAILED_CONDITION,
    NOT_FOUND,
    PARAMETER,
    WRONG_KEY,
    ItemTable,
    constraint,
    enum,
    enveloped,
    invalid,
    member_errors,
    refusal_of,
    unconvertible,
)

# Mistakes by the stage that finds them, as members of UpdateItem, with the refusal of each.
TYPE = ({"ReturnValues": 1}, unconvertible("NUMBER_VALUE cannot be converted to String"))
MEMBER = (
    {"ReturnItemCollectionMetrics": "x"},
    member_errors(constraint("returnItemCollectionMetrics", "x", enum("SIZE", "NONE"))),
)
NAME = ({"Key": {"pk": {"S": "a"}, "": {"S": "a"}}}, enveloped("Empty attribute name"))
MIXED = (
    {"UpdateExpression": "REMOVE a", "Expected": {"a": {"Exists": False}}},
    enveloped(
        "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {Expected} Expression parameters: {UpdateExpression}"
    ),
)
VALUE = (
    {"ExpressionAttributeValues": {":v": {"N": "x"}}, "UpdateExpression": "SET a = :v"},
    enveloped("The parameter cannot be converted to a numeric value: x"),
)
SYNTAX = (
    {"UpdateExpression": "SET a ="},
    enveloped('Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "="'),
)
CONDITION_SYNTAX = (
    {"ConditionExpression": "a =", "UpdateExpression": "REMOVE a"},
    enveloped('Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="'),
)
UNUSED_NAME = (
    {"ExpressionAttributeNames": {"#u": "u"}, "UpdateExpression": "REMOVE a"},
    enveloped("Value provided in ExpressionAttributeNames unused in expressions: keys: {#u}"),
)
UNUSED_VALUE = (
    {"ExpressionAttributeValues": {":u": {"S": "u"}}, "UpdateExpression": "REMOVE a"},
    enveloped("Value provided in ExpressionAttributeValues unused in expressions: keys: {:u}"),
)
TABLE = ({"TableName": "no-such-table"}, NOT_FOUND)
KEY = ({"Key": {"pk": {"N": "1"}}}, WRONG_KEY)
UPDATED_KEY = (
    {"UpdateExpression": "REMOVE pk"},
    invalid(PARAMETER + "Cannot update attribute pk. This attribute is part of the key"),
)
CONDITION = (
    {"ConditionExpression": "attribute_exists(nowhere)"},
    FAILED_CONDITION,
)
PATH = (
    {"UpdateExpression": "SET a.b.c = pk"},
    invalid("The document path provided in the update expression is invalid for update"),
)

Mistake = tuple[dict[str, Any], str]


@pytest.mark.parametrize(
    "first, second",
    [
        pytest.param(TYPE, MEMBER, id="JSON types before members"),
        pytest.param(TYPE, TABLE, id="JSON types before the table"),
        pytest.param(MEMBER, NAME, id="members before empty names"),
        pytest.param(MEMBER, SYNTAX, id="members before expressions"),
        pytest.param(MEMBER, VALUE, id="members before values"),
        pytest.param(NAME, MIXED, id="empty names before mixing"),
        pytest.param(NAME, VALUE, id="empty names before values"),
        pytest.param(NAME, SYNTAX, id="empty names before expressions"),
        pytest.param(MIXED, TABLE, id="mixing before the table"),
        pytest.param(VALUE, CONDITION_SYNTAX, id="values before expressions"),
        pytest.param(VALUE, TABLE, id="values before the table"),
        pytest.param(SYNTAX, CONDITION_SYNTAX, id="the update before the condition"),
        pytest.param(SYNTAX, UNUSED_NAME, id="the update before unused names"),
        pytest.param(CONDITION_SYNTAX, UNUSED_NAME, id="the condition before unused names"),
        pytest.param(CONDITION_SYNTAX, UNUSED_VALUE, id="the condition before unused values"),
        pytest.param(UNUSED_NAME, UNUSED_VALUE, id="unused names before unused values"),
        pytest.param(UNUSED_VALUE, TABLE, id="unused values before the table"),
        pytest.param(SYNTAX, TABLE, id="expressions before the table"),
        pytest.param(TABLE, KEY, id="the table before the key"),
        pytest.param(TABLE, UPDATED_KEY, id="the table before an update of the key"),
        pytest.param(KEY, UPDATED_KEY, id="the key before an update of the key"),
        pytest.param(KEY, CONDITION, id="the key before the condition"),
        pytest.param(UPDATED_KEY, CONDITION, id="an update of the key before the condition"),
        pytest.param(CONDITION, PATH, id="the condition before what the update meets"),
    ],
)
def test_the_earlier_mistake_is_reported(table: ItemTable, first: Mistake, second: Mistake):
    """Each alone as a check on the table above, then both in one request."""
    key = {"Key": {"pk": {"S": "not there"}}}
    for members, refusal in (first, second):
        if members is not PATH[0]:
            assert table.sent_refusal("UpdateItem", **key | members) == refusal

    both = key | second[0] | first[0]

    assert table.sent_refusal("UpdateItem", **both) == first[1]


def test_a_path_that_leads_nowhere_is_found_in_an_item_that_is_there(table):
    members, refusal = PATH

    assert table.sent_refusal("UpdateItem", Key=table.stored(), **members) == refusal


def test_a_type_at_the_end_is_found_before_a_missing_member_at_the_start(table):
    answer = table.connection.call("PutItem", {"ReturnValues": {}})

    assert refusal_of(answer) == unconvertible("Start of structure or map found where not expected")


def test_json_is_read_before_the_operation_is_looked_up(table):
    """Neither is right; the body is looked at first."""
    answer = table.connection.call("NoSuchOperation", b"{")

    assert refusal_of(answer) == unconvertible("no message")
    answer = table.connection.call("NoSuchOperation", {})
    assert answer.error == "UnknownOperationException"


def test_ten_members_at_most_are_listed(table):
    """An empty name in an AttributesToGet of eleven nulls: ten of them are told."""
    answer = table.sent_refusal("GetItem", Key={"pk": {"S": "a"}}, AttributesToGet=[None] * 11)

    assert answer == member_errors(
        *(
            constraint(f"attributesToGet.{position}.member", None, "not be null")
            for position in range(1, 11)
        )
    )


# ------------------------------------------------------------------------- of PutItem and others


def test_an_empty_condition_comes_before_an_empty_update(table):
    refusal = table.refusal(
        "UpdateItem", Key=table.new_key(), UpdateExpression="", ConditionExpression=""
    )

    assert refusal == enveloped("Invalid ConditionExpression: The expression can not be empty;")
    refusal = table.refusal("UpdateItem", Key=table.new_key(), UpdateExpression="")
    assert refusal == enveloped("Invalid UpdateExpression: The expression can not be empty;")


def test_return_values_that_a_put_does_not_have_come_after_its_expressions(table):
    """(unconfirmed)"""
    refusal = table.refusal(
        "PutItem", Item=table.new_key(), ReturnValues="ALL_NEW", ConditionExpression=""
    )

    assert refusal == enveloped("Invalid ConditionExpression: The expression can not be empty;")


def test_the_size_of_a_put_is_found_before_the_table_is_looked_up(table):
    item = table.new_key() | {"a": {"S": "x" * 409_600}}

    assert table.refusal("PutItem", TableName="none", Item=item) == invalid(
        "Item size has exceeded the maximum allowed size"
    )


def test_keys_of_a_put_are_found_before_its_condition(table):
    refusal = table.refusal(
        "PutItem", Item={"pk": {"N": "1"}}, ConditionExpression="attribute_exists(a)"
    )

    assert refusal == invalid(PARAMETER + "Type mismatch for key pk expected: S actual: N")


def test_a_condition_is_asked_before_the_size_of_the_updated_item(table):
    key = table.stored(a={"S": "x" * 300_000})
    update = {
        "UpdateExpression": "SET b = :v",
        "ExpressionAttributeValues": {":v": {"S": "x" * 200_000}},
    }

    assert table.refusal("UpdateItem", Key=key, **update) == invalid(
        "Item size to update has exceeded the maximum allowed size"
    )
    refused = table.refusal("UpdateItem", Key=key, ConditionExpression="b = a", **update)
    assert refused == FAILED_CONDITION


@pytest.mark.parametrize("operation", ["GetItem", "DeleteItem", "UpdateItem"])
def test_the_table_is_looked_up_before_an_empty_key_value(table, operation):
    key = {"pk": {"S": ""}}

    assert table.refusal(operation, TableName="none", Key=key) == NOT_FOUND


def test_names_are_checked_before_values(table):
    refusal = table.sent_refusal(
        "DeleteItem",
        Key=table.new_key(),
        ConditionExpression="a = b",
        ExpressionAttributeNames={"a": "b"},
        ExpressionAttributeValues={"b": {"N": "x"}},
    )

    assert refusal == invalid(
        'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'
    )


# ---------------------------------------------------------------------- inside one expression

RESERVED = "Attribute name is a reserved keyword; reserved keyword: name"
NO_NAME = (
    "An expression attribute name used in the document path is not defined; attribute name: #a"
)
NO_VALUE = "An expression attribute value used in expression is not defined; attribute value: :a"


@pytest.mark.parametrize(
    "expression, text",
    [
        pytest.param(
            "SET name = a b",
            'Syntax error; token: "b", near: "a b"',
            id="syntax before reserved words",
        ),
        pytest.param(
            "SET name = nonsense(a)", RESERVED, id="reserved words before unknown functions"
        ),
        pytest.param(
            "SET a = nonsense(b) SET c = d",
            "Invalid function name; function: nonsense",
            id="unknown functions before repeated clauses",
        ),
        pytest.param(
            "SET a = #a SET c = d",
            'The "SET" section can only be used once in an update expression;',
            id="repeated clauses before undefined names",
        ),
        pytest.param("SET a = :a, b = #a", NO_NAME, id="undefined names before undefined values"),
        pytest.param("SET a = :a, a = b", NO_VALUE, id="undefined values before overlaps"),
        pytest.param(
            "SET a.b = c, a[0] = c, d = c, d = c",
            "Two document paths overlap with each other; must remove or rewrite one of these "
            "paths; path one: [d], path two: [d]",
            id="overlaps before conflicts",
        ),
        pytest.param(
            "SET a.b = c, a[0] = :n + c",
            "Two document paths conflict with each other; must remove or rewrite one of these "
            "paths; path one: [a, b], path two: [a, [0]]",
            id="conflicts before operand types",
        ),
        pytest.param(
            "SET a = list_append(:n, b), c = if_not_exists(:n, b)",
            "Incorrect operand type for operator or function; operator or function: list_append, "
            "operand type: S",
            id="operand types before misused functions",
        ),
    ],
)
def test_an_update_is_checked_in_stages(table, expression, text):
    members = {"ExpressionAttributeValues": {":n": {"S": "x"}}} if ":n" in expression else {}

    assert table.refusal(
        "UpdateItem", Key=table.new_key(), UpdateExpression=expression, **members
    ) == enveloped("Invalid UpdateExpression: " + text)


@pytest.mark.parametrize(
    "condition, text",
    [
        pytest.param(
            "((a = b)) AND c d",
            'Syntax error; token: "d", near: "c d"',
            id="syntax before parentheses",
        ),
        pytest.param(
            "nonsense(a) OR ((a = b))",
            "The expression has redundant parentheses;",
            id="parentheses before unknown functions",
        ),
        pytest.param(
            "size(a) OR nonsense(a)",
            "Invalid function name; function: nonsense",
            id="unknown functions before misused ones",
        ),
        pytest.param(
            "name = a OR size(a)",
            "The function is not allowed to be used this way in an expression; function: size",
            id="misused functions before reserved words",
        ),
        pytest.param("a = :a OR name = b", RESERVED, id="reserved words before undefined values"),
        pytest.param("#a = #a", NO_NAME, id="undefined names before equal operands"),
        pytest.param(
            "a < :true OR b = b",
            "Incorrect operand type for operator or function; operator or function: <, operand "
            "type: BOOL",
            id="the first condition before the second",
        ),
        pytest.param(
            "b = b OR a < :true",
            "The first operand must be distinct from the remaining operands for this operator or "
            "function; operator: =, first operand: [b]",
            id="whatever its mistake",
        ),
    ],
)
def test_a_condition_is_checked_in_stages(table, condition, text):
    members = (
        {"ExpressionAttributeValues": {":true": {"BOOL": True}}} if ":true" in condition else {}
    )

    assert table.refusal(
        "DeleteItem", Key=table.new_key(), ConditionExpression=condition, **members
    ) == enveloped("Invalid ConditionExpression: " + text)


@pytest.mark.parametrize(
    "projection, text",
    [
        pytest.param(
            "name, a b", 'Syntax error; token: "b", near: "a b"', id="syntax before reserved words"
        ),
        pytest.param("#a, name", RESERVED, id="reserved words before undefined names"),
        pytest.param("a, a, #a", NO_NAME, id="undefined names before overlaps"),
        pytest.param(
            "a.b, a[0], c, c",
            "Two document paths overlap with each other; must remove or rewrite one of these "
            "paths; path one: [c], path two: [c]",
            id="overlaps before conflicts",
        ),
    ],
)
def test_a_projection_is_checked_in_stages(table, projection, text):
    assert table.refusal(
        "GetItem", Key=table.new_key(), ProjectionExpression=projection
    ) == invalid("Invalid ProjectionExpression: " + text)
