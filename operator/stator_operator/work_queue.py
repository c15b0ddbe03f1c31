"""Which object is looked at next: each by one worker at a time, as soon as something has happened.

In: keys, from `watches.py` (something happened), from the resync (time has passed) and from
reconciles (look again then). Out: calls of a reconcile. `Backlog` decides, without a clock of its
own; `WorkQueue` waits and calls. Run by `operator_process.py`.

Invariants: a key waits once, however often it is woken; one that is woken while it is worked on is
worked on again; what fails is tried again, ever more seldom, and never given up.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stator_operator.kubernetes_errors import ApiError
from stator_operator.metrics import Metrics

logger = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.5
RETRY_SECONDS_MAX = 60.0
# What a reconcile waits for without an event may take hours: the longer
# it has been quiet, the more seldom it is looked at, down to once a minute as the resync does.
QUIET_SHARE = 4.0
QUIET_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """An object of a kind that has a reconcile."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Backlog:
    """What waits, until when, and what is being worked on. Times in seconds of any one clock."""

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}
        self._order: list[tuple[float, int, Key]] = []
        self._numbers = itertools.count()
        self._worked_on: set[Key] = set()

    def __len__(self) -> int:
        """How many wait, those too whose time has not come."""
        return len(self._due)

    def add(self, key: Key, due: float) -> None:
        """Have it looked at from `due` on; the earlier, if it waits already."""
        known = self._due.get(key)
        if known is None or due < known:
            self._due[key] = due
            if key not in self._worked_on:
                heapq.heappush(self._order, (due, next(self._numbers), key))

    def take(self, now: float) -> Key | None:
        """The key that is due and has waited longest; it is worked on until `done`."""
        self._drop_outdated()
        if not self._order or self._order[0][0] > now:
            return None
        _, _, key = heapq.heappop(self._order)
        del self._due[key]
        self._worked_on.add(key)
        return key

    def next_due(self) -> float | None:
        """When there is something to take again; None: nothing waits."""
        self._drop_outdated()
        return self._order[0][0] if self._order else None

    def done(self, key: Key) -> None:
        """Nobody works on it any longer."""
        self._worked_on.remove(key)
        if key in self._due:
            heapq.heappush(self._order, (self._due[key], next(self._numbers), key))

    def _drop_outdated(self) -> None:
        """Entries whose key has come earlier, or is being worked on, stand for nothing."""
        while self._order:
            due, _, key = self._order[0]
            if self._due.get(key) == due and key not in self._worked_on:
                return
            heapq.heappop(self._order)


def retry_seconds(failures: int, asked_for: float = 0.0) -> float:
    """How long to wait after so many failures in a row, at least what the API server asked for."""
    assert failures >= 1
    backoff = min(FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 16), RETRY_SECONDS_MAX)
    return max(backoff, asked_for)


def again_seconds(asked_for: float, quiet: float) -> float:
    """When to look again, though nothing has happened for `quiet` seconds: ever more seldom."""
    return max(asked_for, min(quiet / QUIET_SHARE, QUIET_SECONDS_MAX))


# Works on an object; the seconds until it wants to look again though nothing happens, or None.
Reconcile = Callable[[Key], Awaitable[float | None]]


class WorkQueue:
    """Calls reconciles. `reconcile_of`: by kind."""

    def __init__(self, reconcile_of: dict[str, Reconcile], workers: int, metrics: Metrics) -> None:
        self._reconcile_of = reconcile_of
        self._workers = workers
        self._metrics = metrics
        self._backlog = Backlog()
        self._failures: dict[Key, int] = {}
        self._news: dict[Key, float] = {}  # since when nothing has happened to what is waited for
        self._woken = asyncio.Event()

    def wake(self, key: Key) -> None:
        """Something has happened to an object: have it looked at."""
        self._news[key] = self._now()
        self._add(key, 0.0)

    def look(self, key: Key) -> None:
        """Have an object looked at, though nothing has happened that anybody knows of."""
        self._add(key, 0.0)

    def _add(self, key: Key, after_seconds: float) -> None:
        assert key.kind in self._reconcile_of, key
        self._backlog.add(key, self._now() + after_seconds)
        self._metrics.waiting_objects = len(self._backlog)
        self._woken.set()

    async def run(self) -> None:
        """Work, until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            key = self._backlog.take(self._now())
            if key is None:
                await self._wait()
                continue
            try:
                await self._work_on(key)
            finally:
                self._backlog.done(key)
                self._woken.set()

    async def _wait(self) -> None:
        """Until something is due, or has been added."""
        self._woken.clear()
        due = self._backlog.next_due()
        try:
            async with asyncio.timeout_at(due):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _work_on(self, key: Key) -> None:
        begun = self._now()
        try:
            again = await self._reconcile_of[key.kind](key)
        except ApiError as error:
            logger.warning("%s: %s", key, error)
            again = self._failed(key, error.retry_seconds)
        except Exception:
            # A bug that one object brings out must not end the work on the others.
            logger.exception("%s: the reconcile failed", key)
            again = self._failed(key, 0.0)
        else:
            self._failures.pop(key, None)
            again = self._again(key, again)
        self._metrics.worked(key.kind, self._now() - begun, failed=key in self._failures)
        if again is not None:
            self._add(key, again)

    def _again(self, key: Key, asked_for: float | None) -> float | None:
        if asked_for is None:
            self._news.pop(key, None)
            return None
        now = self._now()
        return again_seconds(asked_for, now - self._news.setdefault(key, now))

    def _failed(self, key: Key, asked_for: float) -> float:
        self._failures[key] = self._failures.get(key, 0) + 1
        return retry_seconds(self._failures[key], asked_for)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
