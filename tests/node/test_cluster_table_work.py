"""Tables of a cluster change while they serve: descriptions, new indexes, indexes that go."""

from __future__ import annotations

import asyncio
from typing import Any

from small_cluster import SmallCluster

INDEX = {
    "IndexName": "by-genre",
    "KeySchema": [{"AttributeName": "genre", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
DEFINITIONS = [
    {"AttributeName": "pk", "AttributeType": "S"},
    {"AttributeName": "genre", "AttributeType": "S"},
]


def song(number: int) -> dict[str, Any]:
    return {"pk": {"S": f"song-{number}"}, "genre": {"S": f"genre-{number % 3}"}}


async def songs_of(cluster: SmallCluster, genre: int) -> set[str]:
    found = await cluster.execute(
        "Query",
        TableName="Music",
        IndexName="by-genre",
        KeyConditionExpression="genre = :g",
        ExpressionAttributeValues={":g": {"S": f"genre-{genre}"}},
    )
    return {item["pk"]["S"] for item in found["Items"]}


def test_an_index_made_later_is_filled_while_writes_go_on_and_can_be_taken_away() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            for number in range(300):
                await cluster.execute("PutItem", TableName="Music", Item=song(number))
            await cluster.execute(
                "UpdateTable",
                TableName="Music",
                AttributeDefinitions=DEFINITIONS,
                GlobalSecondaryIndexUpdates=[{"Create": INDEX}],
            )
            for number in range(300, 330):
                await cluster.execute("PutItem", TableName="Music", Item=song(number))
            for number in range(0, 30, 3):
                await cluster.execute(
                    "DeleteItem", TableName="Music", Key={"pk": {"S": f"song-{number}"}}
                )
            await cluster.active()
            alive = set(range(30)) - set(range(0, 30, 3)) | set(range(30, 330))
            leader = cluster.leader()
            for pod in cluster.pods:
                hosted = pod.partitions[1]
                await cluster.until(
                    lambda hosted=hosted: hosted.log.applied == leader.partitions[1].log.applied
                )
            for genre in range(3):
                wanted = {f"song-{number}" for number in alive if number % 3 == genre}
                assert await songs_of(cluster, genre) == wanted
            await cluster.execute(
                "UpdateTable",
                TableName="Music",
                GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-genre"}}],
            )
            await cluster.until(lambda: not cluster.catalog.tables["Music"].global_indexes)
            for pod in cluster.pods:
                entries = pod.store.cursor("items", b"\0\0\0\2", b"\xff")
                await cluster.until(lambda entries=entries: not list(entries))

    asyncio.run(run())


def test_settings_and_tags_reach_every_partition() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await cluster.execute(
                "UpdateTimeToLive",
                TableName="Music",
                TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True},
            )

            def is_known_everywhere() -> bool:
                return all(
                    pod.partitions[1].state is not None
                    and pod.partitions[1].state.table.time_to_live is not None
                    for pod in cluster.pods
                )

            await cluster.until(is_known_everywhere)
            described = await cluster.execute("DescribeTable", TableName="Music")
            assert described["Table"]["TableStatus"] == "ACTIVE"

    asyncio.run(run())
