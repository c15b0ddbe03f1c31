"""The four operations of DynamoDB Streams, in DynamoDB's order of checks.

In: an operation's JSON body, from a router. Each is parsed (`stator_core.requests`), its stream and
shard are found, and the shard's holder is asked for what it has (`StreamSource`). Out: the JSON
answer or a DynamoDBError. `local_streams.py` is the source of one process, `cluster_streams.py`
that of a gateway. Invariant: what a reader is shown is durable, and he is told that a shard is at
its end only when nothing more of it can come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import orjson

from stator_core import stream
from stator_core.clock import HybridClock, milliseconds_of
from stator_core.errors import ResourceNotFoundException, TrimmedDataAccessException
from stator_core.requests import describe_stream, get_records, get_shard_iterator, list_streams
from stator_core.requests.get_records import FeedPage, RecordsAnswer
from stator_core.requests.get_shard_iterator import Position, latest_position
from stator_core.stream import ShardIterator, Stream
from stator_core.stream_readers import ShardReaders
from stator_core.stream_shards import Shard
from stator_core.table_status import not_found
from stator_node.doors import Caller, Clock
from stator_node.item_operations import Answer
from stator_node.pending import Pending

StreamOperation = Callable[[dict[str, Any], Caller], Answer]


class StreamSource(Protocol):
    """Where the streams are."""

    def streams(self, horizon: int, table_arn: str | None = None) -> Iterable[Stream]:
        """All of them, or those of the tables that had or have this ARN.

        Shards that ended before `horizon` (a stamp) are nobody's any more.
        """

    def check_whole(self, stream: Stream) -> None:
        """Raises ServiceUnavailable where some of its shards may not be known here."""

    def has_table(self, name: str) -> bool:
        """Whether there is a table of that name, with a stream or without."""

    def read(
        self, shard: Shard, position: int, limit: int, answer: Callable[[FeedPage], bytes]
    ) -> Answer:
        """`answer` of the shard's records from a stamp on."""

    def last_stamp(self, shard: Shard, answer: Callable[[int], bytes]) -> Answer:
        """`answer` of a stamp that no write of the past lies above, and all to come do."""


class StreamOperations:
    """Executes them over one source."""

    def __init__(self, source: StreamSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._readers = ShardReaders()
        self._numbers = HybridClock()  # of readers: when each of them began

    def operations(self) -> dict[str, StreamOperation]:
        """The operations by DynamoDB's names."""
        return {
            "ListStreams": self._list_streams,
            "DescribeStream": self._describe_stream,
            "GetShardIterator": self._get_shard_iterator,
            "GetRecords": self._get_records,
        }

    def _list_streams(self, body: dict[str, Any], _caller: Caller) -> bytes:
        request = list_streams.parse(body)
        streams = list(self._source.streams(self._horizon()))
        name = request.table_name
        if name is not None and not self._source.has_table(name):
            if all(each.table.name != name for each in streams):
                raise not_found(name)
        return orjson.dumps(request.answer(streams))

    def _describe_stream(self, body: dict[str, Any], _caller: Caller) -> bytes:
        request = describe_stream.parse(body)
        found = self._stream(request.stream_arn)
        self._source.check_whole(found)
        return orjson.dumps(request.answer(found))

    def _get_shard_iterator(self, body: dict[str, Any], _caller: Caller) -> Answer:
        request = get_shard_iterator.parse(body)
        found = self._stream(request.stream_arn)
        request.check_members(self._clock.now())
        shard = found.shard(request.shard_id)

        def answer(position: Position) -> bytes:
            now = self._milliseconds()
            iterator = ShardIterator(
                found.arn,
                shard.shard_id,
                position.stamp,
                now,
                self._numbers.next(now),
                position.skips,
            )
            return orjson.dumps({"ShardIterator": iterator.encode()})

        if request.type == "LATEST":
            return self._source.last_stamp(shard, lambda last: answer(latest_position(shard, last)))
        return answer(request.position(shard, self._horizon()))

    def _get_records(self, body: dict[str, Any], _caller: Caller) -> Answer:
        request = get_records.parse(body)
        iterator = request.iterator
        now = self._milliseconds()
        iterator.check_age(now)
        found = self._stream(iterator.stream_arn)
        try:
            shard = found.shard(iterator.shard_id)
        except ResourceNotFoundException:  # It was there when the iterator was given.
            raise TrimmedDataAccessException(stream.TRIMMED) from None
        position = iterator.from_horizon(self._horizon())
        self._readers.note(shard.shard_id, iterator.reader, milliseconds_of(iterator.reader), now)

        growing = RecordsAnswer(request, found, shard, position)
        return self._page(shard, growing, now, None)

    def _page(
        self, shard: Shard, growing: RecordsAnswer, now: int, result: Pending[bytes] | None
    ) -> Answer:
        """Take the next page, and others in later turns of the loop, until that is enough."""

        def take(page: FeedPage) -> bytes:
            growing.take(page)
            return orjson.dumps(growing.answer(now)) if growing.complete else b""

        answer = self._source.read(shard, growing.position, growing.wanted, take)
        if isinstance(answer, bytes) and answer:
            return answer
        waiting: Pending[bytes] = Pending() if result is None else result
        loop = asyncio.get_running_loop()

        def go_on() -> None:
            try:
                following = self._page(shard, growing, now, waiting)
            except Exception as error:  # noqa: BLE001  # The door that waits answers it.
                waiting.fail(error)
            else:
                if isinstance(following, bytes):
                    waiting.resolve(following)

        def taken(done: Pending[bytes]) -> None:
            if done.error is not None:
                waiting.fail(done.error)
            elif done.result():
                waiting.resolve(done.result())
            else:
                loop.call_soon(go_on)

        if isinstance(answer, bytes):
            loop.call_soon(go_on)
        else:
            answer.listen(taken)
        return waiting

    def _stream(self, arn: str) -> Stream:
        for each in self._source.streams(self._horizon(), arn.partition("/stream/")[0]):
            if each.arn == arn:
                return each
        raise stream.not_found(arn)

    def _horizon(self) -> int:
        return stream.horizon_at(self._milliseconds())

    def _milliseconds(self) -> int:
        return int(self._clock.now() * 1000)
