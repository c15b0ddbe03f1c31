"""The parameters from before expressions still work: Expected, AttributeUpdates, and their kin.

Each says what an expression says today, with operators and quirks of its own; the two never mix.
AttributesToGet is shown in `test_projection_expression.py`.
AWS: Developer Guide, Legacy conditional parameters.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import FAILED_CONDITION, PARAMETER, ItemTable, enveloped, invalid

ITEM: dict[str, Any] = {
    "s": {"S": "hello"},
    "n": {"N": "5"},
    "b": {"B": b"\x00\x01"},
    "t": {"BOOL": True},
    "z": {"NULL": True},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "l": {"L": [{"N": "1"}, {"S": "two"}]},
    "m": {"M": {"x": {"N": "1"}}},
    "user-id": {"S": "u"},
    "s.k": {"S": "dotted"},
}
BAD_TYPE = invalid("Type mismatch for attribute to update")
Expected = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def key(table: ItemTable) -> dict[str, Any]:
    """The key of one item that no test changes."""
    return table.stored(**ITEM)


def holds(table: ItemTable, key: dict[str, Any], expected: Expected, **members: Any) -> bool:
    """Whether the item is as expected: an update that changes nothing is allowed."""
    try:
        table.call("UpdateItem", Key=key, Expected=expected, **members)
    except table.client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def compared(operator: str, *values: dict[str, Any]) -> dict[str, Any]:
    lists = {"AttributeValueList": list(values)} if values else {}
    return {"ComparisonOperator": operator} | lists


def refusal(table: ItemTable, expected: Any, **members: Any) -> str:
    """How Expected is refused by itself, sent as the JSON stands."""
    return table.sent_refusal("DeleteItem", Key=table.new_key(), Expected=expected, **members)


def string(text: str) -> dict[str, str]:
    return {"S": text}


def number(value: str) -> dict[str, str]:
    return {"N": value}


# --------------------------------------------------------------------------------------- Expected


@pytest.mark.parametrize(
    "expected, answer",
    [
        pytest.param({"n": {"Value": number("5.0")}}, True, id="a value, by its meaning"),
        pytest.param({"n": {"Value": string("5")}}, False, id="a value of another type"),
        pytest.param({"n": {"Value": number("5"), "Exists": True}}, True, id="Exists says so too"),
        pytest.param({"x": {"Exists": False}}, True, id="an absent attribute"),
        pytest.param({"n": {"Exists": False}}, False, id="one that should be absent"),
        pytest.param({"x": {"Value": number("5")}}, False, id="one that should be there"),
        pytest.param({"ss": {"Value": {"SS": ["b", "a"]}}}, True, id="sets have no order"),
        pytest.param({"user-id": {"Value": string("u")}}, True, id="any attribute name"),
        pytest.param({"s.k": {"Value": string("dotted")}}, True, id="a dot is part of the name"),
        pytest.param({}, True, id="nothing is expected"),
    ],
)
def test_values_and_existence_are_expected(table, key, expected, answer):
    assert holds(table, key, expected) is answer


@pytest.mark.parametrize(
    "attribute, operator, values, answer",
    [
        ("s", "EQ", [string("hello")], True),
        ("m", "EQ", [{"M": {"x": number("1")}}], True),
        ("x", "EQ", [string("hello")], False),
        ("s", "NE", [string("hello")], False),
        ("s", "NE", [number("1")], True),
        ("x", "NE", [string("hello")], True),
        ("n", "LT", [number("5.1")], True),
        ("n", "LT", [number("5")], False),
        ("n", "LE", [number("5")], True),
        ("n", "GT", [number("4")], True),
        ("n", "GE", [number("5")], True),
        ("n", "GE", [string("1")], False),
        ("x", "LT", [number("5")], False),
        ("n", "BETWEEN", [number("5"), number("6")], True),
        ("n", "BETWEEN", [number("6"), number("7")], False),
        ("n", "IN", [number("4"), number("5")], True),
        ("n", "IN", [number("4")], False),
        ("x", "IN", [number("4")], False),
        ("s", "BEGINS_WITH", [string("hel")], True),
        ("b", "BEGINS_WITH", [{"B": b"\x00"}], True),
        ("n", "BEGINS_WITH", [string("5")], False),
        ("z", "NOT_NULL", [], True),
        ("x", "NOT_NULL", [], False),
        ("z", "NULL", [], False),
        ("x", "NULL", [], True),
        ("s", "CONTAINS", [string("ell")], True),
        ("ss", "CONTAINS", [string("a")], True),
        ("ns", "CONTAINS", [number("1.0")], True),
        ("l", "CONTAINS", [string("two")], True),
        ("ss", "CONTAINS", [string("c")], False),
        ("x", "CONTAINS", [string("c")], False),
        ("s", "NOT_CONTAINS", [string("x")], True),
        ("ss", "NOT_CONTAINS", [string("a")], False),
        ("x", "NOT_CONTAINS", [string("a")], False),
    ],
)
def test_operators_compare(table, key, attribute, operator, values, answer):
    """NULL and NOT_NULL ask whether the attribute is there; of a missing one only NE is true."""
    assert holds(table, key, {attribute: compared(operator, *values)}) is answer


def test_a_list_may_contain_a_boolean(table):
    """AWS's page speaks of strings, numbers and binary only (unconfirmed)."""
    key = table.stored(l={"L": [{"BOOL": True}]})

    assert holds(table, key, {"l": compared("CONTAINS", {"BOOL": True})})
    assert not holds(table, key, {"l": compared("NOT_CONTAINS", {"BOOL": True})})


def test_conditions_are_joined_by_and_unless_told_otherwise(table, key):
    expected = {"n": {"Value": number("5")}, "s": {"Value": string("other")}}

    assert not holds(table, key, expected)
    assert not holds(table, key, expected, ConditionalOperator="AND")
    assert holds(table, key, expected, ConditionalOperator="OR")


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "DeleteItem"])
def test_every_write_can_expect_something(table, operation):
    key = table.new_key()
    name = "Item" if operation == "PutItem" else "Key"

    refused = table.refusal(operation, **{name: key}, Expected={"a": {"Value": number("1")}})

    assert refused == FAILED_CONDITION
    assert table.get(key) is None


# Each of these begins with PARAMETER and stands in the envelope.
@pytest.mark.parametrize(
    "expected, text",
    [
        pytest.param(
            {"Value": number("1"), "AttributeValueList": [number("1")]},
            "Value and AttributeValueList cannot be used together for Attribute: a",
            id="Value and AttributeValueList",
        ),
        pytest.param(
            {"Exists": True, "ComparisonOperator": "NULL"},
            "Exists and ComparisonOperator cannot be used together for Attribute: a",
            id="Exists and ComparisonOperator",
        ),
        pytest.param(
            {"AttributeValueList": [number("1")]},
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
            id="AttributeValueList alone",
        ),
        pytest.param(
            {"ComparisonOperator": "LT"},
            "Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a",
            id="an operator without value",
        ),
        pytest.param(
            {},
            "Value must be provided when Exists is null for Attribute: a",
            id="nothing at all",
        ),
        pytest.param(
            {"Exists": True},
            "Value must be provided when Exists is true for Attribute: a",
            id="Exists without value",
        ),
        pytest.param(
            {"Exists": False, "Value": number("1")},
            "Value cannot be used when Exists is false for Attribute: a",
            id="a value that must not exist",
        ),
        pytest.param(
            compared("EQ", number("1"), number("2")),
            "Invalid number of argument(s) for the EQ ComparisonOperator",
            id="two arguments for one",
        ),
        pytest.param(
            compared("BETWEEN", number("1")),
            "Invalid number of argument(s) for the BETWEEN ComparisonOperator",
            id="one argument for two",
        ),
        pytest.param(
            compared("NULL", number("1")),
            "Invalid number of argument(s) for the NULL ComparisonOperator",
            id="an argument for none",
        ),
        pytest.param(
            compared("BETWEEN", number("1"), string("2")),
            "AttributeValues inside AttributeValueList must be of same type",
            id="two types",
        ),
        pytest.param(
            compared("LT", {"SS": ["a"]}),
            "ComparisonOperator LT is not valid for SS AttributeValue type",
            id="a set has no order",
        ),
        pytest.param(
            compared("BEGINS_WITH", number("1")),
            "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type",
            id="a number begins with nothing",
        ),
        pytest.param(
            compared("CONTAINS", {"SS": ["a"]}),
            "ComparisonOperator CONTAINS is not valid for SS AttributeValue type",
            id="nothing contains a set",
        ),
        pytest.param(
            compared("NOT_CONTAINS", {"L": []}),
            "ComparisonOperator NOT_CONTAINS is not valid for L AttributeValue type",
            id="nothing contains a list either",
        ),
        pytest.param(
            compared("IN", {"BOOL": True}),
            "ComparisonOperator IN is not valid for BOOL AttributeValue type",
            id="IN takes strings, numbers and binary",
        ),
        pytest.param(
            compared("IN", number("1"), {"NULL": True}),
            "ComparisonOperator IN is not valid for NULL AttributeValue type",
            id="IN looks at every value",
        ),
        pytest.param(compared("eq", number("1")), "Invalid comparison operator", id="lower case"),
        pytest.param(compared("FOO", number("1")), "Invalid comparison operator", id="unknown"),
    ],
)
def test_what_is_not_to_be_expected_is_refused(table, expected, text):
    assert refusal(table, {"a": expected}) == enveloped(PARAMETER + text)


def test_bounds_in_the_wrong_order_are_refused(table):
    expected = {"a": compared("BETWEEN", number("2"), number("1"))}

    assert refusal(table, expected) == enveloped(
        "The BETWEEN condition was provided a range where the lower bound is greater than the "
        "upper bound"
    )


def test_unreadable_values_are_found_before_operators(table):
    expected = {"a": compared("FOO", number("1")), "b": compared("EQ", number("x"))}

    assert refusal(table, expected) == enveloped(
        "The parameter cannot be converted to a numeric value: x"
    )


@pytest.mark.parametrize("written, answer", [("yes", True), ("0", False)])
def test_exists_understands_words(table, written, answer):
    key = table.stored(a=number("1"))
    expected = {"a": {"Exists": written} | ({"Value": number("1")} if answer else {})}

    answered = table.send("UpdateItem", Key=key, Expected=expected)

    assert (answered.error is None) is answer


def test_a_boolean_written_as_a_string_makes_refusals_bare(table):
    expected = {"a": {"Exists": "no", "Value": number("1")}}

    assert refusal(table, expected) == invalid(
        PARAMETER + "Value cannot be used when Exists is false for Attribute: a"
    )


# ----------------------------------------------------------------------------- ConditionalOperator


@pytest.mark.parametrize(
    "members, text",
    [
        pytest.param(
            {"ConditionalOperator": "AND"},
            "ConditionalOperator cannot be used without Filter or Expected",
            id="alone",
        ),
        pytest.param(
            {"ConditionalOperator": "AND", "Expected": {"a": {"Exists": False}}},
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
            id="with one condition",
        ),
        pytest.param(
            {
                "ConditionalOperator": "XOR",
                "Expected": {"a": {"Exists": False}, "b": {"Exists": False}},
            },
            "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]",
            id="unknown (ALL is DynamoDB's own slip)",
        ),
    ],
)
@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "DeleteItem"])
def test_conditional_operator_joins_two_conditions_or_more(table, operation, members, text):
    name = "Item" if operation == "PutItem" else "Key"

    assert table.refusal(operation, **{name: table.new_key()}, **members) == enveloped(text)


# ---------------------------------------------------------------------------------------- mixing


@pytest.mark.parametrize(
    "operation, members, legacy, expressions",
    [
        pytest.param(
            "DeleteItem",
            {"Expected": {"a": {"Exists": False}}, "ConditionExpression": "a = b"},
            "Expected",
            "ConditionExpression",
            id="Expected",
        ),
        pytest.param(
            "PutItem",
            {"ConditionalOperator": "AND", "ConditionExpression": "a = b"},
            "ConditionalOperator",
            "ConditionExpression",
            id="ConditionalOperator",
        ),
        pytest.param(
            "UpdateItem",
            {
                "AttributeUpdates": {},
                "Expected": {},
                "ConditionalOperator": "AND",
                "UpdateExpression": "REMOVE a",
                "ConditionExpression": "a = b",
            },
            "AttributeUpdates, Expected, ConditionalOperator",
            "UpdateExpression, ConditionExpression",
            id="everything",
        ),
    ],
)
def test_old_and_new_do_not_mix(table, operation, members, legacy, expressions):
    name = "Item" if operation == "PutItem" else "Key"

    assert table.refusal(operation, **{name: table.new_key()}, **members) == enveloped(
        "Can not use both expression and non-expression parameters in the same request: "
        f"Non-expression parameters: {{{legacy}}} Expression parameters: {{{expressions}}}"
    )


# ------------------------------------------------------------------------------ AttributeUpdates


@pytest.mark.parametrize(
    "before, update, after",
    [
        pytest.param({}, {"Value": number("1")}, {"a": number("1")}, id="PUT is the default"),
        pytest.param(
            {"a": string("x")},
            {"Action": "PUT", "Value": number("1")},
            {"a": number("1")},
            id="PUT replaces any type",
        ),
        pytest.param(
            {"a": number("1")},
            {"Action": "ADD", "Value": number("2")},
            {"a": number("3")},
            id="ADD",
        ),
        pytest.param(
            {}, {"Action": "ADD", "Value": number("2")}, {"a": number("2")}, id="ADD to nothing"
        ),
        pytest.param(
            {"a": {"SS": ["x"]}},
            {"Action": "ADD", "Value": {"SS": ["y"]}},
            {"a": {"SS": ["x", "y"]}},
            id="ADD to a set",
        ),
        pytest.param(
            {"a": {"L": [number("1")]}},
            {"Action": "ADD", "Value": {"L": [number("2")]}},
            {"a": {"L": [number("1"), number("2")]}},
            id="ADD to a list appends",
        ),
        pytest.param({"a": number("1")}, {"Action": "DELETE"}, {}, id="DELETE"),
        pytest.param({}, {"Action": "DELETE"}, {}, id="DELETE nothing"),
        pytest.param(
            {"a": {"SS": ["x", "y"]}},
            {"Action": "DELETE", "Value": {"SS": ["x", "z"]}},
            {"a": {"SS": ["y"]}},
            id="DELETE from a set",
        ),
        pytest.param(
            {"a": {"SS": ["x"]}},
            {"Action": "DELETE", "Value": {"SS": ["x"]}},
            {},
            id="DELETE the last element",
        ),
    ],
)
def test_attribute_updates_put_add_and_delete(table, before, update, after):
    key = table.stored(**before)

    table.call("UpdateItem", Key=key, AttributeUpdates={"a": update})

    assert table.attributes(key) == after


def test_attribute_updates_take_any_name(table):
    key = table.stored(**{"a.b": number("1")})

    table.call(
        "UpdateItem",
        Key=key,
        AttributeUpdates={
            "a.b": {"Action": "ADD", "Value": number("1")},
            "user-id": {"Value": string("u")},
        },
    )

    assert table.attributes(key) == {"a.b": number("2"), "user-id": string("u")}


@pytest.mark.parametrize(
    "update",
    [
        pytest.param({"Action": "ADD", "Value": number("1")}, id="ADD a number"),
        pytest.param({"Action": "ADD", "Value": {"SS": ["a"]}}, id="ADD a set"),
        pytest.param({"Action": "DELETE", "Value": {"SS": ["a"]}}, id="DELETE from a set"),
    ],
)
def test_attribute_updates_need_a_stored_value_of_the_same_type(table, update):
    key = table.stored(a=string("x"))

    assert table.refusal("UpdateItem", Key=key, AttributeUpdates={"a": update}) == BAD_TYPE
    assert table.attributes(key) == {"a": string("x")}


@pytest.mark.parametrize(
    "update, text",
    [
        pytest.param(
            {"Action": "PUT"},
            "Only DELETE action is allowed when no attribute value is specified",
            id="PUT nothing",
        ),
        pytest.param(
            {"Action": "ADD"},
            "Only DELETE action is allowed when no attribute value is specified",
            id="ADD nothing",
        ),
        pytest.param(
            {"Action": "DELETE", "Value": number("1")},
            "DELETE action with value is not supported for the type N",
            id="DELETE a number",
        ),
        pytest.param(
            {"Action": "ADD", "Value": {"B": "YQ=="}},
            "ADD action is not supported for the type B",
            id="ADD binary",
        ),
        pytest.param(
            {"Action": "ADD", "Value": string("x")},
            "ADD action is not supported for the type S",
            id="ADD a string",
        ),
    ],
)
def test_attribute_updates_that_make_no_sense_are_refused_bare(table, update, text):
    """(unconfirmed that no envelope is put around)"""
    refused = table.sent_refusal("UpdateItem", Key=table.new_key(), AttributeUpdates={"a": update})

    assert refused == invalid(PARAMETER + text)


@pytest.mark.parametrize("action", ["put", "SET", ""])
def test_the_action_is_one_of_three_exactly(table, action):
    """The stray quote is DynamoDB's; the table is not looked up before."""
    refused = table.sent_refusal(
        "UpdateItem",
        TableName="none",
        Key=table.new_key(),
        AttributeUpdates={"a": {"Action": action, "Value": number("1")}},
    )

    assert refused == enveloped(
        "Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action"
    )


def test_an_absent_item_is_made_by_adding_and_not_by_deleting(table):
    added, deleted = table.new_key(), table.new_key()

    table.call(
        "UpdateItem",
        Key=added,
        AttributeUpdates={"a": {"Action": "ADD", "Value": number("1")}, "b": {"Action": "DELETE"}},
    )
    table.call("UpdateItem", Key=deleted, AttributeUpdates={"a": {"Action": "DELETE"}})

    assert table.attributes(added) == {"a": number("1")}
    assert table.get(deleted) is None


def test_attribute_updates_and_expected_go_together(table):
    key = table.stored(a=number("1"))
    update = {"a": {"Action": "PUT", "Value": number("2")}}

    table.call(
        "UpdateItem",
        Key=key,
        AttributeUpdates=update,
        Expected={"a": {"Value": number("1")}},
    )

    assert table.attributes(key) == {"a": number("2")}
    assert (
        table.refusal(
            "UpdateItem",
            Key=key,
            AttributeUpdates=update,
            Expected={"a": {"Value": number("1")}},
        )
        == FAILED_CONDITION
    )
