"""Which items end when: by a number of seconds, rounded up, and by nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core import expiry
from stator_core.expiry import (
    PAST_SECONDS_MAX,
    SECOND_MAX,
    Expiry,
    ExpiryDamaged,
    changes,
    due_bounds,
    entry,
    entry_key,
    is_due,
    partition_bounds,
    read_key,
    second_of,
)
from stator_core.number import canonical

NOW = 1_800_000_000
SECONDS = st.integers(1, SECOND_MAX)
PARTITIONS = st.integers(0, 2**64 - 2)


def test_the_bytes_of_an_entry_never_change() -> None:
    family, key, value = entry(7, 0x0102, b"k")

    assert family == "expiries"
    assert key == bytes.fromhex("0000000000000007 0000000000000102") + b"k"
    assert value == bytes.fromhex("e50c546a4ed78f9c 01")


@pytest.mark.parametrize(
    "value, second",
    [
        ({"N": "1800000000"}, NOW),
        ({"N": "1800000000.5"}, NOW + 1),
        ({"N": "0.25"}, 1),
        ({"N": str(SECOND_MAX)}, SECOND_MAX),
        ({"N": str(SECOND_MAX + 1)}, None),
        ({"N": "1800000000000000"}, None),
        ({"N": "9" + "0" * 125}, None),
        ({"N": "0"}, None),
        ({"N": "-1800000000"}, None),
        ({"S": "1800000000"}, None),
        ({"NS": ["1800000000"]}, None),
        ({"NULL": True}, None),
        ({"M": {"N": {"N": "1"}}}, None),
    ],
)
def test_an_item_ends_by_a_number_of_seconds(value: dict[str, Any], second: int | None) -> None:
    """20.3: other types never expire, and a number counts as whole seconds, never too early."""
    assert second_of({"pk": {"S": "a"}, "ends": value}, "ends") == second


def test_what_has_no_such_attribute_never_ends() -> None:
    assert second_of({"pk": {"N": "1"}}, "ends") is None
    assert second_of(None, "ends") is None
    assert second_of({"pk": {"N": "5"}}, "pk") == 5, "a key may be the attribute"


@given(st.decimals(0, SECOND_MAX, places=6))
def test_no_item_goes_before_its_own_time(ends: Decimal) -> None:
    second = second_of({"ends": {"N": canonical(f"{ends:f}")}}, "ends")

    assert second is None or ends <= second < ends + 1


@given(SECONDS, st.floats(0, SECOND_MAX), PARTITIONS, st.binary(max_size=20))
def test_the_bounds_of_what_is_due_hold_what_is_due(
    second: int, now: float, partition_id: int, item_key: bytes
) -> None:
    start, end = due_bounds(partition_id, now)

    assert (start <= entry_key(partition_id, second, item_key) < end) == is_due(second, now)
    assert not start <= entry_key(partition_id + 1, second, item_key) < end


def test_what_is_due_is_neither_in_the_future_nor_over_five_years_old() -> None:
    """20.3"""
    assert is_due(NOW, NOW)
    assert not is_due(NOW + 1, NOW + 0.999)
    assert is_due(NOW - PAST_SECONDS_MAX, NOW)
    assert not is_due(NOW - PAST_SECONDS_MAX - 1, NOW)
    assert not is_due(None, NOW)


@given(PARTITIONS, SECONDS, SECONDS, st.binary(), st.binary())
def test_entries_lie_by_partition_and_in_the_order_of_their_ends(
    partition_id: int, early: int, late: int, one: bytes, other: bytes
) -> None:
    first, second = entry_key(partition_id, early, one), entry_key(partition_id, late, other)
    start, end = partition_bounds(partition_id)

    assert start <= first < end
    assert partition_bounds(partition_id + 1)[0] > first
    assert early == late or (first < second) == (early < late)
    assert read_key(first) == Expiry(early, one)


def test_a_write_moves_the_entry_of_its_item() -> None:
    old, new = entry_key(7, 5, b"k"), entry(7, 6, b"k")

    assert changes(7, b"k", None, None) == changes(7, b"k", 5, 5) == []
    assert changes(7, b"k", None, 6) == [new]
    assert changes(7, b"k", 5, 6) == [("expiries", old, None), new]
    assert changes(7, b"k", 5, None) == [("expiries", old, None)]


@given(st.data())
def test_a_flipped_bit_or_another_key_is_damage(data: st.DataObject) -> None:
    _, key, value = entry(7, 5, b"k")
    assert value is not None
    expiry.check(key, value)
    with pytest.raises(ExpiryDamaged):
        expiry.check(entry_key(7, 6, b"k"), value)
    damaged = bytearray(value)
    damaged[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ExpiryDamaged):
        expiry.check(key, bytes(damaged))


@given(st.binary(max_size=30), st.binary(max_size=12))
def test_foreign_bytes_are_damage_and_nothing_else_happens(key: bytes, stored: bytes) -> None:
    with pytest.raises(ExpiryDamaged):
        expiry.check(key, stored)
