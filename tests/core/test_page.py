"""One page: what counts, when it ends, what it answers, and that slices change nothing."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_values import items, local_index, schema, table
from stator_core import item_format, keys
from stator_core.item import Item, item_size, validate_item
from stator_core.limits import PAGE_BYTES_MAX
from stator_core.requests import query
from stator_core.requests.page import Entry, PageReader, whole_page
from stator_core.requests.range_read import RangeRead
from stator_core.table import IndexProjection

TABLE = table("S", "N")
KEYS_ONLY = IndexProjection("KEYS_ONLY")


def read(**members: Any) -> RangeRead:
    body = {
        "TableName": "Table",
        "KeyConditionExpression": "h = :h",
        "ExpressionAttributeValues": {":h": {"S": "a"}, **members.pop("values", {})},
        **members,
    }
    return query.parse(body).bind(TABLE)


def entries(count: int, size: int | None = None) -> list[Entry]:
    """Entries `r` = 0.., of their true size unless one is given."""
    made = []
    for number in range(count):
        item: Item = {"h": {"S": "a"}, "r": {"N": str(number)}, "even": {"BOOL": number % 2 == 0}}
        key = keys.item_key(TABLE, item)
        made.append((key, orjson.dumps(item), item_size(item) if size is None else size))
    return made


def answer(page: PageReader) -> dict[str, Any]:
    parsed: dict[str, Any] = orjson.loads(page.response(page.consumed_capacity()))
    return parsed


def test_a_plain_page_hands_stored_json_on_untouched() -> None:
    page = PageReader(read())
    payload = b'{"r":{"N":"1"},   "h":{"S":"a"}}'

    assert not page.feed(b"key", payload, 10)
    assert page.response() == b'{"Count":1,"ScannedCount":1,"Items":[' + payload + b"]}"


def test_an_empty_page_has_an_empty_list_and_no_last_evaluated_key() -> None:
    assert answer(PageReader(read())) == {"Count": 0, "ScannedCount": 0, "Items": []}


def test_limit_ends_the_page_and_names_the_last_entry_even_if_nothing_follows() -> None:
    page = PageReader(read(Limit=2))

    assert [page.feed(*entry) for entry in entries(2)] == [False, True]
    assert answer(page)["LastEvaluatedKey"] == {"h": {"S": "a"}, "r": {"N": "1"}}


def test_limit_counts_what_is_evaluated_not_what_passes_the_filter() -> None:
    page = PageReader(
        read(Limit=3, FilterExpression="even = :true", values={":true": {"BOOL": True}})
    )

    assert page.feed_many(entries(10))
    assert (page.count, page.scanned_count) == (2, 3)
    assert [each["r"]["N"] for each in answer(page)["Items"]] == ["0", "2"]


def test_the_entry_that_reaches_one_megabyte_is_the_last_of_the_page() -> None:
    third = PAGE_BYTES_MAX // 3 + 1
    for feed_all_at_once in (True, False):
        page = PageReader(read())
        if feed_all_at_once:
            assert page.feed_many(entries(9, third))
        else:
            assert any(page.feed(*entry) for entry in entries(9, third))
        assert page.scanned_count == 3
        assert answer(page)["LastEvaluatedKey"]["r"] == {"N": "2"}


def test_what_the_filter_drops_still_fills_the_megabyte() -> None:
    page = PageReader(read(FilterExpression="attribute_exists(absent)"))

    assert page.feed_many(entries(4, PAGE_BYTES_MAX // 2))
    assert (page.count, page.scanned_count) == (0, 2)


def test_a_count_has_no_items_and_a_projection_leaves_what_it_names() -> None:
    counted = PageReader(read(Select="COUNT"))
    counted.feed_many(entries(3))
    assert answer(counted) == {"Count": 3, "ScannedCount": 3}
    assert counted.items == []

    projected = PageReader(read(ProjectionExpression="r, absent"))
    projected.feed_many(entries(2))
    assert answer(projected)["Items"] == [{"r": {"N": "0"}}, {"r": {"N": "1"}}]


def test_capacity_sums_the_page_then_rounds_once() -> None:
    page = PageReader(read(ReturnConsumedCapacity="TOTAL"))
    page.feed_many(entries(3, 4000))
    assert answer(page)["ConsumedCapacity"] == {"TableName": "Table", "CapacityUnits": 1.5}

    strong = PageReader(read(ReturnConsumedCapacity="INDEXES", ConsistentRead=True))
    strong.feed_many(entries(3, 4000))
    assert answer(strong)["ConsumedCapacity"] == {
        "TableName": "Table",
        "CapacityUnits": 3.0,
        "Table": {"CapacityUnits": 3.0},
    }


def test_a_page_stopped_early_can_be_continued() -> None:
    page = PageReader(read())
    page.feed_many(entries(2))
    page.stop()

    assert answer(page)["LastEvaluatedKey"]["r"] == {"N": "1"}


def test_an_empty_page_cannot_be_stopped() -> None:
    with pytest.raises(AssertionError):
        PageReader(read()).stop()


def test_stored_entries_are_read_and_verified() -> None:
    stored = [(key, item_format.encode(key, payload, size, 1)) for key, payload, size in entries(3)]
    page = PageReader(read())
    assert not page.feed_stored(stored)
    assert (page.count, page.bytes_read) == (3, sum(size for _, _, size in entries(3)))

    with pytest.raises(item_format.Damaged):
        PageReader(read()).feed_stored([(b"another", stored[0][1])])


def test_a_page_that_holds_all_there_is_is_what_the_reader_makes_of_it() -> None:
    for count in (0, 1, 3):
        stored = [(key, item_format.encode(key, *rest, 1)) for key, *rest in entries(count)]
        page = PageReader(read())
        page.feed_stored(stored)
        assert whole_page(stored, PAGE_BYTES_MAX) == page.response()

    assert whole_page(stored, 100) is None, "they may not fit"
    with pytest.raises(item_format.Damaged):
        whole_page([(b"another", stored[0][1])], PAGE_BYTES_MAX)


@given(items)
def test_the_json_of_an_item_is_longer_than_its_size(item: Item) -> None:
    size = validate_item(item)
    assert len(orjson.dumps(item)) > size, "`whole_page` goes by it"


@pytest.mark.parametrize(
    "members, whole",
    [
        ({}, True),
        ({"ScanIndexForward": False}, True),
        ({"ReturnConsumedCapacity": "NONE"}, True),
        ({"ReturnConsumedCapacity": "TOTAL"}, False),
        ({"Limit": 9}, False),
        ({"Select": "COUNT"}, False),
        ({"ProjectionExpression": "r"}, False),
        ({"FilterExpression": "attribute_exists(even)"}, False),
    ],
)
def test_a_whole_read_wants_the_entries_as_they_are(members: dict[str, Any], whole: bool) -> None:
    assert read(**members).whole is whole


def test_fetched_items_are_charged_one_by_one_and_bound_the_page() -> None:
    keys_only = local_index(schema("S", "S", names="hx"), KEYS_ONLY, name="local")
    indexed = table("S", "N", keys_only)
    body = {
        "TableName": "Table",
        "IndexName": "local",
        "Select": "ALL_ATTRIBUTES",
        "KeyConditionExpression": "h = :h",
        "ExpressionAttributeValues": {":h": {"S": "a"}},
        "ReturnConsumedCapacity": "INDEXES",
    }
    range_read = query.parse(body).bind(indexed)
    assert range_read.fetch_base
    page = PageReader(range_read)
    item: Item = {"h": {"S": "a"}, "r": {"N": "1"}, "x": {"S": "y"}, "big": {"S": "z"}}
    key = keys.entry_key(indexed, keys_only, item)

    for _ in range(3):
        assert not page.feed_fetched(key, 20, orjson.dumps(item), 9000)
    answered = answer(page)
    assert answered["Items"] == [item] * 3
    assert answered["ConsumedCapacity"] == {
        "TableName": "Table",
        "CapacityUnits": 5.0,
        "Table": {"CapacityUnits": 4.5},
        "LocalSecondaryIndexes": {"local": {"CapacityUnits": 0.5}},
    }
    assert page.feed_fetched(key, 20, orjson.dumps(item), PAGE_BYTES_MAX)
    assert answer(page)["LastEvaluatedKey"] == {name: item[name] for name in ("h", "r", "x")}


@given(
    st.lists(st.integers(0, 5)),
    st.integers(1, 12),
    st.sampled_from([None, "even = :true"]),
    st.sampled_from([1, 30, PAGE_BYTES_MAX // 4]),
)
def test_slices_of_any_length_make_the_same_page(
    lengths: list[int], limit: int, filter_expression: str | None, size: int
) -> None:
    members: dict[str, Any] = {"Limit": limit}
    if filter_expression is not None:
        members |= {"FilterExpression": filter_expression, "values": {":true": {"BOOL": True}}}
    one_by_one, sliced = PageReader(read(**members)), PageReader(read(**members))
    rest = entries(sum(lengths), size)

    for entry in rest:
        if one_by_one.feed(*entry):
            break
    for length in lengths:
        slice_, rest = rest[:length], rest[length:]
        if sliced.feed_many(slice_):
            break
    assert one_by_one.response() == sliced.response()
    assert one_by_one.full == sliced.full
