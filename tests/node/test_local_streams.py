"""Streams of one process: shards survive crashes, roll and are trimmed on time; nothing is lost."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from one_node import Node, item, key, table_body
from slow_disk import SlowDisk
from stator_core import change_format, stream_shards
from stator_core.errors import (
    ExpiredIteratorException,
    InternalServerError,
    ResourceNotFoundException,
    TrimmedDataAccessException,
)
from stator_node.doors import StorageFailed
from stator_node.local_streams import STREAM_END, STREAM_PREFIX, read_feeds
from stator_node.pending import Pending, wait
from virtual_time import run

STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
HOUR = 3600.0


async def streaming() -> Node:
    """A node with the table Music, which has a stream."""
    node = Node()
    await node.create({**table_body(), **STREAM})
    return node


async def put(node: Node, n: int, pk: str = "a") -> None:
    node.clock.advance(0.001)
    await node.call("PutItem", TableName="Music", Item=item(pk, n=n))


async def arn_of(node: Node, name: str = "Music") -> str:
    (found,) = (await node.call("ListStreams", TableName=name))["Streams"]
    return str(found["StreamArn"])


async def shards(node: Node, arn: str) -> list[dict[str, Any]]:
    found = await node.call("DescribeStream", StreamArn=arn)
    return list(found["StreamDescription"]["Shards"])


async def iterator(node: Node, arn: str, shard: str, kind: str = "TRIM_HORIZON") -> str:
    found = await node.call(
        "GetShardIterator", StreamArn=arn, ShardId=shard, ShardIteratorType=kind
    )
    return str(found["ShardIterator"])


async def records(node: Node, arn: str) -> list[str]:
    """The values of n in all records of a stream, shard by shard; each shard is read to its end."""
    seen: list[str] = []
    for shard in await shards(node, arn):
        position: str | None = await iterator(node, arn, shard["ShardId"])
        while position is not None:
            page = await node.call("GetRecords", ShardIterator=position, Limit=2)
            seen += [each["dynamodb"]["NewImage"]["n"]["N"] for each in page["Records"]]
            position = page.get("NextShardIterator")
            if not page["Records"] and "EndingSequenceNumber" not in shard["SequenceNumberRange"]:
                break
    return seen


async def switch(node: Node, on: bool) -> None:
    wanted: dict[str, Any] = {"StreamEnabled": on}
    if on:
        wanted["StreamViewType"] = "NEW_IMAGE"
    await node.call("UpdateTable", TableName="Music", StreamSpecification=wanted)
    await node.rest()


def stored_changes(node: Node) -> int:
    return len(list(node.store.cursor("changes", b"", b"\xff")))


def test_a_restart_finds_every_answered_change_in_the_same_shard() -> None:
    async def story() -> None:
        node = await streaming()
        for n in range(5):
            await put(node, n)
        arn = await arn_of(node)
        before = await shards(node, arn)
        again = Node(await node.crash())
        assert await shards(again, arn) == before
        await put(again, 5)
        assert await records(again, arn) == list("012345")

    run(story())


@pytest.mark.parametrize("broken_after", range(5))
def test_a_crash_in_the_middle_of_anything_leaves_each_change_in_one_shard(
    broken_after: int,
) -> None:
    """kill -9 behind the so manieth step: enable, roll, disable, delete the table."""

    async def story() -> None:
        node = await streaming()
        for step in range(broken_after + 1):
            await put(node, step)
            if step == 1:
                node.clock.advance(5 * HOUR)
                node.streams.keep()
            elif step == 3:
                await switch(node, on=False)
                await node.call("DeleteTable", TableName="Music")
                break
        again = Node(await node.crash())
        await again.rest()
        arn = await arn_of(again)
        expected = [str(step) for step in range(min(broken_after, 3) + 1)]
        assert await records(again, arn) == expected

    run(story())


def test_enabling_and_disabling_cut_the_stream_between_two_writes() -> None:
    async def story() -> None:
        node = await streaming()
        await put(node, 0)
        await switch(node, on=False)
        await put(node, 1)
        await switch(node, on=True)
        await put(node, 2)
        first, second = (each["StreamArn"] for each in (await node.call("ListStreams"))["Streams"])
        assert await records(node, first) == ["0"]
        assert await records(node, second) == ["2"]
        statuses = [
            (await node.call("DescribeStream", StreamArn=arn))["StreamDescription"]["StreamStatus"]
            for arn in (first, second)
        ]
        assert statuses == ["DISABLED", "ENABLED"]

    run(story())


def test_writes_on_their_way_to_the_disk_are_read_from_a_shard_that_closed_meanwhile() -> None:
    async def story() -> None:
        disk = SlowDisk()
        node = Node(disk)
        await node.create({**table_body(), **STREAM})
        arn = await arn_of(node)
        (shard,) = await shards(node, arn)
        start = await iterator(node, arn, shard["ShardId"])
        disk.hold()
        # Two syncs' worth: one group under sync, one being collected behind it.
        writes = [
            node.send("PutItem", {"TableName": "Music", "Item": item(str(n), n=n)})
            for n in range(2)
        ]
        await asyncio.sleep(0.01)
        writes.append(node.send("PutItem", {"TableName": "Music", "Item": item("2", n=2)}))
        node.clock.advance(5 * HOUR)
        node.streams.keep()
        fresh = await iterator(node, arn, shard["ShardId"])
        answer = node.send("GetRecords", {"ShardIterator": fresh})
        assert isinstance(answer, Pending)
        assert not answer.done
        disk.release()
        await asyncio.gather(*(wait(each) for each in writes if isinstance(each, Pending)))
        await wait(answer)
        node.clock.advance(-0.0)
        assert await records(node, arn) == ["0", "1", "2"]
        assert start != fresh

    run(story())


def test_a_shard_rolls_after_four_hours_and_its_child_goes_on() -> None:
    async def story() -> None:
        node = await streaming()
        arn = await arn_of(node)
        keeping = asyncio.create_task(node.streams.run())
        for n in range(3):
            await put(node, n)
            node.clock.advance(4 * HOUR)
            await asyncio.sleep(2.0)
        keeping.cancel()
        found = await shards(node, arn)
        assert len(found) == 4
        for parent, child in itertools.pairwise(found):
            assert child["ParentShardId"] == parent["ShardId"]
            ending = int(parent["SequenceNumberRange"]["EndingSequenceNumber"])
            assert int(child["SequenceNumberRange"]["StartingSequenceNumber"]) == ending + 1
        assert await records(node, arn) == ["0", "1", "2"]

    run(story())


def test_what_is_older_than_a_day_is_gone_from_the_stream_and_from_the_disk() -> None:
    async def story() -> None:
        node = await streaming()
        arn = await arn_of(node)
        await put(node, 0)
        (old,) = await shards(node, arn)
        start = old["SequenceNumberRange"]["StartingSequenceNumber"]
        node.clock.advance(12 * HOUR)
        node.streams.keep()
        await put(node, 1)
        assert await records(node, arn) == ["0", "1"]
        node.clock.advance(12 * HOUR + 1)
        # Nobody has trimmed yet: readers go by the clock.
        assert await records(node, arn) == ["1"]
        assert stored_changes(node) == 2
        node.streams.keep()
        assert stored_changes(node) == 1
        again = Node(await node.crash())
        again.clock.set_now(node.clock.now())
        assert await records(again, arn) == ["1"]
        asked = {
            "StreamArn": arn,
            "ShardId": old["ShardId"],
            "ShardIteratorType": "AT_SEQUENCE_NUMBER",
            "SequenceNumber": start,
        }
        with pytest.raises(TrimmedDataAccessException):
            await again.call("GetShardIterator", **asked)
        again.clock.advance(12 * HOUR - 60)
        last = await iterator(again, arn, old["ShardId"])
        again.clock.advance(60)
        with pytest.raises(ResourceNotFoundException):
            await again.call("GetShardIterator", **asked)
        with pytest.raises(TrimmedDataAccessException):
            await again.call("GetRecords", ShardIterator=last)

    run(story())


def test_a_trimmed_position_within_a_shard_is_refused() -> None:
    async def story() -> None:
        node = await streaming()
        arn = await arn_of(node)
        await put(node, 0)
        await put(node, 1)
        (shard,) = await shards(node, arn)
        start = shard["SequenceNumberRange"]["StartingSequenceNumber"]
        node.clock.advance(23.9 * HOUR)
        position = await iterator(node, arn, shard["ShardId"])
        page = await node.call("GetRecords", ShardIterator=position, Limit=1)
        node.clock.advance(0.11 * HOUR)
        with pytest.raises(TrimmedDataAccessException):
            await node.call("GetRecords", ShardIterator=page["NextShardIterator"])
        with pytest.raises(TrimmedDataAccessException):
            await node.call(
                "GetShardIterator",
                StreamArn=arn,
                ShardId=shard["ShardId"],
                ShardIteratorType="AT_SEQUENCE_NUMBER",
                SequenceNumber=start,
            )
        assert await records(node, arn) == []

    run(story())


def test_a_reader_who_waits_at_the_end_of_a_quiet_shard_is_not_refused() -> None:
    async def story() -> None:
        node = await streaming()
        arn = await arn_of(node)
        (shard,) = await shards(node, arn)
        position = await iterator(node, arn, shard["ShardId"], "LATEST")
        for _ in range(4 * 26):
            node.clock.advance(HOUR / 4)
            page = await node.call("GetRecords", ShardIterator=position)
            assert page["Records"] == []
            position = page["NextShardIterator"]
        await put(node, 0)
        page = await node.call("GetRecords", ShardIterator=position)
        assert len(page["Records"]) == 1

    run(story())


def test_an_iterator_expires_after_fifteen_minutes() -> None:
    async def story() -> None:
        node = await streaming()
        arn = await arn_of(node)
        (shard,) = await shards(node, arn)
        position = await iterator(node, arn, shard["ShardId"])
        node.clock.advance(900.0)
        await node.call("GetRecords", ShardIterator=position)
        node.clock.advance(1.0)
        with pytest.raises(ExpiredIteratorException):
            await node.call("GetRecords", ShardIterator=position)

    run(story())


def test_a_deleted_tables_stream_is_read_for_a_day_and_then_nothing_of_it_is_left() -> None:
    async def story() -> None:
        node = await streaming()
        arn = await arn_of(node)
        await put(node, 0)
        await node.call("DeleteTable", TableName="Music")
        await node.rest()
        assert await records(node, arn) == ["0"]
        # A table of the same name is another, with another stream.
        node.clock.advance(1.0)
        await node.create({**table_body(), **STREAM})
        await put(node, 1)
        old, new = (each["StreamArn"] for each in (await node.call("ListStreams"))["Streams"])
        assert old == arn
        assert (await records(node, old), await records(node, new)) == (["0"], ["1"])
        again = Node(await node.crash())
        again.clock.set_now(node.clock.now())
        assert await records(again, arn) == ["0"]
        again.clock.advance(24 * HOUR + 1)
        again.streams.keep()
        with pytest.raises(ResourceNotFoundException):
            await again.call("DescribeStream", StreamArn=arn)
        stored = list(again.store.cursor("meta", STREAM_PREFIX, STREAM_END))
        assert len(stored) == 1
        assert stored_changes(again) == 0

    run(story())


def test_a_stream_that_was_disabled_leaves_nothing_after_a_day() -> None:
    async def story() -> None:
        node = await streaming()
        await put(node, 0)
        await switch(node, on=False)
        node.clock.advance(25 * HOUR)
        assert (await node.call("ListStreams")) == {"Streams": []}
        node.streams.keep()
        assert list(read_feeds(node.store)) == []
        assert stored_changes(node) == 0

    run(story())


def test_a_clock_that_jumps_back_takes_no_change_out_of_its_shard() -> None:
    async def story() -> None:
        node = await streaming()
        arn = await arn_of(node)
        await put(node, 0)
        node.clock.set_now(node.clock.now() - 10 * HOUR)
        await put(node, 1)
        node.clock.advance(5 * HOUR)
        node.streams.keep()
        again = Node(await node.crash())
        again.clock.set_now(node.clock.now() - HOUR)
        await put(again, 2)
        assert await records(again, arn) == ["0", "1", "2"]

    run(story())


def test_a_crash_between_the_mark_and_the_deleting_is_made_good_at_the_next_start() -> None:
    async def story() -> None:
        node = await streaming()
        await put(node, 0)
        node.clock.advance(13 * HOUR)
        node.streams.keep()
        node.clock.advance(12 * HOUR)

        def refuse(*_: object) -> None:
            raise StorageFailed("pulled out")

        node.store.delete_range = refuse  # type: ignore[method-assign,assignment]
        with pytest.raises(StorageFailed):
            node.streams.keep()
        del node.store.delete_range
        assert stored_changes(node) == 1
        again = Node(await node.crash())
        again.streams.begin()
        assert stored_changes(again) == 0

    run(story())


def test_a_damaged_record_is_an_error_and_never_a_wrong_record() -> None:
    async def story() -> None:
        node = await streaming()
        arn = await arn_of(node)
        await put(node, 0)
        ((stored_key, value),) = list(node.store.cursor("changes", b"", b"\xff"))
        broken = value[:-1] + bytes([value[-1] ^ 1])
        node.store.write([("changes", stored_key, broken)], sync=True)
        with pytest.raises(InternalServerError):
            await records(node, arn)

    run(story())


def test_a_table_of_a_version_without_shards_gets_one_at_the_start() -> None:
    async def story() -> None:
        node = await streaming()
        ((stored_key, _),) = list(node.store.cursor("meta", STREAM_PREFIX, STREAM_END))
        node.store.write([("meta", stored_key, None)], sync=True)
        again = Node(await node.crash())
        again.streams.begin()
        await put(again, 0)
        assert await records(again, await arn_of(again)) == ["0"]

    run(story())


def test_a_feed_that_cannot_be_read_is_no_feed() -> None:
    async def story() -> None:
        node = await streaming()
        ((stored_key, value),) = list(node.store.cursor("meta", STREAM_PREFIX, STREAM_END))
        node.store.write([("meta", stored_key, value[:-1])], sync=True)
        with pytest.raises(Exception, match="checksum"):
            list(read_feeds(node.store))

    run(story())


def test_a_write_that_changes_nothing_leaves_no_record() -> None:
    """19.3"""

    async def story() -> None:
        node = await streaming()
        await put(node, 0)
        await put(node, 0)
        await node.call("DeleteItem", TableName="Music", Key=key("nothing"))
        assert stored_changes(node) == 1
        (feed,) = read_feeds(node.store)
        (present,) = feed.shards
        assert stream_shards.partition_of(present.shard_id) == feed.table.identifier
        ((stored_key, _),) = list(node.store.cursor("changes", b"", b"\xff"))
        assert change_format.stamp_of(stored_key) > present.start

    run(story())
