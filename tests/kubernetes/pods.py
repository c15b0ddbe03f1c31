"""Pods of the tests in this folder: small, harmless, and allowed by `restricted` pod security."""

from __future__ import annotations

import os
import ssl
from typing import Any

from stator_operator.objects.stateful_set import FRAMES_PORT
from testbed.images import BUSYBOX
from testbed.kubectl import Kubectl

Object = dict[str, Any]

ZONE = "topology.kubernetes.io/zone"
ANY_USER = 12345
# A given cluster has none of our images, and gets this one from where it gets its others.
IMAGE = os.environ.get("STATOR_BUSYBOX") or ("busybox:1" if "KUBECONFIG" in os.environ else BUSYBOX)


def restricted_container(name: str, image: str, **members: Any) -> Object:
    """A container that may do nothing but compute."""
    security = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    return {"name": name, "image": image, "securityContext": security, **members}


def pod_spec(*containers: Object, user: int = ANY_USER, **members: Any) -> Object:
    security = {
        "runAsNonRoot": True,
        "runAsUser": user,
        "fsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "containers": list(containers),
        "securityContext": security,
        "terminationGracePeriodSeconds": 1,
        **members,
    }


def busybox(command: str, **members: Any) -> Object:
    words = ["sh", "-c", command]
    return restricted_container("main", IMAGE, command=words, **members)


def pod(name: str, spec: Object, labels: dict[str, str] | None = None) -> Object:
    metadata = {"name": name, "labels": labels or {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def service(name: str, port: int, **members: Any) -> Object:
    """A Service for the pods with the label `app: name`."""
    spec = {"selector": {"app": name}, "ports": [{"port": port}], **members}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def stateful_set(name: str, replicas: int, spec: Object, **members: Any) -> Object:
    """One pod to a zone, as far as zones go."""
    labels = {"app": name}
    spread = {
        "maxSkew": 1,
        "topologyKey": ZONE,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": labels},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "selector": {"matchLabels": labels},
            "podManagementPolicy": "Parallel",
            "template": {
                "metadata": {"labels": labels},
                "spec": spec | {"topologySpreadConstraints": [spread]},
            },
            **members,
        },
    }


def volume_claim(name: str, size: str) -> Object:
    """Of the cluster's default class."""
    resources = {"requests": {"storage": size}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": resources}
    return {"metadata": {"name": name}, "spec": spec}


def shown_certificate(kubectl: Kubectl, pod: str, namespace: str) -> bytes:
    """What a storage pod shows to whoever connects to its port for frames, in PEM."""
    address = kubectl.get("pod", pod, f"--namespace={namespace}")["status"]["podIP"]
    return ssl.get_server_certificate((address, FRAMES_PORT), timeout=5).encode()
