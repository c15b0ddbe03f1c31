"""What every object of a pool has in common: names, labels, and whose it is."""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.storage_pool import Pool

Object = dict[str, Any]


def metadata(pool: Pool, name: str, component: str) -> Object:
    """The metadata of a child of the pool."""
    return {
        "name": name,
        "namespace": pool.namespace,
        "labels": naming.labels(pool.name, component),
        "ownerReferences": [pool.owner()],
    }
