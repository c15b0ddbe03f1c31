"""Stored items, version 1: golden bytes, round trips, damage found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_digest

from stator_core.item_format import (
    HEADER_BYTES,
    VERSION,
    Damaged,
    StoredItem,
    contents_of,
    encode,
    payload_and_size,
    payload_of,
    payloads_of,
    read,
    size_of,
)

KEY = bytes.fromhex("00000007b9d13996cf1b134a610001")
PAYLOAD = b'{"h":{"S":"a"}}'


def test_the_bytes_of_a_stored_item_never_change() -> None:
    stored = encode(KEY, PAYLOAD, size=2, timestamp=0x0190_0000_0001_0002, origin_region=3)

    # checksum | version | flags | timestamp | origin region | size | JSON
    head = "b23c1c5d02b3a01b 01 00 0190000000010002 0003 00000002"
    assert stored == bytes.fromhex(head) + PAYLOAD


@given(
    st.binary(min_size=12, max_size=40),
    st.binary(max_size=60),
    st.integers(0, 409_600),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**16 - 1),
)
def test_a_stored_item_gives_everything_back(key, payload, size, timestamp, region) -> None:
    stored = encode(key, payload, size, timestamp, region)

    assert len(stored) == HEADER_BYTES + len(payload)
    assert payload_of(key, stored) == payload
    assert payload_and_size(key, stored) == (payload, size)
    assert size_of(stored) == size
    assert read(key, stored) == StoredItem(payload, size, timestamp, region)


@given(st.integers(0, (HEADER_BYTES + len(PAYLOAD)) * 8 - 1))
def test_one_flipped_bit_is_found(bit) -> None:
    stored = bytearray(encode(KEY, PAYLOAD, 2, 5))
    stored[bit // 8] ^= 1 << bit % 8

    for reader in (payload_of, payload_and_size, read):
        with pytest.raises(Damaged) as damage:
            reader(KEY, bytes(stored))
        assert damage.value.key == KEY


@pytest.mark.parametrize("length", range(HEADER_BYTES + len(PAYLOAD)))
def test_a_truncated_item_is_found(length) -> None:
    with pytest.raises(Damaged):
        read(KEY, encode(KEY, PAYLOAD, 2, 5)[:length])


def test_an_item_under_another_key_is_found() -> None:
    with pytest.raises(Damaged):
        payload_of(KEY + b"x", encode(KEY, PAYLOAD, 2, 5))


@pytest.mark.parametrize("length", range(HEADER_BYTES))
def test_a_stored_item_cut_into_its_header_is_damaged_even_if_its_checksum_matches(
    length: int,
) -> None:
    """Found by fuzzing: eight bytes that are the checksum of their key were an IndexError."""
    rest = bytes([VERSION]) * max(length - 8, 0)
    stored = (xxh3_64_digest(b"key" + rest) + rest)[:length]

    with pytest.raises(Damaged):
        payload_of(b"key", stored)
    with pytest.raises(Damaged):
        contents_of([(b"key", stored)])
    with pytest.raises(Damaged):
        payloads_of([(b"key", stored)])


def test_many_are_read_as_one_is_and_one_damaged_among_them_is_found() -> None:
    stored = [(bytes([n]), encode(bytes([n]), PAYLOAD, n, 5)) for n in range(5)]

    assert payloads_of(stored) == [payload_of(*each) for each in stored]
    assert contents_of(stored) == (payloads_of(stored), list(range(5)))
    for wrong in (stored[2][1][:-1], b"", bytes([stored[2][1][0] ^ 1]) + stored[2][1][1:]):
        with pytest.raises(Damaged) as damage:
            payloads_of([*stored[:2], (stored[2][0], wrong), *stored[3:]])
        assert damage.value.key == stored[2][0]
