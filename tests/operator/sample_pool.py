"""A pool as the planners take it, and what is there of it, for tests."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from stator_operator import naming
from stator_operator.pool_actions import Apply
from stator_operator.pool_observation import (
    ObservedClaim,
    ObservedNode,
    ObservedPod,
    ObservedPool,
    ObservedSet,
)
from stator_operator.pool_plan import plan
from stator_operator.storage_pool import PodSettings, Pool, pool_of

BODY: dict[str, Any] = {
    "metadata": {"name": "default", "namespace": "music", "uid": "u-1", "generation": 3},
    "spec": {
        "zones": ["zone-1", "zone-2", "zone-3"],
        "zoneKey": "topology.kubernetes.io/zone",
        "podsPerZone": 1,
        "volume": {"size": "10Gi", "storageClassName": "zonal", "whenScaled": "Retain"},
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
        "tls": {"issuedBy": "Operator", "certificateDays": 90},
        "gateway": {"replicas": 2, "resources": {"requests": {"cpu": "500m"}}},
        "replaceAfterSeconds": 1_800,
        "suspend": False,
    },
}
GIBIBYTE = 1 << 30
SETTINGS = PodSettings(image="localhost/stator:test")


def a_pool(
    settings: PodSettings = SETTINGS, volume: dict[str, Any] | None = None, **spec: Any
) -> Pool:
    """The pool, with these members of its spec changed, or its volume."""
    body = copy.deepcopy(BODY)
    body["spec"].update(spec)
    if volume is not None:
        body["spec"]["volume"] = {"whenScaled": "Retain", **volume}
    return pool_of(body, settings, None)


def observed(pool: Pool, pods: int = 1, **changes: object) -> ObservedPool:
    """A pool of so many pods a zone, all well."""
    names = [(zone, f"default-{zone}-{n}") for zone in pool.zones for n in range(pods)]
    world = ObservedPool(
        tuple(ObservedSet(zone, f"set-{zone}", "u-1", True, pods, "10Gi") for zone in pool.zones),
        tuple(
            ObservedPod(name, f"pod-{name}", zone, is_ready=True, is_updated=True)
            for zone, name in names
        ),
        tuple(
            ObservedClaim(f"data-{name}", zone, "10Gi", uid=f"claim-{name}") for zone, name in names
        ),
        lacking=0,
        whole_seconds=60,
        nodes=tuple(
            ObservedNode(f"node-{name}", name, zone, is_heard=True, replicas=4, used_bytes=GIBIBYTE)
            for zone, name in names
        ),
    )
    world = replace(world, nodes=tuple(replace(n, free_bytes=9 * GIBIBYTE) for n in world.nodes))
    return replace(world, **changes)


def with_pod(world: ObservedPool, number: int, **changes: object) -> ObservedPool:
    pods = list(world.pods)
    pods[number] = replace(pods[number], **changes)
    return replace(world, pods=tuple(pods))


def outdated(world: ObservedPool) -> ObservedPool:
    return replace(world, pods=tuple(replace(each, is_updated=False) for each in world.pods))


def with_claim(world: ObservedPool, pod: str, **changes: object) -> ObservedPool:
    claims = tuple(
        replace(each, **changes) if each.pod_name == pod else each for each in world.claims
    )
    return replace(world, claims=claims)


def with_node(world: ObservedPool, pod: str, **changes: object) -> ObservedPool:
    nodes = tuple(replace(each, **changes) if each.pod == pod else each for each in world.nodes)
    return replace(world, nodes=nodes)


def kinds(pool: Pool, world: ObservedPool) -> list[type]:
    return [type(each) for each in plan(pool, world).actions if not isinstance(each, Apply)]


def reasons(pool: Pool, world: ObservedPool) -> list[str]:
    return [each.reason for each in plan(pool, world).waiting]


def applied_sets(pool: Pool, world: ObservedPool) -> dict[str, int]:
    bodies = [each.body for each in plan(pool, world).actions if isinstance(each, Apply)]
    return {
        body["metadata"]["name"]: body["spec"]["replicas"]
        for body in bodies
        if naming.ZONE_LABEL in body["metadata"]["labels"]
    }
