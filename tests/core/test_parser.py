"""The grammar of conditions, and what is wrong with a text before any name or value is known.

Sources: AWS Developer Guide, "Condition and filter expressions, operators, and functions"; the
order of complaints as captured in 2026.
"""

from __future__ import annotations

import pytest
from hypothesis import given

from expression_texts import any_text, condition_texts, outcome, refusal, token_text
from stator_core.expressions.parser import parse_condition
from stator_core.expressions.syntax import (
    And,
    Between,
    Call,
    Comparison,
    ConditionTree,
    In,
    Not,
    Or,
    Path,
    Value,
)

X = "ConditionExpression"
A, B, C = Path(("a",)), Path(("b",)), Path(("c",))
V, W = Value(":v"), Value(":w")
A_IS_V, B_IS_W = Comparison("=", A, V), Comparison("=", B, W)


def tree(text: str) -> ConditionTree:
    return parse_condition(X, text).root


def refused(text: str) -> str:
    return refusal(parse_condition, X, text).removeprefix("Invalid ConditionExpression: ")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a = :v", A_IS_V),
        (":v<>a", Comparison("<>", V, A)),
        ("a < b", Comparison("<", A, B)),
        ("a <= :v", Comparison("<=", A, V)),
        ("a > :v", Comparison(">", A, V)),
        ("a >= :v", Comparison(">=", A, V)),
        ("a BETWEEN :v AND :w", Between(A, V, W)),
        ("a between b and c", Between(A, B, C)),
        ("a IN (:v)", In(A, (V,))),
        ("a in (b, :v, :w)", In(A, (B, V, W))),
        ("attribute_exists(a)", Call("attribute_exists", (A,))),
        ("contains(a, :v)", Call("contains", (A, V))),
        ("size(a) > :v", Comparison(">", Call("size", (A,)), V)),
        ("size(a) BETWEEN size(b) AND :w", Between(Call("size", (A,)), Call("size", (B,)), W)),
        ("NOT a = :v", Not(A_IS_V)),
        ("NOT NOT a = :v", Not(Not(A_IS_V))),
        ("a = :v AND b = :w", And((A_IS_V, B_IS_W))),
        ("a = :v or b = :w", Or((A_IS_V, B_IS_W))),
    ],
)
def test_every_form_of_condition_is_read(text, expected) -> None:
    assert tree(text) == expected


def test_not_binds_before_and_and_and_before_or() -> None:
    assert tree("NOT a = :v AND b = :w OR a = :v AND NOT b = :w") == Or(
        (And((Not(A_IS_V), B_IS_W)), And((A_IS_V, Not(B_IS_W))))
    )


def test_the_and_of_between_is_not_a_connective() -> None:
    assert tree("a BETWEEN :v AND :w AND b = :w") == And((Between(A, V, W), B_IS_W))
    assert tree("NOT a BETWEEN :v AND :w") == Not(Between(A, V, W))


def test_parentheses_group_conditions_operands_and_paths() -> None:
    either = Or((A_IS_V, B_IS_W))

    assert tree("(a = :v OR b = :w) AND a = :v") == And((either, A_IS_V))
    assert tree("(a) = (:v)") == A_IS_V
    assert tree("(a = :v)") == A_IS_V
    assert tree("NOT (a = :v)") == Not(A_IS_V)
    assert tree("((a = :v) OR (b = :w))") == either
    assert tree("(a).b[0] = :v") == Comparison("=", Path(("a", "b", 0)), V)
    assert tree("a IN ((:v), (:w))") == In(A, (V, W))


@pytest.mark.parametrize(
    "text, token, near",
    [
        ("a", "<EOF>", "a"),
        ("a AND b = :v", "AND", "a AND b"),
        ("a = :v AND", "<EOF>", "AND"),
        ("a = ", "<EOF>", "="),
        ("a == :v", "=", "== :v"),
        ("a = :v b = :w", "b", ":v b ="),
        ("a = :v)", ")", ":v)"),
        ("(a = :v", "<EOF>", ":v"),
        ("a = (b = :v)", "=", "b = :v"),
        ("a = b = :v", "=", "b = :v"),
        ("a = NOT b", "NOT", "= NOT b"),
        ("a BETWEEN :v", "<EOF>", ":v"),
        ("a BETWEEN :v OR :w", "OR", ":v OR :w"),
        ("a BETWEEN b IN (:v) AND :w", "IN", "b IN ("),
        ("a BETWEEN b = :v AND :w", "=", "b = :v"),
        ("a BETWEEN b BETWEEN :v AND :w", "BETWEEN", "b BETWEEN :v"),
        ("a IN :v", ":v", "IN :v"),
        ("a IN ()", ")", "()"),
        ("a IN (:v", "<EOF>", ":v"),
        ("attribute_exists()", ")", "()"),
        ("attribute_exists(a,)", ")", ",)"),
        ("contains(a :v)", ":v", "a :v)"),
        ("a + :v = :w", "+", "a + :v"),
        ("a = 5", "5", "= 5"),
        ("a = :v, b = :w", ",", ":v, b"),
        ("#f(a)", "(", "#f(a"),
        ("_a = :v", "_", "_a"),
        ("a.in = :v", "in", ".in ="),
        ("between = :v", "between", "between ="),
    ],
)
def test_a_text_that_is_no_condition_is_a_syntax_error(text, token, near) -> None:
    assert refused(text) == f'Syntax error; token: "{token}", near: "{near}"'


@pytest.mark.parametrize(
    "text",
    ["((a = :v))", "((a)) = :v", "a = ((:v))", "((a = :v)) AND b = :w", "contains(((a)), :v)",
     "NOT ((a = :v))", "((a = :v AND b = :w))", "(((a))).b = :v"],
)  # fmt: skip
def test_two_parentheses_around_one_thing_are_redundant(text) -> None:
    assert refused(text) == "The expression has redundant parentheses;"


def test_function_names_are_known_and_mind_their_case() -> None:
    assert refused("foo(a)") == "Invalid function name; function: foo"
    assert refused("SIZE(a) > :v") == "Invalid function name; function: SIZE"


@pytest.mark.parametrize("name", ["if_not_exists", "list_append"])
def test_the_functions_of_updates_are_not_allowed(name) -> None:
    assert refused(f"{name}(a, :v)") == (
        f"The function is not allowed in a condition expression; function: {name}"
    )


@pytest.mark.parametrize(
    "text, name",
    [
        ("size(a)", "size"),
        ("NOT size(a)", "size"),
        ("a = :v AND (size(b))", "size"),
        ("attribute_exists(a) = :v", "attribute_exists"),
        ("a IN (contains(b, :v))", "contains"),
        ("size(begins_with(a, :v)) > :w", "begins_with"),
    ],
)
def test_only_size_is_an_operand_and_only_the_others_are_conditions(text, name) -> None:
    assert refused(text) == (
        f"The function is not allowed to be used this way in an expression; function: {name}"
    )


@pytest.mark.parametrize(
    "text, expected",
    [
        ("((status = :v)) AND foo(", "Syntax error"),
        ("((status = :v)) AND foo(a)", "The expression has redundant parentheses"),
        ("status = :v AND size(a) AND foo(a)", "Invalid function name"),
        ("status = :v AND size(a)", "The function is not allowed to be used this way"),
        ("status = :v AND " + ".".join("a" * 33) + " = :v", "Attribute name is a reserved"),
        (".".join("a" * 33) + " = :v", "The document path has too many nesting levels"),
    ],
)
def test_the_complaint_that_ranks_first_is_the_one_raised(text, expected) -> None:
    assert refused(text).startswith(expected)


def test_a_condition_has_at_most_300_operators() -> None:
    """Comparisons, BETWEEN, IN, calls, AND, OR and NOT count one each."""
    parse_condition(X, "NOT " + " OR ".join(["a=:v"] * 150))

    assert refused("NOT " + " OR ".join(["a=:v"] * 151)) == (
        "The expression contains too many operators; operator count: 302"
    )


@pytest.mark.parametrize(
    "text",
    [
        "(" * 4096,
        "NOT " * 1000 + "a",
        "NOT(" * 800 + "a=:v" + ")" * 800,
        "size(" * 800,
        "size(" * 680 + "a" + ")" * 680,
        "a[" * 2000,
        "(a=:v AND" * 400,
        "((" * 1000 + "a=:v" + "))" * 1000,
        "a IN (" * 500,
        "a BETWEEN " * 400,
    ],
)
def test_deep_nesting_is_refused_like_any_other_text(text) -> None:
    refused(text)


def test_names_and_values_are_listed_in_order_of_appearance() -> None:
    parsed = parse_condition(X, "contains(#b.#a, :y) OR #a BETWEEN :x AND size(#c) OR c = :y")

    assert parsed.names == ("#b", "#a", "#c")
    assert parsed.values == (":y", ":x")
    assert len(parsed.leaves) == 3


@given(any_text | token_text | condition_texts)
def test_whatever_the_text_the_answer_is_a_tree_or_a_validation_exception(text) -> None:
    parsed, message = outcome(parse_condition, X, text)

    assert parsed is not None or message.startswith("Invalid ConditionExpression: ")
