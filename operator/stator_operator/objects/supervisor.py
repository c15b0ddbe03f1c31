"""The one pod of a pool that steers: its StatefulSet, Service and policy.

In: a `Pool`. Out: the objects. What it must remember is on a small volume; while it is away, items
are read and written all the same, so it is one pod and has no budget. Two of it never run at one
time: a StatefulSet starts a pod again only when the one before is known to be gone.
"""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.objects.metadata import metadata
from stator_operator.objects.network_policies import from_components, from_operator, policy
from stator_operator.objects.pod import HEALTH_PORT, container, pod_spec
from stator_operator.objects.services import frames_port
from stator_operator.objects.stateful_set import (
    DATA,
    DATA_PATH,
    FOLDER,
    FRAMES_PORT,
    seeds,
    volume_claim,
)
from stator_operator.storage_pool import Pool

Object = dict[str, Any]

OPERATOR_PORT = 8_004  # JSON over HTTP; the operator alone connects there
VOLUME_SIZE = "1Gi"
RESOURCES = {"requests": {"cpu": "100m", "memory": "256Mi"}}
GRACE_SECONDS = 30


def supervisor_set(pool: Pool) -> Object:
    """The StatefulSet of the supervisor."""
    name = naming.supervisor_name(pool.name)
    own = metadata(pool, name, naming.SUPERVISOR)
    selector = naming.selector(pool.name, naming.SUPERVISOR)
    arguments = [
        "supervisor",
        f"--folder={FOLDER}",
        "--host=$(POD_IP)",
        f"--port={FRAMES_PORT}",
        f"--operator-port={OPERATOR_PORT}",
        "--tables-by-operator",
        f"--health-port={HEALTH_PORT}",
        f"--cluster-id={pool.cluster_id}",
        f"--seeds={seeds(pool)}",
    ]
    ports = {"frames": FRAMES_PORT, "operator": OPERATOR_PORT}
    supervisor = container(pool, "supervisor", arguments, ports)
    supervisor["resources"] = RESOURCES
    supervisor["volumeMounts"].append({"name": DATA, "mountPath": DATA_PATH})
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": own,
        "spec": {
            "replicas": 0 if pool.is_suspended else 1,
            "serviceName": name,
            "revisionHistoryLimit": 3,
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Retain",
                "whenScaled": "Retain",
            },
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {"labels": {**own["labels"]}},
                "spec": pod_spec(pool, [supervisor], GRACE_SECONDS),
            },
            "volumeClaimTemplates": [volume_claim(pool, VOLUME_SIZE, selector)],
        },
    }


def supervisor_service(pool: Pool) -> Object:
    """Where gateways find it. One that is not ready yet need not be found."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(pool, naming.supervisor_name(pool.name), naming.SUPERVISOR),
        "spec": {
            "clusterIP": "None",
            "selector": naming.selector(pool.name, naming.SUPERVISOR),
            "ports": [frames_port()],
        },
    }


def supervisor_policy(pool: Pool) -> Object:
    """Gateways bring what clients ask of tables; the operator asks, and says what is wanted."""
    name = naming.supervisor_name(pool.name)
    frames = from_components(pool, (naming.GATEWAY,), FRAMES_PORT)
    return policy(pool, name, naming.SUPERVISOR, frames, from_operator(pool, OPERATOR_PORT))
