"""A planned pool in a real cluster: three zones, a table by boto3, and pods that are lost."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from blackbox import boto3_client, wait_for
from music_load import Load, create_music, is_there
from resource_changes import an_object
from sample_pool import SETTINGS
from stator_node.gateway.access_keys import parse_file
from stator_operator.custom_resources import RESOURCES
from stator_operator.pool_actions import Apply
from stator_operator.pool_observation import ObservedPool
from stator_operator.pool_plan import plan
from stator_operator.pool_secrets import Create, plan_secrets
from stator_operator.storage_pool import pool_of
from testbed.cluster import STORAGE_CLASS, Cluster
from testbed.given import GivenCluster
from testbed.kubectl import Kubectl

AnyCluster = Cluster | GivenCluster
SMALL = {"requests": {"cpu": "20m", "memory": "64Mi"}}
ZONES = ["zone-1", "zone-2", "zone-3"]
STARTED_SECONDS = 180.0


class Deployed:
    """A pool whose pods serve, in a namespace of its own."""

    def __init__(self, kubectl: Kubectl, namespace: str) -> None:
        self.kubectl = kubectl
        self.own = f"--namespace={namespace}"

    def deploy(self, image: str, namespace: str) -> None:
        """What the operator's reconcile does: plan, and apply."""
        self.kubectl.apply(*(each.definition() for each in RESOURCES), server_side=True)
        self.kubectl.wait("condition=Established", "crd", "storagepools.stator.dev")
        spec = {
            "zones": ZONES,
            "volume": {"size": "1Gi", "storageClassName": STORAGE_CLASS},
            "resources": SMALL,
            "gateway": {"replicas": 1, "resources": SMALL},
        }
        self.kubectl.apply(an_object("StoragePool", spec), namespace=namespace)
        settings = replace(SETTINGS, image=image)
        pool = pool_of(self.kubectl.get("storagepool", "one", self.own), settings, None)
        secrets = plan_secrets(pool, {}, time.time()).actions
        actions = (*secrets, *plan(pool, ObservedPool()).actions)
        bodies = [each.body for each in actions if isinstance(each, Apply | Create)]
        for body in bodies:
            if body["metadata"]["name"] == "one-supervisor" and body["kind"] == "StatefulSet":
                (supervisor,) = body["spec"]["template"]["spec"]["containers"]
                # There is no operator here to ask: clients keep the tables themselves.
                supervisor["args"].remove("--tables-by-operator")
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
        self.kubectl("apply", "--server-side", "-f-", given=given)

    def access_key(self) -> tuple[str, str]:
        """The first administrator's key: its id and secret."""
        secret = self.kubectl.get("secret", "one-access-keys", self.own)
        text = base64.b64decode(secret["data"]["access-keys"]).decode()
        (key,) = parse_file(text, "access-keys").values()
        return key.access_key_id, key.secret_access_key

    def wait_until_ready(self) -> None:
        names = ("one-supervisor-0", *(f"one-{zone}-0" for zone in ZONES))
        wait_for(
            lambda: True if all(self.is_ready(name) for name in names) else None,
            "all pods serve",
            STARTED_SECONDS,
        )
        self.kubectl("rollout", "status", "deployment/one-gateway", "--timeout=60s", self.own)

    def remove(self) -> None:
        """The pool and all its pods: they hand over and end, before their nodes may."""
        self.kubectl("delete", "storagepool", "one", self.own)
        wait_for(
            lambda: True if self.kubectl.items("pods", self.own) == [] else None, "all gone", 120
        )

    def is_ready(self, pod: str) -> bool:
        """Whether the pod of that name serves, and is not on its way out."""
        for found in self.kubectl.items("pods", self.own):
            if found["metadata"]["name"] == pod and "deletionTimestamp" not in found["metadata"]:
                conditions = found.get("status", {}).get("conditions", [])
                return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
        return False


@pytest.fixture
def deployed(cluster: AnyCluster, stator_image: str) -> Iterator[tuple[Deployed, Any]]:
    """The pool, and a boto3 client of its gateway."""
    with cluster.kubectl.namespace("pool") as namespace:
        made = Deployed(cluster.kubectl, namespace)
        made.deploy(stator_image, namespace)
        made.wait_until_ready()
        with cluster.kubectl.forward("svc/one-gateway", 8000, namespace) as port:
            client = boto3_client(f"http://127.0.0.1:{port}", *made.access_key())
            yield made, client
            client.close()
        made.remove()


def test_pods_serve_a_table_and_lose_nothing_when_pods_are_lost(
    deployed: tuple[Deployed, Any],
) -> None:
    pool, client = deployed
    create_music(client)
    with Load(client) as load:
        load.wait_for_more(20)
        # Without a word, then with one: preStop hands over what the pod leads.
        for zone, words in zip(ZONES, (("--grace-period=0", "--force"), (), ()), strict=True):
            pod = f"one-{zone}-0"
            pool.kubectl("delete", "pod", pod, "--wait=false", *words, pool.own)
            load.wait_for_more(20)
            wait_for(lambda pod=pod: True if pool.is_ready(pod) else None, f"{pod} is back", 120)
            load.wait_for_more(20)
        # Nobody steers: items are served all the same.
        pool.kubectl("delete", "pod", "one-supervisor-0", "--wait=false", pool.own)
        load.wait_for_more(20)

    missing = [key for key in load.written if not is_there(client, key)]
    assert missing == []
    assert len(load.written) > 10 * load.failed


def test_pods_stand_in_their_zones(deployed: tuple[Deployed, Any]) -> None:
    pool, _ = deployed
    zones = {
        node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"]
        for node in pool.kubectl.items("nodes")
    }
    pods = pool.kubectl.items("pods", "--selector=app.kubernetes.io/component=storage", pool.own)

    assert {pod["metadata"]["name"]: zones[pod["spec"]["nodeName"]] for pod in pods} == {
        f"one-{zone}-0": zone for zone in ZONES
    }
