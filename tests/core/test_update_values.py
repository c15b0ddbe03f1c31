"""The values that updates compute."""

from __future__ import annotations

import pytest

from expression_texts import refusal
from stator_core.expressions.update_values import (
    INCORRECT_TYPE,
    TOO_DEEP,
    added,
    calculated,
    check_depth,
    joined,
    without,
)
from stator_core.item import AttributeValue
from stator_core.number import OVERFLOW


def nested(levels: int) -> AttributeValue:
    """A string inside that many lists."""
    value: AttributeValue = {"S": "leaf"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


def test_arithmetic_is_exact_and_only_of_numbers() -> None:
    assert calculated("+", {"N": "0.1"}, {"N": "0.2"}) == {"N": "0.3"}
    assert calculated("-", {"N": "1"}, {"N": "3"}) == {"N": "-2"}
    assert refusal(calculated, "+", {"N": "1"}, {"S": "1"}) == INCORRECT_TYPE
    assert refusal(calculated, "-", {"L": []}, {"N": "1"}) == INCORRECT_TYPE
    assert refusal(calculated, "+", {"N": "1" + "0" * 50}, {"N": "1"}) == OVERFLOW


def test_lists_are_joined_and_left_as_they_were() -> None:
    left, right = {"L": [{"S": "a"}]}, {"L": [{"S": "b"}]}

    assert joined(left, right) == {"L": [{"S": "a"}, {"S": "b"}]}
    assert (left, right) == ({"L": [{"S": "a"}]}, {"L": [{"S": "b"}]})
    assert refusal(joined, left, {"S": "b"}) == INCORRECT_TYPE


@pytest.mark.parametrize(
    "stored, operand, expected",
    [
        (None, {"N": "5"}, {"N": "5"}),
        (None, {"SS": ["a"]}, {"SS": ["a"]}),
        ({"N": "1"}, {"N": "-3"}, {"N": "-2"}),
        ({"SS": ["b"]}, {"SS": ["a", "b", "c"]}, {"SS": ["a", "b", "c"]}),
        ({"SS": ["\uff61"]}, {"SS": ["\U00010000", "z"]}, {"SS": ["z", "\uff61", "\U00010000"]}),
        ({"NS": ["2", "10"]}, {"NS": ["-1", "3"]}, {"NS": ["-1", "2", "3", "10"]}),
        ({"BS": ["/w=="]}, {"BS": ["AA=="]}, {"BS": ["AA==", "/w=="]}),
        ({"L": [{"S": "a"}]}, {"L": [{"S": "b"}]}, {"L": [{"S": "a"}, {"S": "b"}]}),
    ],
)
def test_add_keeps_numbers_and_sets_canonical(stored, operand, expected) -> None:
    assert added(stored, operand, "mismatch") == expected


def test_delete_takes_elements_and_leaves_no_empty_set() -> None:
    assert without({"SS": ["a", "b"]}, {"SS": ["b", "x"]}, "mismatch") == {"SS": ["a"]}
    assert without({"NS": ["1"]}, {"NS": ["1"]}, "mismatch") is None


@pytest.mark.parametrize("stored", [{"S": "a"}, {"NS": ["1"]}, {"L": []}])
def test_another_stored_type_is_a_mismatch(stored) -> None:
    assert refusal(added, stored, {"SS": ["a"]}, "mismatch") == "mismatch"
    assert refusal(without, stored, {"SS": ["a"]}, "mismatch") == "mismatch"


def test_a_leaf_may_lie_in_31_lists_or_maps_and_an_empty_one_in_31_too() -> None:
    check_depth(nested(30), 1)
    check_depth({"S": "leaf"}, 99)
    check_depth({"L": []}, 31)

    assert refusal(check_depth, nested(31), 1) == TOO_DEEP
    assert refusal(check_depth, {"M": {"a": nested(30)}}, 1) == TOO_DEEP
    assert refusal(check_depth, {"L": []}, 32) == TOO_DEEP
