"""Entries of a global index on their way from a table's partition to those of the index.

In: changes of items (`change_format.py`), or items that were there before the index. Out: entries,
each with the stamp of its write; and at the partition of the index, what they do to what is stored
there. Called by the feeder (`index_feeder.py`) on one side and by the index partition's leader on
the other.

The newest stamp wins, and what is not newer does nothing. So entries may come twice, late, from two
senders or beside a backfill: an entry's key holds the key of its item, and an item's changes have
growing stamps. A removed entry leaves a tombstone, in the family `indexes` under its own key, so
that an older entry which comes later finds it. It goes TOMBSTONE_SECONDS after it was stored; a
batch that was on its way for longer than BATCH_SECONDS_MAX is refused, so no tombstone is missed.

    batch      sent at, milliseconds u64, then for each entry
               stamp u64 | key length u32 | value length u32 | key | value
               a value length of FFFFFFFF removes the entry
    tombstone  checksum u64 | version u8 | stamp u64 | stored at, seconds u64
               the checksum is xxh3_64 over key and what follows it

Invariant: what an index holds once everything has arrived follows from the items alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from struct import error as StructError  # noqa: N812  # It is an exception.
from typing import Final, NamedTuple

import orjson
from xxhash import xxh3_64_digest

from stator_core import item_format
from stator_core.change_format import Change
from stator_core.entry_format import StoredWrite
from stator_core.indexes import index_change
from stator_core.item import Item
from stator_core.item_format import Damaged
from stator_core.table import Index, Table

BATCH_SECONDS_MAX: Final = 600
TOMBSTONE_SECONDS: Final = 3_600
VERSION: Final = 1
_SENT_AT = Struct(">Q")
_ENTRY = Struct(">QII")
_TOMBSTONE = Struct(">8sBQQ")
_TOMBSTONE_BODY = Struct(">BQQ")
_REMOVED: Final = 0xFFFFFFFF


class IndexEntry(NamedTuple):
    """What becomes of one stored key of an index at a stamp; `value` None: it has no entry."""

    stamp: int
    key: bytes
    value: bytes | None


class Tombstone(NamedTuple):
    """A removed entry: the stamp of its removal, and when that came here, in seconds since 1970."""

    stamp: int
    stored_at: int


class BatchRefused(ValueError):
    """These bytes are no batch of entries."""


def entries_of_change(table: Table, index: Index, change: Change) -> list[IndexEntry]:
    """What one change of an item does to an index: nothing, or up to two entries."""
    before = orjson.loads(change.before) if change.before else None
    after = orjson.loads(change.after) if change.after else None
    return _entries(table, index, before, after, change.stamp)


def entries_of_item(table: Table, index: Index, key: bytes, stored: bytes) -> list[IndexEntry]:
    """The entry of an item that is stored under this key. Raises item_format.Damaged."""
    found = item_format.read(key, stored)
    return _entries(table, index, None, orjson.loads(found.payload), found.timestamp)


def _entries(
    table: Table, index: Index, before: Item | None, after: Item | None, stamp: int
) -> list[IndexEntry]:
    change = index_change(table, index, before, after)
    if change is None:
        return []
    entries = []
    if change.removed_key is not None:
        entries.append(IndexEntry(stamp, change.removed_key, None))
    if change.put_key is not None:
        value = item_format.encode(
            change.put_key, orjson.dumps(change.entry), change.entry_size, stamp
        )
        entries.append(IndexEntry(stamp, change.put_key, value))
    return entries


def encode_batch(sent_at: int, entries: Sequence[IndexEntry]) -> bytes:
    """Entries as a request carries them; `sent_at` in milliseconds since 1970."""
    parts = [_SENT_AT.pack(sent_at)]
    for stamp, key, value in entries:
        if value is None:
            parts += (_ENTRY.pack(stamp, len(key), _REMOVED), key)
        else:
            parts += (_ENTRY.pack(stamp, len(key), len(value)), key, value)
    return b"".join(parts)


def decode_batch(data: bytes) -> tuple[int, list[IndexEntry]]:
    """When it was sent, and its entries. Raises BatchRefused."""
    entries: list[IndexEntry] = []
    try:
        (sent_at,) = _SENT_AT.unpack_from(data)
        position = _SENT_AT.size
        while position < len(data):
            stamp, key_bytes, value_bytes = _ENTRY.unpack_from(data, position)
            key_at = position + _ENTRY.size
            value_at = key_at + key_bytes
            position = value_at if value_bytes == _REMOVED else value_at + value_bytes
            if position > len(data):
                raise BatchRefused("a batch ends within an entry")
            value = None if value_bytes == _REMOVED else data[value_at:position]
            entries.append(IndexEntry(stamp, data[key_at:value_at], value))
    except StructError as error:
        raise BatchRefused(f"no batch of entries: {error}") from None
    return sent_at, entries


def resolve(
    entry: IndexEntry, stored: bytes | None, tombstone: bytes | None, now: float
) -> list[StoredWrite] | None:
    """What an entry does where these bytes lie under its key. None: nothing, it is not newer.

    `now` is the time of this partition's leader, in seconds since 1970.
    Raises item_format.Damaged for bytes that were not written there.
    """
    key = entry.key
    newest = -1
    if stored is not None:
        newest = item_format.read(key, stored).timestamp
    if tombstone is not None:
        newest = max(newest, read_tombstone(key, tombstone).stamp)
    if entry.stamp <= newest:
        return None
    if entry.value is None:
        left = encode_tombstone(key, Tombstone(entry.stamp, int(now)))
        return [("items", key, None), ("indexes", key, left)]
    writes: list[StoredWrite] = [("items", key, entry.value)]
    if tombstone is not None:
        writes.append(("indexes", key, None))
    return writes


def encode_tombstone(key: bytes, tombstone: Tombstone) -> bytes:
    """What stands for a removed entry."""
    body = _TOMBSTONE_BODY.pack(VERSION, *tombstone)
    return xxh3_64_digest(key + body) + body


def read_tombstone(key: bytes, stored: bytes) -> Tombstone:
    """What stands for a removed entry. Raises item_format.Damaged."""
    if len(stored) != _TOMBSTONE.size:
        raise Damaged(key, f"a tombstone of {len(stored)} bytes")
    checksum, version, stamp, stored_at = _TOMBSTONE.unpack(stored)
    if checksum != xxh3_64_digest(key + stored[len(checksum) :]) or version != VERSION:
        raise Damaged(key, "a tombstone whose checksum does not match")
    return Tombstone(stamp, stored_at)
