"""Stored keys, version 1: golden bytes, round trips, order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_values import base64, key_contents, schema
from stator_core import item
from stator_core.key_format import (
    HASH_SPACE,
    PREFIX_BYTES,
    Layout,
    escape,
    hash_of,
    identifier_of,
    local_index_of,
    segment_bounds,
    segment_of,
    successor,
)

KINDS = st.sampled_from("SNB")


def layout(
    hashed: str, ordered: str = "", *, identifier: int = 7, index: int | None = None
) -> Layout:
    keys = schema(hashed, ordered)
    return Layout(identifier, keys.hash, keys.range, index)


@st.composite
def layouts_and_items(draw: st.DrawFn) -> tuple[Layout, list[item.Item]]:
    """Any layout, and three items whose key values collide now and then."""
    hashed = draw(st.text(alphabet="SNB", min_size=1, max_size=4))
    ordered = draw(st.text(alphabet="SNB", max_size=4))
    keys = layout(hashed, ordered, index=draw(st.sampled_from([None, 9])))
    pools = {kind: draw(st.lists(key_contents(kind), min_size=1, max_size=3)) for kind in "SNB"}
    drawn = []
    for _ in range(3):
        key: item.Item = {
            attribute.name: {attribute.type: draw(st.sampled_from(pools[attribute.type]))}
            for attribute in keys.hashed + keys.ordered
        }
        item.validate_item(key)
        drawn.append(key)
    return keys, drawn


@pytest.mark.parametrize(
    "keys, attributes, expected",
    [
        # table | hash | h | r
        (
            layout("S"),
            {"h": {"S": "a"}},
            "00000007 b9d13996cf1b134a 61 0001",
        ),
        (
            layout("S", "S"),
            {"h": {"S": "a"}, "r": {"S": "b"}},
            "00000007 b9d13996cf1b134a 61 0001 62",
        ),
        (
            layout("S", "S"),
            {"h": {"S": "a\x00é"}, "r": {"S": "b\x00"}},
            "00000007 671cff0c714bf941 6100ffc3a9 0001 6200",
        ),
        (
            layout("N", "N"),
            {"h": {"N": "0"}, "r": {"N": "-1"}},
            "00000007 ae4ba934f0f8dcbf 02 017deb",
        ),
        (
            layout("B", "B"),
            {"h": {"B": base64(b"\x00\xff")}, "r": {"B": base64(b"\x00")}},
            "00000007 c08821852bef1b26 00ffff 0001 00",
        ),
        # index | hash over both HASH attributes | h0 | h1 | r0 terminated | r1 plain
        (
            layout("SN", "SS", identifier=20),
            {"h0": {"S": "a"}, "h1": {"N": "1"}, "r0": {"S": "b"}, "r1": {"S": "c"}},
            "00000014 f145d9124d97273e 61 0001 038214 62 0001 63",
        ),
        # table | hash | local index | h | r0 | r1
        (
            layout("S", "NS", index=30),
            {"h": {"S": "a"}, "r0": {"N": "1"}, "r1": {"S": "c"}},
            "00000007 b9d13996cf1b134a 0000001e 61 0001 038214 63",
        ),
    ],
)
def test_the_bytes_of_a_stored_key_never_change(keys, attributes, expected) -> None:
    assert keys.key(attributes) == bytes.fromhex(expected)
    assert keys.decode(bytes.fromhex(expected)) == attributes


@given(layouts_and_items())
def test_a_stored_key_gives_the_key_attributes_back(drawn) -> None:
    keys, (first, *_) = drawn

    assert keys.decode(keys.key(first)) == first


@given(layouts_and_items())
def test_stored_keys_order_as_the_attributes_of_one_collection_do(drawn) -> None:
    keys, (first, second, _) = drawn
    for attribute in keys.hashed:
        second[attribute.name] = first[attribute.name]
    order = 0
    for attribute in keys.ordered:
        order = order or (item.compare(first[attribute.name], second[attribute.name]) or 0)
    a, b = keys.key(first), keys.key(second)

    assert (a > b) - (a < b) == order


@given(layouts_and_items())
def test_the_keys_of_a_collection_are_those_that_begin_with_it(drawn) -> None:
    keys, (first, *others) = drawn
    collection = keys.collection([first[attribute.name] for attribute in keys.hashed])
    for other in (first, *others):
        same = all(first[each.name] == other[each.name] for each in keys.hashed)
        assert keys.key(other).startswith(collection) == same
        assert (collection <= keys.key(other) < successor(collection)) == same


def test_the_hash_depends_on_type_and_value_and_not_on_the_table() -> None:
    one, another = layout("S"), layout("S", identifier=8)
    number = layout("N")
    assert hash_of(one.key({"h": {"S": "1"}})) == hash_of(another.key({"h": {"S": "1"}}))
    assert hash_of(one.key({"h": {"S": "1"}})) != hash_of(number.key({"h": {"N": "1"}}))
    binary = layout("B").key({"h": {"B": base64(b"1")}})
    assert hash_of(one.key({"h": {"S": "1"}})) != hash_of(binary)


def test_a_key_begins_with_table_and_hash() -> None:
    key = layout("S", "SS", index=30).key({"h": {"S": "a"}, "r0": {"S": "b"}, "r1": {"S": "c"}})

    assert identifier_of(key) == 7
    assert hash_of(key) == int.from_bytes(key[4:PREFIX_BYTES], "big")
    assert local_index_of(key) == 30


@pytest.mark.parametrize(
    "key",
    [
        "",
        "00000007",
        "00000008 b9d13996cf1b134a 61 0001 62",  # another table
        "00000007 b9d13996cf1b134a 61",  # no terminator
        "00000007 b9d13996cf1b134a 6100",  # half a terminator
        "00000007 b9d13996cf1b134a 610002 62",  # neither escape nor terminator
        "00000007 b9d13996cf1b134a ff 0001 62",  # no UTF-8
    ],
)
def test_bytes_that_are_no_key_of_the_layout_are_refused(key) -> None:
    with pytest.raises(ValueError):
        layout("S", "S").decode(bytes.fromhex(key))


def test_bytes_after_the_last_component_are_refused() -> None:
    for keys, attributes in (
        (layout("S"), {"h": {"S": "a"}}),
        (layout("S", "N"), {"h": {"S": "a"}, "r": {"N": "1"}}),
    ):
        with pytest.raises(ValueError):
            keys.decode(keys.key(attributes) + b"\x00")


def test_another_local_indexs_entry_is_refused() -> None:
    entry = layout("S", "S", index=31).key({"h": {"S": "a"}, "r": {"S": "b"}})
    with pytest.raises(ValueError):
        layout("S", "S", index=30).decode(entry)


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_the_successor_is_above_all_that_begins_alike_and_nothing_else(prefix, tail) -> None:
    prefix = b"\x01" + prefix

    assert prefix + tail < successor(prefix)
    assert not successor(prefix).startswith(prefix)
    between = successor(prefix)[:-1] + bytes([successor(prefix)[-1] - 1]) + b"\xff" * 10
    assert between.startswith(prefix) or between < prefix or prefix.endswith(b"\xff")


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_an_escaped_value_begins_with_the_escape_of_what_it_begins_with(content, tail) -> None:
    assert escape(content + tail).startswith(escape(content))


@pytest.mark.parametrize("total_segments", [1, 2, 3, 7, 1000, 999_999, 1_000_000])
def test_segments_tile_the_hash_space(total_segments) -> None:
    chosen = {0, 1, total_segments // 2, total_segments - 2, total_segments - 1}
    for segment in sorted(chosen & set(range(total_segments))):
        start, end = segment_bounds(segment, total_segments)
        assert start < end
        assert segment_of(start, total_segments) == segment
        assert segment_of(end - 1, total_segments) == segment
        if segment + 1 < total_segments:
            assert segment_bounds(segment + 1, total_segments)[0] == end
    assert segment_bounds(0, total_segments)[0] == 0
    assert segment_bounds(total_segments - 1, total_segments)[1] == HASH_SPACE
