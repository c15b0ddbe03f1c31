"""Ranges of stored keys: what a Query or a Scan reads is exactly what its condition means."""

from __future__ import annotations

from base64 import b64decode
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_values import global_index, key_contents, local_index, schema, table
from stator_core import item
from stator_core.item import Item
from stator_core.key_format import hash_of
from stator_core.keys import (
    KeyCondition,
    bounds,
    collection_counter_key,
    entry_key,
    hash_place,
    is_entry_of,
    item_key,
    key_of,
    last_evaluated_key,
    layouts,
    position_after,
    scan_bounds,
    segment_of,
    stored_key_attributes,
)
from stator_core.table import Index, KeySchema, Table

OPERATORS = ["=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"]


@st.composite
def tables_and_indexes(draw: st.DrawFn) -> tuple[Table, Index | None]:
    """A table with a RANGE key, and itself, a local or a global index of it to read."""
    kinds = st.sampled_from("SNB")
    table_hash, table_range = draw(kinds), draw(kinds)
    local = local_index(schema(table_hash, draw(kinds), "hl"))
    hash_types = draw(st.text(alphabet="SNB", min_size=1, max_size=3))
    range_types = draw(st.text(alphabet="SNB", max_size=3))
    global_ = global_index(schema(hash_types, range_types, "gs"))
    indexed = table(table_hash, table_range, local, global_)
    return indexed, draw(st.sampled_from([None, local, global_]))


def drawn_items(data: st.DataObject, indexed: Table, count: int) -> list[Item]:
    """Items with all key attributes, of few different values."""
    attributes = {
        attribute.name: attribute
        for key_schema in (indexed.key_schema, *(each.key_schema for each in indexed.indexes))
        for attribute in key_schema.attributes
    }
    pools = {
        kind: data.draw(st.lists(key_contents(kind), min_size=1, max_size=4)) for kind in "SNB"
    }
    drawn = []
    for _ in range(count):
        made: Item = {
            name: {attribute.type: data.draw(st.sampled_from(pools[attribute.type]))}
            for name, attribute in attributes.items()
        }
        item.validate_item(made)
        drawn.append(made)
    return drawn


def stored_key(indexed: Table, index: Index | None, made: Item) -> bytes:
    return item_key(indexed, made) if index is None else entry_key(indexed, index, made)


def meets(made: Item, condition: KeyCondition, key_schema: KeySchema) -> bool:
    """The condition evaluated on the item itself, by DynamoDB's comparisons."""
    hashed, ranged = key_schema.hash, key_schema.range
    for attribute, value in zip(hashed, condition.hash_values, strict=True):
        if made[attribute.name] != value:
            return False
    for attribute, value in zip(ranged, condition.range_equals, strict=False):
        if made[attribute.name] != value:
            return False
    if condition.operator is None:
        return True
    attribute = ranged[len(condition.range_equals)]
    value, operands = made[attribute.name], condition.operands
    order = item.compare(value, operands[0])
    if condition.operator == "begins_with":
        raw = stored_bytes(value, attribute.type)
        return raw.startswith(stored_bytes(operands[0], attribute.type))
    if condition.operator == "BETWEEN":
        upper = item.compare(value, operands[1])
        return order is not None and upper is not None and order >= 0 >= upper
    assert order is not None
    return {"=": order == 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[
        condition.operator
    ]


def stored_bytes(value: item.AttributeValue, kind: str) -> bytes:
    return b64decode(value["B"]) if kind == "B" else value[kind].encode()


@given(tables_and_indexes(), st.data())
def test_a_range_holds_exactly_the_items_that_meet_the_condition(drawn, data) -> None:
    indexed, index = drawn
    key_schema = indexed.key_schema if index is None else index.key_schema
    given_item, other, *items = drawn_items(data, indexed, 6)
    leading = data.draw(st.integers(0, max(0, len(key_schema.range) - 1)))
    operator = data.draw(st.sampled_from([None, *OPERATORS]))
    if leading == len(key_schema.range):
        operator = None
    operands: tuple[item.AttributeValue, ...] = ()
    if operator is not None:
        attribute = key_schema.range[leading]
        operands = (given_item[attribute.name],)
        if operator == "begins_with" and attribute.type == "N":
            operator = "="
        if operator == "BETWEEN":
            operands = (given_item[attribute.name], other[attribute.name])
    condition = KeyCondition(
        tuple(given_item[attribute.name] for attribute in key_schema.hash),
        tuple(given_item[attribute.name] for attribute in key_schema.range[:leading]),
        operator,
        operands,
    )
    start, end = bounds(indexed, index, condition)

    assert start <= end
    for made in (given_item, other, *items):
        inside = start <= stored_key(indexed, index, made) < end
        assert inside == meets(made, condition, key_schema), (made, condition)


@given(tables_and_indexes(), st.data())
def test_each_item_is_read_by_one_segment_of_a_scan(drawn, data) -> None:
    indexed, index = drawn
    (made,) = drawn_items(data, indexed, 1)
    key = stored_key(indexed, index, made)
    total = data.draw(st.sampled_from([1, 2, 3, 10, 1_000_000]))
    own = segment_of(indexed, index, made, total)

    assert 0 <= own < total
    for segment in {0, own, max(0, own - 1), min(total - 1, own + 1)}:
        inside = any(
            start <= key < end for start, end in scan_bounds(indexed, index, segment, total)
        )
        assert inside == (segment == own)


@given(tables_and_indexes(), st.data())
def test_a_stored_key_gives_back_what_a_last_evaluated_key_shows(drawn, data) -> None:
    indexed, index = drawn
    (made,) = drawn_items(data, indexed, 1)
    shown = last_evaluated_key(indexed, index, {**made, "other": {"S": "x"}})
    key = stored_key(indexed, index, made)

    assert stored_key_attributes(indexed, index, key) == shown
    assert position_after(indexed, index, shown) == key
    assert key_of(indexed, made) == {name: made[name] for name in ("h", "r")}


def test_a_key_alone_and_its_item_have_the_same_stored_key_and_place() -> None:
    plain = table("S", "N")
    key: Item = {"h": {"S": "a"}, "r": {"N": "5"}}

    assert item_key(plain, key) == item_key(plain, {**key, "x": {"BOOL": True}})
    assert hash_place(plain, key) == hash_of(item_key(plain, key))


def test_a_whole_key_is_a_range_of_one() -> None:
    plain = table("S")
    start, end = bounds(plain, None, KeyCondition(({"S": "a"},)))

    assert start <= item_key(plain, {"h": {"S": "a"}}) < end
    assert not start <= item_key(plain, {"h": {"S": "a\x00"}}) < end


def test_an_inverted_between_is_an_empty_range() -> None:
    condition = KeyCondition(({"S": "a"},), (), "BETWEEN", ({"N": "5"}, {"N": "1"}))
    start, end = bounds(table("S", "N"), None, condition)

    assert start == end


def test_entries_of_two_local_indexes_are_told_apart() -> None:
    first, second = (
        local_index(schema("S", "S", "hl"), name=name, identifier=identifier)
        for name, identifier in (("a", 30), ("b", 31))
    )
    indexed = table("S", "S", first, second)
    made: Item = {"h": {"S": "a"}, "r": {"S": "b"}, "l": {"S": "c"}}
    ((start, end),) = scan_bounds(indexed, first)
    keys = [entry_key(indexed, index, made) for index in (first, second)]

    assert all(start <= key < end for key in keys)
    assert [is_entry_of(first, key) for key in keys] == [True, False]


def test_an_item_and_its_local_entries_begin_with_the_same_table_and_hash() -> None:
    index = local_index(schema("S", "S", "hl"))
    indexed = table("S", "S", index)
    made: Item = {"h": {"S": "a"}, "r": {"S": "b"}, "l": {"S": "c"}}

    assert entry_key(indexed, index, made)[:12] == item_key(indexed, made)[:12]


def test_the_counter_of_a_collection_lies_beside_its_entries_and_is_none_of_them() -> None:
    index = local_index(schema("S", "S", "hl"))
    indexed = table("S", "S", index)
    made: Item = {"h": {"S": "a"}, "r": {"S": "b"}, "l": {"S": "c"}}
    counter = collection_counter_key(indexed, made)

    assert counter == collection_counter_key(indexed, {"h": {"S": "a"}, "r": {"S": "other"}})
    assert counter[:12] == item_key(indexed, made)[:12]
    assert not is_entry_of(index, counter)
    start, end = bounds(indexed, index, KeyCondition(({"S": "a"},)))
    assert not start <= counter < end


def test_layouts_are_built_once_and_never_outlive_their_descriptor() -> None:
    plain = table("S")

    assert layouts(plain) is layouts(plain)
    indexed = plain.changed(global_indexes=(global_index(schema("S", "", "g")),))
    assert layouts(indexed) is not layouts(plain)
    assert len(layouts(indexed).indexes) == 1


@pytest.mark.parametrize("total_segments", [1, 4, 1_000_000])
def test_segments_follow_each_other_without_a_gap(total_segments) -> None:
    plain = table("S")
    last = min(total_segments, 6)
    ranges = [scan_bounds(plain, None, each, total_segments)[0] for each in range(last)]
    for (_, end), (start, _) in pairwise(ranges):
        assert end == start
