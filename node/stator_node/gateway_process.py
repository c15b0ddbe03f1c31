"""`stator gateway`: the front doors alone. Wiring, and how it starts and stops.

Called by `__main__.py`. It finds the storage pods by name (`transport/seeds.py`), learns tables,
partitions and leaders from them (`cluster_view.py`) and sends errands; tables are changed by the
supervisor (`remote_tables.py`). Prints the line of `front_doors.py` when it serves. Invariant: it
has nothing of its own on any disk, and needs nobody but storage pods to serve items.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable

from stator_node import process
from stator_node.cli import GatewaySettings, Seed
from stator_node.clock import SystemClock
from stator_node.cluster_router import ClusterRouter
from stator_node.cluster_streams import ClusterStreams
from stator_node.cluster_view import ClusterView
from stator_node.errand import Errands
from stator_node.front_doors import FrontDoors
from stator_node.gateway.access_keys import AccessKeys, AccessKeysRefused
from stator_node.process import CannotStart
from stator_node.remote_tables import RemoteTables
from stator_node.request_figures import CountedExecutor
from stator_node.stream_operations import StreamOperations
from stator_node.table_reading import TableReading
from stator_node.transport.frame_format import Hello
from stator_node.transport.links import Address, Links
from stator_node.transport.seeds import Seeds
from stator_node.transport.tls_files import TlsRefused, for_connecting
from stator_node.transport.tls_renewal import renewing

logger = logging.getLogger(__name__)


def run(settings: GatewaySettings) -> int:
    """Serve until told to stop. Returns the exit code."""
    return process.run(_serve(settings))


async def _serve(settings: GatewaySettings) -> int:
    try:
        access_keys = AccessKeys.load(settings.access_keys, os.environ)
        tls = for_connecting(settings.tls)
    except (AccessKeysRefused, TlsRefused) as error:
        raise CannotStart(str(error)) from error
    health, health_door = await process.open_health(settings.health_port)
    clock, chance = SystemClock(), random.Random()
    hello = Hello(settings.cluster_id, process.process_name("gateway"), "gateway", settings.zone)
    links = Links(hello, clock, chance.random, tls=tls)
    view = ClusterView(links, clock, settings.zone)
    reading = TableReading(view.all_tables, view.statistics, clock, settings.account)
    tables = RemoteTables(links, view.poll, reading)
    errands = Errands(view, clock, chance.random)
    streams = StreamOperations(ClusterStreams(view, errands, view), clock)
    router = ClusterRouter(view, errands, {**tables.operations(), **streams.operations()})

    def seeds(of: tuple[Seed, ...], joined: Callable[[Hello, Address], None]) -> Seeds:
        return Seeds(of, hello, joined, links.is_up, lambda: links.tls)

    pods, supervisor = seeds(settings.seeds, view.met), seeds(settings.supervisor, tables.joined)
    stopped = asyncio.Event()
    process.stop_on_signals(stopped)
    background = [asyncio.create_task(each.run()) for each in (pods, supervisor, view)]
    background += renewing(settings.tls, links)
    try:
        counted = CountedExecutor(router, clock)
        doors = await FrontDoors.open(settings, counted, access_keys, clock)
        await pods.look()  # Who has not been met may know of tables that nobody else does.
        await view.first_news(lambda: not stopped.is_set())
        health.serves(process.nothing_to_hand_over, counted.families)
        doors.say_ready(f"cluster {settings.cluster_id}")
        await stopped.wait()
        health.ends()
        logger.info("stopping: no new requests are taken")
        await doors.close()
    finally:
        for task in background:
            task.cancel()
        links.close()
        await health_door.stop()
    return 0
