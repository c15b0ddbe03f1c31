"""Reading a partition's feed out of a store: a part of it, in order.

In: a store, a partition and stamps. Out: stored records. Called by `local_streams.py` and, for
partitions of a cluster, by `partition_requests.py`: the body of READ_CHANGES and its answer are
written down here, too. What is applied is a prefix of the log, and stamps grow with the log: so any
replica's answer is right, and one that is behind says less.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

import orjson

from stator_core.change_format import Change, change_key, decode, feed_bounds, stamp_of
from stator_core.limits import GET_RECORDS_BYTES_MAX
from stator_core.partition_state import PartitionState
from stator_node.doors import ItemStore

SLICE_RECORDS = 16
FeedEntry = tuple[bytes, bytes]  # key and value


def read_feed(
    store: ItemStore, partition_id: int, start: int, end: int, limit: int, bytes_max: int
) -> tuple[list[FeedEntry], bool]:
    """Records with start <= stamp < end: up to `limit`, and of so many bytes, but one at least.

    True: there are others behind them. Raises StorageFailed.
    """
    entries: list[FeedEntry] = []
    if start >= end:
        return entries, False
    cursor = store.cursor("changes", *feed_bounds(partition_id, start - 1, end))
    size = 0
    while found := cursor.take(SLICE_RECORDS):
        for entry in found:
            size += len(entry[1])
            if entries and (len(entries) == limit or size > bytes_max):
                return entries, True
            entries.append(entry)
    return entries, False


# The body of READ_CHANGES, and its answer.


class ChangesPage(NamedTuple):
    """`end` is where the shard ended, as this replica knows; `last` a stamp behind its writes."""

    changes: list[Change]
    more: bool
    end: int | None
    last: int


class ReadPosition(NamedTuple):
    """Records of the stream `label` with stamps below `until` have been read.

    Of two positions in a feed the greater one is further: labels are the times of enabling.
    """

    label: str
    until: int


class ChangesRead(NamedTuple):
    """An answer to READ_CHANGES; and how far the reader is, if he asked for records of a shard."""

    answer: bytes
    position: ReadPosition | None


_HEADER = Struct(">BQQI")
_ENTRY = Struct(">QI")
_MORE, _CLOSED = 1, 2


def read_changes_body(shard_id: str, position: int, limit: int) -> bytes:
    """Ask for up to `limit` records of a shard from a stamp on."""
    return orjson.dumps({"shard_id": shard_id, "position": position, "limit": limit})


def read_changes(store: ItemStore, state: PartitionState, last: int, body: bytes) -> ChangesRead:
    """The answer of a replica in this state. Raises StorageFailed, change_format.ChangeDamaged.

    A shard that it does not know (yet) is open and has no records.
    """
    asked = orjson.loads(body)
    shard = next((each for each in state.shards if each.shard_id == asked["shard_id"]), None)
    entries: list[FeedEntry] = []
    more, end = False, None
    position: ReadPosition | None = None
    if shard is not None:
        end, start = shard.end, max(asked["position"], shard.start)
        entries, more = read_feed(
            store,
            state.descriptor.partition_id,
            start,
            2**64 if end is None else end,
            asked["limit"],
            GET_RECORDS_BYTES_MAX,
        )
        if asked["limit"]:
            until = stamp_of(entries[-1][0]) + 1 if entries else start
            position = ReadPosition(shard.label, until)
    flags = more * _MORE | (end is not None) * _CLOSED
    parts = [_HEADER.pack(flags, end or 0, last, len(entries))]
    for key, value in entries:
        decode(key, value)  # What is damaged here is whole elsewhere.
        parts += (_ENTRY.pack(stamp_of(key), len(value)), value)
    return ChangesRead(b"".join(parts), position)


def read_answer(partition_id: int, answer: bytes) -> ChangesPage:
    """What an answer says. Raises change_format.ChangeDamaged."""
    flags, end, last, count = _HEADER.unpack_from(answer)
    position = _HEADER.size
    changes: list[Change] = []
    for _ in range(count):
        stamp, size = _ENTRY.unpack_from(answer, position)
        position += _ENTRY.size
        changes.append(decode(change_key(partition_id, stamp), answer[position : position + size]))
        position += size
    return ChangesPage(changes, bool(flags & _MORE), end if flags & _CLOSED else None, last)
