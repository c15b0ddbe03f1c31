"""A pool's life in a real cluster: it grows, shrinks, sleeps, and loses volumes, under load.

The operator is a process beside the cluster, as an account with just its rules; the pods are real.
Each test ends with every write that was acknowledged read again, and leaves a pool that is well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackbox import boto3_client, wait_for
from music_load import Load, create_music, is_there
from operators import OperatorProcess
from resource_changes import an_object
from stator_operator import naming
from stator_operator.custom_resources import RESOURCES
from test_tables_in_a_cluster import STORAGE, Place
from testbed.cluster import Cluster
from testbed.given import GivenCluster

AnyCluster = Cluster | GivenCluster
Object = dict[str, Any]
ZONES = STORAGE["zones"]
FURTHER_TABLES = 5  # partitions enough that a second pod in each zone is given some
LIFE_SECONDS = 240.0

pytestmark = pytest.mark.timeout(900, func_only=True)


class Pool(Place):
    """The pool of a test, and a client of its gateway."""

    client_made: Any

    def patch_pool(self, **spec: Any) -> None:
        patch = json.dumps({"spec": spec})
        self.kubectl(
            "patch", "storagepool", self.pool, "--type=merge", f"--patch={patch}", self.own
        )

    def wait_until(self, condition: str, value: str = "True", reason: str = "") -> None:
        """Until a condition of this very generation says so."""

        def said() -> bool | None:
            body = self.kubectl.get("storagepool", self.pool, self.own)
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
        selector = ",".join(
            f"{key}={value}" for key, value in naming.selector(self.pool, naming.STORAGE).items()
        )
        found = self.kubectl.items(kind, f"--selector={selector}", self.own)
        return {each["metadata"]["name"]: each for each in found}

    def departures(self) -> set[str]:
        """What claims are marked with on their pods' way out."""
        return {
            each["metadata"].get("annotations", {}).get(naming.DEPARTURE_ANNOTATION, "")
            for each in self.storage("pvc").values()
        } - {""}


@pytest.fixture
def pool(cluster: AnyCluster, stator_image: str, tmp_path: Path) -> Iterator[tuple[Pool, Any]]:
    """A pool of one pod in each zone, with a table, and a client of its gateway."""
    kubectl = cluster.kubectl
    kubectl.apply(*(each.definition() for each in RESOURCES), server_side=True)
    for each in RESOURCES:
        kubectl.wait("condition=Established", "crd", f"{each.plural}.stator.dev")
    with (
        kubectl.namespace("life") as namespace,
        OperatorProcess(kubectl, namespace, tmp_path, stator_image) as operator,
    ):
        made = Pool(kubectl, namespace, "default")
        body = an_object("StoragePool", {**STORAGE, "replaceAfterSeconds": 60})
        body["metadata"]["name"] = made.pool
        kubectl.apply(body, namespace=namespace)
        try:
            made.wait_until("Ready")
            with made.client() as client:
                create_music(client)
                yield made, client
        except BaseException:
            print(operator.says()[-5_000:])
            raise
        made.remove()


def assert_nothing_is_lost(client: Any, load: Load) -> None:
    missing = [key for key in load.written if not is_there(client, key)]
    assert missing == []
    assert load.written


def create_further_tables(client: Any) -> None:
    for number in range(FURTHER_TABLES):
        client.create_table(
            TableName=f"Further-{number}",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )


def test_a_volume_that_is_deleted_and_one_that_is_replaced_are_made_whole_again(
    pool: tuple[Pool, Any],
) -> None:
    made, client = pool
    before = {name: each["metadata"]["uid"] for name, each in made.storage("pvc").items()}
    with Load(client) as load:
        load.wait_for_more(20)
        # Somebody deletes a claim: it goes with its pod, which the operator sees to.
        lost = f"data-{made.pool}-{ZONES[0]}-0"
        made.kubectl("delete", "pvc", lost, "--wait=false", made.own)
        wait_for(lambda: _is_another(made, lost, before), "another volume", LIFE_SECONDS)
        made.wait_until_well()
        load.wait_for_more(20)
        # And one is replaced because a person asks for it.
        pod = f"{made.pool}-{ZONES[1]}-0"
        made.kubectl("annotate", "pod", pod, f"{naming.REPLACE_ANNOTATION}=true", made.own)
        wait_for(lambda: _is_another(made, f"data-{pod}", before), "another one", LIFE_SECONDS)
        made.wait_until_well()
        load.wait_for_more(20)

    assert_nothing_is_lost(client, load)
    after = {name: each["metadata"]["uid"] for name, each in made.storage("pvc").items()}
    assert [name for name in before if after[name] == before[name]] == [
        f"data-{made.pool}-{ZONES[2]}-0"
    ]


def _is_another(made: Pool, claim: str, before: dict[str, str]) -> bool | None:
    found = made.storage("pvc").get(claim)
    return True if found is not None and found["metadata"]["uid"] != before[claim] else None


def test_a_gateway_is_told_the_zone_that_it_stands_in(pool: tuple[Pool, Any]) -> None:
    """The environment of its process has it from this label."""
    made, _ = pool
    label = "topology.kubernetes.io/zone"
    zones = {
        each["metadata"]["name"]: each["metadata"]["labels"][label]
        for each in made.kubectl.items("nodes")
    }
    selector = f"--selector={naming.COMPONENT_LABEL}={naming.GATEWAY}"
    (gateway,) = made.kubectl.items("pods", selector, made.own)

    assert gateway["metadata"]["labels"][label] == zones[gateway["spec"]["nodeName"]]


def test_a_pool_grows_takes_a_scale_in_back_and_shrinks(pool: tuple[Pool, Any]) -> None:
    made, client = pool
    with Load(client) as load:
        create_further_tables(client)
        made.patch_pool(podsPerZone=2)
        made.wait_until_well()
        assert len(made.storage("pods")) == 6
        load.wait_for_more(20)

        made.patch_pool(podsPerZone=1)
        wait_for(lambda: made.departures() or None, "pods begin to leave", LIFE_SECONDS)
        made.patch_pool(podsPerZone=2)
        wait_for(lambda: made.departures() == set() or None, "it is taken back", LIFE_SECONDS)
        made.wait_until_well()
        assert len(made.storage("pods")) == 6
        load.wait_for_more(20)

        made.patch_pool(podsPerZone=1, volume={"whenScaled": "Delete"})
        wait_for(lambda: len(made.storage("pods")) == 3 or None, "pods are gone", LIFE_SECONDS)
        wait_for(lambda: len(made.storage("pvc")) == 3 or None, "volumes are gone", LIFE_SECONDS)
        made.wait_until_well()
        load.wait_for_more(20)

    assert_nothing_is_lost(client, load)


def test_volumes_grow_under_their_pods(pool: tuple[Pool, Any]) -> None:
    made, client = pool
    before = {name: each["metadata"]["uid"] for name, each in made.storage("pods").items()}
    with Load(client) as load:
        made.patch_pool(volume={"size": "2Gi"})
        wait_for(lambda: _sizes(made) == {"2Gi"} or None, "volumes have grown", LIFE_SECONDS)
        made.wait_until_well()
        load.wait_for_more(20)

    assert_nothing_is_lost(client, load)
    after = {name: each["metadata"]["uid"] for name, each in made.storage("pods").items()}
    assert after == before


def _sizes(made: Pool) -> set[str]:
    return {each["status"]["capacity"]["storage"] for each in made.storage("pvc").values()}


def test_a_pool_sleeps_and_wakes_with_all_that_was_written(pool: tuple[Pool, Any]) -> None:
    made, client = pool
    with Load(client) as load:
        load.wait_for_more(50)
    made.patch_pool(suspend=True)
    made.wait_until("Suspended", reason="AsAsked")
    wait_for(lambda: made.kubectl.items("pods", made.own) == [] or None, "no pods", LIFE_SECONDS)
    assert len(made.storage("pvc")) == 3

    made.patch_pool(suspend=False)
    made.wait_until_well()
    with made.gateway() as (address, key):
        again = boto3_client(address, *key)
        wait_for(lambda: _tables(again), "tables are found again", LIFE_SECONDS)
        assert_nothing_is_lost(again, load)
        again.close()


def _tables(client: Any) -> list[str] | None:
    try:
        names: list[str] = client.list_tables()["TableNames"]
    except client.exceptions.ClientError:
        return None
    return names or None
