"""What a key is to a table: from key attributes to stored keys, ranges of them, and back.

In: a table, one of its indexes or None, and key attributes that `key_rules.py` has accepted. Out:
the bytes of `key_format.py` that the storage reads and writes. Called by the partition for each
item, by Query and Scan for their ranges. All ranges are [start, end) of unsigned bytes.

An index entry lies in the family `indexes` if the index is local, in `items` if it is global; the
keys of both families begin with table and hash, so a partition is one range in each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from stator_core.item import AttributeValue, Item
from stator_core.key_format import (
    HASH_BYTES,
    HASH_SPACE,
    LAST_COMPONENT,
    Layout,
    escape,
    hash_of,
    local_index_of,
    segment_bounds,
    successor,
)
from stator_core.key_format import segment_of as _segment_of_hash
from stator_core.key_rules import (
    NO_MATCH,
    can_be_indexed,
    check_index_keys,
    check_item_key,
    check_key,
    check_key_value,
    check_updated_index_keys,
    surely_fits,
)
from stator_core.table import Index, Table

__all__ = [
    "NO_MATCH",
    "KeyCondition",
    "bounds",
    "can_be_indexed",
    "check_index_keys",
    "check_item_key",
    "check_key",
    "check_key_value",
    "check_updated_index_keys",
    "entry_key",
    "hash_place",
    "is_entry_of",
    "item_key",
    "key_of",
    "last_evaluated_key",
    "layout",
    "layouts",
    "partition_bounds",
    "position_after",
    "scan_bounds",
    "segment_of",
    "stored_key_attributes",
    "surely_fits",
]

Range: TypeAlias = tuple[bytes, bytes]

# Where a Table object keeps its layouts: they follow from the descriptor and never change with it.
_LAYOUTS = "key_layouts"


@dataclass(frozen=True, slots=True)
class Layouts:
    """The layout of a table's own keys, and those of its indexes by their identifiers."""

    table: Layout
    indexes: dict[int, Layout]
    collection_counter: Layout


@dataclass(slots=True)
class KeyCondition:
    """What a Query asks of the key, resolved against a key schema.

    `hash_values`: one value for each HASH attribute. `range_equals`: values of the leading RANGE
    attributes that have `=` (an index with several). `operator` and `operands` are the condition
    on the RANGE attribute after those: `=`, `<`, `<=`, `>`, `>=`, `BETWEEN` (two operands, both
    included) or `begins_with`; None if there is none.
    """

    hash_values: tuple[AttributeValue, ...]
    range_equals: tuple[AttributeValue, ...] = ()
    operator: str | None = None
    operands: tuple[AttributeValue, ...] = ()


def layouts(table: Table) -> Layouts:
    """The key layouts of a table, built at the first request to this descriptor."""
    known: Layouts | None = table.__dict__.get(_LAYOUTS)
    if known is None:
        known = Layouts(
            table=Layout(table.identifier, table.key_schema.hash, table.key_schema.range),
            indexes={index.identifier: _index_layout(table, index) for index in table.indexes},
            collection_counter=Layout(table.identifier, table.key_schema.hash, (), 0),
        )
        object.__setattr__(table, _LAYOUTS, known)  # The class is frozen; see Table.__post_init__.
    return known


def _index_layout(table: Table, index: Index) -> Layout:
    """A global entry ends with the whole table key as tie-break, a local one with its RANGE."""
    schema = index.key_schema
    if index.is_global:
        return Layout(index.identifier, schema.hash, schema.range + table.key_schema.attributes)
    return Layout(
        table.identifier, schema.hash, schema.range + table.key_schema.range, index.identifier
    )


def layout(table: Table, index: Index | None) -> Layout:
    """The layout of the table's own keys, or of one index's entries."""
    known = layouts(table)
    return known.table if index is None else known.indexes[index.identifier]


def item_key(table: Table, item: Item) -> bytes:
    """The stored key of an item, or of a key alone, that `check_item_key` or `check_key` passed."""
    return layouts(table).table.key(item)


def entry_key(table: Table, index: Index, item: Item) -> bytes:
    """The stored key of an item's entry in an index; `can_be_indexed` must hold."""
    return layout(table, index).key(item)


def collection_counter_key(table: Table, key: Item) -> bytes:
    """Where the size of an item collection is kept: in `indexes`, under local index 0.

    No index has that identifier, so the counter is an entry of none.
    """
    return layouts(table).collection_counter.key(key)


def hash_place(table: Table, key: Item) -> int:
    """The place of an item in the hash space, which says whose partition it is."""
    return hash_of(item_key(table, key))


def key_of(table: Table, item: Item) -> Item:
    """The key attributes of an item of the table."""
    return {name: item[name] for name in table.key_names}


def stored_key_attributes(table: Table, index: Index | None, key: bytes) -> Item:
    """The key attributes that a stored key holds. Raises ValueError if it is another table's."""
    return layout(table, index).decode(key)


def is_entry_of(index: Index, key: bytes) -> bool:
    """Whether a key of the family `indexes` is an entry of this local index.

    A range over all partitions of a table meets the entries of all its local indexes.
    """
    return local_index_of(key) == index.identifier


def bounds(table: Table, index: Index | None, condition: KeyCondition) -> Range:
    """The stored keys [start, end) that meet a key condition. Empty: start equals end.

    The values have the types of the schema and are not empty.
    Source: AWS: Query, "Key condition expressions".
    """
    keys = layout(table, index)
    prefix = keys.collection(condition.hash_values)
    position = 0
    for value in condition.range_equals:
        prefix += keys.component(position, value[keys.ordered[position].type])
        position += 1
    if condition.operator is None:
        if position < len(keys.ordered):
            return prefix, successor(prefix)
        # Nothing follows the components that are given: they are a whole key.
        return prefix, prefix + b"\x00"
    start, end = _range_bounds(keys, prefix, position, condition)
    return start, max(start, end)


def partition_bounds(table: Table, value: AttributeValue) -> Range:
    """The stored keys [start, end) of all items of one partition key: `bounds`, of the usual."""
    keys = layouts(table).table
    prefix = keys.collection((value,))
    return prefix, successor(prefix) if keys.ordered else prefix + b"\x00"


def _range_bounds(keys: Layout, prefix: bytes, position: int, condition: KeyCondition) -> Range:
    """The bounds of the condition on `ordered[position]` below `prefix`."""
    kind = keys.ordered[position].type
    contents = [operand[kind] for operand in condition.operands]
    if condition.operator == "begins_with":
        assert kind != "N", "a number begins with nothing"
        opening = prefix + _beginning(keys, position, contents[0])
        return opening, successor(opening)
    first = prefix + keys.component(position, contents[0])
    match condition.operator:
        case "=":
            return first, keys.after(position, first)
        case "<":
            return prefix, first
        case "<=":
            return prefix, keys.after(position, first)
        case ">":
            return keys.after(position, first), successor(prefix)
        case ">=":
            return first, successor(prefix)
    assert condition.operator == "BETWEEN", condition.operator
    last = prefix + keys.component(position, contents[1])
    return first, keys.after(position, last)


def _beginning(keys: Layout, position: int, content: str) -> bytes:
    """What the component begins with if its value begins with `content`."""
    raw = LAST_COMPONENT[keys.ordered[position].type](content)
    return raw if position == len(keys.ordered) - 1 else escape(raw)


def scan_bounds(
    table: Table, index: Index | None, segment: int = 0, total_segments: int = 1
) -> list[Range]:
    """The ranges of one segment of a Scan, in the order to read them.

    Every HASH value lies in one segment whole. A local index's ranges hold the entries of the
    table's other local indexes as well: the reader leaves those out by `is_entry_of`.
    """
    opening = layout(table, index).opening
    start, end = segment_bounds(segment, total_segments)
    return [(_place_key(opening, start), _place_key(opening, end))]


def _place_key(opening: bytes, place: int) -> bytes:
    """The least key of a table at or above a place in the hash space."""
    if place == HASH_SPACE:
        return successor(opening)
    return opening + place.to_bytes(HASH_BYTES, "big")


def segment_of(table: Table, index: Index | None, key: Item, total_segments: int) -> int:
    """The segment that an ExclusiveStartKey belongs to."""
    return _segment_of_hash(hash_of(position_after(table, index, key)), total_segments)


def position_after(table: Table, index: Index | None, exclusive_start_key: Item) -> bytes:
    """The stored key of an ExclusiveStartKey that fits the schema; it need not exist.

    A reader forward starts at it + 00; a reader backward ends before it.
    """
    return layout(table, index).key(exclusive_start_key)


def last_evaluated_key(table: Table, index: Index | None, item: Item) -> Item:
    """The LastEvaluatedKey for the last item read: the table's key, and the index's before it.

    Source: AWS: Query, "Paginating table query results".
    """
    names = table.key_names if index is None else index.key_schema.names + table.key_names
    return {name: item[name] for name in names}
