"""A pretended Kubernetes API, and behind it a real supervisor with real storage pods in one loop.

`Kept` is both, with an operator's parts for Tables between them; `client` sends what boto3 would,
past the doors. Used by the tests of what the operator does about tables: what it says to the
supervisor is answered by the supervisor's own code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from pretended_api import Object, PretendedApi
from pretended_cluster import pool_body
from sample_table import table_body
from small_cluster import CALLER, CLUSTER, SmallCluster
from stator_node.cluster_table_work import ClusterTableWork
from stator_node.operator_http import OperatorRequest, Refused
from stator_node.operator_requests import OperatorRequests
from stator_node.operator_tables import OperatorTables
from stator_node.pending import Pending, wait
from stator_node.table_asks import TableAsks
from stator_node.wanted_tables import WantedTables
from stator_operator import naming
from stator_operator.applied import Applied
from stator_operator.apply import Writer
from stator_operator.ask_listening import AskListener
from stator_operator.ask_taking import AskTaker
from stator_operator.events import EventPoster
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.metrics import Metrics
from stator_operator.observe import Observer
from stator_operator.status_writing import StatusWriter
from stator_operator.supervisor_client import (
    Members,
    SupervisorAddress,
    SupervisorAway,
    SupervisorRefused,
)
from stator_operator.table_observing import TableObserver
from stator_operator.table_reconcile import TableReconcile
from stator_operator.table_writing import TableWriter
from stator_operator.work_queue import Key

NAMESPACE, POOL = "shop", "default"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 20.0


class RealSupervisor:
    """The supervisor of a small cluster, asked without a port. `is_away`: it does not answer."""

    def __init__(self, cluster: SmallCluster) -> None:
        clock = cluster.clock
        self.asks = TableAsks(cluster.tables)
        self.wanted = WantedTables(
            cluster.store, cluster.catalog, cluster.tables, clock, CALLER, self.asks.is_open
        )
        work = ClusterTableWork(cluster.catalog, cluster.view, cluster.supervisor)
        tables = OperatorTables(
            cluster.catalog, cluster.view, cluster.supervisor, work, self.wanted, self.asks, clock
        )
        self._requests = OperatorRequests(CLUSTER, cluster.view, cluster.supervisor, clock, tables)
        self.is_away = False

    async def ask(
        self,
        address: SupervisorAddress,
        method: str,
        path: str,
        members: Members | None = None,
        *,
        seconds: float = 5.0,
    ) -> Members:
        if self.is_away:
            raise SupervisorAway(address.name)
        path, _, query = path.removeprefix("/v1/").partition("?")
        pairs = dict(pair.split("=") for pair in query.split("&") if pair)
        segments = tuple(path.split("/"))
        # Through JSON and back, as over a port.
        given = orjson.loads(orjson.dumps(members or {}))
        try:
            answer = await self._requests.answer(OperatorRequest(method, segments, pairs, given))
        except Refused as refused:
            raise SupervisorRefused(refused.status, refused.reason, refused.message) from refused
        read: Members = orjson.loads(orjson.dumps(answer))
        return read


class Kept:
    """Everything. `begin` makes a new operator, which knows nothing."""

    def __init__(self, server: PretendedApi, cluster: SmallCluster) -> None:
        self.server = server
        self.cluster = cluster
        self.supervisor = RealSupervisor(cluster)
        self.woken: list[Key] = []
        self.begin()

    def begin(self) -> None:
        self.api = KubernetesApi(self.server.connection())
        metrics = Metrics()
        poster = EventPoster(self.api, "operator", lambda: NOON)
        observer = TableObserver(
            self.api, self.supervisor, Observer(self.api, self.supervisor), remembered_seconds=0.0
        )
        writer = TableWriter(Writer(self.api, Applied(), metrics, self.supervisor), self.supervisor)
        status_writer = StatusWriter(self.api, poster, metrics)
        self.reconcile = TableReconcile(observer, writer, status_writer, lambda: NOON)
        self.taker = AskTaker(self.api, self.supervisor, observer, metrics, self.woken.append)
        self.listener = AskListener(self.taker)

    async def close(self) -> None:
        await self.api.close()

    def put_pool(self, name: str = POOL, namespace: str = NAMESPACE) -> None:
        """A pool, and the pod that its supervisor runs in."""
        pool = pool_body()
        pool["metadata"] = {"name": name, "namespace": namespace}
        self.server.put(pool)
        self.put_supervisor(name, namespace)

    def put_supervisor(self, name: str, namespace: str = NAMESPACE) -> None:
        """The pod that steers a pool."""
        metadata = {
            "name": naming.supervisor_pod_name(name),
            "namespace": namespace,
            "labels": naming.labels(name, naming.SUPERVISOR),
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}}
        self.server.put({**pod, "status": {"podIP": "10.0.0.1"}})

    def put_table(self, name: str = "music", **spec: Any) -> Object:
        """The object of a table, as somebody applies it."""
        body = table_body(name, **spec)
        found = self.server.objects.get(("tables", NAMESPACE, name))
        metadata: Object = {"name": name, "namespace": NAMESPACE}
        if found is not None:
            metadata = found["metadata"]
        return self.server.put({**(found or {}), **body, "metadata": dict(metadata)})

    def object(self, name: str = "music") -> Object:
        return self.server.objects["tables", NAMESPACE, name]

    def condition(self, type_: str, name: str = "music") -> tuple[str, str, str]:
        conditions = self.object(name)["status"]["conditions"]
        (found,) = [each for each in conditions if each["type"] == type_]
        return found["status"], found["reason"], found["message"]

    def client(self, operation: str, **body: Any) -> asyncio.Future[Any]:
        """What a client asks; its answer comes in its own time."""

        async def answered() -> Any:
            answer = self.supervisor.asks.operations()[operation](body, CALLER)
            content = await wait(answer) if isinstance(answer, Pending) else answer
            return orjson.loads(content) if content else None

        return asyncio.ensure_future(answered())

    async def until(self, is_so: Callable[[], object], name: str = "music") -> None:
        """Look at a table again and again, as the queue would."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                await self.reconcile(Key("Table", NAMESPACE, name))
                if is_so():
                    return
                await asyncio.sleep(LOOK_SECONDS)

    async def until_rest(self, name: str = "music") -> None:
        """Until the object says that all is as it is wanted."""

        def rests() -> bool:
            found = self.server.objects.get(("tables", NAMESPACE, name))
            if found is None:
                return True
            said = {each["type"]: each for each in found.get("status", {}).get("conditions", ())}
            current = found.get("status", {}).get("observedGeneration")
            return (
                current == found["metadata"]["generation"]
                and said["Progressing"]["reason"] == "AsWanted"
                and said["Ready"]["status"] == "True"
            )

        await self.until(rests, name)


def play(scene: Callable[[Kept], Awaitable[None]]) -> None:
    """A pool that serves, and an operator that has just begun."""

    async def played() -> None:
        async with SmallCluster() as cluster, PretendedApi() as server:
            await cluster.until(lambda: len(cluster.view.fresh()) == 3)
            kept = Kept(server, cluster)
            kept.put_pool()
            stepping = asyncio.ensure_future(kept.supervisor.wanted.run())
            try:
                await scene(kept)
            finally:
                stepping.cancel()
                await kept.close()

    asyncio.run(played())
