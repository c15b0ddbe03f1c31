"""The members of the single-item operations: which violations are listed, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import ValidationException
from stator_core.requests.member_rules import (
    OLD_LAYER,
    RETURN_VALUES_NEW,
    Operation,
    check_members,
)

KEY: dict[str, Any] = {"pk": {"S": "a"}}
NAME_NULL = "Value null at 'tableName' failed to satisfy constraint: Member must not be null"
NAME_SHORT = (
    "Value 'ab' at 'tableName' failed to satisfy constraint: "
    "Member must have length greater than or equal to 3"
)
NAME_EMPTY = (
    "Value at 'TableName' failed to satisfy constraint: "
    "Member must have length greater than or equal to 1"
)
KEY_NULL = "Value null at 'key' failed to satisfy constraint: Member must not be null"
ITEM_NULL = "Value null at 'item' failed to satisfy constraint: Member must not be null"
CAPACITY = (
    "Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: "
    "Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"
)
METRICS = (
    "Value 'X' at 'returnItemCollectionMetrics' failed to satisfy constraint: "
    "Member must satisfy enum value set: [SIZE, NONE]"
)
ON_FAILURE = (
    "Value 'X' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: "
    "Member must satisfy enum value set: [ALL_OLD, NONE]"
)
VALUES_OLD = (
    "Value 'X' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value "
    "set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"
)
ALL_BAD = {
    "ReturnConsumedCapacity": "X",
    "ReturnValues": "X",
    "ReturnItemCollectionMetrics": "X",
    "ReturnValuesOnConditionCheckFailure": "X",
}
OLD_OR_NOTHING_ONLY = "ReturnValues can only be ALL_OLD or NONE"


def refusal(operation: Operation, body: dict[str, Any], *, old_layer: bool = False) -> str | None:
    with pytest.raises(ValidationException) as caught:
        check_members(operation, body, old_layer)
    return caught.value.message


def listed(*sentences: str) -> str:
    plural = "" if len(sentences) == 1 else "s"
    return f"{len(sentences)} validation error{plural} detected: {'; '.join(sentences)}"


@pytest.mark.parametrize("operation", sorted(OLD_LAYER))
@pytest.mark.parametrize("old_layer", [False, True])
def test_a_body_with_what_is_required_passes(operation: Operation, old_layer: bool) -> None:
    check_members(operation, {"TableName": "Music", "Item": KEY, "Key": KEY}, old_layer)


def test_put_item_lists_everything_name_and_item_first() -> None:
    expected = listed(NAME_SHORT, ITEM_NULL, CAPACITY, RETURN_VALUES_NEW, METRICS, ON_FAILURE)
    assert refusal("PutItem", {"TableName": "ab", **ALL_BAD}) == expected


def test_delete_item_lists_everything_name_and_key_first() -> None:
    expected = listed(NAME_NULL, KEY_NULL, CAPACITY, RETURN_VALUES_NEW, METRICS, ON_FAILURE)
    assert refusal("DeleteItem", ALL_BAD) == expected


def test_delete_item_counts_return_values_of_update_item_among_its_members_if_it_has_a_key() -> (
    None
):
    body = {"TableName": "Music", "ReturnValues": "ALL_NEW"}

    assert refusal("DeleteItem", {**body, "Key": KEY}) == listed(OLD_OR_NOTHING_ONLY)
    assert refusal("DeleteItem", {**body, "Key": KEY, "ReturnConsumedCapacity": "X"}) == listed(
        CAPACITY, OLD_OR_NOTHING_ONLY
    )
    assert refusal("DeleteItem", body) == listed(KEY_NULL)


def test_get_item_lists_the_key_before_the_name() -> None:
    assert refusal("GetItem", {"ReturnConsumedCapacity": "X"}) == listed(
        KEY_NULL, NAME_NULL, CAPACITY
    )


def test_get_item_wants_at_least_one_attribute_and_no_null() -> None:
    body = {"TableName": "Music", "Key": KEY}

    assert refusal("GetItem", {**body, "AttributesToGet": []}) == listed(
        "Value '[]' at 'attributesToGet' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )
    assert refusal("GetItem", {**body, "AttributesToGet": ["a", None]}) == listed(
        "Value null at 'attributesToGet.2.member' failed to satisfy constraint: "
        "Member must not be null"
    )


@pytest.mark.parametrize("operation", sorted(OLD_LAYER))
def test_an_empty_table_name_stands_alone_in_new_words(operation: Operation) -> None:
    assert refusal(operation, {"TableName": "", **ALL_BAD}) == listed(NAME_EMPTY)


def test_a_misspelt_table_name_of_update_item_stands_alone_pattern_first() -> None:
    assert refusal("UpdateItem", {"TableName": "a!", **ALL_BAD}) == listed(
        "Value 'a!' at 'tableName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        "Value 'a!' at 'tableName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 3",
    )


def test_update_item_reports_one_bad_option_some_of_them_bare() -> None:
    body: dict[str, Any] = {"TableName": "Music", "Key": KEY, **ALL_BAD}

    assert refusal("UpdateItem", body) == listed(RETURN_VALUES_NEW)
    del body["ReturnValues"]
    assert refusal("UpdateItem", body) == ON_FAILURE
    del body["ReturnValuesOnConditionCheckFailure"]
    assert refusal("UpdateItem", body) == listed(METRICS)
    del body["ReturnItemCollectionMetrics"]
    assert refusal("UpdateItem", body) == CAPACITY


def test_update_item_without_a_key_is_read_by_the_old_layer() -> None:
    assert refusal("UpdateItem", dict(ALL_BAD)) == listed(
        CAPACITY, NAME_NULL, VALUES_OLD, ON_FAILURE, METRICS, KEY_NULL
    )


def test_update_item_joins_a_missing_table_name_with_bad_return_values_in_the_old_words() -> None:
    assert refusal("UpdateItem", {"Key": KEY, **ALL_BAD}) == listed(NAME_NULL, VALUES_OLD)


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "DeleteItem"])
def test_beside_a_value_of_great_depth_return_values_are_named_in_the_old_words(
    operation: Operation,
) -> None:
    body = {"TableName": "Music", "Item": KEY, "Key": KEY, "ReturnValues": "X"}

    with pytest.raises(ValidationException) as caught:
        check_members(operation, body, old_layer=False, deep_value=True)

    assert caught.value.message == listed(VALUES_OLD)


def test_the_old_layer_prints_every_value() -> None:
    body = {"TableName": "", "Item": KEY, "ReturnValues": "X", "ConditionalOperator": "X"}

    assert refusal("PutItem", body, old_layer=True) == listed(
        "Value '' at 'tableName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1",
        VALUES_OLD,
        "Value 'X' at 'conditionalOperator' failed to satisfy constraint: "
        "Member must satisfy enum value set: [OR, AND]",
    )
