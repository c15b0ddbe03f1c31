"""How much traffic and data each partition here has: what the planner decides by.

In: operations as they are executed (`partition_requests.py`) and the stored entries, walked in
slices in the background. Out: the members of a replica's report. Bounded: a few hundred sampled
hashes for each partition. Invariant: figures lag and are estimates; nothing but placement depends
on them.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stator_core.partition_state import PartitionState
from stator_node.doors import Clock, ItemStore
from stator_node.hosted_partition import HostedPartition

WINDOW_SECONDS = 10.0
SAMPLES_MAX = 400
SLICE_ENTRIES = 500
ROUND_SECONDS = 5.0
WALK_RESTS = 2  # times as long as a walk took, before the next one of the partition
FREE_BYTES_UNKNOWN = 1 << 40


@dataclass(slots=True)
class Load:
    """One partition's figures."""

    window_start: float = 0.0
    operations: int = 0
    rate: float = 0.0  # operations per second in the last whole window
    hashes: deque[int] = field(default_factory=lambda: deque(maxlen=SAMPLES_MAX))
    size_bytes: int = 0
    item_count: int = 0
    byte_median: int | None = None
    walked: tuple[PartitionState, int] | None = None  # what was measured: at which index
    walk_at: float = 0.0  # not before this, monotonic


class PartitionLoads:
    """The figures of all partitions of this pod."""

    def __init__(self, store: ItemStore, clock: Clock, folder: Path | None) -> None:
        self._store = store
        self._clock = clock
        self._folder = folder
        self._loads: dict[int, Load] = {}

    def note(self, partition_id: int, place: int) -> None:
        """An operation was executed at this place of the hash space."""
        load = self._loads.get(partition_id)
        if load is None:
            load = self._loads[partition_id] = Load(self._clock.monotonic())
        load.operations += 1
        load.hashes.append(place)

    def sign(self, hosted: HostedPartition) -> tuple[Any, ...]:
        """What is another where the members of a report are: cheap to have."""
        load = self._present(hosted)
        return load.operations, load.rate, load.size_bytes, load.item_count, load.byte_median

    def _present(self, hosted: HostedPartition) -> Load:
        """The figures of a partition, of a window that is not over."""
        now = self._clock.monotonic()
        load = self._loads.get(hosted.partition_id)
        if load is None:
            load = self._loads[hosted.partition_id] = Load(now)
        passed = now - load.window_start
        if passed >= WINDOW_SECONDS:
            load.rate = load.operations / passed
            load.operations = 0
            load.window_start = now
        return load

    def of(self, hosted: HostedPartition) -> dict[str, Any]:
        """The members of a report."""
        load = self._present(hosted)
        median, share = _median_and_hot_share(load.hashes)
        return {
            "size_bytes": load.size_bytes,
            "item_count": load.item_count,
            "operations_per_second": load.rate,
            "byte_median": None if load.byte_median is None else f"{load.byte_median:017x}",
            "traffic_median": None if median is None else f"{median:017x}",
            "hot_key_share": share,
        }

    def free_bytes(self) -> int:
        """What the disk has left."""
        if self._folder is None:
            return FREE_BYTES_UNKNOWN
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize

    async def run(self, partitions: dict[int, HostedPartition]) -> None:
        """Measure sizes, forever."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            for hosted in tuple(partitions.values()):
                if hosted.state is not None:
                    await self._measure(hosted)
            for partition_id in self._loads.keys() - partitions.keys():
                del self._loads[partition_id]

    async def _measure(self, hosted: HostedPartition) -> None:
        """Walk the items of a partition: their number, their bytes, and the hash in the middle.

        Not where nothing has changed since, and seldom where it takes long.
        """
        assert hosted.state is not None
        load, began = self._present(hosted), self._clock.monotonic()
        walked = hosted.state, hosted.log.applied
        if load.walked == walked or began < load.walk_at:
            return
        family, start, end = hosted.state.owned_ranges()[0]
        cursor = self._store.cursor(family, start, end)
        size = count = 0
        marks: list[tuple[int, int]] = []  # (bytes so far, hash)
        while found := cursor.take(SLICE_ENTRIES):
            for key, value in found:
                size += len(key) + len(value)
                count += 1
            marks.append((size, int.from_bytes(found[-1][0][4:12], "big")))
            await asyncio.sleep(0.01)
        load.walked, ended = walked, self._clock.monotonic()
        load.walk_at = ended + WALK_RESTS * (ended - began)
        load.size_bytes, load.item_count = size, count
        load.byte_median = next((place for at, place in marks if at * 2 >= size), None)


def _median_and_hot_share(hashes: deque[int]) -> tuple[int | None, float]:
    """The median of sampled hashes, and the share of the most frequent one."""
    if len(hashes) < SAMPLES_MAX // 4:
        return None, 0.0
    ordered = sorted(hashes)
    longest = run = 1
    for before, place in itertools.pairwise(ordered):
        run = run + 1 if place == before else 1
        longest = max(longest, run)
    return ordered[len(ordered) // 2], longest / len(ordered)
