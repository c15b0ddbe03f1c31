"""Who may connect to whom: storage pods hear their own pool, gateways everybody.

The kubelet's probes come from the node itself, which policies let in.
"""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.objects.gateway_deployment import GRPC_PORT, HTTP_PORT
from stator_operator.objects.metadata import metadata
from stator_operator.objects.pod import HEALTH_PORT
from stator_operator.objects.stateful_set import FRAMES_PORT
from stator_operator.storage_pool import Pool

Object = dict[str, Any]

OPERATOR_LABELS = {naming.NAME_LABEL: "stator", naming.COMPONENT_LABEL: "operator"}
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


def storage_policy(pool: Pool) -> Object:
    """Frames come from the pool's own pods."""
    senders = (naming.STORAGE, naming.GATEWAY, naming.SUPERVISOR)
    heard = from_components(pool, senders, FRAMES_PORT)
    return policy(pool, naming.storage_service_name(pool.name), naming.STORAGE, heard)


def gateway_policy(pool: Pool) -> Object:
    """Clients come from wherever the cluster lets them: their signatures say who they are."""
    clients = {"ports": [_port(HTTP_PORT), _port(GRPC_PORT)]}
    return policy(pool, naming.gateway_name(pool.name), naming.GATEWAY, clients)


def from_components(pool: Pool, senders: tuple[str, ...], port: int) -> Object:
    """An ingress rule: from these components of the pool."""
    heard = [{"podSelector": {"matchLabels": naming.selector(pool.name, each)}} for each in senders]
    return {"from": heard, "ports": [_port(port)]}


def from_operator(pool: Pool, port: int) -> Object:
    """An ingress rule: from the operator's pods, in its own namespace."""
    namespace = {NAMESPACE_LABEL: pool.settings.operator_namespace}
    heard = {
        "namespaceSelector": {"matchLabels": namespace},
        "podSelector": {"matchLabels": OPERATOR_LABELS},
    }
    return {"from": [heard], "ports": [_port(port)]}


def _port(port: int) -> Object:
    return {"protocol": "TCP", "port": port}


def policy(pool: Pool, name: str, component: str, *ingress: Object) -> Object:
    """Pods of a component hear what these rules let in, and everybody who asks for their figures.

    What changes anything on that port is answered to the pod itself alone.
    """
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(pool, name, component),
        "spec": {
            "podSelector": {"matchLabels": naming.selector(pool.name, component)},
            "policyTypes": ["Ingress"],
            "ingress": [*ingress, {"ports": [_port(HEALTH_PORT)]}],
        },
    }
