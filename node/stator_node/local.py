"""`stator local`: one folder, one process, both doors. Wiring, and how it starts and stops.

Called by `__main__.py`. Prints one line when it serves (`Stator is ready: …`), which scripts may
wait for. Exit codes: 0 after a clean stop (SIGTERM, SIGINT), 1 where it cannot start; the reason is
on standard error.
"""

from __future__ import annotations

import asyncio
import logging
import os

from stator_core.item_format import Damaged
from stator_node import process
from stator_node.catalog import Catalog
from stator_node.cli import LocalSettings
from stator_node.clock import SystemClock
from stator_node.doors import Clock, StorageFailed
from stator_node.front_doors import FrontDoors
from stator_node.gateway.access_keys import AccessKeys, AccessKeysRefused
from stator_node.gateway.clock_door import side_doors
from stator_node.group_commit import GroupCommit
from stator_node.local_expiries import LocalExpiries
from stator_node.local_streams import LocalStreams
from stator_node.local_table_work import LocalTableWork
from stator_node.movable_clock import MovableClock
from stator_node.process import CannotStart
from stator_node.replica import Replica
from stator_node.router import Router
from stator_node.storage.folder import DataFolder, FolderRefused
from stator_node.storage.rocksdb import RocksItemStore
from stator_node.stream_operations import StreamOperations
from stator_node.table_life import TableLife
from stator_node.table_statistics import TableCounter

logger = logging.getLogger(__name__)


def run(settings: LocalSettings) -> int:
    """Serve until told to stop. Returns the exit code."""
    return process.run(_serve(settings))


async def _serve(settings: LocalSettings) -> int:
    clock = SystemClock()
    try:
        access_keys = AccessKeys.load(settings.access_keys, os.environ)
        folder = DataFolder(settings.folder, create=True, now=clock.now())
    except (FolderRefused, AccessKeysRefused) as error:
        raise CannotStart(str(error)) from error
    try:
        store = RocksItemStore(folder.database_path)
    except StorageFailed as error:
        folder.close()
        raise CannotStart(
            f"{error}\nRun `stator verify {settings.folder}` to see what is damaged."
        ) from error
    try:
        return await _serve_store(settings, store, clock, access_keys)
    finally:
        store.close()
        folder.close()


async def _serve_store(
    settings: LocalSettings, store: RocksItemStore, clock: SystemClock, access_keys: AccessKeys
) -> int:
    """Put the parts together, serve, take them apart."""
    loop = asyncio.get_running_loop()
    lasting = MovableClock(clock) if settings.test_clock else clock
    catalog, commit, streams = _begin(settings, store, loop, lasting)
    counter = TableCounter(store, clock)
    replica = Replica(commit, loop, lasting, commit.stamps, counter.writes)
    tables = TableLife(
        catalog,
        LocalTableWork(catalog, replica, counter),
        lasting,
        delay_seconds=settings.table_delay_seconds,
        account=settings.account,
    )
    router = Router(catalog, replica, tables, StreamOperations(streams, lasting))
    expiries = LocalExpiries(catalog, replica, lasting, round_seconds=settings.ttl_round_seconds)
    if isinstance(lasting, MovableClock):
        lasting.on_moved = expiries.wake
    doors = await FrontDoors.open(settings, router, access_keys, clock, side_doors(lasting))
    stopped = asyncio.Event()
    process.stop_on_signals(stopped)
    tables.resume()
    background = [
        loop.create_task(counter.run(catalog.tables)),
        loop.create_task(expiries.run()),
        loop.create_task(streams.run()),
    ]
    process.settle()
    doors.say_ready(f"data in {settings.folder}")
    await stopped.wait()
    logger.info("stopping: no new requests are taken")
    await doors.close()
    for task in background:
        task.cancel()
    await tables.stop()
    await replica.commit.drain()
    commit.close()
    try:
        store.flush()
    except StorageFailed as error:
        logger.error("stopped without flushing, the next start reads the log instead: %s", error)
    return 0


def _begin(
    settings: LocalSettings,
    store: RocksItemStore,
    loop: asyncio.AbstractEventLoop,
    clock: Clock,
) -> tuple[Catalog, GroupCommit, LocalStreams]:
    """What begins with what the store holds: tables, the time of the last writes, streams."""
    try:
        catalog, commit = Catalog(store), GroupCommit(store, loop, clock, sync=settings.sync)
        return catalog, commit, LocalStreams(catalog, commit, clock)
    except (Damaged, ValueError, StorageFailed) as error:
        raise CannotStart(
            f"the catalog of tables cannot be read: {error}\n"
            f"Run `stator verify {settings.folder}` to see what is damaged."
        ) from error
