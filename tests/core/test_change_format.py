"""Change records come back as they were written, and damage is never taken for a change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core.change_format import (
    Change,
    ChangeDamaged,
    ChangeFlag,
    change_key,
    decode,
    encode,
    feed_bounds,
    stamp_of,
)

STAMPS = st.integers(0, 2**64 - 1)
FLAGS = st.integers(0, 7).map(ChangeFlag)


def test_the_bytes_of_a_record_never_change() -> None:
    key = change_key(7, 0x0102)
    stored = encode(key, ChangeFlag.EXISTED | ChangeFlag.EXISTS, b"k", b"old", b"new")

    assert key == bytes.fromhex("0000000000000007 0000000000000102")
    assert stored[8:] == bytes.fromhex("01 03 00000001 00000003") + b"koldnew"
    assert stored[:8].hex() == "f87c529c75eeb0d4"
    assert [flag.value for flag in ChangeFlag] == [1, 2, 4]


@given(st.integers(0, 2**64 - 2), STAMPS, FLAGS, st.binary(), st.binary(), st.binary())
def test_a_record_comes_back(
    partition_id: int, stamp: int, flags: ChangeFlag, item_key: bytes, before: bytes, after: bytes
) -> None:
    key = change_key(partition_id, stamp)
    stored = encode(key, flags, item_key, before, after)

    assert decode(key, stored) == Change(stamp, flags, item_key, before, after)
    assert stamp_of(key) == stamp


@given(st.data())
def test_a_flipped_bit_or_another_key_is_damage(data: st.DataObject) -> None:
    key = change_key(7, 8)
    stored = bytearray(encode(key, ChangeFlag.EXISTS, b"key", b"", b"{}"))
    with pytest.raises(ChangeDamaged):
        decode(change_key(7, 9), bytes(stored))
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ChangeDamaged):
        decode(key, bytes(stored))


@given(st.binary(max_size=40))
def test_foreign_bytes_are_damage_and_nothing_else_happens(stored: bytes) -> None:
    with pytest.raises(ChangeDamaged):
        decode(change_key(7, 8), stored)


@given(STAMPS, STAMPS, STAMPS)
def test_the_bounds_of_a_feed_hold_what_lies_between(stamp: int, after: int, until: int) -> None:
    start, end = feed_bounds(7, after, until)
    assert (start <= change_key(7, stamp) < end) == (after < stamp < until)
    whole = feed_bounds(7)
    assert whole[0] <= change_key(7, stamp) < whole[1]
    assert not whole[0] <= change_key(8, stamp) < whole[1]
