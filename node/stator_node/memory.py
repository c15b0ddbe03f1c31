"""The in-memory twins of the doors: an item store that forgets, and a clock that tests move.

Used by tests and by the simulator; `MemoryItemStore` keeps the durable and the merely written state
apart, so that `lose_power` shows what a crash would leave.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence

from stator_node.doors import FAMILIES, Family, Operation, StorageFailed


class MemoryCursor:
    """A `doors.Cursor` over a copy of the range."""

    def __init__(self, snapshot: list[tuple[bytes, bytes]]) -> None:
        self._rest = iter(snapshot)

    def take(self, count: int) -> list[tuple[bytes, bytes]]:
        return list(itertools.islice(self._rest, count))

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self._rest


class MemoryItemStore:
    """A `doors.ItemStore` in memory. `fail_with` makes it refuse, as a full disk would."""

    def __init__(self) -> None:
        self._values: dict[Family, dict[bytes, bytes]] = {name: {} for name in FAMILIES}
        self._keys: dict[Family, list[bytes]] = {name: [] for name in FAMILIES}
        self._unsynced: list[tuple[Family, bytes, bytes | None]] = []  # how to undo, newest last
        self.fail_with: str | None = None
        self.get = self._values["items"].get

    def get_from(self, family: Family, key: bytes) -> bytes | None:
        return self._values[family].get(key)

    def cursor(
        self, family: Family, start: bytes, end: bytes, *, reverse: bool = False
    ) -> MemoryCursor:
        keys = self._keys[family]
        found = keys[bisect_left(keys, start) : bisect_left(keys, end)]
        values = self._values[family]
        snapshot = [(key, values[key]) for key in found]
        return MemoryCursor(snapshot[::-1] if reverse else snapshot)

    def write(self, operations: Sequence[Operation], *, sync: bool) -> None:
        if self.fail_with is not None:
            raise StorageFailed(self.fail_with)
        for family, key, value in operations:
            self._unsynced.append((family, key, self._values[family].get(key)))
            self._set(family, key, value)
        if sync:
            self.sync()

    def delete_range(self, family: Family, start: bytes, end: bytes) -> None:
        self.write([(family, key, None) for key, _ in self.cursor(family, start, end)], sync=True)

    def sync(self) -> None:
        if self.fail_with is not None:
            raise StorageFailed(self.fail_with)
        self._unsynced.clear()

    def lose_power(self) -> None:
        """Undo everything written since the last sync."""
        while self._unsynced:
            self._set(*self._unsynced.pop())

    def reopen(self) -> None:
        if self.fail_with is not None:
            raise StorageFailed(self.fail_with)

    def close(self) -> None:
        """Nothing to close; the content stays for whoever opens it again."""

    def _set(self, family: Family, key: bytes, value: bytes | None) -> None:
        values, keys = self._values[family], self._keys[family]
        if value is None:
            if values.pop(key, None) is not None:
                del keys[bisect_left(keys, key)]
            return
        if key not in values:
            insort(keys, key)
        values[key] = value


class ManualClock:
    """A `doors.Clock` that stands still until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass. Raises ValueError for a step back (`set_now` jumps the wall clock)."""
        if seconds < 0:
            raise ValueError("time passes forwards")
        self._now += seconds
        self._monotonic += seconds

    def set_now(self, now: float) -> None:
        """Jump the wall clock, as an operator or NTP may; monotonic time goes on."""
        self._now = now
