"""Global indexes of a cluster follow their table: through splits, lost leaders, and with a fill."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from small_cluster import SmallCluster
from stator_core.errors import InternalServerError, ThrottlingException
from stator_core.key_format import HASH_SPACE
from stator_core.partition_state import index_follower
from stator_core.placement_types import SplitPartition
from stator_node.hosted_partition import HostedPartition
from stator_node.movable_clock import MovableClock
from table_bodies import attributes, index

HALF = HASH_SPACE // 2
BY_GENRE = {
    "AttributeDefinitions": attributes(pk="S", genre="S"),
    "GlobalSecondaryIndexes": [index("by-genre", "genre")],
}
ADD = {
    "TableName": "Music",
    "AttributeDefinitions": attributes(pk="S", genre="S"),
    "GlobalSecondaryIndexUpdates": [{"Create": index("by-genre", "genre")}],
}


def song(number: int, genre: int = 0) -> dict[str, Any]:
    return {"pk": {"S": f"song-{number}"}, "genre": {"S": f"genre-{genre}"}}


async def put(cluster: SmallCluster, *songs: dict[str, Any]) -> None:
    for each in songs:
        while True:
            try:
                await cluster.execute("PutItem", TableName="Music", Item=each)
                break
            except InternalServerError:  # Its outcome is unknown; to put it again does no harm.
                continue


async def told_by(cluster: SmallCluster) -> list[tuple[str, str]]:
    """The songs of the index, with their genres. One that moves may be seen twice, or not."""
    found = await cluster.execute("Scan", TableName="Music", IndexName="by-genre")
    return sorted((item["pk"]["S"], item["genre"]["S"]) for item in found["Items"])


async def follows(cluster: SmallCluster, wanted: dict[str, str]) -> None:
    """Wait until every replica of the index holds this and nothing else."""
    agreed = 0
    async with asyncio.timeout(20):
        while agreed < 6:  # Eventual reads go round the replicas.
            agreed = agreed + 1 if await told_by(cluster) == sorted(wanted.items()) else 0
            await asyncio.sleep(0.02)


async def split(cluster: SmallCluster, identifier: int, place: int) -> None:
    partition = cluster.view.partition_of(identifier, place)
    assert partition is not None
    action = SplitPartition(
        partition.partition_id,
        identifier,
        partition.epochs,
        place,
        cluster.supervisor.next_partition_id,
    )
    assert await cluster.supervisor.carry_out(action)
    await cluster.until(lambda: len(cluster.view.partitions_of(identifier, 0, HASH_SPACE)) > 1)


def leading(cluster: SmallCluster, identifier: int) -> list[HostedPartition]:
    return [
        hosted
        for pod in cluster.pods
        if pod.node is not None
        for hosted in pod.partitions.values()
        if hosted.may_write
        and hosted.state is not None
        and hosted.state.descriptor.table_identifier == identifier
    ]


def test_an_index_follows_puts_changes_and_deletes() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table(**BY_GENRE)
            await put(cluster, *(song(number) for number in range(40)))
            await put(cluster, *(song(number, 1) for number in range(0, 40, 2)))
            for number in range(0, 40, 4):
                await cluster.execute(
                    "DeleteItem", TableName="Music", Key={"pk": {"S": f"song-{number}"}}
                )
            wanted = {f"song-{n}": f"genre-{1 - n % 2}" for n in range(40) if n % 4}
            await follows(cluster, wanted)
            table = cluster.catalog.tables["Music"]
            (base,) = leading(cluster, table.identifier)
            name = index_follower(table.global_indexes[0].identifier)
            last = max(key for key, _ in base.commit.store.cursor("changes", b"", b"\xff" * 16))

            def has_noted() -> bool:
                follower = None if base.state is None else base.state.follower(name)
                return follower is not None and follower.delivered == int.from_bytes(last[8:])

            await cluster.until(has_noted)

    asyncio.run(run())


def test_table_and_index_split_under_writes_and_nothing_is_missed() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table(**BY_GENRE)
            table = cluster.catalog.tables["Music"]
            written: dict[str, str] = {}
            ended = asyncio.Event()

            async def write() -> None:
                number = 0
                while not ended.is_set():
                    each = song(number % 50, number % 7)
                    await put(cluster, each)
                    written[each["pk"]["S"]] = each["genre"]["S"]
                    number += 1
                    await asyncio.sleep(0)

            writing = asyncio.get_running_loop().create_task(write())
            await asyncio.sleep(0.2)
            await split(cluster, table.identifier, HALF)
            await split(cluster, table.global_indexes[0].identifier, HALF)
            await asyncio.sleep(0.3)
            ended.set()
            await writing
            await follows(cluster, written)
            assert len(leading(cluster, table.global_indexes[0].identifier)) == 2

    asyncio.run(run())


def test_a_leader_that_dies_amid_a_fill_is_followed_by_one_that_goes_on() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, *(song(number) for number in range(200)))
            await cluster.execute("UpdateTable", **ADD)
            table = cluster.catalog.tables["Music"]
            await cluster.until(lambda: leading(cluster, table.global_indexes[0].identifier))
            leader = cluster.leader()
            await leader.kill()
            await put(cluster, song(7, 7))
            await leader.start()
            await cluster.active()
            await follows(cluster, {f"song-{n}": f"genre-{7 if n == 7 else 0}" for n in range(200)})

    asyncio.run(run())


def test_items_that_contradict_a_new_index_are_left_out_and_hold_up_nothing() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            contradicting: dict[str, dict[str, Any]] = {
                "no key": {},
                "wrong type": {"genre": {"N": "1"}},
                "empty": {"genre": {"S": ""}},
                "too long": {"genre": {"S": "x" * 2_049}},
            }
            for name, members in contradicting.items():
                await put(cluster, {"pk": {"S": name}, **members})
            await put(cluster, song(1))
            await cluster.execute("UpdateTable", **ADD)
            await cluster.active()
            await follows(cluster, {"song-1": "genre-0"})
            # One that comes to fit is taken in.
            await put(cluster, {"pk": {"S": "wrong type"}, "genre": {"S": "jazz"}})
            await follows(cluster, {"song-1": "genre-0", "wrong type": "jazz"})

    asyncio.run(run())


def test_an_index_goes_in_the_middle_of_its_fill() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, *(song(number) for number in range(100)))
            await cluster.execute("UpdateTable", **ADD)
            identifier = cluster.catalog.tables["Music"].global_indexes[0].identifier
            await cluster.until(
                lambda: cluster.catalog.tables["Music"].global_indexes[0].backfilling
            )
            await cluster.execute(
                "UpdateTable",
                TableName="Music",
                GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-genre"}}],
            )
            await cluster.until(lambda: not cluster.catalog.tables["Music"].global_indexes)
            await put(cluster, song(1, 3))
            assert leading(cluster, identifier) == []
            (base,) = leading(cluster, cluster.catalog.tables["Music"].identifier)
            await cluster.until(lambda: base.state is not None and base.state.followers == ())

    asyncio.run(run())


def test_writes_are_throttled_while_an_index_takes_nothing_and_go_on_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table(**BY_GENRE)
            table = cluster.catalog.tables["Music"]
            stuck = [pod.node.feeder for pod in cluster.pods if pod.node is not None]
            delivers = {feeder: feeder.deliver for feeder in stuck}

            async def refuse(*_: object) -> bool:
                await asyncio.sleep(0.05)
                return False

            for feeder in stuck:
                monkeypatch.setattr(feeder, "deliver", refuse)
                monkeypatch.setattr(feeder, "_lag_seconds_max", 0.3)
            await put(cluster, song(1))
            await asyncio.sleep(0.5)
            with pytest.raises(ThrottlingException) as refused:
                await put(cluster, song(2))
            (reason,) = refused.value.members["throttlingReasons"]
            assert reason["resource"] == f"{table.arn}/index/by-genre"
            (base,) = leading(cluster, table.identifier)
            report = next(
                replica
                for pod in cluster.pods
                if pod.node is not None and base in pod.partitions.values()
                for replica in pod.node.requests.report()["partitions"]
                if replica["descriptor"]["partition_id"] == base.partition_id
            )
            assert report["index_lags"]["by-genre"]["records"] == 1
            assert report["index_lags"]["by-genre"]["seconds"] > 0.3
            for feeder, deliver in delivers.items():
                monkeypatch.setattr(feeder, "deliver", deliver)
            await follows(cluster, {"song-1": "genre-0"})
            await put(cluster, song(2))
            await follows(cluster, {"song-1": "genre-0", "song-2": "genre-0"})

    asyncio.run(run())


def test_a_wall_clock_that_jumps_makes_no_index_late(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table(**BY_GENRE)
            await put(cluster, song(1))
            await follows(cluster, {"song-1": "genre-0"})
            feeders = [pod.node.feeder for pod in cluster.pods if pod.node is not None]
            asked = asyncio.Event()
            delivers = {feeder: feeder.deliver for feeder in feeders}

            async def refuse(*_: object) -> bool:
                asked.set()
                await asyncio.sleep(0.05)
                return False

            for feeder in feeders:
                monkeypatch.setattr(feeder, "deliver", refuse)
            await put(cluster, song(2))
            await asked.wait()
            clock = MovableClock(cluster.clock)
            clock.advance(3_600)
            for feeder in feeders:
                monkeypatch.setattr(feeder, "_clock", clock)

            await put(cluster, song(3))

            for feeder, deliver in delivers.items():
                monkeypatch.setattr(feeder, "deliver", deliver)
            await follows(cluster, {f"song-{number}": "genre-0" for number in (1, 2, 3)})

    asyncio.run(run())
