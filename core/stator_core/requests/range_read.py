"""A Query or Scan bound to its table: which stored keys to walk, and what to make of them.

Made by `Query.bind` and `Scan.bind`, walked by the shell, evaluated by `page.PageReader`. All that
a client can be refused for has been checked before one of these exists.

How the shell walks it: iterate the column family `family` over each of `ranges` in order, from
start to end (exclusive), or from end down to start if `reverse`, and feed each entry until the page
is full. Two reads need one thing more:
- `interleaved`: the scan of a local index. The entries of all local indexes of one partition key
  lie together, so before feeding an entry ask `seek(key)`; an answer is the key to seek to instead.
- `fetch_base`: the read of a local index that asks for attributes the index does not hold. For each
  entry read the item at `base_key(payload)` and hand both to `PageReader.feed_fetched`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import orjson

from stator_core import capacity, keys
from stator_core.errors import ValidationException
from stator_core.expressions.evaluate import Condition
from stator_core.expressions.paths import check_scalar_keys
from stator_core.expressions.projection import Projection
from stator_core.key_format import (
    HASH_SPACE,
    IDENTIFIER_BYTES,
    PREFIX_BYTES,
    hash_of,
    local_index_of,
)
from stator_core.limits import PAGE_BYTES_MAX
from stator_core.table import Index, Table

Family: TypeAlias = Literal["items", "indexes"]
KeyRange: TypeAlias = tuple[bytes, bytes]  # [start, end) of stored keys


@dataclass(slots=True)
class RangeRead:
    """What to walk and how to answer. `table_name` is as ConsumedCapacity shows it.

    `select` is DynamoDB's Select or None; `limit` counts items evaluated, None for no limit.
    """

    table: Table
    table_name: str
    index: Index | None
    ranges: list[KeyRange]
    reverse: bool = False
    limit: int | None = None
    filter: Condition | None = None
    projection: Projection | None = None
    select: str | None = None
    consistent_read: bool = False
    fetch_base: bool = False
    interleaved: bool = False
    return_consumed_capacity: str = "NONE"
    # Whether entries are answered as they are stored, and nothing beside: see `is_whole`.
    whole: bool = False
    # Where the page ends: less than 1 MB where other partitions have filled a part of it.
    page_bytes_max: int = PAGE_BYTES_MAX

    @property
    def family(self) -> Family:
        """The column family of the entries: local indexes have their own."""
        return "items" if self.index is None or self.index.is_global else "indexes"

    @property
    def count_only(self) -> bool:
        """Whether the answer carries no items."""
        return self.select == "COUNT"

    def is_whole(self) -> bool:
        """Whether entries are answered as they are stored, and nothing beside."""
        return (
            self.filter is None
            and self.projection is None
            and self.limit is None
            and self.select != "COUNT"
            and self.return_consumed_capacity == "NONE"
            and not self.fetch_base
            and not self.interleaved
        )

    def seek(self, key: bytes) -> bytes | None:
        """None if this entry belongs to the scanned local index, else the key to seek to.

        Only for an `interleaved` read. The answer always lies past `key`, so the walk moves on; it
        may lie past the end of the range. There is at most one seek per place in the hash space
        beside the entries of the index itself.
        """
        assert self.interleaved and self.index is not None
        found = local_index_of(key)
        wanted = self.index.identifier
        if found == wanted:
            return None
        prefix = key[:PREFIX_BYTES]
        if found > wanted:
            place = hash_of(key) + 1
            if place == HASH_SPACE:
                return self.ranges[-1][1]
            prefix = key[:IDENTIFIER_BYTES] + place.to_bytes(PREFIX_BYTES - IDENTIFIER_BYTES, "big")
        return prefix + wanted.to_bytes(IDENTIFIER_BYTES, "big")

    def base_key(self, payload: bytes) -> bytes:
        """The stored key of the item that an index entry, given by its JSON, stands for."""
        return keys.item_key(self.table, orjson.loads(payload))

    def consumed_capacity(
        self, bytes_read: int, fetched_units: float = 0.0
    ) -> dict[str, Any] | None:
        """ConsumedCapacity of a page of `bytes_read`, or None if the caller did not ask for it.

        The bytes of a page are summed, then rounded once. An index pays for its own entries; the
        table pays `fetched_units` for the items fetched (AWS: "Query", "Local secondary indexes").
        """
        mode = self.return_consumed_capacity
        if mode == "NONE":
            return None
        units = capacity.read_units(bytes_read, self.consistent_read)
        if self.index is None:
            return capacity.consumed(self.table_name, mode, units)
        by_index = {self.index.name: units}
        if self.index.is_global:
            return capacity.consumed(self.table_name, mode, 0.0, global_units=by_index)
        return capacity.consumed(self.table_name, mode, fetched_units, local_units=by_index)


def find_index(table: Table, name: str | None, consistent_read: bool) -> Index | None:
    """The index that a Query or Scan names, or None for the table itself.

    Raises ValidationException for an index that is not there, does not hold all its entries yet, or
    cannot be read consistently.
    """
    if name is None:
        return None
    index = table.index(name)
    if index is None or index.status == "DELETING":
        raise ValidationException(f"The table does not have the specified index: {name}")
    if index.status == "CREATING":
        # The words are remembered from DynamoDB's answers, not captured (UNCONFIRMED).
        raise ValidationException(f"Cannot read from backfilling global secondary index: {name}")
    if consistent_read and index.is_global:
        raise ValidationException("Consistent reads are not supported on global secondary indexes")
    return index


def check_nested_keys(
    table: Table, index: Index | None, *expressions: Condition | Projection | None
) -> None:
    """Refuse a filter or a projection that reaches into a key of the table or the index read."""
    for expression in expressions:
        if expression is not None and expression.nested_names:
            index_key_names = () if index is None else index.key_schema.names
            check_scalar_keys(expression.nested_names, table.key_names, index_key_names)


def after(ranges: list[KeyRange], position: bytes, reverse: bool) -> list[KeyRange] | None:
    """What is left of `ranges`, given in walking order, behind the stored key `position`.

    The position itself is excluded and need not exist. None if it lies in none of the ranges.
    """
    for number, (start, end) in enumerate(ranges):
        if start <= position < end:
            rest = (start, position) if reverse else (position + b"\x00", end)
            return [rest, *ranges[number + 1 :]]
    return None
