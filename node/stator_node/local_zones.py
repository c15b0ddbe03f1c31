"""`stator local --zones 3`: three storage processes, and a gateway with the supervisor in this one.

    FOLDER/control/     the control store: tables, identifiers, the supervisor's record; and
                        cluster.json, by which `stator cluster` finds the supervisor
    FOLDER/node-1/ …    one data folder for each zone's process

Called by `__main__.py`; the way in and the way out are those of `local.py`. Prints the same line
when it serves.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable

from stator_core.item_format import Damaged
from stator_core.log_format import LogDamaged
from stator_core.placement_types import Configuration
from stator_node import cluster_file, process
from stator_node.catalog import Catalog
from stator_node.cli import LocalSettings
from stator_node.clock import SystemClock
from stator_node.cluster_clock import following
from stator_node.cluster_file import ClusterFile, ClusterFileRefused, Place
from stator_node.cluster_router import ClusterRouter
from stator_node.cluster_streams import ClusterStreams
from stator_node.cluster_table_work import ClusterTableWork
from stator_node.cluster_view import ClusterView
from stator_node.doors import Clock, StorageFailed
from stator_node.errand import Errands
from stator_node.found_cluster import FoundCluster
from stator_node.front_doors import FrontDoors
from stator_node.gateway.access_keys import AccessKeys, AccessKeysRefused
from stator_node.gateway.clock_door import side_doors
from stator_node.movable_clock import MovableClock
from stator_node.node_processes import HOST, NodeProcesses, folder_of
from stator_node.process import CannotStart
from stator_node.storage import node_identity
from stator_node.storage.folder import DataFolder, FolderRefused
from stator_node.storage.rocksdb import RocksItemStore
from stator_node.stream_operations import StreamOperations
from stator_node.supervisor import Supervisor
from stator_node.supervisor_requests import SupervisorRequests
from stator_node.table_life import TableLife
from stator_node.transport.frame_format import Hello
from stator_node.transport.links import Address, Links
from stator_node.transport.server import FrameServer
from stator_node.transport.tls_files import TlsFiles, TlsRefused, for_connecting, for_listening
from stator_node.transport.tls_renewal import renewing

logger = logging.getLogger(__name__)

GATEWAY_ZONE = "zone-1"
NEWS_SECONDS_MAX = 10.0
# On one machine a lost process is back in a moment or its folder is gone: no need to wait long.
CONFIGURATION = Configuration(dead_node_seconds=60.0, settled_seconds=5.0)


def run(settings: LocalSettings) -> int:
    """Serve until told to stop. Returns the exit code."""
    return process.run(_serve(settings))


async def _serve(settings: LocalSettings) -> int:
    clock = SystemClock()
    try:
        access_keys = AccessKeys.load(settings.access_keys, os.environ)
        folder = DataFolder(settings.folder / "control", create=True, now=clock.now())
    except (FolderRefused, AccessKeysRefused) as error:
        raise CannotStart(str(error)) from error
    try:
        store = RocksItemStore(folder.database_path)
    except StorageFailed as error:
        folder.close()
        raise CannotStart(str(error)) from error
    try:
        return await _serve_cluster(settings, store, folder, clock, access_keys)
    except TlsRefused as error:
        raise CannotStart(str(error)) from error
    except (Damaged, LogDamaged, ValueError) as error:
        raise CannotStart(f"the control store cannot be read: {error}") from error
    finally:
        store.close()
        folder.close()


class ClusterRecord:
    """The port that `stator cluster` speaks to, and the file that says where it is."""

    def __init__(self, folder: DataFolder, tls: TlsFiles | None) -> None:
        self._control = folder.path
        self._server: FrameServer | None = None
        self._tls = tls
        try:
            self.before = cluster_file.read(self._control).nodes
        except ClusterFileRefused:
            self.before = {}  # A new cluster. All that the file would say can be learned again.
        self._nodes = dict(self.before)

    async def serve(self, server: FrameServer) -> None:
        """Listen, and say where. Raises CannotStart."""
        try:
            await server.start(HOST, 0)
            self._server = server
            self._write(server)
        except OSError as error:
            raise CannotStart(f"the supervisor has no port of its own: {error}") from error

    def note(self, zone: str, place: Place) -> None:
        """The pod of a zone is this one."""
        self._nodes[zone] = place
        if self._server is None:
            return
        try:
            self._write(self._server)
        except OSError as error:
            logger.warning("%s could not be written: %s", cluster_file.FILE_NAME, error)

    async def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    def _write(self, server: FrameServer) -> None:
        hello = server.hello
        place = Place(hello.sender_id, HOST, server.port)
        cluster_file.write(
            self._control, ClusterFile(hello.cluster_id, place, self._nodes, self._tls)
        )


def _router(
    view: ClusterView, errands: Errands, tables: TableLife, catalog: Catalog, clock: Clock
) -> ClusterRouter:
    """What answers the doors' operations."""
    streams = StreamOperations(ClusterStreams(view, errands, catalog), clock)
    return ClusterRouter(view, errands, {**tables.operations(), **streams.operations()})


def _node_options(settings: LocalSettings) -> tuple[str, ...]:
    """The words of a storage process' command line that are as in ours."""
    rounds = "--ttl-round-seconds", str(settings.ttl_round_seconds)
    return (*rounds, "--test-clock") if settings.test_clock else rounds


def _cluster_id(settings: LocalSettings, control: DataFolder) -> str:
    """That which the nodes' folders have: they outlive a control folder that is lost.

    Raises CannotStart.
    """
    folders = [folder_of(settings.folder, number) for number in range(1, settings.zones + 1)]
    try:
        found = {each.cluster_id for folder in folders if (each := node_identity.read(folder))}
    except FolderRefused as error:
        raise CannotStart(str(error)) from error
    if len(found) > 1:
        named = ", ".join(sorted(found))
        raise CannotStart(f"{settings.folder} is put together of several clusters: {named}")
    return found.pop() if found else control.folder_id


class LostNodes:
    """Nodes whose folders were emptied: given up, as soon as there is a supervisor to do it."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._give_up: Callable[[str], None] = self._names.append

    def __call__(self, node_id: str) -> None:
        self._give_up(node_id)

    def known_to(self, supervisor: Supervisor) -> None:
        """Tell it of those before, and from now on."""
        self._give_up = supervisor.give_up
        for node_id in self._names:
            self._give_up(node_id)


async def _start(
    processes: NodeProcesses, store: RocksItemStore, view: ClusterView, clock: Clock
) -> None:
    """Start the nodes and hear them: they listen soon, but without news no table is known."""
    await processes.start()
    lost_seconds = CONFIGURATION.dead_node_seconds
    await FoundCluster(store, view, clock, lost_seconds, lambda: 0).take_up(lambda: True)
    begun = clock.monotonic()
    await view.first_news(lambda: clock.monotonic() - begun < NEWS_SECONDS_MAX)


async def _serve_cluster(
    settings: LocalSettings,
    store: RocksItemStore,
    folder: DataFolder,
    clock: SystemClock,
    access_keys: AccessKeys,
) -> int:
    """Start the nodes, serve, end them."""
    chance, tls = random.Random(), settings.tls
    cluster_id = _cluster_id(settings, folder)
    hello = Hello(cluster_id, f"gateway-{os.getpid()}", "gateway", GATEWAY_ZONE)
    links = Links(hello, clock, chance.random, tls=for_connecting(tls))
    view = ClusterView(links, clock, GATEWAY_ZONE)
    record, lost = ClusterRecord(folder, tls), LostNodes()

    def joined(node_id: str, zone: str, address: Address) -> None:
        view.join(node_id, zone, address)
        record.note(zone, Place(node_id, address.host, address.port))

    processes = NodeProcesses(
        settings.folder,
        settings.zones,
        cluster_id,
        record.before,
        joined,
        lost,
        tls=tls,
        options=_node_options(settings),
    )
    try:
        await _start(processes, store, view, clock)
        await _serve_clients(settings, store, view, record, lost, access_keys)
    finally:
        await record.close()
        await processes.stop()
        links.close()
    store.flush()
    return 0


async def _serve_clients(
    settings: LocalSettings,
    store: RocksItemStore,
    view: ClusterView,
    record: ClusterRecord,
    lost: LostNodes,
    access_keys: AccessKeys,
) -> None:
    """Put the parts of supervisor and gateway together, serve, take them apart."""
    clock, chance, hello = SystemClock(), random.Random(), view.links.hello
    catalog = Catalog(store)
    lasting = MovableClock(clock) if settings.test_clock else clock
    supervisor = Supervisor(store, catalog, view, clock, CONFIGURATION)
    lost.known_to(supervisor)
    tables = TableLife(
        catalog,
        ClusterTableWork(catalog, view, supervisor),
        lasting,
        delay_seconds=settings.table_delay_seconds,
        account=settings.account,
    )
    requests = SupervisorRequests(hello.cluster_id, view, supervisor, lasting, tables.operations())
    router = _router(view, Errands(view, clock, chance.random), tables, catalog, lasting)
    server = FrameServer(hello, requests, tls=for_listening(settings.tls))
    await record.serve(server)
    doors = await FrontDoors.open(settings, router, access_keys, clock, side_doors(lasting))
    stopped = asyncio.Event()
    process.stop_on_signals(stopped)
    background = [asyncio.create_task(supervisor.run())]
    background += renewing(settings.tls, view.links, server)
    background += following(lasting, view)
    tables.resume()
    process.settle()
    doors.say_ready(f"data in {settings.folder}")
    await stopped.wait()
    logger.info("stopping: no new requests are taken")
    await record.close()
    await doors.close()
    for task in background:
        task.cancel()
    await supervisor.stop()
    await tables.stop()
