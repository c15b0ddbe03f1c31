"""Waits until the replicas that a pod found on its volume have what their leaders have.

In: the replicas of the pod, and the reports of the nodes that hold their peers, asked for again and
again. Out: it returns, and `node_process.py` has the pod say that it serves (`health.py`). What is
waited for is `stator_core.catch_up`'s affair. Invariant: nothing that pods need of each other waits
for this: replicas vote, follow, lead and are read meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from stator_core import partition_descriptor
from stator_core.catch_up import CatchUp, HeldReplica, LeaderSaid
from stator_node.cluster_view import REPORT_SECONDS_MAX, ClusterView
from stator_node.hosted_partition import HostedPartition
from stator_node.operation_codes import OperationCode
from stator_node.partition_host import PartitionHost
from stator_node.pending import wait
from stator_node.transport.frame_format import Status

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25


class CatchingUp:
    """The first moments of one pod."""

    def __init__(self, host: PartitionHost, view: ClusterView) -> None:
        """`view`: the nodes that the pod knows."""
        self._host = host
        self._view = view

    async def run(self) -> None:
        """Until no replica holds the pod up any more."""
        clock = self._host.clock
        begun_at = clock.monotonic()
        catch_up = CatchUp(begun_at)
        said: tuple[LeaderSaid, ...] = ()
        begun_with = waited_for = catch_up.look(begun_at, self._held(), said)
        while waited_for:
            await asyncio.sleep(LOOK_SECONDS)
            said = tuple(await self._ask(waited_for))
            waited_for = catch_up.look(clock.monotonic(), self._held(), said)
        if begun_with:
            seconds = clock.monotonic() - begun_at
            logger.info("%d replicas had caught up after %.1f s", len(begun_with), seconds)

    def _held(self) -> list[HeldReplica]:
        return [_held_replica(hosted) for hosted in tuple(self._host.partitions.values())]

    async def _ask(self, waited_for: Iterable[HeldReplica]) -> Iterator[LeaderSaid]:
        """What the nodes of the peers of these replicas say that they lead."""
        nodes = {node_id for replica in waited_for for node_id in self._peers_of(replica)}
        reports = await asyncio.gather(*(self._report_of(node_id) for node_id in sorted(nodes)))
        return (said for report in reports for said in leaders_of(report))

    def _peers_of(self, replica: HeldReplica) -> set[str]:
        """The nodes that may lead it; without a state it knows no peers, so any."""
        hosted = self._host.partitions.get(replica.partition_id)
        if hosted is None or hosted.state is None:
            known = set(self._view.nodes)
        else:
            known = {member.node_id for member in hosted.state.descriptor.replicas}
        return known - {self._host.node_id}

    async def _report_of(self, node_id: str) -> dict[str, Any]:
        """A node's report; of one that does not answer an empty one."""
        pending = self._host.links.request(
            node_id, 0, OperationCode.REPORT, 0, b"", REPORT_SECONDS_MAX
        )
        answer = await wait(pending)
        report: dict[str, Any] = {}
        if answer.status is Status.RESULT:
            report = orjson.loads(answer.body)
        return report


def leaders_of(report: dict[str, Any]) -> Iterator[LeaderSaid]:
    """What a node says of the partitions that it leads."""
    for replica in report.get("partitions", ()):
        try:
            if replica["leads"]:
                descriptor = partition_descriptor.from_json(replica["descriptor"])
                members = frozenset(each.replica_id for each in descriptor.replicas)
                partition_id = descriptor.partition_id
                yield LeaderSaid(partition_id, replica["term"], replica["last"], members)
        except (ValueError, KeyError, TypeError) as error:
            logger.error("node %s reports what cannot be read: %r", report.get("node_id"), error)


def _held_replica(hosted: HostedPartition) -> HeldReplica:
    is_whole = hosted.state is not None and not hosted.rebuilding and not hosted.stopped
    return HeldReplica(
        hosted.partition_id,
        hosted.replica_id,
        is_whole,
        hosted.may_propose,
        hosted.raft.term,
        hosted.log.applied,
    )
