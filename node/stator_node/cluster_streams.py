"""Streams of a cluster, as a gateway serves them: shards from reports, records from the pods.

In: what the pods report of their partitions' shards (`cluster_view.py`), and questions of
`stream_operations.py`, whose `StreamSource` this is. Records are read by an errand to the partition
whose name the shard carries: by any replica, for what is applied is a prefix of the log, the same
everywhere. LATEST asks the leader. Out: answers.

Invariant: a reader is shown shards, and hears that one is at its end, only when this gateway knows
the partitions of the whole table: then it knows each shard's parent and children too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from stator_core import stream, stream_shards
from stator_core.change_format import ChangeDamaged
from stator_core.errors import InternalServerError, ServiceUnavailable
from stator_core.key_format import HASH_SPACE
from stator_core.partition_descriptor import HashRange
from stator_core.requests.get_records import FeedPage
from stator_core.stream import Stream
from stator_core.stream_shards import Shard
from stator_core.table import Table
from stator_node.cluster_view import ClusterView, FeedView
from stator_node.errand import Errands
from stator_node.feed_reading import ChangesPage, read_answer, read_changes_body
from stator_node.operation_codes import OperationCode
from stator_node.pending import Pending
from stator_node.storage_errors import DAMAGED

logger = logging.getLogger(__name__)

SHARDS_UNHEARD = "Some partitions of the table have not been heard of yet: try again."


class KnownTables(Protocol):
    """The tables by name: those on record, or those that a gateway has heard of."""

    tables: dict[str, Table]


class ClusterStreams:
    """The `stream_operations.StreamSource` of a gateway."""

    def __init__(self, view: ClusterView, errands: Errands, catalog: KnownTables) -> None:
        """`catalog`: the tables, whose states the streams show."""
        self._view = view
        self._errands = errands
        self._catalog = catalog

    def streams(self, horizon: int, table_arn: str | None = None) -> Iterator[Stream]:
        """The streams, none missing. Raises ServiceUnavailable while pods are yet to be heard."""
        self._view.check_informed()
        feeds: dict[int, list[FeedView]] = {}
        for feed in self._view.feeds.values():
            if not feed.shards or table_arn not in (None, feed.table.arn):
                continue
            feeds.setdefault(feed.table.identifier, []).append(feed)
        for table in self._catalog.tables.values():
            if table_arn not in (None, table.arn):
                continue
            if table.identifier not in feeds and table.stream_view is not None:
                yield from stream.streams_of(table, (), horizon, deleted=table.status == "DELETING")
        for of_table in feeds.values():
            present = self._present(of_table[0].table)
            shards = [shard for feed in of_table for shard in feed.shards]
            described = of_table[0].table if present is None else present
            gone = present is None or present.status == "DELETING"
            yield from stream.streams_of(described, shards, horizon, deleted=gone)

    def _present(self, table: Table) -> Table | None:
        """The table as it is on record; None where it is gone."""
        found = self._catalog.tables.get(table.name)
        return None if found is None or found.identifier != table.identifier else found

    def check_whole(self, stream: Stream) -> None:
        """Who misses a parent takes it for trimmed, and reads its children too early.

        What a redirect has told of is no matter here: a feed brings its own range along.
        """
        heard = (
            feed.descriptor.range
            for feed in self._view.feeds.values()
            if feed.table.identifier == stream.table.identifier
        )
        if stream.shards and not _are_whole(sorted(heard, key=lambda held: held.start)):
            raise ServiceUnavailable(SHARDS_UNHEARD)

    def has_table(self, name: str) -> bool:
        self._view.check_informed()
        return name in self._catalog.tables

    def read(
        self, shard: Shard, position: int, limit: int, answer: Callable[[FeedPage], bytes]
    ) -> Pending[bytes]:
        def page(found: ChangesPage) -> bytes:
            ended = found.end is not None and self._knows_children(shard)
            return answer(FeedPage(position, found.changes, found.more, ended))

        return self._ask(shard, position, limit, page, eventual=True)

    def last_stamp(self, shard: Shard, answer: Callable[[int], bytes]) -> Pending[bytes]:
        return self._ask(shard, 0, 0, lambda found: answer(found.last), eventual=False)

    def _ask(
        self,
        shard: Shard,
        position: int,
        limit: int,
        answer: Callable[[ChangesPage], bytes],
        *,
        eventual: bool,
    ) -> Pending[bytes]:
        partition_id = stream_shards.partition_of(shard.shard_id)
        descriptor = self._view.feeds[partition_id].descriptor
        result: Pending[bytes] = Pending()

        def answered(done: Pending[bytes]) -> None:
            if done.error is not None:
                result.fail(done.error)
                return
            try:
                result.resolve(answer(read_answer(partition_id, done.result())))
            except ChangeDamaged as error:
                logger.error("a stream record is damaged: %s", error)
                result.fail(InternalServerError(DAMAGED))
            except Exception as error:  # noqa: BLE001  # The door that waits answers it.
                result.fail(error)

        self._errands.send(
            descriptor.table_identifier,
            (descriptor.range.start,),
            OperationCode.READ_CHANGES,
            read_changes_body(shard.shard_id, position, limit),
            eventual=eventual,
        ).listen(answered)
        return result

    def _knows_children(self, shard: Shard) -> bool:
        """Whether what follows a closed shard is known here, if anything does."""
        partition_id = stream_shards.partition_of(shard.shard_id)
        feed = self._view.feeds.get(partition_id)
        if feed is None:
            return False
        if all(each.shard_id != shard.shard_id or each.is_open for each in feed.shards):
            return False
        known = self._view.maps.get(feed.descriptor.table_identifier)
        if known is None:
            return False
        partitions = list(known.partitions_of(0, HASH_SPACE))
        heard = all(each.partition_id in self._view.feeds for each in partitions)
        return heard and _are_whole(each.range for each in partitions)


def _are_whole(ranges: Iterable[HashRange]) -> bool:
    """Whether ranges, in order, leave no hash out."""
    place = 0
    for held in ranges:
        if held.start != place:
            return False
        place = held.end
    return place == HASH_SPACE
