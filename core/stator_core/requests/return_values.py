"""What a write hands back: ReturnValues and its three sisters.

`options` reads the four members for the fast lanes of the writes; `require` is their condition
check, with the old item in the error if the caller asked for it. AWS: PutItem, UpdateItem and
DeleteItem, request parameters.
"""

from __future__ import annotations

from typing import Any, Protocol

from stator_core.errors import ConditionalCheckFailedException
from stator_core.item import Item
from stator_core.requests.constraints import (
    RETURN_CONSUMED_CAPACITY,
    RETURN_ITEM_COLLECTION_METRICS,
    RETURN_VALUES,
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE,
)

NONE = "NONE"
ALL_OLD = "ALL_OLD"
CONDITION_FAILED = "The conditional request failed"
# PutItem and DeleteItem know the item's old state or nothing.
OLD_OR_NOTHING = frozenset((NONE, ALL_OLD))
ANY_RETURN_VALUES = frozenset(RETURN_VALUES)
_CONSUMED_CAPACITY = frozenset(RETURN_CONSUMED_CAPACITY)
_COLLECTION_METRICS = frozenset(RETURN_ITEM_COLLECTION_METRICS)
_ON_FAILURE = frozenset(RETURN_VALUES_ON_CONDITION_CHECK_FAILURE)

# ReturnValues, ReturnValuesOnConditionCheckFailure, ReturnConsumedCapacity and
# ReturnItemCollectionMetrics, in the order of the request dataclasses.
Options = tuple[str, str, str, str]
NO_OPTIONS: Options = (NONE, NONE, NONE, NONE)


class Conditional(Protocol):
    """What `expressions` compiles a condition to."""

    def matches(self, item: Item | None, /) -> bool: ...


def options(body: dict[str, Any], return_values: frozenset[str]) -> Options | None:
    """The four members with their defaults, or None if one is not as it should be.

    `return_values` are the legal ones of the operation. A member of a wrong JSON type may not be
    hashable; it is not as it should be either.
    """
    get = body.get
    read: Options = (
        get("ReturnValues", NONE),
        get("ReturnValuesOnConditionCheckFailure", NONE),
        get("ReturnConsumedCapacity", NONE),
        get("ReturnItemCollectionMetrics", NONE),
    )
    values, on_failure, capacity, metrics = read
    try:
        legal = (
            values in return_values
            and on_failure in _ON_FAILURE
            and capacity in _CONSUMED_CAPACITY
            and metrics in _COLLECTION_METRICS
        )
    except TypeError:
        return None
    return read if legal else None


def require(condition: Conditional | None, before: Item | None, on_failure: str) -> None:
    """Raise ConditionalCheckFailedException if the condition is false for the item as stored.

    `on_failure` is ReturnValuesOnConditionCheckFailure: ALL_OLD puts the item, if there is one,
    into the error.
    """
    if condition is None or condition.matches(before):
        return
    if on_failure == ALL_OLD and before is not None:
        raise ConditionalCheckFailedException(CONDITION_FAILED, Item=before)
    raise ConditionalCheckFailedException(CONDITION_FAILED)
