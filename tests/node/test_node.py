"""A storage pod: how it begins, how it stops, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from small_cluster import CLUSTER, FAST, SmallCluster
from stator_core.raft.settings import Settings
from stator_node.clock import SystemClock
from stator_node.doors import StorageFailed
from stator_node.memory import MemoryItemStore
from stator_node.node import LEADERS_GONE_SECONDS, build
from stator_node.partition_load import FREE_BYTES_UNKNOWN
from stator_node.transport.frame_format import Hello


def test_a_pod_that_stops_hands_its_leaders_over_and_no_write_fails_meanwhile() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            pod = cluster.leader()
            node = pod.node
            assert node is not None
            stopping = asyncio.ensure_future(node.stop())
            writes = 0
            while not stopping.done():
                item = {"pk": {"S": f"key-{writes}"}}
                await cluster.execute("PutItem", TableName="Music", Item=item)
                writes += 1
            pod.node = None
            assert cluster.has_leader(), "no election has to be waited for"
            read = await cluster.execute("Scan", TableName="Music", ConsistentRead=True)
            assert read["Count"] == writes

    asyncio.run(run())


PATIENT = Settings(election_timeout=60_000, heartbeat_interval=40, quiesce_after=0)


def test_a_leader_whose_disk_refuses_hands_over_before_its_pod_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its peers would wait a minute for it otherwise."""

    def refuse(*_: object, **__: object) -> None:
        raise StorageFailed("no space left on device")

    async def run() -> None:
        async with SmallCluster(settings=PATIENT) as cluster:
            await cluster.create_table()
            pod = cluster.leader()
            node = pod.node
            assert node is not None
            with monkeypatch.context() as broken:
                broken.setattr(pod.store, "write", refuse)
                item = {"pk": {"S": "key"}}
                put = cluster.execute("PutItem", TableName="Music", Item=item)
                writing = asyncio.ensure_future(put)
                await asyncio.wait_for(node.ended.wait(), 5)
                pod.node = None
                await node.stop()
                await asyncio.wait([writing])
            await cluster.until(cluster.has_leader)
            await cluster.execute("PutItem", TableName="Music", Item=item)

    asyncio.run(run())


def test_a_leader_that_has_found_damage_hands_over_before_it_stands_still() -> None:
    async def run() -> None:
        async with SmallCluster(settings=PATIENT) as cluster:
            await cluster.create_table()
            pod = cluster.leader()
            assert pod.node is not None
            pod.node.host.rebuild(pod.partitions[1])
            await cluster.until(cluster.has_leader)
            assert cluster.leader() is not pod

    asyncio.run(run())


def test_a_pod_that_nobody_can_take_over_from_stops_all_the_same() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            cluster.supervising.cancel()
            pod = cluster.leader()
            for other in cluster.pods:
                if other is not pod:
                    await other.kill()
            node, pod.node = pod.node, None
            assert node is not None
            began = asyncio.get_running_loop().time()
            await node.stop()
            assert asyncio.get_running_loop().time() - began < LEADERS_GONE_SECONDS

    asyncio.run(run())


def test_a_pod_whose_disk_refuses_ends_and_its_peers_go_on() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            pod = cluster.leader()
            node = pod.node
            assert node is not None
            pod.store.fail_with = "No space left on device"
            put = asyncio.ensure_future(
                cluster.execute("PutItem", TableName="Music", Item={"pk": {"S": "a"}})
            )
            async with asyncio.timeout(10):
                await node.ended.wait()
            assert node.failed
            pod.store.fail_with = None
            await pod.kill()
            await asyncio.wait([put])
            await cluster.until(cluster.has_leader)
            await cluster.execute("PutItem", TableName="Music", Item={"pk": {"S": "b"}})
            put.exception()

    asyncio.run(run())


def test_a_pod_reports_what_its_disk_has_left(tmp_path: Path) -> None:
    async def run() -> None:
        hello = Hello(CLUSTER, "n", "node", "z")
        node = build(MemoryItemStore(), hello, SystemClock(), FAST, random.Random(1), tmp_path)
        report = node.requests.report()
        assert 0 < report["free_bytes"] != FREE_BYTES_UNKNOWN
        assert (report["node_id"], report["zone"]) == ("n", "z")
        assert report["partitions"] == []
        await node.server.start("127.0.0.1", 0)
        await node.stop()

    asyncio.run(run())
