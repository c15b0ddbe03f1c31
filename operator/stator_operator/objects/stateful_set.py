"""The StatefulSet of a pool's storage pods in one zone.

In: a `Pool`, a zone and how many pods. Out: the object. Invariants: its pods stand in that zone and
nowhere else, as their volumes do; a new template restarts nothing by itself: `pool_plan.py` says
which pod goes next, when the data allows it.
"""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.objects.metadata import metadata
from stator_operator.objects.pod import HEALTH_PORT, HOSTNAME, container, pod_spec, spread_over
from stator_operator.storage_pool import Pool

Object = dict[str, Any]

FRAMES_PORT = 8_002
DATA = "data"
DATA_PATH = "/data"
# Not the volume itself: some file systems begin with a folder of their own.
FOLDER = f"{DATA_PATH}/stator"
POD_INFO = "pod-info"
POD_INFO_PATH = "/etc/stator/pod"
FENCE_FILE = "fenced"
# Leaders go within seconds; the rest is for a disk that takes its time.
GRACE_SECONDS = 60


def stateful_set(pool: Pool, zone: str, pods: int) -> Object:
    """The StatefulSet of a zone."""
    name = naming.stateful_set_name(pool.name, zone)
    own = metadata(pool, name, naming.STORAGE)
    own["labels"][naming.ZONE_LABEL] = zone
    own["annotations"] = {naming.CLUSTER_ANNOTATION: pool.cluster_id}
    selector = {**naming.selector(pool.name, naming.STORAGE), naming.ZONE_LABEL: zone}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": own,
        "spec": {
            "replicas": pods,
            "serviceName": naming.storage_service_name(pool.name),
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "OnDelete"},
            "revisionHistoryLimit": 3,
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Retain",
                "whenScaled": "Retain",
            },
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {"labels": {**own["labels"]}},
                "spec": _pod(pool, zone),
            },
            "volumeClaimTemplates": [volume_claim(pool, pool.volume_size, selector)],
        },
    }


def _pod(pool: Pool, zone: str) -> Object:
    arguments = [
        "node",
        f"--folder={FOLDER}",
        "--host=$(POD_IP)",
        f"--port={FRAMES_PORT}",
        f"--health-port={HEALTH_PORT}",
        f"--cluster-id={pool.cluster_id}",
        f"--zone={zone}",
        f"--seeds={seeds(pool)}",
        f"--fence-file={POD_INFO_PATH}/{FENCE_FILE}",
    ]
    storage = container(pool, "storage", arguments, {"frames": FRAMES_PORT})
    storage["resources"] = pool.resources
    storage["volumeMounts"] += [
        {"name": DATA, "mountPath": DATA_PATH},
        {"name": POD_INFO, "mountPath": POD_INFO_PATH, "readOnly": True},
    ]
    drain = ["stator", "drain", f"--health-port={HEALTH_PORT}"]
    storage["lifecycle"] = {"preStop": {"exec": {"command": drain}}}
    spec = pod_spec(pool, [storage], GRACE_SECONDS)
    spec["volumes"].append(_pod_info())
    in_zone = {"key": pool.zone_key, "operator": "In", "values": [zone]}
    spec["affinity"] = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [in_zone]}]
            }
        }
    }
    labels = naming.selector(pool.name, naming.STORAGE)
    spec["topologySpreadConstraints"] = [spread_over(HOSTNAME, labels)]
    return spec


def _pod_info() -> Object:
    """What the pod's process reads of its own annotations. Kubelets keep it up to date."""
    field = {"fieldPath": f"metadata.annotations['{naming.FENCED_ANNOTATION}']"}
    items = [{"path": FENCE_FILE, "fieldRef": field}]
    return {"name": POD_INFO, "downwardAPI": {"items": items}}


def seeds(pool: Pool) -> str:
    """Where every storage pod of a pool is found."""
    return f"{naming.storage_service_name(pool.name)}.{pool.namespace}.svc:{FRAMES_PORT}"


def volume_claim(pool: Pool, size: str, labels: dict[str, str]) -> Object:
    """The claim of a pod's data."""
    spec: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
    }
    if pool.storage_class is not None:
        spec["storageClassName"] = pool.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": DATA,
            "labels": labels,
            # A volume outlives pods and StatefulSets, so whose data it holds stands here, too.
            "annotations": {naming.CLUSTER_ANNOTATION: pool.cluster_id},
        },
        "spec": spec,
    }
