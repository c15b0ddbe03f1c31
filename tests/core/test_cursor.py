"""Paths and names, which all expressions have in common."""

from __future__ import annotations

import pytest

from expression_texts import refusal
from stator_core.expressions.cursor import Cursor
from stator_core.expressions.reserved_words import RESERVED_WORDS
from stator_core.expressions.syntax import Path

KEYWORDS = frozenset(("AND",))


def path(text: str) -> Path:
    cursor = Cursor("X", text, KEYWORDS)
    read = cursor.path()
    cursor.raise_reserved()
    cursor.raise_deep_path()
    return read


@pytest.mark.parametrize(
    "text, elements",
    [
        ("a", ("a",)),
        ("a.b[0][1].#c", ("a", "b", 0, 1, "#c")),
        ("a . b [ 12 ]", ("a", "b", 12)),
        ("#a.b", ("#a", "b")),
        ("a1_b", ("a1_b",)),
    ],
)
def test_a_path_is_names_and_indexes_with_blanks_between(text, elements) -> None:
    assert path(text) == Path(elements)


@pytest.mark.parametrize(
    "text, token",
    [("a.", "<EOF>"), ("a..b", "."), ("a[]", "]"), ("a[b]", "b"), ("a[-1]", "-"), (":v", ":v")],
)
def test_a_broken_path_is_a_syntax_error_where_it_breaks(text, token) -> None:
    assert refusal(path, text).startswith(f'Invalid X: Syntax error; token: "{token}"')


def test_a_keyword_is_no_name_in_any_case() -> None:
    assert refusal(path, "aNd") == 'Invalid X: Syntax error; token: "aNd", near: "aNd"'
    assert refusal(path, "a.and").startswith('Invalid X: Syntax error; token: "and"')


def test_there_are_573_reserved_words() -> None:
    """AWS Developer Guide, "Reserved words in DynamoDB"."""
    assert len(RESERVED_WORDS) == 573
    assert {"ABORT", "FLATTERN", "LOGED", "TTL", "ZONE"} <= RESERVED_WORDS
    assert "REMOVE" not in RESERVED_WORDS


@pytest.mark.parametrize("word", ["status", "STATUS", "Status", "ttl"])
def test_a_reserved_word_is_refused_in_any_case_as_written(word) -> None:
    reserved = f"Invalid X: Attribute name is a reserved keyword; reserved keyword: {word}"

    assert refusal(path, word) == reserved
    assert refusal(path, f"a[0].{word}") == reserved
    assert path(f"#{word}") == Path((f"#{word}",))


def test_a_path_has_at_most_32_elements() -> None:
    assert len(path(".".join("a" * 32)).elements) == 32
    assert refusal(path, ".".join("a" * 33)) == (
        "Invalid X: The document path has too many nesting levels; nesting levels: 33"
    )


def test_an_index_fits_32_bits() -> None:
    assert path("a[2147483647]").elements[1] == 2147483647
    assert refusal(path, "a[2147483648]") == (
        "Invalid X: List index is not within the allowable range; index: [2147483648]"
    )
