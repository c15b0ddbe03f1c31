"""`stator supervisor`: what steers the storage pods of a cluster. Wiring, and how it starts, stops.

Called by `__main__.py`. It finds the storage pods by name (`transport/seeds.py`), rebuilds its
record of what they hold where it has none (`found_cluster.py`), keeps the cluster as the tables
want it (`supervisor.py`), executes the table operations of gateways (`supervisor_requests.py`), and
answers the operator of Kubernetes (`operator_requests.py`). Prints one line when it listens:
`Stator supervisor is ready on HOST:PORT`. Invariant: what it has to remember is in its folder
before anybody hears of it; while it is away, items are read and written all the same.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping

from stator_core.item_format import Damaged
from stator_core.log_format import LogDamaged
from stator_core.placement_types import Configuration
from stator_node import cluster_file, process
from stator_node.catalog import Catalog
from stator_node.cli import SupervisorSettings
from stator_node.clock import SystemClock
from stator_node.cluster_file import ClusterFile, Place
from stator_node.cluster_table_work import ClusterTableWork
from stator_node.cluster_view import ClusterView
from stator_node.doors import Caller, StorageFailed
from stator_node.found_cluster import FoundCluster
from stator_node.health import Health
from stator_node.operator_door import OperatorDoor
from stator_node.operator_requests import OperatorRequests
from stator_node.operator_tables import OperatorTables
from stator_node.process import CannotStart
from stator_node.storage.folder import DataFolder, FolderRefused
from stator_node.storage.rocksdb import RocksItemStore
from stator_node.stream_operations import StreamOperation
from stator_node.supervisor import Supervisor
from stator_node.supervisor_requests import SupervisorRequests
from stator_node.table_asks import TableAsks
from stator_node.table_life import TableLife
from stator_node.transport.frame_format import Hello
from stator_node.transport.links import Links
from stator_node.transport.seeds import Seeds
from stator_node.transport.server import FrameServer
from stator_node.transport.tls_files import TlsRefused, for_connecting, for_listening
from stator_node.transport.tls_renewal import renewing
from stator_node.wanted_tables import WantedTables

logger = logging.getLogger(__name__)


def run(settings: SupervisorSettings) -> int:
    """Steer until told to stop. Returns the exit code."""
    return process.run(_serve(settings))


async def _serve(settings: SupervisorSettings) -> int:
    health, health_door = await process.open_health(settings.health_port)
    try:
        # As in a folder of `stator local --zones 3`, so that `stator cluster` finds its way.
        control = settings.folder / "control"
        folder = DataFolder(control, create=True, now=SystemClock().now())
    except FolderRefused as error:
        raise CannotStart(str(error)) from error
    try:
        store = RocksItemStore(folder.database_path)
        try:
            return await _steer(settings, store, health)
        finally:
            store.close()
    except (Damaged, LogDamaged, StorageFailed, ValueError) as error:
        raise CannotStart(f"the control store cannot be read: {error}") from error
    except TlsRefused as error:
        raise CannotStart(str(error)) from error
    finally:
        folder.close()
        await health_door.stop()


async def _steer(settings: SupervisorSettings, store: RocksItemStore, health: Health) -> int:
    """Find the pods, and hear them where nothing is on record; then steer."""
    clock, chance = SystemClock(), random.Random()
    hello = Hello(settings.cluster_id, process.process_name("supervisor"), "gateway", "")
    links = Links(hello, clock, chance.random, tls=for_connecting(settings.tls))
    view = ClusterView(links, clock, "")
    pods = Seeds(settings.seeds, hello, view.met, links.is_up, lambda: links.tls)
    stopped = asyncio.Event()
    process.stop_on_signals(stopped)
    looking = asyncio.create_task(pods.run())
    renewals = renewing(settings.tls, links)
    lost_seconds = Configuration().dead_node_seconds
    found = FoundCluster(store, view, clock, lost_seconds, lambda: pods.unanswered)
    # It may take long, and is no reason to start the process again.
    health.catches_up(process.nothing_to_hand_over)
    is_known = await found.take_up(lambda: not stopped.is_set())
    for task in renewals:
        task.cancel()
    if is_known:
        await _steer_on(settings, store, view, health, stopped)
    looking.cancel()
    links.close()
    store.flush()
    return 0


async def _steer_on(
    settings: SupervisorSettings,
    store: RocksItemStore,
    view: ClusterView,
    health: Health,
    stopped: asyncio.Event,
) -> None:
    """Put the parts together, steer, take them apart."""
    clock, hello = SystemClock(), view.links.hello
    catalog = Catalog(store)
    supervisor = Supervisor(store, catalog, view, clock, Configuration())
    work = ClusterTableWork(catalog, view, supervisor)
    tables = TableLife(
        catalog,
        work,
        clock,
        delay_seconds=settings.table_delay_seconds,
        account=settings.account,
    )
    operations: Mapping[str, StreamOperation] = tables.operations()
    kept: OperatorTables | None = None
    if settings.tables_by_operator:
        asks = TableAsks(tables)
        caller = Caller("operator", settings.account, settings.region)
        wanted = WantedTables(store, catalog, tables, clock, caller, asks.is_open)
        kept = OperatorTables(catalog, view, supervisor, work, wanted, asks, clock)
        operations = asks.operations()
    requests = SupervisorRequests(settings.cluster_id, view, supervisor, clock, operations)
    server = FrameServer(hello, requests, tls=for_listening(settings.tls))
    asked = OperatorRequests(settings.cluster_id, view, supervisor, clock, kept)
    door = OperatorDoor(asked.answer, tls=for_listening(settings.tls))
    await _listen(settings, server, door)
    _say_where(settings, hello, server.port)
    listeners = (server,) if settings.operator_port is None else (server, door)
    background = [
        asyncio.create_task(supervisor.run()),
        *renewing(settings.tls, view.links, *listeners),
    ]
    tables.resume()
    if kept is not None:
        background.append(asyncio.create_task(wanted.run()))
    health.has_caught_up()
    print(f"Stator supervisor is ready on {settings.host}:{server.port}", flush=True)
    await stopped.wait()
    health.ends()
    for task in background:
        task.cancel()
    await door.stop()
    await server.stop()
    await supervisor.stop()
    await tables.stop()


async def _listen(settings: SupervisorSettings, server: FrameServer, door: OperatorDoor) -> None:
    """Open both ports, or only the one for gateways. Raises CannotStart."""
    port = settings.port
    try:
        await server.start(settings.host, port)
        if settings.operator_port is not None:
            port = settings.operator_port
            await door.start(settings.host, port)
    except OSError as error:
        raise CannotStart(f"cannot listen on {settings.host}:{port}: {error}") from error


def _say_where(settings: SupervisorSettings, hello: Hello, port: int) -> None:
    """For `stator cluster`, run beside it on its folder."""
    place = Place(hello.sender_id, settings.host, port)
    content = ClusterFile(settings.cluster_id, place, {}, settings.tls)
    try:
        cluster_file.write(settings.folder / "control", content)
    except OSError as error:
        logger.warning("%s could not be written: %s", cluster_file.FILE_NAME, error)
