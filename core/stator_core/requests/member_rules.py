"""The constraints of the four single-item operations, as a table: operation and layer -> rules.

In: a body whose JSON types are right, and the layer that reads it. Out: nothing, or the
ValidationException that lists what DynamoDB lists, in its order. Called by the slow lanes of
`put_item.py`, `get_item.py`, `update_item.py` and `delete_item.py`.

The order of the rules is the order of the sentences, as DynamoDB answers (captured 2026-10). What
does not fit a list of rules is said in functions of its own: an empty TableName and UpdateItem's
misspelt one stand alone, and UpdateItem stops at its first bad enum member.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from stator_core.errors import ValidationException
from stator_core.requests.constraints import (
    CONDITIONAL_OPERATOR,
    RETURN_CONSUMED_CAPACITY,
    RETURN_ITEM_COLLECTION_METRICS,
    RETURN_VALUES,
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE,
    Violations,
    check_empty_table_name,
    check_table_name,
    length_at_least,
)
from stator_core.requests.return_values import OLD_OR_NOTHING

Operation = Literal["PutItem", "UpdateItem", "DeleteItem", "GetItem"]
Body = dict[str, Any]
Rule = Callable[[Body, Violations], None]

# Sic: UPDATE_NEW for UPDATED_NEW.
RETURN_VALUES_NEW: Final = (
    "Failed to satisfy constraint: Member must satisfy enum value set: "
    "[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
)
OLD_OR_NOTHING_ONLY: Final = "ReturnValues can only be ALL_OLD or NONE"


def _table_name(body: Body, violations: Violations) -> None:
    check_table_name(violations, body.get("TableName"))


def _table_name_in_old_layer(body: Body, violations: Violations) -> None:
    name = body.get("TableName")
    if name == "":
        violations.add("tableName", name, length_at_least(1))
    else:
        check_table_name(violations, name)


def _item(body: Body, violations: Violations) -> None:
    violations.require("item", body.get("Item"))


def _key(body: Body, violations: Violations) -> None:
    violations.require("key", body.get("Key"))


def _consumed_capacity(body: Body, violations: Violations) -> None:
    member = body.get("ReturnConsumedCapacity")
    violations.enum("returnConsumedCapacity", member, RETURN_CONSUMED_CAPACITY)


def _return_values(body: Body, violations: Violations) -> None:
    if body.get("ReturnValues", "NONE") not in RETURN_VALUES:
        violations.add_sentence(RETURN_VALUES_NEW)


def _return_values_in_old_layer(body: Body, violations: Violations) -> None:
    violations.enum("returnValues", body.get("ReturnValues"), RETURN_VALUES)


def _collection_metrics(body: Body, violations: Violations) -> None:
    member = body.get("ReturnItemCollectionMetrics")
    violations.enum("returnItemCollectionMetrics", member, RETURN_ITEM_COLLECTION_METRICS)


def _on_failure(body: Body, violations: Violations) -> None:
    member = body.get("ReturnValuesOnConditionCheckFailure")
    violations.enum(
        "returnValuesOnConditionCheckFailure", member, RETURN_VALUES_ON_CONDITION_CHECK_FAILURE
    )


def _conditional_operator_in_old_layer(body: Body, violations: Violations) -> None:
    violations.enum("conditionalOperator", body.get("ConditionalOperator"), CONDITIONAL_OPERATOR)


def _attributes_to_get(body: Body, violations: Violations) -> None:
    names = body.get("AttributesToGet")
    violations.length("attributesToGet", names, 1)
    for position, name in enumerate(names or (), start=1):
        violations.require(f"attributesToGet.{position}.member", name)


def _old_or_nothing(body: Body, violations: Violations) -> None:
    """DeleteItem counts ReturnValues that suit only UpdateItem among its member errors."""
    value = body.get("ReturnValues", "NONE")
    if value in RETURN_VALUES and value not in OLD_OR_NOTHING and "Key" in body:
        violations.add_sentence(OLD_OR_NOTHING_ONLY)


NEW_LAYER: Final[dict[Operation, tuple[Rule, ...]]] = {
    "PutItem": (
        _table_name,
        _item,
        _consumed_capacity,
        _return_values,
        _collection_metrics,
        _on_failure,
    ),
    "DeleteItem": (
        _table_name,
        _key,
        _consumed_capacity,
        _return_values,
        _collection_metrics,
        _on_failure,
        _old_or_nothing,
    ),
    "GetItem": (_key, _table_name, _consumed_capacity, _attributes_to_get),
}
OLD_LAYER: Final[dict[Operation, tuple[Rule, ...]]] = {
    "PutItem": (
        _table_name_in_old_layer,
        _item,
        _consumed_capacity,
        _return_values_in_old_layer,
        _collection_metrics,
        _on_failure,
        _conditional_operator_in_old_layer,
    ),
    "UpdateItem": (
        _consumed_capacity,
        _table_name_in_old_layer,
        _return_values_in_old_layer,
        _on_failure,
        _collection_metrics,
        _key,
        _conditional_operator_in_old_layer,
    ),
    "DeleteItem": (
        _table_name_in_old_layer,
        _key,
        _consumed_capacity,
        _return_values_in_old_layer,
        _collection_metrics,
        _on_failure,
        _conditional_operator_in_old_layer,
    ),
    "GetItem": (_key, _table_name_in_old_layer, _consumed_capacity, _attributes_to_get),
}
# UpdateItem's enum members, asked in this order up to the first bad one, and whether that one goes
# behind the envelope.
UPDATE_ITEM_ENUMS: Final[tuple[tuple[Rule, bool], ...]] = (
    (_return_values, True),
    (_on_failure, False),
    (_collection_metrics, True),
    (_consumed_capacity, False),
)


def check_members(
    operation: Operation, body: Body, old_layer: bool, *, deep_value: bool = False
) -> None:
    """Every member by itself. Raises ValidationException for what DynamoDB would list.

    `deep_value`: the body holds a value too deep for the new layer, which then names ReturnValues
    in the old words (captured 2026-10).
    """
    if not old_layer:
        _stop_at(_empty_table_name, body)
        if operation == "UpdateItem":
            _stop_at(_misspelt_table_name, body)
            # UpdateItem without its Key is read by the old layer in all Regions.
            old_layer = "Key" not in body
    if operation == "UpdateItem" and not old_layer:
        _check_update_item(body, deep_value)
        return
    violations = Violations()
    for rule in (OLD_LAYER if old_layer else NEW_LAYER)[operation]:
        _worded(rule, deep_value)(body, violations)
    violations.raise_any()


def _worded(rule: Rule, deep_value: bool) -> Rule:
    """The rule in the words that suit a body with or without a value of great depth."""
    return _return_values_in_old_layer if deep_value and rule is _return_values else rule


def _stop_at(rule: Rule, body: Body) -> None:
    violations = Violations()
    rule(body, violations)
    violations.raise_any()


def _empty_table_name(body: Body, violations: Violations) -> None:
    check_empty_table_name(violations, body.get("TableName"))


def _misspelt_table_name(body: Body, violations: Violations) -> None:
    if "TableName" in body:
        check_table_name(violations, body["TableName"], both=True)


def _check_update_item(body: Body, deep_value: bool) -> None:
    violations = Violations()
    if "TableName" not in body:
        # Without its table name it is the old layer that looks at ReturnValues.
        _table_name(body, violations)
        _return_values_in_old_layer(body, violations)
        violations.raise_any()
    for rule, enveloped in UPDATE_ITEM_ENUMS:
        _worded(rule, deep_value)(body, violations)
        if violations and not enveloped:
            raise ValidationException(violations.sentences[0])
        violations.raise_any()
