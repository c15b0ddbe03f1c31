"""What may be disturbed at one time: one storage pod of a pool over all its zones, one gateway.

Two storage pods in different zones may hold two replicas of one partition, so a budget for each
zone would allow what must not happen. Kubernetes counts pods that are ready, and a pod is ready
with an empty volume too: so the operator itself says when no storage pod may go at all.
"""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.objects.metadata import metadata
from stator_operator.storage_pool import Pool

Object = dict[str, Any]


def storage_budget(pool: Pool, evictable: int) -> Object:
    """`evictable` of all storage pods: one, or none (`pool_disruption.evictable`).

    A pod that does not serve may always go: it disturbs no more.
    """
    return _budget(pool, naming.storage_service_name(pool.name), naming.STORAGE, evictable)


def gateway_budget(pool: Pool) -> Object:
    return _budget(pool, naming.gateway_name(pool.name), naming.GATEWAY, 1)


def _budget(pool: Pool, name: str, component: str, evictable: int) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(pool, name, component),
        "spec": {
            "maxUnavailable": evictable,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": naming.selector(pool.name, component)},
        },
    }
