"""The bytes of a stored item, version 1: a header that proves the item whole, then its JSON.

In: the payload (an item as DynamoDB JSON, orjson's bytes), its size and the time of its write. Out:
the value that stands under a stored key in `items` or `indexes`, and back. Called by the partition
on every write and read. A read without projection hands the payload on as it is. Golden bytes in
tests/core/test_item_format.py pin the layout: DO NOT CHANGE IT, make a version 2.

    checksum u64 | version u8 | flags u8 | timestamp u64 | origin region u16 | item size u32 | JSON

Integers are big-endian. The timestamp is of `clock.py`. The region is 0 where there is only one.
The size is DynamoDB's, of capacity and the 400 KB. The checksum is xxh3_64 over the key and all
that follows it, so an item under a wrong key is as damaged as one with a flipped bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final, NamedTuple

from xxhash import xxh3_64_digest

VERSION: Final = 1
_CHECKED = Struct(">BBQHI")
_CHECKSUM_BYTES = 8
_HEADER = Struct(">8sBxxxxxxxxxxxI")  # checksum, version and item size of a whole header
HEADER_BYTES: Final = _CHECKSUM_BYTES + _CHECKED.size
_SIZE_AT = HEADER_BYTES - 4

assert HEADER_BYTES == _HEADER.size == 24
_pack = _CHECKED.pack
_unpack_from = _CHECKED.unpack_from


class Damaged(Exception):
    """The bytes under `key` are not what was written there. The answer to a client is a 500."""

    def __init__(self, key: bytes, reason: str) -> None:
        super().__init__(f"stored item under key {key.hex()}: {reason}")
        self.key = key


class StoredItem(NamedTuple):
    """A stored item: JSON bytes, DynamoDB's size in bytes, hybrid clock timestamp, region."""

    payload: bytes
    size: int
    timestamp: int
    origin_region: int


def encode(key: bytes, payload: bytes, size: int, timestamp: int, origin_region: int = 0) -> bytes:
    """The stored form of an item's JSON under its stored key."""
    checked = _pack(VERSION, 0, timestamp, origin_region, size) + payload
    return xxh3_64_digest(key + checked) + checked


def payload_of(key: bytes, stored: bytes) -> bytes:
    """The JSON of a stored item. Raises Damaged."""
    if xxh3_64_digest(key + stored[_CHECKSUM_BYTES:]) != stored[:_CHECKSUM_BYTES]:
        raise Damaged(key, "the checksum does not match")
    if len(stored) < HEADER_BYTES:
        raise Damaged(key, f"{len(stored)} bytes, shorter than a header")
    if stored[_CHECKSUM_BYTES] != VERSION:
        raise Damaged(key, f"format version {stored[_CHECKSUM_BYTES]}, this code reads {VERSION}")
    return stored[HEADER_BYTES:]


def payload_and_size(key: bytes, stored: bytes) -> tuple[bytes, int]:
    """The JSON and the size of a stored item. Raises Damaged."""
    if (
        xxh3_64_digest(key + stored[_CHECKSUM_BYTES:]) != stored[:_CHECKSUM_BYTES]
        or len(stored) < HEADER_BYTES
        or stored[_CHECKSUM_BYTES] != VERSION
    ):
        payload_of(key, stored)  # It says what is wrong.
    return stored[HEADER_BYTES:], int.from_bytes(stored[_SIZE_AT:HEADER_BYTES], "big")


def contents_of(found: Sequence[tuple[bytes, bytes]]) -> tuple[list[bytes], list[int]]:
    """JSON and sizes of many stored items: what a page of a Query needs. Raises Damaged.

    The work of `payload_and_size` without a call for each item.
    """
    payloads: list[bytes] = []
    sizes: list[int] = []
    digest, header_of = xxh3_64_digest, _HEADER.unpack_from
    for key, stored in found:
        if len(stored) < HEADER_BYTES:
            payload_of(key, stored)  # It says what is wrong.
        checksum, version, size = header_of(stored)
        if digest(key + stored[_CHECKSUM_BYTES:]) != checksum or version != VERSION:
            payload_of(key, stored)
        payloads.append(stored[HEADER_BYTES:])
        sizes.append(size)
    return payloads, sizes


def payloads_of(found: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """The JSON of many stored items: all that most pages need. Raises Damaged."""
    payloads: list[bytes] = []
    digest = xxh3_64_digest
    for key, stored in found:
        if (
            digest(key + stored[_CHECKSUM_BYTES:]) != stored[:_CHECKSUM_BYTES]
            or len(stored) < HEADER_BYTES
            or stored[_CHECKSUM_BYTES] != VERSION
        ):
            payload_of(key, stored)  # It says what is wrong.
        payloads.append(stored[HEADER_BYTES:])
    return payloads


def size_of(stored: bytes) -> int:
    """DynamoDB's size of a stored item, from its header alone: for counting, not for answers."""
    return int.from_bytes(stored[_SIZE_AT:HEADER_BYTES], "big")


def read(key: bytes, stored: bytes) -> StoredItem:
    """A stored item with what its header says. Raises Damaged."""
    payload = payload_of(key, stored)
    _, _, timestamp, origin_region, size = _unpack_from(stored, _CHECKSUM_BYTES)
    return StoredItem(payload, size, timestamp, origin_region)
