"""A supervisor whose record is lost finds its cluster again; a new cluster begins as ever."""

from __future__ import annotations

import asyncio
import random

import pytest

from small_cluster import CLUSTER, CONFIGURATION, SmallCluster
from stator_core.catalog_rebuilding import NUMBERS_MARGIN
from stator_core.table import Table
from stator_node import supervisor_record
from stator_node.catalog import Catalog
from stator_node.cluster_view import ClusterView
from stator_node.found_cluster import LOOK_SECONDS, SAY_AFTER_SECONDS, FoundCluster
from stator_node.memory import MemoryItemStore
from stator_node.transport.frame_format import Hello
from stator_node.transport.links import Address, Links
from table_bodies import attributes, index
from told_links import LoopClock
from virtual_time import run

STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}


async def fill(cluster: SmallCluster, table: str = "Music", count: int = 20) -> None:
    for number in range(count):
        item = {"pk": {"S": f"key-{number}"}, "x": {"S": "all"}}
        await cluster.execute("PutItem", TableName=table, Item=item)


async def counted(cluster: SmallCluster, table: str = "Music") -> int:
    read = await cluster.execute("Scan", TableName=table, ConsistentRead=True)
    count: int = read["Count"]
    return count


async def make_music(cluster: SmallCluster) -> Table:
    """A table with an index, a stream, tags, protection and a time to live."""
    await cluster.create_table(
        AttributeDefinitions=attributes(pk="S", x="S"),
        GlobalSecondaryIndexes=[index("by-x", "x")],
        StreamSpecification=STREAM,
        DeletionProtectionEnabled=True,
        Tags=[{"Key": "owner", "Value": "me"}],
    )
    setting = {"Enabled": True, "AttributeName": "until"}
    await cluster.execute("UpdateTimeToLive", TableName="Music", TimeToLiveSpecification=setting)
    music = cluster.catalog.tables["Music"]
    await cluster.until(lambda: cluster.supervisor.is_described_by_all(music))
    return music


def test_tables_are_found_again_as_they_were_and_go_on_changing() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            before = await make_music(cluster)
            await cluster.create_table("Other")
            await fill(cluster)
            other = cluster.catalog.tables["Other"]

            await cluster.lose_record()
            assert cluster.catalog.tables == {"Music": before, "Other": other}
            assert await counted(cluster) == 20
            await cluster.execute("DeleteTable", TableName="Other")
            await cluster.until(lambda: "Other" not in cluster.catalog.tables)
            await cluster.execute("UpdateTable", TableName="Music", DeletionProtectionEnabled=False)
            await cluster.active()
            assert await counted(cluster) == 20

    asyncio.run(run())


def test_new_tables_and_partitions_have_numbers_that_nothing_has_or_had() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            before = await make_music(cluster)
            await cluster.lose_record()
            await cluster.create_table("New")
            new = cluster.catalog.tables["New"]
            assert new.identifier >= NUMBERS_MARGIN > before.identifier
            (descriptor,) = cluster.view.maps[new.identifier].partitions
            assert descriptor.partition_id >= NUMBERS_MARGIN
            # A second time the numbers are beyond those, and nothing else has changed.
            await cluster.lose_record()
            assert cluster.catalog.tables == {"Music": before, "New": new}
            assert next(cluster.catalog.identifiers()) > new.identifier + NUMBERS_MARGIN - 1

    asyncio.run(run())


def test_a_table_that_was_being_deleted_goes_on_being_deleted() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await fill(cluster)
            leader = cluster.leader()
            table = cluster.catalog.tables["Music"]
            cluster.supervisor.let_go = lambda _: None  # type: ignore[method-assign]
            await cluster.execute("DeleteTable", TableName="Music")
            leaving = table.changed(status="DELETING")
            await cluster.until(
                lambda: leader.partitions[1].state and leader.partitions[1].state.table == leaving
            )
            await cluster.lose_record()
            assert cluster.catalog.tables == {"Music": leaving}
            await cluster.until(lambda: "Music" not in cluster.catalog.tables)
            for pod in cluster.pods:
                await cluster.until(lambda pod=pod: pod.partitions == {})

    asyncio.run(run())


def test_of_a_deleted_table_the_stream_is_still_read() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table(StreamSpecification=STREAM)
            await fill(cluster, count=3)
            arn = (await cluster.execute("ListStreams"))["Streams"][0]["StreamArn"]
            await cluster.execute("DeleteTable", TableName="Music")
            await cluster.until(lambda: cluster.catalog.deleted)
            await cluster.until(
                lambda: cluster.supervisor.is_described_by_all(*cluster.catalog.deleted.values())
            )
            deleted = dict(cluster.catalog.deleted)
            await cluster.lose_record()
            assert cluster.catalog.deleted == deleted
            assert cluster.catalog.tables == {}
            await cluster.create_table()  # Its name is free.
            streams = (await cluster.execute("ListStreams"))["Streams"]
            assert arn in [each["StreamArn"] for each in streams]
            shown = await cluster.execute("DescribeStream", StreamArn=arn)
            assert shown["StreamDescription"]["Shards"]

    asyncio.run(run())


def test_a_pod_that_is_away_is_awaited_and_what_it_alone_holds_is_left_alone() -> None:
    """It was away when a table was deleted, and when the record was lost."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table("Gone")
            await cluster.create_table()
            await fill(cluster)
            away = next(pod for pod in cluster.pods if pod is not cluster.leader(2))
            await cluster.until(lambda: len(away.partitions) == 2)
            await away.kill()
            await cluster.execute("DeleteTable", TableName="Gone")
            there = [pod for pod in cluster.pods if pod is not away]
            await cluster.until(lambda: all(1 not in pod.partitions for pod in there))
            await cluster.lose_record()
            assert set(cluster.catalog.tables) == {"Music"}
            assert away.node_id in cluster.supervisor.members

            await away.start()
            cluster.view.join(away.node_id, away.zone, Address("127.0.0.1", away.port))
            await cluster.until(lambda: len(cluster.view.nodes[away.node_id].replicas) == 2)
            await cluster.until(
                lambda: any("left alone" in each.text for each in cluster.supervisor.reasons)
            )
            assert 1 in away.partitions
            assert await counted(cluster) == 20

    asyncio.run(run())


def test_in_a_new_cluster_numbers_begin_at_one() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            store, clock = MemoryItemStore(), cluster.clock
            hello = Hello(CLUSTER, "another", "gateway", "z0")
            links = Links(hello, clock, random.Random(3).random)
            new = SmallCluster()
            for pod in new.pods:
                await pod.start()
            view = ClusterView(links, clock, "z0")
            for pod in new.pods:
                view.join(pod.node_id, pod.zone, Address("127.0.0.1", pod.port))
            found = FoundCluster(store, view, clock, CONFIGURATION.dead_node_seconds, lambda: 0)
            assert await found.take_up(lambda: True)
            assert not Catalog.is_begun(store)
            assert supervisor_record.read(store) is None
            links.close()
            for pod in new.pods:
                await pod.kill()
            await cluster.create_table()
            assert cluster.catalog.tables["Music"].identifier == 1

    asyncio.run(run())


def test_who_hears_nobody_writes_nothing_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        clock = LoopClock()
        links = Links(Hello(CLUSTER, "another", "gateway", "z0"), clock, random.Random(3).random)
        looks = [True] * int(1.1 * SAY_AFTER_SECONDS / LOOK_SECONDS) + [False]
        store = MemoryItemStore()
        found = FoundCluster(store, ClusterView(links, clock, "z0"), clock, 1.0, lambda: 3)
        assert not await found.take_up(lambda: looks.pop(0))
        assert list(store.cursor("meta", b"", b"\xff")) == []
        links.close()

    run(story())
    assert [each.message for each in caplog.records] == [
        "the control store is empty, and the pods are asked first: no storage pod has been heard"
    ]
