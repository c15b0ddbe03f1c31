"""Projections: the named parts of an item, in their structure.

Source: AWS Developer Guide, "Using projection expressions in DynamoDB".
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from expression_texts import (
    any_text,
    items,
    outcome,
    projection_texts,
    refusal,
    substitutions,
    token_text,
)
from stator_core.expressions.projection import (
    Projection,
    compile_attributes_to_get,
    compile_projection,
)
from stator_core.expressions.substitutions import Layer, Substitutions

ITEM = {
    "pk": {"S": "k"},
    "alpha": {"N": "1"},
    "l": {"L": [{"S": "0"}, {"M": {"x": {"S": "x"}, "y": {"S": "y"}}}, {"S": "2"}]},
    "m": {"M": {"x": {"M": {"deep": {"N": "1"}, "tail": {"N": "2"}}}, "y": {"S": "y"}}},
}


def projected(text: str) -> Any:
    return compile_projection(text, substitutions()).project(ITEM)


def refused(text: str) -> str:
    message = refusal(compile_projection, text, substitutions())
    return message.removeprefix("Invalid ProjectionExpression: ")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("pk", {"pk": {"S": "k"}}),
        ("pk, #a", {"pk": {"S": "k"}, "alpha": {"N": "1"}}),
        ("m.x.deep", {"m": {"M": {"x": {"M": {"deep": {"N": "1"}}}}}}),
        ("m.y, m.x.tail", {"m": {"M": {"y": {"S": "y"}, "x": {"M": {"tail": {"N": "2"}}}}}}),
        ("l[2], l[0]", {"l": {"L": [{"S": "0"}, {"S": "2"}]}}),
        ("l[2], l[9]", {"l": {"L": [{"S": "2"}]}}),
        ("l[1].y, l[1].x", {"l": {"L": [{"M": {"x": {"S": "x"}, "y": {"S": "y"}}}]}}),
        ("l[1].x, l[2]", {"l": {"L": [{"M": {"x": {"S": "x"}}}, {"S": "2"}]}}),
        ("nowhere", {}),
        ("m.nowhere, l[9], l[0].x, pk.x, #a[0]", {}),
        ("pk, m.nowhere", {"pk": {"S": "k"}}),
    ],
)
def test_a_projection_keeps_structure_and_leaves_out_what_is_missing(text, expected) -> None:
    assert projected(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "The expression can not be empty;"),
        (" ", 'Syntax error; token: "<EOF>", near: " "'),
        ("a,", 'Syntax error; token: "<EOF>", near: ","'),
        ("a b", 'Syntax error; token: "b", near: "a b"'),
        ("!!!", 'Syntax error; token: "!", near: "!!"'),
        (":v", 'Syntax error; token: ":v", near: ":v"'),
        ("size(a)", 'Syntax error; token: "(", near: "size(a"'),
        ("a, name, status", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("status, a b", 'Syntax error; token: "b", near: "a b"'),
        ("and", "Attribute name is a reserved keyword; reserved keyword: and"),
        (
            "a, a, #x",
            (
                "An expression attribute name used in the document path is not defined; "
                "attribute name: #x"
            ),
        ),
        (
            "b.c, b[0], a, a",
            (
                "Two document paths overlap with each other; must remove or rewrite one of these "
                "paths; path one: [a], path two: [a]"
            ),
        ),
        (
            "b.c, b[0]",
            (
                "Two document paths conflict with each other; must remove or rewrite one of these "
                "paths; path one: [b, c], path two: [b, [0]]"
            ),
        ),
        (
            ".".join("a" * 33),
            "The document path has too many nesting levels; nesting levels: 33",
        ),
    ],
)
def test_what_is_wrong_is_said_in_dynamodbs_order(text, expected) -> None:
    assert refused(text) == expected


def test_remove_and_set_are_names_here() -> None:
    assert projected("remove") == {}


def test_a_projection_knows_the_attributes_it_names_and_those_it_reaches_into() -> None:
    projection = compile_projection("pk, #a.x, l[0]", substitutions())

    assert projection.top_level_names == {"pk", "alpha", "l"}
    assert projection.nested_names == {"alpha", "l"}


def test_a_repeated_text_takes_the_names_of_each_request() -> None:
    for name in ("pk", "alpha", "pk"):
        given_names = Substitutions({"#x": name}, {})
        projection = compile_projection("#x", given_names)

        assert projection.project(ITEM) == {name: ITEM[name]}
        given_names.check_all_used(Layer.NEW)


def test_attributes_to_get_are_whole_attributes_of_any_name() -> None:
    assert compile_attributes_to_get(["a.b", "status", "pk"]).project(
        {"a.b": {"S": "x"}, "status": {"S": "y"}, "a": {"M": {"b": {"S": "z"}}}}
    ) == {"a.b": {"S": "x"}, "status": {"S": "y"}}
    assert refusal(compile_attributes_to_get, ["a", "b", "c", "b", "a"]) == (
        "One or more parameter values were invalid: Duplicate value in attribute name: b"
    )

    assert "must be less than 65536 bytes" in refusal(compile_attributes_to_get, ["a" * 65_536])


def test_ten_names_of_64_kilobytes_are_names_like_any_other() -> None:
    names = {f"#n{number}": f"{number}" * 65_535 for number in range(10)}
    projection = compile_projection(", ".join(names), Substitutions(names, {}))

    assert projection.project({names["#n3"]: {"S": "x"}}) == {names["#n3"]: {"S": "x"}}


@given(any_text | token_text | projection_texts, items)
def test_whatever_the_text_the_answer_is_a_projection_or_a_validation_exception(text, item) -> None:
    projection, message = outcome(compile_projection, text, substitutions())
    if projection is None:
        assert message.startswith("Invalid ProjectionExpression: ")
        return
    part = projection.project(item)
    assert projection.project(item) == part
    assert part.keys() <= item.keys()


def test_projecting_nothing_gives_nothing() -> None:
    assert Projection([]).project(ITEM) == {}
