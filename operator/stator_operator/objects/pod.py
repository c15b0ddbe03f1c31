"""What pods of every kind share: security, where they stand, ports and probes.

In: a `Pool`. Out: parts of pod templates, for `stateful_set.py` and `gateway_deployment.py`.
Invariant: every pod passes the level `restricted` of the Pod Security Standards, and no template
names a user, so that clusters which choose users themselves take it too.

Kubernetes: "Pod Security Standards", "Configure Liveness, Readiness and Startup Probes".
"""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.storage_pool import Pool

Object = dict[str, Any]

HEALTH_PORT = 8_003
# A pod that has long logs to read after a crash is starting, not dead.
STARTUP_SECONDS_MAX = 900
STARTUP_PERIOD_SECONDS = 2
HOSTNAME = "kubernetes.io/hostname"
SECRET_MODE = 0o440


TLS = "tls"
TLS_PATH = "/etc/stator/tls"


def container(pool: Pool, name: str, arguments: list[str], ports: dict[str, int]) -> Object:
    """A container of the pool's image, without what only one kind of pod has."""
    # What is written beside the data: nothing that must last.
    mounts: list[Object] = [{"name": "tmp", "mountPath": "/tmp"}]
    if pool.tls.is_wanted:
        # A folder and not a file in it: only so does a changed Secret reach a running pod.
        mounts.append({"name": TLS, "mountPath": TLS_PATH, "readOnly": True})
        arguments = [*arguments, *_tls_arguments(pool)]
    return {
        "name": name,
        "image": pool.image,
        "imagePullPolicy": pool.settings.image_pull_policy,
        "args": arguments,
        # What a process says at its end is in the pod's status, for `pod_reading.py`.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "env": [
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        "ports": [
            {"name": name, "containerPort": port, "protocol": "TCP"}
            for name, port in {**ports, "health": HEALTH_PORT}.items()
        ],
        "startupProbe": {
            **_probe("/started", STARTUP_PERIOD_SECONDS),
            "failureThreshold": STARTUP_SECONDS_MAX // STARTUP_PERIOD_SECONDS,
        },
        "livenessProbe": {**_probe("/alive", 10), "failureThreshold": 6},
        "readinessProbe": {**_probe("/ready", 2), "failureThreshold": 2},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }


def pod_spec(pool: Pool, containers: list[Object], grace_seconds: int) -> Object:
    """A pod's spec. It asks nothing of the Kubernetes API, so it has no token for it."""
    security: Object = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if pool.settings.group is not None:
        security["fsGroup"] = pool.settings.group
        security["fsGroupChangePolicy"] = "OnRootMismatch"
    spec: Object = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": security,
        "terminationGracePeriodSeconds": grace_seconds,
        "containers": containers,
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    if pool.tls.is_wanted:
        spec["volumes"].append(secret_volume(TLS, naming.tls_secret_name(pool.name)))
    if pool.node_selector:
        spec["nodeSelector"] = dict(pool.node_selector)
    if pool.tolerations:
        spec["tolerations"] = [dict(each) for each in pool.tolerations]
    if pool.settings.image_pull_secrets:
        names = pool.settings.image_pull_secrets
        spec["imagePullSecrets"] = [{"name": name} for name in names]
    return spec


def secret_volume(name: str, secret: str) -> Object:
    """A Secret as files, for the pod's group and nobody else."""
    return {"name": name, "secret": {"secretName": secret, "defaultMode": SECRET_MODE}}


def _tls_arguments(pool: Pool) -> list[str]:
    """What every command of a pod takes; the names of files are those of `kubernetes.io/tls`.

    An issuer of cert-manager signs for others as well: pods look whose name is in a certificate.
    """
    return [
        f"--tls-certificate={TLS_PATH}/tls.crt",
        f"--tls-key={TLS_PATH}/tls.key",
        f"--tls-authority={TLS_PATH}/ca.crt",
        f"--tls-peer-name={naming.peer_name(pool.name, pool.namespace)}",
    ]


def spread_over(key: str, labels: dict[str, str]) -> Object:
    """Pods of these labels are spread over this label of nodes, as far as there is room."""
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }


def _probe(path: str, period_seconds: int) -> Object:
    return {
        "httpGet": {"path": path, "port": "health"},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 2,
    }
