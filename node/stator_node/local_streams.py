"""The streams of a process that holds every partition itself: their shards on disk, kept on time.

    stream/IDENTIFIER    in the family "meta", in the item format (so with checksum), JSON:
                         the table as it was last, its shards, and up to where it is trimmed

Each table is a feed of its own; its identifier stands for the partition. In: descriptors that the
catalog is about to store (`Catalog.feeds`): what follows from them for the shards goes into the
same batch. Out: the `StreamSource` of `stream_operations.py`. `run` rolls open shards after four
hours and deletes what is older than a day.

Invariants: a shard is on disk before anybody is shown it; a record lies in exactly one shard of its
stream, because the stamps at which shards begin and end come from the clock of the writes; a feed
whose table is gone stays until its last record is trimmed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson

from stator_core import change_format, feed_keeping, item_format, stream, stream_shards, table
from stator_core.change_format import ChangeDamaged
from stator_core.clock import stamp_at
from stator_core.errors import InternalServerError
from stator_core.limits import GET_RECORDS_BYTES_MAX
from stator_core.requests.get_records import FeedPage
from stator_core.stream import Stream
from stator_core.stream_shards import Shard, Shards
from stator_core.table import Table
from stator_node.catalog import Catalog
from stator_node.doors import Clock, ItemStore, Operation, StorageFailed
from stator_node.feed_reading import read_feed
from stator_node.group_commit import STORAGE_FAILED, Group, GroupCommit
from stator_node.item_operations import Answer
from stator_node.storage_errors import DAMAGED, STORAGE_ERRORS, for_client

logger = logging.getLogger(__name__)

STREAM_PREFIX = b"stream/"
STREAM_END = b"stream0"  # the byte after "/"
FEED_VERSION = 1
KEEP_SECONDS = 1.0  # so often somebody looks whether a shard is to be rolled or trimmed


@dataclass(frozen=True, slots=True)
class Feed:
    """The changes of one table. Records with stamps below `trimmed` are gone."""

    table: Table
    shards: Shards = ()
    trimmed: int = 0


def read_feeds(store: ItemStore) -> Iterator[Feed]:
    """Every stored feed. Raises ValueError or item_format.Damaged."""
    for key, stored in store.cursor("meta", STREAM_PREFIX, STREAM_END):
        members: Any = orjson.loads(item_format.payload_of(key, stored))
        if not isinstance(members, dict) or members.get("version") != FEED_VERSION:
            raise ValueError(f"{key.decode()}: no feed of version {FEED_VERSION}")
        try:
            yield Feed(
                table.from_json(members["table"]),
                stream_shards.from_json(members["shards"]),
                int(members["trimmed"]),
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"{key.decode()}: no feed: {error!r}") from None


class LocalStreams:
    """All feeds by the identifiers of their tables. One per process."""

    def __init__(self, catalog: Catalog, commit: GroupCommit, clock: Clock) -> None:
        """Raises ValueError or item_format.Damaged where the feeds on disk cannot be trusted."""
        self._catalog = catalog
        self._commit = commit
        self._store = commit.store
        self._clock = clock
        self._feeds = {feed.table.identifier: feed for feed in read_feeds(self._store)}
        catalog.feeds = self

    # What follows from a descriptor: `catalog.Feeds`.

    def described(self, descriptor: Table) -> tuple[list[Operation], Callable[[], None]]:
        """What is to be stored with a descriptor, and what to call once it is."""
        before = self._feeds.get(descriptor.identifier, Feed(descriptor))
        stamp = self._next_stamp()
        gone = descriptor.status == "DELETING"
        shards = stream_shards.described(
            before.shards,
            descriptor.identifier,
            None if gone else descriptor.latest_stream_label,
            None if gone else descriptor.stream_view,
            stamp,
        )
        if not shards:
            return [], lambda: None
        after = replace(before, table=descriptor, shards=shards)
        return self._stored(after), lambda: self._keep(after)

    def _keep(self, feed: Feed) -> None:
        self._feeds[feed.table.identifier] = feed

    def _stored(self, feed: Feed) -> list[Operation]:
        """The operations that store a feed. With them goes the mark above its stamps."""
        mark = self._commit.stamp_mark()
        return [feed_operation(feed), *([] if mark is None else [mark])]

    # What readers ask: `stream_operations.StreamSource`.

    def streams(self, horizon: int, table_arn: str | None = None) -> Iterator[Stream]:
        for feed in list(self._feeds.values()):
            if table_arn is not None and feed.table.arn != table_arn:
                continue
            present = self._catalog.tables.get(feed.table.name)
            gone = present is None or present.identifier != feed.table.identifier
            described = feed.table if gone or present is None else present
            gone = gone or described.status == "DELETING"
            yield from stream.streams_of(described, feed.shards, horizon, deleted=gone)

    def check_whole(self, stream: Stream) -> None:
        """All shards of a table are in this process."""

    def has_table(self, name: str) -> bool:
        return name in self._catalog.tables

    def read(
        self, shard: Shard, position: int, limit: int, answer: Callable[[FeedPage], bytes]
    ) -> Answer:
        """At once, or after the sync that is under way if that brings records of the shard."""
        commit = self._commit
        if commit.reads_failed:
            raise InternalServerError(STORAGE_FAILED)
        syncing = commit.syncing

        def read() -> bytes:
            return answer(self._page(shard, position, limit))

        if syncing is not None and _holds(syncing, shard):
            return commit.read_after(syncing, read)
        return read()

    def last_stamp(self, shard: Shard, answer: Callable[[int], bytes]) -> bytes:
        return answer(self._commit.stamps.last)

    def _page(self, shard: Shard, position: int, limit: int) -> FeedPage:
        partition_id = stream_shards.partition_of(shard.shard_id)
        end = stream.STAMPS if shard.end is None else shard.end
        try:
            entries, more = read_feed(
                self._store, partition_id, position, end, limit, GET_RECORDS_BYTES_MAX
            )
            changes = [change_format.decode(key, value) for key, value in entries]
        except ChangeDamaged as error:
            logger.error("a stream record is damaged: %s; see `stator verify`", error)
            raise InternalServerError(DAMAGED) from None
        except STORAGE_ERRORS as error:
            raise for_client(error, ()) from None
        # Writes from before the end may still be on their way to the disk.
        ended = shard.end is not None and not _holds(self._commit.collecting, shard)
        return FeedPage(position, changes, more, ended)

    # What time brings.

    async def run(self) -> None:
        """Roll and trim on time, until cancelled."""
        begun = False
        while True:
            try:
                if not begun:
                    self.begin()
                    begun = True
                self.keep()
            except StorageFailed as error:
                logger.error("streams wait for storage: %s", error)
                self._commit.storage_failed(error)
            await asyncio.sleep(KEEP_SECONDS)

    def begin(self) -> None:
        """Do what a crash, or a version without shards, has left to do. Raises StorageFailed."""
        for feed in list(self._feeds.values()):
            self._delete_trimmed(feed)
        for described in self._catalog.tables.values():
            feed = self._feeds.get(described.identifier, Feed(described))
            if described.stream_view is not None and not feed.shards:
                self._catalog.save(described)

    def keep(self) -> None:
        """Roll, trim and forget what is due by now. Raises StorageFailed."""
        if self._commit.failed is not None:
            return
        now = self._milliseconds()
        for feed in list(self._feeds.values()):
            if stream_shards.is_due(feed.shards, stamp_at(now)):
                feed = self._roll(feed)
            horizon, oldest = stream.horizon_at(now), partial(self._oldest_change, feed)
            if feed_keeping.is_trim_due(feed.shards, feed.trimmed, horizon, oldest):
                self._trim(feed, horizon)

    def _roll(self, feed: Feed) -> Feed:
        stamp = self._next_stamp()
        rolled = replace(
            feed, shards=stream_shards.rolled(feed.shards, feed.table.identifier, stamp)
        )
        self._store.write(self._stored(rolled), sync=True)
        self._keep(rolled)
        return rolled

    def _oldest_change(self, feed: Feed) -> int | None:
        """The stamp of the first record that is left of a feed."""
        bounds = change_format.feed_bounds(feed.table.identifier, feed.trimmed - 1)
        found = self._store.cursor("changes", *bounds).take(1)
        return change_format.stamp_of(found[0][0]) if found else None

    def _trim(self, feed: Feed, horizon: int) -> None:
        """First the feed says that they are gone, then they go; of an empty feed nothing stays."""
        trimmed = replace(feed, trimmed=horizon, shards=stream_shards.trimmed(feed.shards, horizon))
        self._store.write(self._stored(trimmed), sync=True)
        self._keep(trimmed)
        self._delete_trimmed(trimmed)
        if not trimmed.shards:
            self._store.write([("meta", _key(trimmed), None)], sync=True)
            del self._feeds[trimmed.table.identifier]

    def _delete_trimmed(self, feed: Feed) -> None:
        bounds = change_format.feed_bounds(feed.table.identifier, until=feed.trimmed)
        if self._store.cursor("changes", *bounds).take(1):
            self._store.delete_range("changes", *bounds)

    def _next_stamp(self) -> int:
        return self._commit.stamps.next(self._milliseconds())

    def _milliseconds(self) -> int:
        return int(self._clock.now() * 1000)


def feed_operation(feed: Feed) -> Operation:
    """What stores a feed; `read_feeds` reads it back."""
    key = _key(feed)
    payload = orjson.dumps(
        {
            "version": FEED_VERSION,
            "table": table.to_json(feed.table),
            "shards": stream_shards.to_json(feed.shards),
            "trimmed": feed.trimmed,
        }
    )
    return "meta", key, item_format.encode(key, payload, len(payload), 0)


def _key(feed: Feed) -> bytes:
    return STREAM_PREFIX + str(feed.table.identifier).encode()


def _holds(group: Group, shard: Shard) -> bool:
    """Whether a group writes records of a shard."""
    partition_id = stream_shards.partition_of(shard.shard_id)
    start, end = change_format.feed_bounds(
        partition_id, shard.start - 1, stream.STAMPS if shard.end is None else shard.end
    )
    return any(family == "changes" and start <= key < end for family, key, _ in group.operations)
