"""Document paths: resolution, look-up, and paths that cannot stand together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expression_texts import outcome, refusal
from stator_core.expressions.paths import (
    check_distinct_paths,
    check_scalar_keys,
    lookup,
    resolved,
    resolved_operand,
    shown,
    undefined_name,
    undefined_value,
)
from stator_core.expressions.syntax import Arithmetic, Call, Elements, Path, Value

ITEM = {
    "a": {"M": {"b": {"L": [{"S": "zero"}, {"M": {"c": {"N": "1"}}}]}}},
    "s": {"S": "text"},
    "n": {"NULL": True},
}


def test_names_replace_placeholders_and_a_dot_inside_a_name_is_part_of_it() -> None:
    names = {"#a": "alpha.beta", "#b": "b"}
    path = Path(("#a", 0, "#b", "c"))

    assert resolved(path, names) == Path(("alpha.beta", 0, "b", "c"))
    assert resolved_operand(
        Arithmetic("+", Call("if_not_exists", (Path(("#b",)), Value(":v"))), Path(("#a",))), names
    ) == Arithmetic("+", Call("if_not_exists", (Path(("b",)), Value(":v"))), Path(("alpha.beta",)))


@pytest.mark.parametrize(
    "elements, expected",
    [
        (("s",), {"S": "text"}),
        (("a", "b", 0), {"S": "zero"}),
        (("a", "b", 1, "c"), {"N": "1"}),
        (("a", "b", 2), None),
        (("a", 0), None),
        (("a", "b", "c"), None),
        (("s", "x"), None),
        (("s", 0), None),
        (("n", "x", "y"), None),
        (("missing", "x"), None),
    ],
)
def test_a_path_leads_to_a_value_or_to_nothing(elements, expected) -> None:
    assert lookup(ITEM, elements) == expected


def test_paths_are_shown_as_dynamodb_prints_them() -> None:
    assert shown(("a", "b", 1)) == "[a, b, [1]]"
    assert undefined_name("X", "#x").message == (
        "Invalid X: An expression attribute name used in the document path is not defined; "
        "attribute name: #x"
    )
    assert undefined_value("X", ":v").message == (
        "Invalid X: An expression attribute value used in expression is not defined; "
        "attribute value: :v"
    )


OVERLAP = "Two document paths overlap with each other; must remove or rewrite one of these paths; "
CONFLICT = (
    "Two document paths conflict with each other; must remove or rewrite one of these paths; "
)


@pytest.mark.parametrize(
    "paths, expected",
    [
        ([("a",), ("a",)], OVERLAP + "path one: [a], path two: [a]"),
        ([("a", "b"), ("a",)], OVERLAP + "path one: [a, b], path two: [a]"),
        ([("a",), ("a", "b")], OVERLAP + "path one: [a], path two: [a, b]"),
        ([("a", 0), ("b",), ("a", 0, "c")], OVERLAP + "path one: [a, [0]], path two: [a, [0], c]"),
        ([("a", "b"), ("a", 1)], CONFLICT + "path one: [a, b], path two: [a, [1]]"),
        ([("a", 1), ("a", "b", "c")], CONFLICT + "path one: [a, [1]], path two: [a, b, c]"),
        # An overlap is found before a conflict that is written earlier.
        ([("a", "b"), ("a", 1), ("c",), ("c",)], OVERLAP + "path one: [c], path two: [c]"),
    ],
)
def test_paths_that_overlap_or_conflict_are_refused(paths, expected) -> None:
    assert refusal(check_distinct_paths, "X", paths) == f"Invalid X: {expected}"


def test_siblings_stand_together() -> None:
    check_distinct_paths("X", [("a", 0), ("a", 1, "x"), ("a", 1, "y"), ("b", "x"), ("b", "y")])


elements = st.lists(st.sampled_from(["a", "b"]) | st.integers(0, 1), min_size=0, max_size=3).map(
    lambda tail: ("a", *tail)
)


def quarrel(one: Elements, two: Elements) -> str | None:
    """The definition, pair by pair."""
    for first, second in zip(one, two, strict=False):
        if type(first) is not type(second):
            return "conflict"
        if first != second:
            return None
    return "overlap"


@given(st.lists(elements, max_size=5))
def test_the_tree_of_paths_finds_what_comparing_every_pair_finds(paths) -> None:
    found = {quarrel(paths[i], paths[j]) for j in range(len(paths)) for i in range(j)}
    expected = next((kind for kind in ("overlap", "conflict") if kind in found), None)
    _, message = outcome(check_distinct_paths, "X", paths)

    assert (message is None) is (expected is None)
    assert message is None or f"Two document paths {expected}" in message


def test_keys_may_not_be_reached_into() -> None:
    rule = (
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed"
    )

    check_scalar_keys(frozenset(("a",)), ("pk", "sk"), ("gk",))
    assert refusal(check_scalar_keys, {"sk", "gk"}, ("pk", "sk"), ("gk",)) == f"{rule}: Key: sk"
    assert refusal(check_scalar_keys, {"gk"}, ("pk", "sk"), ("gk",)) == f"{rule}: IndexKey: gk"
