"""What may be disturbed at one time: one storage pod of a pool over all its zones, one gateway.

Two storage pods in different zones may hold two replicas of one partition, so a budget for each
zone would allow what must not happen.
"""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.objects.metadata import metadata
from stator_operator.storage_pool import Pool

Object = dict[str, Any]


def storage_budget(pool: Pool) -> Object:
    """One of all storage pods. A pod that does not serve may always go: it disturbs no more."""
    return _budget(pool, naming.storage_service_name(pool.name), naming.STORAGE)


def gateway_budget(pool: Pool) -> Object:
    return _budget(pool, naming.gateway_name(pool.name), naming.GATEWAY)


def _budget(pool: Pool, name: str, component: str) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(pool, name, component),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": naming.selector(pool.name, component)},
        },
    }
