"""Tombstones of an index go when nothing can come for them any more, and not before."""

from __future__ import annotations

import asyncio
from typing import Any

from small_cluster import SmallCluster
from stator_core.index_entries import TOMBSTONE_SECONDS
from stator_node.clock import SystemClock
from stator_node.hosted_partition import HostedPartition
from stator_node.tombstone_sweep import SLICE_TOMBSTONES, sweep
from table_bodies import attributes, index

SONGS = SLICE_TOMBSTONES + 20


class LaterClock(SystemClock):
    """The same clock, so many seconds later."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def now(self) -> float:
        return super().now() + self._seconds


def of_index(cluster: SmallCluster) -> list[HostedPartition]:
    return [
        hosted
        for pod in cluster.pods
        for hosted in pod.partitions.values()
        if hosted.state is not None and hosted.state.is_of_index
    ]


def tombstones(hosted: HostedPartition) -> int:
    assert hosted.state is not None
    (bounds,) = [(s, e) for family, s, e in hosted.state.owned_ranges() if family == "indexes"]
    return len(list(hosted.commit.store.cursor("indexes", *bounds)))


def test_what_has_stood_long_enough_goes_from_every_replica() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table(
                AttributeDefinitions=attributes(pk="S", genre="S"),
                GlobalSecondaryIndexes=[index("by-genre", "genre")],
            )
            keys: list[dict[str, Any]] = [{"pk": {"S": f"{number}"}} for number in range(SONGS)]
            for key in keys:
                item = {**key, "genre": {"S": "g"}}
                await cluster.execute("PutItem", TableName="Music", Item=item)
            for key in keys:
                await cluster.execute("DeleteItem", TableName="Music", Key=key)
            await cluster.until(
                lambda: all(tombstones(hosted) == SONGS for hosted in of_index(cluster))
            )
            (leader,) = [hosted for hosted in of_index(cluster) if hosted.may_write]

            assert await sweep(leader, SystemClock()) == 0
            assert await sweep(leader, LaterClock(TOMBSTONE_SECONDS - 60)) == 0
            assert await sweep(leader, LaterClock(TOMBSTONE_SECONDS + 60)) == SONGS
            await cluster.until(lambda: not any(map(tombstones, of_index(cluster))))
            (base,) = [h for h in cluster.leader().partitions.values() if not h.state.is_of_index]
            assert await sweep(base, LaterClock(10 * TOMBSTONE_SECONDS)) == 0, "it has none"

    asyncio.run(run())
