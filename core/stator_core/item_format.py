"""The bytes of a stored item, version 1: a header that proves the item whole, then its JSON.

In: the payload (an item as DynamoDB JSON, orjson's bytes), its size and the time of its write. Out:
the value that stands under a stored key in `items` or `indexes`, and back. Called by the partition
on every write and read. A read without projection hands the payload on as it is. Golden bytes in
tests/core/test_item_format.py pin the layout: DO NOT CHANGE IT, make a version 2.

    version u8 | flags u8 | timestamp u64 | origin region u16 | item size u32 | checksum u64 | JSON

Integers are big-endian. The timestamp is of `clock.py`. The region is 0 where there is only one.
The size is DynamoDB's, of capacity and the 400 KB. The checksum is xxh3_64 over the key, the header
before it and the payload, so an item under a wrong key is as damaged as one with a flipped bit.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from xxhash import xxh3_64_digest

VERSION: Final = 1
_CHECKED = Struct(">BBQHI")
_CHECKSUM_BYTES = 8
_CHECKED_BYTES = _CHECKED.size
_SIZE_AT = _CHECKED_BYTES - 4
HEADER_BYTES: Final = _CHECKED_BYTES + _CHECKSUM_BYTES

assert HEADER_BYTES == 24
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
    header = _pack(VERSION, 0, timestamp, origin_region, size)
    return header + xxh3_64_digest(key + header + payload) + payload


def payload_of(key: bytes, stored: bytes) -> bytes:
    """The JSON of a stored item. Raises Damaged."""
    payload = stored[HEADER_BYTES:]
    checksum = stored[_CHECKED_BYTES:HEADER_BYTES]
    if xxh3_64_digest(key + stored[:_CHECKED_BYTES] + payload) != checksum:
        raise Damaged(key, "the checksum does not match")
    if stored[0] != VERSION:
        raise Damaged(key, f"format version {stored[0]}, this code reads {VERSION}")
    return payload


def payload_and_size(key: bytes, stored: bytes) -> tuple[bytes, int]:
    """The JSON and the size of a stored item: what a page of a Query needs. Raises Damaged."""
    return payload_of(key, stored), int.from_bytes(stored[_SIZE_AT:_CHECKED_BYTES], "big")


def size_of(stored: bytes) -> int:
    """DynamoDB's size of a stored item, from its header alone: for counting, not for answers."""
    return int.from_bytes(stored[_SIZE_AT:_CHECKED_BYTES], "big")


def read(key: bytes, stored: bytes) -> StoredItem:
    """A stored item with what its header says. Raises Damaged."""
    payload = payload_of(key, stored)
    _, _, timestamp, origin_region, size = _unpack_from(stored)
    return StoredItem(payload, size, timestamp, origin_region)
