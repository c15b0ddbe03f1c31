"""How far the streams of this pod's partitions have been read here, for the age of iterators.

In: each part of a feed that a reader is given (`partition_requests.py`). Out, in the pod's report
(`node_requests.py`): how far the furthest reader has come, and the oldest record that he has not
read. A reader may go on at another replica, so `cluster_status.py` believes whom was read furthest.
Invariant: a position goes forward only, until a newer stream of the table takes its place.
"""

from __future__ import annotations

from typing import Any

from stator_core import change_format
from stator_node.doors import ItemStore
from stator_node.feed_reading import ReadPosition


class ReadPositions:
    """The positions of one pod, by partition."""

    def __init__(self, store: ItemStore) -> None:
        self._store = store
        self._by_partition: dict[int, ReadPosition] = {}

    def note(self, partition_id: int, position: ReadPosition) -> None:
        """Somebody has read a partition's feed so far."""
        before = self._by_partition.get(partition_id, position)
        self._by_partition[partition_id] = max(before, position)

    def report(self, partition_id: int) -> dict[str, Any] | None:
        """The furthest position; None: nobody has read here. Raises StorageFailed."""
        position = self._by_partition.get(partition_id)
        if position is None:
            return None
        bounds = change_format.feed_bounds(partition_id, position.until - 1)
        unread = self._store.cursor("changes", *bounds).take(1)
        return {
            **position._asdict(),
            "oldest_unread": change_format.stamp_of(unread[0][0]) if unread else None,
        }
