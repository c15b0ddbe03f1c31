"""What must hold of a simulated cluster when faults and clients have ended.

`why_not_calm` says what still keeps it from rest; `check` raises PromiseBroken: the history is
linearizable and no acknowledged write is lost, every key is in exactly one partition, the replicas
of a partition hold the same bytes, index entries are what follows from the items.
"""

from __future__ import annotations

from typing import Any

import orjson

from simulation import linearizability
from simulation.cluster_observer import owned_content, place
from simulation.cluster_world import ClusterWorld
from simulation.history import operations_of
from simulation.no_lost_write_checker import NoLostWriteChecker
from simulation.promise import PromiseBroken
from simulation.stream_checker import PartitionFeed, check_stream
from simulation.workloads import TABLES, Workload, item_of
from simulation.world import Node
from stator_core import change_format, item_format, key_format, keys
from stator_core.indexes import index_changes
from stator_core.partition_state import EXPIRIES
from stator_core.table import Table
from stator_node.hosted_partition import HostedPartition

VOTERS = 3
Replicas = dict[int, list[tuple[Node, HostedPartition]]]


def replicas_of(cluster: ClusterWorld) -> Replicas:
    """The running replicas by partition."""
    found: Replicas = {}
    for node, hosted in cluster.hosted():
        found.setdefault(hosted.partition_id, []).append((node, hosted))
    return found


def why_not_calm(cluster: ClusterWorld) -> str:
    """Empty when every partition has a leader, whole members, and nothing under way."""
    for node in cluster.machines:
        if not node.running or node.product is None:
            return f"{node.name} does not run"
    found = replicas_of(cluster)
    for partition_id in cluster.observer.descriptors:
        reason = _why_not_calm(found.get(partition_id, []))
        if reason:
            return f"partition {partition_id}: {reason}"
    return ""


def _why_not_calm(replicas: list[tuple[Node, HostedPartition]]) -> str:
    leaders = [hosted for _, hosted in replicas if hosted.may_write]
    if not leaders:
        return "no leader"
    leader = max(leaders, key=lambda hosted: hosted.raft.term)
    assert leader.state is not None
    descriptor = leader.state.descriptor
    if descriptor.joint is not None or descriptor.learners or len(descriptor.voters) < VOTERS:
        return f"its members change: {descriptor.replicas}"
    members = {replica.replica_id for replica in descriptor.replicas}
    running = {hosted.replica_id for _, hosted in replicas}
    if members != running:
        return f"members {sorted(members)}, but replicas {sorted(running)} run"
    for node, hosted in replicas:
        if hosted.rebuilding:
            return f"{node.name} waits for a state"
        if hosted.state is None or hosted.log.applied != leader.raft.last_index:
            applied = hosted.log.applied
            return f"{node.name} has applied {applied} of {leader.raft.last_index}"
    return _who_is_behind(leader)


def _who_is_behind(leader: HostedPartition) -> str:
    """Which follower of the feed has not had all of it."""
    assert leader.state is not None
    bounds = change_format.feed_bounds(leader.partition_id)
    last = leader.commit.store.cursor("changes", *bounds, reverse=True).take(1)
    newest = change_format.stamp_of(last[0][0]) if last else 0
    for follower in leader.state.followers:
        reads_feed = follower.name != EXPIRIES
        if (reads_feed and follower.delivered < newest) or follower.filled is not None:
            return f"{follower}, of changes up to {newest}"
    return ""


def may_lose(cluster: ClusterWorld, name: str) -> bool:
    """Whether every partition survives the loss of this machine's volume.

    Each of its partitions must be led elsewhere, and all its other voters must have a state: with
    three copies one may be lost, not two.
    """
    node = cluster.world.nodes[name]
    if cluster.gone or not node.running or node.product is None:
        return False
    running = {
        (hosted.partition_id, hosted.replica_id)
        for other, hosted in cluster.hosted()
        if other is not node and hosted.state is not None and not hosted.rebuilding
    }
    return all(
        (hosted.partition_id, voter) in running
        for other, hosted in cluster.hosted()
        if other is not node and hosted.state is not None
        for voter in hosted.configuration.voters | hosted.configuration.voters_outgoing
        if hosted.state.descriptor.replica(voter) is None
        or hosted.state.descriptor.replica(voter).node_id != cluster.identities[name]
    )


def check(cluster: ClusterWorld, workload: Workload, items: dict[str, Any]) -> None:
    """`items`: the stored item of every key, and "scan NAME": what a walk of the table found."""
    _check_history(workload, items)
    _check_scans(workload, items)
    found = replicas_of(cluster)
    _check_equal(found)
    _check_once(cluster, workload, items, found)
    _check_indexes(found)


def _check_history(workload: Workload, items: dict[str, Any]) -> None:
    final = []
    for number, key in enumerate(workload.keys):
        process, time = f"end-{number}", workload.world.stamp()
        final += [
            {
                "event": "invoke",
                "process": process,
                "operation": "read",
                "key": key.name,
                "argument": None,
                "time": time,
            },
            {
                "event": "return",
                "process": process,
                "outcome": "ok",
                "result": item_of(items[key.name]),
                "time": workload.world.stamp(),
            },
        ]
    verdict = linearizability.check(operations_of([*workload.events, *final]))
    if verdict.answer != "linearizable":
        raise PromiseBroken(verdict.explanation)
    checker = NoLostWriteChecker()
    for event in workload.events:
        checker.observe(event)
    there = {key.name: item_of(items[key.name]) for key in workload.keys}
    touched = {event["key"] for event in workload.events if event["event"] == "invoke"}
    checker.finish({name: item for name, item in there.items() if item or name in touched})


def _check_scans(workload: Workload, items: dict[str, Any]) -> None:
    """A walk over a table finds what the reads of its keys find."""
    for table in TABLES:
        scanned = {item["sk"]["S"]: item for item in items[f"scan {table.name}"]}
        read = {
            key.name: items[key.name]
            for key in workload.keys
            if key.table is table and items[key.name] is not None
        }
        if scanned != read or len(scanned) != len(items[f"scan {table.name}"]):
            raise PromiseBroken(f"table {table.name}: scanned {scanned}, read {read}")


def _check_equal(found: Replicas) -> None:
    """Byte for byte, in all that they own; and the same state and configuration."""
    for partition_id, replicas in found.items():
        first_node, first = replicas[0]
        assert first.state is not None
        expected = owned_content(first_node.disk, first.state)
        for node, hosted in replicas[1:]:
            if hosted.state != first.state or hosted.configuration != first.configuration:
                raise PromiseBroken(
                    f"partition {partition_id}: {first_node.name} is {first.state}, "
                    f"{first.configuration}; {node.name} is {hosted.state}, {hosted.configuration}"
                )
            content = owned_content(node.disk, hosted.state)
            if content != expected:
                differing = sorted(set(content) ^ set(expected))[:5]
                raise PromiseBroken(
                    f"partition {partition_id}: {first_node.name} and {node.name} differ by "
                    f"{differing}"
                )


def _check_once(
    cluster: ClusterWorld, workload: Workload, items: dict[str, Any], found: Replicas
) -> None:
    """Every item in one partition's range and on its replicas alone, and nothing else anywhere."""
    for table in TABLES:
        dumps = []
        for partition_id, replicas in found.items():
            for node, hosted in replicas:
                assert hosted.state is not None
                held = hosted.state.descriptor.range
                if hosted.state.descriptor.table_identifier == table.identifier:
                    content = owned_content(node.disk, hosted.state)
                    dumps.append(
                        {
                            "partition": partition_id,
                            "replica": hosted.replica_id,
                            "start": place(held.start),
                            "end": place(held.end),
                            "keys": [
                                _placed(key) for family, key, _ in content if family == "items"
                            ],
                        }
                    )
        present = [
            _placed(keys.item_key(table, key.attributes))
            for key in workload.keys
            if key.table is table and items[key.name] is not None
        ]
        cluster.observer.maps[table.identifier].finish(dumps, present)
    _check_nothing_else(cluster, found)


def _placed(key: bytes) -> str:
    return place(key_format.hash_of(key)) + key.hex()


def _check_nothing_else(cluster: ClusterWorld, found: Replicas) -> None:
    """A disk holds no item that none of its replicas owns."""
    for node in cluster.machines:
        owned = {
            (family, key)
            for replicas in found.values()
            for holder, hosted in replicas
            if holder is node and hosted.state is not None
            for family, key, _ in owned_content(node.disk, hosted.state)
        }
        families: tuple[Any, ...] = ("items", "indexes", "changes", "expiries")
        left = [
            (family, key)
            for family in families
            for key, _ in node.disk.content(family)
            if (family, key) not in owned
        ]
        if left:
            raise PromiseBroken(f"{node.name} holds what no replica of its own owns: {left[:3]}")


def found_leaders(found: Replicas) -> list[tuple[Node, HostedPartition]]:
    """One replica of each partition: they are equal by now."""
    return [
        (node, hosted)
        for replicas in found.values()
        for node, hosted in replicas
        if hosted.may_write and hosted.state is not None
    ]


def check_streams(cluster: ClusterWorld) -> int:
    """Of each table that has a stream, each change is in it once. Gives the number of records."""
    return sum(
        check_stream(*feeds_of(cluster, table), cluster.world.random)
        for table in cluster.tables
        if table.stream_view is not None
    )


def feeds_of(cluster: ClusterWorld, table: Table) -> tuple[list[PartitionFeed], dict[bytes, bytes]]:
    """The feeds of a table as they lie on disks, and the JSON of its items by their stored keys."""
    feeds: list[PartitionFeed] = []
    items: dict[bytes, bytes] = {}
    for node, hosted in found_leaders(replicas_of(cluster)):
        state = hosted.state
        assert state is not None
        if state.table.identifier != table.identifier or state.is_of_index:
            continue
        changes = []
        for family, key, value in owned_content(node.disk, state):
            if family == "changes":
                changes.append(change_format.decode(key, value))
            elif family == "items":
                items[key] = item_format.payload_of(key, value)
        changes.sort()
        feeds.append(PartitionFeed(hosted.partition_id, state.shards, changes))
    return feeds, items


def _check_indexes(found: Replicas) -> None:
    """The entries are those that follow from the items, no more and no fewer, content and all."""
    expected: dict[tuple[str, bytes], Any] = {}
    there: dict[tuple[str, bytes], Any] = {}
    for node, hosted in found_leaders(found):
        assert hosted.state is not None
        table, of_index = hosted.state.table, hosted.state.is_of_index
        for family, key, value in owned_content(node.disk, hosted.state):
            if family not in ("items", "indexes"):
                continue
            if family == "indexes" and (of_index or key_format.local_index_of(key) == 0):
                continue  # A tombstone, or the size of an item collection.
            payload = orjson.loads(item_format.payload_of(key, value))
            if family == "indexes" or of_index:
                there[family, key] = payload
                continue
            for change in index_changes(table, None, payload):
                assert change.put_key is not None
                of_family = "items" if change.index.is_global else "indexes"
                expected[of_family, change.put_key] = change.entry
    if expected != there:
        differing = {
            key: (expected.get(key), there.get(key))
            for key in expected.keys() | there.keys()
            if expected.get(key) != there.get(key)
        }
        raise PromiseBroken(f"index entries, as they should be and as they are: {differing}")
