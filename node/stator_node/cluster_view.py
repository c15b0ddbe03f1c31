"""What a gateway knows of the cluster: tables, partitions, leaders, nodes. Learned from the pods.

In: the reports of all storage pods, asked for in turns (of which only news is sent, see
`replica_reports.py`), and what redirects teach. Out: the table of a name, the partition of a hash,
the nodes to ask. Nothing else is needed to serve: a gateway that starts while nobody steers finds
every table. Called by `cluster_router.py` and `supervisor.py`. Invariants: a view may be old, never
invented; the partitions themselves refuse what does not fit; nothing is said not to be there before
those that would know have been heard.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import orjson

from stator_core import partition_descriptor, partition_map
from stator_core.errors import ResourceNotFoundException, ServiceUnavailable
from stator_core.partition_descriptor import PartitionDescriptor, Role
from stator_core.partition_map import LeaderHint, LeaderHints, PartitionMap, PartitionReport
from stator_core.stream_shards import Shards
from stator_core.table import Table
from stator_core.table_description import IndexStatistics, TableStatistics
from stator_core.table_status import DELETED
from stator_node.doors import Clock
from stator_node.operation_codes import OperationCode
from stator_node.pending import wait
from stator_node.reports import HeardReplica, heard
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

    `report`: its last one, which says nothing of replicas that rest; `replicas` has them all.
    `pod`: the name of the machine that it says it runs on, which in a pod is the pod's. `members`:
    who the pods of the cluster are, as it had been told when it was heard first.
    """

    node_id: str
    zone: str
    address: Address
    pod: str = ""
    heard_at: float | None = None
    report: dict[str, Any] = field(default_factory=dict)
    replicas: dict[int, HeardReplica] = field(default_factory=dict)  # by partition
    book: list[Any] | None = None  # how much of its reports has been read
    members: dict[str, dict[str, Any]] = field(default_factory=dict)


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
        self._by_table: dict[int, dict[tuple[str, int], HeardReplica]] = {}
        self._changed: set[int] = set()  # identifiers of tables of which there is news
        self._believed: set[str] = set()  # the nodes that were heard a moment ago
        self._feeds: dict[int, dict[int, FeedView]] = {}
        self._described: dict[int, tuple[bool, Table]] = {}  # and whether a leader says so

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
        node = self.nodes.pop(node_id, None)
        if node is not None:
            for partition_id in tuple(node.replicas):
                self._drop(node, partition_id)
            self.links.disconnect(node_id)

    def members(self, without: Collection[str] = ()) -> dict[str, dict[str, Any]]:
        """Who the storage pods are, as each of them is told; `without` these node ids."""
        return {
            node.node_id: {
                "host": node.address.host,
                "port": node.address.port,
                "zone": node.zone,
                "pod": node.pod,
            }
            for node in self.nodes.values()
            if node.node_id not in without
        }

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

    def replicas_of(self, identifier: int) -> list[HeardReplica]:
        """What was heard of the replicas of a table or global index."""
        return list(self._by_table.get(identifier, {}).values())

    def is_deleted(self, identifier: int) -> bool:
        """Whether this was a table, of which only the stream can still be read."""
        return any(each.table.status == DELETED for each in self.replicas_of(identifier))

    def leader(self, partition: PartitionDescriptor) -> str | None:
        """The node that is said to lead."""
        hint = self.hints.leader_of(partition.partition_id)
        return None if hint is None else hint.node_id

    def nearest(self, partition: PartitionDescriptor) -> str | None:
        """A node of a voter that can be reached, in the own zone if there is one. None: no node."""
        found = None
        for member in partition.replicas:
            if member.role is Role.VOTER and self.links.is_up(member.node_id):
                node = self.nodes.get(member.node_id)
                if node is not None and node.zone == self._zone:
                    return member.node_id
                found = found or member.node_id
        return found

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
        for identifier in (table.identifier, *(each.identifier for each in table.global_indexes)):
            led = [each.said for each in self.replicas_of(identifier) if each.said["leads"]]
            counted[identifier] = (
                sum(said["item_count"] for said in led),
                sum(said["size_bytes"] for said in led),
            )
        indexes = {
            index.name: IndexStatistics(*counted[index.identifier])
            for index in table.global_indexes
        }
        return TableStatistics(*counted[table.identifier], indexes)

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
        book = node.book
        asked = b"" if book is None else orjson.dumps({"book": book})
        answer = await wait(
            self.links.request(node.node_id, 0, OperationCode.REPORT, 0, asked, REPORT_SECONDS_MAX)
        )
        # Two polls may be under way. What is news since a book that has been read on is not all.
        if answer.status is Status.RESULT and node.book == book:
            self._take(node, orjson.loads(answer.body))

    def _take(self, node: NodeView, report: dict[str, Any]) -> None:
        """What a node says, and of its replicas what is news."""
        node.heard_at = self._clock.monotonic()
        node.pod = report.get("pod", "")
        node.members = report.get("members", node.members)
        life_began = self._clock.now() - report.get("life", 0) / 1000
        here: set[int] = set(report["held"]) if "held" in report else set()
        for said in report["partitions"]:
            try:
                replica = heard(node.node_id, said, life_began)
            except (ValueError, KeyError, TypeError) as error:
                logger.error("node %s reports what cannot be read: %r", node.node_id, error)
                continue
            here.add(replica.descriptor.partition_id)
            self._keep(node, replica)
        if "held" in report or report.get("is_whole", True):
            for partition_id in node.replicas.keys() - here:
                self._drop(node, partition_id)
        node.report = report
        node.book = report.get("book")

    def _keep(self, node: NodeView, replica: HeardReplica) -> None:
        partition_id = replica.descriptor.partition_id
        known = node.replicas.get(partition_id)
        if known is not None and known.said == replica.said:
            return
        if known is not None:
            self._drop(node, partition_id)
        node.replicas[partition_id] = replica
        identifier = replica.descriptor.table_identifier
        of_table = self._by_table.setdefault(identifier, {})
        of_table[node.node_id, partition_id] = replica
        self._changed.add(identifier)

    def _drop(self, node: NodeView, partition_id: int) -> None:
        identifier = node.replicas.pop(partition_id).descriptor.table_identifier
        del self._by_table[identifier][node.node_id, partition_id]
        self._changed.add(identifier)

    def _combine(self) -> None:
        """Maps, leaders and tables out of what has changed in the reports."""
        fresh = {node.node_id for node in self.fresh()}
        for node_id in fresh ^ self._believed:
            if (node := self.nodes.get(node_id)) is not None:
                self._changed |= {
                    each.descriptor.table_identifier for each in node.replicas.values()
                }
        self._believed = fresh
        if not self._changed:
            return
        for identifier in self._changed:
            self._combine_table(identifier)
        self._changed.clear()
        self.feeds = {key: feed for feeds in self._feeds.values() for key, feed in feeds.items()}
        by_name: dict[str, tuple[bool, Table]] = {}
        for leads, described in self._described.values():
            known = by_name.get(described.name)
            if known is None or (leads, described.identifier) > (known[0], known[1].identifier):
                by_name[described.name] = leads, described
        self.tables = {name: described for name, (_, described) in by_name.items()}

    def _combine_table(self, identifier: int) -> None:
        """The same for one table, or one global index."""
        replicas = self.replicas_of(identifier)
        self.maps.pop(identifier, None)
        self._feeds.pop(identifier, None)
        self._described.pop(identifier, None)
        if not replicas:
            self._by_table.pop(identifier, None)
            return
        reports = [
            PartitionReport(each.node_id, each.descriptor, self._leads(each), each.said["term"])
            for each in replicas
        ]
        maps, hints = partition_map.from_reports(reports)
        self.maps.update(maps)
        for hint in hints.by_partition.values():
            self.hints = self.hints.updated(hint)
        # A partition of an index: its table's own know the table better.
        own = [each for each in replicas if each.table.identifier == identifier]
        feeds = self._feeds[identifier] = {}
        for each in own:
            feed = FeedView(each.said.get("applied", 0), each.descriptor, each.table, each.shards)
            other = feeds.get(each.descriptor.partition_id)
            if other is None or feed.applied > other.applied:
                feeds[each.descriptor.partition_id] = feed
        # The name of one that was deleted may be another's by now.
        named = [each for each in own if each.table.status != DELETED]
        if named:
            best = max(named, key=self._leads)
            self._described[identifier] = self._leads(best), best.table

    def _leads(self, replica: HeardReplica) -> bool:
        """Whether it says so, and is believed."""
        leads: bool = replica.said["leads"] and replica.node_id in self._believed
        return leads
