"""DeleteItem: remove an item, if a condition allows.

In: the JSON body. Out: a `DeleteItem` whose key is canonical. `parse` is called by the doors'
executor, `check` and `evaluate` by the partition. Deleting an item that is not there succeeds, so a
client may repeat it. AWS: API reference, DeleteItem. The two lanes are those of `put_item.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stator_core import keys
from stator_core.errors import DynamoDBError
from stator_core.expressions.evaluate import Condition, compile_condition
from stator_core.expressions.substitutions import Layer, Substitutions
from stator_core.item import Item, validate_item
from stator_core.requests.constraints import is_table_name, table_name_of
from stator_core.requests.evaluated import Evaluated
from stator_core.requests.layers import Reading, plain_values
from stator_core.requests.member_rules import OLD_OR_NOTHING_ONLY
from stator_core.requests.nested_keys import check_nested_keys
from stator_core.requests.return_values import ALL_OLD, NONE, OLD_OR_NOTHING, options, require
from stator_core.requests.shapes import ATTRIBUTE_MAP, EXPECTED, STRING, STRING_MAP, Structure
from stator_core.requests.write_condition import (
    check_conditional_operator,
    expected_condition,
    expression_condition,
)
from stator_core.table import Table

SHAPE = Structure(
    "DeleteItemInput",
    {
        "TableName": STRING,
        "Key": ATTRIBUTE_MAP,
        "Expected": EXPECTED,
        "ConditionalOperator": STRING,
        "ReturnValues": STRING,
        "ReturnConsumedCapacity": STRING,
        "ReturnItemCollectionMetrics": STRING,
        "ConditionExpression": STRING,
        "ExpressionAttributeNames": STRING_MAP,
        "ExpressionAttributeValues": ATTRIBUTE_MAP,
        "ReturnValuesOnConditionCheckFailure": STRING,
    },
)
_LEGACY = frozenset(("Expected", "ConditionalOperator"))
_USUAL = SHAPE.members.keys() - _LEGACY


@dataclass(slots=True)
class DeleteItem:
    """A checked request; the four options by DynamoDB's own words."""

    table_name: str
    key: Item
    condition: Condition | None = None
    return_values: str = NONE
    return_values_on_condition_check_failure: str = NONE
    return_consumed_capacity: str = NONE
    return_item_collection_metrics: str = NONE

    def check(self, table: Table) -> None:
        """The key against the table's schema. Raises ValidationException."""
        keys.check_key(table, self.key)
        if self.condition is not None and self.condition.nested_names:
            check_nested_keys(table, self.condition.nested_names)

    def key_item(self) -> Item:
        """An item that holds the key attributes."""
        return self.key

    @property
    def needs_previous(self) -> bool:
        """Whether `evaluate` looks at the item before."""
        return self.condition is not None or self.return_values == ALL_OLD

    def evaluate(self, _table: Table, before: Item | None, _before_size: int) -> Evaluated:
        """What the write makes of `before`: nothing. Raises ConditionalCheckFailedException."""
        if self.condition is not None:
            require(self.condition, before, self.return_values_on_condition_check_failure)
        return Evaluated(None, 0, before if self.return_values == ALL_OLD else None)


def parse(body: dict[str, Any]) -> DeleteItem:
    """Read and check a body by itself (no table yet).

    Raises SerializationException and ValidationException.
    """
    try:
        request = _parse_usual(body)
    except DynamoDBError:
        request = None  # The slow lane finds the first error in DynamoDB's order, and its words.
    return request or _parse_in_order(body)


def _parse_usual(body: dict[str, Any]) -> DeleteItem | None:
    """The fast lane: the request if all is usual and right, or None."""
    table_name = body.get("TableName")
    key = body.get("Key")
    if not is_table_name(table_name):
        return None
    if type(key) is not dict:
        return None
    if len(body) == 2:
        validate_item(key)
        return DeleteItem(table_name, key)
    if not body.keys() <= _USUAL:
        return None
    read = options(body, OLD_OR_NOTHING)
    condition = None
    if read is None or not plain_values(body.get("ExpressionAttributeValues")):
        return None
    if "ConditionExpression" in body:
        text = body["ConditionExpression"]
        if type(text) is not str:
            return None
        substitutions = Substitutions.parse(body, Layer.NEW_ENVELOPED)
        condition = compile_condition(text, "ConditionExpression", substitutions)
        substitutions.check_all_used(Layer.NEW_ENVELOPED)
    elif "ExpressionAttributeNames" in body or "ExpressionAttributeValues" in body:
        return None
    validate_item(key)  # Last, for the reason given in put_item.py.
    return DeleteItem(table_name, key, condition, *read)


def _parse_in_order(body: dict[str, Any]) -> DeleteItem:
    """The slow lane: every check in DynamoDB's order, as captured 2026-10."""
    reading = Reading("DeleteItem", body, SHAPE)
    body = reading.body
    reading.refuse_empty_names()
    reading.refuse_mixing()
    substitutions = reading.substitutions()
    reading.values_of("Key")
    check_conditional_operator(reading)
    condition = expected_condition(reading) or expression_condition(reading, substitutions)
    reading.refuse_unused(substitutions)
    if body.get("ReturnValues", NONE) not in OLD_OR_NOTHING:
        raise reading.refused(OLD_OR_NOTHING_ONLY)  # The new layer said so among the members.
    return DeleteItem(table_name_of(body["TableName"]), body["Key"], condition, *reading.options())
