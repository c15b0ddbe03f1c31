"""A node's disk: it forgets what was not synced, refuses, grows slow, and rots.

`SimulatedDisk` is a `doors.ItemStore`: the product's `MemoryItemStore` with the faults of the
world. A power cut keeps the synced batches and a prefix, perhaps empty, of the later ones, each
whole or not at all, as RocksDB's write-ahead log does; a killed process loses nothing that it has
written. After either the old object is dead and `successor` is what the restarted node opens, so
that code of before the crash cannot touch the disk of after it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from zlib import crc32

from stator_node.doors import FAMILIES, Family, Operation, StorageFailed
from stator_node.memory import MemoryItemStore

FULL = "IO error: No space left on device"
OFF = "the power is off"


@dataclass(slots=True)
class DiskSettings:
    """Times in seconds; chances from 0 to 1, for each call."""

    write_seconds: float = 0.000_02
    sync_seconds_min: float = 0.000_2
    sync_seconds_mean: float = 0.000_5
    slowness: float = 1.0  # all times are multiplied by it
    write_failure: float = 0.0
    sync_failure: float = 0.0


class SimulatedDisk(MemoryItemStore):
    """See the module. `fail_with` (of the parent) refuses every write and sync until cleared."""

    def __init__(
        self,
        chance: random.Random,
        settings: DiskSettings | None = None,
        *,
        record: Callable[..., None] = lambda *_: None,
        busy: Callable[[float], None] = lambda _: None,
    ) -> None:
        """`record` takes what happens into the trace; `busy` lets the calling thread take time."""
        super().__init__()
        self.settings = settings or DiskSettings()
        self._chance = chance
        self._record = record
        self._busy = busy
        self._batches: list[int] = []  # length of _unsynced after each unsynced batch

    def write(self, operations: Sequence[Operation], *, sync: bool) -> None:
        self._maybe_fail("write", self.settings.write_failure)
        super().write(operations, sync=False)
        self._batches.append(len(self._unsynced))
        self._record("write", len(operations), _digest(operations))
        self._busy(self.settings.write_seconds * self.settings.slowness)
        if sync:
            self._busy(self.sync_seconds())
            self.sync()

    def sync(self) -> None:
        """Make all that has been written durable. Takes no time by itself: see `sync_seconds`."""
        self._maybe_fail("sync", self.settings.sync_failure)
        super().sync()
        self._record("sync", len(self._batches))
        self._batches.clear()

    def sync_seconds(self) -> float:
        """How long the next sync takes."""
        least = self.settings.sync_seconds_min
        extra = self._chance.expovariate(1.0) * (self.settings.sync_seconds_mean - least)
        return (least + extra) * self.settings.slowness

    def fail_reads(self, reason: str) -> None:
        """Every read raises StorageFailed from now on, as a dying disk's would."""

        def refuse(*_: Any, **__: Any) -> NoReturn:
            raise StorageFailed(reason)

        self.get = refuse
        self.get_from = refuse  # type: ignore[method-assign]
        self.cursor = refuse  # type: ignore[method-assign]

    def fill(self) -> None:
        """The disk is full; `fail_with = None` makes room."""
        self.fail_with = FULL

    def lose_power(self) -> None:
        """Keep what was synced and, half of the time, some of the batches written after that."""
        batches = len(self._batches)
        self.keep_batches(self._chance.choice((0, self._chance.randint(0, batches))))

    def keep_batches(self, count: int) -> None:
        """Forget all unsynced batches but the first `count`; what is left is durable."""
        assert 0 <= count <= len(self._batches)
        length = self._batches[count - 1] if count else 0
        self._record("power lost", count, len(self._batches))
        while len(self._unsynced) > length:
            self._set(*self._unsynced.pop())
        self._unsynced.clear()
        self._batches.clear()

    def successor(self) -> SimulatedDisk:
        """The same content for the next life of the node; this object refuses from now on."""
        heir = SimulatedDisk(self._chance, self.settings, record=self._record, busy=self._busy)
        heir.fail_with = self.fail_with
        heir._values, heir._keys = self._values, self._keys
        heir._unsynced, heir._batches = self._unsynced, self._batches
        heir.get = heir._values["items"].get
        self._values = {name: {} for name in FAMILIES}
        self._keys = {name: [] for name in FAMILIES}
        self._unsynced, self._batches = [], []
        self.get = self._values["items"].get
        self.fail_with = OFF
        return heir

    def erase(self) -> None:
        """Lose everything, as when the volume's folder is deleted."""
        for family in FAMILIES:
            self._values[family].clear()
            self._keys[family].clear()
        self._unsynced.clear()
        self._batches.clear()
        self._record("erased")

    def corrupt(self, families: Iterable[Family] = FAMILIES) -> tuple[Family, bytes] | None:
        """Flip one bit of one stored value; tells which. None if there is nothing stored."""
        stored = [
            (family, key)
            for family in families
            for key in self._keys[family]
            if self._values[family][key]
        ]
        if not stored:
            return None
        family, key = self._chance.choice(stored)
        value = bytearray(self._values[family][key])
        bit = self._chance.randrange(len(value) * 8)
        value[bit // 8] ^= 1 << bit % 8
        self._values[family][key] = bytes(value)
        self._record("corrupted", family, key, bit)
        return family, key

    def content(self, family: Family) -> list[tuple[bytes, bytes]]:
        """All entries of a family, for the checkers; they see the disk whatever its faults."""
        return [(key, self._values[family][key]) for key in self._keys[family]]

    def _maybe_fail(self, call: str, failure: float) -> None:
        if failure and self._chance.random() < failure:
            self._record(f"{call} failed")
            raise StorageFailed(f"IO error: the simulated {call} failed")


def _digest(operations: Sequence[Operation]) -> int:
    """Of the bytes written, so that two runs that differ in one byte differ in their trace."""
    digest = 0
    for family, key, value in operations:
        digest = crc32(value or b"\0", crc32(key, crc32(family.encode(), digest)))
    return digest
