"""Tables as the operator asks of them, against real pods in one loop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from small_cluster import CALLER, CLUSTER, SmallCluster
from stator_core.desired_table import body_of
from stator_core.errors import ResourceInUseException
from stator_node.cluster_table_work import ClusterTableWork
from stator_node.operator_http import OperatorRequest, Refused
from stator_node.operator_requests import OperatorRequests
from stator_node.operator_tables import OperatorTables
from stator_node.pending import Pending, wait
from stator_node.table_asks import TableAsks
from stator_node.wanted_tables import WantedTables
from table_bodies import UNITS, attributes, create_body, index

TAGS = [{"Key": "team", "Value": "records"}]


class Operator:
    """What the operator asks, and what clients ask meanwhile."""

    def __init__(self, cluster: SmallCluster) -> None:
        self.cluster = cluster
        clock = cluster.clock
        self.asks = TableAsks(cluster.tables)
        self.wanted = WantedTables(
            cluster.store, cluster.catalog, cluster.tables, clock, CALLER, self.asks.is_open
        )
        work = ClusterTableWork(cluster.catalog, cluster.view, cluster.supervisor)
        tables = OperatorTables(
            cluster.catalog,
            cluster.view,
            cluster.supervisor,
            work,
            self.wanted,
            self.asks,
            clock,
        )
        self._requests = OperatorRequests(CLUSTER, cluster.view, cluster.supervisor, clock, tables)

    async def __call__(self, method: str, path: str, **members: Any) -> Any:
        path, _, query = path.partition("?")
        pairs = dict(pair.split("=") for pair in query.split("&") if pair)
        request = OperatorRequest(method, tuple(path.split("/")), pairs, members)
        return await self._requests.answer(request)

    async def refusal(self, method: str, path: str, **members: Any) -> tuple[int, str, str]:
        with pytest.raises(Refused) as caught:
            await self(method, path, **members)
        return caught.value.status, caught.value.reason, caught.value.message

    def client(self, operation: str, **body: Any) -> Pending[bytes]:
        answer = self.asks.operations()[operation](body, CALLER)
        assert isinstance(answer, Pending)
        return answer

    async def settled(self, name: str = "Music") -> Any:
        await self.cluster.until(lambda: self.wanted.progress(name).settled)
        return await self("GET", f"tables/{name}")


def with_operator(story: Callable[[Operator], Awaitable[None]]) -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            operator = Operator(cluster)
            stepping = asyncio.ensure_future(operator.wanted.run())
            try:
                await story(operator)
            finally:
                stepping.cancel()

    asyncio.run(run())


def wish(generation: int = 1, **body: Any) -> dict[str, Any]:
    return {"uid": "u1", "generation": generation, "table": create_body(**body)}


def test_an_object_makes_a_table_that_is_active_when_its_partitions_have_leaders() -> None:
    async def story(operator: Operator) -> None:
        entry = await operator("PUT", "tables/Music", **wish())
        assert (entry["settled"], entry["description"]) == (False, None)
        assert entry["object"] == {"uid": "u1", "generation": 1, "deleting": False}

        entry = await operator.settled()
        assert entry["description"]["TableStatus"] == "ACTIVE"
        assert entry["partitions"] == {"total": 1, "leaderless": 0, "lacking": 0}
        assert entry["table"] == create_body()
        (listed,) = (await operator("GET", "tables"))["tables"]
        assert listed["name"] == "Music"

        await operator("DELETE", "tables/Music", uid="u1")
        entry = await operator.settled()
        assert (entry["description"], entry["object"]) == (None, None)
        assert await operator("GET", "tables") == {"tables": []}

    with_operator(story)


def test_a_clients_request_is_answered_when_its_object_is_there() -> None:
    async def story(operator: Operator) -> None:
        pending = operator.client("CreateTable", **create_body())
        (ask,) = (await operator("GET", "asks?wait=5"))["asks"]
        assert ask["before"] is None
        # The reconcile of the new object may come first: it waits for the client's own request.
        given = {"uid": "u1", "generation": 1, "table": ask["after"]}
        await operator("PUT", "tables/Music", **given)
        await operator("PUT", "tables/Music", **given, ask=ask["id"])
        answer = orjson.loads(await wait(pending))["TableDescription"]
        assert answer["TableStatus"] == "CREATING"
        entry = await operator.settled()
        assert entry["description"]["TableId"] == answer["TableId"]

        pending = operator.client("TagResource", ResourceArn=answer["TableArn"], Tags=TAGS)
        (ask,) = (await operator("GET", "asks"))["asks"]
        await operator("PUT", "tables/Music", **wish(2, Tags=TAGS), ask=ask["id"])
        assert await wait(pending) == b""
        assert body_of(operator.cluster.catalog.tables["Music"])["Tags"] == TAGS

        pending = operator.client("DeleteTable", TableName="Music")
        (ask,) = (await operator("GET", "asks"))["asks"]
        assert (ask["operation"], ask["after"]) == ("DeleteTable", None)
        await operator("DELETE", "tables/Music", uid="u1", ask=ask["id"])
        status = orjson.loads(await wait(pending))["TableDescription"]["TableStatus"]
        assert status == "DELETING"
        assert (await operator.settled())["description"] is None

    with_operator(story)


def test_a_clients_request_that_no_object_takes_up_is_refused() -> None:
    async def story(operator: Operator) -> None:
        pending = operator.client("CreateTable", **create_body())
        (ask,) = (await operator("GET", "asks"))["asks"]
        await operator(
            "DELETE", f"asks/{ask['id']}", error="ResourceInUseException", message="taken"
        )
        with pytest.raises(ResourceInUseException, match="taken"):
            await wait(pending)
        assert await operator("GET", "asks") == {"asks": []}
        assert operator.cluster.catalog.tables == {}

    with_operator(story)


def test_a_table_of_which_no_object_has_spoken_is_found() -> None:
    async def story(operator: Operator) -> None:
        await operator.cluster.create_table()
        (entry,) = (await operator("GET", "tables?owner=nobody"))["tables"]
        assert (entry["name"], entry["object"], entry["table"]) == ("Music", None, create_body())
        await operator("PUT", "tables/Music", **wish())
        assert await operator("GET", "tables?owner=nobody") == {"tables": []}
        assert (await operator.refusal("GET", "tables?owner=me"))[0] == 400

    with_operator(story)


def test_a_step_that_dynamodb_refuses_is_told() -> None:
    async def story(operator: Operator) -> None:
        await operator("PUT", "tables/Music", **wish(DeletionProtectionEnabled=True))
        await operator.settled()
        await operator("DELETE", "tables/Music", uid="u1")
        await operator.cluster.until(lambda: operator.wanted.progress("Music").refused)
        entry = await operator("GET", "tables/Music")
        assert entry["refused"]["error"] == "ValidationException"
        assert "protected against deletion" in entry["refused"]["message"]
        assert entry["object"]["deleting"]

    with_operator(story)


def test_what_cannot_be_read_is_refused_by_name() -> None:
    async def story(operator: Operator) -> None:
        refused = await operator.refusal("PUT", "tables/Music", uid="u1", generation="1", pool="p")
        assert refused == (
            400,
            "Malformed",
            "pool is not known here; table is missing; generation is no whole number",
        )
        for query in ("asks?wait=31", "asks?wait=x", "asks?waits=1"):
            assert (await operator.refusal("GET", query))[0] == 400
        unknown = await operator.refusal("DELETE", "asks/a", error="Nonsense", message="m")
        assert unknown[2].startswith("error is none of LimitExceededException")

    with_operator(story)


WISHES: tuple[dict[str, Any], ...] = (
    {"Tags": TAGS, "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}},
    {
        "AttributeDefinitions": attributes(a="S", b="S", pk="S"),
        "GlobalSecondaryIndexes": [index("by-a", "a"), index("by-b", "b")],
        "TimeToLiveSpecification": {"AttributeName": "ends", "Enabled": True},
    },
    {
        "AttributeDefinitions": attributes(b="S", pk="S"),
        "GlobalSecondaryIndexes": [index("by-b", "b", ProvisionedThroughput=UNITS)],
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": UNITS,
    },
    {},
)


@pytest.mark.parametrize("seed", [1, 2])
def test_wishes_are_carried_out_by_whichever_supervisor_there_is(seed: int) -> None:
    """It is ended at any moment of the way, again and again."""
    chance = random.Random(seed)

    async def run() -> None:
        async with SmallCluster() as cluster:
            for generation, body in enumerate(WISHES, 1):
                operator = Operator(cluster)
                await operator("PUT", "tables/Music", **wish(generation, **body))
                for _ in range(3):
                    await stepping_for(operator, chance.uniform(0.0, 1.5))
                    await cluster.begin_supervisor_anew()
                    operator = Operator(cluster)
                stepping = asyncio.ensure_future(operator.wanted.run())
                entry = await operator.settled()
                stepping.cancel()
                assert entry["table"] == create_body(**body)
                assert entry["description"]["TableStatus"] == "ACTIVE"
            await Operator(cluster)("DELETE", "tables/Music", uid="u1")
            for _ in range(3):
                await stepping_for(Operator(cluster), chance.uniform(0.0, 0.5))
                await cluster.begin_supervisor_anew()
            operator = Operator(cluster)
            stepping = asyncio.ensure_future(operator.wanted.run())
            await cluster.until(lambda: operator.wanted.names() == [])
            stepping.cancel()
            assert cluster.catalog.tables == {}

    asyncio.run(run())


async def stepping_for(operator: Operator, seconds: float) -> None:
    stepping = asyncio.ensure_future(operator.wanted.run())
    await asyncio.sleep(seconds)
    stepping.cancel()
