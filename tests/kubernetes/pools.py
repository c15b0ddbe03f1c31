"""A pool of the tests in this folder: a namespace and its StoragePool, to be asked and changed.

Used with a cluster whose nodes run pods, and with an operator beside it (`operators.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from blackbox import wait_for
from gateways import AnyCluster, Gateway, gateway_of
from resource_changes import an_object
from stator_operator import naming
from testbed.cluster import STORAGE_CLASS

Object = dict[str, Any]

POOL = "default"
ZONES = ["zone-1", "zone-2", "zone-3"]
SMALL = {"requests": {"cpu": "20m", "memory": "64Mi"}}
STORAGE = {
    "zones": ZONES,
    "volume": {"size": "1Gi", "storageClassName": STORAGE_CLASS},
    "resources": SMALL,
    "gateway": {"replicas": 1, "resources": SMALL},
}
LIFE_SECONDS = 240.0


class Pool:
    """A pool in a namespace of its own."""

    def __init__(self, cluster: AnyCluster, namespace: str, name: str = POOL) -> None:
        self.cluster = cluster
        self.kubectl = cluster.kubectl
        self.namespace = namespace
        self.name = name
        self.own = f"--namespace={namespace}"

    def make(self, **spec: Any) -> None:
        body = an_object("StoragePool", {**STORAGE, **spec})
        body["metadata"]["name"] = self.name
        self.kubectl.apply(body, namespace=self.namespace)

    def change(self, **spec: Any) -> None:
        patch = json.dumps({"spec": spec})
        words = ("storagepool", self.name, "--type=merge", f"--patch={patch}", self.own)
        self.kubectl("patch", *words)

    def remove(self) -> None:
        """All pods: they hand over and end, before their nodes may."""
        self.kubectl("delete", "storagepools", "--all", self.own)

        def is_gone() -> bool | None:
            return True if self.kubectl.items("pods", self.own) == [] else None

        wait_for(is_gone, "all pods are gone", 120)

    # Clients.

    def gateway(self) -> AbstractContextManager[Gateway]:
        return gateway_of(self.cluster, self.name, self.namespace)

    @contextmanager
    def client(self) -> Iterator[Any]:
        """boto3 at the pool's gateway, as its first administrator."""
        with self.gateway() as gateway, gateway.client() as client:
            yield client

    # What is there.

    def wait_until(self, condition: str, value: str = "True", reason: str = "") -> None:
        """Until a condition of this very generation says so."""

        def said() -> bool | None:
            body = self.kubectl.get("storagepool", self.name, self.own)
            for each in body.get("status", {}).get("conditions", ()):
                newest = each["observedGeneration"] == body["metadata"]["generation"]
                if each["type"] == condition and each["status"] == value and newest:
                    return True if reason in ("", each["reason"]) else None
            return None

        wait_for(said, f"{condition} is {value} {reason}", LIFE_SECONDS)

    def wait_until_well(self) -> None:
        self.wait_until("Ready")
        self.wait_until("FullyReplicated")
        self.wait_until("Progressing", "False")

    def storage(self, kind: str) -> dict[str, Object]:
        """The storage pods, or their claims, by name."""
        return self.of_component(naming.STORAGE, kind)

    def of_component(self, component: str, kind: str = "pods") -> dict[str, Object]:
        selector = ",".join(
            f"{key}={value}" for key, value in naming.selector(self.name, component).items()
        )
        found = self.kubectl.items(kind, f"--selector={selector}", self.own)
        return {each["metadata"]["name"]: each for each in found}

    def uids(self, kind: str) -> dict[str, str]:
        """The uid of each storage pod, or claim."""
        return {name: each["metadata"]["uid"] for name, each in self.storage(kind).items()}

    def pod(self, zone: str) -> str:
        """The name of the first storage pod of a zone."""
        return f"{self.name}-{zone}-0"

    def is_ready(self, pod: str) -> bool:
        """Whether the storage pod of that name serves, and is not on its way out."""
        found = self.storage("pods").get(pod)
        return found is not None and is_serving(found)

    def wait_until_ready(self, pod: str) -> None:
        wait_for(lambda: self.is_ready(pod) or None, f"{pod} serves", LIFE_SECONDS)

    def leader(self, table: str) -> str:
        """The pod that leads the first partition of the table, as its Partition object says."""

        def look() -> str | None:
            words = ("partitions", f"--field-selector=spec.tableName={table}", self.own)
            for found in self.kubectl.items(*words):
                leader: str | None = found.get("status", {}).get("leader")
                return leader
            return None

        found: str = wait_for(look, f"a leader of {table}", LIFE_SECONDS)
        return found

    def departures(self) -> set[str]:
        """What claims are marked with on their pods' way out."""
        return {
            each["metadata"].get("annotations", {}).get(naming.DEPARTURE_ANNOTATION, "")
            for each in self.storage("pvc").values()
        } - {""}


def is_serving(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]
