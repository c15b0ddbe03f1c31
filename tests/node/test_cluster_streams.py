"""Streams of a cluster: any replica answers, lineage is honest, nothing is missed at a cut."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from small_cluster import SmallCluster
from stator_core.entry_format import EntryKind
from stator_core.errors import InternalServerError, ResourceNotFoundException, ServiceUnavailable
from stator_core.partition_changes import split_body, trim_body
from stator_core.raft.refusals import Refusal
from stator_node.catalog import Catalog
from stator_node.doors import Family
from stator_node.hosted_partition import HostedPartition

MIDDLE = 1 << 63
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


class Consumer:
    """Follows a stream by lineage; `seen` are the numbers that each item had, in order."""

    def __init__(self, cluster: SmallCluster, arn: str) -> None:
        self.seen: dict[str, list[int]] = {}
        self.finished: list[str] = []
        self._cluster = cluster
        self._arn = arn
        self._positions: dict[str, str] = {}

    async def turn(self) -> int:
        found = await self._cluster.execute("DescribeStream", StreamArn=self._arn)
        shards = found["StreamDescription"]["Shards"]
        names = {shard["ShardId"] for shard in shards}
        for shard in shards:
            name, parent = shard["ShardId"], shard.get("ParentShardId")
            if name in self._positions or name in self.finished:
                continue
            if parent not in names or parent in self.finished:
                answer = await self._cluster.execute(
                    "GetShardIterator",
                    StreamArn=self._arn,
                    ShardId=name,
                    ShardIteratorType="TRIM_HORIZON",
                )
                self._positions[name] = answer["ShardIterator"]
        came = 0
        for name, position in list(self._positions.items()):
            page = await self._cluster.execute("GetRecords", ShardIterator=position, Limit=7)
            for record in page["Records"]:
                told = record["dynamodb"]
                self.seen.setdefault(told["Keys"]["pk"]["S"], []).append(
                    int(told["NewImage"]["n"]["N"])
                )
                came += 1
            if "NextShardIterator" in page:
                self._positions[name] = page["NextShardIterator"]
            else:
                del self._positions[name]
                self.finished.append(name)
        return came

    async def all(self) -> dict[str, list[int]]:
        """Everything in shards that are closed, and what the others have by now."""
        quiet = 0
        async with asyncio.timeout(20):
            while quiet < 10:
                before = len(self.finished)
                quiet = 0 if await self.turn() or len(self.finished) > before else quiet + 1
                await asyncio.sleep(0.02)
        return self.seen

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while sum(map(len, self.seen.values())) < count:
                if not await self.turn():
                    await asyncio.sleep(0.02)


async def streaming(cluster: SmallCluster) -> str:
    await cluster.create_table(StreamSpecification=STREAM)
    (found,) = (await cluster.execute("ListStreams", TableName="Music"))["Streams"]
    return str(found["StreamArn"])


async def put(cluster: SmallCluster, pk: str, n: int) -> None:
    """Put the next number; again where nobody could say whether it was put, which is no change."""
    for _ in range(5):
        with contextlib.suppress(InternalServerError, ServiceUnavailable):
            await cluster.execute(
                "PutItem", TableName="Music", Item={"pk": {"S": pk}, "n": {"N": str(n)}}
            )
            return
    raise AssertionError("no leader took the write")


async def count_up(cluster: SmallCluster, pk: str, numbers: range) -> None:
    for n in numbers:
        await put(cluster, pk, n)


async def leader_of(cluster: SmallCluster, partition_id: int) -> HostedPartition:
    """Who leads now; on a busy machine it may be nobody for a moment."""
    await cluster.until(lambda: cluster.has_leader(partition_id))
    return cluster.leader(partition_id).partitions[partition_id]


async def split(cluster: SmallCluster, parent: int, child: int, at: int = MIDDLE) -> None:
    """Ask for it, and again where a leader that has just changed did not do it."""
    async with asyncio.timeout(20):
        while not any(child in pod.partitions for pod in cluster.pods):
            with contextlib.suppress(Refusal):
                hosted = await leader_of(cluster, parent)
                hosted.propose_change(EntryKind.SPLIT, split_body(at, child))
            await asyncio.sleep(0.2)
    await leader_of(cluster, child)


def test_a_consumer_sees_every_change_once_and_in_order_across_splits_and_rolls() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            arn = await streaming(cluster)
            consumer = Consumer(cluster, arn)
            keys = [f"key-{number}" for number in range(6)]
            writers = asyncio.gather(*(count_up(cluster, pk, range(1, 61)) for pk in keys))
            await consumer.until(30)
            hosted = await leader_of(cluster, 1)
            hosted.propose_change(EntryKind.ROLL, b"{}")
            await consumer.until(60)
            await split(cluster, 1, 2)
            await consumer.until(90)
            await split(cluster, 2, 3, MIDDLE + MIDDLE // 2)
            hosted = await leader_of(cluster, 3)
            hosted.propose_change(EntryKind.ROLL, b"{}")
            await writers
            await consumer.until(360)
            async with asyncio.timeout(20):  # An end is told when what follows is known.
                while len(consumer.finished) < 4:
                    assert await consumer.turn() == 0
                    await asyncio.sleep(0.02)
            assert consumer.seen == {pk: list(range(1, 61)) for pk in keys}

    asyncio.run(run())


def test_a_consumer_goes_on_when_a_leader_is_lost() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            arn = await streaming(cluster)
            consumer = Consumer(cluster, arn)
            await count_up(cluster, "a", range(1, 11))
            await consumer.until(10)
            old = cluster.leader()
            await old.kill()
            await count_up(cluster, "a", range(11, 21))
            await consumer.until(20)
            await old.start()
            assert consumer.seen == {"a": list(range(1, 21))}

    asyncio.run(run())


def test_disabling_under_writes_cuts_the_stream_without_a_gap() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            arn = await streaming(cluster)
            consumer = Consumer(cluster, arn)
            keys = [f"key-{number}" for number in range(4)]
            writers = asyncio.gather(*(count_up(cluster, pk, range(1, 81)) for pk in keys))
            await consumer.until(20)
            await cluster.execute(
                "UpdateTable", TableName="Music", StreamSpecification={"StreamEnabled": False}
            )
            await cluster.active()
            await writers
            async with asyncio.timeout(20):
                while not consumer.finished:
                    await consumer.turn()
            for numbers in consumer.seen.values():
                assert numbers == list(range(1, len(numbers) + 1))
            found = await cluster.execute("DescribeStream", StreamArn=arn)
            assert found["StreamDescription"]["StreamStatus"] == "DISABLED"

    asyncio.run(run())


def test_what_was_evaluated_before_a_cut_stands_before_it_in_the_log() -> None:
    """Else a reader would leave the closed shard before its last records are there."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await streaming(cluster)
            await put(cluster, "a", 0)
            hosted = await leader_of(cluster, 1)
            body = {"TableName": "Music", "Item": {"pk": {"S": "a"}, "n": {"N": "1"}}}
            writes: list[Any] = []
            for n in range(50):
                item = {**body["Item"], "n": {"N": str(n + 1)}}  # type: ignore[dict-item]
                writes.append(cluster.execute("PutItem", TableName="Music", Item=item))
            tasks = [asyncio.ensure_future(each) for each in writes]
            for _ in range(20):
                await asyncio.sleep(0)
                if hosted.commit.has_more():
                    break
            hosted.propose_change(EntryKind.ROLL, b"{}")
            assert not hosted.commit.has_more()
            await asyncio.gather(*tasks)
            await cluster.until(lambda: hosted.state is not None and len(hosted.state.shards) == 2)

    asyncio.run(run())


def test_latest_begins_behind_everything_that_was_answered() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            arn = await streaming(cluster)
            await count_up(cluster, "a", range(1, 4))
            found = await cluster.execute("DescribeStream", StreamArn=arn)
            (shard,) = found["StreamDescription"]["Shards"]
            latest = await cluster.execute(
                "GetShardIterator",
                StreamArn=arn,
                ShardId=shard["ShardId"],
                ShardIteratorType="LATEST",
            )
            await put(cluster, "a", 4)
            position = latest["ShardIterator"]
            numbers: list[str] = []
            async with asyncio.timeout(10):
                while not numbers:
                    page = await cluster.execute("GetRecords", ShardIterator=position)
                    numbers += [each["dynamodb"]["NewImage"]["n"]["N"] for each in page["Records"]]
                    position = page["NextShardIterator"]
            assert numbers == ["4"]

    asyncio.run(run())


def test_a_gateway_that_has_not_heard_of_a_partition_shows_no_shards() -> None:
    """Who reads a child and has not been shown its parent has an item's changes in wrong order."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            arn = await streaming(cluster)
            await split(cluster, 1, 2)
            await cluster.until(lambda: {1, 2} <= cluster.view.feeds.keys())
            heard = cluster.view.feeds

            cluster.view.feeds = {2: heard[2]}
            with pytest.raises(ServiceUnavailable):
                await cluster.execute("DescribeStream", StreamArn=arn)

            cluster.view.feeds = heard
            described = await cluster.execute("DescribeStream", StreamArn=arn)
            assert len(described["StreamDescription"]["Shards"]) == 3

    asyncio.run(run())


def test_a_table_without_stream_has_none() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            assert await cluster.execute("ListStreams", TableName="Music") == {"Streams": []}
            with pytest.raises(ResourceNotFoundException):
                await cluster.execute("ListStreams", TableName="Nothing")

    asyncio.run(run())


def test_a_deleted_tables_stream_is_read_until_it_is_trimmed_and_then_nothing_is_left() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            arn = await streaming(cluster)
            await count_up(cluster, "a", range(1, 6))
            await split(cluster, 1, 2)
            await count_up(cluster, "a", range(6, 11))
            await delete(cluster)
            assert await cluster.execute("ListTables") == {"TableNames": []}
            with pytest.raises(ResourceNotFoundException):
                await cluster.execute("DescribeTable", TableName="Music")
            # The items are gone everywhere, the name is free, and the records are there.
            await cluster.until(lambda: stored(cluster, "items") == [0, 0, 0])
            other = await streaming_again(cluster, arn)
            await put(cluster, "a", 1)
            assert await Consumer(cluster, arn).all() == {"a": list(range(1, 11))}
            assert await Consumer(cluster, other).all() == {"a": [1]}
            await trim(cluster, (1, 2))
            await cluster.until(lambda: not cluster.catalog.deleted)
            assert all(set(pod.partitions) == {3} for pod in cluster.pods)
            assert stored(cluster, "changes") == [1, 1, 1]
            with pytest.raises(ResourceNotFoundException):
                await cluster.execute("DescribeStream", StreamArn=arn)

    asyncio.run(run())


def test_a_deleted_tables_stream_survives_its_pods() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            arn = await streaming(cluster)
            await count_up(cluster, "a", range(1, 6))
            await delete(cluster)
            for pod in cluster.pods:
                await pod.kill()
            for pod in cluster.pods:
                await pod.start()
            await cluster.until(cluster.has_leader)
            assert Catalog(cluster.store).deleted.keys() == {1}
            assert stored(cluster, "items") == [0, 0, 0]
            assert await Consumer(cluster, arn).all() == {"a": list(range(1, 6))}

    asyncio.run(run())


async def delete(cluster: SmallCluster) -> None:
    await cluster.execute("DeleteTable", TableName="Music")
    await cluster.until(lambda: "Music" not in cluster.catalog.tables)


async def streaming_again(cluster: SmallCluster, old: str) -> str:
    """The stream of a new table of the same name."""
    await cluster.create_table(StreamSpecification=STREAM)
    found = (await cluster.execute("ListStreams", TableName="Music"))["Streams"]
    (other,) = {each["StreamArn"] for each in found} - {old}
    return str(other)


async def trim(cluster: SmallCluster, partitions: tuple[int, ...]) -> None:
    """As if a day had gone by."""
    for partition_id in partitions:
        hosted = await leader_of(cluster, partition_id)
        assert hosted.state is not None
        until = max(shard.end or 0 for shard in hosted.state.shards)
        hosted.propose_change(EntryKind.TRIM, trim_body(until))


def stored(cluster: SmallCluster, family: Family) -> list[int]:
    return [len(list(pod.store.cursor(family, b"", b"\xff"))) for pod in cluster.pods]
