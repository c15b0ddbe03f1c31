"""Items: canonical form, sizes and comparison; the tight pass agrees with the ordered rules."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given

from sample_values import base64, items, values
from stator_core.errors import SerializationException
from stator_core.item import (
    Family,
    ValueRefused,
    accept_item,
    compare,
    equal,
    item_size,
    type_of,
    utf8_length,
    validate_item,
    validate_value,
    value_size,
)

ATTRIBUTE_VALUE = "com.amazonaws.dynamodb.v20120810.AttributeValue"


def nested(levels: int, leaf: dict[str, Any]) -> dict[str, Any]:
    """A leaf wrapped in so many lists and maps, in turn."""
    for level in range(levels):
        leaf = {"L": [leaf]} if level % 2 else {"M": {"m": leaf}}
    return leaf


@given(items)
def test_validation_measures_the_item_and_changes_nothing_twice(item) -> None:
    size = validate_item(item)
    once = copy.deepcopy(item)

    assert size == item_size(item)
    assert validate_item(item) == size
    assert item == once


@given(values)
def test_a_value_weighs_the_same_alone(value) -> None:
    assert validate_value(value) == value_size(value)


@pytest.mark.parametrize(
    "sent, canonical",
    [
        ({"N": "1.50e1"}, {"N": "15"}),
        ({"NS": ["10", "9.0", "-1"]}, {"NS": ["-1", "9", "10"]}),
        ({"SS": ["b", "B", "é", "a"]}, {"SS": ["B", "a", "b", "é"]}),
        ({"SS": ["\U0001f600", "\uffff"]}, {"SS": ["\uffff", "\U0001f600"]}),
        ({"BS": ["/w==", "AA==", "YQ=="]}, {"BS": ["AA==", "YQ==", "/w=="]}),
        ({"S": "a", "N": None}, {"S": "a"}),
        ({"S": "a", "Unknown": 5}, {"S": "a"}),
        ({"BOOL": "TRUE"}, {"BOOL": True}),
        ({"BOOL": "n"}, {"BOOL": False}),
        ({"NULL": "yes"}, {"NULL": True}),
        ({"L": [{"BOOL": "f"}, {"N": "01"}]}, {"L": [{"BOOL": False}, {"N": "1"}]}),
        ({"M": {"a": {"NS": ["2", "1"]}}}, {"M": {"a": {"NS": ["1", "2"]}}}),
        ({"L": []}, {"L": []}),
        ({"M": {}}, {"M": {}}),
        ({"S": ""}, {"S": ""}),
        ({"B": ""}, {"B": ""}),
        ({"SS": [""]}, {"SS": [""]}),
    ],
)
def test_values_are_brought_to_one_form_in_place(sent, canonical) -> None:
    item = {"a": sent}
    validate_item(item)

    assert item == {"a": canonical}


@pytest.mark.parametrize(
    "value, size",
    [
        ({"S": "abc"}, 3),
        ({"S": "é"}, 2),
        ({"S": "\U0001f600"}, 4),
        ({"B": base64(b"12345")}, 5),
        ({"N": "123"}, 3),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"S": "ab"}, {"S": "c"}]}, 3 + 2 + 3),
        ({"M": {"key": {"S": "ab"}}}, 3 + 1 + 3 + 2),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "20"]}, 4),
        ({"BS": ["YQ==", ""]}, 1),
    ],
)
def test_sizes_are_dynamodbs(value, size) -> None:
    assert validate_value(value) == size
    assert item_size({"né": value}) == size + 3


def test_a_leaf_may_be_wrapped_31_times() -> None:
    validate_value(nested(31, {"S": "x"}))
    validate_value(nested(31, {"L": []}))  # 32 lists, the innermost empty
    with pytest.raises(ValueRefused) as refusal:
        validate_value(nested(32, {"S": "x"}))

    assert refusal.value.family is Family.NESTING
    assert refusal.value.message == (
        "Nesting Levels have exceeded supported limits: "
        "Attributes in the item have nested levels beyond supported limit"
    )
    assert not refusal.value.old_layer


def test_one_level_more_is_the_callers_to_allow() -> None:
    validate_value(nested(32, {"S": "x"}), depth=-1)
    with pytest.raises(ValueRefused):
        validate_value(nested(33, {"S": "x"}), depth=-1)


def test_an_item_as_deep_as_json_may_be_is_refused_without_exhausting_the_stack() -> None:
    with pytest.raises(ValueRefused) as refusal:
        validate_item({"a": nested(5000, {"S": "x"})})

    assert refusal.value.family is Family.NESTING
    assert refusal.value.old_layer


@pytest.mark.parametrize("item", [{"": {"S": "a"}}, {"a": {"M": {"": {"S": "a"}}}}])
def test_an_attribute_has_a_name(item) -> None:
    with pytest.raises(ValueRefused) as refusal:
        validate_item(item)

    assert refusal.value.message == "Empty attribute name"
    assert refusal.value.family is Family.EMPTY_NAME


def test_an_attribute_name_has_65535_bytes_at_most() -> None:
    assert validate_item({"é" * 32_767 + "x": {"S": ""}}) == 65_535
    with pytest.raises(ValueRefused) as refusal:
        validate_item({"é" * 32_768: {"S": ""}})

    assert refusal.value.message == "Attribute name is too large, must be less than 65536 bytes"


@pytest.mark.parametrize(
    "item, message",
    [
        ([], f"Unrecognized collection type java.util.Map<java.lang.String, {ATTRIBUTE_VALUE}>"),
        ("a", "Unexpected field type"),
        ({"a": {"N": 1}}, "NUMBER_VALUE cannot be converted to String"),
    ],
)
def test_a_wrong_json_type_is_a_serialization_error(item, message) -> None:
    with pytest.raises(SerializationException) as refusal:
        validate_item(item)

    assert refusal.value.message == message


def test_a_refused_item_keeps_what_the_refusal_depends_on() -> None:
    """The slow lane of a request reads the item again: string booleans must still be strings."""
    item = {"a": {"BOOL": "true"}, "b": {"N": "x"}}
    for _ in range(2):
        with pytest.raises(ValueRefused):
            validate_item(item)
        assert item["a"] == {"BOOL": "true"}


@given(values, values)
def test_equality_is_reflexive_and_a_type_is_one_of_ten(first, second) -> None:
    validate_value(first)
    validate_value(second)

    assert equal(first, copy.deepcopy(first))
    assert equal(first, second) == equal(second, first)
    assert type_of(first) in {"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"}


def test_sets_are_equal_in_any_order_also_inside_lists() -> None:
    first = {"L": [{"M": {"s": {"NS": ["1", "2.0"]}}}, {"SS": ["a", "b"]}]}
    second = {"L": [{"M": {"s": {"NS": ["2", "1.0"]}}}, {"SS": ["b", "a"]}]}
    validate_value(first)
    validate_value(second)

    assert equal(first, second)
    assert not equal({"S": "1"}, {"N": "1"})
    assert not equal({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]})


@pytest.mark.parametrize(
    "a, b, order",
    [
        ({"S": "a"}, {"S": "b"}, -1),
        ({"S": "b"}, {"S": "a"}, 1),
        ({"S": "a"}, {"S": "a"}, 0),
        ({"S": "a"}, {"S": "aa"}, -1),
        ({"S": "\U0001f600"}, {"S": "\uffff"}, 1),  # by UTF-8 bytes, not by UTF-16 units
        ({"N": "9"}, {"N": "10"}, -1),
        ({"N": "-9"}, {"N": "-10"}, 1),
        ({"N": "0.5"}, {"N": "0.25"}, 1),
        ({"B": "/w=="}, {"B": "AA=="}, 1),  # by bytes, not by base64
        ({"B": "AA=="}, {"B": "AA=="}, 0),
        ({"S": "1"}, {"N": "1"}, None),
        ({"BOOL": True}, {"BOOL": True}, None),
        ({"SS": ["a"]}, {"SS": ["a"]}, None),
    ],
)
def test_strings_numbers_and_binaries_have_an_order(a, b, order) -> None:
    assert compare(a, b) == order


def test_utf8_length_counts_bytes() -> None:
    assert [utf8_length(text) for text in ("", "a", "é", "\U0001f600")] == [0, 1, 2, 4]


@pytest.mark.parametrize("content", ["NAP8=", "YQ===", "YWI==", "NAP8NAP8=", "YR=="])
@pytest.mark.parametrize("kind", ["B", "BS"])
def test_a_binary_has_one_text_alone(kind: str, content: str) -> None:
    """Found by fuzzing: Python's strict base64 takes a padding too many after whole groups."""
    with pytest.raises(SerializationException):
        validate_item({"pk": {kind: content if kind == "B" else [content]}})


def test_the_fast_lane_leaves_what_is_odd_to_the_ordered_checks() -> None:
    """Also what is legal though odd: only they can tell how it was written."""
    assert accept_item({"a": {"S": "xyz"}}) == validate_item({"a": {"S": "xyz"}}) == 4
    assert accept_item({"a": {"BOOL": "true"}}) is None
    assert accept_item({"a": {"N": "x"}}) is None
    assert accept_item([]) is None
