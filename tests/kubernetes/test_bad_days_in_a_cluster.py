"""Bad days of one pool in a real cluster: another cluster's volume, machines that are drained."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackbox import wait_for
from gateways import TABLE, AnyCluster, create_table
from operators import OperatorProcess, define_resources
from pods import ZONE, pod_spec, restricted_container
from pools import ZONES, Pool, is_serving
from stator_operator import naming
from stator_operator.objects.stateful_set import FOLDER
from testbed.cluster import STORAGE_CLASS, Cluster
from testbed.kubectl import Kubectl

Object = dict[str, Any]
ELSEWHERE = "elsewhere"  # a pod of another cluster
STATOR_USER = 65_532
SECONDS = 120.0

pytestmark = pytest.mark.timeout(600, func_only=True)


class Exchanged(Pool):
    """The pool, and the node of the other cluster whose volume it got."""

    node_id: str


@pytest.fixture(scope="module")
def made(
    running_cluster: AnyCluster, stator_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exchanged]:
    """A pool, one of whose claims is bound to a volume with the data of another cluster."""
    with running_cluster.entered():
        kubectl = running_cluster.kubectl
        define_resources(kubectl)
        folder: Path = tmp_path_factory.mktemp("operator")
        with (
            kubectl.namespace("bad-days") as namespace,
            OperatorProcess(kubectl, namespace, folder, stator_image) as operator,
        ):
            pool = Exchanged(running_cluster, namespace)
            try:
                kubectl.apply(claim_of(pool), namespace=namespace)
                pool.node_id = run_elsewhere(kubectl, namespace, stator_image)
                end_elsewhere(kubectl, namespace)
                pool.make()
                yield pool
            except BaseException:
                print(operator.says()[-5_000:])
                raise
            pool.remove()


def claim_of(pool: Pool) -> Object:
    """The claim that the first zone's pod will find, as if somebody had exchanged volumes."""
    labels = naming.labels(pool.name, naming.STORAGE) | {naming.ZONE_LABEL: ZONES[0]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"data-{pool.pod(ZONES[0])}", "labels": labels},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": STORAGE_CLASS,
        },
    }


def run_elsewhere(kubectl: Kubectl, namespace: str, image: str) -> str:
    """Run a storage pod of another cluster on that claim. The id of its node."""
    words = ["node", f"--folder={FOLDER}", "--cluster-id=another", f"--zone={ZONES[0]}"]
    mounts = [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}]
    container = restricted_container("storage", image, args=words, volumeMounts=mounts)
    container["imagePullPolicy"] = "IfNotPresent"
    claim = {"claimName": f"data-default-{ZONES[0]}-0"}
    spec = pod_spec(
        container,
        user=STATOR_USER,
        nodeSelector={ZONE: ZONES[0]},
        volumes=[
            {"name": "data", "persistentVolumeClaim": claim},
            {"name": "tmp", "emptyDir": {}},
        ],
    )
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": ELSEWHERE}, "spec": spec}
    kubectl.apply(body, namespace=namespace)
    own = f"--namespace={namespace}"

    def node_id() -> str | None:
        phase = kubectl.get("pod", ELSEWHERE, own).get("status", {}).get("phase")
        said = kubectl("logs", ELSEWHERE, own) if phase == "Running" else ""
        return said.partition("Stator node ")[2].partition(" is ready")[0] or None

    return wait_for(node_id, "the other cluster's node serves", SECONDS)


def end_elsewhere(kubectl: Kubectl, namespace: str) -> None:
    kubectl("delete", "pod", ELSEWHERE, f"--namespace={namespace}")


def test_a_volume_of_another_cluster_is_refused_left_alone_and_said(
    made: Exchanged, stator_image: str
) -> None:
    pod = made.pod(ZONES[0])

    def refused() -> str | None:
        body = made.kubectl.get("storagepool", made.name, made.own)
        for each in body.get("status", {}).get("conditions", ()):
            if (each["type"], each["reason"]) == ("Accepted", "PodRefuses"):
                return str(each["message"])
        return None

    message = wait_for(refused, "the pool's condition says so", SECONDS)
    assert f"pod {pod} does not start: {FOLDER} is of cluster another, and this is" in message
    assert "give the pod another volume, or this volume its own cluster" in message
    selector = "--field-selector=involvedObject.kind=StoragePool,reason=PodRefuses"
    wait_for(lambda: made.kubectl.items("events", selector, made.own) or None, "an Event says so")
    (event, *_) = made.kubectl.items("events", selector, made.own)
    assert event["type"] == "Warning"
    assert "is of cluster another" in event["message"]

    # What lies there is whole: its own cluster goes on from it.
    assert run_elsewhere(made.kubectl, made.namespace, stator_image) == made.node_id
    end_elsewhere(made.kubectl, made.namespace)

    # One of the two ways out that the message names.
    made.kubectl("annotate", "pod", pod, f"{naming.REPLACE_ANNOTATION}=true", made.own)
    made.wait_until_well()
    made.wait_until("Accepted")


def test_machines_that_are_drained_one_after_the_other_take_one_copy_away_at_a_time(
    made: Exchanged, own_cluster: Cluster
) -> None:
    """The next drain begins at once: the budget has it wait until the pod before has caught up."""
    made.wait_until_well()
    with made.client() as client:
        create_table(client)
    machines = {
        each["metadata"]["labels"][ZONE]: each["metadata"]["name"]
        for each in own_cluster.kubectl.items("nodes")
    }
    with Away(made) as away:
        for zone in ZONES[:2]:
            drain(made, machines[zone])
            try:
                with made.client() as client:
                    for number in range(20):
                        key = {"pk": {"S": f"without {zone} {number}"}}
                        client.put_item(TableName=TABLE, Item=key)
            finally:
                made.kubectl("uncordon", machines[zone])
    assert away.at_most == 1
    made.wait_until_well()
    with made.client() as client:
        assert client.scan(TableName=TABLE, ConsistentRead=True)["Count"] == 40


def drain(made: Pool, machine: str) -> None:
    selector = f"--pod-selector={naming.POOL_LABEL}={made.name}"
    words = ("--ignore-daemonsets", "--delete-emptydir-data", selector, "--timeout=110s")
    made.kubectl("drain", machine, *words, seconds=SECONDS)


class Away:
    """Looks all the time how many storage pods do not serve. `at_most`: at one time."""

    def __init__(self, made: Pool) -> None:
        self._made = made
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.at_most = 0

    def __enter__(self) -> Away:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(0.1):
            pods = self._made.storage("pods").values()
            serving = sum(map(is_serving, pods))
            self.at_most = max(self.at_most, len(ZONES) - serving)
