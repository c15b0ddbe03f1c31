"""Item stores in memory that a test holds, fills or breaks, and that write down what is asked.

Imported by tests/node. `SlowDisk` is the product's own `MemoryItemStore` behind a sync that takes
as long as the test says, and with the failures of a real disk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from stator_node.doors import Operation, StorageFailed
from stator_node.memory import MemoryItemStore

HELD_SECONDS_MAX = 10.0


class SlowDisk(MemoryItemStore):
    """`done` lists what the store did: ("write", keys, synced), ("sync",), ("reopen",)."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[object, ...]] = []
        self.sync_error: str | None = None
        self.on_write: Callable[[], object] | None = None  # called once, after the next write
        self._may_sync = threading.Event()
        self._may_sync.set()

    def hold(self) -> None:
        """Let syncs begin but not end."""
        self._may_sync.clear()

    def release(self) -> None:
        """Let them end."""
        self._may_sync.set()

    def write(self, operations: Sequence[Operation], *, sync: bool) -> None:
        super().write(operations, sync=False)
        self.done.append(("write", [key for _, key, _ in operations], sync))
        on_write, self.on_write = self.on_write, None
        if on_write is not None:
            on_write()
        if sync:
            super().sync()

    def sync(self) -> None:
        self.done.append(("sync",))
        assert self._may_sync.wait(HELD_SECONDS_MAX), "a test must release what it holds"
        if self.sync_error is not None:
            raise StorageFailed(self.sync_error)
        super().sync()

    def reopen(self) -> None:
        super().reopen()
        self.done.append(("reopen",))
