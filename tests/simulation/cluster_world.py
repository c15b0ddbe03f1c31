"""A cluster in the simulated world: storage nodes, gateways and a supervisor, all of the product.

Each storage node is `stator_node.node.build` over a `SimulatedDisk`; a gateway is the product's
`ClusterView`, `Errands` and `ClusterRouter`; the supervisor, where a `Shape` asks for one, is the
product's over a simulated control store. They talk through the product's transport over
`streams.py`. Beside them stands a person's console (`commands.py`), which meets no faults.

What a node logs with a traceback ends the run, as does an exception in a callback: the product
survives such bugs, the simulator does not.
"""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass, field, replace
from typing import Any

from simulation.cluster_observer import ClusterObserver, ObservedDisk
from simulation.network import LinkSettings
from simulation.world import Node, World
from stator_core.key_format import HASH_SPACE
from stator_core.partition_descriptor import HashRange, PartitionDescriptor, new_partition
from stator_core.placement_types import Configuration
from stator_core.raft.settings import Settings
from stator_core.table import Table
from stator_node import node as storage_node
from stator_node.catalog import Catalog
from stator_node.cluster_router import ClusterRouter
from stator_node.cluster_streams import ClusterStreams
from stator_node.cluster_view import POLL_SECONDS, ClusterView
from stator_node.doors import StorageFailed
from stator_node.errand import Errands
from stator_node.hosted_partition import HostedPartition
from stator_node.reports import identifiers_of
from stator_node.stream_operations import StreamOperations
from stator_node.supervisor import Supervisor
from stator_node.transport.frame_format import Hello
from stator_node.transport.links import Address, Links

CLUSTER_ID = "simulated"
PORT = 7000
CONSOLE = "console"
TTL_ROUND_SECONDS = 0.4  # sooner than in real clusters, likewise
RESTART_SECONDS = 0.3  # until a keeper starts a process that has ended itself
# Sooner than in real clusters, so that a run of some seconds meets what follows.
PLACEMENT = Configuration(
    dead_node_seconds=4.0,
    settled_seconds=1.0,
    in_flight_seconds=10.0,
    caught_up_entries=20,
    split_rest_seconds=0.5,
    merge_rest_seconds=1.0,
)
LOGGER = logging.getLogger("stator_node")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a cluster is made of."""

    nodes: int = 3
    gateways: int = 1
    supervised: bool = False
    merges: bool = False  # the supervisor merges small neighbours
    wild: bool = True  # the console changes members, even against the supervisor
    # How often gateways ask the nodes: each in turn has one of these rhythms.
    poll_seconds: tuple[float, ...] = (POLL_SECONDS,)
    settings: Settings = field(default_factory=Settings)
    check_invariants: bool = False  # of every Raft, after every event


@dataclass(slots=True)
class Gateway:
    """The parts of a gateway's one life."""

    name: str
    view: ClusterView
    router: ClusterRouter
    clock: Any


class ClusterWorld:
    """Nodes n1, n2, … in as many zones, gateways g1, …, perhaps a supervisor, and a console."""

    def __init__(self, seed: int, shape: Shape, tables: tuple[Table, ...]) -> None:
        self.world = World(seed, links=LinkSettings())
        self.shape = shape
        self.tables = tables
        self.observer = ClusterObserver()
        self.identities: dict[str, str] = {}  # of each machine's volume
        self.gone: list[str] = []  # identities whose volume is lost
        self.gateways: dict[str, Gateway] = {}
        self.polled: dict[str, int] = {}  # by gateway: which of the shape's rhythms it has
        self.supervisor: Supervisor | None = None
        self.on_gateway: Any = lambda _: None
        names = [f"n{number}" for number in range(1, shape.nodes + 1)]
        for number, name in enumerate(names):
            self.identities[name] = f"{name}.1"
            self.world.add_node(name, self._boot_storage, zone=f"z{number % 3 + 1}")
        for number in range(1, shape.gateways + 1):
            self.world.add_node(f"g{number}", self._boot_gateway, zone=f"z{number}")
        self.world.add_node(CONSOLE, self._boot_gateway, zone="")
        if shape.supervised:
            self.world.add_node("s", self._boot_supervisor, zone="")

    # Looking.

    @property
    def console(self) -> Gateway:
        return self.gateways[CONSOLE]

    @property
    def machines(self) -> list[Node]:
        """The storage nodes."""
        return [self.world.nodes[name] for name in self.identities]

    @property
    def may_fail(self) -> list[str]:
        """Who meets faults: everybody but the person at the console."""
        return [name for name in self.world.nodes if name != CONSOLE]

    def hosted(self) -> list[tuple[Node, HostedPartition]]:
        """Every replica that runs somewhere."""
        return [
            (node, hosted)
            for node in self.machines
            if node.running and node.product is not None
            for hosted in node.product.host.partitions.values()
        ]

    def check_invariants(self) -> bool:
        """Of every Raft. Never true: the `until` of a run that has no other."""
        for _, hosted in self.hosted():
            hosted.raft.check_invariants()
        return False

    def run(self, seconds: float, until: Any = None) -> bool:
        """Let time pass; the product's logged tracebacks end the run."""
        listener = _Tracebacks(self.world)
        handlers, LOGGER.handlers = LOGGER.handlers, [listener]
        propagate, LOGGER.propagate = LOGGER.propagate, False
        try:
            if self.shape.check_invariants:
                asked = until or (lambda: False)
                until = lambda: self.check_invariants() or asked()
            return self.world.run(seconds, until=until)
        finally:
            LOGGER.handlers = handlers
            LOGGER.propagate = propagate

    # Machines.

    def _chance(self) -> random.Random:
        return random.Random(self.world.random.getrandbits(64))

    def _hello(self, node: Node, sender: str, role: Any) -> Hello:
        return Hello(
            CLUSTER_ID, sender, role, node.zone, instance=f"{node.name} {node.lives:08d}".rjust(32)
        )

    def _boot_storage(self, node: Node) -> storage_node.Node | None:
        store = ObservedDisk(node.disk, self.observer)
        hello = self._hello(node, self.identities[node.name], "node")
        settings = self.shape.settings
        product = storage_node.build(
            store,
            hello,
            node.clock,
            settings,
            self._chance(),
            ttl_round_seconds=TTL_ROUND_SECONDS,
        )
        product.host.on_changed = self.observer.changed
        node.loop.create_task(self._serve(node, product))
        return product

    async def _serve(self, node: Node, product: storage_node.Node) -> None:
        """What `stator node` does, and its keeper."""
        try:
            await product.server.start("", PORT)
            product.host.start()
            await product.ended.wait()
        except StorageFailed:
            pass
        except Exception as error:  # noqa: BLE001  # Whatever it is, it is the run's end.
            self.world.fail(node.name, "the process ends", error)
        self.world.record(node.name, "ends itself")
        self.world.at(self.world.now, self._restart, node, node.loop)

    def _restart(self, node: Node, life: Any) -> None:
        if node.loop is life and node.running:
            node.down_for(RESTART_SECONDS)

    def lose_volume(self, name: str) -> None:
        """The machine's disk is gone for good; it comes back as another node."""
        node = self.world.nodes[name]
        node.lose_disk()
        lost = self.identities[name]
        self.gone.append(lost)
        number = int(lost.rpartition(".")[2]) + 1
        self.identities[name] = f"{name}.{number}"
        node.start()
        for gateway in self.gateways.values():
            loop = self.world.nodes[gateway.name].loop
            loop.call_soon(self._introduce, gateway.view)
        if self.supervisor is not None:
            loop = self.world.nodes["s"].loop
            loop.call_soon(self._introduce, self.supervisor._view)
            loop.call_soon(self._give_up, self.supervisor, lost)

    def _introduce(self, view: ClusterView) -> None:
        for name, identity in self.identities.items():
            view.join(identity, self.world.nodes[name].zone, Address(name, PORT))

    def _boot_gateway(self, node: Node) -> Gateway:
        chance = self._chance()
        links = Links(self._hello(node, node.name, "gateway"), node.clock, chance.random)
        view = ClusterView(links, node.clock, node.zone)
        self._introduce(view)
        errands = Errands(view, node.clock, chance.random)
        streams = StreamOperations(ClusterStreams(view, errands, view), node.clock)
        router = ClusterRouter(view, errands, streams.operations())
        polls = self.shape.poll_seconds
        number = len(self.gateways) if node.name not in self.gateways else self.polled[node.name]
        self.polled[node.name] = number
        node.loop.create_task(_poll(view, polls[number % len(polls)]))
        gateway = self.gateways[node.name] = Gateway(node.name, view, router, node.clock)
        self.on_gateway(gateway)
        return gateway

    def _boot_supervisor(self, node: Node) -> Supervisor:
        links = Links(self._hello(node, "supervisor", "gateway"), node.clock, self._chance().random)
        view = ClusterView(links, node.clock, "")
        catalog = Catalog(node.disk)
        for table in self.tables:
            if table.name not in catalog.tables:
                catalog.save(table.changed(status="CREATING"))
        placement = replace(PLACEMENT, merges=self.shape.merges)
        supervisor = Supervisor(node.disk, catalog, view, node.clock, placement)
        self._introduce(view)
        for lost in self.gone:
            self._give_up(supervisor, lost)
        self.supervisor = supervisor
        node.loop.create_task(supervisor.run())
        node.loop.create_task(self._activate(catalog, supervisor))
        return supervisor

    def _give_up(self, supervisor: Supervisor, lost: str) -> None:
        """A person does it, and again if the control store refuses."""
        try:
            supervisor.give_up(lost)
        except StorageFailed:
            asyncio.get_running_loop().call_later(0.5, self._give_up, supervisor, lost)

    async def _activate(self, catalog: Catalog, supervisor: Supervisor) -> None:
        """What `table_life.py` does with a table that is ready."""
        for table in self.tables:
            if catalog.tables[table.name].status != "CREATING":
                continue
            wanted = set(identifiers_of(table))
            while not wanted <= supervisor.ready:  # noqa: ASYNC110  # It tells nobody.
                await asyncio.sleep(0.1)
            while not self._saved(catalog, table):  # noqa: ASYNC110  # Until there is room.
                await asyncio.sleep(0.5)

    @staticmethod
    def _saved(catalog: Catalog, table: Table) -> bool:
        try:
            catalog.save(table)
        except StorageFailed:
            return False
        return True

    # The beginning without a supervisor.

    def first_partitions(self) -> list[tuple[PartitionDescriptor, Table]]:
        """One partition for each table and each global index, on the first three nodes."""
        nodes = tuple(self.identities.values())[:3]
        whole = HashRange(0, HASH_SPACE)
        wanted = [
            (identifier, table) for table in self.tables for identifier in identifiers_of(table)
        ]
        return [
            (new_partition(number, table.name, identifier, whole, nodes), table)
            for number, (identifier, table) in enumerate(wanted, 1)
        ]


async def _poll(view: ClusterView, seconds: float) -> None:
    """`ClusterView.run` in another rhythm."""
    while True:
        await view.poll()
        await asyncio.sleep(seconds)


class _Tracebacks(logging.Handler):
    """Ends the run where the product logs a bug that it survived."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.WARNING)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        running = asyncio._get_running_loop()
        actor = getattr(getattr(running, "node", None), "name", "world")
        self._world.record(actor, record.levelname, record.getMessage())
        if record.exc_info is not None and record.exc_info[1] is not None:
            error = record.exc_info[1]
            if not isinstance(error, StorageFailed):
                self._world.fail(actor, record.getMessage(), error)
