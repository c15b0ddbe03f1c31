"""What an update must keep to, in DynamoDB's order and words (captured 2026)."""

from __future__ import annotations

import pytest

from expression_texts import refusal, substitutions
from stator_core.expressions.syntax import Action, Path, Value
from stator_core.expressions.update import compile_update
from stator_core.expressions.update_rules import update_checks

TYPE = "Incorrect operand type for operator or function; "


def refused(text: str) -> str:
    message = refusal(compile_update, text, substitutions())
    assert message.startswith("Invalid UpdateExpression: ")
    return message.removeprefix("Invalid UpdateExpression: ")


def test_undefined_placeholders_are_refused_by_name() -> None:
    assert refused("SET a = #x") == (
        "An expression attribute name used in the document path is not defined; attribute name: #x"
    )
    assert refused("SET a = :x") == (
        "An expression attribute value used in expression is not defined; attribute value: :x"
    )


@pytest.mark.parametrize(
    "text, one, two",
    [
        ("SET a = :s, a = :n", "[a]", "[a]"),
        ("SET a.b = :s REMOVE a", "[a, b]", "[a]"),
        ("SET #a = :s ADD #same :n", "[alpha]", "[alpha]"),
        ("REMOVE a, b[0] DELETE b[0].c :ss", "[b, [0]]", "[b, [0], c]"),
    ],
)
def test_targets_may_not_overlap_across_all_sections(text, one, two) -> None:
    assert refused(text) == (
        "Two document paths overlap with each other; must remove or rewrite one of these paths; "
        f"path one: {one}, path two: {two}"
    )


def test_targets_may_not_use_one_parent_as_a_list_and_a_map() -> None:
    assert refused("SET a.b = :s, a[1] = :s") == (
        "Two document paths conflict with each other; must remove or rewrite one of these paths; "
        "path one: [a, b], path two: [a, [1]]"
    )


def test_operands_may_overlap_with_targets() -> None:
    compile_update("SET a = b, b = a, c = a.x", substitutions())


@pytest.mark.parametrize(
    "text, operator, kind",
    [
        ("ADD a :s", "ADD", "STRING"),
        ("ADD a :b", "ADD", "Binary"),
        ("ADD a :bool", "ADD", "BOOL"),
        ("ADD a :null", "ADD", "NULL"),
        ("ADD a :l", "ADD", "LIST"),
        ("ADD a :map", "ADD", "MAP"),
        ("DELETE a :n", "DELETE", "NUMBER"),
        ("DELETE a :l", "DELETE", "LIST"),
    ],
)
def test_add_and_delete_spell_out_the_type_they_refuse(text, operator, kind) -> None:
    assert refused(text) == (
        "Incorrect operand type for operator or function; "
        f"operator: {operator}, operand type: {kind}, typeSet: ALLOWED_FOR_ADD_OPERAND"
    )


@pytest.mark.parametrize(
    "text, operator, kind",
    [
        ("SET a = b + :s", "+", "S"),
        ("SET a = :bool - :n", "-", "BOOL"),
        ("SET a = list_append(a, :map)", "list_append", "M"),
        ("SET a = list_append(:ss, a)", "list_append", "SS"),
        ("SET a = (b - :ss) + :n", "-", "SS"),
    ],
)
def test_arithmetic_and_list_append_use_short_codes(text, operator, kind) -> None:
    assert refused(text) == (
        "Incorrect operand type for operator or function; "
        f"operator or function: {operator}, operand type: {kind}"
    )


def test_functions_take_two_operands() -> None:
    for name, operands in [("if_not_exists", "b"), ("list_append", "b, c, d")]:
        count = operands.count(",") + 1
        assert refused(f"SET a = {name}({operands})") == (
            "Incorrect number of operands for operator or function; "
            f"operator or function: {name}, number of operands: {count}"
        )


@pytest.mark.parametrize("first", [":s", "if_not_exists(b, :s)", "list_append(b, :l)"])
def test_if_not_exists_asks_for_a_path(first) -> None:
    assert refused(f"SET a = if_not_exists({first}, :s)") == (
        "Operator or function requires a document path; operator or function: if_not_exists"
    )


@pytest.mark.parametrize(
    "text",
    ["SET a = list_append(list_append(a, :l), :l)", "SET a = list_append(a, list_append(:l, b))"],
)
def test_list_append_does_not_nest(text) -> None:
    assert refused(text) == (
        "The function is not allowed to be used this way in an expression; function: list_append"
    )


@pytest.mark.parametrize(
    "text, expected",
    [
        ("SET a = :x, a = #x", "An expression attribute name"),
        ("SET a = :x, a = :s", "An expression attribute value"),
        ("ADD a :s SET b.c = :s, b[0] = :s, a = :n", "Two document paths overlap"),
        ("ADD a :s SET b.c = :s, b[0] = :s", "Two document paths conflict"),
        ("SET b = list_append(:s, b) ADD a :s", TYPE + "operator: ADD"),
        ("SET b = list_append(:s, b), c = if_not_exists(c)", TYPE + "operator or function"),
    ],
)  # fmt: skip
def test_the_rule_that_ranks_first_is_the_one_raised(text, expected) -> None:
    assert refused(text).startswith(expected)


def test_the_rules_about_values_are_asked_again_for_every_request() -> None:
    (check,) = update_checks([Action("DELETE", Path(("a",)), Value(":v"))])

    assert check({":v": {"NS": ["1"]}}) is None
    assert "operand type: NUMBER" in str(check({":v": {"N": "1"}}))
