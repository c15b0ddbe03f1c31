"""What the functions of conditions do with values.

Source: AWS Developer Guide, "Comparison operator and function reference"; traps as captured.
"""

from __future__ import annotations

import pytest

from stator_core.expressions.functions import begins_with, contains, has_type, size

ABC = {"B": "YWJj"}


@pytest.mark.parametrize(
    "value, expected",
    [
        ({"S": ""}, "0"),
        ({"S": "abc"}, "3"),
        ({"S": "é"}, "1"),
        ({"S": "\U0001f600"}, "2"),
        ({"B": ""}, "0"),
        (ABC, "3"),
        ({"SS": ["a", "b"]}, "2"),
        ({"NS": ["1"]}, "1"),
        ({"BS": ["YQ=="]}, "1"),
        ({"L": []}, "0"),
        ({"L": [{"S": "x"}, {"S": "y"}]}, "2"),
        ({"M": {"a": {"S": "x"}}}, "1"),
    ],
)
def test_size_counts_utf_16_units_bytes_or_elements(value, expected) -> None:
    assert size(value) == {"N": expected}


@pytest.mark.parametrize("value", [None, {"N": "5"}, {"BOOL": True}, {"NULL": True}])
def test_numbers_booleans_nulls_and_nothing_have_no_size(value) -> None:
    assert size(value) is None


@pytest.mark.parametrize(
    "value, prefix, expected",
    [
        ({"S": "text"}, {"S": "te"}, True),
        ({"S": "text"}, {"S": ""}, True),
        ({"S": "text"}, {"S": "ex"}, False),
        (ABC, {"B": "YWI="}, True),
        (ABC, {"B": "YmM="}, False),
        ({"S": "YWJj"}, ABC, False),
        ({"N": "12"}, {"N": "1"}, False),
        (None, {"S": "te"}, False),
        ({"S": "te"}, None, False),
    ],
)
def test_begins_with_compares_text_with_text_and_bytes_with_bytes(value, prefix, expected) -> None:
    assert begins_with(value, prefix) is expected


@pytest.mark.parametrize(
    "value, element, expected",
    [
        ({"S": "text"}, {"S": "ex"}, True),
        ({"S": "text"}, {"N": "1"}, False),
        (ABC, {"B": "Yg=="}, True),
        ({"SS": ["a", "b"]}, {"S": "b"}, True),
        ({"SS": ["a", "b"]}, {"N": "1"}, False),
        ({"NS": ["1", "2"]}, {"N": "2"}, True),
        ({"BS": ["YQ=="]}, {"B": "YQ=="}, True),
        ({"L": [{"N": "1"}, {"M": {"x": {"S": "y"}}}]}, {"M": {"x": {"S": "y"}}}, True),
        ({"L": [{"SS": ["a"]}]}, {"SS": ["a"]}, True),
        ({"L": [{"S": "1"}]}, {"N": "1"}, False),
        ({"M": {"a": {"S": "x"}}}, {"S": "a"}, False),
        ({"N": "12"}, {"N": "1"}, False),
        ({"BOOL": True}, {"BOOL": True}, False),
        ({"SS": ["a"]}, {"SS": ["a"]}, False),
        (None, {"S": "a"}, False),
        ({"S": "a"}, None, False),
    ],
)
def test_contains_finds_parts_and_elements_of_one_type(value, element, expected) -> None:
    assert contains(value, element) is expected


def test_attribute_type_asks_for_the_type_member() -> None:
    assert has_type({"NULL": True}, {"S": "NULL"})
    assert not has_type({"S": "a"}, {"S": "N"})
    assert not has_type(None, {"S": "S"})
