"""The four operations over a source: the order of checks, and what the source is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
import pytest

from small_stream import ARN, NOW, STREAM_ARN, change, music, music_stream
from stator_core.clock import stamp_at
from stator_core.errors import (
    LimitExceededException,
    ResourceNotFoundException,
    ServiceUnavailable,
    ValidationException,
)
from stator_core.requests.get_records import PAGE_RECORDS, FeedPage
from stator_core.stream import Stream
from stator_core.stream_shards import Shard
from stator_node.doors import Caller
from stator_node.memory import ManualClock
from stator_node.pending import Pending, wait
from stator_node.stream_operations import StreamOperations
from virtual_time import run

CALLER = Caller("AKIATEST", "123456789012", "eu-west-2")
ITEM = {"pk": {"S": "a"}, "sk": {"N": "1"}}


class Source:
    """One stream with one change a minute after its beginning."""

    def __init__(self) -> None:
        self.found = music_stream()
        self.asked: list[tuple[str, int, int]] = []
        self.is_whole = True
        self.length = 0  # of the feed, from its beginning; 0: there is always one more

    def streams(self, horizon: int, table_arn: str | None = None) -> Iterable[Stream]:
        return [self.found]

    def check_whole(self, stream: Stream) -> None:
        if not self.is_whole:
            raise ServiceUnavailable("some are missing")

    def has_table(self, name: str) -> bool:
        return name in ("Music", "Quiet")

    def read(
        self, shard: Shard, position: int, limit: int, answer: Callable[[FeedPage], bytes]
    ) -> bytes:
        self.asked.append((shard.shard_id, position, limit))
        if self.length:
            end = min(position + limit, stamp_at(NOW) + self.length)
            found = [change(stamp, None, ITEM) for stamp in range(position, end)]
            return answer(FeedPage(position, found, end < stamp_at(NOW) + self.length, False))
        return answer(FeedPage(position, [change(position + 1, None, ITEM)], False, False))

    def last_stamp(self, shard: Shard, answer: Callable[[int], bytes]) -> bytes:
        return answer(stamp_at(NOW) + 99)


class World:
    """The operations over that source, at a time that tests move."""

    def __init__(self) -> None:
        self.source = Source()
        self.clock = ManualClock(NOW / 1000)
        self.operations = StreamOperations(self.source, self.clock).operations()
        (self.shard,) = self.source.found.shards

    def call(self, operation: str, **body: Any) -> dict[str, Any]:
        answer = self.operations[operation](body, CALLER)
        assert isinstance(answer, bytes)
        return dict(orjson.loads(answer))

    def iterator(self, kind: str, **members: Any) -> str:
        return str(
            self.call(
                "GetShardIterator",
                StreamArn=STREAM_ARN,
                ShardId=self.shard.shard_id,
                ShardIteratorType=kind,
                **members,
            )["ShardIterator"]
        )


def test_records_are_asked_for_from_the_position_of_the_iterator() -> None:
    world = World()
    start = stamp_at(NOW)
    world.call("GetRecords", ShardIterator=world.iterator("TRIM_HORIZON"), Limit=7)
    world.call("GetRecords", ShardIterator=world.iterator("LATEST"))
    world.clock.advance(10.0)
    at = world.iterator("AT_TIMESTAMP", Timestamp=NOW / 1000 + 5)
    page = world.call("GetRecords", ShardIterator=at)
    world.call("GetRecords", ShardIterator=page["NextShardIterator"])
    shard = world.shard.shard_id
    assert world.source.asked == [
        (shard, start, 7),
        (shard, start + 100, PAGE_RECORDS),
        (shard, stamp_at(NOW + 5000), PAGE_RECORDS),
        (shard, stamp_at(NOW + 5000) + 2, PAGE_RECORDS),
    ]


def test_a_table_without_stream_has_none_and_an_unknown_one_is_not_found() -> None:
    world = World()
    assert len(world.call("ListStreams")["Streams"]) == 1
    assert world.call("ListStreams", TableName="Quiet") == {"Streams": []}
    with pytest.raises(ResourceNotFoundException) as refused:
        world.call("ListStreams", TableName="Nothing")
    assert refused.value.message == "Requested resource not found: Table: Nothing not found"


def test_an_unknown_stream_is_not_found_before_its_shard_is_looked_at() -> None:
    """19.9"""
    world = World()
    other = f"{ARN}/stream/2020-01-01T00:00:00.000"
    for operation, members in (
        ("DescribeStream", {}),
        ("GetShardIterator", {"ShardId": "x" * 30, "ShardIteratorType": "LATEST"}),
    ):
        with pytest.raises(ResourceNotFoundException) as refused:
            world.call(operation, StreamArn=other, **members)
        assert refused.value.message == f"Requested resource not found: Stream: {other} not found"


def test_members_are_compared_before_the_shard_is_looked_up() -> None:
    """26.95"""
    world = World()
    body = {"StreamArn": STREAM_ARN, "ShardId": "x" * 30}
    with pytest.raises(ValidationException, match="SequenceNumber cannot be null"):
        world.call("GetShardIterator", ShardIteratorType="AT_SEQUENCE_NUMBER", **body)
    with pytest.raises(ResourceNotFoundException, match="Shard does not exist"):
        world.call("GetShardIterator", ShardIteratorType="LATEST", **body)


def test_a_third_reader_at_the_same_time_is_throttled() -> None:
    """19.8"""
    world = World()
    positions = [world.iterator("TRIM_HORIZON") for _ in range(3)]
    for _ in range(3):
        world.clock.advance(0.1)
        for number in (0, 1):
            page = world.call("GetRecords", ShardIterator=positions[number])
            positions[number] = page["NextShardIterator"]
    with pytest.raises(LimitExceededException):
        world.call("GetRecords", ShardIterator=positions[2])
    world.clock.advance(1.5)
    world.call("GetRecords", ShardIterator=positions[2])


def test_an_iterator_of_a_stream_that_is_gone_is_of_no_stream() -> None:
    world = World()
    position = world.iterator("TRIM_HORIZON")
    world.source.found = Stream(music(), "2027-01-16T08:00:00.000", "KEYS_ONLY", "ENABLED", ())
    with pytest.raises(ResourceNotFoundException, match=f"Stream: {STREAM_ARN} not found"):
        world.call("GetRecords", ShardIterator=position)


def test_a_long_answer_is_put_together_in_several_turns_of_the_loop() -> None:
    async def story() -> None:
        world = World()
        world.source.length = 2 * PAGE_RECORDS + 30
        body = {"ShardIterator": world.iterator("TRIM_HORIZON")}
        answer = world.operations["GetRecords"](body, CALLER)
        assert isinstance(answer, Pending)
        assert len(world.source.asked) == 1
        page = orjson.loads(await wait(answer))
        assert len(page["Records"]) == 2 * PAGE_RECORDS + 30
        numbers = [record["dynamodb"]["SequenceNumber"] for record in page["Records"]]
        assert numbers == sorted(set(numbers))
        assert [limit for _, _, limit in world.source.asked] == [PAGE_RECORDS] * 3

    run(story())


def test_shards_are_shown_when_all_of_them_are_known() -> None:
    """A consumer that misses a parent takes it for trimmed, and reads its children too early."""
    world = World()
    arn = world.source.found.arn
    assert world.call("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
    world.source.is_whole = False
    with pytest.raises(ServiceUnavailable):
        world.call("DescribeStream", StreamArn=arn)
