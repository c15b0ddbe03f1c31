"""A pod that comes back waits for what was written without it, and never for what nobody has."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from small_cluster import Pod, SmallCluster
from stator_core import catch_up
from stator_node.catching_up import leaders_of


async def put(cluster: SmallCluster, number: int) -> None:
    item = {"pk": {"S": f"key-{number}"}}
    await cluster.execute("PutItem", TableName="Music", Item=item)


def content(pod: Pod) -> list[tuple[bytes, bytes]]:
    return list(pod.store.cursor("items", b"", b"\xff"))


async def caught_up(pod: Pod) -> None:
    assert pod.node is not None
    async with asyncio.timeout(20):
        await pod.node.catching_up.run()


def test_a_pod_that_holds_nothing_is_ready_at_once() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            async with asyncio.timeout(0.05):
                await asyncio.gather(*(caught_up(pod) for pod in cluster.pods))

    asyncio.run(run())


def test_a_pod_that_was_away_has_all_that_was_written_without_it() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, 0)
            away = next(pod for pod in cluster.pods if pod is not cluster.leader())
            await away.kill()
            for number in range(1, 40):
                await put(cluster, number)
            await away.start()
            assert content(away) != content(cluster.leader())

            await caught_up(away)

            assert content(away) == content(cluster.leader())

    asyncio.run(run())


def test_pods_that_all_begin_at_once_are_ready_when_they_have_elected() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, 0)
            for pod in cluster.pods:
                await pod.kill()
            for pod in cluster.pods:
                await pod.start()

            await asyncio.gather(*(caught_up(pod) for pod in cluster.pods))

            assert cluster.has_leader()

    asyncio.run(run())


def test_a_pod_whose_peers_are_away_waits_a_while_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catch_up, "UNTOLD_SECONDS_MAX", 1.0)

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, 0)
            for pod in cluster.pods:
                await pod.kill()
            await cluster.pods[0].start()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await caught_up(cluster.pods[0])
                    raise AssertionError("it cannot know that it has everything")
            await caught_up(cluster.pods[0])
            for pod in cluster.pods[1:]:
                await pod.start()

    asyncio.run(run())


def test_a_report_of_another_version_tells_nothing_and_harms_nobody() -> None:
    assert list(leaders_of({})) == []
    assert list(leaders_of({"node_id": "n1", "partitions": [{"leads": True}]})) == []
