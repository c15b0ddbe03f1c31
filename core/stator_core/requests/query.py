"""Query: the items of one partition key, in the order of the sort key.

In: the JSON body. Out of `parse`: a `Query`; out of `Query.bind`, once the table is known: the
`RangeRead` that the shell walks. AWS: API reference, Query. Texts and order of checks are as
DynamoDB answers (captured 2026-10).

Two lanes read a body, as in `put_item.py`: the fast one takes what is usual and right; everything
else goes through `RangeReading` in DynamoDB's order. Before both, `PartitionQuery` is the one form
that most queries have, of a text that the fast lane has taken before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from stator_core import keys
from stator_core.errors import DynamoDBError, ValidationException
from stator_core.expressions.evaluate import Condition, compile_condition
from stator_core.expressions.key_condition import (
    Clause,
    KeyConditionClauses,
    compile_key_condition,
    known_equality,
)
from stator_core.expressions.legacy import compile_key_conditions
from stator_core.expressions.projection import Projection, compile_projection
from stator_core.expressions.substitutions import Layer, Substitutions
from stator_core.item import AttributeValue, Item, validate_item
from stator_core.limits import HASH_KEY_BYTES_MAX
from stator_core.requests import selection, start_key
from stator_core.requests.constraints import is_table_name, table_name_of
from stator_core.requests.layers import plain_values
from stator_core.requests.range_members import NO_OPTIONS, check_select_member, usual_options
from stator_core.requests.range_read import (
    KeyRange,
    RangeRead,
    after,
    check_nested_keys,
    find_index,
)
from stator_core.requests.range_reading import RangeReading
from stator_core.requests.return_values import NONE
from stator_core.requests.shapes import (
    ATTRIBUTE_MAP,
    BOOLEAN,
    CONDITIONS,
    INTEGER,
    STRING,
    STRING_LIST,
    STRING_MAP,
    Structure,
)
from stator_core.table import Index, Table

SHAPE = Structure(
    "QueryInput",
    {
        "TableName": STRING,
        "IndexName": STRING,
        "Select": STRING,
        "AttributesToGet": STRING_LIST,
        "Limit": INTEGER,
        "ConsistentRead": BOOLEAN,
        "KeyConditions": CONDITIONS,
        "QueryFilter": CONDITIONS,
        "ConditionalOperator": STRING,
        "ScanIndexForward": BOOLEAN,
        "ExclusiveStartKey": ATTRIBUTE_MAP,
        "ReturnConsumedCapacity": STRING,
        "ProjectionExpression": STRING,
        "FilterExpression": STRING,
        "KeyConditionExpression": STRING,
        "ExpressionAttributeNames": STRING_MAP,
        "ExpressionAttributeValues": ATTRIBUTE_MAP,
    },
)
NO_KEY_CONDITION: Final = (
    "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
)
_LEGACY = frozenset(("AttributesToGet", "KeyConditions", "QueryFilter", "ConditionalOperator"))
_USUAL = SHAPE.members.keys() - _LEGACY


@dataclass(slots=True)
class Query:
    """A checked request. `filter_parameter` is the member that the filter came from."""

    table_name: str
    key_condition: KeyConditionClauses
    index_name: str | None = None
    filter: Condition | None = None
    filter_parameter: str = "FilterExpression"
    projection: Projection | None = None
    select: str | None = None
    limit: int | None = None
    exclusive_start_key: Item | None = None
    scan_index_forward: bool = True
    consistent_read: bool = False
    return_consumed_capacity: str = NONE

    def bind(self, table: Table) -> RangeRead:
        """The read of this table. Raises ValidationException for what does not fit its schema."""
        index = find_index(table, self.index_name, self.consistent_read)
        key_schema = table.key_schema if index is None else index.key_schema
        condition = self.key_condition.resolve(key_schema)
        ranges = [keys.bounds(table, index, condition)]
        if self.exclusive_start_key is not None:
            ranges = self._rest(table, index, condition, ranges, self.exclusive_start_key)
        fetch_base = False
        if self.filter is not None:
            self._check_filter(key_schema.names, self.filter)
        if self.filter is not None or self.projection is not None:
            check_nested_keys(table, index, self.filter, self.projection)
        if index is not None:
            selection.check_all_attributes(self.select, index)
            fetch_base = selection.check_projection(table, index, self.select, self.projection)
            if not fetch_base:
                selection.check_filter(table, index, self.filter)
        read = RangeRead(
            table=table,
            table_name=self.table_name,
            index=index,
            ranges=ranges,
            reverse=not self.scan_index_forward,
            limit=self.limit,
            filter=self.filter,
            projection=self.projection,
            select=self.select,
            consistent_read=self.consistent_read,
            fetch_base=fetch_base,
            interleaved=False,
            return_consumed_capacity=self.return_consumed_capacity,
        )
        read.whole = read.is_whole()
        return read

    def _rest(
        self,
        table: Table,
        index: Index | None,
        condition: keys.KeyCondition,
        ranges: list[KeyRange],
        start: Item,
    ) -> list[KeyRange]:
        """What the page reads behind its start key, which must lie within the key condition."""
        start_key.check_schema(start, table, index, "Query")
        position = keys.position_after(table, index, start)
        rest = after(ranges, position, not self.scan_index_forward)
        if rest is None:
            raise self._outside(table, index, condition, start, position)
        return rest

    def _outside(
        self,
        table: Table,
        index: Index | None,
        condition: keys.KeyCondition,
        start: Item,
        position: bytes,
    ) -> ValidationException:
        """Why a start key is outside: a broken sort condition first, then another partition."""
        key_schema = table.key_schema if index is None else index.key_schema
        has_sort_condition = bool(condition.range_equals) or condition.operator is not None
        hash_values = tuple(start[attribute.name] for attribute in key_schema.hash)
        first, end = keys.bounds(table, index, replace(condition, hash_values=hash_values))
        if has_sort_condition and not first <= position < end:
            return ValidationException(
                "The provided starting key does not match the range key predicate"
            )
        if has_sort_condition:
            return ValidationException(
                "The query can return at most one row and cannot be restarted"
            )
        if index is None and not key_schema.range:
            return ValidationException("The provided exclusive start key is invalid")
        return ValidationException(
            "The provided starting key is outside query boundaries based on provided conditions"
        )

    def _check_filter(self, key_names: tuple[str, ...], condition: Condition) -> None:
        """A filter may not name the keys that the query goes by."""
        for name in key_names:
            if name in condition.top_level_names:
                parameter = self.filter_parameter
                shown = "Filter Expression" if parameter == "FilterExpression" else parameter
                raise ValidationException(
                    f"{shown} can only contain non-primary key attributes: "
                    f"Primary key attribute: {name}"
                )


@dataclass(slots=True)
class PartitionQuery:
    """The Query that most are: the table's items of one partition key, and nothing beside."""

    table_name: str
    attribute: str
    value: AttributeValue
    consistent_read: ClassVar[bool] = False

    def bind(self, table: Table) -> RangeRead:
        """As `Query.bind`."""
        value = self.value
        if self.attribute != table.hash_key.name or not keys.surely_fits(table.hash_key, value):
            clauses = {self.attribute: Clause("=", (value,))}
            return Query(self.table_name, KeyConditionClauses(clauses)).bind(table)
        bounds = keys.partition_bounds(table, value)
        return RangeRead(table, self.table_name, None, [bounds], whole=True)


def parse(body: dict[str, Any]) -> Query | PartitionQuery:
    """Read and check a body by itself (no table yet).

    Raises SerializationException and ValidationException.
    """
    if len(body) == 3:
        partition = _parse_partition(body)
        if partition is not None:
            return partition
    try:
        request = _parse_usual(body)
    except DynamoDBError:
        request = None  # The slow lane finds the first error in DynamoDB's order, and its words.
    return request or _parse_in_order(body)


def _parse_partition(body: dict[str, Any]) -> PartitionQuery | None:
    """The fastest lane: `attribute = :value` in a text that came before, and a text for a value."""
    try:
        ((placeholder, value),) = body["ExpressionAttributeValues"].items()
        ((kind, content),) = value.items()
        table_name = body["TableName"]
        attribute = known_equality(body["KeyConditionExpression"], placeholder)
    except (KeyError, ValueError, AttributeError, TypeError):
        return None  # A member is missing, or of another type, or there are several.
    if (
        attribute is None
        or kind != "S"
        or type(content) is not str
        or len(content) > HASH_KEY_BYTES_MAX
        or not is_table_name(table_name)
    ):
        return None
    return PartitionQuery(table_name, attribute, value)


def _parse_usual(body: dict[str, Any]) -> Query | None:
    """The fast lane: the request if all is usual and right, or None."""
    table_name = body.get("TableName")
    text = body.get("KeyConditionExpression")
    if not is_table_name(table_name):
        return None
    if type(text) is not str or not body.keys() <= _USUAL:
        return None
    values = body.get("ExpressionAttributeValues")
    if not plain_values(values):
        return None
    bare = len(body) == 3 and values is not None  # Beside the table and the condition.
    options = NO_OPTIONS if bare else usual_options(body)
    forward = body.get("ScanIndexForward", True)
    if options is None or type(forward) is not bool:
        return None
    index_name, select, limit, start, consistent_read, capacity = options
    substitutions = Substitutions.parse(body, Layer.NEW)
    key_condition = compile_key_condition(text, substitutions)
    condition = projection = None
    if "FilterExpression" in body:
        if type(text := body["FilterExpression"]) is not str:
            return None
        condition = compile_condition(text, "FilterExpression", substitutions)
    if "ProjectionExpression" in body:
        if type(text := body["ProjectionExpression"]) is not str:
            return None
        projection = compile_projection(text, substitutions)
    substitutions.check_all_used(Layer.NEW)
    if select is not None:
        asking = None if projection is None else "ProjectionExpression"
        selection.check_select(select, asking, index_name)
    if start is not None:
        # Last: once normalised, the slow lane can no longer tell how the key was written.
        validate_item(start)
    return Query(
        table_name=table_name,
        key_condition=key_condition,
        index_name=index_name,
        filter=condition,
        projection=projection,
        select=select,
        limit=limit,
        exclusive_start_key=start,
        scan_index_forward=forward,
        consistent_read=consistent_read,
        return_consumed_capacity=capacity,
    )


def _parse_in_order(body: dict[str, Any]) -> Query:
    """The slow lane: every check in DynamoDB's order."""
    reading = RangeReading("Query", body, SHAPE)
    body = reading.body
    reading.refuse_empty_names()
    reading.refuse_mixing()
    check_select_member(body)
    reading.check_conditional_operator()
    condition = reading.legacy_filter()
    key_condition = _legacy_key_condition(reading)
    projection = reading.attributes_to_get()
    start = reading.exclusive_start_key()
    substitutions = reading.substitutions()
    if "KeyConditionExpression" in body:
        key_condition = compile_key_condition(body["KeyConditionExpression"], substitutions)
    condition = reading.filter_expression(substitutions) or condition
    projection = reading.projection_expression(substitutions) or projection
    substitutions.check_all_used(reading.layer)
    reading.check_select()
    if key_condition is None:
        raise ValidationException(NO_KEY_CONDITION)
    return Query(
        table_name=table_name_of(body["TableName"]),
        key_condition=key_condition,
        index_name=body.get("IndexName"),
        filter=condition,
        filter_parameter="QueryFilter" if "QueryFilter" in body else "FilterExpression",
        projection=projection,
        select=body.get("Select"),
        limit=body.get("Limit"),
        exclusive_start_key=start,
        scan_index_forward=body.get("ScanIndexForward", True),
        consistent_read=body.get("ConsistentRead", False),
        return_consumed_capacity=body.get("ReturnConsumedCapacity", NONE),
    )


def _legacy_key_condition(reading: RangeReading) -> KeyConditionClauses | None:
    """What KeyConditions asks, or None without it."""
    conditions = reading.body.get("KeyConditions")
    return None if conditions is None else reading.step(compile_key_conditions, conditions)
