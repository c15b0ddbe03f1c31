"""Time to live: which items end when, and the bytes of the index that knows it, version 1.

In: an item and the attribute that says when it ends. Out: the second from which it may go, and the
entry of the family `expiries` that a write puts beside the item (`partition.py`). The sweep reads
the entries that are due, in their order, and looks at each item again (`expiry_sweep.py`). Golden
bytes in tests/core/test_expiry.py pin the layout: DO NOT CHANGE IT, make a version 2.

    key    partition u64 | second u64 | stored item key
    value  checksum u64 | version u8

Integers are big-endian. The checksum is xxh3_64 over key and version. Invariant: an item's entry
follows from the item alone, never from the time, so every replica has the same.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from math import ceil
from struct import Struct
from typing import Any, Final, NamedTuple

from xxhash import xxh3_64_digest

from stator_core.entry_format import StoredWrite

VERSION: Final = 1
_OPENING = Struct(">QQ")
_VERSION_BYTE = bytes((VERSION,))
# What is further in the past is taken for a mistake and left alone (AWS: TTL, "five years").
PAST_SECONDS_MAX: Final = 5 * 365 * 86_400
# The last second that the hybrid clock knows. What ends later never ends and needs no entry: most
# often those are milliseconds by mistake.
SECOND_MAX: Final = (2**48 - 1) // 1000


class Expiry(NamedTuple):
    """One entry: the stored key of an item, and the second from which it may go."""

    second: int
    item_key: bytes


class ExpiryDamaged(Exception):
    """The bytes under a key of the index are not what was written there."""


def second_of(item: dict[str, Any] | None, attribute: str) -> int | None:
    """The first whole second at which the item has ended; None for one that never ends by this.

    A fraction counts: an item that ends at 99.5 is there at 99 and may go at 100.
    """
    if item is None:
        return None
    value = item.get(attribute)
    if value is None:
        return None
    text = value.get("N")
    if text is None:
        return None
    if text.isdecimal():
        second = int(text)
    else:
        second = int(Decimal(text).to_integral_value(ROUND_CEILING))
    return second if 0 < second <= SECOND_MAX else None


def is_due(second: int | None, now: float) -> bool:
    """Whether an item that ends at this second may go: neither too early nor long ago."""
    return second is not None and now - PAST_SECONDS_MAX <= second <= now


def entry_key(partition_id: int, second: int, item_key: bytes) -> bytes:
    return _OPENING.pack(partition_id, second) + item_key


def due_bounds(partition_id: int, now: float) -> tuple[bytes, bytes]:
    """[start, end) of the keys of a partition's entries that are due, the oldest first."""
    latest = min(int(now), SECOND_MAX)
    oldest = max(0, ceil(now) - PAST_SECONDS_MAX)
    return _OPENING.pack(partition_id, oldest), _OPENING.pack(partition_id, latest + 1)


def partition_bounds(partition_id: int) -> tuple[bytes, bytes]:
    """[start, end) of the keys of all entries of a partition."""
    return _OPENING.pack(partition_id, 0), (partition_id + 1).to_bytes(8, "big")


def entry(partition_id: int, second: int, item_key: bytes) -> StoredWrite:
    """What puts an item into the index."""
    key = entry_key(partition_id, second, item_key)
    return "expiries", key, xxh3_64_digest(key + _VERSION_BYTE) + _VERSION_BYTE


def changes(
    partition_id: int, item_key: bytes, before: int | None, after: int | None
) -> list[StoredWrite]:
    """What keeps the index when the second at which an item ends becomes another."""
    if before == after:
        return []
    writes: list[StoredWrite] = []
    if before is not None:
        writes.append(("expiries", entry_key(partition_id, before, item_key), None))
    if after is not None:
        writes.append(entry(partition_id, after, item_key))
    return writes


def read_key(key: bytes) -> Expiry:
    """What the key of an entry says."""
    return Expiry(int.from_bytes(key[8:16], "big"), key[_OPENING.size :])


def check(key: bytes, stored: bytes) -> None:
    """Raises ExpiryDamaged for what is no entry."""
    if len(key) < _OPENING.size or xxh3_64_digest(key + stored[8:]) != stored[:8]:
        raise ExpiryDamaged(f"expiry under key {key.hex()}: the checksum does not match")
    if stored[8:] != _VERSION_BYTE:
        raise ExpiryDamaged(f"expiry under key {key.hex()}: no entry of version {VERSION}")
