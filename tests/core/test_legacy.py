"""The older parameters: Expected, QueryFilter, ScanFilter, KeyConditions, AttributeUpdates.

Sources: AWS Developer Guide, "Legacy conditional parameters"; error texts as captured.
"""

from __future__ import annotations

from typing import Any

import pytest

from expression_texts import refusal
from stator_core.expressions.key_condition import Clause
from stator_core.expressions.legacy import (
    compile_attribute_updates,
    compile_expected,
    compile_filter,
    compile_key_conditions,
)
from stator_core.item import Item, ValueRefused

P = "One or more parameter values were invalid: "
A, B, ONE, TWO = {"S": "a"}, {"S": "b"}, {"N": "1"}, {"N": "2"}
AB = {"SS": ["a", "b"]}
ITEM: Item = {
    "s": {"S": "text"},
    "n": {"N": "5"},
    "ss": {"SS": ["a", "b"]},
    "l": {"L": [A]},
    "user-id": {"S": "odd name"},
    "s.k": {"S": "dotted"},
    "nothing": {"NULL": True},
}


def not_valid(operator: str, kind: str) -> str:
    return f"ComparisonOperator {operator} is not valid for {kind} AttributeValue type"


def filtering(operator: str, *arguments: Any) -> dict[str, Any]:
    return {"ComparisonOperator": operator, "AttributeValueList": list(arguments)}


def passes(name: str, operator: str, *arguments: Any) -> bool:
    conditions = {name: filtering(operator, *arguments)}
    return compile_filter(conditions, "AND", "QueryFilter").matches(ITEM)


@pytest.mark.parametrize(
    "name, operator, arguments, expected",
    [
        ("s", "EQ", [{"S": "text"}], True),
        ("ss", "EQ", [{"SS": ["b", "a"]}], True),
        ("gone", "EQ", [A], False),
        ("s", "NE", [A], True),
        ("gone", "NE", [A], True),
        ("n", "LT", [{"N": "10"}], True),
        ("n", "LE", [{"N": "5"}], True),
        ("n", "GT", [{"N": "5"}], False),
        ("n", "GE", [{"N": "5.0"}], True),
        ("s", "GE", [ONE], False),
        ("n", "BETWEEN", [ONE, {"N": "5"}], True),
        ("n", "IN", [ONE, {"N": "5"}], True),
        ("n", "IN", [ONE], False),
        ("s", "BEGINS_WITH", [{"S": "te"}], True),
        ("s", "CONTAINS", [{"S": "ex"}], True),
        ("ss", "CONTAINS", [A], True),
        ("l", "CONTAINS", [A], True),
        ("gone", "CONTAINS", [A], False),
        ("ss", "NOT_CONTAINS", [A], False),
        ("ss", "NOT_CONTAINS", [{"S": "x"}], True),
        ("gone", "NOT_CONTAINS", [A], False),
        ("nothing", "NOT_NULL", [], True),
        ("gone", "NOT_NULL", [], False),
        ("gone", "NULL", [], True),
        ("nothing", "NULL", [], False),
        ("user-id", "EQ", [{"S": "odd name"}], True),
        ("s.k", "EQ", [{"S": "dotted"}], True),
        ("#s", "NULL", [], True),
    ],
)
def test_every_operator_filters(name, operator, arguments, expected) -> None:
    assert passes(name, operator, *arguments) is expected


def test_conditions_are_joined_by_the_conditional_operator() -> None:
    conditions = {"s": filtering("EQ", A), "n": filtering("EQ", {"N": "5"})}

    assert not compile_filter(conditions, "AND", "ScanFilter").matches(ITEM)
    assert compile_filter(conditions, "OR", "ScanFilter").matches(ITEM)
    assert compile_filter(conditions, "OR", "ScanFilter").top_level_names == {"s", "n"}


@pytest.mark.parametrize(
    "entry, expected",
    [
        ({"Value": {"S": "text"}}, True),
        ({"Value": {"S": "text"}, "Exists": True}, True),
        ({"Value": A}, False),
        ({"Exists": False}, False),
        ({"ComparisonOperator": "NE", "Value": A}, True),
        (filtering("BETWEEN", A, {"S": "z"}), True),
        ({"ComparisonOperator": "NOT_NULL"}, True),
    ],
)
def test_every_form_of_expected(entry, expected) -> None:
    assert compile_expected({"s": entry}).matches(ITEM) is expected


def test_an_absent_item_meets_only_what_may_be_missing() -> None:
    assert compile_expected({"s": {"Exists": False}}).matches(None)
    assert not compile_expected({"s": {"Value": A}}).matches(None)


@pytest.mark.parametrize(
    "entry, expected",
    [
        (
            {"Value": A, "AttributeValueList": [A]},
            "Value and AttributeValueList cannot be used together for Attribute: a",
        ),
        (
            {"Exists": True, "ComparisonOperator": "EQ", "Value": A},
            "Exists and ComparisonOperator cannot be used together for Attribute: a",
        ),
        (
            {"AttributeValueList": [A]},
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
        ),
        (
            {"ComparisonOperator": "LT"},
            "Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a",
        ),
        ({}, "Value must be provided when Exists is null for Attribute: a"),
        ({"Exists": True}, "Value must be provided when Exists is true for Attribute: a"),
        (
            {"Exists": False, "Value": A},
            "Value cannot be used when Exists is false for Attribute: a",
        ),
        (filtering("EQ"), "Invalid number of argument(s) for the EQ ComparisonOperator"),
        (filtering("NULL", A), "Invalid number of argument(s) for the NULL ComparisonOperator"),
        (
            filtering("BETWEEN", A),
            "Invalid number of argument(s) for the BETWEEN ComparisonOperator",
        ),
        ({"ComparisonOperator": "eq", "Value": A}, "Invalid comparison operator"),
        (filtering("FOO"), "Invalid comparison operator"),
    ],
)
def test_the_members_of_expected_must_fit_each_other(entry, expected) -> None:
    assert refusal(compile_expected, {"a": entry}) == P + expected


@pytest.mark.parametrize(
    "operator, arguments, expected",
    [
        ("EQ", [A, B], "Invalid number of argument(s) for the EQ ComparisonOperator"),
        ("IN", [], "Invalid number of argument(s) for the IN ComparisonOperator"),
        ("LT", [{"SS": ["a"]}], not_valid("LT", "SS")),
        ("GE", [{"BOOL": True}], not_valid("GE", "BOOL")),
        ("BEGINS_WITH", [ONE], not_valid("BEGINS_WITH", "N")),
        ("CONTAINS", [{"L": []}], not_valid("CONTAINS", "L")),
        ("NOT_CONTAINS", [{"NS": ["1"]}], not_valid("NOT_CONTAINS", "NS")),
        ("IN", [A, {"NULL": True}], not_valid("IN", "NULL")),
        ("IN", [A, ONE], "AttributeValues inside AttributeValueList must be of same type"),
        ("BETWEEN", [A, ONE], "AttributeValues inside AttributeValueList must be of same type"),
    ],
)  # fmt: skip
def test_an_operator_takes_so_many_arguments_of_such_types(operator, arguments, expected) -> None:
    entry = filtering(operator, *arguments)

    assert refusal(compile_expected, {"a": entry}) == P + expected
    assert refusal(compile_filter, {"a": entry}, "AND", "ScanFilter") == P + expected
    assert refusal(compile_key_conditions, {"a": entry}) == P + expected


def test_between_needs_its_bounds_in_order() -> None:
    assert refusal(compile_expected, {"a": filtering("BETWEEN", B, A)}) == (
        "The BETWEEN condition was provided a range where the lower bound is greater than "
        "the upper bound"
    )


def test_values_are_checked_before_operators() -> None:
    for compiling in (
        lambda: compile_expected({"a": filtering("FOO", {"N": "x"})}),
        lambda: compile_filter({"a": filtering("FOO", {"N": "x"})}, "AND", "QueryFilter"),
        lambda: compile_key_conditions({"a": filtering("FOO", {"N": "x"})}),
        lambda: compile_attribute_updates({"a": {"Action": "FOO", "Value": {"N": "x"}}}),
    ):
        with pytest.raises(ValueRefused):
            compiling()


def test_a_scan_filter_takes_values_one_level_deeper() -> None:
    value: dict[str, Any] = {"S": "leaf"}
    for _ in range(32):
        value = {"L": [value]}

    compile_filter({"a": filtering("EQ", value)}, "AND", "ScanFilter")
    with pytest.raises(ValueRefused):
        compile_filter({"a": filtering("EQ", value)}, "AND", "QueryFilter")


def test_key_conditions_become_clauses() -> None:
    conditions = {
        "pk": filtering("EQ", A),
        "sk": filtering("BETWEEN", ONE, TWO),
        "t": filtering("BEGINS_WITH", A),
        "u": filtering("NE", A),
    }

    assert compile_key_conditions(conditions).clauses == {
        "pk": Clause("=", (A,)),
        "sk": Clause("BETWEEN", (ONE, TWO)),
        "t": Clause("begins_with", (A,)),
        "u": Clause("<>", (A,)),
    }


KEY: Item = {"pk": {"S": "k"}}


def updated(attribute_updates: dict[str, Any], before: Item | None) -> Item | None:
    given = None if before is None else {**KEY, **before}
    after = compile_attribute_updates(attribute_updates).apply(given, KEY)
    if after is None:
        return None
    return {name: value for name, value in after.items() if name != "pk"}


@pytest.mark.parametrize(
    "entry, before, expected",
    [
        ({"Value": ONE}, {}, {"a": ONE}),
        ({"Action": "PUT", "Value": ONE}, {"a": A}, {"a": ONE}),
        ({"Action": "ADD", "Value": ONE}, {}, {"a": ONE}),
        ({"Action": "ADD", "Value": ONE}, {"a": ONE}, {"a": TWO}),
        ({"Action": "ADD", "Value": {"L": [B]}}, {"a": {"L": [A]}}, {"a": {"L": [A, B]}}),
        ({"Action": "ADD", "Value": {"SS": ["b"]}}, {"a": {"SS": ["a"]}}, {"a": AB}),
        ({"Action": "DELETE"}, {"a": ONE}, {}),
        ({"Action": "DELETE"}, {}, {}),
        ({"Action": "DELETE", "Value": {"SS": ["a"]}}, {"a": AB}, {"a": {"SS": ["b"]}}),
        ({"Action": "DELETE", "Value": {"SS": ["a"]}}, {"a": {"SS": ["a"]}}, {}),
    ],
)  # fmt: skip
def test_attribute_updates_put_add_and_delete(entry, before, expected) -> None:
    assert updated({"a": entry}, before) == expected


def test_an_absent_item_is_made_by_anything_but_deletes() -> None:
    assert updated({}, None) == {}
    assert updated({"a": {"Value": ONE}}, None) == {"a": ONE}
    assert updated({"a": {"Action": "DELETE"}}, None) is None
    assert updated({"a": {"Action": "DELETE", "Value": {"SS": ["a"]}}}, None) is None


@pytest.mark.parametrize(
    "entry, expected",
    [
        ({}, P + "Only DELETE action is allowed when no attribute value is specified"),
        (
            {"Action": "ADD"},
            P + "Only DELETE action is allowed when no attribute value is specified",
        ),
        (
            {"Action": "DELETE", "Value": ONE},
            P + "DELETE action with value is not supported for the type N",
        ),
        (
            {"Action": "ADD", "Value": {"B": "YQ=="}},
            P + "ADD action is not supported for the type B",
        ),
        (
            {"Action": "put", "Value": ONE},
            "Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action",
        ),
    ],
)
def test_an_action_must_fit_its_value(entry, expected) -> None:
    assert refusal(compile_attribute_updates, {"a": entry}) == expected


def test_every_action_is_known_before_any_is_looked_at() -> None:
    entries = {"a": {"Action": "ADD"}, "b": {"Action": "FOO", "Value": ONE}}

    assert "for Action" in refusal(compile_attribute_updates, entries)


def test_a_stored_value_of_another_type_is_a_mismatch() -> None:
    for entry in ({"Action": "ADD", "Value": ONE}, {"Action": "DELETE", "Value": {"SS": ["a"]}}):
        made = compile_attribute_updates({"a": entry})
        assert refusal(made.apply, {**KEY, "a": A}, KEY) == "Type mismatch for attribute to update"


def test_attribute_updates_may_not_touch_keys_and_show_what_they_touched() -> None:
    made = compile_attribute_updates({"a": {"Value": ONE}, "b": {"Action": "DELETE"}})
    before = {**KEY, "a": A, "b": B}
    after = made.apply(before, KEY)

    assert after is not None
    assert made.updated(before) == {"a": A, "b": B}
    assert made.updated(after) == {"a": ONE}
    assert "Cannot update attribute a." in refusal(made.check_keys, ("a",))


def test_an_attribute_named_like_a_placeholder_is_that_attribute() -> None:
    """Found by fuzzing: AttributeUpdates took `#count` for a placeholder that nobody defined."""
    update = compile_attribute_updates({"#count": {"Action": "ADD", "Value": {"N": "1"}}})

    assert update.apply(None, KEY) == {**KEY, "#count": {"N": "1"}}
