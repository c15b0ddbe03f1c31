"""Which kinds of objects the operator knows, and under which paths the API has them.

Read by `kubernetes_api.py` and by `watches.py`. A kind that a further reconcile needs is a line in
`KINDS`, and a rule in `access_rules.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from stator_operator.custom_resource import API_VERSION

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind, by the words that its objects and its paths have for it."""

    name: str
    api_version: str  # "v1", or "GROUP/VERSION"
    plural: str

    @property
    def group(self) -> str:
        """The API group; empty for the core's."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.api_version.rpartition("/")[2]

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """The path of an object, or of all in a namespace, or (None) in all namespaces."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        within = f"/namespaces/{namespace}" if namespace is not None else ""
        return f"{root}{within}/{self.plural}" + (f"/{name}" if name is not None else "")


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("StoragePool", API_VERSION, "storagepools"),
        Kind("Table", API_VERSION, "tables"),
        Kind("Partition", API_VERSION, "partitions"),
        Kind("StatefulSet", "apps/v1", "statefulsets"),
        Kind("Deployment", "apps/v1", "deployments"),
        Kind("Pod", "v1", "pods"),
        Kind("PersistentVolumeClaim", "v1", "persistentvolumeclaims"),
        Kind("Service", "v1", "services"),
        Kind("Secret", "v1", "secrets"),
        Kind("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"),
        Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
        Kind("Certificate", "cert-manager.io/v1", "certificates"),
        Kind("Event", "events.k8s.io/v1", "events"),
        Kind("CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions"),
        Kind("Lease", "coordination.k8s.io/v1", "leases"),
    )
}


def kind_of(body: Object) -> Kind:
    """The kind of an object that says its own. Raises KeyError."""
    kind = KINDS[body["kind"]]
    assert kind.api_version == body["apiVersion"], f"{body['kind']} of {body['apiVersion']}"
    return kind
