"""Where the next sync runs: in place while the disk is quick, in a thread while it is not.

A lone write synced in place wakes no thread, but holds the event loop up for as long: 0.1 to 0.3 ms
on a good disk, and a second on a bad one, in which no read is answered. `group_commit.py` says when
each sync begins and ends, wherever it runs. Pods must not miss a heartbeat and always use a thread
(`sync_loop.py`).

Invariant: one slow sync is enough to have the next ones in the thread, until quick ones have made
up for it.
"""

from __future__ import annotations

from stator_node.doors import Clock

QUICK_SECONDS = 0.002  # on average; above, the thread's waking (about 0.1 ms) is little beside it
WEIGHT = 0.1  # of the newest sync in the average: a second is made up for by forty quick ones


class SyncPace:
    """How long syncs take lately."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = 0.0
        self._average = 0.0

    @property
    def is_quick(self) -> bool:
        """Whether a sync may hold up the event loop."""
        return self._average <= QUICK_SECONDS

    def begin(self) -> None:
        """A sync begins now."""
        self._began = self._clock.monotonic()

    def end(self) -> None:
        """It has ended, well or not."""
        took = self._clock.monotonic() - self._began
        self._average += (took - self._average) * WEIGHT
