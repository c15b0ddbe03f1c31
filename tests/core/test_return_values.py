"""What a write hands back, and the condition check with the old item in its error."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import ConditionalCheckFailedException
from stator_core.item import Item
from stator_core.requests.return_values import (
    ANY_RETURN_VALUES,
    OLD_OR_NOTHING,
    options,
    require,
)

STORED: Item = {"pk": {"S": "a"}}


class Never:
    """A condition that is false for every item."""

    def matches(self, _item: Item | None, /) -> bool:
        return False


class Always:
    """A condition that is true for every item."""

    def matches(self, _item: Item | None, /) -> bool:
        return True


def test_options_left_out_are_none_in_dynamodbs_word() -> None:
    assert options({}, OLD_OR_NOTHING) == ("NONE", "NONE", "NONE", "NONE")


def test_options_come_in_the_order_of_the_request_types() -> None:
    body = {
        "ReturnItemCollectionMetrics": "SIZE",
        "ReturnConsumedCapacity": "TOTAL",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "ReturnValues": "UPDATED_NEW",
    }

    assert options(body, ANY_RETURN_VALUES) == ("UPDATED_NEW", "ALL_OLD", "TOTAL", "SIZE")


@pytest.mark.parametrize(
    "body",
    [
        {"ReturnValues": "UPDATED_NEW"},
        {"ReturnValues": ""},
        {"ReturnValues": None},
        {"ReturnValues": ["NONE"]},
        {"ReturnValuesOnConditionCheckFailure": "ALL_NEW"},
        {"ReturnConsumedCapacity": "total"},
        {"ReturnItemCollectionMetrics": {}},
    ],
)
def test_an_option_that_is_not_as_it_should_be_is_left_to_the_slow_lane(
    body: dict[str, Any],
) -> None:
    assert options(body, OLD_OR_NOTHING) is None


def test_a_true_condition_or_none_lets_the_write_pass() -> None:
    require(None, None, "ALL_OLD")
    require(Always(), STORED, "ALL_OLD")


@pytest.mark.parametrize(
    "before, on_failure, members",
    [
        (STORED, "ALL_OLD", {"Item": STORED}),
        (STORED, "NONE", {}),
        (None, "ALL_OLD", {}),
    ],
)
def test_a_false_condition_carries_the_old_item_only_if_asked_for_and_there(
    before: Item | None, on_failure: str, members: dict[str, Any]
) -> None:
    with pytest.raises(ConditionalCheckFailedException) as caught:
        require(Never(), before, on_failure)

    assert caught.value.message == "The conditional request failed"
    assert caught.value.members == members
