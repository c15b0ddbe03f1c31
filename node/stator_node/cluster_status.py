"""What `stator cluster status` says: nodes and partitions, out of the pods' own reports.

In: the view of the cluster (`cluster_view.py`) and the states that the supervisor gives its nodes.
Out: JSON. Called by `supervisor_requests.py`. Invariant: what a silent pod said last is not passed
off as news: its replicas have no lag, and it leads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stator_core import key_format, partition_descriptor
from stator_core.clock import milliseconds_of
from stator_core.partition_descriptor import HashRange, PartitionDescriptor, Role
from stator_core.partition_state import index_follower
from stator_core.placement_types import NodeState
from stator_core.table_status import DELETED, DELETED_MARK
from stator_node.cluster_view import ClusterView, NodeView

Report = dict[str, Any]


def nodes_of(view: ClusterView, states: dict[str, NodeState], now: float) -> list[Report]:
    """A line for each node, by zone. `now` is monotonic."""
    fresh = {node.node_id for node in view.fresh()}
    lines = []
    for node in sorted(view.nodes.values(), key=lambda each: (each.zone, each.node_id)):
        replicas = [each.said for each in node.replicas.values()]
        silent = None if node.heard_at is None else round(now - node.heard_at, 1)
        leads = [each for each in replicas if each["leads"] and node.node_id in fresh]
        lines.append(
            {
                "node_id": node.node_id,
                "zone": node.zone,
                "pod": node.pod,
                "address": f"{node.address.host}:{node.address.port}",
                "state": states[node.node_id].name,
                "silent_seconds": silent,
                "leads": len(leads),
                "replicas": len(replicas),
                "rebuilding": len(node.report.get("rebuilding", ())),
                "size_bytes": sum(each["size_bytes"] for each in replicas),
                "free_bytes": node.report.get("free_bytes", 0),
            }
        )
    return lines


def partitions_of(view: ClusterView, now: float, table: str | None = None) -> list[Report]:
    """A line for each partition, by table and range. `now`: epoch seconds.

    `table`: only those of this table and of its global indexes.
    """
    fresh = {node.node_id for node in view.fresh()}
    reports: dict[int, list[tuple[NodeView, Report]]] = {}
    for node in view.nodes.values():
        for partition_id, replica in node.replicas.items():
            if table in (None, _name(replica.said).partition("/")[0]):
                reports.setdefault(partition_id, []).append((node, replica.said))
    lines = [_partition(of_partition, view, fresh, now) for of_partition in reports.values()]
    return sorted(lines, key=lambda line: (line["table"], line["range"]))


def _name(replica: Report) -> str:
    """The table or global index; of a deleted one, whose stream is still read, that it is."""
    name: str = replica["descriptor"]["table_name"]
    return name + DELETED_MARK if replica["table"]["status"] == DELETED else name


def _partition(
    reports: list[tuple[NodeView, Report]], view: ClusterView, fresh: set[str], now: float
) -> Report:
    leading = [
        (replica["term"], node.node_id, replica)
        for node, replica in reports
        if replica["leads"] and node.node_id in fresh
    ]
    _, leader, led = max(leading, key=lambda each: each[0], default=(0, None, None))
    if led is not None:
        descriptor = partition_descriptor.from_json(led["descriptor"])
    else:
        descriptor = max(
            (partition_descriptor.from_json(replica["descriptor"]) for _, replica in reports),
            key=lambda each: each.seniority,
        )
    newest = led or max((replica for _, replica in reports), key=lambda each: int(each["applied"]))
    by_node = {node.node_id: replica for node, replica in reports if node.node_id in fresh}
    return {
        "partition_id": descriptor.partition_id,
        "table": _name(newest),
        "range": [f"{descriptor.range.start:017x}", f"{descriptor.range.end:017x}"],
        "range_epoch": descriptor.range_epoch,
        "members_epoch": descriptor.members_epoch,
        "leader": leader,
        "term": newest["term"],
        "items": newest["item_count"],
        "size_bytes": newest["size_bytes"],
        "operations_per_second": round(newest["operations_per_second"], 1),
        "indexes": _indexes(led),
        "stream": _stream(newest, led, by_node.values(), now),
        "time_to_live": None if led is None else led.get("time_to_live"),
        "replicas": _members(descriptor, led, by_node, view),
    }


def _stream(newest: Report, led: Report | None, heard: Iterable[Report], now: float) -> Report:
    """The shards of a partition, the age of the oldest record in them, and that of iterators.

    None: there is no record; nobody has read any.
    """
    oldest = None if led is None else led["oldest_change"]
    return {
        "shards": len(newest["shards"]),
        "open_shards": sum(shard["end"] is None for shard in newest["shards"]),
        "oldest_record_seconds": None if oldest is None else round(_age(oldest, now) / 1000, 1),
        "iterator_age_milliseconds": _iterator_age(heard, now) if newest["shards"] else None,
    }


def _iterator_age(heard: Iterable[Report], now: float) -> int | None:
    """The age of the oldest record behind the furthest reader (AWS: IteratorAgeMilliseconds).

    0: all is read. None: nobody has read the partition's stream.
    """
    read = [each for replica in heard if (each := replica.get("read")) is not None]
    if not read:
        return None
    furthest = max(read, key=lambda each: (each["label"], each["until"]))
    return 0 if furthest["oldest_unread"] is None else _age(furthest["oldest_unread"], now)


def _age(stamp: int, now: float) -> int:
    """How long ago that was (milliseconds)."""
    return max(0, int(now * 1000) - milliseconds_of(stamp))


def _indexes(led: Report | None) -> dict[str, Report]:
    """How far each global index is behind the changes of a partition, and how far it is filled."""
    if led is None:
        return {}
    followers = {each["name"]: each["filled"] for each in led["followers"]}
    range_ = partition_descriptor.from_json(led["descriptor"]).range
    return {
        index["name"]: {
            "lag_seconds": round(lag["seconds"], 3),
            "lag_records": lag["records"],
            "filled": _filled(followers.get(index_follower(index["identifier"])), range_),
        }
        for index in led["table"]["global_indexes"]
        if (lag := led["index_lags"].get(index["name"])) is not None
    }


def _filled(position: str | None, range_: HashRange) -> float:
    """The part of a partition's hashes whose items an index has; 1.0: of all of them."""
    if position is None:
        return 1.0
    place = key_format.hash_of(bytes.fromhex(position))
    return round((place - range_.start) / (range_.end - range_.start), 3)


def _members(
    descriptor: PartitionDescriptor,
    led: Report | None,
    by_node: dict[str, Report],
    view: ClusterView,
) -> list[Report]:
    members = []
    for member in descriptor.replicas:
        node = view.nodes.get(member.node_id)
        replica = by_node.get(member.node_id)
        if replica is not None and replica["replica_id"] != member.replica_id:
            replica = None  # One that was removed, and another in its place.
        lag = None
        if led is not None and replica is not None:
            lag = max(0, led["last"] - replica["applied"])
        members.append(
            {
                "replica_id": member.replica_id,
                "node_id": member.node_id,
                "zone": None if node is None else node.zone,
                "role": "LEARNER" if member.role is Role.LEARNER else "VOTER",
                "lag": lag,
            }
        )
    return members
