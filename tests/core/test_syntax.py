"""Walking the trees of expressions."""

from __future__ import annotations

from stator_core.expressions.syntax import (
    Arithmetic,
    Between,
    Call,
    Comparison,
    In,
    Path,
    Value,
    operands_of,
    placeholders,
    walk,
)

A, B, V, W = Path(("a",)), Path(("#b", 0, "#c")), Value(":v"), Value(":w")


def test_the_operands_of_a_condition_come_in_order_of_appearance() -> None:
    assert operands_of(Comparison("=", A, V)) == (A, V)
    assert operands_of(Between(A, V, W)) == (A, V, W)
    assert operands_of(In(A, (V, W))) == (A, V, W)
    assert operands_of(Call("contains", (A, V))) == (A, V)


def test_a_walk_visits_inner_operands_first() -> None:
    inner = Call("if_not_exists", (A, V))
    whole = Arithmetic("+", inner, W)

    assert list(walk(whole)) == [A, V, inner, W, whole]


def test_placeholders_are_listed_once_in_order_of_appearance() -> None:
    assert placeholders(iter([V, B, W, V, A, B])) == (("#b", "#c"), (":v", ":w"))
