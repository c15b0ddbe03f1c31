"""ReturnValues picks what a write answers: the item before or after, all of it or what was named.

Nothing is left out that was asked for, and Attributes is left out where there is nothing to show.
AWS: API reference, UpdateItem, PutItem and DeleteItem, ReturnValues.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import ItemTable

BEFORE: dict[str, Any] = {
    "a": {"N": "1"},
    "b": {"S": "b"},
    "m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}, "d": {"M": {"k": {"S": "v"}}}}},
    "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}]},
    "ss": {"SS": ["p", "q"]},
}


def returned(
    table: ItemTable, value: str, expression: str, values: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """The Attributes of an update of an item with BEFORE, without its key."""
    key = table.stored(**BEFORE)
    members = {"ExpressionAttributeValues": values} if values else {}
    attributes = table.update(key, expression, ReturnValues=value, **members).get("Attributes")
    if attributes is None:
        return None
    assert ("pk" in attributes) is value.startswith("ALL")
    return {name: v for name, v in attributes.items() if name != "pk"}


ONE = {":v": {"N": "9"}}


def test_none_is_the_default_and_answers_nothing(table):
    key = table.stored(**BEFORE)

    assert table.update(key, "SET a = :v", ExpressionAttributeValues=ONE) == {}
    assert table.update(key, "REMOVE a", ReturnValues="NONE") == {}


def test_all_old_is_the_item_before(table):
    assert returned(table, "ALL_OLD", "SET a = :v", ONE) == BEFORE


def test_all_new_is_the_item_after(table):
    assert returned(table, "ALL_NEW", "SET a = :v REMOVE b", ONE) == {
        name: value for name, value in (BEFORE | {"a": {"N": "9"}}).items() if name != "b"
    }


def test_all_old_of_an_item_that_was_not_there_is_left_out(table):
    answer = table.update(
        table.new_key(), "SET a = :v", ExpressionAttributeValues=ONE, ReturnValues="ALL_OLD"
    )

    assert answer == {}


def test_all_new_of_an_update_that_makes_the_item(table):
    key = table.new_key()

    answer = table.update(key, "SET a = :v", ExpressionAttributeValues=ONE, ReturnValues="ALL_NEW")

    assert answer == {"Attributes": key | {"a": {"N": "9"}}}


@pytest.mark.parametrize("value", ["ALL_NEW", "ALL_OLD", "UPDATED_NEW", "UPDATED_OLD"])
def test_an_update_that_makes_nothing_has_nothing_to_return(table, value):
    assert table.update(table.new_key(), "REMOVE a", ReturnValues=value) == {}


@pytest.mark.parametrize(
    "expression, old, new",
    [
        pytest.param("SET a = :v", {"a": {"N": "1"}}, {"a": {"N": "9"}}, id="an attribute"),
        pytest.param("SET n = :v", None, {"n": {"N": "9"}}, id="a new attribute"),
        pytest.param("REMOVE b", {"b": {"S": "b"}}, None, id="a removed one"),
        pytest.param("REMOVE n", None, None, id="a missing one"),
        pytest.param(
            "SET a = :v REMOVE b",
            {"a": {"N": "1"}, "b": {"S": "b"}},
            {"a": {"N": "9"}},
            id="both",
        ),
        pytest.param(
            "SET m.x = :v",
            {"m": {"M": {"x": {"N": "1"}}}},
            {"m": {"M": {"x": {"N": "9"}}}},
            id="a member of a map, without its neighbours",
        ),
        pytest.param(
            "SET m.d.k = :v, m.x = :v",
            {"m": {"M": {"d": {"M": {"k": {"S": "v"}}}, "x": {"N": "1"}}}},
            {"m": {"M": {"d": {"M": {"k": {"N": "9"}}}, "x": {"N": "9"}}}},
            id="two members of different depth",
        ),
        pytest.param(
            "SET l[3] = :v, l[1] = :v",
            {"l": {"L": [{"N": "1"}, {"N": "3"}]}},
            {"l": {"L": [{"N": "9"}, {"N": "9"}]}},
            id="list elements close up",
        ),
        pytest.param("ADD a :v", {"a": {"N": "1"}}, {"a": {"N": "10"}}, id="ADD"),
        pytest.param(
            "SET b = b",
            {"b": {"S": "b"}},
            {"b": {"S": "b"}},
            id="an attribute that keeps its value",
        ),
    ],
)
def test_updated_is_what_the_expression_names(table, expression, old, new):
    values = ONE if ":v" in expression else None

    assert returned(table, "UPDATED_OLD", expression, values) == old
    assert returned(table, "UPDATED_NEW", expression, values) == new


def test_updated_sets(table):
    values = {":s": {"SS": ["q", "r"]}}

    assert returned(table, "UPDATED_OLD", "ADD ss :s", values) == {"ss": {"SS": ["p", "q"]}}
    assert returned(table, "UPDATED_NEW", "ADD ss :s", values) == {"ss": {"SS": ["p", "q", "r"]}}
    assert returned(table, "UPDATED_NEW", "DELETE ss :s", values) == {"ss": {"SS": ["p"]}}
    assert returned(table, "UPDATED_NEW", "DELETE ss :s", {":s": BEFORE["ss"]}) is None


@pytest.mark.parametrize(
    "value, attributes",
    [
        ("ALL_OLD", BEFORE),
        ("ALL_NEW", {**BEFORE, "a": {"N": "3"}}),
        ("UPDATED_OLD", {"a": {"N": "1"}}),
        ("UPDATED_NEW", {"a": {"N": "3"}}),
    ],
)
def test_attribute_updates_return_alike(table, value, attributes):
    key = table.stored(**BEFORE)

    answer = table.call(
        "UpdateItem",
        Key=key,
        AttributeUpdates={"a": {"Action": "ADD", "Value": {"N": "2"}}},
        ReturnValues=value,
    )

    whole = key if value.startswith("ALL") else {}
    assert answer == {"Attributes": whole | attributes}


def test_an_update_without_expression_returns_the_whole_item_or_nothing(table):
    key = table.stored(a={"N": "1"})

    for value in ("ALL_OLD", "ALL_NEW"):
        answer = table.call("UpdateItem", Key=key, ReturnValues=value)
        assert answer == {"Attributes": key | {"a": {"N": "1"}}}
    for value in ("UPDATED_OLD", "UPDATED_NEW"):
        assert table.call("UpdateItem", Key=key, ReturnValues=value) == {}


@pytest.mark.parametrize("operation", ["PutItem", "DeleteItem"])
def test_put_and_delete_return_the_old_item(table, operation):
    key = table.stored(**BEFORE)
    name = "Item" if operation == "PutItem" else "Key"

    answer = table.call(operation, **{name: key}, ReturnValues="ALL_OLD")

    assert answer == {"Attributes": key | BEFORE}


def test_returned_sets_are_in_order(table):
    """Numbers by value, though they were sent otherwise."""
    key = table.new_key()

    answer = table.update(
        key,
        "SET s = :s",
        ExpressionAttributeValues={":s": {"NS": ["10", "9", "-1"]}},
        ReturnValues="UPDATED_NEW",
    )

    assert answer == {"Attributes": {"s": {"NS": ["-1", "9", "10"]}}}
