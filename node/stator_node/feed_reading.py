"""Reading a partition's feed out of a store: a part of it, in order.

In: a store, a partition and stamps. Out: stored records. Called by `local_streams.py` and, for
partitions of a cluster, by `partition_requests.py`.
"""

from __future__ import annotations

from stator_core.change_format import feed_bounds
from stator_node.doors import ItemStore

SLICE_RECORDS = 100
FeedEntry = tuple[bytes, bytes]  # key and value


def read_feed(
    store: ItemStore, partition_id: int, start: int, end: int, limit: int, bytes_max: int
) -> tuple[list[FeedEntry], bool]:
    """Records with start <= stamp < end: up to `limit`, and no slice more once they have so many
    bytes. True: there are others behind them. Raises StorageFailed."""
    entries: list[FeedEntry] = []
    if start >= end:
        return entries, False
    cursor = store.cursor("changes", *feed_bounds(partition_id, start - 1, end))
    size = 0
    while len(entries) <= limit and size <= bytes_max:
        count = min(SLICE_RECORDS, limit + 1 - len(entries))
        found = cursor.take(count)
        entries += found
        size += sum(len(value) for _, value in found)
        if len(found) < count:
            return entries[:limit], len(entries) > limit
    if len(entries) > limit:
        return entries[:limit], True
    return entries, bool(cursor.take(1))
