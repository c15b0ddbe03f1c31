"""One storage pod of a cluster: its parts, put together, and how it hands over what it leads.

In: a store and who the pod is, from `node_process.py`. Out: a `Node`, which serves frames to its
peers and to gateways (`transport/`), hosts replicas (`partition_host.py`), and is told by the
supervisor who its peers are.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from dataclasses import dataclass
from pathlib import Path

from stator_core.raft.settings import Settings
from stator_node import tombstone_sweep
from stator_node.catching_up import CatchingUp
from stator_node.cluster_expiries import ClusterExpiries
from stator_node.cluster_members import ClusterMembers
from stator_node.cluster_view import ClusterView
from stator_node.doors import Clock, ItemStore, StorageFailed
from stator_node.errand import Errands
from stator_node.expiry_sweep import ROUND_SECONDS
from stator_node.feed_keeper import FeedKeeper
from stator_node.index_feeder import IndexFeeder
from stator_node.movable_clock import MovableClock
from stator_node.node_requests import NodeRequests
from stator_node.partition_host import PartitionHost
from stator_node.partition_load import PartitionLoads
from stator_node.partition_requests import PartitionRequests
from stator_node.sync_loop import SyncLoop
from stator_node.transport.frame_format import Hello
from stator_node.transport.links import Links
from stator_node.transport.server import FrameServer
from stator_node.transport.tls_files import TlsFiles, for_connecting, for_listening
from stator_node.transport.tls_renewal import renewing

logger = logging.getLogger(__name__)

LEADERS_GONE_SECONDS = 2.0  # what a stopping pod waits for its leaders to move away
LEADERSHIP_SECONDS = 0.2  # how often a draining pod looks whether it leads again
REDIRECT_SECONDS = 1.0  # and then for gateways to hear of it, which ask for reports four times
LAST_BYTES_SECONDS = 0.02  # for sockets to be written and closed before a disk holds up the loop


@dataclass(slots=True)
class Node:
    """The parts of a running pod."""

    host: PartitionHost
    feeder: IndexFeeder
    server: FrameServer
    links: Links
    requests: NodeRequests
    members: ClusterMembers
    catching_up: CatchingUp
    background: list[asyncio.Task[None]]
    ended: asyncio.Event  # the pod must end: its disk refuses
    failed: bool = False

    async def hand_over(self) -> None:
        """Lead nothing any more, and let gateways hear of it; nothing else changes.

        The supervisor hears of it too, and gives this pod no leaders. What comes to it all the same
        until it ends, by an election, goes on to a peer.
        """
        if not self.host.is_ending:
            self.host.is_ending = True
            self.background.append(asyncio.get_running_loop().create_task(self._lead_nothing()))
        if self.host.transfer_all():
            await self._leaders_gone()
            await asyncio.sleep(REDIRECT_SECONDS)  # Until then who asks here is sent on.

    async def stop(self) -> None:
        """Hand leaders over, then stop answering."""
        await self.hand_over()
        for task in self.background:
            task.cancel()
        self.feeder.stop()
        self.host.stop()
        await self.server.stop()
        self.links.close()
        await asyncio.sleep(LAST_BYTES_SECONDS)

    async def _lead_nothing(self) -> None:
        """For as long as this pod runs."""
        while True:
            self.host.transfer_all()
            await asyncio.sleep(LEADERSHIP_SECONDS)

    async def _leaders_gone(self) -> None:
        """Let a peer that has everything lead what this pod leads."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEADERS_GONE_SECONDS):
                while self.host.transfer_all():  # noqa: ASYNC110  # Raft tells nobody.
                    await asyncio.sleep(0.05)


def build(
    store: ItemStore,
    hello: Hello,
    clock: Clock,
    settings: Settings,
    chance: random.Random,
    folder: Path | None = None,
    tls: TlsFiles | None = None,
    *,
    ttl_round_seconds: float = ROUND_SECONDS,
) -> Node:
    """Put the parts of a pod together; `server.start` and `host.start` are the caller's.

    `folder` says how much the disk has left; None: nobody asks. Raises TlsRefused.
    """
    loop = asyncio.get_running_loop()
    links = Links(hello, clock, chance.random, tls=for_connecting(tls))

    def disk_failed(error: StorageFailed) -> None:
        if node.failed:
            return
        node.failed = True
        logger.critical("this pod ends, its disk refuses: %s", error)
        feeder.stop()
        host.resign_all()  # It leaves with the links' last bytes.
        host.stop()
        node.ended.set()

    sync = SyncLoop(store, loop, disk_failed)
    host = PartitionHost(store, sync, links, clock, loop, settings, chance.randrange)
    host.on_storage_failed = disk_failed
    loads = PartitionLoads(store, clock, folder)
    view = ClusterView(links, clock, hello.zone)
    feeder = IndexFeeder(host, view, Errands(view, clock, chance.random), clock)
    host.on_followed = feeder.wake
    items = PartitionRequests(host, loads, feeder)
    members = ClusterMembers(store, view)
    expiries = ClusterExpiries(host, feeder, items.writes, clock, round_seconds=ttl_round_seconds)
    requests = NodeRequests(host, items, loads, members, feeder, expiries)
    links.own = requests.own
    if isinstance(clock, MovableClock):
        clock.on_moved = expiries.wake
    background = [
        loop.create_task(loads.run(host.partitions)),
        loop.create_task(tombstone_sweep.run(host.partitions, clock)),
        loop.create_task(FeedKeeper(host.partitions, clock).run()),
        loop.create_task(expiries.run()),
    ]
    server = FrameServer(hello, requests, tls=for_listening(tls))
    server.on_greeted = links.wake
    background += renewing(tls, links, server)
    catching_up = CatchingUp(host, view)
    ended = asyncio.Event()
    node = Node(host, feeder, server, links, requests, members, catching_up, background, ended)
    return node
