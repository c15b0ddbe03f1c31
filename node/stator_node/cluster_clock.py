"""The test clock of three zones: storage processes are as far ahead as the one that is moved.

In: the clock that the HTTP door moves, in the process of the gateway (`local_zones.py`). Out:
MOVE_CLOCK requests to every pod, at once when it is moved, and again and again for a pod that was
started anew. Frames arrive in their order: what is asked of a pod after a move sees it moved.
Invariant: a pod is told how far ahead it is to be, not how far to go, so it may be told twice.
"""

from __future__ import annotations

import asyncio

import orjson

from stator_node.cluster_view import ClusterView
from stator_node.doors import Clock
from stator_node.movable_clock import MovableClock
from stator_node.operation_codes import OperationCode

TELL_SECONDS = 1.0
ANSWER_SECONDS_MAX = 1.0


def following(clock: Clock, view: ClusterView) -> list[asyncio.Task[None]]:
    """The task that has every pod of a view follow this clock, where it is one that is moved."""
    if not isinstance(clock, MovableClock):
        return []
    return [asyncio.get_running_loop().create_task(ClusterClock(clock, view).run())]


class ClusterClock:
    """Tells every pod of a view how far the clock is ahead."""

    def __init__(self, clock: MovableClock, view: ClusterView) -> None:
        self._clock = clock
        self._view = view
        clock.on_moved = self.tell

    def tell(self) -> None:
        """Tell those that are there; who does not hear it is told again by `run`."""
        body = orjson.dumps(self._clock.ahead_seconds)
        for node_id in self._view.nodes:
            self._view.links.request(
                node_id, 0, OperationCode.MOVE_CLOCK, 0, body, ANSWER_SECONDS_MAX
            )

    async def run(self) -> None:
        """Tell again and again, until cancelled."""
        while True:
            await asyncio.sleep(TELL_SECONDS)
            if self._clock.ahead_seconds:
                self.tell()
