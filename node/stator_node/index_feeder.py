"""Feeds the global indexes of the partitions that this pod leads, from their feeds of changes.

In: a word from `partition_host.py` when something followed was applied here. For each led partition
and each of its table's indexes a task reads the changes behind the index's cursor, makes entries of
them (`stator_core.index_entries`), and has the partitions of the index store them (INDEX_WRITE,
through `errand.py` and this pod's own view of the cluster). An index that was added to a table with
items is filled in the same way, slice by slice, while changes go on. Out: entries, and how far they
have come, as FOLLOW entries in the partition's own log.

Only what is applied is sent, so it is committed. What comes twice does no harm: a leader that does
not know yet that it was deposed may go on, and its successor begins at the cursor. Invariants: a
cursor never passes a change that an index has not stored; one index that does not answer holds up
no other.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from stator_core import change_format, index_entries
from stator_core.change_format import ChangeDamaged
from stator_core.clock import milliseconds_of
from stator_core.entry_format import EntryKind
from stator_core.errors import DynamoDBError
from stator_core.index_entries import IndexEntry
from stator_core.item_format import Damaged
from stator_core.key_format import hash_of
from stator_core.partition_changes import follow_body
from stator_core.partition_state import Follower, index_follower, place_key
from stator_core.raft.refusals import Refusal
from stator_core.table import Index, Table
from stator_node.cluster_view import ClusterView
from stator_node.doors import Clock, StorageFailed
from stator_node.errand import Errands, Scattered
from stator_node.hosted_partition import HostedPartition
from stator_node.operation_codes import OperationCode
from stator_node.partition_host import PartitionHost
from stator_node.pending import wait

logger = logging.getLogger(__name__)

SLICE_RECORDS = 64  # a few milliseconds of the loop
BATCH_BYTES_MAX = 512 * 1024
FOLLOW_SECONDS = 1.0  # from one cursor in the log to the next, at least
ERRAND_SECONDS = 2.0  # for one batch, until the cluster is looked at anew
LOOK_SECONDS = 0.25
# Writes to a table are throttled while a change waits for its index for longer than this.
LAG_SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class IndexLag:
    """How far an index is behind one partition: its oldest waiting change, and how many wait.

    The count ends at one slice: more is only more.
    """

    seconds: float
    records: int


class IndexFeeder:
    """All feeds of one pod."""

    def __init__(
        self,
        host: PartitionHost,
        view: ClusterView,
        errands: Errands,
        clock: Clock,
        *,
        lag_seconds_max: float = LAG_SECONDS_MAX,
    ) -> None:
        self._host = host
        self._view = view
        self._errands = errands
        self._clock = clock
        self._lag_seconds_max = lag_seconds_max
        self._feeds: dict[tuple[int, str], Feed] = {}
        self._looked_at = -LOOK_SECONDS

    def wake(self, hosted: HostedPartition) -> None:
        """Something followed was applied to this partition, or it is led, or described, anew."""
        state = hosted.state
        if state is None or not state.followers or not hosted.may_propose or state.is_of_index:
            return
        for index in state.table.global_indexes:
            name = index_follower(index.identifier)
            follower = state.follower(name)
            if follower is None:
                continue
            feed = self._feeds.get((hosted.partition_id, name))
            if feed is None or feed.hosted is not hosted or feed.term != hosted.raft.term:
                if feed is not None:
                    feed.task.cancel()
                self._begin(hosted, follower, index.identifier)
            else:
                feed.news.set()

    def _begin(self, hosted: HostedPartition, follower: Follower, identifier: int) -> None:
        key = hosted.partition_id, follower.name
        feed = Feed(self, hosted, follower, identifier)
        self._feeds[key] = feed

        def ended(_: asyncio.Task[None]) -> None:
            if self._feeds.get(key) is feed:
                del self._feeds[key]

        feed.task.add_done_callback(ended)

    def late(self, partition_id: int, table: Table) -> Index | None:
        """The index that is so far behind that the partition shall take no writes; else None."""
        for index in table.global_indexes:
            feed = self._feeds.get((partition_id, index_follower(index.identifier)))
            if feed is not None and feed.lag_seconds() > self._lag_seconds_max:
                return index
        return None

    def lags(self, partition_id: int, table: Table) -> dict[str, IndexLag]:
        """How far each index is behind a partition that is led here, by the index's name."""
        lags = {}
        for index in table.global_indexes:
            feed = self._feeds.get((partition_id, index_follower(index.identifier)))
            if feed is not None:
                lags[index.name] = IndexLag(feed.lag_seconds(), feed.waiting)
        return lags

    def stop(self) -> None:
        """The pod is about to end."""
        for feed in tuple(self._feeds.values()):
            feed.task.cancel()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._host.loop

    def now_milliseconds(self) -> int:
        """The wall clock."""
        return int(self._clock.now() * 1000)

    def rebuild(self, feed: Feed) -> None:
        """What this replica holds is damaged: its peers have it whole."""
        self._host.rebuild(feed.hosted)

    def leads(self, feed: Feed) -> bool:
        """Whether the feed's partition is led here as it was when the feed began."""
        hosted = feed.hosted
        is_here = self._host.partitions.get(hosted.partition_id) is hosted
        return is_here and hosted.may_propose and hosted.raft.term == feed.term

    async def deliver(self, identifier: int, entries: list[IndexEntry]) -> bool:
        """Have the partitions of an index store entries. False: not all of them have, yet."""
        parts: dict[int, list[IndexEntry]] = {}
        for entry in entries:
            partition = self._view.partition_of(identifier, hash_of(entry.key))
            parts.setdefault(-1 if partition is None else partition.partition_id, []).append(entry)
        if -1 in parts:
            await self._look()
            return False
        done = await asyncio.gather(*(self._send(identifier, part) for part in parts.values()))
        if not all(done):
            await self._look()
        return all(done)

    async def _send(self, identifier: int, entries: list[IndexEntry]) -> bool:
        body = index_entries.encode_batch(self.now_milliseconds(), entries)
        places = sorted({hash_of(entry.key) for entry in entries})
        try:
            await wait(
                self._errands.send(
                    identifier, places, OperationCode.INDEX_WRITE, body, seconds=ERRAND_SECONDS
                )
            )
        except (DynamoDBError, Scattered) as error:
            logger.info("index %d does not take its entries: %r", identifier, error)
            return False
        return True

    async def _look(self) -> None:
        """Ask the pods who holds what; not more often than makes sense."""
        now = self._clock.monotonic()
        pause = self._looked_at + LOOK_SECONDS - now
        if pause > 0:
            await asyncio.sleep(pause)
        self._looked_at = self._clock.monotonic()
        await self._view.poll()


class Feed:
    """One index's share of one led partition's changes, in one term."""

    def __init__(
        self, feeder: IndexFeeder, hosted: HostedPartition, follower: Follower, identifier: int
    ) -> None:
        self._feeder = feeder
        self.hosted = hosted
        self.term = hosted.raft.term
        self._name = follower.name
        self._identifier = identifier
        self._cursor = follower.delivered
        self._fill_at = None if follower.filled is None else bytes.fromhex(follower.filled)
        self._noted = follower  # what the log has been told
        self._noted_at = -FOLLOW_SECONDS
        self._oldest = 0  # the stamp of the change that waits longest; 0: none waits
        self._seen_clear = False
        self._waits_since: float | None = None  # by the loop's time, if its beginning was seen
        self.waiting = 0
        self.news = asyncio.Event()
        self.task = feeder.loop.create_task(self._run())

    def lag_seconds(self) -> float:
        """For how long the oldest waiting change has waited.

        Not longer than anything has waited here: a wall clock that jumps makes nobody late.
        """
        if not self._oldest:
            return 0.0
        waited = (self._feeder.now_milliseconds() - milliseconds_of(self._oldest)) / 1000
        if self._waits_since is not None:
            waited = min(waited, self._feeder.loop.time() - self._waits_since)
        return max(0.0, waited)

    async def _run(self) -> None:
        while self._feeder.leads(self) and self._index() is not None:
            self.news.clear()
            try:
                moved = await self._follow()
                moved = await self._fill() or moved
                noted = self._note(at_once=not moved)
            except (Damaged, ChangeDamaged) as error:
                logger.error("partition %d: %s", self.hosted.partition_id, error)
                self._feeder.rebuild(self)
                return
            except StorageFailed as error:
                logger.error("partition %d: %s", self.hosted.partition_id, error)
                moved = noted = False
            except Exception:
                # A bug. The index stays where it is; what is said of its lag tells of it.
                logger.exception("the feed of partition %d ended", self.hosted.partition_id)
                return
            if not moved:
                await self._wait_for_news(None if noted else FOLLOW_SECONDS)

    async def _wait_for_news(self, seconds: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.news.wait()

    def _index(self) -> tuple[Table, Index] | None:
        """The table and the index as they are by now; None where the index is going."""
        state = self.hosted.state
        if state is None or state.follower(self._name) is None:
            return None
        for index in state.table.global_indexes:
            if index.identifier == self._identifier:
                return state.table, index
        return None

    async def _follow(self) -> bool:
        """Send the next changes. False: there are none."""
        start, end = change_format.feed_bounds(self.hosted.partition_id, self._cursor)
        found = self.hosted.commit.store.cursor("changes", start, end).take(SLICE_RECORDS)
        self.waiting = len(found)
        if not found:
            self._oldest, self._seen_clear = 0, True
            return False
        if not self._oldest and self._seen_clear:
            self._waits_since = self._feeder.loop.time()
        described = self._index()
        assert described is not None
        self._oldest = change_format.stamp_of(found[0][0])
        entries: list[IndexEntry] = []
        for key, value in found:
            change = change_format.decode(key, value)
            entries += index_entries.entries_of_change(*described, change)
        if await self._deliver(entries):
            self._cursor = change_format.stamp_of(found[-1][0])
        return True

    async def _fill(self) -> bool:
        """Send the entries of the next items that were there before the index. False: no more."""
        if self._fill_at is None:
            return False
        state, described = self.hosted.state, self._index()
        if state is None or described is None:
            return False
        end = place_key(state.descriptor.table_identifier, state.descriptor.range.end)
        found = self.hosted.commit.store.cursor("items", self._fill_at, end).take(SLICE_RECORDS)
        entries: list[IndexEntry] = []
        for key, value in found:
            entries += index_entries.entries_of_item(*described, key, value)
        if await self._deliver(entries):
            self._fill_at = found[-1][0] + b"\x00" if len(found) == SLICE_RECORDS else None
        return True

    async def _deliver(self, entries: list[IndexEntry]) -> bool:
        for part in _parts(entries):
            if not await self._feeder.deliver(self._identifier, part):
                return False
        return True

    def _note(self, *, at_once: bool) -> bool:
        """Tell the log how far the index has come: now and then, and whenever it rests.

        False: it did not hear of it, and is to be told again.
        """
        filled = None if self._fill_at is None else self._fill_at.hex()
        reached = Follower(self._name, self._cursor, filled)
        now = self._feeder.loop.time()
        is_due = at_once or now - self._noted_at >= FOLLOW_SECONDS
        if reached == self._noted or not is_due or not self._feeder.leads(self):
            return True
        try:
            self.hosted.propose_change(EntryKind.FOLLOW, follow_body(reached))
        except Refusal:
            return False
        self._noted, self._noted_at = reached, now
        return True


def _parts(entries: list[IndexEntry]) -> Iterator[list[IndexEntry]]:
    """Entries in order, in batches that a request can carry."""
    part: list[IndexEntry] = []
    size = 0
    for entry in entries:
        part.append(entry)
        size += len(entry.key) + len(entry.value or b"")
        if size >= BATCH_BYTES_MAX:
            yield part
            part, size = [], 0
    if part:
        yield part
