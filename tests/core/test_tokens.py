"""Tokens and the syntax errors that name them, as DynamoDB words them (captured 2026-10)."""

from __future__ import annotations

import pytest

from expression_texts import refusal
from stator_core.expressions.tokens import (
    END,
    INDEX,
    NAME,
    NAME_PLACEHOLDER,
    SYMBOL,
    UNREADABLE,
    VALUE_PLACEHOLDER,
    check_operator_count,
    syntax_error,
    tokenize,
)

X = "ConditionExpression"


def kinds(text: str) -> list[str]:
    return [token.kind for token in tokenize(X, text)]


def test_a_text_falls_into_names_placeholders_indexes_and_symbols() -> None:
    assert kinds("a1_ .#b[12]<>:v") == [
        NAME, SYMBOL, NAME_PLACEHOLDER, SYMBOL, INDEX, SYMBOL, SYMBOL, VALUE_PLACEHOLDER, END,
    ]  # fmt: skip
    assert [token.text for token in tokenize(X, "a<=b>=c")] == ["a", "<=", "b", ">=", "c", "<EOF>"]


def test_a_placeholder_may_begin_with_a_digit_or_an_underscore_and_a_name_may_not() -> None:
    assert kinds("#0a :_b") == [NAME_PLACEHOLDER, VALUE_PLACEHOLDER, END]
    assert kinds("_b") == [UNREADABLE, NAME, END]


def test_a_number_has_no_leading_zero() -> None:
    assert [token.text for token in tokenize(X, "00120")] == ["0", "0", "120", "<EOF>"]


@pytest.mark.parametrize("blank", [" ", "\t", "\r", "\n"])
def test_blanks_only_separate(blank) -> None:
    assert kinds(f"a{blank}b") == [NAME, NAME, END]


@pytest.mark.parametrize(
    "character", ["!", "é", "€", "\u00a0", "\U0001f600", "#", ":", '"', "\x00"]
)
def test_a_character_that_begins_no_token_is_a_token_of_its_own(character) -> None:
    (token, _) = tokenize(X, character)

    assert (token.kind, token.text) == (UNREADABLE, character)


@pytest.mark.parametrize(
    "text, position, expected",
    [
        ("INVALID SYNTAX HERE", 0, 'token: "INVALID", near: "INVALID SYNTAX"'),
        ("attribute_exists(pk) x y", 4, 'token: "x", near: ") x y"'),
        ("a = :v)", 3, 'token: ")", near: ":v)"'),
        ("a = :v )  ", 3, 'token: ")", near: ":v )"'),
        ("attribute_not_exists(", 2, 'token: "<EOF>", near: "("'),
        ("a  =\t= :v", 2, 'token: "=", near: "=\t= :v"'),
        ("   ", 0, 'token: "<EOF>", near: "   "'),
        ("l[00]", 3, 'token: "0", near: "00]"'),
        ("!!!", 0, 'token: "!", near: "!!"'),
        ("a ! b", 1, 'token: "!", near: "a ! b"'),
        ("a = :v\u20ac", 3, 'token: "\u20ac", near: ":v\u20ac"'),
    ],
)
def test_a_syntax_error_shows_the_tokens_on_either_side_as_sent(text, position, expected) -> None:
    error = syntax_error(X, text, tokenize(X, text), position)

    assert error.message == f"Invalid ConditionExpression: Syntax error; {expected}"


def test_an_empty_expression_is_refused() -> None:
    assert refusal(tokenize, "UpdateExpression", "") == (
        "Invalid UpdateExpression: The expression can not be empty;"
    )


def test_an_expression_has_at_most_4096_bytes() -> None:
    too_long = "Invalid X: Expression size has exceeded the maximum allowed size;"

    assert len(tokenize("X", "a" * 4096)) == 2
    assert refusal(tokenize, "X", "a" * 4097) == too_long
    assert refusal(tokenize, "X", "é" * 2049) == too_long


def test_an_expression_has_at_most_300_operators() -> None:
    check_operator_count("X", 300)

    assert refusal(check_operator_count, "X", 301) == (
        "Invalid X: The expression contains too many operators; operator count: 301"
    )
