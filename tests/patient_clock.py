"""A clock for what runs in one event loop on a machine that may be busy with others.

Elections of a test are short. Where the machine gives the test no processor for as long, leaders of
pods that all stood still are voted out, and what follows is another story than the test tells. This
clock counts a look after a long silence as a short one, so time is what the loop was given of it.
Invariant: while the loop runs, it goes as the machine's does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

STEP_SECONDS_MAX = 0.02
LOOK_SECONDS = 0.005


class PatientClock:
    """A `doors.Clock`. One for all who are to agree on the time."""

    now = staticmethod(time.time)

    def __init__(self, machine: Callable[[], float] = time.monotonic) -> None:
        self._machine = machine
        self._looked = machine()
        self._passed = self._looked

    def monotonic(self) -> float:
        machine = self._machine()
        self._passed += min(machine - self._looked, STEP_SECONDS_MAX)
        self._looked = machine
        return self._passed

    async def watch(self) -> None:
        """Look often enough while nobody else does: for as long as the loop is to be timed."""
        while True:
            self.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
