"""The operator in a real cluster of three zones: a StoragePool serves boto3, whatever is killed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackbox import boto3_client, wait_for
from music_load import Load, create_music, is_there
from operators import OperatorProcess
from resource_changes import an_object
from stator_operator.custom_resources import RESOURCES
from testbed.cluster import STORAGE_CLASS, Cluster
from testbed.given import GivenCluster
from testbed.kubectl import Kubectl

AnyCluster = Cluster | GivenCluster
ZONES = ["zone-1", "zone-2", "zone-3"]
STORAGE = "--selector=app.kubernetes.io/component=storage"
STARTED_SECONDS = 180.0
# Each of three pods waits until all has been whole for a while, more so where operators change.
ROLLED_SECONDS = 420.0
MEMORY_BYTES_MAX = 150 << 20


def resources(memory: str) -> dict[str, Any]:
    return {"requests": {"cpu": "20m", "memory": memory}}


class Served:
    """A pool in a namespace of its own, and the operator that serves it."""

    def __init__(self, kubectl: Kubectl, namespace: str, operator: OperatorProcess) -> None:
        self.kubectl = kubectl
        self.namespace = namespace
        self.own = f"--namespace={namespace}"
        self.operator = operator

    def make(self) -> None:
        spec = {
            "zones": ZONES,
            "volume": {"size": "1Gi", "storageClassName": STORAGE_CLASS},
            "resources": resources("64Mi"),
            "gateway": {"replicas": 1, "resources": resources("64Mi")},
        }
        self.kubectl.apply(an_object("StoragePool", spec), namespace=self.namespace)

    def change(self, **spec: Any) -> None:
        patch = json.dumps({"spec": spec})
        self.kubectl("patch", "storagepool", "one", "--type=merge", f"--patch={patch}", self.own)

    def wait_until_whole(self) -> None:
        for what in ("Ready", "FullyReplicated"):
            self.kubectl.wait(
                f"condition={what}", "storagepool/one", self.own, seconds=STARTED_SECONDS
            )
        words = ("status", "deployment/one-gateway", "--timeout=60s", self.own)
        self.kubectl("rollout", *words)

    def pods(self) -> dict[str, str]:
        """The uid of each storage pod."""
        found = self.kubectl.items("pods", STORAGE, self.own)
        return {each["metadata"]["name"]: each["metadata"]["uid"] for each in found}

    def serving(self) -> int:
        """How many storage pods serve."""
        found = self.kubectl.items("pods", STORAGE, self.own)
        return sum(
            each["type"] == "Ready" and each["status"] == "True"
            for pod in found
            for each in pod.get("status", {}).get("conditions", ())
        )

    def access_key(self) -> tuple[str, str]:
        """The first administrator's key: its id and secret."""
        secret = self.kubectl.get("secret", "one-access-keys", self.own)
        text = base64.b64decode(secret["data"]["access-keys"]).decode()
        (line,) = [each for each in text.splitlines() if not each.startswith("#")]
        name, word = line.split()
        return name, word

    def remove(self) -> None:
        """The pool and all its pods: they hand over and end, before their nodes may."""
        self.kubectl("delete", "storagepool", "one", self.own)

        def is_gone() -> bool | None:
            return True if self.kubectl.items("pods", self.own) == [] else None

        wait_for(is_gone, "all pods are gone", 120)


@pytest.fixture
def served(cluster: AnyCluster, stator_image: str, tmp_path: Path) -> Iterator[Served]:
    kubectl = cluster.kubectl
    kubectl.apply(*(each.definition() for each in RESOURCES), server_side=True)
    kubectl.wait("condition=Established", "crd", "storagepools.stator.dev")
    with (
        kubectl.namespace("operator") as namespace,
        OperatorProcess(kubectl, namespace, tmp_path, stator_image) as operator,
    ):
        made = Served(kubectl, namespace, operator)
        made.make()
        made.wait_until_whole()
        yield made
        made.remove()


@pytest.mark.timeout(900, func_only=True)
def test_a_pool_serves_boto3_whenever_its_operator_is_killed(served: Served) -> None:
    with served.kubectl.forward("svc/one-gateway", 8000, served.namespace) as port:
        client = boto3_client(f"http://127.0.0.1:{port}", *served.access_key())
        create_music(client)
        with Load(client) as load:
            load.wait_for_more(20)
            nobody_is_needed(served, load)
            pods_are_restarted_by_whoever_is_there(served, load)
            load.wait_for_more(20)
        missing = [key for key in load.written if not is_there(client, key)]
        client.close()

    assert missing == []
    assert len(load.written) > 10 * load.failed
    assert served.operator.resident_bytes() < MEMORY_BYTES_MAX
    assert "Traceback" not in served.operator.says()


def nobody_is_needed(served: Served, load: Load) -> None:
    """While there is no operator all goes on; what was done meanwhile the next one puts right."""
    served.operator.kill()
    patch = json.dumps({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 1}}}})
    served.kubectl("patch", "statefulset", "one-zone-2", f"--patch={patch}", served.own)
    served.kubectl("delete", "poddisruptionbudget", "one-storage", served.own)
    before = served.pods()
    load.wait_for_more(20)
    served.operator.start()

    def is_right() -> bool | None:
        found = served.kubectl.get("statefulset", "one-zone-2", served.own)
        seconds = found["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        budgets = served.kubectl.items("poddisruptionbudgets", served.own)
        names = [each["metadata"]["name"] for each in budgets]
        return True if seconds == 60 and "one-storage" in names else None

    wait_for(is_right, "the children are as they were", 60)
    assert served.pods() == before
    load.wait_for_more(20)


def pods_are_restarted_by_whoever_is_there(served: Served, load: Load) -> None:
    """A change that every pod needs; each time that one has gone, so has the operator."""
    before = served.pods()
    served.change(resources=resources("65Mi"))
    gone: set[str] = set()

    def all_are_new() -> bool | None:
        now = served.pods()
        assert served.serving() >= len(ZONES) - 1, "two pods are away at one time"
        new = {name for name in now if now[name] != before[name]}
        if new - gone:
            gone.update(new)
            served.operator.kill()
            served.operator.start()
            load.wait_for_more(5)
        return True if len(new) == len(ZONES) else None

    wait_for(all_are_new, "every pod is a new one", ROLLED_SECONDS)
    served.wait_until_whole()
    status = served.kubectl.get("storagepool", "one", served.own)["status"]
    assert [each["updatedPods"] for each in status["zones"]] == [1, 1, 1]
    found = served.kubectl.items("pods", STORAGE, served.own)
    asked = {each["spec"]["containers"][0]["resources"]["requests"]["memory"] for each in found}
    assert asked == {"65Mi"}
