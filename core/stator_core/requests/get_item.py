"""GetItem: read one item by its key.

In: the JSON body. Out: a `GetItem` whose key is canonical. `parse` is called by the doors'
executor, `check` and `project` by the partition; without a projection the stored JSON is the answer
and nobody decodes it. AWS: API reference, GetItem. The two lanes are those of `put_item.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stator_core import keys
from stator_core.errors import DynamoDBError
from stator_core.expressions.projection import (
    Projection,
    compile_attributes_to_get,
    compile_projection,
)
from stator_core.expressions.substitutions import Layer, Substitutions
from stator_core.item import Item, validate_item
from stator_core.requests.constraints import RETURN_CONSUMED_CAPACITY, is_table_name, table_name_of
from stator_core.requests.layers import Reading
from stator_core.requests.nested_keys import check_nested_keys
from stator_core.requests.return_values import NONE
from stator_core.requests.shapes import (
    ATTRIBUTE_MAP,
    BOOLEAN,
    STRING,
    STRING_LIST,
    STRING_MAP,
    Structure,
)
from stator_core.table import Table

SHAPE = Structure(
    "GetItemInput",
    {
        "TableName": STRING,
        "Key": ATTRIBUTE_MAP,
        "AttributesToGet": STRING_LIST,
        "ConsistentRead": BOOLEAN,
        "ReturnConsumedCapacity": STRING,
        "ProjectionExpression": STRING,
        "ExpressionAttributeNames": STRING_MAP,
    },
)
_USUAL = SHAPE.members.keys() - {"AttributesToGet"}
_CONSUMED_CAPACITY = frozenset(RETURN_CONSUMED_CAPACITY)


@dataclass(slots=True)
class GetItem:
    """A checked request. `projection` is None where the whole item is asked for."""

    table_name: str
    key: Item
    projection: Projection | None = None
    consistent_read: bool = False
    return_consumed_capacity: str = NONE

    def check(self, table: Table) -> None:
        """The key against the table's schema. Raises ValidationException."""
        keys.check_key(table, self.key)
        if self.projection is not None and self.projection.nested_names:
            check_nested_keys(table, self.projection.nested_names)

    def key_item(self) -> Item:
        """An item that holds the key attributes."""
        return self.key

    def project(self, item: Item) -> Item:
        """What of the item is asked for; may be empty."""
        return item if self.projection is None else self.projection.project(item)


def parse(body: dict[str, Any]) -> GetItem:
    """Read and check a body by itself (no table yet).

    Raises SerializationException and ValidationException.
    """
    try:
        request = _parse_usual(body)
    except DynamoDBError:
        request = None  # The slow lane finds the first error in DynamoDB's order, and its words.
    return request or _parse_in_order(body)


def _parse_usual(body: dict[str, Any]) -> GetItem | None:
    """The fast lane: the request if all is usual and right, or None."""
    table_name = body.get("TableName")
    key = body.get("Key")
    if not is_table_name(table_name):
        return None
    if type(key) is not dict:
        return None
    if len(body) == 2:
        validate_item(key)
        return GetItem(table_name, key)
    consistent_read = body.get("ConsistentRead", False)
    if type(consistent_read) is not bool:
        return None
    if len(body) == 3 and "ConsistentRead" in body:
        validate_item(key)
        return GetItem(table_name, key, None, consistent_read)
    if not body.keys() <= _USUAL:
        return None
    capacity = body.get("ReturnConsumedCapacity", NONE)
    if type(capacity) is not str or capacity not in _CONSUMED_CAPACITY:
        return None
    projection = None
    if "ProjectionExpression" in body:
        text = body["ProjectionExpression"]
        if type(text) is not str:
            return None
        substitutions = Substitutions.parse(body, Layer.NEW)
        projection = compile_projection(text, substitutions)
        substitutions.check_all_used(Layer.NEW)
    elif "ExpressionAttributeNames" in body:
        return None
    validate_item(key)  # Last, for the reason given in put_item.py.
    return GetItem(table_name, key, projection, consistent_read, capacity)


def _parse_in_order(body: dict[str, Any]) -> GetItem:
    """The slow lane: every check in DynamoDB's order, as captured 2026-10."""
    reading = Reading("GetItem", body, SHAPE)
    body = reading.body
    reading.refuse_empty_names()
    reading.refuse_mixing()
    substitutions = reading.substitutions()
    reading.values_of("Key")
    projection = _projection(reading, substitutions)
    reading.refuse_unused(substitutions)
    return GetItem(
        table_name_of(body["TableName"]),
        body["Key"],
        projection,
        body.get("ConsistentRead", False),
        body.get("ReturnConsumedCapacity", NONE),
    )


def _projection(reading: Reading, substitutions: Substitutions) -> Projection | None:
    """What ProjectionExpression or the older AttributesToGet asks for; None for everything."""
    names = reading.body.get("AttributesToGet")
    if names is not None:
        return reading.step(compile_attributes_to_get, names)
    text = reading.body.get("ProjectionExpression")
    if text is not None:
        return reading.step(compile_projection, text, substitutions)
    return None
