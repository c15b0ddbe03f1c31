"""A pool as the planners take it, and what is there of it, for tests."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from stator_operator.pool_plan import ObservedClaim, ObservedPod, ObservedPool, ObservedSet
from stator_operator.storage_pool import PodSettings, Pool, pool_of

BODY: dict[str, Any] = {
    "metadata": {"name": "default", "namespace": "music", "uid": "u-1", "generation": 3},
    "spec": {
        "zones": ["zone-1", "zone-2", "zone-3"],
        "zoneKey": "topology.kubernetes.io/zone",
        "podsPerZone": 1,
        "volume": {"size": "10Gi", "storageClassName": "zonal"},
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
        "tls": {"issuedBy": "Operator", "certificateDays": 90},
        "gateway": {"replicas": 2, "resources": {"requests": {"cpu": "500m"}}},
    },
}
SETTINGS = PodSettings(image="localhost/stator:test")


def a_pool(settings: PodSettings = SETTINGS, **spec: Any) -> Pool:
    """The pool, with these members of its spec changed."""
    body = copy.deepcopy(BODY)
    body["spec"].update(spec)
    return pool_of(body, settings, None)


def observed(pool: Pool, **changes: object) -> ObservedPool:
    """A pool of one pod a zone, all well."""
    sets = tuple(ObservedSet(zone, f"set-{zone}", "u-1", True, 1, "10Gi") for zone in pool.zones)
    pods = tuple(
        ObservedPod(f"default-{zone}-0", f"pod-{zone}", zone, is_ready=True, is_updated=True)
        for zone in pool.zones
    )
    claims = tuple(ObservedClaim(f"data-default-{zone}-0", zone, "10Gi") for zone in pool.zones)
    return replace(ObservedPool(sets, pods, claims, lacking=0, whole_seconds=60), **changes)


def with_pod(world: ObservedPool, number: int, **changes: object) -> ObservedPool:
    pods = list(world.pods)
    pods[number] = replace(pods[number], **changes)
    return replace(world, pods=tuple(pods))


def outdated(world: ObservedPool) -> ObservedPool:
    return replace(world, pods=tuple(replace(each, is_updated=False) for each in world.pods))
