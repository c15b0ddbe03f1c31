"""The grammar of updates, and what is wrong with a text before any name or value is known."""

from __future__ import annotations

import pytest
from hypothesis import given

from expression_texts import any_text, outcome, refusal, token_text, update_texts
from stator_core.expressions.syntax import Action, Arithmetic, Call, Path, Value
from stator_core.expressions.update_parser import parse_update

A, B, C = Path(("a",)), Path(("b",)), Path(("c",))
V, W = Value(":v"), Value(":w")


def refused(text: str) -> str:
    return refusal(parse_update, text).removeprefix("Invalid UpdateExpression: ")


@pytest.mark.parametrize(
    "text, operand",
    [
        ("SET a = :v", V),
        ("set a = b", B),
        ("SET a = b + :v", Arithmetic("+", B, V)),
        ("SET a = b - c", Arithmetic("-", B, C)),
        ("SET a = (b - :v)", Arithmetic("-", B, V)),
        ("SET a = (b)", B),
        ("SET a = (b - :v) + :w", Arithmetic("+", Arithmetic("-", B, V), W)),
        ("SET a = if_not_exists(b, :v)", Call("if_not_exists", (B, V))),
        ("SET a = list_append(:v, (b))", Call("list_append", (V, B))),
        (
            "SET a = if_not_exists(a, :v) + if_not_exists(b, :w)",
            Arithmetic("+", Call("if_not_exists", (A, V)), Call("if_not_exists", (B, W))),
        ),
        (
            "SET a = if_not_exists(b, if_not_exists(c, :v))",
            Call("if_not_exists", (B, Call("if_not_exists", (C, V)))),
        ),
    ],
)
def test_every_form_of_set_is_read(text, operand) -> None:
    assert parse_update(text).actions == (Action("SET", A, operand),)


def test_sections_come_in_any_order_and_case_with_any_number_of_actions() -> None:
    parsed = parse_update("delete a :v Remove b.c[0], c ADD #d :w, b :v SET c[1] = #e")

    assert parsed.actions == (
        Action("DELETE", A, V),
        Action("REMOVE", Path(("b", "c", 0)), None),
        Action("REMOVE", C, None),
        Action("ADD", Path(("#d",)), W),
        Action("ADD", B, V),
        Action("SET", Path(("c", 1)), Path(("#e",))),
    )
    assert parsed.names == ("#d", "#e")
    assert parsed.values == (":v", ":w")


@pytest.mark.parametrize(
    "text, token, near",
    [
        ("INVALID SYNTAX HERE", "INVALID", "INVALID SYNTAX"),
        ("SET", "<EOF>", "SET"),
        ("SET a", "<EOF>", "a"),
        ("SET a :v", ":v", "a :v"),
        ("SET a = :v,", "<EOF>", ","),
        ("SET a = :v, REMOVE b", "REMOVE", ", REMOVE b"),
        ("SET a = :v b = :w", "b", ":v b ="),
        ("SET a = b + c + :v", "+", "c + :v"),
        ("SET a = list_append(b + c, :v)", "+", "b + c"),
        ("SET a = list_append((b + c), :v)", "+", "b + c"),
        ("SET a = if_not_exists()", ")", "()"),
        ("SET a = (b", "<EOF>", "b"),
        ("SET a = b)", ")", "b)"),
        ("SET :v = a", ":v", "SET :v ="),
        ("SET remove = :v", "remove", "SET remove ="),
        ("REMOVE a b", "b", "a b"),
        ("ADD a b", "b", "a b"),
        ("ADD a = :v", "=", "a = :v"),
        ("ADD hits : incr", ":", "hits : incr"),
        ("DELETE a", "<EOF>", "a"),
        ("   ", "<EOF>", "   "),
    ],
)
def test_a_text_that_is_no_update_is_a_syntax_error(text, token, near) -> None:
    assert refused(text) == f'Syntax error; token: "{token}", near: "{near}"'


@pytest.mark.parametrize("section", ["SET a = :v", "REMOVE a", "ADD a :v", "DELETE a :v"])
def test_a_section_stands_once(section) -> None:
    name = section.split()[0]

    assert refused(f"{section} {section.lower()}") == (
        f'The "{name}" section can only be used once in an update expression;'
    )


def test_functions_of_conditions_are_not_allowed() -> None:
    assert refused("SET a = size(b)") == (
        "The function is not allowed in an update expression; function: size"
    )
    assert refused("SET a = foo(b)") == "Invalid function name; function: foo"
    assert refused("SET a = LIST_APPEND(b, c)") == "Invalid function name; function: LIST_APPEND"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("SET a = foo(b), status = :v SET c = :v,", "Syntax error"),
        ("SET a = foo(b), status = :v SET c = :v", "Attribute name is a reserved keyword"),
        ("SET a = foo(b) SET c = :v", "Invalid function name"),
        ("SET a.b.c = :v SET c = :v", 'The "SET" section'),
    ],
)
def test_the_complaint_that_ranks_first_is_the_one_raised(text, expected) -> None:
    assert refused(text).startswith(expected)


def test_an_update_has_at_most_300_operators() -> None:
    """AWS: `SET a = :v1 + :v2 + :v3` contains two operators; functions count too."""
    parse_update("SET " + ", ".join(["a=b+c"] * 300))

    assert refused("SET " + ", ".join(["a=b+c"] * 301)) == (
        "The expression contains too many operators; operator count: 301"
    )


def test_a_nest_of_functions_as_deep_as_4096_bytes_is_read() -> None:
    depth = 226
    parsed = parse_update("SET a=" + "if_not_exists(b," * depth + ":v" + ")" * depth)

    assert len(parsed.actions) == 1


@pytest.mark.parametrize(
    "text", ["SET a = " + "(" * 4000, "SET a = " + "(b+" * 1000, "SET a=" + "list_append(" * 300]
)
def test_deep_nesting_is_refused_like_any_other_text(text) -> None:
    refused(text)


@given(any_text | token_text | update_texts)
def test_whatever_the_text_the_answer_is_a_tree_or_a_validation_exception(text) -> None:
    parsed, message = outcome(parse_update, text)

    assert parsed is not None or message.startswith("Invalid UpdateExpression: ")
