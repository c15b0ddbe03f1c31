"""The thread that syncs for a group commit: told to begin by the event loop, tells it of the end.

Made by `group_commit.py`. An executor does the same with a future of its own, one of the loop's and
a further turn of the loop for each sync; syncs are what writes wait for, so this does without.
Invariant: one sync at a time; `done` is called by the loop, once for each `begin`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue

Done = Callable[[BaseException | None], None]


class SyncThread:
    """Runs `sync` in a thread of its own, begun with the first."""

    def __init__(
        self, sync: Callable[[], None], loop: asyncio.AbstractEventLoop, done: Done
    ) -> None:
        """`done` is told what the sync raised, or None."""
        self._sync = sync
        self._loop = loop
        self._done = done
        self._wanted: SimpleQueue[bool] = SimpleQueue()  # False: the end
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Sync. The one before must have ended."""
        if self._thread is None:
            # A daemon: whoever forgets to close it is not held up at the end of the process.
            self._thread = threading.Thread(target=self._run, name="sync", daemon=True)
            self._thread.start()
        self._wanted.put(True)

    def close(self) -> None:
        """Wait for the sync under way, and end."""
        if self._thread is not None:
            self._wanted.put(False)
            self._thread.join()

    def _run(self) -> None:
        while self._wanted.get():
            error: BaseException | None = None
            try:
                self._sync()
            except BaseException as raised:  # noqa: BLE001  # `done` decides what it means.
                error = raised
            with contextlib.suppress(RuntimeError):  # The loop has been closed: nobody waits.
                self._loop.call_soon_threadsafe(self._done, error)
