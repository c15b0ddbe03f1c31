"""The timestamps of a partition grow with its log, whatever clocks, leaders and disks do.

Events are dicts with `event`, `partition`, and

    applied    index, timestamp, items   an entry that has one; `items` are those of the items and
               cuts                      change records in it; `cuts`: it may end a stream's shard
    split      child, timestamp          the child's begin above this one
    merged     absorbed, timestamp       the entry's own; the items of the absorbed are older
    stands     index, timestamp          a replica holds all up to index, and this is the newest

The same entry is told by each replica that applies it. Invariants: an entry's timestamp is above
those of all before it; those of its items and records are below its own, above those of all earlier
ones, and above each cut before it, so that nothing comes to a shard that has ended; what a replica
keeps as its newest is the newest, after restarts, snapshots and splits, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulation.promise import PromiseBroken


class StampOrderChecker:
    """Watches timestamps. It needs an entry to be told before what comes behind it."""

    def __init__(self) -> None:
        self._newest: dict[Any, int] = {}  # by partition: of its last entry that has one
        self._newest_item: dict[Any, int] = {}
        self._index: dict[Any, int] = {}  # of that last entry
        self._first: dict[Any, int] = {}  # what the partition began above
        self._stamps: dict[Any, list[tuple[int, int]]] = {}  # (index, timestamp), in order

    def observe(self, event: Mapping[str, Any]) -> None:
        """Take one event; those of other kinds are passed over. Raises PromiseBroken."""
        match event["event"]:
            case "applied" if event.get("timestamp") is not None:
                self._on_applied(event["partition"], event)
            case "split":
                # One that did not fit may have been asked for again.
                child, timestamp = event["child"], event["timestamp"]
                self._first[child] = max(timestamp, self._first.get(child, 0))
            case "merged":
                self._on_merged(event["partition"], event["absorbed"], event["timestamp"])
            case "stands":
                self._on_stands(event["partition"], event["index"], event["timestamp"])

    def _on_applied(self, partition: Any, event: Mapping[str, Any]) -> None:
        index, timestamp = event["index"], event["timestamp"]
        if index <= self._index.get(partition, 0):
            return  # The logs agree, which is another checker's: it is what has been seen.
        floor = self._newest.get(partition, self._first.get(partition, 0))
        if timestamp <= floor:
            raise PromiseBroken(
                f"partition {partition}: entry {index} is of {timestamp}, one before it of {floor}"
            )
        item_floor = self._newest_item.get(partition, self._first.get(partition, 0))
        for item in event["items"]:
            if not item_floor < item < timestamp:
                raise PromiseBroken(
                    f"partition {partition}: entry {index} of {timestamp} has an item of {item}, "
                    f"one before it was of {item_floor}"
                )
        if event["items"]:
            self._newest_item[partition] = max(event["items"])
        if event.get("cuts"):
            self._newest_item[partition] = timestamp
        self._index[partition], self._newest[partition] = index, timestamp
        self._stamps.setdefault(partition, []).append((index, timestamp))

    def _on_merged(self, partition: Any, absorbed: Any, timestamp: int) -> None:
        newest = self._newest_item.get(absorbed, 0)
        if newest >= timestamp:
            raise PromiseBroken(
                f"partition {partition} absorbs {absorbed} at {timestamp}, which has an item of "
                f"{newest}"
            )
        self._newest_item[partition] = max(newest, self._newest_item.get(partition, 0))

    def _on_stands(self, partition: Any, index: int, timestamp: int) -> None:
        newest = self._first.get(partition, 0)
        for at, stamp in reversed(self._stamps.get(partition, ())):
            if at <= index:
                newest = stamp
                break
        if timestamp != newest:
            raise PromiseBroken(
                f"partition {partition}: a replica stands at {index} and takes {timestamp} for the "
                f"newest timestamp, which is {newest}"
            )
