"""One pool, out of its Kubernetes objects and of what its supervisor says.

In: objects as `kubectl` gives them, and the answer of `stator cluster status`. Out: tables for
people, and JSON with the same in it. Pure. Invariant: a pool whose supervisor cannot be asked is
shown all the same, with the reason.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import Any

from stator_node.cluster_command import aligned, partition_tables, status_tables

Object = dict[str, Any]

POOL_LABEL = "stator.dev/pool"
COMPONENT_LABEL = "app.kubernetes.io/component"


class NoSuchPod(Exception):
    """No pod, or more than one, goes by that name; the text says which there are."""


@dataclass(frozen=True, slots=True)
class PoolView:
    """A pool. `cluster`: what the supervisor says; None: `reason` says why it says nothing."""

    pool: Object
    pods: tuple[Object, ...]
    cluster: Object | None = None
    reason: str = ""

    @property
    def name(self) -> str:
        name: str = self.pool["metadata"]["name"]
        return name

    def pods_of(self, component: str) -> list[Object]:
        return [each for each in self.pods if _label(each, COMPONENT_LABEL) == component]

    def with_pod_names(self) -> PoolView:
        """The supervisor's answer, with the pod of each node in its `pod`; None: it has none."""
        if self.cluster is None:
            return self
        names = {
            _plain(address): pod["metadata"]["name"]
            for pod in self.pods
            if (address := pod.get("status", {}).get("podIP"))
        }
        nodes = [
            {**node, "pod": names.get(_plain(node["address"].rpartition(":")[0]))}
            for node in self.cluster["nodes"]
        ]
        return replace(self, cluster={**self.cluster, "nodes": nodes})

    def node_of(self, name: str) -> str:
        """A node's id by the name of its pod; any other name is left to the supervisor."""
        nodes = [] if self.cluster is None else self.cluster["nodes"]
        found = [each["node_id"] for each in nodes if each.get("pod") == name]
        return found[0] if found else name

    def storage_pod(self, name: str) -> str:
        """The storage pod of that name. Raises NoSuchPod."""
        names = sorted(each["metadata"]["name"] for each in self.pods_of("storage"))
        if name not in names:
            raise NoSuchPod(f"pool {self.name} has no storage pod {name!r}, but {names}")
        return name

    def to_json(self) -> Object:
        """Everything, for programs."""
        return {
            "pool": self.name,
            "namespace": self.pool["metadata"]["namespace"],
            "conditions": self.pool.get("status", {}).get("conditions", []),
            "pods": [_pod_of(each) for each in self.pods],
            "cluster": self.cluster,
            "reason": self.reason or None,
        }


def pool_of_pod(pod: Object) -> str:
    """The pool that a pod belongs to."""
    return _label(pod, POOL_LABEL)


def describe(view: PoolView) -> str:
    """A pool in tables."""
    parts = [_head(view), _pods(view)]
    if view.cluster is None:
        parts.append(f"Its supervisor cannot be asked: {view.reason}\n")
    else:
        parts.append(status_tables(_with_pods_for_addresses(view.cluster), place="POD"))
    return "\n".join(part for part in parts if part)


def describe_partitions(view: PoolView, table: str | None) -> str:
    """Its partitions in a table, of one table or of all."""
    if view.cluster is None:
        return f"Pool {view.name}: its supervisor cannot be asked: {view.reason}\n"
    return partition_tables(of_table(view.cluster, table))


def of_table(cluster: Object, table: str | None) -> Object:
    """The supervisor's answer with the partitions of one table, or all."""
    wanted = [each for each in cluster["partitions"] if table is None or _table_of(each) == table]
    return {**cluster, "partitions": wanted}


def _table_of(partition: Object) -> str:
    """The table; a global index's partitions belong to the table that it is of."""
    name: str = partition["table"]
    return name.partition("/")[0]


def _head(view: PoolView) -> str:
    conditions = view.pool.get("status", {}).get("conditions", [])
    rows = [("CONDITION", "STATUS", "REASON", "MESSAGE")]
    rows += [(each["type"], each["status"], each["reason"], each["message"]) for each in conditions]
    told = aligned(rows) if conditions else "The operator has not said anything of it yet.\n"
    return f"Pool {view.name}\n\n{told}"


def _pods(view: PoolView) -> str:
    rows = [("POD", "COMPONENT", "READY", "RESTARTS", "NODE")]
    for each in view.pods:
        pod = _pod_of(each)
        ready = "yes" if pod["ready"] else "no"
        cells = (pod["name"], pod["component"], ready, f"{pod['restarts']}", pod["node"] or "none")
        rows.append(cells)
    return aligned(rows) if view.pods else "It has no pods.\n"


def _pod_of(pod: Object) -> Object:
    status = pod.get("status", {})
    conditions = {each["type"]: each["status"] for each in status.get("conditions", [])}
    containers = status.get("containerStatuses", [])
    return {
        "name": pod["metadata"]["name"],
        "component": _label(pod, COMPONENT_LABEL),
        "ready": conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"],
        "restarts": sum(each["restartCount"] for each in containers),
        "node": pod.get("spec", {}).get("nodeName"),
    }


def _with_pods_for_addresses(cluster: Object) -> Object:
    nodes = [{**each, "address": each["pod"] or each["address"]} for each in cluster["nodes"]]
    return {**cluster, "nodes": nodes}


def _label(made: Object, name: str) -> str:
    labels: dict[str, str] = made["metadata"].get("labels") or {}
    return labels.get(name, "")


def _plain(address: str) -> str:
    """An address as all spell it: IPv6 has several ways, and brackets in some."""
    bare = address.strip("[]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare
