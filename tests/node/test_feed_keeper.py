"""Feeds of a cluster are rolled and trimmed on time, on every replica alike, by one entry each."""

from __future__ import annotations

import asyncio
from typing import Any

from small_cluster import SmallCluster
from stator_core.partition_state import PartitionState
from stator_node.clock import SystemClock
from stator_node.feed_keeper import FeedKeeper
from stator_node.hosted_partition import HostedPartition
from table_bodies import attributes, index

HOUR = 3600.0
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}


class LaterClock(SystemClock):
    """The same clock, so many seconds later."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def now(self) -> float:
        return super().now() + self._seconds


def look(cluster: SmallCluster, seconds: float, times: int = 1) -> None:
    """The leader's pod looks, so many seconds later than now."""
    partitions = cluster.leader().partitions
    keeper = FeedKeeper(partitions, LaterClock(seconds))
    for _ in range(times):
        for hosted in tuple(partitions.values()):
            keeper.look(hosted)


def states(cluster: SmallCluster, partition_id: int = 1) -> list[PartitionState]:
    replicas: list[HostedPartition] = [pod.partitions[partition_id] for pod in cluster.pods]
    return [each.state for each in replicas if each.state is not None]


def records(cluster: SmallCluster) -> list[int]:
    return [len(list(pod.store.cursor("changes", b"", b"\xff"))) for pod in cluster.pods]


async def put(cluster: SmallCluster, count: int, **more: Any) -> None:
    for number in range(count):
        await cluster.execute("PutItem", TableName="Music", Item={"pk": {"S": f"{number}"}, **more})


def test_a_shard_is_rolled_once_however_often_somebody_looks() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table(StreamSpecification=STREAM)
            look(cluster, HOUR)
            look(cluster, 4 * HOUR + 5, times=3)
            await cluster.until(lambda: all(len(each.shards) == 2 for each in states(cluster)))
            await asyncio.sleep(0.2)
            one, *others = states(cluster)
            assert len(one.shards) == 2
            assert all(each.shards == one.shards for each in others)

    asyncio.run(run())


def test_a_stream_is_trimmed_after_a_day_on_every_replica() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table(StreamSpecification=STREAM)
            await put(cluster, 5)
            await cluster.until(lambda: records(cluster) == [5, 5, 5])
            look(cluster, 23 * HOUR)
            await asyncio.sleep(0.2)
            assert records(cluster) == [5, 5, 5]
            look(cluster, 25 * HOUR)
            await cluster.until(lambda: records(cluster) == [0, 0, 0])

    asyncio.run(run())


def test_a_feed_that_indexes_alone_follow_is_trimmed_as_soon_as_they_have_it() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table(
                AttributeDefinitions=attributes(pk="S", genre="S"),
                GlobalSecondaryIndexes=[index("by-genre", "genre")],
            )
            await put(cluster, 5, genre={"S": "g"})
            await cluster.until(lambda: max(records(cluster)) == 5)

            def is_trimmed() -> bool:
                look(cluster, 120.0)
                return max(records(cluster)) < 5  # The rest goes with the next step.

            await cluster.until(is_trimmed)

    asyncio.run(run())
