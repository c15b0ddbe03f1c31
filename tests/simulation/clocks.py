"""A node's two clocks: wrong by an offset, too fast or too slow, and made to jump.

`NodeClock` is a `doors.Clock` over the world's true time. `world.py` gives one to each node; it
outlives crashes, as a machine's clock does. The node's timers run on `monotonic`, so on a node that
drifts a timeout takes more or less than its time.
"""

from __future__ import annotations

from collections.abc import Callable

EPOCH_SECONDS = 1_800_000_000.0  # the wall clock of a node without fault when the world begins
NANOSECONDS = 1_000_000_000


class NodeClock:
    """Skew is `offset`, in seconds of the wall clock; `rate` 1.0002 gains 200 us each second."""

    def __init__(
        self,
        true_now: Callable[[], int],
        *,
        offset: float = 0.0,
        rate: float = 1.0,
        uptime: float = 0.0,
    ) -> None:
        """`true_now` gives nanoseconds; `uptime` is what `monotonic` says at the beginning."""
        self._true_now = true_now
        self._offset = offset
        self._rate = rate
        self._base_true = true_now()
        self._base = uptime
        self._uptime = uptime

    def now(self) -> float:
        return EPOCH_SECONDS + self.monotonic() - self._uptime + self._offset

    def monotonic(self) -> float:
        return self._base + (self._true_now() - self._base_true) * self._rate / NANOSECONDS

    def jump(self, seconds: float) -> None:
        """Step the wall clock forwards or back; monotonic time goes on."""
        self._offset += seconds

    def drift(self, rate: float) -> None:
        """Run at another rate from now on. Raises ValueError unless it is positive."""
        if rate <= 0:
            raise ValueError("a clock goes forwards")
        self._base, self._base_true = self.monotonic(), self._true_now()
        self._rate = rate

    def true_nanoseconds(self, seconds: float) -> int:
        """How long in true time a timer of so many seconds on this clock takes."""
        return max(0, round(seconds / self._rate * NANOSECONDS))
