"""Who may connect to whom: storage pods hear their own pool and the operator, gateways everybody.

The kubelet's probes come from the node itself, which policies let in.
"""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.objects.gateway_deployment import GRPC_PORT, HTTP_PORT
from stator_operator.objects.metadata import metadata
from stator_operator.objects.stateful_set import FRAMES_PORT
from stator_operator.storage_pool import Pool

Object = dict[str, Any]

OPERATOR_LABELS = {naming.NAME_LABEL: "stator", naming.COMPONENT_LABEL: "operator"}
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


def storage_policy(pool: Pool) -> Object:
    """Frames come from the pool's own pods, and from the operator's."""
    senders = (naming.STORAGE, naming.GATEWAY, naming.SUPERVISOR)
    return pod_policy(pool, naming.storage_service_name(pool.name), naming.STORAGE, senders)


def pod_policy(pool: Pool, name: str, component: str, senders: tuple[str, ...]) -> Object:
    """Pods that hear frames of these components of their pool, and of the operator."""
    heard: list[Object] = [
        {"podSelector": {"matchLabels": naming.selector(pool.name, each)}} for each in senders
    ]
    namespace = {NAMESPACE_LABEL: pool.settings.operator_namespace}
    heard.append(
        {
            "namespaceSelector": {"matchLabels": namespace},
            "podSelector": {"matchLabels": OPERATOR_LABELS},
        }
    )
    return _policy(pool, name, component, {"from": heard, "ports": [_port(FRAMES_PORT)]})


def gateway_policy(pool: Pool) -> Object:
    """Clients come from wherever the cluster lets them: their signatures say who they are."""
    ports = [_port(HTTP_PORT), _port(GRPC_PORT)]
    return _policy(pool, naming.gateway_name(pool.name), naming.GATEWAY, {"ports": ports})


def _port(port: int) -> Object:
    return {"protocol": "TCP", "port": port}


def _policy(pool: Pool, name: str, component: str, ingress: Object) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(pool, name, component),
        "spec": {
            "podSelector": {"matchLabels": naming.selector(pool.name, component)},
            "policyTypes": ["Ingress"],
            "ingress": [ingress],
        },
    }
