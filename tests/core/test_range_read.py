"""The bound read: what is left behind a position, where a scan of a local index jumps, who pays."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_values import global_index, local_index, schema, table
from stator_core import keys
from stator_core.errors import ValidationException
from stator_core.indexes import projected
from stator_core.requests import scan
from stator_core.requests.range_read import RangeRead, after, check_nested_keys, find_index

LOCAL = local_index(schema("S", "S", names="hx"), identifier=30, name="local")
GLOBAL = global_index(schema("S", names="x_"), name="global")
TABLE = table("S", "N", LOCAL, GLOBAL)
HASHES = st.integers(0, 2**64 - 1)


def scanned(index_name: str | None = None) -> RangeRead:
    body = {"TableName": "Table"} | ({"IndexName": index_name} if index_name else {})
    return scan.parse(body).bind(TABLE)


def entry_key(place: int, index: int, rest: bytes = b"x") -> bytes:
    opening = TABLE.identifier.to_bytes(4, "big")
    return opening + place.to_bytes(8, "big") + index.to_bytes(4, "big") + rest


def test_local_entries_lie_in_a_family_of_their_own() -> None:
    assert [scanned(name).family for name in (None, "local", "global")] == [
        "items",
        "indexes",
        "items",
    ]
    assert [scanned(name).interleaved for name in (None, "local", "global")] == [False, True, False]


@given(HASHES, st.integers(0, 2**32 - 2), st.binary(min_size=1, max_size=4))
def test_a_jump_goes_forward_and_passes_no_entry_of_the_index(
    place: int, index: int, rest: bytes
) -> None:
    read = scanned("local")
    key = entry_key(place, index, rest)
    sought = read.seek(key)

    if index == LOCAL.identifier:
        assert sought is None
        return
    assert sought is not None and sought > key
    next_entry = entry_key(place, LOCAL.identifier, b"")
    if next_entry < key and place < 2**64 - 1:
        next_entry = entry_key(place + 1, LOCAL.identifier, b"")
    if next_entry > key:
        assert sought == next_entry
    else:
        assert sought == read.ranges[-1][1]


def test_an_entry_leads_to_its_item() -> None:
    item = {"h": {"S": "a"}, "r": {"N": "1"}, "x": {"S": "y"}}
    for index in (LOCAL, GLOBAL):
        read = scanned(index.name)
        entry = orjson.dumps(projected(TABLE, index, item))
        assert read.base_key(entry) == keys.item_key(TABLE, item)


def test_what_is_left_behind_a_position_excludes_it() -> None:
    ranges = [(b"b", b"d"), (b"f", b"h")]

    assert after(ranges, b"b", reverse=False) == [(b"b\x00", b"d"), (b"f", b"h")]
    assert after(ranges, b"g", reverse=False) == [(b"g\x00", b"h")]
    assert after([(b"f", b"h"), (b"b", b"d")], b"g", reverse=True) == [(b"f", b"g"), (b"b", b"d")]
    for outside in (b"a", b"d", b"e", b"h"):
        assert after(ranges, outside, reverse=False) is None


def test_capacity_names_the_arm_that_pays() -> None:
    table_read = replace(scanned(), return_consumed_capacity="INDEXES")
    assert table_read.consumed_capacity(4097) == {
        "TableName": "Table",
        "CapacityUnits": 1.0,
        "Table": {"CapacityUnits": 1.0},
    }
    index_read = replace(scanned("global"), return_consumed_capacity="INDEXES")
    assert index_read.consumed_capacity(0) == {
        "TableName": "Table",
        "CapacityUnits": 0.5,
        "Table": {"CapacityUnits": 0.0},
        "GlobalSecondaryIndexes": {"global": {"CapacityUnits": 0.5}},
    }
    local_read = replace(scanned("local"), return_consumed_capacity="TOTAL", consistent_read=True)
    assert local_read.consumed_capacity(1, 3.0) == {"TableName": "Table", "CapacityUnits": 4.0}
    assert scanned().consumed_capacity(4097) is None


def test_only_a_local_index_can_be_read_consistently() -> None:
    assert find_index(TABLE, None, True) is None
    assert find_index(TABLE, "local", True) is LOCAL
    with pytest.raises(ValidationException, match="Consistent reads are not supported"):
        find_index(TABLE, "global", True)
    with pytest.raises(ValidationException, match="does not have the specified index: other"):
        find_index(TABLE, "other", False)


def test_an_index_that_comes_or_goes_is_not_read() -> None:
    for status, message in (
        ("CREATING", "Cannot read from backfilling global secondary index: global"),
        ("DELETING", "The table does not have the specified index: global"),
    ):
        changing = table("S", "N", replace(GLOBAL, status=status))
        with pytest.raises(ValidationException, match=message):
            find_index(changing, "global", False)
    updating = table("S", "N", replace(GLOBAL, status="UPDATING"))
    assert find_index(updating, "global", False) is not None


def test_keys_of_the_index_are_scalars_only_where_it_is_read() -> None:
    body = {"TableName": "Table", "ProjectionExpression": "x.y"}
    projection = scan.parse(body).projection
    check_nested_keys(TABLE, None, projection, None)
    with pytest.raises(ValidationException, match="IndexKey: x"):
        check_nested_keys(TABLE, LOCAL, projection)
