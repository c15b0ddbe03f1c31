"""Three storage pods, a gateway and a supervisor in one event loop, over real sockets on loopback.

The pods are what `node.build` makes, over memory stores; the gateway is a `ClusterRouter`.
Elections are ten times faster than in production, so a test takes a second; all share a clock that
does not count what a busy machine keeps from them. For faults of disks, clocks and networks there
is the simulator; this is for what the modules promise when nothing is broken but a pod at a time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from patient_clock import PatientClock
from stator_core.placement_types import Configuration
from stator_core.raft.settings import Settings
from stator_node.catalog import Catalog
from stator_node.cluster_router import ClusterRouter
from stator_node.cluster_streams import ClusterStreams
from stator_node.cluster_table_work import ClusterTableWork
from stator_node.cluster_view import ClusterView
from stator_node.doors import Caller
from stator_node.errand import Errands
from stator_node.found_cluster import FoundCluster
from stator_node.hosted_partition import HostedPartition
from stator_node.memory import MemoryItemStore
from stator_node.node import Node, build
from stator_node.operation_codes import OperationCode
from stator_node.pending import Pending, wait
from stator_node.stream_operations import StreamOperations
from stator_node.supervisor import Supervisor
from stator_node.table_life import TableLife
from stator_node.transport.frame_format import Hello
from stator_node.transport.links import Address, Answer, Links

FAST = Settings(election_timeout=200, heartbeat_interval=40, clock_drift_max=20, quiesce_after=0)
CONFIGURATION = Configuration(dead_node_seconds=1.0, settled_seconds=0.1, merges=False)
CALLER = Caller("key", "111122223333", "us-east-1", "localhost:8000")
CLUSTER = "cluster-of-the-test"
LOOK_SECONDS = 0.02
TTL_ROUND_SECONDS = 0.2
PATIENCE_SECONDS = 20.0


@dataclass
class Pod:
    """A storage pod; `store` outlives its process."""

    node_id: str
    zone: str
    clock: PatientClock
    store: MemoryItemStore = field(default_factory=MemoryItemStore)
    node: Node | None = None
    port: int = 0
    settings: Settings = FAST

    async def start(self) -> None:
        hello = Hello(CLUSTER, self.node_id, "node", self.zone)
        self.node = build(
            self.store,
            hello,
            self.clock,
            self.settings,
            random.Random(self.node_id),
            ttl_round_seconds=TTL_ROUND_SECONDS,
        )
        await self.node.server.start("127.0.0.1", self.port)
        self.port = self.node.server.port
        self.node.host.start()

    async def kill(self) -> None:
        """End without a word to anybody; what was not synced is lost."""
        assert self.node is not None
        node, self.node = self.node, None
        for task in node.background:
            task.cancel()
        node.feeder.stop()
        node.host.stop()
        await node.server.stop()
        node.links.close()
        self.store.lose_power()

    @property
    def partitions(self) -> dict[int, HostedPartition]:
        assert self.node is not None
        return self.node.host.partitions


class SmallCluster:
    """Use as an asynchronous context manager."""

    def __init__(self, nodes: int = 3, settings: Settings = FAST) -> None:
        self.clock = PatientClock()
        self.pods = [
            Pod(f"n{number}", f"z{number % 3}", self.clock, settings=settings)
            for number in range(nodes)
        ]
        self.store = MemoryItemStore()
        self.catalog = Catalog(self.store)

    async def __aenter__(self) -> SmallCluster:
        clock = self.clock
        self._watching = asyncio.get_running_loop().create_task(clock.watch())
        for pod in self.pods:
            await pod.start()
        hello = Hello(CLUSTER, "gateway", "gateway", "z0")
        self.links = Links(hello, clock, random.Random(1).random)
        self.view = ClusterView(self.links, clock, "z0")
        for pod in self.pods:
            self.view.join(pod.node_id, pod.zone, Address("127.0.0.1", pod.port))
        self.errands = Errands(self.view, clock, random.Random(2).random)
        self._put_together(clock)
        await self.until(lambda: all(self.links.is_up(pod.node_id) for pod in self.pods))
        self.supervising = asyncio.get_running_loop().create_task(self.supervisor.run())
        return self

    def _put_together(self, clock: PatientClock) -> None:
        """The supervisor, and what a gateway has of it."""
        self.supervisor = Supervisor(self.store, self.catalog, self.view, clock, CONFIGURATION)
        self.tables = TableLife(
            self.catalog,
            ClusterTableWork(self.catalog, self.view, self.supervisor),
            clock,
            delay_seconds=0.0,
            account="111122223333",
        )
        self.streams = StreamOperations(
            ClusterStreams(self.view, self.errands, self.catalog), clock
        )
        operations = {**self.tables.operations(), **self.streams.operations()}
        self.router = ClusterRouter(self.view, self.errands, operations)

    async def begin_supervisor_anew(self) -> None:
        """Another supervisor, on the record of the one before."""
        await self._end_supervisor()
        self.catalog = Catalog(self.store)
        self._put_together(self.clock)
        self.tables.resume()
        self.supervising = asyncio.get_running_loop().create_task(self.supervisor.run())

    async def lose_record(self) -> None:
        """The supervisor ends, and another begins with an empty store."""
        await self._end_supervisor()
        for pod in self.pods:
            self.links.disconnect(pod.node_id)
        clock = self.clock
        self.store = MemoryItemStore()
        self.view = ClusterView(self.links, clock, "z0")
        for pod in self.pods:
            if pod.node is not None:
                self.view.join(pod.node_id, pod.zone, Address("127.0.0.1", pod.port))
        lost_seconds = CONFIGURATION.dead_node_seconds
        found = FoundCluster(self.store, self.view, clock, lost_seconds, lambda: 0)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await found.take_up(lambda: True)
        self.catalog = Catalog(self.store)
        self.errands = Errands(self.view, clock, random.Random(2).random)
        self._put_together(clock)
        self.tables.resume()
        self.supervising = asyncio.get_running_loop().create_task(self.supervisor.run())

    async def _end_supervisor(self) -> None:
        self.supervising.cancel()
        await self.supervisor.stop()
        await self.tables.stop()

    async def __aexit__(self, *_: object) -> None:
        await self._end_supervisor()
        self.links.close()
        for pod in self.pods:
            if pod.node is not None:
                pod.node.links.close()
        # asyncio loses a connection that it has accepted in the turn in which its server is closed
        # (Python 3.11, `Server._attach`): nobody is to be connecting any more.
        await asyncio.sleep(LOOK_SECONDS)
        for pod in self.pods:
            if pod.node is not None:
                await pod.kill()
        self._watching.cancel()

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait for what happens in its own time."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                if is_so():
                    return
                await asyncio.sleep(LOOK_SECONDS)

    async def execute(self, operation: str, **body: Any) -> Any:
        """An operation's answer, decoded."""
        answer = self.router.execute(operation, body, CALLER)
        content = await wait(answer) if isinstance(answer, Pending) else answer
        return orjson.loads(content) if content else None

    async def create_table(self, name: str = "Music", **members: Any) -> None:
        """A table with the key `pk`, once it is ACTIVE."""
        definitions = [{"AttributeName": "pk", "AttributeType": "S"}]
        await self.execute(
            "CreateTable",
            **{
                "TableName": name,
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "AttributeDefinitions": definitions,
                "BillingMode": "PAY_PER_REQUEST",
            }
            | members,
        )
        await self.active(name)

    async def active(self, name: str = "Music") -> None:
        """Wait until the table, and every index of it, is ACTIVE."""

        def is_active() -> bool:
            table = self.catalog.tables[name]
            return table.status == "ACTIVE" and all(
                index.status == "ACTIVE" for index in table.global_indexes
            )

        await self.until(is_active)

    def leader(self, partition_id: int = 1) -> Pod:
        """The pod that leads a partition now; fails where nobody does."""
        (leader,) = [
            pod
            for pod in self.pods
            if pod.node is not None
            and partition_id in pod.partitions
            and pod.partitions[partition_id].may_write
        ]
        return leader

    def has_leader(self, partition_id: int = 1) -> bool:
        """Whether somebody leads and takes writes."""
        return any(
            pod.node is not None
            and partition_id in pod.partitions
            and pod.partitions[partition_id].may_write
            for pod in self.pods
        )

    async def ask(
        self, node_id: str, partition_id: int, operation: OperationCode, body: Any = None
    ) -> Answer:
        """One request to one pod."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        return await wait(self.links.request(node_id, partition_id, operation, 0, data, 5.0))
