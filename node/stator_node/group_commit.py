"""Group commit: many writes, one batch, one sync, and nobody hears of a write before it is durable.

In: evaluated writes from `replica.py`. Out: batches to the item store, and their answers once
synced. All writes of one turn of the event loop, and all that arrive while a sync is under way,
form one group. A group of one is written and synced in place (no thread to wake) while the disk is
quick (`sync_pace.py`); a larger one, and all on a slow disk, is written in place and synced in a
thread, where RocksDB lets go of the interpreter.

Invariants: groups become durable in order; an answer leaves after the sync of its group; what a
read returns is durable (reads of keys in the syncing group wait for it, and run before the next
group is written); after a failed write or sync no write of that group or a later one is answered
with success until the store has been reopened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from stator_core.errors import DynamoDBError, InternalServerError
from stator_core.key_format import PREFIX_BYTES
from stator_node.doors import Clock, ItemStore, Operation, StorageFailed
from stator_node.pending import Pending, wait
from stator_node.stamp_mark import StampMark
from stator_node.sync_pace import SyncPace
from stator_node.sync_thread import SyncThread

logger = logging.getLogger(__name__)

# A group up to this many writes is synced in place: see `sync_pace.py`.
INLINE_WRITES_MAX = 1
REOPEN_SECONDS = 1.0
STORAGE_FAILED = "The request processing has failed because the storage refuses writes."


class Group:
    """Writes that become durable together."""

    __slots__ = ("after", "index_values", "operations", "prefixes", "values", "waiters")

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        # What the group makes of each item key; None is a delete. The replica's overlay.
        self.values: dict[bytes, bytes | None] = {}
        self.index_values: dict[bytes, bytes | None] = {}  # the same of the family "indexes"
        self.prefixes: set[bytes] = set()  # table and hash of every key written
        self.waiters: list[tuple[Pending[bytes], bytes | DynamoDBError]] = []
        self.after: list[Callable[[], None]] = []  # reads that wait for this group


class Commit(Protocol):
    """How a replica's writes become durable: alone (`GroupCommit`) or with peers (`RaftCommit`)."""

    store: ItemStore
    syncing: Group | None  # its writes are stored and not yet durable: reads of them wait
    failed: str | None
    reads_failed: bool

    def item(self, key: bytes) -> bytes | None: ...

    def index_entry(self, key: bytes) -> bytes | None: ...

    def group_of(self, key: bytes) -> Group | None: ...

    def stage(self, key: bytes, value: bytes | None, operations: Sequence[Operation]) -> Group: ...

    def stage_beside(self, operations: Sequence[Operation]) -> Group: ...

    def answer_after(self, group: Group, answer: bytes | DynamoDBError) -> Pending[bytes]: ...

    def read_after(self, group: Group, read: Callable[[], bytes]) -> Pending[bytes]: ...

    async def drain(self) -> None: ...

    def storage_failed(self, error: BaseException, *, reads_too: bool = False) -> None: ...


class GroupCommit:
    """Collects writes into groups and makes them durable one group after the other."""

    def __init__(
        self, store: ItemStore, loop: asyncio.AbstractEventLoop, clock: Clock, *, sync: bool
    ) -> None:
        """`sync=False` acknowledges what only the operating system holds (a power cut loses it)."""
        self.store = store
        self.collecting = Group()
        self.syncing: Group | None = None
        self.failed: str | None = None  # the store's own words, while it refuses
        self.reads_failed = False  # the store holds writes whose sync failed: do not show them
        self._mark = StampMark(store)
        self.stamps = self._mark.stamps  # what the timestamps of these writes come from
        self._loop = loop
        self._sync = sync
        self._pace = SyncPace(clock)
        self._scheduled = False
        self._thread = SyncThread(store.sync, loop, self._synced)

    def item(self, key: bytes) -> bytes | None:
        """The stored item as a writer must see it: in flight, or else as applied."""
        values = self.collecting.values
        if key in values:
            return values[key]
        syncing = self.syncing
        if syncing is not None and key in syncing.values:
            return syncing.values[key]
        return self.store.get(key)

    def index_entry(self, key: bytes) -> bytes | None:
        """The same for a key of the family "indexes"."""
        for group in (self.collecting, self.syncing):
            if group is not None and key in group.index_values:
                return group.index_values[key]
        return self.store.get_from("indexes", key)

    def group_of(self, key: bytes) -> Group | None:
        """The newest group that writes this item key and is not yet durable."""
        if key in self.collecting.values:
            return self.collecting
        syncing = self.syncing
        return syncing if syncing is not None and key in syncing.values else None

    def stage(self, key: bytes, value: bytes | None, operations: Sequence[Operation]) -> Group:
        """Put one item write, and `operations` beside it, into the group that is being collected.

        The caller must ask for `answer_after` the group in the same turn of the event loop.
        """
        group = self.collecting
        group.values[key] = value
        group.prefixes.add(key[:PREFIX_BYTES])
        group.operations.append(("items", key, value))
        if operations:
            group.operations.extend(operations)
            for family, index_key, index_value in operations:
                group.prefixes.add(index_key[:PREFIX_BYTES])
                if family == "indexes":
                    group.index_values[index_key] = index_value
        return group

    def stage_beside(self, operations: Sequence[Operation]) -> Group:
        """Put writes that no read asks for, such as expiries, alone into that group."""
        self.collecting.operations.extend(operations)
        return self.collecting

    def answer_after(self, group: Group, answer: bytes | DynamoDBError) -> Pending[bytes]:
        """Give `answer` once `group` is durable: it reveals what the group writes."""
        pending: Pending[bytes] = Pending()
        group.waiters.append((pending, answer))
        if not self._scheduled and self.syncing is None and self.failed is None:
            self._scheduled = True
            self._loop.call_soon(self._commit)
        elif self.failed is not None and group is self.collecting:
            self._refuse_collected()
        return pending

    def read_after(self, group: Group, read: Callable[[], bytes]) -> Pending[bytes]:
        """Run `read` once `group`, which is syncing, is durable."""
        pending: Pending[bytes] = Pending()

        def run() -> None:
            try:
                if self.reads_failed:
                    raise InternalServerError(STORAGE_FAILED)
                found = read()
            except Exception as error:  # noqa: BLE001  # The door that waits makes it a 500.
                pending.fail(error)
            else:
                pending.resolve(found)

        group.after.append(run)
        return pending

    def storage_failed(self, error: BaseException, *, reads_too: bool = False) -> None:
        """The store refused a write, here or beside the groups: the way back begins.

        Until then nobody is told of success; `reads_too`: nor of what the store holds.
        """
        self.reads_failed = self.reads_failed or reads_too
        if self.failed is None:
            logger.error("storage failed, writes are refused until it recovers: %s", error)
            self._loop.call_later(REOPEN_SECONDS, self._reopen)
        self.failed = str(error)
        self._mark.doubt()
        self._refuse_collected()

    def stamp_mark(self) -> Operation | None:
        """What must be stored with timestamps that are written beside the groups."""
        return self._mark.raised()

    async def drain(self) -> None:
        """Wait until everything submitted so far is durable or refused; not for what comes then."""
        group = self.collecting if self.collecting.waiters else self.syncing
        if group is None:
            return
        settled: Pending[None] = Pending()
        group.after.append(lambda: settled.resolve(None))
        await wait(settled)

    def _commit(self) -> None:
        """Write what has been collected and have it synced. Called by the event loop."""
        self._scheduled = False
        group = self.collecting
        if self.syncing is not None or not group.waiters:
            return
        self.collecting = Group()
        mark = self._mark.raised()
        if mark is not None:
            group.operations.append(mark)
        is_lone = len(group.waiters) <= INLINE_WRITES_MAX and self._pace.is_quick
        inline = not self._sync or is_lone
        self._pace.begin()
        try:
            self.store.write(group.operations, sync=inline and self._sync)
        except StorageFailed as error:
            self.storage_failed(error)
            _answer(group, InternalServerError(STORAGE_FAILED))
            _read(group)
            return
        if inline:
            self._pace.end()
            # What these answers bring in is committed by a later turn of the loop, as anything is.
            _answer(group, None)
            _read(group)
            return
        self.syncing = group
        self._thread.begin()

    def _synced(self, error: BaseException | None) -> None:
        group = self.syncing
        assert group is not None
        self._pace.end()
        self.syncing = None
        if error is not None:
            self.storage_failed(error, reads_too=True)
            _answer(group, InternalServerError(STORAGE_FAILED))
            _read(group)
            return
        # Reads that waited come first: the next group's writes, not durable yet, must not be seen.
        _read(group)
        # The next group is written a turn later: the requests that have come meanwhile join it, and
        # fewer, larger groups cost less than a disk that never rests gains.
        if self.collecting.waiters and self.failed is None and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._commit)
        _answer(group, None)

    def _refuse_collected(self) -> None:
        group, self.collecting = self.collecting, Group()
        _answer(group, InternalServerError(STORAGE_FAILED))
        _read(group)

    def _reopen(self) -> None:
        """Try to serve again; the log on disk says what was written.

        This blocks the loop while the log is replayed; nobody could be served meanwhile.
        """
        try:
            if self.syncing is not None:
                raise StorageFailed("a sync is still under way")
            self.store.reopen()
            self.store.write([("meta", b"probe", b"")], sync=True)
        except StorageFailed as error:
            if str(error) != self.failed:
                logger.error("storage has not recovered: %s", error)
            self.failed = str(error)
            self._loop.call_later(REOPEN_SECONDS, self._reopen)
            return
        logger.warning("storage has recovered, writes are taken again")
        self.failed = None
        self.reads_failed = False

    def close(self) -> None:
        """End the sync thread."""
        self._thread.close()


def _answer(group: Group, error: DynamoDBError | None) -> None:
    """Tell everybody who waits for a group: their answer, or that it failed."""
    for pending, answer in group.waiters:
        try:
            if error is not None:
                pending.fail(error)
            elif isinstance(answer, bytes):
                pending.resolve(answer)
            else:
                pending.fail(answer)
        except Exception:
            # One listener's bug must not leave the others waiting forever.
            logger.exception("an answer could not be given")


def _read(group: Group) -> None:
    """Run the reads that waited for a group. Each keeps its own errors."""
    for read in group.after:
        read()
