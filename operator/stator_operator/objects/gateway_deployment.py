"""The Deployment of a pool's gateways: HTTP and gRPC, no volume, any number of them.

In: a `Pool`. Out: the object. A gateway finds the storage pods by the headless Service's name and
is ready as soon as it has heard them, so it needs neither the operator nor the Kubernetes API.
"""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.objects.metadata import metadata
from stator_operator.objects.pod import (
    HEALTH_PORT,
    HOSTNAME,
    container,
    pod_spec,
    secret_volume,
    spread_over,
)
from stator_operator.objects.secrets import ACCESS_KEYS_KEY
from stator_operator.objects.stateful_set import FRAMES_PORT, seeds
from stator_operator.storage_pool import Pool

Object = dict[str, Any]

HTTP_PORT = 8_000
GRPC_PORT = 8_001
GRACE_SECONDS = 30
HTTPS = "https"
HTTPS_PATH = "/etc/stator/https"
ACCESS_KEYS_PATH = "/etc/stator/access-keys"


def gateway_deployment(pool: Pool) -> Object:
    """The Deployment of the gateways."""
    own = metadata(pool, naming.gateway_name(pool.name), naming.GATEWAY)
    selector = naming.selector(pool.name, naming.GATEWAY)
    supervisor = f"{naming.supervisor_name(pool.name)}.{pool.namespace}.svc:{FRAMES_PORT}"
    arguments = [
        "gateway",
        "--host=0.0.0.0",  # and so on loopback, where `kubectl port-forward` comes from
        f"--port={HTTP_PORT}",
        f"--grpc-port={GRPC_PORT}",
        f"--health-port={HEALTH_PORT}",
        f"--cluster-id={pool.cluster_id}",
        f"--seeds={seeds(pool)}",
        f"--supervisor={supervisor}",
        f"--access-keys={ACCESS_KEYS_PATH}/{ACCESS_KEYS_KEY}",
    ]
    if pool.gateway_tls_secret is not None:
        arguments.append(f"--https-certificate={HTTPS_PATH}/tls.crt")
        arguments.append(f"--https-key={HTTPS_PATH}/tls.key")
    gateway = container(pool, "gateway", arguments, {"http": HTTP_PORT, "grpc": GRPC_PORT})
    gateway["resources"] = pool.gateway_resources
    # The zone's label comes to the pod with its place, from Kubernetes 1.35 on; before, and under
    # another label of zones than the usual one, nobody knows it and reads go anywhere.
    zone = {"fieldPath": f"metadata.labels['{pool.zone_key}']"}
    gateway["env"].append({"name": "STATOR_ZONE", "valueFrom": {"fieldRef": zone}})
    mount = {"name": ACCESS_KEYS_KEY, "mountPath": ACCESS_KEYS_PATH, "readOnly": True}
    gateway["volumeMounts"].append(mount)
    spec = pod_spec(pool, [gateway], GRACE_SECONDS)
    keys = naming.access_keys_secret_name(pool.name)
    spec["volumes"].append(secret_volume(ACCESS_KEYS_KEY, keys))
    if pool.gateway_tls_secret is not None:
        mount = {"name": HTTPS, "mountPath": HTTPS_PATH, "readOnly": True}
        gateway["volumeMounts"].append(mount)
        spec["volumes"].append(secret_volume(HTTPS, pool.gateway_tls_secret))
    spec["topologySpreadConstraints"] = [
        spread_over(pool.zone_key, selector),
        spread_over(HOSTNAME, selector),
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": own,
        "spec": {
            "replicas": 0 if pool.is_suspended else pool.gateways,
            "revisionHistoryLimit": 3,
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": selector},
            "template": {"metadata": {"labels": {**own["labels"]}}, "spec": spec},
        },
    }
