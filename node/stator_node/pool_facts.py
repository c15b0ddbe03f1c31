"""What the operator must know of a pool before it takes a pod away: is every partition whole?

In: the lines of `cluster_status.py` about nodes and partitions, and the tables on record. Out: JSON
for `operator_requests.py`. Invariant: what is not known counts as lacking, so that a supervisor
that has just started lets nobody take a pod down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stator_core.key_format import HASH_SPACE
from stator_core.placement_types import Configuration, NodeState
from stator_core.placement_view import majority

Line = dict[str, Any]

REPLICATION = 3  # DynamoDB's: one replica in each of three zones
LAG_ENTRIES_MAX = Configuration().caught_up_entries
SERVING_STATES = frozenset({"ALIVE", "DRAINING"})


def is_lacking(partition: Line, states: dict[str, str]) -> bool:
    """Whether a partition is without a leader, or without three voters that serve and keep up.

    `states`: of each node, its `placement_types.NodeState` by name.
    """
    if partition["leader"] is None:
        return True
    voters = [each for each in partition["replicas"] if each["role"] == "VOTER"]
    return len(voters) < REPLICATION or not all(_is_good(each, states) for each in voters)


def _is_good(replica: Line, states: dict[str, str]) -> bool:
    """Whether a voter serves and keeps up."""
    serves = states.get(replica["node_id"]) in SERVING_STATES
    return serves and replica["lag"] is not None and replica["lag"] <= LAG_ENTRIES_MAX


def is_needed(node_id: str, partition: Line, states: dict[str, str]) -> bool:
    """Whether, without this node, a partition would have no majority of good copies."""
    voters = [each for each in partition["replicas"] if each["role"] == "VOTER"]
    others = [each for each in voters if each["node_id"] != node_id and _is_good(each, states)]
    return len(others) < majority(len(voters))


def pool_facts(
    cluster_id: str,
    nodes: list[Line],
    partitions: list[Line],
    tables: Iterable[str],
    reasons: list[str],
) -> Line:
    """The whole of GET /v1/pool.

    `nodes`: those that are known; partitions may name others, which are added as REMOVED. Of each
    node: `named`, how many partitions it is a member of; `needed`, how many of them would have no
    majority of good copies without it.
    `tables`: the names of all tables and global indexes that are to be whole. Hashes of one that no
    partition is seen to hold count as a partition without a leader.
    """
    states = {node["node_id"]: node["state"] for node in nodes}
    members = {each["node_id"] for line in partitions for each in line["replicas"]}
    unmet = [_unmet(node_id) for node_id in sorted(members - states.keys())]
    leaderless = sum(line["leader"] is None for line in partitions)
    lacking = sum(is_lacking(line, states) for line in partitions)
    unseen = len(_uncovered(partitions, tables))
    return {
        "cluster_id": cluster_id,
        "nodes": [_counted(each, partitions, states) for each in (*nodes, *unmet)],
        "partitions": {
            "total": len(partitions) + unseen,
            "leaderless": leaderless + unseen,
            "lacking": lacking + unseen,
        },
        "reasons": reasons,
    }


def _counted(node: Line, partitions: list[Line], states: dict[str, str]) -> Line:
    node_id = node["node_id"]
    naming = [line for line in partitions if any(e["node_id"] == node_id for e in line["replicas"])]
    needed = sum(is_needed(node_id, line, states) for line in naming)
    return node | {"named": len(naming), "needed": needed}


def _unmet(node_id: str) -> Line:
    """A node that partitions name and nobody has met."""
    return {
        "node_id": node_id,
        "zone": "",
        "pod": "",
        "state": NodeState.REMOVED.name,
        "draining": False,
        "given_up": False,
        "replicas": 0,
        "size_bytes": 0,
        "free_bytes": 0,
    }


def _uncovered(partitions: list[Line], tables: Iterable[str]) -> list[str]:
    """The tables that have hashes which no partition is seen to hold."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    for line in partitions:
        start, end = line["range"]
        ranges.setdefault(line["table"], []).append((int(start, 16), int(end, 16)))
    return [name for name in tables if _covered(ranges.get(name, [])) < HASH_SPACE]


def _covered(ranges: list[tuple[int, int]]) -> int:
    """Up to which hash these ranges follow each other without a gap."""
    place = 0
    for start, end in sorted(ranges):
        if start > place:
            break
        place = max(place, end)
    return place
