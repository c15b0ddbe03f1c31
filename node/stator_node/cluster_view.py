"""What a gateway knows of the cluster: tables, partitions, leaders, nodes. Learned from the pods.

In: the reports of all storage pods, asked for in turns, and what redirects teach. Out: the table of
a name, the partition of a hash, the nodes to ask. Nothing else is needed to serve: a gateway that
starts while nobody steers finds every table. Called by `cluster_router.py` and `supervisor.py`.
Invariants: a view may be old, never invented; the partitions themselves refuse what does not fit;
nothing is said not to be there before those that would know have been heard.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from stator_core import partition_descriptor, partition_map, stream_shards, table
from stator_core.errors import ResourceNotFoundException, ServiceUnavailable
from stator_core.partition_descriptor import PartitionDescriptor
from stator_core.partition_map import LeaderHint, LeaderHints, PartitionMap, PartitionReport
from stator_core.stream_shards import Shards
from stator_core.table import Table
from stator_core.table_description import IndexStatistics, TableStatistics
from stator_core.table_status import DELETED
from stator_node.doors import Clock
from stator_node.operation_codes import OperationCode
from stator_node.pending import wait
from stator_node.transport.frame_format import Hello, Status
from stator_node.transport.links import Address, Links

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25
REPORT_SECONDS_MAX = 1.0
REPORT_AGE_SECONDS_MAX = 5.0  # an older report says nothing of who leads
# Before it serves, a gateway waits for the pods that it has found, but not for one that is silent.
FIRST_NEWS_SECONDS = 3.0
LOOK_SECONDS = 0.05
NOT_INFORMED = "The storage pods that may know of it have not been heard yet: try again."


@dataclass(frozen=True, slots=True)
class FeedView:
    """The shards of one partition, as the replica that has applied most of its log has them."""

    applied: int
    descriptor: PartitionDescriptor
    table: Table
    shards: Shards


@dataclass(slots=True)
class NodeView:
    """One storage pod as it was last heard. `heard_at` is monotonic, None: never.

    `pod`: the name of the machine that it says it runs on, which in a pod is the pod's.
    """

    node_id: str
    zone: str
    address: Address
    pod: str = ""
    heard_at: float | None = None
    report: dict[str, Any] = field(default_factory=dict)


class ClusterView:
    """The newest news of everything."""

    def __init__(self, links: Links, clock: Clock, zone: str) -> None:
        """`zone` is the gateway's own: eventual reads go there first."""
        self.links = links
        self.nodes: dict[str, NodeView] = {}
        self.tables: dict[str, Table] = {}
        self.maps: dict[int, PartitionMap] = {}
        self.hints = LeaderHints()
        self.feeds: dict[int, FeedView] = {}  # by partition
        self._clock = clock
        self._zone = zone

    def join(self, node_id: str, zone: str, address: Address) -> None:
        """There is a storage pod at this address."""
        known = self.nodes.get(node_id)
        if known is None:
            self.nodes[node_id] = NodeView(node_id, zone, address)
        else:
            known.address = address
        self.links.connect(node_id, address)

    def met(self, found: Hello, address: Address) -> None:
        """Somebody answers at this address: a storage pod, or another process of the cluster."""
        if found.role == "node":
            self.join(found.sender_id, found.zone, address)

    def leave(self, node_id: str) -> None:
        """The pod is gone for good."""
        if self.nodes.pop(node_id, None) is not None:
            self.links.disconnect(node_id)

    def serving(self, name: str) -> Table:
        """The table that item operations of this name or ARN reach.

        Raises ResourceNotFoundException, ServiceUnavailable.
        """
        found = self.tables.get(name)
        if found is None and name.startswith("arn:"):
            found = self.tables.get(name.rpartition("/")[2])
            if found is not None and found.arn != name:
                found = None
        if found is None:
            self.check_informed()
        if found is None or found.status not in ("ACTIVE", "UPDATING"):
            raise ResourceNotFoundException("Requested resource not found")
        return found

    def partition_of(self, identifier: int, place: int) -> PartitionDescriptor | None:
        """The partition that holds this hash of a table or global index, as far as is known."""
        known = self.maps.get(identifier)
        return None if known is None else known.partition_of(place)

    def partitions_of(self, identifier: int, start: int, end: int) -> list[PartitionDescriptor]:
        """The partitions that hold the hashes [start, end), in order."""
        known = self.maps.get(identifier)
        return [] if known is None else list(known.partitions_of(start, end))

    def leader(self, partition: PartitionDescriptor) -> str | None:
        """The node that is said to lead."""
        hint = self.hints.leader_of(partition.partition_id)
        return None if hint is None else hint.node_id

    def nearest_first(self, partition: PartitionDescriptor) -> list[str]:
        """The nodes of a partition's voters: reachable ones, those in the own zone first."""

        def distance(node_id: str) -> tuple[bool, bool]:
            node = self.nodes.get(node_id)
            return not self.links.is_up(node_id), node is None or node.zone != self._zone

        return sorted((member.node_id for member in partition.voters), key=distance)

    def learn(self, redirect: bytes) -> None:
        """A replica has said who leads and what its partition is by now."""
        try:
            members = orjson.loads(redirect)
            descriptor = partition_descriptor.from_json(members["descriptor"])
            leader, term = members["leader"], members["term"]
        except (ValueError, KeyError, TypeError) as error:
            logger.error("a redirect that cannot be read: %r", error)
            return
        identifier = descriptor.table_identifier
        known = self.maps.get(identifier) or PartitionMap(identifier)
        self.maps[identifier] = known.updated(descriptor)
        if leader is not None:
            hint = LeaderHint(descriptor.partition_id, leader, term)
            self.hints = self.hints.updated(hint)

    def forget_leader(self, partition_id: int, node_id: str) -> None:
        """This node was said to lead, and cannot be asked."""
        hint = self.hints.leader_of(partition_id)
        if hint is not None and hint.node_id == node_id:
            self.hints = self.hints.without(hint)

    def statistics(self, table: Table) -> TableStatistics:
        """What the leaders of the table's partitions have counted."""
        counted: dict[int, tuple[int, int]] = {}
        for node in self.nodes.values():
            for replica in node.report.get("partitions", ()):
                if replica["leads"]:
                    identifier = replica["descriptor"]["table_identifier"]
                    items, size = counted.get(identifier, (0, 0))
                    counted[identifier] = (
                        items + replica["item_count"],
                        size + replica["size_bytes"],
                    )
        indexes = {
            index.name: IndexStatistics(*counted.get(index.identifier, (0, 0)))
            for index in table.global_indexes
        }
        return TableStatistics(*counted.get(table.identifier, (0, 0)), indexes)

    def all_tables(self) -> dict[str, Table]:
        """The tables by name, where none can be missing. Raises ServiceUnavailable."""
        self.check_informed()
        return self.tables

    def check_informed(self) -> None:
        """Raise ServiceUnavailable while there may be a partition that nobody has told of.

        Each partition has a replica in every zone, so one zone whose pods were all heard will do.
        """
        unheard = {node.zone for node in self.nodes.values() if node.heard_at is None}
        if all(node.zone in unheard for node in self.nodes.values()):
            raise ServiceUnavailable(NOT_INFORMED)

    async def first_news(self, waits: Callable[[], bool]) -> None:
        """Poll until the pods that were found have been heard, or nearly all, or while `waits`."""
        heard_since: float | None = None
        while waits():
            await self.poll()
            now = self._clock.monotonic()
            if self.fresh():
                heard_since = now if heard_since is None else heard_since
                late = now - heard_since > FIRST_NEWS_SECONDS
                if late or len(self.fresh()) == len(self.nodes):
                    return
            await asyncio.sleep(LOOK_SECONDS)

    async def run(self) -> None:
        """Ask every pod for its report, again and again."""
        while True:
            await self.poll()
            await asyncio.sleep(POLL_SECONDS)

    async def poll(self) -> None:
        """Ask every pod once, and put together what they say."""
        await asyncio.gather(*(self._ask(node) for node in tuple(self.nodes.values())))
        self._combine()

    def fresh(self) -> list[NodeView]:
        """The pods that were heard a moment ago."""
        now = self._clock.monotonic()
        return [
            node
            for node in self.nodes.values()
            if node.heard_at is not None and now - node.heard_at <= REPORT_AGE_SECONDS_MAX
        ]

    async def _ask(self, node: NodeView) -> None:
        answer = await wait(
            self.links.request(node.node_id, 0, OperationCode.REPORT, 0, b"", REPORT_SECONDS_MAX)
        )
        if answer.status is Status.RESULT:
            node.report = orjson.loads(answer.body)
            node.pod = node.report.get("pod", "")
            node.heard_at = self._clock.monotonic()

    def _combine(self) -> None:
        """Maps, leaders and tables out of all reports."""
        reports: list[PartitionReport] = []
        tables: dict[str, tuple[bool, Table]] = {}
        feeds: dict[int, FeedView] = {}
        fresh = {node.node_id for node in self.fresh()}
        for node in self.nodes.values():
            for replica in node.report.get("partitions", ()):
                try:
                    descriptor = partition_descriptor.from_json(replica["descriptor"])
                    described = table.from_json(replica["table"])
                except (ValueError, KeyError, TypeError) as error:
                    logger.error("node %s reports what cannot be read: %r", node.node_id, error)
                    continue
                leads = replica["leads"] and node.node_id in fresh
                reports.append(PartitionReport(node.node_id, descriptor, leads, replica["term"]))
                if descriptor.table_identifier != described.identifier:
                    continue  # A partition of an index: its table's own know the table better.
                feed = FeedView(
                    replica.get("applied", 0),
                    descriptor,
                    described,
                    stream_shards.from_json(replica.get("shards", ())),
                )
                other = feeds.get(descriptor.partition_id)
                if other is None or feed.applied > other.applied:
                    feeds[descriptor.partition_id] = feed
                if described.status == DELETED:
                    continue  # Its name may be another's by now.
                known = tables.get(described.name)
                if known is None or (leads, described.identifier) > (known[0], known[1].identifier):
                    tables[described.name] = leads, described
        self.tables = {name: described for name, (_, described) in tables.items()}
        self.feeds = feeds
        self.maps, hints = partition_map.from_reports(reports)
        for hint in hints.by_partition.values():
            self.hints = self.hints.updated(hint)
