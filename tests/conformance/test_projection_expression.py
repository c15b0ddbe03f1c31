"""A ProjectionExpression picks paths of an item and keeps the shape around them.

What is not there is left out without a word; paths that overlap or contradict each other are
refused before anything is read. AWS: Developer Guide, Projection expressions.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import NOT_FOUND, PARAMETER, ItemTable, constraint, invalid, member_errors

ITEM: dict[str, Any] = {
    "a": {"N": "1"},
    "m": {"M": {"x": {"N": "1"}, "y": {"M": {"z": {"S": "deep"}}}, "bare": {"M": {}}}},
    "l": {
        "L": [
            {"N": "0"},
            {"M": {"p": {"N": "1"}, "q": {"N": "2"}, "r": {"N": "3"}}},
            {"L": [{"N": "3"}, {"N": "4"}]},
            {"N": "5"},
        ]
    },
    "dotted.name": {"S": "dot"},
}


@pytest.fixture(scope="module")
def key(table: ItemTable) -> dict[str, Any]:
    """The key of one item that no test changes."""
    return table.stored(**ITEM)


def refusal(table: ItemTable, expression: str, **members: Any) -> str:
    return table.refusal("GetItem", Key=table.new_key(), ProjectionExpression=expression, **members)


@pytest.mark.parametrize(
    "expression, picked",
    [
        pytest.param("a", {"a": ITEM["a"]}, id="a top-level attribute"),
        pytest.param(" a ,m.x", {"a": ITEM["a"], "m": {"M": {"x": {"N": "1"}}}}, id="two paths"),
        pytest.param("m", {"m": ITEM["m"]}, id="a whole document"),
        pytest.param(
            "m.y.z", {"m": {"M": {"y": {"M": {"z": {"S": "deep"}}}}}}, id="the maps around a leaf"
        ),
        pytest.param(
            "m.x, m.y",
            {"m": {"M": {"x": {"N": "1"}, "y": ITEM["m"]["M"]["y"]}}},
            id="two leaves of one map",
        ),
        pytest.param("m.bare", {"m": {"M": {"bare": {"M": {}}}}}, id="an empty map"),
        pytest.param(
            "l[3], l[0]",
            {"l": {"L": [{"N": "0"}, {"N": "5"}]}},
            id="list elements close up in the order of the list",
        ),
        pytest.param("l[2][1]", {"l": {"L": [{"L": [{"N": "4"}]}]}}, id="a list in a list"),
        pytest.param(
            "l[1].p, l[1].r",
            {"l": {"L": [{"M": {"p": {"N": "1"}, "r": {"N": "3"}}}]}},
            id="two paths through one element merge",
        ),
        pytest.param(
            "l [1] . p", {"l": {"L": [{"M": {"p": {"N": "1"}}}]}}, id="blanks around the steps"
        ),
        pytest.param("a, nothing", {"a": ITEM["a"]}, id="a missing attribute is left out"),
        pytest.param("nothing", {}, id="nothing is left"),
        pytest.param("m.nothing", {}, id="a missing member"),
        pytest.param("l[9]", {}, id="past the end of a list"),
        pytest.param("a.b", {}, id="a step into a number"),
        pytest.param("m[0]", {}, id="an index into a map"),
        pytest.param("l.p", {}, id="a name into a list"),
    ],
)
def test_paths_pick_parts_of_the_item(table, key, expression, picked):
    assert table.call("GetItem", Key=key, ProjectionExpression=expression) == {"Item": picked}


def test_the_key_is_picked_only_if_named(table, key):
    assert table.get(key, ProjectionExpression="pk") == key


def test_a_dot_in_a_placeholder_belongs_to_the_name(table, key):
    item = table.get(key, ProjectionExpression="#d", ExpressionAttributeNames={"#d": "dotted.name"})

    assert item == {"dotted.name": {"S": "dot"}}


def test_an_absent_item_stays_absent(table):
    answer = table.call("GetItem", Key=table.new_key(), ProjectionExpression="a")

    assert answer == {}


@pytest.mark.parametrize(
    "expression, one, two",
    [
        pytest.param("a, a", "[a]", "[a]", id="the same path"),
        pytest.param("a.b, a", "[a, b]", "[a]", id="a path and what is around it"),
        pytest.param("l[1], l[1].p", "[l, [1]]", "[l, [1], p]", id="in a list"),
    ],
)
def test_paths_may_not_overlap(table, expression, one, two):
    assert refusal(table, expression) == invalid(
        "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or "
        f"rewrite one of these paths; path one: {one}, path two: {two}"
    )


def test_a_document_is_not_a_map_and_a_list_at_once(table):
    assert refusal(table, "a.b, a[0]") == invalid(
        "Invalid ProjectionExpression: Two document paths conflict with each other; must remove "
        "or rewrite one of these paths; path one: [a, b], path two: [a, [0]]"
    )


@pytest.mark.parametrize(
    "expression, text",
    [
        pytest.param("", "The expression can not be empty;", id="empty"),
        pytest.param("  ", 'Syntax error; token: "<EOF>", near: "  "', id="blanks only"),
        pytest.param("a,", 'Syntax error; token: "<EOF>", near: ","', id="nothing after a comma"),
        pytest.param("a b", 'Syntax error; token: "b", near: "a b"', id="no comma"),
        pytest.param("a[-1]", 'Syntax error; token: "-", near: "[-1"', id="a negative index"),
        pytest.param("a[b]", 'Syntax error; token: "b", near: "[b]"', id="a name for an index"),
        pytest.param("a[:v]", 'Syntax error; token: ":v", near: "[:v]"', id="a value for an index"),
        pytest.param("size(a)", 'Syntax error; token: "(", near: "size(a"', id="a function"),
        pytest.param(
            "a, SIZE",
            "Attribute name is a reserved keyword; reserved keyword: SIZE",
            id="a reserved word",
        ),
        pytest.param(
            "#a",
            "An expression attribute name used in the document path is not defined; attribute "
            "name: #a",
            id="an undefined name",
        ),
    ],
)
def test_what_is_no_projection_is_refused_bare(table, expression, text):
    assert refusal(table, expression) == invalid("Invalid ProjectionExpression: " + text)


def test_a_projection_is_checked_before_the_table_is_looked_up(table):
    assert refusal(table, "a", TableName="none") == NOT_FOUND
    assert refusal(table, "a, a", TableName="none").startswith(
        "ValidationException: Invalid ProjectionExpression: Two document paths overlap"
    )


def test_keys_have_no_inside(table):
    assert refusal(table, "pk.a") == invalid(
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
        "allowed: Key: pk"
    )


# ------------------------------------------------------------------------------ AttributesToGet


def test_attributes_to_get_names_top_level_attributes(table, key):
    item = table.get(key, AttributesToGet=["a", "m.x", "dotted.name", "nothing"])

    assert item == {"a": ITEM["a"], "dotted.name": ITEM["dotted.name"]}


def test_attributes_to_get_may_find_nothing(table, key):
    assert table.call("GetItem", Key=key, AttributesToGet=["nothing"]) == {"Item": {}}


def test_attributes_to_get_names_each_attribute_once(table, key):
    refused = table.refusal("GetItem", Key=key, AttributesToGet=["a", "b", "a"])

    assert refused == invalid(PARAMETER + "Duplicate value in attribute name: a")


def test_attributes_to_get_is_not_empty_and_names_something(table, key):
    assert table.sent_refusal("GetItem", Key=key, AttributesToGet=[]) == member_errors(
        constraint("attributesToGet", "[]", "have length greater than or equal to 1")
    )
    assert table.sent_refusal("GetItem", Key=key, AttributesToGet=["a", ""]) == invalid(
        "Empty attribute name"
    )


def test_the_older_parameter_does_not_mix_with_an_expression(table, key):
    refused = table.refusal("GetItem", Key=key, AttributesToGet=["a"], ProjectionExpression="a")

    assert refused == invalid(
        "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"
    )
