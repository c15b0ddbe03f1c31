"""The Services of a pool: the names of its storage pods, and the address that clients use."""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.objects.gateway_deployment import GRPC_PORT, HTTP_PORT
from stator_operator.objects.metadata import metadata
from stator_operator.objects.stateful_set import FRAMES_PORT
from stator_operator.storage_pool import Pool

Object = dict[str, Any]


def storage_service(pool: Pool) -> Object:
    """The headless Service of all storage pods, those too that are not ready: peers need them."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(pool, naming.storage_service_name(pool.name), naming.STORAGE),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": naming.selector(pool.name, naming.STORAGE),
            "ports": [frames_port()],
        },
    }


def gateway_service(pool: Pool) -> Object:
    """Where clients connect: a gateway of their own zone, if there is one."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(pool, naming.gateway_name(pool.name), naming.GATEWAY),
        "spec": {
            "type": "ClusterIP",
            "trafficDistribution": "PreferClose",
            "selector": naming.selector(pool.name, naming.GATEWAY),
            "ports": [_port("http", HTTP_PORT), _port("grpc", GRPC_PORT)],
        },
    }


def frames_port() -> Object:
    """What pods speak to each other by."""
    return _port("frames", FRAMES_PORT)


def _port(name: str, port: int) -> Object:
    return {"name": name, "port": port, "targetPort": name, "protocol": "TCP"}
