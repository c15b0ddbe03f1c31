"""A pod's report, as news: who keeps what he was sent has all of it, and nothing comes twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from small_cluster import FAST, SmallCluster
from stator_node.operation_codes import OperationCode
from stator_node.replica_reports import ReplicaReports, known_book
from stator_node.transport.frame_format import Status

QUIETING = replace(FAST, quiesce_after=200)


class Reader:
    """One who asks a pod again and again, and keeps what he hears."""

    def __init__(self, cluster: SmallCluster, node_id: str) -> None:
        self._cluster = cluster
        self._node_id = node_id
        self.book: list[Any] | None = None
        self.replicas: dict[int, dict[str, Any]] = {}

    async def ask(self) -> list[int]:
        """The ids of the partitions of which there was news."""
        body = None if self.book is None else {"book": self.book}
        answer = await self._cluster.ask(self._node_id, 0, OperationCode.REPORT, body)
        report = orjson.loads(answer.body)
        news = {each["descriptor"]["partition_id"]: each for each in report["partitions"]}
        held = report.get("held", self.replicas.keys() | news.keys())
        kept = {key: each for key, each in self.replicas.items() if key in held}
        self.replicas = kept | news
        self.book = report["book"]
        return sorted(news)

    async def rested(self) -> None:
        """Ask until nothing is news any more."""
        while await self.ask():  # noqa: ASYNC110  # Nobody tells.
            await asyncio.sleep(0.05)


def pod_of(cluster: SmallCluster, node_id: str) -> Any:
    return next(pod for pod in cluster.pods if pod.node_id == node_id)


def whole(cluster: SmallCluster, node_id: str) -> dict[int, dict[str, Any]]:
    report = pod_of(cluster, node_id).node.requests.report()
    return {
        each["descriptor"]["partition_id"]: orjson.loads(orjson.dumps(each))
        for each in report["partitions"]
    }


def test_what_rests_is_told_once_and_what_changes_again() -> None:
    async def run() -> None:
        async with SmallCluster(settings=QUIETING) as cluster:
            await cluster.create_table("One")
            await cluster.create_table("Other")
            reader = Reader(cluster, cluster.leader(1).node_id)
            assert await reader.ask() == [1, 2]
            await reader.rested()
            await cluster.execute("PutItem", TableName="Other", Item={"pk": {"S": "a"}})
            assert await reader.ask() == [2]
            await reader.rested()
            assert reader.replicas == whole(cluster, cluster.leader(1).node_id)

            # Another one begins with everything, and takes nothing from the first.
            another = Reader(cluster, cluster.leader(1).node_id)
            assert await another.ask() == [1, 2]
            assert another.replicas == reader.replicas

    asyncio.run(run())


def test_a_replica_that_rests_is_not_described_again(monkeypatch: pytest.MonkeyPatch) -> None:
    described: list[int] = []
    describe = ReplicaReports._describe

    def counted(self: ReplicaReports, hosted: Any) -> Any:
        described.append(hosted.partition_id)
        return describe(self, hosted)

    monkeypatch.setattr(ReplicaReports, "_describe", counted)

    async def run() -> None:
        async with SmallCluster(settings=QUIETING) as cluster:
            await cluster.create_table("One")
            await cluster.until(lambda: cluster.leader(1).partitions[1].raft.quiesced)
            reader = Reader(cluster, cluster.leader(1).node_id)
            await reader.rested()
            described.clear()
            assert await reader.ask() == []
            assert described == []
            await cluster.execute("GetItem", TableName="One", Key={"pk": {"S": "a"}})
            assert await reader.ask() == []  # Traffic counts by windows; this was a look at it.
            assert described != []

    asyncio.run(run())


def test_what_has_gone_is_told_and_a_new_life_of_the_pod_begins_a_new_book() -> None:
    async def run() -> None:
        async with SmallCluster(settings=QUIETING) as cluster:
            await cluster.create_table("One")
            await cluster.create_table("Other")
            node_id = cluster.leader(1).node_id
            reader = Reader(cluster, node_id)
            await reader.rested()
            await cluster.execute("DeleteTable", TableName="Other")
            await cluster.until(lambda: 2 not in pod_of(cluster, node_id).partitions)
            await reader.ask()
            assert list(reader.replicas) == [1]

            pod = pod_of(cluster, node_id)
            await pod.kill()
            await pod.start()
            await cluster.until(lambda: cluster.links.is_up(node_id))
            before = reader.book
            assert await reader.ask() == [1]
            assert reader.book is not None and before is not None
            assert reader.book[0] != before[0]

    asyncio.run(run())


def test_followers_of_a_partition_that_rests_are_looked_at_now_and_then() -> None:
    """Time to live and streams go on where nobody writes."""

    async def run() -> None:
        async with SmallCluster(settings=QUIETING) as cluster:
            stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
            await cluster.create_table("One", StreamSpecification=stream)
            await cluster.execute("PutItem", TableName="One", Item={"pk": {"S": "a"}})
            node_id = cluster.leader(1).node_id
            reader = Reader(cluster, node_id)
            await reader.rested()
            assert reader.replicas == whole(cluster, node_id)
            assert reader.replicas[1]["oldest_change"] is not None

    asyncio.run(run())


@pytest.mark.parametrize("asked", [b"{}", b"[]", b'{"book": 1}', b'{"book": ["a"]}', b"{"])
def test_a_book_that_nobody_wrote_is_refused(asked: bytes) -> None:
    with pytest.raises(ValueError):
        known_book(asked)


def test_a_request_that_cannot_be_read_is_answered_with_why() -> None:
    async def run() -> None:
        async with SmallCluster(settings=QUIETING) as cluster:
            answer = await cluster.ask("n0", 0, OperationCode.REPORT, {"book": 7})
            assert answer.status is Status.UNAVAILABLE
            assert b"since" in answer.body

    asyncio.run(run())
