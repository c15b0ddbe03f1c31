"""A StoragePool as the planners take it: its object read once, into a type that cannot be wrong.

In: the object as the API server gives it, which its schema has checked, and the operator's own
settings. Out: `Pool`. Read by the builders in `objects/` and by `pool_plan.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stator_operator import naming
from stator_operator.certificate_plan import DAY_SECONDS
from stator_operator.custom_resource import API_VERSION
from stator_operator.storage_pool_resource import CERTIFICATE_DAYS_DEFAULT

# The group that owns volumes: any number but 0 does, since no file in the image belongs to one.
VOLUME_GROUP = 65_532
# The latest that a pod sees a changed Secret: kubelets need up to two minutes.
SECRET_SPREAD_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class PodSettings:
    """What the operator was told of pods: the same for all pools.

    `group`: the group that owns volumes; None where the cluster gives one, as OpenShift does.
    """

    image: str
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    group: int | None = VOLUME_GROUP
    operator_namespace: str = "stator-system"
    secret_spread_seconds: float = SECRET_SPREAD_SECONDS


@dataclass(frozen=True, slots=True)
class Tls:
    """Who makes the pods' certificates: `Operator`, `CertManager` or `None`.

    `issuer`: cert-manager's, as its Certificates name it.
    """

    issued_by: str
    lifetime_seconds: float
    issuer: dict[str, str] | None = None

    @property
    def is_wanted(self) -> bool:
        return self.issued_by != "None"


@dataclass(frozen=True, slots=True)
class Pool:
    """The pods that are wanted. `resources` are as a container has them.

    `keeps_volumes`: those of pods that the pool gave up stay. `replace_after_seconds`: so long may
    a pod's machine or volume be out of reach before the pod gets another. `is_suspended`: no pods
    at all, for now. `is_in_maintenance`: nothing of it is changed.
    """

    name: str
    namespace: str
    uid: str
    generation: int
    cluster_id: str
    zones: tuple[str, ...]
    zone_key: str
    pods_per_zone: int
    volume_size: str
    storage_class: str | None
    resources: dict[str, Any]
    node_selector: dict[str, str]
    tolerations: tuple[dict[str, Any], ...]
    gateways: int
    gateway_resources: dict[str, Any]
    gateway_tls_secret: str | None
    image: str
    tls: Tls
    annotations: dict[str, str]
    settings: PodSettings
    keeps_volumes: bool = True
    replace_after_seconds: int = 1_800
    is_suspended: bool = False
    is_in_maintenance: bool = False

    def owner(self) -> dict[str, Any]:
        """The reference by which its children are its own."""
        return {
            "apiVersion": API_VERSION,
            "kind": "StoragePool",
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }


def pool_of(body: dict[str, Any], settings: PodSettings, found_cluster_id: str | None) -> Pool:
    """The pool of an object.

    `found_cluster_id` is what running pods of that name say: they and their volumes may be older
    than the object. Without them it is the one in the status, and for a new pool the object's uid.
    """
    spec, metadata = body["spec"], body["metadata"]
    status = body.get("status", {})
    volume, gateway = spec["volume"], spec["gateway"]
    return Pool(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        cluster_id=found_cluster_id or status.get("clusterId") or metadata["uid"],
        zones=tuple(spec["zones"]),
        zone_key=spec["zoneKey"],
        pods_per_zone=spec["podsPerZone"],
        volume_size=volume["size"],
        storage_class=volume.get("storageClassName"),
        resources=spec["resources"],
        node_selector=spec.get("nodeSelector", {}),
        tolerations=tuple(spec.get("tolerations", ())),
        gateways=gateway["replicas"],
        gateway_resources=gateway["resources"],
        gateway_tls_secret=gateway.get("tlsSecretName"),
        image=spec.get("image") or settings.image,
        tls=_tls(spec["tls"]),
        annotations=metadata.get("annotations", {}),
        settings=settings,
        keeps_volumes=volume["whenScaled"] == "Retain",
        replace_after_seconds=spec["replaceAfterSeconds"],
        is_suspended=spec["suspend"],
        is_in_maintenance=naming.is_asked(
            metadata.get("annotations", {}), naming.MAINTENANCE_ANNOTATION
        ),
    )


def _tls(spec: dict[str, Any]) -> Tls:
    days = spec.get("certificateDays", CERTIFICATE_DAYS_DEFAULT)
    return Tls(spec["issuedBy"], days * DAY_SECONDS, spec.get("issuer"))
