"""The clock of `--test-clock`: the machine's, moved forward by as much as a test asks.

Moved through the HTTP door (`gateway/clock_door.py`), read by everything that lasts: time to live,
the timestamps of writes and so the ages of streams, the times of tables. Not by the doors:
signatures and the Date of answers are the client's affair and keep to the machine's clock. With
three zones each process has one, and those of the storage processes follow (`cluster_clock.py`).
Invariant: it never goes back, as long as the machine's does not.
"""

from __future__ import annotations

from collections.abc import Callable

from stator_core.clock import MILLISECONDS_MAX
from stator_node.doors import Clock

NOW_MAX = MILLISECONDS_MAX // 1000 - 1  # timestamps end there


class CannotMove(ValueError):
    """The clock does not go there; the text says why."""


class MovableClock:
    """A `doors.Clock` ahead of another one."""

    def __init__(self, under: Clock) -> None:
        self._under = under
        self.ahead_seconds = 0.0
        self.monotonic = under.monotonic
        self.on_moved: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self._under.now() + self.ahead_seconds

    def advance(self, seconds: float) -> None:
        """Let so much time have passed. Raises CannotMove."""
        if not seconds >= 0:
            raise CannotMove("the clock does not go back: timestamps that were given stay given")
        if self.now() + seconds > NOW_MAX:
            raise CannotMove("the clock ends before that, in the year 10889")
        self.ahead_seconds += seconds
        self.on_moved()

    def follow(self, ahead_seconds: float) -> None:
        """Be as far ahead as another one, which may have been moved several times meanwhile."""
        if ahead_seconds > self.ahead_seconds:
            self.ahead_seconds = ahead_seconds
            self.on_moved()
