"""The condition of a write, and ConditionalOperator beside the conditions that it joins."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import ValidationException
from stator_core.requests.delete_item import SHAPE
from stator_core.requests.layers import Reading
from stator_core.requests.write_condition import (
    check_conditional_operator,
    expected_condition,
    expression_condition,
)

ENVELOPE = "1 validation error detected: "
ABSENT: dict[str, Any] = {"Exists": False}


def reading(**members: Any) -> Reading:
    return Reading("DeleteItem", {"TableName": "Music", "Key": {}, **members}, SHAPE)


@pytest.mark.parametrize(
    "members, text",
    [
        ({}, "ConditionalOperator cannot be used without Filter or Expected"),
        ({"Expected": {}}, "ConditionalOperator cannot be used without Filter or Expected"),
        (
            {"Expected": {"a": ABSENT}},
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        ),
        (
            {"Expected": {"a": ABSENT, "b": ABSENT}},
            "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]",
        ),
    ],
)
def test_an_operator_is_counted_against_its_conditions_before_it_is_read(
    members: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValidationException) as caught:
        check_conditional_operator(reading(ConditionalOperator="XOR", **members))

    assert caught.value.message == ENVELOPE + text


def test_the_operator_joins_two_conditions() -> None:
    expected = {"a": {"Exists": False}, "b": {"Value": {"N": "1.0"}}}
    both = reading(Expected=expected)
    either = reading(
        Expected={"a": {"Exists": False}, "b": {"Value": {"N": "1.0"}}}, ConditionalOperator="OR"
    )
    check_conditional_operator(both)
    check_conditional_operator(either)

    all_of, one_of = expected_condition(both), expected_condition(either)

    assert all_of is not None
    assert one_of is not None
    assert not all_of.matches({"a": {"S": "x"}, "b": {"N": "1"}})
    assert one_of.matches({"a": {"S": "x"}, "b": {"N": "1"}})


def test_without_members_there_is_no_condition() -> None:
    read = reading()

    assert expected_condition(read) is None
    assert expected_condition(reading(Expected={})) is None
    assert expression_condition(read, read.substitutions()) is None


def test_a_malformed_condition_is_enveloped() -> None:
    broken = reading(ConditionExpression="a >")
    with pytest.raises(ValidationException) as caught:
        expression_condition(broken, broken.substitutions())
    assert caught.value.message is not None
    assert caught.value.message.startswith(ENVELOPE + "Invalid ConditionExpression: Syntax error;")

    with pytest.raises(ValidationException) as caught:
        expected_condition(reading(Expected={"a": {}}))
    assert caught.value.message == (
        ENVELOPE + "One or more parameter values were invalid: "
        "Value must be provided when Exists is null for Attribute: a"
    )
