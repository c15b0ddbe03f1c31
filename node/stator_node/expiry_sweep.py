"""The sweep: items whose time to live is over are deleted, in the background and a few at a time.

In: the partitions that are written here (`local_expiries.py`, `cluster_expiries.py`), and the time.
Each round takes the due entries of every partition's index by expiry, oldest first, in slices, and
looks at each item again: one that still ends at that second is deleted as a client's DeleteItem
would do it, marked as the service's own; an entry whose item is gone, moved or has got another
value is taken away. One slice is under way at a time, and after it the sweep rests several times as
long as it has worked, so that it takes a bounded share of the disk and of the loop. Nothing walks
over items. Invariants: what is deleted was due by this process's clock in that very turn of the
event loop; what fails is tried again in the next round.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from stator_core import expiry, item_format, keys
from stator_core.item_format import Damaged
from stator_core.requests.delete_item import DeleteItem
from stator_core.table import Table
from stator_node.doors import Clock, Operation, StorageDamaged
from stator_node.pending import Pending, wait
from stator_node.replica import Replica

logger = logging.getLogger(__name__)

SLICE_ENTRIES = 32
ROUND_SECONDS = 5.0
REST_FACTOR = 3
# What a slice works itself, at most; for the rest of its time it waits for the disk, as others do.
WORK_SECONDS_MAX = 0.005
REST_SECONDS_MIN = 0.001


@dataclass(slots=True)
class SweepCounts:
    """What the sweep of one partition has done since the process began."""

    deleted: int = 0
    stale: int = 0  # entries without their item
    backlog_seconds: float = 0.0  # how long the oldest entry had been due in the last round

    def report(self) -> dict[str, Any]:
        """The members of a replica's report."""
        return {
            "deleted": self.deleted,
            "stale": self.stale,
            "backlog_seconds": self.backlog_seconds,
        }


class SweptPlace(Protocol):
    """A partition as the sweep needs it."""

    partition_id: int
    replica: Replica

    def table(self) -> Table | None:
        """The table while it is served and expires by an attribute, and is written here."""

    def holds(self, item_key: bytes) -> bool:
        """Whether an item of this stored key belongs here."""

    def damaged(self, error: Damaged | StorageDamaged) -> None:
        """An item, or a block of the disk, cannot be read; it is left alone."""


class Pass(Protocol):
    """Work that is done slice by slice."""

    async def slice(self) -> bool:
        """Do a little. True: nothing is left. Raises what keeps it from going on."""


class SweepPass:
    """One walk over what is due in one partition."""

    def __init__(self, place: SweptPlace, clock: Clock, counts: SweepCounts) -> None:
        self._place = place
        self._clock = clock
        self._counts = counts
        self._position = b""
        counts.backlog_seconds = 0.0

    async def slice(self) -> bool:
        """Delete some of what is due. Raises DynamoDBError, StorageFailed, NotLeading."""
        try:
            return await self._sweep()
        except StorageDamaged as error:
            self._place.damaged(error)
            raise

    async def _sweep(self) -> bool:
        table = self._place.table()
        if table is None:
            return True
        now = self._clock.now()
        start, end = expiry.due_bounds(self._place.partition_id, now)
        store = self._place.replica.commit.store
        found = store.cursor("expiries", max(start, self._position), end).take(SLICE_ENTRIES)
        if found:
            if not self._position:
                self._counts.backlog_seconds = now - expiry.read_key(found[0][0]).second
            self._position = found[-1][0] + b"\0"
            await self._take_away(table, found, now)
        return len(found) < SLICE_ENTRIES

    async def _take_away(
        self, table: Table, found: Sequence[tuple[bytes, bytes]], now: float
    ) -> None:
        """Delete the items of these entries, or the entries."""
        deleting, stale = self._begin(table, found, now)
        commit = self._place.replica.commit
        if stale:
            await wait(commit.answer_after(commit.stage_beside(stale), b""))
            self._counts.stale += len(stale)
        for pending in deleting:
            await wait(pending)
            self._counts.deleted += 1

    def _begin(
        self, table: Table, found: Sequence[tuple[bytes, bytes]], now: float
    ) -> tuple[list[Pending[bytes]], list[Operation]]:
        """In one turn: the deletes of items that still end when their entries say, and the rest."""
        deleting: list[Pending[bytes]] = []
        stale: list[Operation] = []
        for key, stored in found:
            try:
                expiry.check(key, stored)
            except expiry.ExpiryDamaged as error:
                logger.error("%s; its item decides", error)
            second, item_key = expiry.read_key(key)
            try:
                ends = self._second_of(table, item_key)
            except Damaged as error:
                self._place.damaged(error)
                continue
            if ends != second:
                stale.append(("expiries", key, None))
            elif expiry.is_due(ends, now):
                attributes = keys.stored_key_attributes(table, None, item_key)
                request = DeleteItem(table.name, attributes)
                deleting.append(self._place.replica.write(table, request, by_service=True))
        return deleting, stale

    def _second_of(self, table: Table, item_key: bytes) -> int | None:
        """When the item ends by its newest write, one in flight too. Raises Damaged."""
        assert table.expires_by is not None
        if not self._place.holds(item_key):
            return None
        stored = self._place.replica.commit.item(item_key)
        if stored is None:
            return None
        item = orjson.loads(item_format.payload_of(item_key, stored))
        return expiry.second_of(item, table.expires_by)


class Rounds:
    """Does passes in rounds: all that there are, a slice of each in turn, with rests in between."""

    def __init__(
        self,
        passes: Callable[[], Sequence[Pass]],
        clock: Clock,
        *,
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        self._passes = passes
        self._clock = clock
        self._round_seconds = round_seconds
        self._woken = asyncio.Event()
        self._complaint = ""

    def wake(self) -> None:
        """Begin the next round at once: the time, or a setting, has jumped."""
        self._woken.set()

    async def run(self) -> None:
        """Round after round, until cancelled."""
        while True:
            self._woken.clear()
            await self.round()
            try:
                async with asyncio.timeout(self._round_seconds):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def round(self) -> None:
        """Do every pass to its end, or until something keeps it from going on."""
        left: list[Pass] = []
        failures = 0
        try:
            left += self._passes()
        except Exception as error:  # noqa: BLE001  # The next round asks again.
            failures += 1
            self._complain(error)
        while left:
            for each in tuple(left):
                began = self._clock.monotonic()
                try:
                    is_over = await each.slice()
                except Exception as error:  # noqa: BLE001  # Whatever it is: the next round.
                    failures += 1
                    self._complain(error)
                    is_over = True
                if is_over:
                    left.remove(each)
                took = self._clock.monotonic() - began
                rest = min(took, WORK_SECONDS_MAX) * REST_FACTOR
                await asyncio.sleep(max(REST_SECONDS_MIN, rest))
        if not failures:
            self._complaint = ""

    def _complain(self, error: Exception) -> None:
        """Say once what keeps coming back."""
        complaint = f"{type(error).__name__}: {error}"
        if complaint != self._complaint:
            logger.warning("time to live waits for the next round: %s", complaint)
        self._complaint = complaint


class Expiries(ABC):
    """The indexes by expiry of all partitions that are written here: kept as wanted, and swept.

    Filling and sweeping go on beside each other, each in rounds of its own.
    """

    def __init__(self, clock: Clock, round_seconds: float) -> None:
        self._clock = clock
        self._filling = Rounds(self._fills, clock, round_seconds=round_seconds)
        self._sweeping = Rounds(self._sweeps, clock, round_seconds=round_seconds)

    async def run(self) -> None:
        """Keep the indexes and sweep, until cancelled."""
        await asyncio.gather(self._filling.run(), self._sweeping.run())

    def wake(self) -> None:
        """The clock has been moved: look now."""
        self._filling.wake()
        self._sweeping.wake()

    async def round(self) -> None:
        """One round of filling and one of sweeping."""
        await self._filling.round()
        await self._sweeping.round()

    @abstractmethod
    def _fills(self) -> Sequence[Pass]:
        """The indexes that are not yet what their settings want."""

    @abstractmethod
    def _sweeps(self) -> Sequence[Pass]:
        """The indexes in which something may be due."""
