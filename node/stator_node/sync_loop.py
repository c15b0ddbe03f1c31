"""One disk, one sync at a time: the batches of all partitions of a pod share it.

In: operations with a callback each, from `partition_host.py`. Everything that came in two turns of
the event loop, and all that comes while a sync is under way, is one batch and one sync. Out: the
callbacks, in order, once their batch is durable. Syncs run in a thread, where RocksDB lets go of
the interpreter: a loop that waited for a slow disk would miss heartbeats and lose what it leads.

Invariants: batches become durable in order; a callback is called once, and after those of all
earlier batches; after a failure nothing is reported durable any more: the pod must be restarted or
its store reopened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from stator_node.doors import ItemStore, Operation, StorageFailed

logger = logging.getLogger(__name__)

Done = Callable[[], None]


class SyncLoop:
    """Makes batches durable one after the other."""

    def __init__(
        self,
        store: ItemStore,
        loop: asyncio.AbstractEventLoop,
        failed: Callable[[StorageFailed], None],
    ) -> None:
        """`failed` is told once, when the disk refuses."""
        self._store = store
        self._loop = loop
        self._failed = failed
        self._operations: list[Operation] = []
        self._waiting: list[Done] = []
        self._syncing: list[Done] | None = None
        self._scheduled = False
        self._broken = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sync")

    def append(self, operations: Sequence[Operation], done: Done) -> None:
        """Write `operations`; call `done` when they are durable."""
        if self._broken:
            return
        self._operations += operations
        self._waiting.append(done)
        if not self._scheduled and self._syncing is None:
            self._scheduled = True
            # Two turns on: uvloop writes to sockets at the end of a turn, and what was sent in this
            # one or by a flush in the next must reach the peers first: their disks work meanwhile.
            self._loop.call_soon(self._loop.call_soon, self._commit)

    def close(self) -> None:
        """End the sync thread."""
        self._thread.shutdown(wait=True)

    def _commit(self) -> None:
        """Called by the event loop, two turns after the first batch came."""
        self._scheduled = False
        if self._syncing is None and self._waiting and not self._broken:
            self._begin()

    def _begin(self) -> None:
        """Write what waits, and have a thread sync it."""
        waiting = self._write()
        if waiting:
            self._syncing = waiting
            syncing = self._loop.run_in_executor(self._thread, self._store.sync)
            syncing.add_done_callback(self._synced)

    def _write(self) -> list[Done]:
        """Who waits for what was written; nobody if the disk refuses."""
        operations, self._operations = self._operations, []
        waiting, self._waiting = self._waiting, []
        try:
            self._store.write(operations, sync=False)
        except StorageFailed as error:
            self._break(error)
            return []
        return waiting

    def _synced(self, synced: asyncio.Future[None]) -> None:
        waiting, self._syncing = self._syncing, None
        assert waiting is not None
        error = synced.exception()
        if error is not None:
            self._break(error)
            return
        if self._waiting:
            self._begin()  # The next sync runs while these callbacks do.
        self._tell(waiting)

    def _tell(self, waiting: list[Done]) -> None:
        for done in waiting:
            try:
                done()
            except StorageFailed as error:
                # It had more to write, which now is missing.
                self._break(error)
            except Exception:
                # One partition's trouble must not keep the others waiting for ever.
                logger.exception("a partition could not go on after its sync")

    def _break(self, error: BaseException) -> None:
        if self._broken:
            return
        logger.error("the disk refuses: %s", error)
        self._broken = True
        self._waiting.clear()
        self._operations.clear()
        self._failed(error if isinstance(error, StorageFailed) else StorageFailed(repr(error)))
