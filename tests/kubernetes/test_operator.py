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

from operators import ACCOUNT, WAIT_SECONDS, OperatorProcess, account_objects, define_resources
from resource_changes import pool
from stator_operator.access_rules import served_rules
from stator_operator.naming import ACCESS_KEYS_VERSION_ANNOTATION, COMPONENT_LABEL
from stator_operator.operator_settings import LEASE_NAME
from testbed.control_plane import ControlPlane
from testbed.kubectl import Kubectl, KubectlFailed

IMAGE = "localhost/stator:test"
KINDS = "statefulsets,deployments,services,poddisruptionbudgets,networkpolicies"
CHILDREN = 13
MEMORY_BYTES_MAX = 150 << 20


@pytest.fixture(scope="module")
def kubectl(api_server: Any) -> Kubectl:
    made: Kubectl = api_server.kubectl
    define_resources(made)
    return made


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


def events(kubectl: Kubectl, namespace: str, reason: str) -> list[dict[str, Any]]:
    selector = f"--field-selector=involvedObject.kind=StoragePool,reason={reason}"
    return kubectl.items("events", selector, f"--namespace={namespace}")


@pytest.fixture
def fixed_class(kubectl: Kubectl, namespace: str) -> Iterator[str]:
    """A class whose volumes cannot grow, and four volumes that are bound to a pool's claims."""
    head = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
    name = f"fixed-{namespace}"
    provisioner = "kubernetes.io/no-provisioner"
    kubectl.apply({**head, "metadata": {"name": name}, "provisioner": provisioner})
    for claim in ("one-a-0", "one-b-0", "one-c-0", "one-supervisor-0"):
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"{namespace}-{claim}"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "capacity": {"storage": "10Gi"},
                "claimRef": {"name": f"data-{claim}", "namespace": namespace},
                "hostPath": {"path": "/nowhere"},
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": name,
            },
        }
        kubectl.apply(volume)
    yield name
    volumes = [each["metadata"]["name"] for each in kubectl.items("persistentvolumes")]
    mine = [each for each in volumes if each.startswith(f"{namespace}-")]
    kubectl("delete", "persistentvolumes", "--wait=false", *mine)
    kubectl("delete", "storageclass", name)


def test_volumes_of_a_class_that_cannot_grow_stay_and_it_is_said_what_to_change(
    operator: OperatorProcess, kubectl: Kubectl, namespace: str, fixed_class: str
) -> None:
    own = f"--namespace={namespace}"

    def sizes() -> dict[str, tuple[str, str]]:
        """What each claim of a storage pod is bound to, and asks for."""
        found = kubectl.items("pvc", f"--selector={COMPONENT_LABEL}=storage", own)
        return {
            each["metadata"]["name"]: (
                each["spec"].get("volumeName", ""),
                each["spec"]["resources"]["requests"]["storage"],
            )
            for each in found
            if each.get("status", {}).get("phase") == "Bound"
        }

    made = pool()
    made["spec"]["volume"]["storageClassName"] = fixed_class
    kubectl.apply(made, namespace=namespace)
    until(lambda: len(sizes()) == 3, "all claims are bound")
    before = sizes()

    made["spec"] |= {"volume": {"size": "20Gi", "storageClassName": fixed_class}, "podsPerZone": 2}
    kubectl.apply(made, namespace=namespace)

    def reason() -> str:
        return condition(kubectl, namespace, "Accepted").get("reason", "")

    until(lambda: reason() == "VolumesCannotGrow", "the condition says so")
    message = condition(kubectl, namespace, "Accepted")["message"]
    assert f"set allowVolumeExpansion of StorageClass {fixed_class} to true" in message
    until(lambda: events(kubectl, namespace, "VolumesCannotGrow") != [], "an Event says so")
    assert events(kubectl, namespace, "VolumesCannotGrow")[0]["type"] == "Warning"
    assert before.items() <= sizes().items()
    assert children(kubectl, namespace) >= {("StatefulSet", f"one-{zone}") for zone in "abc"}
    pods = f"--selector={COMPONENT_LABEL}=storage"
    until(lambda: len(kubectl.items("pods", pods, own)) == 6, "the rest of it is carried out")

    patch = json.dumps({"allowVolumeExpansion": True})
    kubectl("patch", "storageclass", fixed_class, f"--patch={patch}")
    until(lambda: {size for _, size in sizes().values()} == {"20Gi"}, "they are let grow")
    until(lambda: reason() == "Accepted", "nothing is to be changed any more")
    assert {claim: volume for claim, (volume, _) in sizes().items()} == {
        claim: volume for claim, (volume, _) in before.items()
    }


def role(namespace: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    """The operator's role in the namespace that it serves."""
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}
    return {**head, "metadata": {"name": ACCOUNT, "namespace": namespace}, "rules": rules}


def test_rules_that_a_role_lacks_are_said_one_after_the_other_and_it_arrives(
    kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    """A chart of which not all is applied, or a role that is older than the operator."""
    rules = served_rules()
    blind = [each for each in rules if each["resources"] != ["pods"]]
    mute = [
        {**each, "verbs": ["get", "patch"]} if each["resources"] == ["secrets"] else each
        for each in rules
    ]
    own = f"--namespace={namespace}"
    running = OperatorProcess(kubectl, namespace, tmp_path, IMAGE)
    kubectl("delete", "rolebinding", f"{ACCOUNT}-own", own)
    kubectl.apply(role(namespace, blind), namespace=namespace)

    def says(words: str) -> bool:
        return words in condition(kubectl, namespace, "Accepted").get("message", "")

    with running:
        running.wait_until_says("cannot be taken: 403 Forbidden")
        assert 'cannot get resource "leases"' in running.says()
        bindings = account_objects(namespace, all_namespaces=False)
        kubectl.apply(
            *(each for each in bindings if each["kind"] == "RoleBinding"), namespace=namespace
        )
        running.wait_until_says("holds the Lease")
        kubectl.apply(pool(), namespace=namespace)

        until(lambda: says('cannot list resource "pods"'), "it says what it may not see")
        assert condition(kubectl, namespace, "Accepted")["reason"] == "RoleLacksRule"
        until(lambda: events(kubectl, namespace, "RoleLacksRule") != [], "an Event says so")
        assert children(kubectl, namespace) == set(), "nothing is done on half a picture"

        kubectl.apply(role(namespace, mute), namespace=namespace)
        until(lambda: says('cannot create resource "secrets"'), "it says what it may not make")
        until(lambda: len(children(kubectl, namespace)) == CHILDREN, "the rest is made")

        kubectl.apply(role(namespace, rules), namespace=namespace)
        until(lambda: is_accepted(kubectl, namespace), "it arrives")
        assert "Traceback" not in running.says(), running.says()


def is_accepted(kubectl: Kubectl, namespace: str) -> bool:
    return condition(kubectl, namespace, "Accepted").get("status") == "True"


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
            define_resources(kubectl)
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
        define_resources(kubectl)
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
            define_resources(kubectl)
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
