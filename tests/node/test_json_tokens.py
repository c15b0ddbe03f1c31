"""Tokens are told from the bytes: as many as parsing would find, whatever the strings hold."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_node.gateway.json_tokens import at_most

TEXT = st.text(st.sampled_from('a{}[],:"\\ é'), max_size=8)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def tokens(document: Any) -> int:
    """Strings, objects, lists and commas, counted in what was parsed."""
    if isinstance(document, str):
        return 1
    if isinstance(document, list):
        return 1 + sum(map(tokens, document)) + max(len(document) - 1, 0)
    if isinstance(document, dict):
        inner = sum(1 + tokens(member) for member in document.values())
        return 1 + inner + max(len(document) - 1, 0)
    return 0


@given(document=DOCUMENTS, indented=st.booleans())
def test_the_count_is_that_of_the_parsed_document(document: Any, indented: bool) -> None:
    body = orjson.dumps(document, option=orjson.OPT_INDENT_2 if indented else None)
    count = tokens(document)

    assert at_most(body, count)
    assert at_most(bytearray(body), count)
    assert count == 0 or not at_most(body, count - 1)


@pytest.mark.parametrize(
    "text", ["{[,", '{"a": [1, 2]}', "\\", '\\"', "\\\\", ',"' * 10, '\\",\\' * 10]
)
def test_what_stands_in_a_string_is_one_token(text: str) -> None:
    assert at_most(orjson.dumps([text]), 2)
    assert not at_most(orjson.dumps([text]), 1)


@given(body=st.binary(max_size=64) | st.text(st.sampled_from('"\\{[,'), max_size=64))
def test_any_bytes_are_counted(body: bytes | str) -> None:
    raw = body.encode() if isinstance(body, str) else body

    assert at_most(raw, len(raw))
