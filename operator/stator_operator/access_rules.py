"""What the operator may do in a cluster: the rules of its roles, and nothing that it does not need.

In: nothing. Out: rules as RBAC has them, for the chart, whose test compares, and for the tests
against a real API server. `served_rules` go into a Role of each namespace that it serves, or into
one ClusterRole; `own_rules` into a Role of the namespace that it runs in.

Kubernetes: "Using RBAC Authorization". Invariant: no rule names all of anything (`*`), and of
Secrets the operator may touch only what a rule says by name of the verb.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from stator_operator.custom_resource import GROUP

READ: Final = ("get", "list", "watch")
# Server-side apply is a patch; where the object is not there yet, a create too.
APPLY: Final = (*READ, "create", "patch")


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Verbs on resources of an API group. `names`: of these objects alone; empty: of all."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()

    def rule(self) -> dict[str, Any]:
        """As a Role has it."""
        made: dict[str, Any] = {
            "apiGroups": [self.group],
            "resources": list(self.resources),
            "verbs": list(self.verbs),
        }
        return {**made, "resourceNames": list(self.names)} if self.names else made


SERVED: Final = (
    # Tables with storage of their own have a pool as a child.
    AccessRule(GROUP, ("storagepools",), (*APPLY, "delete")),
    # What clients ask of tables is written into their objects.
    AccessRule(GROUP, ("tables",), (*READ, "create", "patch", "delete")),
    AccessRule(GROUP, ("tables/status",), ("patch",)),
    AccessRule(GROUP, ("partitions",), (*APPLY, "delete")),
    AccessRule(GROUP, ("partitions/status",), ("patch",)),
    AccessRule(GROUP, ("tables/finalizers",), ("update",)),
    AccessRule(GROUP, ("storagepools/status",), ("patch",)),
    # Where OwnerReferencesPermissionEnforcement is on: to be an owner that blocks its deletion.
    AccessRule(GROUP, ("storagepools/finalizers",), ("update",)),
    AccessRule("apps", ("deployments",), APPLY),
    AccessRule("apps", ("statefulsets",), (*APPLY, "delete")),  # replaced, its pods orphaned
    AccessRule("", ("services",), APPLY),
    # Read one by one, by the names that pools give them; never listed, never watched.
    AccessRule("", ("secrets",), ("get", "create", "patch")),
    AccessRule("cert-manager.io", ("certificates",), ("get", "create", "patch")),
    AccessRule("", ("persistentvolumeclaims",), (*READ, "patch", "delete")),  # grow, go
    # Annotated, so that kubelets bring changed access keys; deleted where nobody reaches a machine.
    AccessRule("", ("pods",), (*READ, "patch", "delete")),
    AccessRule("", ("pods/eviction",), ("create",)),
    AccessRule("policy", ("poddisruptionbudgets",), APPLY),
    AccessRule("networking.k8s.io", ("networkpolicies",), APPLY),
    AccessRule("events.k8s.io", ("events",), ("create", "patch")),
)


def served_rules() -> list[dict[str, Any]]:
    """The rules of each namespace that is served."""
    return [each.rule() for each in SERVED]


def own_rules(lease_name: str) -> list[dict[str, Any]]:
    """The rules of the operator's own namespace: its Lease. Making one cannot be said by name."""
    lease = ("leases",)
    return [
        AccessRule("coordination.k8s.io", lease, ("create",)).rule(),
        AccessRule("coordination.k8s.io", lease, ("get", "update"), (lease_name,)).rule(),
    ]
