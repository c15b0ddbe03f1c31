"""A pool as Kubernetes and its supervisor tell of it, for the tests beside this file."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

ZONES = ("a", "b", "c")


def pool(name: str = "default") -> Object:
    conditions = [
        {"type": "Ready", "status": "True", "reason": "AllPodsServe", "message": ""},
        {"type": "Accepted", "status": "False", "reason": "SecretTaken", "message": "rename it"},
    ]
    return {
        "kind": "StoragePool",
        "metadata": {"name": name, "namespace": "music"},
        "status": {"conditions": conditions},
    }


def pod(name: str, component: str, address: str, of: str = "default") -> Object:
    labels = {"stator.dev/pool": of, "app.kubernetes.io/component": component}
    arguments = [component, "--folder=/data/stator"]
    return {
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"nodeName": "machine-1", "containers": [{"name": component, "args": arguments}]},
        "status": {
            "podIP": address,
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"restartCount": 2}],
        },
    }


def pods(of: str = "default") -> list[Object]:
    storage = [
        pod(f"{of}-{zone}-0", "storage", f"10.0.0.{number}", of)
        for number, zone in enumerate(ZONES, 1)
    ]
    return [*storage, pod(f"{of}-supervisor-0", "supervisor", "10.0.0.9", of)]


def cluster() -> Object:
    """What `stator cluster status --output=json` prints."""
    return {
        "cluster_id": "u-1",
        "nodes": [
            {
                "node_id": f"node-{zone}",
                "zone": zone,
                "address": f"10.0.0.{number}:8002",
                "state": "ALIVE",
                "silent_seconds": 0.1,
                "leads": 1,
                "replicas": 2,
                "rebuilding": 0,
                "size_bytes": 2_048,
                "free_bytes": 4_096,
            }
            for number, zone in enumerate(ZONES, 1)
        ],
        "partitions": [_partition(1, "Music"), _partition(2, "Music/ByYear"), _partition(3, "Art")],
        "reasons": [],
    }


def _partition(number: int, table: str) -> Object:
    return {
        "partition_id": number,
        "table": table,
        "range": ["0" * 17, "1" + "0" * 16],
        "leader": "node-a",
        "items": 7,
        "size_bytes": 512,
        "indexes": {},
        "stream": {"shards": 0, "open_shards": 0},
        "replicas": [
            {"node_id": f"node-{zone}", "zone": zone, "lag": 0, "role": "VOTER"} for zone in ZONES
        ],
    }
