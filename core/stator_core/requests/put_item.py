"""PutItem: replace an item, or make it, if a condition allows.

In: the JSON body. Out: a `PutItem` whose item is canonical and measured. `parse` is called by the
doors' executor, `check` and `evaluate` by the partition. What holds: `evaluate` changes nothing and
may be called again with another old item. AWS: API reference, PutItem.

Two lanes read a body. The fast one takes what is usual and right; whatever makes it hesitate goes
to the slow one, which checks in DynamoDB's order and raises the exact error. A property test holds
them together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stator_core import keys
from stator_core.errors import DynamoDBError, ValidationException
from stator_core.expressions.evaluate import Condition, compile_condition
from stator_core.expressions.substitutions import Layer, Substitutions
from stator_core.item import TOO_LARGE, Item, accept_item
from stator_core.limits import ITEM_SIZE_BYTES_MAX
from stator_core.requests.constraints import is_table_name, table_name_of
from stator_core.requests.evaluated import Evaluated, is_too_large
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
    "PutItemInput",
    {
        "TableName": STRING,
        "Item": ATTRIBUTE_MAP,
        "Expected": EXPECTED,
        "ReturnValues": STRING,
        "ReturnConsumedCapacity": STRING,
        "ReturnItemCollectionMetrics": STRING,
        "ConditionalOperator": STRING,
        "ConditionExpression": STRING,
        "ExpressionAttributeNames": STRING_MAP,
        "ExpressionAttributeValues": ATTRIBUTE_MAP,
        "ReturnValuesOnConditionCheckFailure": STRING,
    },
)
_LEGACY = frozenset(("Expected", "ConditionalOperator"))
_USUAL = SHAPE.members.keys() - _LEGACY


@dataclass(slots=True)
class PutItem:
    """A checked request. `item_size` in bytes; the four options by DynamoDB's own words."""

    table_name: str
    item: Item
    item_size: int
    condition: Condition | None = None
    return_values: str = NONE
    return_values_on_condition_check_failure: str = NONE
    return_consumed_capacity: str = NONE
    return_item_collection_metrics: str = NONE

    def check(self, table: Table) -> None:
        """The item against the keys and local indexes of the table. Raises ValidationException."""
        keys.check_item_key(table, self.item)
        if table.local_indexes and is_too_large(table, self.item, self.item_size):
            raise ValidationException(TOO_LARGE)
        if self.condition is not None and self.condition.nested_names:
            check_nested_keys(table, self.condition.nested_names)

    def key_item(self) -> Item:
        """An item that holds the key attributes."""
        return self.item

    @property
    def needs_previous(self) -> bool:
        """Whether `evaluate` looks at the item before."""
        return self.condition is not None or self.return_values == ALL_OLD

    def evaluate(self, _table: Table, before: Item | None, _before_size: int) -> Evaluated:
        """What the write makes of `before`. Raises ConditionalCheckFailedException."""
        if self.condition is not None:
            require(self.condition, before, self.return_values_on_condition_check_failure)
        return Evaluated(
            self.item, self.item_size, before if self.return_values == ALL_OLD else None
        )


def parse(body: dict[str, Any]) -> PutItem:
    """Read and check a body by itself (no table yet).

    Raises SerializationException and ValidationException.
    """
    try:
        request = _parse_usual(body)
    except DynamoDBError:
        request = None  # The slow lane finds the first error in DynamoDB's order, and its words.
    if request is None:
        return _parse_in_order(body)
    if request.item_size > ITEM_SIZE_BYTES_MAX:
        raise ValidationException(TOO_LARGE)  # Of all checks the last: nothing else is wrong.
    return request


def _parse_usual(body: dict[str, Any]) -> PutItem | None:
    """The fast lane: the request if all is usual and right, or None."""
    table_name = body.get("TableName")
    item = body.get("Item")
    if not is_table_name(table_name):
        return None
    if type(item) is not dict:
        return None
    if len(body) == 2:
        size = accept_item(item)
        return None if size is None else PutItem(table_name, item, size)
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
    # Last: once the item has been normalised, the slow lane can no longer tell how it was written.
    size = accept_item(item)
    return None if size is None else PutItem(table_name, item, size, condition, *read)


def _parse_in_order(body: dict[str, Any]) -> PutItem:
    """The slow lane: every check in DynamoDB's order, as captured 2026-10."""
    reading = Reading("PutItem", body, SHAPE)
    body = reading.body
    reading.refuse_empty_names()
    size = reading.values_of("Item")
    reading.refuse_mixing()
    substitutions = reading.substitutions()
    check_conditional_operator(reading)
    condition = expected_condition(reading) or expression_condition(reading, substitutions)
    reading.refuse_unused(substitutions)
    if body.get("ReturnValues", NONE) not in OLD_OR_NOTHING:
        raise reading.refused(OLD_OR_NOTHING_ONLY)
    if size > ITEM_SIZE_BYTES_MAX:
        raise ValidationException(TOO_LARGE)
    return PutItem(
        table_name_of(body["TableName"]), body["Item"], size, condition, *reading.options()
    )
