"""`stator node`: the process of one storage pod. Its volume, and how it starts, is kept out, stops.

Called by `__main__.py`. It takes the folder (`storage/`), if it is this node's, has `node.py` put
the parts together, and serves until it is told to stop. A pod that a person fences ends, is
started again by whoever keeps it running, and then waits with its folder closed, so that others can
look at it, until the fence is down. With `--seeds` it looks for its peers by name, so that one that
comes back under another address is found while nobody steers. Prints one line when it serves:
`Stator node ID is ready on HOST:PORT`.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine
from typing import Any

from stator_core.log_format import LogDamaged
from stator_core.raft.settings import Settings
from stator_node import process
from stator_node.cli import NodeSettings
from stator_node.clock import SystemClock
from stator_node.doors import Clock, StorageDamaged, StorageFailed
from stator_node.fence import Fence
from stator_node.health import Health
from stator_node.movable_clock import MovableClock
from stator_node.node import Node, build
from stator_node.process import CannotStart
from stator_node.storage import node_identity
from stator_node.storage.folder import DataFolder, FolderRefused
from stator_node.storage.node_identity import NodeIdentity
from stator_node.storage.rocksdb import RocksItemStore
from stator_node.storage_figures import storage_families
from stator_node.transport.frame_format import Hello
from stator_node.transport.links import Address
from stator_node.transport.seeds import Seeds
from stator_node.transport.tls_files import TlsRefused, for_connecting

logger = logging.getLogger(__name__)


def run(settings: NodeSettings) -> int:
    """Serve until told to stop. Returns the exit code."""
    return process.run(_serve(settings))


async def _serve(settings: NodeSettings) -> int:
    health, door = await process.open_health(settings.health_port)
    stopped, fence = asyncio.Event(), Fence(settings.fence_file)
    process.stop_on_signals(stopped)
    if settings.with_parent:
        process.stop_at_end_of_input(stopped)
    try:
        if fence.is_up():
            health.fences()
            logger.warning("this pod is fenced: it serves nothing until the fence is down")
            await _first(fence.goes_down(), stopped.wait())
        return 0 if stopped.is_set() else await _serve_folder(settings, health, stopped, fence)
    finally:
        await door.stop()


async def _serve_folder(
    settings: NodeSettings, health: Health, stopped: asyncio.Event, fence: Fence
) -> int:
    """Serve what is in the folder until there is a reason not to. Returns the exit code."""
    clock: Clock = MovableClock(SystemClock()) if settings.test_clock else SystemClock()
    try:
        folder = DataFolder(settings.folder, create=True, now=clock.now())
    except FolderRefused as error:
        raise CannotStart(str(error)) from error
    try:
        identity = NodeIdentity(settings.cluster_id, settings.zone, folder.folder_id)
        node_identity.take(folder.path, identity)
        await _refuse_a_twin(settings, identity)
        store = RocksItemStore(folder.database_path)
    except (FolderRefused, StorageFailed, TlsRefused) as error:
        folder.close()
        raise CannotStart(_with_way_out(error)) from error
    try:
        node = build(
            store,
            Hello(settings.cluster_id, folder.folder_id, "node", settings.zone),
            clock,
            Settings(),
            random.Random(),
            folder.path,
            settings.tls,
            ttl_round_seconds=settings.ttl_round_seconds,
        )
        await _serve_until(settings, node, health, stopped, fence)
        return 1 if node.failed else 0
    except (TlsRefused, LogDamaged) as error:
        raise CannotStart(_with_way_out(error)) from error
    except StorageFailed as error:
        raise CannotStart(f"the disk refuses: {error}") from error
    except OSError as error:
        raise CannotStart(f"cannot listen on {settings.host}:{settings.port}: {error}") from error
    finally:
        store.close()
        folder.close()


def _with_way_out(error: Exception) -> str:
    """The text of an error, and what to do about damage: what a pod promised is lost with it.

    So it must not go on under its name; with an empty folder it is another pod.
    """
    if isinstance(error, LogDamaged | StorageDamaged):
        return f"{error}; delete the folder to have it rebuilt from peers"
    return str(error)


async def _refuse_a_twin(settings: NodeSettings, identity: NodeIdentity) -> None:
    """See that no other process has this very identity. Raises FolderRefused, TlsRefused.

    A copy of a volume would answer for what only the other one has promised.
    """
    twins: list[Address] = []

    def met(found: Hello, address: Address) -> None:
        if found.sender_id == identity.node_id:
            twins.append(address)

    asking = Hello(settings.cluster_id, process.process_name("starting"), "gateway", settings.zone)
    tls = for_connecting(settings.tls)
    await Seeds(settings.seeds, asking, met, lambda _: False, lambda: tls).look()
    if twins:
        raise FolderRefused(
            f"node {identity.node_id} answers at {twins[0].host}:{twins[0].port} already: this"
            " volume is a copy of its, or its pod has not ended; wait for its end, or give this"
            " pod an empty volume"
        )


async def _serve_until(
    settings: NodeSettings, node: Node, health: Health, stopped: asyncio.Event, fence: Fence
) -> None:
    """Serve until the process is stopped or fenced, or the disk refuses."""
    await node.server.start(settings.host, settings.port)
    node.host.start()
    links = node.links
    # Under a name of its own: at one of the addresses it meets itself.
    looking = Hello(settings.cluster_id, process.process_name("looking"), "gateway", settings.zone)
    peers = Seeds(settings.seeds, looking, node.members.met, links.is_up, lambda: links.tls)
    loop = asyncio.get_running_loop()
    node.background.append(loop.create_task(peers.run()))
    process.settle()
    health.catches_up(node.hand_over, lambda: storage_families(node.requests.report()))
    node.background.append(loop.create_task(_become_ready(node, health)))
    print(
        f"Stator node {links.hello.sender_id} is ready on {settings.host}:{node.server.port}",
        flush=True,
    )
    await _first(node.ended.wait(), stopped.wait(), fence.goes_up())
    health.ends()
    await node.stop()


async def _become_ready(node: Node, health: Health) -> None:
    """Have the pod count as ready once it has what its peers have."""
    await node.catching_up.run()
    health.has_caught_up()


async def _first(*happenings: Coroutine[Any, Any, object]) -> None:
    """Wait for whatever happens first."""
    tasks = [asyncio.ensure_future(each) for each in happenings]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
