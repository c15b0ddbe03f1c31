"""Partitions as objects, for people: what to write so that the objects say what there is. Pure.

In: the supervisor's lines about partitions (GET /v1/partitions), the pods, and the objects as they
were written last. Out: actions, a bounded number at a time, the ones that people wait for first.
Called by `partition_publishing.py`. Invariants: an object is written when a leader, a replica, a
range or what is lacking has changed; figures alone have it written when they have moved by a tenth;
a lag counts when it is long, and then by its order of magnitude.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from stator_core.table_status import DELETED_MARK
from stator_operator import naming
from stator_operator.conditions import Condition, merged
from stator_operator.custom_resource import API_VERSION
from stator_operator.figures import shown_figures

Object = dict[str, Any]

WRITES_MAX: Final = 20  # in one round
LAG_MIN: Final = 1_000  # a replica that is closer to its leader keeps up
_SAMPLED: Final = ("operationsPerSecond", "sampledAt")  # of the moment in which the rest changed


@dataclass(frozen=True, slots=True)
class PoolView:
    """The pool that the partitions lie in. `pods`: names of pods by their node's id."""

    name: str
    namespace: str
    uid: str
    pods: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WritePartition:
    """Have the object be there, and its status be this. `is_new`: it has to be made."""

    body: Object
    status: Object
    is_new: bool


@dataclass(frozen=True, slots=True)
class RemovePartition:
    """The partition is no more."""

    name: str
    uid: str


Action = WritePartition | RemovePartition


def plan(
    pool: PoolView, lines: list[Object], present: Mapping[str, Object], now: str
) -> list[Action]:
    """What to write now. `present`: objects by name; `now`: a time in RFC 3339."""
    made: list[Action] = []
    changed: list[Action] = []
    names = set()
    for line in lines:
        body = partition_body(pool, line)
        name = body["metadata"]["name"]
        names.add(name)
        found = present.get(name)
        before = {} if found is None else found.get("status", {})
        generation = 1 if found is None else found["metadata"].get("generation", 1)
        status = partition_status(pool, line, before, generation, now)
        if found is None:
            made.append(WritePartition(body, status, is_new=True))
        elif status != before:
            changed.append(WritePartition(body, status, is_new=False))
    gone: list[Action] = [
        RemovePartition(name, found["metadata"]["uid"])
        for name, found in present.items()
        if name not in names
    ]
    return [*gone, *made, *changed][:WRITES_MAX]


def is_behind(actions: list[Action]) -> bool:
    """Whether a round was too short for the objects that are to be made, or to go."""
    last = actions[-1] if len(actions) == WRITES_MAX else None
    return isinstance(last, RemovePartition) or (last is not None and last.is_new)


def partition_body(pool: PoolView, line: Object) -> Object:
    """The object of a partition, without its status. Its pool takes it along."""
    table, _, index = line["table"].removesuffix(DELETED_MARK).partition("/")
    spec: Object = {
        "pool": pool.name,
        "partitionId": line["partition_id"],
        "tableName": table,
    }
    if index:
        spec["indexName"] = index
    return {
        "apiVersion": API_VERSION,
        "kind": "Partition",
        "metadata": {
            "name": naming.partition_object_name(pool.name, line["partition_id"]),
            "namespace": pool.namespace,
            "labels": {
                naming.NAME_LABEL: "stator",
                naming.POOL_LABEL: pool.name,
                naming.MANAGED_BY_LABEL: "stator-operator",
            },
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": "StoragePool",
                    "name": pool.name,
                    "uid": pool.uid,
                }
            ],
        },
        "spec": spec,
    }


def partition_status(
    pool: PoolView, line: Object, before: Object, generation: int, now: str
) -> Object:
    """The status. It is `before` to the letter where nothing that matters has changed."""
    start, end = (int(place, 16) for place in line["range"])
    status: Object = {
        "range": {"start": f"{start:016x}", "end": f"{end - 1:016x}"},
        "rangeEpoch": line["range_epoch"],
        "membersEpoch": line["members_epoch"],
        "replicas": [_replica(pool, line, each) for each in line["replicas"]],
        "conditions": merged(_conditions(line), before.get("conditions", []), generation, now),
    }
    if line["leader"] is not None:
        status["leader"] = pool.pods.get(line["leader"], line["leader"])
    found = {"sizeBytes": line["size_bytes"], "itemCount": line["items"]}
    status |= shown_figures(found, before)
    if {name: value for name, value in before.items() if name not in _SAMPLED} == status:
        return before
    sample = (round(line["operations_per_second"]), now)
    return status | dict(zip(_SAMPLED, sample, strict=True))


def _replica(pool: PoolView, line: Object, replica: Object) -> Object:
    node_id = replica["node_id"]
    role = "Learner" if replica["role"] == "LEARNER" else "Follower"
    shown: Object = {"nodeId": node_id, "role": "Leader" if node_id == line["leader"] else role}
    if node_id in pool.pods:
        shown["pod"] = pool.pods[node_id]
    if replica["zone"] is not None:
        shown["zone"] = replica["zone"]
    if replica["lag"] is not None and replica["lag"] >= LAG_MIN:
        shown["lag"] = 10 ** (len(str(replica["lag"])) - 1)
    return shown


def _conditions(line: Object) -> tuple[Condition, ...]:
    if line["leader"] is None:
        led = Condition("Ready", False, "NoLeader", "no replica leads")
    else:
        led = Condition("Ready", True, "Led")
    if line["lacking"]:
        text = "a replica is away, behind, or not there yet"
        return led, Condition("FullyReplicated", False, "ReplicasLacking", text)
    return led, Condition("FullyReplicated", True, "AllReplicas")
