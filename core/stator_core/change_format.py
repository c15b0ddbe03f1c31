"""The bytes of a change record, version 1: what one write did to one item, for those who follow.

In: a write as `partition.py` has evaluated it. Out: what stands under `partition | stamp` in the
family `changes`, and back. Read by streams and by the feeder of global indexes. Golden bytes in
tests/core/test_change_format.py pin the layout: DO NOT CHANGE IT, make a version 2.

    key    partition u64 | stamp u64
    value  checksum u64 | version u8 | flags u8 | item key length u32 | before length u32
           | item key | before | after

Integers are big-endian. The stamp is of `clock.py`; a partition gives no two changes the same one.
The item key is the stored one (`key_format.py`). `before` and `after` are the item's JSON where
there was, or is, an item and the image was wanted; else empty, and the flags say whether the item
was there. The checksum is xxh3_64 over key and content. Invariant: bytes that nobody encoded under
this key raise ChangeDamaged.
"""

from __future__ import annotations

from enum import IntFlag
from struct import Struct
from typing import Final, NamedTuple

from xxhash import xxh3_64_digest

VERSION: Final = 1
_KEY = Struct(">QQ")
_HEADER = Struct(">BBII")
_CHECKSUM_BYTES: Final = 8
_HEADER_BYTES: Final = _CHECKSUM_BYTES + _HEADER.size
PARTITION_BYTES: Final = 8


class ChangeFlag(IntFlag):
    """What a record says beside its images. DO NOT REUSE: the bits are stored."""

    EXISTED = 1  # there was an item before
    EXISTS = 2  # there is one afterwards
    BY_SERVICE = 4  # its time to live was over; no client asked


class Change(NamedTuple):
    """One record. The images are the JSON of the item, empty where absent or not wanted."""

    stamp: int
    flags: ChangeFlag
    item_key: bytes
    before: bytes
    after: bytes


class ChangeDamaged(Exception):
    """The bytes under a key of the feed are not what was written there."""


def change_key(partition_id: int, stamp: int) -> bytes:
    return _KEY.pack(partition_id, stamp)


def stamp_of(key: bytes) -> int:
    """The stamp in the key of a record."""
    return int.from_bytes(key[PARTITION_BYTES:], "big")


def partition_of(key: bytes) -> int:
    """The partition in the key of a record."""
    return int.from_bytes(key[:PARTITION_BYTES], "big")


def feed_bounds(partition_id: int, after: int = -1, until: int = 2**64) -> tuple[bytes, bytes]:
    """[start, end) of the keys of a partition's records with after < stamp < until."""
    return _bound(partition_id, after + 1), _bound(partition_id, until)


def _bound(partition_id: int, stamp: int) -> bytes:
    """The least key of a partition's records from this stamp on."""
    if stamp < 2**64:
        return change_key(partition_id, stamp)
    return (partition_id + 1).to_bytes(PARTITION_BYTES, "big")


def encode(key: bytes, flags: ChangeFlag, item_key: bytes, before: bytes, after: bytes) -> bytes:
    """The stored form of a record under its key."""
    content = _HEADER.pack(VERSION, flags, len(item_key), len(before)) + item_key + before + after
    return xxh3_64_digest(key + content) + content


def decode(key: bytes, stored: bytes) -> Change:
    """A stored record. Raises ChangeDamaged."""
    if len(stored) < _HEADER_BYTES:
        raise ChangeDamaged(f"change under key {key.hex()}: {len(stored)} bytes")
    if xxh3_64_digest(key + stored[_CHECKSUM_BYTES:]) != stored[:_CHECKSUM_BYTES]:
        raise ChangeDamaged(f"change under key {key.hex()}: the checksum does not match")
    version, flags, key_bytes, before_bytes = _HEADER.unpack_from(stored, _CHECKSUM_BYTES)
    before_at = _HEADER_BYTES + key_bytes
    after_at = before_at + before_bytes
    if version != VERSION or after_at > len(stored):
        raise ChangeDamaged(f"change under key {key.hex()}: no record of version {VERSION}")
    return Change(
        stamp_of(key),
        ChangeFlag(flags),
        stored[_HEADER_BYTES:before_at],
        stored[before_at:after_at],
        stored[after_at:],
    )
