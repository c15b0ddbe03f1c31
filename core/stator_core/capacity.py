"""What a request costs in capacity units, and how an answer says so.

In: sizes of items in bytes and the changes of `indexes.py`. Out: units (floats, as DynamoDB prints
them) and the `ConsumedCapacity` member. Called by the partition and by the request modules when
they build answers. Costs follow from what was read or written, never from what was asked for: a
projection or a filter makes nothing cheaper.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from stator_core.indexes import IndexChange
from stator_core.limits import READ_UNIT_BYTES, WRITE_UNIT_BYTES

_NO_INDEXES: Final[Mapping[str, float]] = {}


def read_units(size: int, consistent: bool) -> float:
    """Units of one read of `size` bytes; a Query or Scan sums its bytes first.

    A read that finds nothing costs the minimum. Source: AWS: Read consumption.
    """
    units = -(-size // READ_UNIT_BYTES) or 1
    return float(units) if consistent else units / 2


def write_units(before_size: int, after_size: int) -> float:
    """Units of one write of an item; 0 stands for an absent item. Source: AWS: Write consumption.

    A failed condition costs the same with the existing item's size on both sides.
    """
    return float(-(-max(before_size, after_size) // WRITE_UNIT_BYTES) or 1)


def index_write_units(change: IndexChange) -> float:
    """Units of one index's share of a write; an unchanged entry has no change and costs nothing.

    Source: AWS: Global Secondary Indexes, "Write capacity units".
    """
    if change.key_changed:
        removed = write_units(change.old_entry_size, 0)
        return removed + write_units(0, change.entry_size)
    return write_units(change.old_entry_size, change.entry_size)


def index_units(changes: Iterable[IndexChange]) -> tuple[dict[str, float], dict[str, float]]:
    """(units by local index, units by global index) of the changes of one or several writes."""
    local: dict[str, float] = {}
    global_: dict[str, float] = {}
    for change in changes:
        units = global_ if change.index.is_global else local
        name = change.index.name
        units[name] = units.get(name, 0.0) + index_write_units(change)
    return local, global_


def consumed(
    table_name: str,
    mode: str | None,
    table_units: float,
    local_units: Mapping[str, float] = _NO_INDEXES,
    global_units: Mapping[str, float] = _NO_INDEXES,
) -> dict[str, Any] | None:
    """The ConsumedCapacity of one table, or None where the answer has no such member.

    `mode` is ReturnConsumedCapacity; `table_name` what the caller named the table. Only INDEXES
    tells table and indexes apart, and names only indexes that were charged.
    Source: AWS: API reference, ConsumedCapacity.
    """
    if mode is None or mode == "NONE":
        return None
    total = table_units + sum(local_units.values()) + sum(global_units.values())
    answer: dict[str, Any] = {"TableName": table_name, "CapacityUnits": float(total)}
    if mode == "INDEXES":
        answer["Table"] = {"CapacityUnits": float(table_units)}
        if local_units:
            answer["LocalSecondaryIndexes"] = _by_index(local_units)
        if global_units:
            answer["GlobalSecondaryIndexes"] = _by_index(global_units)
    return answer


def _by_index(units: Mapping[str, float]) -> dict[str, dict[str, float]]:
    return {name: {"CapacityUnits": float(charge)} for name, charge in units.items()}
