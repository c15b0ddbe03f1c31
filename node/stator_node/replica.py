"""The drive loop of one partition replica: requests in, bytes to storage, answers out.

In: checked requests from `router.py`. It evaluates writes with `stator_core.partition` against what
is applied plus what is in flight, hands the bytes to `group_commit.py`, and answers when they are
durable; reads are answered at once, or after the sync that is under way if they touch its keys.
Invariant: an answer never tells of something that a crash could still take back.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence

from stator_core import keys
from stator_core.clock import HybridClock
from stator_core.errors import DynamoDBError, InternalServerError
from stator_core.item_format import contents_of, payload_and_size
from stator_core.key_format import PREFIX_BYTES
from stator_core.partition import NOTHING, View, WriteRequest, answer_get, evaluate_write
from stator_core.requests.get_item import GetItem
from stator_core.requests.page import PageReader, whole_page
from stator_core.requests.range_read import RangeRead
from stator_core.table import Table
from stator_node.doors import Clock, Cursor, ItemStore
from stator_node.group_commit import STORAGE_FAILED, Commit, Group
from stator_node.pending import Pending
from stator_node.storage_errors import STORAGE_ERRORS, for_client

# A page is read in slices of this many entries; the loop serves others between two slices.
SLICE_ENTRIES = 200


WRITTEN_IN_PART = "The request may have taken effect in part."


class Replica:
    """One replica, so far the only one, of the partition that is the whole key space."""

    def __init__(
        self,
        commit: Commit,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        stamps: HybridClock,
        writes: dict[int, int],
        partition_id: int | None = None,
    ) -> None:
        """`commit` makes writes durable; `writes` counts them by table identifier.

        `partition_id` is None where one replica holds all tables.
        """
        self._writes = writes
        self.commit = commit
        self.store = commit.store
        self.loop = loop
        self._clock = clock
        self._stamps = stamps
        is_one_of_many = partition_id is not None
        self._view = View(commit.item, commit.index_entry, partition_id, is_one_of_many)

    def write(
        self, table: Table, request: WriteRequest, *, by_service: bool = False
    ) -> Pending[bytes]:
        """Evaluate one write and make it durable. Raises, or fails with, DynamoDBError.

        `by_service`: no client asked for it (`partition.evaluate_write`).
        """
        commit = self.commit
        if commit.failed is not None:
            raise InternalServerError(STORAGE_FAILED)
        timestamp = self._stamps.next(int(self._clock.now() * 1000))
        try:
            evaluation = evaluate_write(
                table, request, self._view, timestamp, by_service=by_service
            )
        except DynamoDBError as error:
            # The refusal tells what the item is; it may leave no sooner than that is durable.
            group = commit.group_of(keys.item_key(table, request.key_item()))
            if group is None:
                raise
            return commit.answer_after(group, error)
        except STORAGE_ERRORS as error:
            raise for_client(error, (table,)) from None
        if evaluation.unchanged:
            group = commit.group_of(evaluation.key)
            if group is not None:
                return commit.answer_after(group, evaluation.answer)
            done: Pending[bytes] = Pending()
            done.resolve(evaluation.answer)
            return done
        writes = self._writes
        identifier = table.identifier
        writes[identifier] = writes.get(identifier, 0) + 1
        group = commit.stage(evaluation.key, evaluation.value, evaluation.beside)
        return commit.answer_after(group, evaluation.answer)

    def write_all(self, writes: Sequence[tuple[Table, WriteRequest]]) -> Pending[list[bytes]]:
        """Write several items; resolved with their answers when all are durable.

        Fails, when all have ended, as one of them did; with InternalServerError where some of the
        others are written, so that nobody takes it for not begun.
        """
        every: Pending[list[bytes]] = Pending()
        answers = [NOTHING] * len(writes)
        errors: list[BaseException] = []
        remaining = len(writes)

        def done(number: int) -> Callable[[Pending[bytes]], None]:
            def listener(pending: Pending[bytes]) -> None:
                nonlocal remaining
                remaining -= 1
                if pending.error is None:
                    answers[number] = pending.result()
                else:
                    errors.append(pending.error)
                if remaining:
                    return
                if not errors:
                    every.resolve(answers)
                elif len(errors) == len(writes) and len({type(each) for each in errors}) == 1:
                    every.fail(errors[0])
                else:
                    every.fail(InternalServerError(WRITTEN_IN_PART))

            return listener

        for number, (table, request) in enumerate(writes):
            self.write(table, request).listen(done(number))
        if not writes:
            every.resolve(answers)
        return every

    def get(self, table: Table, request: GetItem) -> bytes | Pending[bytes]:
        """Answer GetItem; strong and eventual reads are one here."""
        key = keys.item_key(table, request.key)
        commit = self.commit
        syncing = commit.syncing
        if syncing is not None and key in syncing.values:
            return commit.read_after(syncing, lambda: self._get(table, request, key))
        if commit.reads_failed:
            raise InternalServerError(STORAGE_FAILED)
        try:
            return answer_get(request, key, self.store.get(key))
        except STORAGE_ERRORS as error:
            raise for_client(error, (table,)) from None

    def _get(self, table: Table, request: GetItem, key: bytes) -> bytes:
        """The same of an item that has just become durable."""
        try:
            return answer_get(request, key, self.store.get(key))
        except STORAGE_ERRORS as error:
            raise for_client(error, (table,)) from None

    def read_durable(
        self, prefixes: Sequence[bytes], read: Callable[[], bytes]
    ) -> bytes | Pending[bytes]:
        """Run `read`, which looks under these prefixes, once what it can see is durable."""
        if self.commit.reads_failed:
            raise InternalServerError(STORAGE_FAILED)
        syncing = self.syncing_group(prefixes)
        return read() if syncing is None else self.commit.read_after(syncing, read)

    def syncing_group(self, prefixes: Sequence[bytes] | None) -> Group | None:
        """The group under sync if it writes under one of these prefixes (None: any prefix)."""
        syncing = self.commit.syncing
        if syncing is None:
            return None
        if prefixes is None or any(prefix in syncing.prefixes for prefix in prefixes):
            return syncing
        return None

    def read_page(self, read: RangeRead) -> bytes | Pending[bytes]:
        """Answer a bound Query or Scan with one page: at once if one slice of it is enough."""
        if self.commit.reads_failed:
            raise InternalServerError(STORAGE_FAILED)
        syncing = None
        if self.commit.syncing is not None:
            syncing = self.syncing_group(_prefixes(read))
        if syncing is not None:
            return PageInSlices(self, read).begin_later(syncing)
        try:
            if not read.whole or len(read.ranges) != 1:
                page = PageInSlices(self, read)
                complete = page.read_slice()
            else:
                ((start, end),) = read.ranges
                walk = self.store.cursor(read.family, start, end, reverse=read.reverse)
                found = walk.take(SLICE_ENTRIES)
                if len(found) < SLICE_ENTRIES:
                    answer = whole_page(found, read.page_bytes_max)
                    if answer is not None:
                        return answer
                page = PageInSlices(self, read, walk)
                complete = page.feed(found, SLICE_ENTRIES)
            if complete:
                return page.response()
        except STORAGE_ERRORS as error:
            raise for_client(error, (read.table,)) from None
        return page.begin_later(None)


class PageInSlices:
    """A page that is read slice by slice; the loop serves others in between.

    The storage cursor is a snapshot, so the page is of one moment. Only a read that looks at the
    store anew for each slice (`fetch_base`, `interleaved`) may see later writes, and has to wait
    for their sync like any read.
    """

    __slots__ = ("_reader", "_replica", "_walk", "answer", "read")

    def __init__(self, replica: Replica, read: RangeRead, walk: Cursor | None = None) -> None:
        """`walk` is the read's, where it has begun."""
        self.read = read
        self._reader = PageReader(read)
        self._replica = replica
        self._walk = walk

    def syncing_group(self) -> Group | None:
        """The group that must be durable before this page is read on."""
        if self._replica.commit.syncing is None:
            return None
        return self._replica.syncing_group(_prefixes(self.read))

    def response(self) -> bytes:
        """The answer, once `read_slice` has said that it is complete."""
        return self._reader.response(self._reader.consumed_capacity())

    def begin_later(self, syncing: Group | None) -> Pending[bytes]:
        """Answer in later turns of the loop. Most pages never get here: one slice is enough."""
        self.answer: Pending[bytes] = Pending()
        self.go_on_later(syncing)
        return self.answer

    def go_on_later(self, syncing: Group | None) -> None:
        """Read the next slice in a later turn of the loop, or when a group is durable."""
        if syncing is None:
            self._replica.loop.call_soon(self._go_on)
        else:
            self._replica.commit.read_after(syncing, lambda: NOTHING).listen(self._synced)

    def _synced(self, synced: Pending[bytes]) -> None:
        if synced.error is not None:
            self.answer.fail(synced.error)
        else:
            self._read_on()

    def _go_on(self) -> None:
        read = self.read
        if read.fetch_base or read.interleaved:
            if self._replica.commit.reads_failed:
                self.answer.fail(InternalServerError(STORAGE_FAILED))
                return
            syncing = self.syncing_group()
            if syncing is not None:
                self.go_on_later(syncing)
                return
        self._read_on()

    def _read_on(self) -> None:
        try:
            complete = self.read_slice()
            response = self.response() if complete else NOTHING
        except Exception as error:  # noqa: BLE001  # The door that waits answers it.
            self.answer.fail(for_client(error, (self.read.table,)))
            return
        if complete:
            self.answer.resolve(response)
        else:
            self.go_on_later(None)

    def read_slice(self) -> bool:
        """Feed one slice of entries. True: the page is complete."""
        read, reader = self.read, self._reader
        if self._walk is None:
            self._walk = _walk(self._replica.store, read)
        count = SLICE_ENTRIES
        if read.limit is not None:
            count = min(count, read.limit - reader.scanned_count)
        return self.feed(self._walk.take(count), count)

    def feed(self, found: list[tuple[bytes, bytes]], count: int) -> bool:
        """Feed the slice that was found where `count` entries were asked for."""
        read, reader = self.read, self._reader
        full = self._feed_fetched(found) if read.fetch_base else reader.feed_stored(found)
        return full or len(found) < count

    def _feed_fetched(self, found: list[tuple[bytes, bytes]]) -> bool:
        """Feed local index entries with the items they stand for."""
        read, reader, store = self.read, self._reader, self._replica.store
        for (key, _), payload, size in zip(found, *contents_of(found), strict=True):
            base_key = read.base_key(payload)
            stored = store.get(base_key)
            if stored is None:  # Deleted since the snapshot of the cursor.
                continue
            base_payload, base_size = payload_and_size(base_key, stored)
            if reader.feed_fetched(key, size, base_payload, base_size):
                return True
        return False


def _walk(store: ItemStore, read: RangeRead) -> Cursor:
    """The stored entries of a read in its order."""
    if len(read.ranges) == 1 and not read.interleaved:
        ((start, end),) = read.ranges
        return store.cursor(read.family, start, end, reverse=read.reverse)
    return RangeWalk(store, read)


class RangeWalk:
    """A `doors.Cursor` over several ranges, or over one local index among others."""

    def __init__(self, store: ItemStore, read: RangeRead) -> None:
        self._entries = (
            self._interleaved(store, read)
            if read.interleaved
            else (
                entry
                for start, end in read.ranges
                for entry in store.cursor(read.family, start, end, reverse=read.reverse)
            )
        )

    def take(self, count: int) -> list[tuple[bytes, bytes]]:
        return list(itertools.islice(self._entries, count))

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self._entries

    @staticmethod
    def _interleaved(store: ItemStore, read: RangeRead) -> Iterator[tuple[bytes, bytes]]:
        """The entries of one local index: those of the others are jumped over (`read.seek`)."""
        for start, end in read.ranges:
            position: bytes | None = start
            while position is not None and position < end:
                cursor, position = store.cursor(read.family, position, end), None
                for key, value in cursor:
                    position = read.seek(key)
                    if position is not None:
                        break
                    yield key, value


def _prefixes(read: RangeRead) -> list[bytes] | None:
    """The partitions' prefixes that a read walks; None for a walk over many."""
    prefixes = []
    for start, end in read.ranges:
        prefix = start[:PREFIX_BYTES]
        if len(prefix) < PREFIX_BYTES or end[:PREFIX_BYTES] != prefix:
            return None
        prefixes.append(prefix)
    return prefixes
