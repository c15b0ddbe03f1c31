"""A pool's life in a real cluster: its operator and pods are killed, it grows, shrinks and sleeps.

One pool for all tests of this file, with an operator beside the cluster as an account with just its
rules. Each test disturbs it while clients of both doors are at work; at its end their history is
linearizable, their counters add up, and the pool is well again.
"""

from __future__ import annotations

import json
import os
import shlex
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from blackbox import wait_for
from gateways import MORE, TABLE, AnyCluster, create_table
from history_load import Load
from operators import OperatorProcess, define_resources
from pools import LIFE_SECONDS, POOL, ZONES, Pool, is_serving
from stator_operator import naming
from stator_operator.objects.pod import HEALTH_PORT
from stator_operator.objects.stateful_set import FOLDER
from testbed.cluster import MACHINE_CLASS, STORAGE_CLASS, Cluster
from testbed.kubectl import KubectlFailed

FURTHER_TABLES = 5  # partitions enough that a second pod in each zone is given some
ZONE_LABEL = "topology.kubernetes.io/zone"
GONE_SECONDS = 120.0
# How long the API server is away; `STATOR_AWAY_SECONDS=600` is the ten minutes of the promise.
AWAY_SECONDS = float(os.environ.get("STATOR_AWAY_SECONDS", "60"))
PAUSE_SECONDS_MAX = 10.0
# Each of three pods waits until all has been whole for a while, more so where operators change.
ROLLED_SECONDS = 420.0
MEMORY_BYTES_MAX = 150 << 20

pytestmark = pytest.mark.timeout(900, func_only=True)


@dataclass(frozen=True, slots=True)
class Living:
    """The pool of this file and the operator that looks after it."""

    pool: Pool
    operator: OperatorProcess


@pytest.fixture(scope="module")
def living(
    running_cluster: AnyCluster, stator_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Living]:
    """A pool of one pod in each zone, with a table."""
    kubectl, folder = running_cluster.kubectl, tmp_path_factory.mktemp("life")
    with running_cluster.entered(), kubectl.namespace("life") as namespace:
        define_resources(kubectl)
        with OperatorProcess(kubectl, namespace, folder, stator_image) as operator:
            pool = Pool(running_cluster, namespace)
            # Volumes are lost with their machine, where machines are ours to lose.
            name = MACHINE_CLASS if isinstance(running_cluster, Cluster) else STORAGE_CLASS
            pool.make(replaceAfterSeconds=60, volume={"size": "1Gi", "storageClassName": name})
            pool.wait_until_well()
            with pool.client() as client:
                create_table(client)
            yield Living(pool, operator)
            pool.remove()


@pytest.fixture
def pool(living: Living) -> Iterator[Pool]:
    """The pool, when it is well. Whatever is done to it, its operator has seen nothing odd."""
    living.pool.wait_until_well()
    begin = len(living.operator.says())
    yield living.pool
    said = living.operator.says()[begin:]
    print(said[-5_000:])
    assert "Traceback" not in said


@pytest.fixture
def own_pool(pool: Pool) -> Pool:
    """The same, where nodes and images of its cluster are ours to change."""
    if not isinstance(pool.cluster, Cluster):
        pytest.skip("KUBECONFIG leads to somebody's cluster, which is not ours to hurt")
    return pool


@contextmanager
def under_load(pool: Pool, folder: Path, seed: int) -> Iterator[Load]:
    with pool.gateway() as gateway, gateway.under_load(folder, seed) as load:
        load.wait_for_success(60, MORE)
        yield load
        load.wait_for_success(60, MORE)


# ------------------------------------------------------------------------------ who stands where


def zones_of_nodes(pool: Pool) -> dict[str, str]:
    return {
        node["metadata"]["name"]: node["metadata"]["labels"][ZONE_LABEL]
        for node in pool.kubectl.items("nodes")
    }


def test_pods_stand_in_their_zones_and_a_gateway_is_told_its_own(pool: Pool) -> None:
    zones, pods = zones_of_nodes(pool), pool.storage("pods")
    found = {name: zones[each["spec"]["nodeName"]] for name, each in pods.items()}
    assert found == {pool.pod(zone): zone for zone in ZONES}

    (gateway,) = pool.of_component(naming.GATEWAY).values()
    # The environment of its process has it from this label.
    assert gateway["metadata"]["labels"][ZONE_LABEL] == zones[gateway["spec"]["nodeName"]]


# --------------------------------------------------------------------- operators and pods are lost


def test_nobody_notices_that_the_operator_is_killed(
    living: Living, pool: Pool, tmp_path: Path
) -> None:
    """While there is no operator all goes on; what was done meanwhile the next one puts right."""
    before, pods = pool.pod(ZONES[1]).removesuffix("-0"), pool.uids("pods")
    with under_load(pool, tmp_path, seed=1) as load:
        living.operator.kill()
        patch = json.dumps({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 1}}}})
        pool.kubectl("patch", "statefulset", before, f"--patch={patch}", pool.own)
        budget = naming.storage_service_name(POOL)
        pool.kubectl("delete", "poddisruptionbudget", budget, pool.own)
        load.wait_for_success(60, MORE)
        living.operator.start()

        def is_right() -> bool | None:
            found = pool.kubectl.get("statefulset", before, pool.own)
            seconds = found["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
            budgets = pool.kubectl.items("poddisruptionbudgets", pool.own)
            names = [each["metadata"]["name"] for each in budgets]
            return True if seconds == 60 and budget in names else None

        wait_for(is_right, "the children are as they were", 60)
    assert pool.uids("pods") == pods


def test_an_image_rolls_though_operators_are_killed(
    living: Living, own_pool: Pool, stator_image: str, tmp_path: Path
) -> None:
    """Each time that a pod has gone, so has the operator."""
    pool, operator, before = own_pool, living.operator, own_pool.uids("pods")
    image = f"{stator_image}-next"
    assert isinstance(pool.cluster, Cluster)
    pool.cluster.tag(stator_image, image)
    gone: set[str] = set()

    def all_are_new() -> bool | None:
        now = pool.uids("pods")
        assert serving(pool) >= len(ZONES) - 1, "two pods are away at one time"
        new = {name for name in now if now[name] != before[name]}
        if new - gone:
            gone.update(new)
            operator.kill()
            operator.start()
        return True if len(new) == len(ZONES) else None

    with under_load(pool, tmp_path, seed=2):
        pool.change(image=image)
        wait_for(all_are_new, "every pod is a new one", ROLLED_SECONDS)
        pool.wait_until_well()
    status = pool.kubectl.get("storagepool", POOL, pool.own)["status"]
    assert [each["updatedPods"] for each in status["zones"]] == [1, 1, 1]
    assert {images_of(each) for each in pool.storage("pods").values()} == {image}
    assert operator.resident_bytes() < MEMORY_BYTES_MAX


def serving(pool: Pool) -> int:
    """How many storage pods serve."""
    return sum(
        each["type"] == "Ready" and each["status"] == "True"
        for found in pool.storage("pods").values()
        for each in found.get("status", {}).get("conditions", ())
    )


def images_of(pod: dict[str, Any]) -> str:
    return " ".join(each["image"] for each in pod["spec"]["containers"])


def test_pods_are_killed_and_ended_one_after_the_other(pool: Pool, tmp_path: Path) -> None:
    with under_load(pool, tmp_path, seed=3) as load:
        # Without a word, then with one: preStop hands over what the pod leads.
        for zone, words in zip(ZONES, ("--grace-period=0 --force", "", ""), strict=True):
            delete(pool, pool.pod(zone), *shlex.split(words))
            pool.wait_until_ready(pool.pod(zone))
            pool.wait_until_well()
        # Nobody steers: items are served all the same.
        delete(pool, f"{naming.supervisor_name(POOL)}-0")
        load.wait_for_success(60, MORE)


def delete(pool: Pool, pod: str, *words: str) -> None:
    """Delete a pod, and wait until it is not there any more."""
    uid = pool.kubectl.get("pod", pod, pool.own)["metadata"]["uid"]
    pool.kubectl("delete", "pod", pod, "--wait=false", *words, pool.own)

    def is_gone() -> bool | None:
        found = pool.kubectl.items("pods", f"--field-selector=metadata.name={pod}", pool.own)
        return True if all(each["metadata"]["uid"] != uid for each in found) else None

    wait_for(is_gone, f"{pod} is gone", GONE_SECONDS)


def test_a_node_is_drained_and_taken_back(own_pool: Pool, tmp_path: Path) -> None:
    """Cordoned, and emptied by the eviction API: the machine of the pod that leads."""
    pool, kubectl = own_pool, own_pool.kubectl
    pod = pool.leader(TABLE)
    node = pool.storage("pods")[pod]["spec"]["nodeName"]
    selector = f"--pod-selector={naming.POOL_LABEL}={POOL}"
    with under_load(pool, tmp_path, seed=4) as load:
        kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", selector)
        try:
            assert not pool.is_ready(pod)
            load.wait_for_success(60, MORE)
        finally:
            kubectl("uncordon", node)
        pool.wait_until_ready(pod)
        pool.wait_until_well()


# ------------------------------------------------------------------------------------- volumes


def test_a_volume_that_is_deleted_and_one_that_is_replaced_are_made_whole_again(
    pool: Pool, tmp_path: Path
) -> None:
    before = pool.uids("pvc")
    with under_load(pool, tmp_path, seed=5) as load:
        # Somebody deletes a claim: it goes with its pod, which the operator sees to.
        lost = f"data-{pool.pod(ZONES[0])}"
        pool.kubectl("delete", "pvc", lost, "--wait=false", pool.own)
        wait_until_another(pool, lost, before)
        # Its pod will be ready before it has anything, so until then no drain takes a second one.
        assert evictable(pool) == 0
        pool.wait_until_well()
        wait_for(lambda: evictable(pool) or None, "one pod may be evicted again", LIFE_SECONDS)
        load.wait_for_success(60, MORE)
        # And one is replaced because a person asks for it.
        pod = pool.pod(ZONES[1])
        pool.kubectl("annotate", "pod", pod, f"{naming.REPLACE_ANNOTATION}=true", pool.own)
        wait_until_another(pool, f"data-{pod}", before)
        pool.wait_until_well()
    after = pool.uids("pvc")
    assert [name for name in before if after[name] == before[name]] == [
        f"data-{pool.pod(ZONES[2])}"
    ]


def evictable(pool: Pool) -> int:
    """How many storage pods their budget lets go."""
    name = naming.storage_service_name(pool.name)
    allowed: int = pool.kubectl.get("poddisruptionbudget", name, pool.own)["spec"]["maxUnavailable"]
    return allowed


def wait_until_another(pool: Pool, claim: str, before: dict[str, str]) -> None:
    def is_another() -> bool | None:
        return True if pool.uids("pvc").get(claim, before[claim]) != before[claim] else None

    wait_for(is_another, f"another {claim}", LIFE_SECONDS)


def test_volumes_grow_under_their_pods(pool: Pool, tmp_path: Path) -> None:
    before = pool.uids("pods")
    with under_load(pool, tmp_path, seed=6):
        pool.change(volume={"size": "2Gi"})
        wait_for(lambda: sizes(pool) == {"2Gi"} or None, "volumes have grown", LIFE_SECONDS)
        pool.wait_until_well()
    assert pool.uids("pods") == before


def sizes(pool: Pool) -> set[str]:
    return {each["status"]["capacity"]["storage"] for each in pool.storage("pvc").values()}


# -------------------------------------------------------------------------- more pods, fewer, none


def test_a_pool_grows_takes_a_scale_in_back_and_shrinks(pool: Pool, tmp_path: Path) -> None:
    with pool.client() as client, under_load(pool, tmp_path, seed=7) as load:
        for number in range(FURTHER_TABLES):
            create_table(client, f"Further-{number}")
        pool.change(podsPerZone=2)
        pool.wait_until_well()
        assert len(pool.storage("pods")) == 6
        load.wait_for_success(60, MORE)

        pool.change(podsPerZone=1)
        wait_for(lambda: pool.departures() or None, "pods begin to leave", LIFE_SECONDS)
        pool.change(podsPerZone=2)
        wait_for(lambda: pool.departures() == set() or None, "it is taken back", LIFE_SECONDS)
        pool.wait_until_well()
        assert len(pool.storage("pods")) == 6
        load.wait_for_success(60, MORE)

        pool.change(podsPerZone=1, volume={"whenScaled": "Delete"})
        wait_for(lambda: len(pool.storage("pods")) == 3 or None, "pods are gone", LIFE_SECONDS)
        wait_for(lambda: len(pool.storage("pvc")) == 3 or None, "volumes are gone", LIFE_SECONDS)
        pool.wait_until_well()


def test_a_pool_sleeps_and_wakes_with_all_that_was_written(own_pool: Pool, tmp_path: Path) -> None:
    """Clients go on asking all the time, and are answered again in the end."""
    pool = own_pool
    with under_load(pool, tmp_path, seed=8):
        pool.change(suspend=True)
        pool.wait_until("Suspended", reason="AsAsked")
        wait_for(
            lambda: pool.kubectl.items("pods", pool.own) == [] or None, "no pods", LIFE_SECONDS
        )
        assert len(pool.storage("pvc")) == 3

        pool.change(suspend=False)
        pool.wait_until_well()


# -------------------------------------------------------------- kept out, cut off, lost for good


def test_a_fenced_pod_is_not_missed_and_catches_up(pool: Pool, tmp_path: Path) -> None:
    """The pod that leads. Meanwhile its folder is closed, so that people can look at it."""
    pod = pool.leader(TABLE)
    uid, before = pool.uids("pods")[pod], restarts(pool, pod)
    with under_load(pool, tmp_path, seed=9) as load:
        began = time.monotonic()
        pool.kubectl("annotate", "pod", pod, f"{naming.FENCED_ANNOTATION}=true", pool.own)
        wait_for(lambda: restarts(pool, pod) > before or None, f"{pod} is kept out", LIFE_SECONDS)
        load.wait_for_success(60, MORE)
        said = wait_for(lambda: verified(pool, pod), "its folder can be looked at", 60)
        assert "sound" in said
        assert not pool.is_ready(pod)
        pool.wait_until("FullyReplicated", "False")

        pool.kubectl("annotate", "pod", pod, f"{naming.FENCED_ANNOTATION}-", pool.own)
        pool.wait_until_ready(pod)
        pool.wait_until_well()
        pause = load.longest_pause(began)
        print(f"a leader fenced: {pause:.2f} s without a write")
    assert pause < PAUSE_SECONDS_MAX
    assert pool.uids("pods")[pod] == uid


def restarts(pool: Pool, pod: str) -> int:
    statuses = pool.storage("pods")[pod]["status"].get("containerStatuses", ())
    return sum(each["restartCount"] for each in statuses)


def verified(pool: Pool, pod: str) -> str | None:
    """What `stator verify` says of the folder of a pod; None while that is open."""
    try:
        return pool.kubectl("exec", pod, pool.own, "--", "stator", "verify", FOLDER)
    except KubectlFailed:
        return None


@pytest.mark.timeout(900 + AWAY_SECONDS, func_only=True)
def test_a_pod_restarts_in_place_while_the_api_server_is_away(
    living: Living, own_pool: Pool, tmp_path: Path
) -> None:
    """Reads, writes and an election go on; the operator ends, and arrives when it is started."""
    pool, cluster = own_pool, own_pool.cluster
    assert isinstance(cluster, Cluster)
    pod = pool.storage("pods")[pool.leader(TABLE)]
    name, before = pod["metadata"]["name"], restarts(pool, pod["metadata"]["name"])
    (machine,) = [each for each in cluster.nodes if each.name == pod["spec"]["nodeName"]]
    with under_load(pool, tmp_path, seed=10) as load:
        back = time.monotonic() + AWAY_SECONDS
        cluster.control_plane.kill_api_server()
        try:
            load.wait_for_success(60, MORE)
            began = time.monotonic()
            machine.kill_container(name, "storage", pool.namespace)
            load.wait_for_success(60, MORE)
            wait_for(lambda: serves_at(pod["status"]["podIP"]), f"{name} serves again", 60)
            assert living.operator.ended() != 0, "it may not work without its Lease"
            living.operator.start()
            time.sleep(max(0.0, back - time.monotonic()))
            load.wait_for_success(60, MORE)
            pause = load.longest_pause(began)
        finally:
            cluster.control_plane.start_api_server()
        print(f"a leader killed without an API server: {pause:.2f} s without a write")
        wait_for(lambda: restarts(pool, name) > before or None, "the kubelet tells of it", 60)
        pool.change(replaceAfterSeconds=61)
        pool.wait_until_well()
    assert pause < PAUSE_SECONDS_MAX
    assert pool.uids("pods")[name] == pod["metadata"]["uid"]


def serves_at(address: str) -> bool | None:
    """Whether the pod of that address is ready, as a kubelet asks it."""
    try:
        with urllib.request.urlopen(f"http://{address}:{HEALTH_PORT}/ready", timeout=2) as answer:
            return answer.status == 200 or None
    except OSError:
        return None


def test_a_machine_is_lost_for_good_and_its_pod_gets_a_volume_on_another(
    own_pool: Pool, stator_image: str, tmp_path: Path
) -> None:
    """Its volumes are lost with it. As the playbook says: its Node object is deleted, once.

    It is the supervisor's machine, so nobody knows any more which tables there are, but the pods.
    Not the only gateway's, which would be missed until Kubernetes has cleared away.
    """
    pool, cluster, before = own_pool, own_pool.cluster, own_pool.uids("pvc")
    assert isinstance(cluster, Cluster)
    steering, record = naming.supervisor_pod_name(POOL), record_of(pool)
    machine = pool.of_component(naming.SUPERVISOR)[steering]["spec"]["nodeName"]
    (lost,) = [each for each in cluster.nodes if each.name == machine]
    move_gateway_from(pool, machine)
    pod = pool.pod(lost.zone)
    with under_load(pool, tmp_path, seed=11) as load:
        cluster.lose_node(lost)
        pool.kubectl.wait("condition=Ready=Unknown", f"node/{lost.name}")
        pool.kubectl("delete", "node", lost.name)
        other = cluster.add_node(lost.zone)
        load.wait_for_success(60, MORE)
        cluster.wait_until_ready(other)
        other.tag(stator_image, f"{stator_image}-next")
        wait_for(lambda: record_of(pool) != record or None, "another record", LIFE_SECONDS)
        wait_until_another(pool, f"data-{pod}", before)
        pool.wait_until_ready(pod)
        pool.wait_until_well()
        assert "is rebuilt from what 2 pods hold" in pool.kubectl("logs", steering, pool.own)
        with pool.client() as client:
            assert TABLE in client.list_tables()["TableNames"]
            create_table(client, "After")
            client.delete_table(TableName="After")
        cut(pool)
        load.wait_for_success(60, MORE)
        pool.wait_until_well()
    assert pool.storage("pods")[pod]["spec"]["nodeName"] == other.name
    after = pool.uids("pvc")
    assert {name for name in before if after[name] != before[name]} == {f"data-{pod}"}


def record_of(pool: Pool) -> str:
    """The uid of the supervisor's claim; empty while it has none."""
    claims = pool.of_component(naming.SUPERVISOR, "pvc").values()
    return next((str(each["metadata"]["uid"]) for each in claims), "")


def move_gateway_from(pool: Pool, machine: str) -> None:
    """Have the pool's gateway run on another machine than this one."""

    def elsewhere() -> bool | None:
        gateways = pool.of_component(naming.GATEWAY).values()
        places = [each["spec"].get("nodeName") for each in gateways if is_serving(each)]
        return True if places and machine not in places else None

    pool.kubectl("cordon", machine)
    try:
        for name, gateway in pool.of_component(naming.GATEWAY).items():
            if gateway["spec"]["nodeName"] == machine:
                pool.kubectl("delete", "pod", name, pool.own)
        wait_for(elsewhere, "a gateway on another machine", LIFE_SECONDS)
    finally:
        pool.kubectl("uncordon", machine)


def cut(pool: Pool) -> None:
    """Have a person split the table, and see that it was."""

    def count() -> int:
        words = ("partitions", f"--field-selector=spec.tableName={TABLE}", pool.own)
        return len(pool.kubectl.items(*words))

    before, steering = count(), naming.supervisor_pod_name(POOL)
    words = ("stator", "cluster", "split", TABLE, "--folder", FOLDER)
    print(pool.kubectl("exec", steering, pool.own, "--", *words))
    wait_for(lambda: count() == before + 1 or None, "a partition more", 60)
