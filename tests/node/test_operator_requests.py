"""What the operator asks, against real pods in one loop: facts, draining, giving a node up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from small_cluster import CLUSTER, SmallCluster
from stator_node.operator_http import OperatorRequest, Refused
from stator_node.operator_requests import OperatorRequests


class Asked:
    """The requests of a small cluster's supervisor."""

    def __init__(self, cluster: SmallCluster) -> None:
        self.cluster = cluster
        self._requests = OperatorRequests(
            CLUSTER, cluster.view, cluster.supervisor, cluster.clock, None
        )

    async def __call__(self, method: str, *path: str, **members: Any) -> Any:
        return await self._requests.answer(OperatorRequest(method, path, {}, members))

    async def refusal(self, method: str, *path: str, **members: Any) -> tuple[int, str, str]:
        with pytest.raises(Refused) as caught:
            await self(method, *path, **members)
        return caught.value.status, caught.value.reason, caught.value.message


def with_cluster(story: Callable[[SmallCluster, Asked], Awaitable[None]], nodes: int = 3) -> None:
    async def run() -> None:
        async with SmallCluster(nodes) as cluster:
            await cluster.until(lambda: len(cluster.view.fresh()) == nodes)
            await story(cluster, Asked(cluster))

    asyncio.run(run())


def test_a_pool_is_whole_when_every_partition_has_its_replicas() -> None:
    async def story(cluster: SmallCluster, ask: Asked) -> None:
        assert (await ask("GET", "pool"))["partitions"] == {
            "total": 0,
            "leaderless": 0,
            "lacking": 0,
        }
        await cluster.create_table()
        facts = await ask("GET", "pool")
        assert facts["cluster_id"] == CLUSTER
        assert facts["partitions"] == {"total": 1, "leaderless": 0, "lacking": 0}
        assert [(node["zone"], node["state"]) for node in facts["nodes"]] == [
            ("z0", "ALIVE"),
            ("z1", "ALIVE"),
            ("z2", "ALIVE"),
        ]
        (line,) = (await ask("GET", "partitions"))["partitions"]
        assert (line["table"], line["lacking"]) == ("Music", False)

        away = next(pod for pod in cluster.pods if pod is not cluster.leader())
        await away.kill()
        await cluster.until(lambda: cluster.supervisor.states()[away.node_id].name == "SUSPECT")
        assert (await ask("GET", "pool"))["partitions"]["lacking"] == 1

    with_cluster(story)


def test_a_node_is_drained_and_kept_and_asking_twice_is_asking_once() -> None:
    async def story(cluster: SmallCluster, ask: Asked) -> None:
        for _ in range(2):
            assert (await ask("PUT", "nodes", "n1", drain=True))["state"] == "DRAINING"
        assert cluster.supervisor.draining == {"n1"}
        for _ in range(2):
            assert (await ask("PUT", "nodes", "n1", drain=False))["state"] == "ALIVE"
        assert cluster.supervisor.draining == set()

    with_cluster(story)


def test_a_node_that_lives_and_holds_replicas_is_not_given_up() -> None:
    async def story(cluster: SmallCluster, ask: Asked) -> None:
        await cluster.create_table()
        status, reason, message = await ask.refusal("DELETE", "nodes", "n1")
        assert (status, reason) == (409, "NodeHoldsReplicas")
        assert "n1 is ALIVE and holds 1 replicas: drain it first" in message
        assert cluster.supervisor.replaced == set()

    with_cluster(story)


def test_a_node_that_holds_nothing_is_given_up() -> None:
    async def story(cluster: SmallCluster, ask: Asked) -> None:
        assert (await ask("DELETE", "nodes", "n1"))["node_id"] == "n1"
        assert cluster.supervisor.replaced == {"n1"}
        await cluster.until(lambda: "n1" not in cluster.view.nodes)
        assert (await ask.refusal("DELETE", "nodes", "n1"))[:2] == (404, "NotFound")

    with_cluster(story)


def test_what_is_not_known_here_is_refused_by_name() -> None:
    async def story(_: SmallCluster, ask: Asked) -> None:
        assert (await ask.refusal("GET", "tables"))[0] == 404  # Clients keep them here.
        assert await ask.refusal("POST", "pool") == (404, "NotFound", "there is no POST /v1/pool")
        assert (await ask.refusal("GET", "pool", "more"))[0] == 404
        unknown = await ask.refusal("PUT", "nodes", "n9", drain=True)
        assert unknown == (404, "NotFound", "there is no node n9; the nodes: n0, n1, n2")
        wrong = await ask.refusal("PUT", "nodes", "n1", drain="yes", for_good=True)
        assert wrong == (
            400,
            "Malformed",
            "for_good is not known here; drain is no true or false",
        )

    with_cluster(story)
