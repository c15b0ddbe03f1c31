"""Names and labels of everything that the operator makes.

Read by the builders in `objects/` and by whoever looks for what they made. Invariants: the same
pool and zone always give the same name; two zones of a pool never share one; every name is a DNS
label that leaves room for what Kubernetes appends to it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

GROUP_LABEL: Final = "stator.dev"
POOL_LABEL: Final = f"{GROUP_LABEL}/pool"
ZONE_LABEL: Final = f"{GROUP_LABEL}/zone"
CLUSTER_ANNOTATION: Final = f"{GROUP_LABEL}/cluster-id"
# What people ask for, of a pool or of one pod, by any value but `false`.
MAINTENANCE_ANNOTATION: Final = f"{GROUP_LABEL}/maintenance"
FENCED_ANNOTATION: Final = f"{GROUP_LABEL}/fenced"
REPLACE_ANNOTATION: Final = f"{GROUP_LABEL}/replace"
# What the operator notes on a claim: `pool_observation.Departure`.
DEPARTURE_ANNOTATION: Final = f"{GROUP_LABEL}/departure"
# What the operator notes on a gateway's pod: `access_key_spreading.py`.
ACCESS_KEYS_VERSION_ANNOTATION: Final = f"{GROUP_LABEL}/access-keys-version"
NAME_LABEL: Final = "app.kubernetes.io/name"
INSTANCE_LABEL: Final = "app.kubernetes.io/instance"
COMPONENT_LABEL: Final = "app.kubernetes.io/component"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
STORAGE: Final = "storage"
GATEWAY: Final = "gateway"
SUPERVISOR: Final = "supervisor"

POOL_NAME_CHARACTERS_MAX: Final = 30
POOL_NAME_PATTERN: Final = "^[a-z]([-a-z0-9]*[a-z0-9])?$"
# A StatefulSet's pods carry its name and a hash of ten characters in one label of 63.
STATEFUL_SET_NAME_CHARACTERS_MAX: Final = 52
OBJECT_NAME_CHARACTERS_MAX: Final = 63  # of a DNS label, which labels can carry too
_DIGEST_CHARACTERS = 8
_PLAIN_ZONE = re.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_ENDINGS = (STORAGE, GATEWAY, SUPERVISOR)  # a zone must not be able to take one of them


def stateful_set_name(pool: str, zone: str) -> str:
    """The StatefulSet of a pool's pods in a zone.

    The zone as it is, where that makes a name; else what of it does, and a digest of all of it. A
    plain zone that looks like the latter has a digest too, so no two zones meet.
    """
    room = STATEFUL_SET_NAME_CHARACTERS_MAX - len(pool) - 1
    looks_digested = re.fullmatch(rf"(.*-)?x[0-9a-f]{{{_DIGEST_CHARACTERS}}}", zone)
    if _PLAIN_ZONE.fullmatch(zone) and len(zone) <= room and not looks_digested:
        if zone not in _ENDINGS:
            return f"{pool}-{zone}"
    digest = "x" + hashlib.sha256(zone.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    readable = re.sub("[^a-z0-9]+", "-", zone.lower())[: room - len(digest) - 1].strip("-")
    return f"{pool}-{readable}-{digest}" if readable else f"{pool}-{digest}"


def storage_service_name(pool: str) -> str:
    """The headless Service that names every storage pod of a pool."""
    return f"{pool}-{STORAGE}"


def gateway_name(pool: str) -> str:
    """The Deployment of the gateways, and the Service that clients speak to."""
    return f"{pool}-{GATEWAY}"


def supervisor_name(pool: str) -> str:
    """The StatefulSet of the pod that steers, and its Service."""
    return f"{pool}-{SUPERVISOR}"


def tls_secret_name(pool: str) -> str:
    """The Secret of the certificate that a pool's pods show each other."""
    return f"{pool}-tls"


def authority_secret_name(pool: str) -> str:
    """The Secret of the keys that sign that certificate."""
    return f"{pool}-authority"


def access_keys_secret_name(pool: str) -> str:
    """The Secret of the access keys that a pool's gateways take."""
    return f"{pool}-access-keys"


def certificate_names(pool: str, namespace: str) -> tuple[str, ...]:
    """The DNS names in a pool's certificate: what clients and pods call its Services."""
    services = (gateway_name(pool), storage_service_name(pool), supervisor_name(pool))
    names = [
        f"{service}{ending}"
        for service in services
        for ending in ("", f".{namespace}", f".{namespace}.svc", f".{namespace}.svc.cluster.local")
    ]
    return *names, "localhost"


def peer_name(pool: str, namespace: str) -> str:
    """The one of those names that a pool's pods look for in each other's certificates."""
    return f"{storage_service_name(pool)}.{namespace}.svc"


def supervisor_pod_name(pool: str) -> str:
    """The pod that steers."""
    return f"{supervisor_name(pool)}-0"


def is_asked(annotations: Mapping[str, str], annotation: str) -> bool:
    """Whether a person asks for something by this annotation."""
    return annotations.get(annotation, "false") not in ("", "false")


def table_object_names(table_name: str) -> tuple[str, str]:
    """The names that the object of a client's table may have: the first that is free.

    The table's own, where that is a name for Kubernetes; else what of it is, with a digest of all
    of it. The second is for where somebody else has the first.
    """
    digest = hashlib.sha256(table_name.encode()).hexdigest()[: 2 * _DIGEST_CHARACTERS]
    readable = re.sub("[^a-z0-9]+", "-", table_name.lower()).strip("-")
    room = OBJECT_NAME_CHARACTERS_MAX - len(digest) - 1
    digested = f"{readable[:room].strip('-')}-{digest}".strip("-")
    plain = _PLAIN_ZONE.fullmatch(table_name) and len(table_name) <= OBJECT_NAME_CHARACTERS_MAX
    return (table_name if plain else digested), digested


def partition_object_name(pool: str, partition_id: int) -> str:
    """The Partition of a pool's partition."""
    return f"{pool}-{partition_id}"


def selector(pool: str, component: str) -> dict[str, str]:
    """The labels that pods are found by. They never change: selectors of workloads cannot."""
    return {NAME_LABEL: "stator", POOL_LABEL: pool, COMPONENT_LABEL: component}


def labels(pool: str, component: str) -> dict[str, str]:
    """The labels of an object of a pool."""
    return {
        **selector(pool, component),
        INSTANCE_LABEL: pool,
        MANAGED_BY_LABEL: "stator-operator",
    }
