"""What a StoragePool's status says: numbers, zones, and conditions that say what to change.

In: what `pool_plan.py` was given and what it decided. Out: the status. Invariant: the same world
gives the same status, so that nothing is written while nothing changes.
"""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.conditions import Condition, merged
from stator_operator.pool_actions import (
    ASKED_FOR,
    PASSING,
    DeleteClaim,
    GrowClaim,
    MarkClaim,
    OrphanSet,
    Plan,
    RestartPod,
    Waiting,
)
from stator_operator.pool_observation import Departure, ObservedPool
from stator_operator.storage_pool import Pool

Object = dict[str, Any]


def pool_status(pool: Pool, observed: ObservedPool, plan: Plan, before: Object, now: str) -> Object:
    """The status. `before` is the present one, `now` a time in RFC 3339."""
    conditions = (
        _accepted(plan),
        _progressing(pool, observed, plan),
        _replicated(observed),
        _ready(pool, observed),
        _suspended(pool, observed),
    )
    zones = [_zone(pool, observed, zone) for zone in pool.zones]
    selector = naming.selector(pool.name, naming.STORAGE)
    status: Object = {
        "observedGeneration": pool.generation,
        "clusterId": pool.cluster_id,
        "podsPerZone": min(zone["pods"] for zone in zones),
        "selector": ",".join(f"{name}={value}" for name, value in sorted(selector.items())),
        "pods": len(observed.pods),
        "readyPods": sum(each["readyPods"] for each in zones),
        "zones": zones,
        "conditions": merged(conditions, before.get("conditions", []), pool.generation, now),
    }
    if observed.pods and all(each.is_updated for each in observed.pods):
        status["image"] = pool.image
    elif "image" in before:
        status["image"] = before["image"]
    return status


def _zone(pool: Pool, observed: ObservedPool, zone: str) -> Object:
    pods = [each for each in observed.pods if each.zone == zone]
    return {
        "name": zone,
        "statefulSet": naming.stateful_set_name(pool.name, zone),
        "pods": len(pods),
        "readyPods": sum(each.is_ready and not each.is_ending for each in pods),
        "updatedPods": sum(each.is_updated for each in pods),
    }


def _accepted(plan: Plan) -> Condition:
    """Whether what is wanted can be."""
    refused = [each for each in plan.waiting if each.reason not in PASSING | ASKED_FOR]
    if not refused:
        return Condition("Accepted", True, "Accepted")
    return Condition("Accepted", False, refused[0].reason, _text(refused))


def _progressing(pool: Pool, observed: ObservedPool, plan: Plan) -> Condition:
    """Whether something is being changed."""
    emptied = {each.name for each in observed.claims if each.departure is Departure.EMPTY}
    doing = _doing(pool, plan, emptied)
    if doing is not None:
        return Condition("Progressing", True, *doing)
    waits = [each for each in plan.waiting if each.reason in PASSING]
    if waits:
        return Condition("Progressing", True, waits[0].reason, _text(waits))
    wanted = 0 if pool.is_suspended else len(pool.zones) * pool.pods_per_zone
    if pool.is_suspended and observed.pods:
        return Condition("Progressing", True, "PodsEnd", "not all pods have ended yet")
    if len(observed.pods) < wanted:
        return Condition("Progressing", True, "PodsStart", "not all pods are there yet")
    asked = [each for each in plan.waiting if each.reason in ASKED_FOR]
    if asked:
        return Condition("Progressing", False, asked[0].reason, _text(asked))
    return Condition("Progressing", False, "AsWanted")


def _doing(pool: Pool, plan: Plan, emptied: set[str]) -> tuple[str, str] | None:
    """What is done at this moment, the most telling of it. `emptied`: claims that hold nothing."""
    for action in plan.actions:
        match action:
            case DeleteClaim(name):
                return ("PodsLeave" if name in emptied else "VolumeReplaced"), f"claim {name}"
            case GrowClaim() | OrphanSet():
                return "VolumesGrow", f"to {pool.volume_size} each"
            case RestartPod(name):
                return "PodRestarts", f"pod {name}"
            case MarkClaim(name, _, departure) if departure is not Departure.NONE:
                return "PodsLeave", f"claim {name}"
    return None


def _replicated(observed: ObservedPool) -> Condition:
    if observed.lacking is None:
        return Condition("FullyReplicated", None, "NotAsked", "no storage pod has answered yet")
    if observed.lacking:
        text = f"{observed.lacking} partitions lack a replica"
        return Condition("FullyReplicated", False, "ReplicasLacking", text)
    return Condition("FullyReplicated", True, "AllReplicas")


def _suspended(pool: Pool, observed: ObservedPool) -> Condition:
    """Whether the pool has no pods because it is to have none."""
    if not pool.is_suspended:
        return Condition("Suspended", False, "NotAsked")
    if observed.pods:
        return Condition("Suspended", False, "PodsEnd", "not all pods have ended yet")
    return Condition("Suspended", True, "AsAsked", "set spec.suspend to false to have it serve")


def _ready(pool: Pool, observed: ObservedPool) -> Condition:
    """Whether every storage pod that is wanted serves."""
    if pool.is_suspended:
        return Condition("Ready", False, "Suspended", "spec.suspend is true")
    for zone in pool.zones:
        serving = _zone(pool, observed, zone)["readyPods"]
        if serving < pool.pods_per_zone:
            text = f"zone {zone}: {serving} of {pool.pods_per_zone} pods serve"
            return Condition("Ready", False, "PodsNotReady", text)
    return Condition("Ready", True, "AllPodsServe")


def _text(waiting: list[Waiting]) -> str:
    return "; ".join(each.message for each in waiting)
