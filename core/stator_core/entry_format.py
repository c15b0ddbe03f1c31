"""The bytes of a log entry's data, version 1: what a partition's leader decided, and nothing else.

In: the writes of a group, or a change of the partition itself. Out: the data of one Raft entry, and
back. Encoded by the leader (`raft_commit.py`), applied by every replica: applying needs no table,
no expression and no clock, so replicas of different versions cannot diverge. Golden bytes in
tests/core/test_entry_format.py pin the layout: DO NOT CHANGE IT, make a version 2.

    version u8 | kind u8 | timestamp u64 | body

    WRITES    body: for each write  family u8 | key length u32 | value length u32 | key | value
              a value length of FFFFFFFF deletes the key
    the other kinds   body: JSON, read by `partition_state.py`

Integers are big-endian. The timestamp is of `clock.py`; it grows with the index. Invariant:
decoding what was encoded gives the same, and bytes that nobody encoded raise EntryRefused.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from struct import Struct
from typing import Final, Literal

VERSION: Final = 1
_HEADER = Struct(">BBQ")
_WRITE = Struct(">BII")
_DELETED: Final = 0xFFFFFFFF

StoredFamily = Literal["items", "indexes", "changes", "expiries"]
StoredWrite = tuple[StoredFamily, bytes, bytes | None]  # None deletes the key

# DO NOT REORDER: the position of a family is its number on disk and on the wire.
_FAMILIES: Final[tuple[StoredFamily, ...]] = ("items", "indexes", "changes", "expiries")
_FAMILY_NUMBERS: Final[dict[StoredFamily, int]] = {
    family: number for number, family in enumerate(_FAMILIES)
}


class EntryKind(IntEnum):
    """What an entry does. DO NOT REORDER OR REUSE: the numbers are stored."""

    WRITES = 1
    SPLIT = 2
    MERGE = 3  # the partition takes over its right neighbour, which is frozen for it
    DESCRIBE = 4  # the partition's table has a new description
    CONFIGURE = 5  # the partition's own settings
    SCRUB = 6  # every replica shall take a digest of what it holds at this index
    TRIM = 7  # the feed's records before a stamp are gone
    ROLL = 8  # the open shard of the table's stream ends here, and another begins
    FOLLOW = 9  # how far a follower of the feed has come
    FREEZE = 10  # the partition serves nobody from here on: it waits to be taken over
    THAW = 11  # it will not be taken over, and serves again
    REFUSE_MERGE = 12  # what was to be taken over for this epoch of the range no longer can be


class EntryRefused(ValueError):
    """These bytes are no entry that this code can read."""


def encode_writes(timestamp: int, writes: Sequence[StoredWrite]) -> bytes:
    """The data of an entry of kind WRITES."""
    pack, numbers = _WRITE.pack, _FAMILY_NUMBERS
    parts = [_HEADER.pack(VERSION, EntryKind.WRITES, timestamp)]
    for family, key, value in writes:
        if value is None:
            parts += (pack(numbers[family], len(key), _DELETED), key)
        else:
            parts += (pack(numbers[family], len(key), len(value)), key, value)
    return b"".join(parts)


def encode_change(kind: EntryKind, timestamp: int, body: bytes) -> bytes:
    """The data of an entry that changes the partition itself; `body` is JSON."""
    assert kind is not EntryKind.WRITES
    return _HEADER.pack(VERSION, kind, timestamp) + body


def read_header(data: bytes) -> tuple[EntryKind, int]:
    """The kind and the timestamp of an entry. Raises EntryRefused."""
    if len(data) < _HEADER.size:
        raise EntryRefused(f"an entry of {len(data)} bytes has no header")
    version, kind, timestamp = _HEADER.unpack_from(data)
    if version != VERSION:
        raise EntryRefused(f"entry format version {version}, this code reads {VERSION}")
    try:
        return EntryKind(kind), timestamp
    except ValueError:
        raise EntryRefused(f"entry kind {kind} is unknown to this version") from None


def change_body(data: bytes) -> bytes:
    """The JSON of an entry that is not of kind WRITES."""
    return data[_HEADER.size :]


def decode_writes(data: bytes) -> list[StoredWrite]:
    """The writes of an entry of kind WRITES, in order. Raises EntryRefused."""
    unpack, size, end = _WRITE.unpack_from, _WRITE.size, len(data)
    writes: list[StoredWrite] = []
    position = _HEADER.size
    while position < end:
        if position + size > end:
            raise EntryRefused("an entry ends within a write")
        family, key_bytes, value_bytes = unpack(data, position)
        if family >= len(_FAMILIES):
            raise EntryRefused(f"family {family} is unknown to this version")
        key_start = position + size
        value_start = key_start + key_bytes
        position = value_start if value_bytes == _DELETED else value_start + value_bytes
        if position > end:
            raise EntryRefused("an entry ends within a write")
        value = None if value_bytes == _DELETED else data[value_start:position]
        writes.append((_FAMILIES[family], data[key_start:value_start], value))
    return writes
