"""The operator's process against a real API server: as an account with its own rules, no more.

Kubernetes' controllers are there, nodes are not: what pods do is for `test_operator_in_a_cluster`.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from operators import ACCOUNT, WAIT_SECONDS, OperatorProcess, account_objects
from resource_changes import pool
from stator_operator.naming import ACCESS_KEYS_VERSION_ANNOTATION, COMPONENT_LABEL
from stator_operator.operator_settings import LEASE_NAME
from testbed.control_plane import ControlPlane
from testbed.kubectl import Kubectl, KubectlFailed

CRDS = Path(__file__).resolve().parents[2] / "crds"
IMAGE = "localhost/stator:test"
KINDS = "statefulsets,deployments,services,poddisruptionbudgets,networkpolicies"
CHILDREN = 13
MEMORY_BYTES_MAX = 150 << 20


@pytest.fixture(scope="module")
def kubectl(api_server: Any) -> Kubectl:
    made: Kubectl = api_server.kubectl
    know_resources(made)
    return made


def know_resources(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", f"--filename={CRDS}")
    kubectl.wait("condition=Established", "crd", "storagepools.stator.dev", "tables.stator.dev")


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    with kubectl.namespace("operator") as name:
        yield name


@pytest.fixture
def operator(kubectl: Kubectl, namespace: str, tmp_path: Path) -> Iterator[OperatorProcess]:
    """One that serves its own namespace."""
    with OperatorProcess(kubectl, namespace, tmp_path, IMAGE) as running:
        yield running
        said = running.says()
        assert "Traceback" not in said, said
        assert forbidden(running) == []


def forbidden(running: OperatorProcess) -> list[str]:
    """What it was not allowed to do. In a namespace that ends, nobody may make anything."""
    lines = running.says().splitlines()
    return [each for each in lines if "Forbidden" in each and "being terminated" not in each]


def until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def condition(kubectl: Kubectl, namespace: str, type_: str) -> dict[str, str]:
    found = kubectl.get("storagepool", "one", f"--namespace={namespace}")
    conditions = found.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == type_), {})


def children(kubectl: Kubectl, namespace: str) -> set[tuple[str, str]]:
    found = kubectl.items(KINDS, f"--namespace={namespace}")
    return {(each["kind"], each["metadata"]["name"]) for each in found}


def test_a_pool_becomes_its_children_and_a_status(
    operator: OperatorProcess, kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(pool(), namespace=namespace)

    until(lambda: len(children(kubectl, namespace)) == CHILDREN, "all children are there")
    until(lambda: bool(condition(kubectl, namespace, "Ready")), "there is a status")
    status = kubectl.get("storagepool", "one", f"--namespace={namespace}")["status"]
    assert status["observedGeneration"] == 1
    assert condition(kubectl, namespace, "Accepted")["status"] == "True"
    assert condition(kubectl, namespace, "Ready")["reason"] == "PodsNotReady"
    assert operator.resident_bytes() < MEMORY_BYTES_MAX


def test_an_edited_child_is_put_back_and_a_deleted_one_made_again(
    operator: OperatorProcess, kubectl: Kubectl, namespace: str
) -> None:
    own = f"--namespace={namespace}"
    kubectl.apply(pool(), namespace=namespace)
    until(lambda: len(children(kubectl, namespace)) == CHILDREN, "all children are there")
    patch = json.dumps({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 1}}}})

    kubectl("patch", "statefulset", "one-b", "--patch", patch, own)
    kubectl("delete", "service", "one-gateway", own)
    kubectl("delete", "statefulset", "one-c", "--cascade=orphan", own)
    kubectl("annotate", "service", "one-storage", "people=were-here", own)

    def is_back() -> bool:
        found = kubectl.get("statefulset", "one-b", own)
        seconds = found["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        return seconds == 60 and len(children(kubectl, namespace)) == CHILDREN

    until(is_back, "all is as it was")
    kept = kubectl.get("service", "one-storage", own)["metadata"]["annotations"]
    assert kept["people"] == "were-here"


def test_nothing_is_written_at_rest(
    operator: OperatorProcess, kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(pool(), namespace=namespace)
    until(lambda: len(children(kubectl, namespace)) == CHILDREN, "all children are there")
    until(lambda: bool(condition(kubectl, namespace, "Ready")), "there is a status")

    name = "reconcile_seconds_count"

    def looks() -> float:
        return operator.figure(name, kind="StoragePool")

    def rests() -> bool:
        """Whether it looks three times and writes nothing."""
        writes, before = operator.figure("api_writes_total"), looks()
        until(lambda: looks() >= before + 3, "it has looked again")
        return operator.figure("api_writes_total") == writes

    until(rests, "it has come to rest")


def test_a_gateways_pod_is_told_of_a_changed_access_key(
    operator: OperatorProcess, kubectl: Kubectl, namespace: str
) -> None:
    own, keys = f"--namespace={namespace}", "one-access-keys"
    kubectl.apply(pool(), namespace=namespace)
    gateways = f"--selector={COMPONENT_LABEL}=gateway"

    def told() -> bool:
        version = kubectl.get("secret", keys, own)["metadata"]["resourceVersion"]
        found = kubectl.items("pods", gateways, own)
        versions = {
            each["metadata"].get("annotations", {}).get(ACCESS_KEYS_VERSION_ANNOTATION)
            for each in found
        }
        return versions == {version}

    until(lambda: len(children(kubectl, namespace)) == CHILDREN, "all children are there")
    until(lambda: kubectl.items("pods", gateways, own) != [], "there are pods of gateways")
    uids = {each["metadata"]["uid"] for each in kubectl.items("pods", gateways, own)}
    for value in ("QUtJQU9ORSBvbmUK", "QUtJQVRXTyB0d28K"):
        patch = json.dumps({"data": {"access-keys": value}})
        kubectl("patch", "secret", keys, "--type=merge", f"--patch={patch}", own)
        until(told, "the pods bear the version of the Secret")
    assert {each["metadata"]["uid"] for each in kubectl.items("pods", gateways, own)} == uids


def test_what_is_somebody_elses_is_left_alone_with_a_condition_and_an_event(
    operator: OperatorProcess, kubectl: Kubectl, namespace: str
) -> None:
    own = f"--namespace={namespace}"
    labels = {"app": "theirs"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": []}}
    template["spec"]["containers"] = [{"name": "main", "image": IMAGE}]
    theirs = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "one-b"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
    kubectl.apply(theirs, namespace=namespace)
    kubectl.apply(pool(), namespace=namespace)

    def said() -> bool:
        return condition(kubectl, namespace, "Accepted").get("reason") == "NameTaken"

    until(said, "the condition says so")
    found = kubectl.get("statefulset", "one-b", own)
    assert found["spec"]["template"]["metadata"]["labels"] == labels
    assert "StatefulSet one-b" in condition(kubectl, namespace, "Accepted")["message"]

    def events() -> list[dict[str, Any]]:
        selector = "--field-selector=involvedObject.kind=StoragePool,reason=NameTaken"
        return kubectl.items("events", selector, own)

    until(lambda: len(events()) == 1, "one Event says so")
    assert events()[0]["type"] == "Warning"
    kubectl("delete", "statefulset", "one-b", own)

    def accepted() -> bool:
        return condition(kubectl, namespace, "Accepted").get("status") == "True"

    until(accepted, "it is taken over")


def test_an_operator_of_all_namespaces_serves_them_all(
    kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    with (
        OperatorProcess(kubectl, namespace, tmp_path, IMAGE, all_namespaces=True) as running,
        kubectl.namespace("other") as other,
    ):
        kubectl.apply(pool(), namespace=other)
        kubectl.apply(pool(), namespace=namespace)
        until(lambda: len(children(kubectl, other)) == CHILDREN, "the one has its children")
        until(lambda: len(children(kubectl, namespace)) == CHILDREN, "so has the other")
        assert forbidden(running) == []


def test_one_operator_works_and_another_takes_over_where_it_is_killed(
    kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    with OperatorProcess(kubectl, namespace, tmp_path, IMAGE, name="first") as first:
        first.wait_until_says("holds the Lease")
        with OperatorProcess(kubectl, namespace, tmp_path, IMAGE, name="second") as second:
            second.wait_until_says("operator first is at work: waiting")
            first.kill()
            second.wait_until_says("holds the Lease")
            kubectl.apply(pool(), namespace=namespace)
            until(lambda: len(children(kubectl, namespace)) == CHILDREN, "the other one works")


def test_an_operator_that_was_frozen_ends_when_it_finds_the_lease_lost(
    kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    with OperatorProcess(kubectl, namespace, tmp_path, IMAGE, name="first") as first:
        first.wait_until_says("holds the Lease")
        with OperatorProcess(kubectl, namespace, tmp_path, IMAGE, name="second") as second:
            second.wait_until_says("operator first is at work: waiting")
            first.signal(signal.SIGSTOP)
            second.wait_until_says("holds the Lease")
            first.signal(signal.SIGCONT)
            assert first.ended() == 3
            assert "the Lease is lost" in first.says()


def test_an_operator_that_is_told_to_end_gives_the_lease_up(
    operator: OperatorProcess, kubectl: Kubectl, namespace: str
) -> None:
    operator.wait_until_says("holds the Lease")
    time.sleep(3)  # its watches have begun, too
    operator.signal(signal.SIGTERM)

    assert operator.ended() == 0
    lease = kubectl.get("lease", LEASE_NAME, f"--namespace={namespace}")
    assert lease["spec"].get("holderIdentity", "") == ""


@pytest.mark.parametrize(
    "words",
    [
        ("get", "nodes"),
        ("list", "secrets"),
        ("create", "pods"),
        ("create", "pods/exec"),
        ("delete", "deployments"),
        ("delete", "secrets"),
        ("watch", "secrets"),
        ("delete", "services"),
        ("update", "storagepools"),
        ("create", "roles"),
        ("update", "leases/another"),
        ("impersonate", "users"),
        ("get", "namespaces"),
    ],
    ids=" ".join,
)
def test_the_account_may_no_more_than_it_must(
    kubectl: Kubectl, namespace: str, words: tuple[str, str]
) -> None:
    kubectl.apply(*account_objects(namespace, all_namespaces=False), namespace=namespace)
    who = (f"--as=system:serviceaccount:{namespace}:{ACCOUNT}", f"--namespace={namespace}")
    assert "yes" in kubectl("auth", "can-i", "get", "storagepools", *who)

    with pytest.raises(KubectlFailed):
        kubectl("auth", "can-i", *words, *who)


def test_without_definitions_and_without_an_api_server_it_waits(tmp_path: Path) -> None:
    """A half-installed chart, and an API server that is away for a while."""
    control_plane = ControlPlane(tmp_path / "control-plane").start()
    try:
        kubectl = control_plane.kubectl
        kubectl("create", "namespace", "ours")
        with OperatorProcess(kubectl, "ours", tmp_path, IMAGE) as running:
            running.wait_until_says("no definition of StoragePool")
            assert "is installed (crds/): waiting" in running.says()
            know_resources(kubectl)
            kubectl.apply(pool(), namespace="ours")
            until(lambda: len(children(kubectl, "ours")) == CHILDREN, "all children are there")

            control_plane.kill_api_server()
            assert running.ended() == 3
            running.start()
            running.wait_until_says("the Kubernetes API does not answer")
            control_plane.start_api_server()
            kubectl("delete", "service", "one-gateway", "--namespace=ours")
            until(lambda: len(children(kubectl, "ours")) == CHILDREN, "it is made again")
    finally:
        control_plane.end()


def test_a_definition_that_is_deleted_takes_no_volumes_along(tmp_path: Path) -> None:
    """With the definition go the pools, and maybe their pods; a pool made again finds its data."""
    control_plane = ControlPlane(tmp_path / "control-plane").start()
    try:
        kubectl = control_plane.kubectl
        kubectl("create", "namespace", "ours")
        know_resources(kubectl)
        with OperatorProcess(kubectl, "ours", tmp_path, IMAGE) as running:
            kubectl.apply(pool(), namespace="ours")
            until(lambda: len(claims(kubectl)) == 4, "all claims are there")
            first = kubectl.get("storagepool", "one", "--namespace=ours")["metadata"]["uid"]
            before = claims(kubectl)

            kubectl("delete", "crd", "storagepools.stator.dev")
            assert running.ended() == 1
            assert "the definition of StoragePool is gone" in running.says()
            assert claims(kubectl) == before

            running.start()
            know_resources(kubectl)
            kubectl.apply(pool(), namespace="ours")

            def cluster_id() -> str | None:
                found = kubectl.get("storagepool", "one", "--namespace=ours")
                status: dict[str, str] = found.get("status", {})
                return status.get("clusterId")

            until(lambda: cluster_id() == first, "it is the cluster that it was")
            second = kubectl.get("storagepool", "one", "--namespace=ours")["metadata"]["uid"]

            def are_its_own() -> bool:
                found = kubectl.items(KINDS, "--namespace=ours")
                owners = [each["metadata"]["ownerReferences"][0]["uid"] for each in found]
                return owners == [second] * CHILDREN

            until(are_its_own, "all children are its own")
            assert claims(kubectl) == before
    finally:
        control_plane.end()


def claims(kubectl: Kubectl) -> set[str]:
    """The uids of the volume claims."""
    found = kubectl.items("persistentvolumeclaims", "--namespace=ours")
    return {each["metadata"]["uid"] for each in found}
