"""Scan: every item of a table, an index, or one segment of either.

In: the JSON body. Out of `parse`: a `Scan`; out of `Scan.bind`, once the table is known: the
`RangeRead` that the shell walks. AWS: API reference, Scan. Texts and order of checks are as
DynamoDB answers (captured 2026-10). The two lanes are those of `query.py`.

The order is that of the partition keys' hashes, then of the sort keys. A partition key belongs to
one segment whole, whatever partitions the table has, so TotalSegments must stay the same while a
client pages through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stator_core import keys
from stator_core.errors import DynamoDBError, ValidationException
from stator_core.expressions.evaluate import Condition, compile_condition
from stator_core.expressions.projection import Projection, compile_projection
from stator_core.expressions.substitutions import Layer, Substitutions
from stator_core.item import Item, validate_item
from stator_core.requests import selection, start_key
from stator_core.requests.constraints import is_table_name, table_name_of
from stator_core.requests.layers import plain_values
from stator_core.requests.range_members import check_select_member, usual_options
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
    "ScanInput",
    {
        "TableName": STRING,
        "IndexName": STRING,
        "AttributesToGet": STRING_LIST,
        "Limit": INTEGER,
        "Select": STRING,
        "ScanFilter": CONDITIONS,
        "ConditionalOperator": STRING,
        "ExclusiveStartKey": ATTRIBUTE_MAP,
        "ReturnConsumedCapacity": STRING,
        "TotalSegments": INTEGER,
        "Segment": INTEGER,
        "ProjectionExpression": STRING,
        "FilterExpression": STRING,
        "ExpressionAttributeNames": STRING_MAP,
        "ExpressionAttributeValues": ATTRIBUTE_MAP,
        "ConsistentRead": BOOLEAN,
    },
)
# Segments and legacy members are rare enough for the slow lane.
_USUAL = SHAPE.members.keys() - {
    "AttributesToGet",
    "ScanFilter",
    "ConditionalOperator",
    "Segment",
    "TotalSegments",
}


@dataclass(slots=True)
class Scan:
    """A checked request: segment `segment` of `total_segments`."""

    table_name: str
    index_name: str | None = None
    filter: Condition | None = None
    projection: Projection | None = None
    select: str | None = None
    limit: int | None = None
    exclusive_start_key: Item | None = None
    consistent_read: bool = False
    return_consumed_capacity: str = NONE
    segment: int = 0
    total_segments: int = 1

    def bind(self, table: Table) -> RangeRead:
        """The read of this table. Raises ValidationException for what does not fit its schema."""
        index = find_index(table, self.index_name, self.consistent_read)
        selection.check_all_attributes(self.select, index)
        ranges = keys.scan_bounds(table, index, self.segment, self.total_segments)
        if self.exclusive_start_key is not None:
            ranges = self._rest(table, index, ranges, self.exclusive_start_key)
        check_nested_keys(table, index, self.filter, self.projection)
        read = RangeRead(
            table=table,
            table_name=self.table_name,
            index=index,
            ranges=ranges,
            reverse=False,
            limit=self.limit,
            filter=self.filter,
            projection=self.projection,
            select=self.select,
            consistent_read=self.consistent_read,
            fetch_base=selection.check_projection(table, index, self.select, self.projection),
            interleaved=index is not None and not index.is_global,
            return_consumed_capacity=self.return_consumed_capacity,
        )
        read.whole = read.is_whole()
        return read

    def _rest(
        self, table: Table, index: Index | None, ranges: list[KeyRange], start: Item
    ) -> list[KeyRange]:
        """What the page reads behind its start key, which must lie within the segment."""
        start_key.check_schema(start, table, index, "Scan")
        rest = after(ranges, keys.position_after(table, index, start), reverse=False)
        if rest is None:
            raise ValidationException(
                "Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. "
                f"TotalSegments: {self.total_segments} Segment: {self.segment}"
            )
        return rest


def parse(body: dict[str, Any]) -> Scan:
    """Read and check a body by itself (no table yet).

    Raises SerializationException and ValidationException.
    """
    try:
        request = _parse_usual(body)
    except DynamoDBError:
        request = None  # The slow lane finds the first error in DynamoDB's order, and its words.
    return request or _parse_in_order(body)


def _parse_usual(body: dict[str, Any]) -> Scan | None:
    """The fast lane: the request if all is usual and right, or None."""
    table_name = body.get("TableName")
    if not is_table_name(table_name):
        return None
    options = usual_options(body)
    if options is None or not body.keys() <= _USUAL:
        return None
    if not plain_values(body.get("ExpressionAttributeValues")):
        return None
    index_name, select, limit, start, consistent_read, capacity = options
    condition = projection = None
    substitutions = Substitutions.parse(body, Layer.NEW)
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
        validate_item(start)  # Last, for the reason given in query.py.
    return Scan(
        table_name=table_name,
        index_name=index_name,
        filter=condition,
        projection=projection,
        select=select,
        limit=limit,
        exclusive_start_key=start,
        consistent_read=consistent_read,
        return_consumed_capacity=capacity,
    )


def _parse_in_order(body: dict[str, Any]) -> Scan:
    """The slow lane: every check in DynamoDB's order."""
    reading = RangeReading("Scan", body, SHAPE)
    body = reading.body
    reading.refuse_empty_names()
    reading.refuse_mixing()
    reading.check_conditional_operator()
    condition = reading.legacy_filter()
    projection = reading.attributes_to_get()
    start = reading.exclusive_start_key()
    substitutions = reading.substitutions()
    condition = reading.filter_expression(substitutions) or condition
    projection = reading.projection_expression(substitutions) or projection
    substitutions.check_all_used(reading.layer)
    check_select_member(body)
    reading.check_select()
    segment, total_segments = _segments(body)
    return Scan(
        table_name=table_name_of(body["TableName"]),
        index_name=body.get("IndexName"),
        filter=condition,
        projection=projection,
        select=body.get("Select"),
        limit=body.get("Limit"),
        exclusive_start_key=start,
        consistent_read=body.get("ConsistentRead", False),
        return_consumed_capacity=body.get("ReturnConsumedCapacity", NONE),
        segment=segment,
        total_segments=total_segments,
    )


def _segments(body: dict[str, Any]) -> tuple[int, int]:
    """Segment and TotalSegments, which come together or not at all."""
    segment = body.get("Segment")
    total_segments = body.get("TotalSegments")
    if segment is None and total_segments is None:
        return 0, 1
    if total_segments is None:
        raise ValidationException(
            "The TotalSegments parameter is required but was not present in the request when "
            "Segment parameter is present"
        )
    if segment is None:
        raise ValidationException(
            "The Segment parameter is required but was not present in the request when parameter "
            "TotalSegments is present"
        )
    if segment >= total_segments:
        raise ValidationException(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments"
        )
    return segment, total_segments
