"""The chart before a real API server: it takes all objects; policies and roles do as they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from blackbox import wait_for
from resource_changes import pool, rich_table
from sample_pool import a_pool
from stator_operator.access_rules import served_rules
from stator_operator.custom_resources import RESOURCES
from stator_operator.objects.cert_manager import cert_manager_certificate
from testbed.chart import (
    CHART,
    NAMESPACE,
    RELEASE,
    ZONES,
    Helm,
    Object,
    the_one,
    values,
)
from testbed.given import GivenCluster
from testbed.kubectl import Kubectl, KubectlFailed

POLICIES = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
ACCESS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
ACTIVE_SECONDS = 60.0


@pytest.fixture(scope="module")
def kubectl(api_server: Any) -> Kubectl:
    """kubectl of a server that knows the resources, and has the release's namespace."""
    made: Kubectl = api_server.kubectl
    made("apply", "--server-side", "--force-conflicts", f"--filename={CHART / 'crds'}")
    made.wait("condition=Established", "crd", "tables.stator.dev", "storagepools.stator.dev")
    metadata = {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    return made


@pytest.fixture(scope="module")
def helm_here(api_server: Any, helm: Path, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(helm, tmp_path_factory.mktemp("helm"), api_server.kubeconfig)


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    with kubectl.namespace("chart") as name:
        yield name


def apply_all(kubectl: Kubectl, objects: list[Object], *words: str) -> None:
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", *words, given=given)


@pytest.fixture
def applied(kubectl: Kubectl, helm_here: Helm) -> Iterator[Any]:
    """Applies the objects of these kinds of a rendered chart; they go at the end."""
    made: list[Object] = []

    def apply(kinds: tuple[str, ...], given: Object) -> list[Object]:
        objects = [each for each in helm_here.render(given) if each["kind"] in kinds]
        made.extend(objects)
        apply_all(kubectl, objects)
        return objects

    yield apply
    for each in made:
        place = [f"--namespace={space}"] if (space := each["metadata"].get("namespace")) else []
        kubectl("delete", each["kind"], each["metadata"]["name"], "--ignore-not-found", *place)


def test_the_server_takes_every_object(kubectl: Kubectl, helm_here: Helm) -> None:
    objects = helm_here.render(values(operator={"replicas": 2}, dashboards={"enabled": True}))

    apply_all(kubectl, objects, "--dry-run=server", "--validate=strict")


@pytest.fixture
def foreign(kubectl: Kubectl, definition_of: Any) -> Iterator[Any]:
    """Definitions of other projects, for the time of a test."""
    made: list[str] = []

    def define(*kinds: str) -> None:
        definitions = [definition_of(kind) for kind in kinds]
        made.extend(each["metadata"]["name"] for each in definitions)
        apply_all(kubectl, definitions)
        kubectl.wait("condition=Established", "crd", *made)

    yield define
    for name in made:
        kubectl("delete", "crd", name)


def test_the_prometheus_operator_takes_the_objects_for_it(
    kubectl: Kubectl, helm_here: Helm, foreign: Any
) -> None:
    foreign("PodMonitor", "PrometheusRule")
    given = values(podMonitor={"enabled": True}, prometheusRule={"enabled": True})
    objects = [
        each for each in helm_here.render(given) if each["kind"] in ("PodMonitor", "PrometheusRule")
    ]

    assert len(objects) == 3
    apply_all(kubectl, objects, "--dry-run=server", "--validate=strict")


def test_cert_manager_takes_a_pools_certificate(kubectl: Kubectl, foreign: Any) -> None:
    foreign("Certificate")
    issuer = {"name": "inner", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    made = a_pool(tls={"issuedBy": "CertManager", "issuer": issuer, "certificateDays": 90})
    certificate = cert_manager_certificate(made)
    certificate["metadata"]["namespace"] = NAMESPACE

    apply_all(kubectl, [certificate], "--dry-run=server", "--validate=strict")


def test_zones_are_those_that_nodes_stand_in(
    api_server: Any, kubectl: Kubectl, helm_here: Helm
) -> None:
    if isinstance(api_server, GivenCluster):
        pytest.skip("somebody's cluster has nodes of its own")
    words = ("install", RELEASE, str(CHART), f"--namespace={NAMESPACE}", "--dry-run=server")
    given = {"definitions": {"upgrade": False}}
    with pytest.raises(Exception, match=r"a pool needs three zones, .* names 0"):
        helm_here(*words, values=given)
    nodes = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": f"machine-{number}",
                "labels": {"topology.kubernetes.io/zone": zone},
            },
        }
        for number, zone in enumerate([*ZONES, "zone-4", ZONES[0]])
    ]
    apply_all(kubectl, nodes)
    try:
        text = helm_here(*words, values=given)
    finally:
        kubectl("delete", "nodes", *(each["metadata"]["name"] for each in nodes))
    _, _, manifests = text.partition("MANIFEST:")
    objects = list(yaml.safe_load_all(manifests.partition("NOTES:")[0]))

    made = the_one([each for each in objects if each], "StoragePool")
    assert made["spec"]["zones"] == ZONES
    assert "default-access-keys" in text.partition("NOTES:")[2]


def test_a_pool_keeps_its_zones_when_nodes_stand_elsewhere(
    kubectl: Kubectl, helm_here: Helm
) -> None:
    there = pool() | {"metadata": {"name": "default", "namespace": NAMESPACE}}
    apply_all(kubectl, [there])
    words = ("install", RELEASE, str(CHART), f"--namespace={NAMESPACE}", "--dry-run=server")
    given = {"definitions": {"upgrade": False}, "pool": {"spec": {"volume": {"size": "10Gi"}}}}
    annotations = {
        "meta.helm.sh/release-name": RELEASE,
        "meta.helm.sh/release-namespace": NAMESPACE,
    }
    labels = {"app.kubernetes.io/managed-by": "Helm"}
    # As an uninstalled release of this name leaves it: so the next one takes it over.
    there["metadata"] |= {"annotations": annotations, "labels": labels}
    apply_all(kubectl, [there])
    try:
        text = helm_here(*words, values=given)
    finally:
        kubectl("delete", "storagepool", "default", f"--namespace={NAMESPACE}")
    _, _, manifests = text.partition("MANIFEST:")
    objects = list(yaml.safe_load_all(manifests.partition("NOTES:")[0]))

    assert the_one([each for each in objects if each], "StoragePool")["spec"]["zones"] == [
        *there["spec"]["zones"]
    ]


# ------------------------------------------------------------------------------ deletion protection


def protected(namespace: str, name: str, *, is_protected: bool) -> Object:
    made = rich_table()
    made["metadata"] = {"name": name, "namespace": namespace}
    made["spec"] |= {"deletionProtectionEnabled": is_protected, "tableName": f"Table-{name}"}
    return made


def refusal(kubectl: Kubectl, *words: str) -> str | None:
    """What is said against a deletion; None: nothing."""
    try:
        kubectl("delete", *words, "--dry-run=server")
    except KubectlFailed as refused:
        return str(refused)
    return None


def wait_until_active(kubectl: Kubectl, *words: str) -> str:
    """The API server's words against this deletion; a new policy counts after a moment."""
    said: str = wait_for(lambda: refusal(kubectl, *words), "the policy counts", ACTIVE_SECONDS)
    return said


def test_a_protected_table_is_not_deleted_until_it_says_so_itself(
    kubectl: Kubectl, namespace: str, applied: Any
) -> None:
    own = f"--namespace={namespace}"
    kept = protected(namespace, "kept", is_protected=True)
    apply_all(kubectl, [kept, protected(namespace, "plain", is_protected=False)])
    applied(POLICIES, values())

    said = wait_until_active(kubectl, "table", "kept", own)

    assert (
        "table Table-kept is protected from deletion: set spec.deletionProtectionEnabled to false"
        in said
    )
    assert refusal(kubectl, "table", "plain", own) is None
    # Neither all at once, nor with what they stand in.
    assert "Table-kept" in str(refusal(kubectl, "tables", "--all", own))
    kept["spec"]["deletionProtectionEnabled"] = False
    apply_all(kubectl, [kept])
    kubectl("delete", "table", "kept", own)


def test_tables_of_namespaces_that_are_not_served_are_not_this_charts(
    kubectl: Kubectl, namespace: str, applied: Any
) -> None:
    own = f"--namespace={namespace}"
    apply_all(kubectl, [protected(namespace, "kept", is_protected=True)])
    apply_all(kubectl, [protected(NAMESPACE, "kept", is_protected=True)])
    applied(POLICIES, values(operator={"namespaces": [NAMESPACE]}))
    try:
        wait_until_active(kubectl, "table", "kept", f"--namespace={NAMESPACE}")
        assert refusal(kubectl, "table", "kept", own) is None
    finally:
        patch = '{"spec":{"deletionProtectionEnabled":false}}'
        words = ("table", "kept", f"--namespace={NAMESPACE}")
        kubectl("patch", *words, "--type=merge", f"--patch={patch}")
        kubectl("delete", *words)


def test_a_definition_goes_only_when_somebody_says_so(kubectl: Kubectl, applied: Any) -> None:
    applied(POLICIES, values())

    for name in ("tables", "storagepools", "partitions"):
        said = wait_until_active(kubectl, "crd", f"{name}.stator.dev")
        assert "annotate it stator.dev/allow-deletion=true first" in said
    annotation = "stator.dev/allow-deletion"
    kubectl("annotate", "crd", "partitions.stator.dev", f"{annotation}=true")
    try:
        assert refusal(kubectl, "crd", "partitions.stator.dev") is None
    finally:
        kubectl("annotate", "crd", "partitions.stator.dev", f"{annotation}-")


# --------------------------------------------------------------------------------------------- RBAC


def reviews(kubectl: Kubectl, user: str, questions: list[Object]) -> list[bool]:
    """Whether the user may do each of these."""
    items = [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": each},
        }
        for each in questions
    ]
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    form = "--output=jsonpath={.status.allowed}{'\\n'}"
    return [word == "true" for word in kubectl("create", "--filename=-", form, given=given).split()]


def questions_of(rules: list[Object], namespace: str) -> list[Object]:
    return [
        {
            "namespace": namespace,
            "group": group,
            "resource": resource.partition("/")[0],
            "subresource": resource.partition("/")[2],
            "verb": verb,
        }
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def asked(group: str, resource: str, verb: str, namespace: str = "") -> Object:
    return {"namespace": namespace, "group": group, "resource": resource, "verb": verb}


# What an operator that somebody has taken over must not be able to do.
MORE = (
    asked("", "secrets", "list", "music"),
    asked("", "secrets", "watch", "music"),
    asked("", "secrets", "delete", "music"),
    asked("", "pods", "create", "music"),
    asked("", "pods", "exec", "music"),
    asked("", "configmaps", "get", "music"),
    asked("", "serviceaccounts", "impersonate", "music"),
    asked("", "nodes", "patch"),
    asked("", "namespaces", "delete"),
    asked("apps", "daemonsets", "create", "music"),
    asked("batch", "jobs", "create", "music"),
    asked("rbac.authorization.k8s.io", "clusterroles", "create"),
    asked("rbac.authorization.k8s.io", "rolebindings", "create", "music"),
    asked("apiextensions.k8s.io", "customresourcedefinitions", "patch"),
    asked("apiextensions.k8s.io", "customresourcedefinitions", "delete"),
    asked("admissionregistration.k8s.io", "validatingadmissionpolicies", "delete"),
    asked("stator.dev", "storagepools", "deletecollection", "music"),
    asked("stator.dev", "storagepools", "update", "music"),
)


def user_of(objects: list[Object], ending: str) -> str:
    name = the_one(objects, "ServiceAccount", ending)["metadata"]["name"]
    return f"system:serviceaccount:{NAMESPACE}:{name}"


def test_the_operator_may_do_what_it_must_and_not_more(kubectl: Kubectl, applied: Any) -> None:
    objects = applied(ACCESS, values())
    user = user_of(objects, "-operator")
    must = questions_of(served_rules(), "music")
    lease = asked("coordination.k8s.io", "leases", "update", NAMESPACE)
    own = lease | {"name": the_one(objects, "ServiceAccount", "-operator")["metadata"]["name"]}

    answers = wait_for(
        lambda: found if all(found := reviews(kubectl, user, must)) else None, "the roles count", 30
    )

    assert all(answers)
    assert reviews(kubectl, user, [own, lease | {"name": "other"}]) == [True, False]
    assert [
        each
        for each, allowed in zip(MORE, reviews(kubectl, user, list(MORE)), strict=True)
        if allowed
    ] == []


def test_an_operator_of_named_namespaces_may_do_nothing_elsewhere(
    kubectl: Kubectl, namespace: str, applied: Any
) -> None:
    given = values(operator={"namespaces": [NAMESPACE, namespace]})
    user = user_of(applied(ACCESS, given), "-operator")
    here = questions_of(served_rules(), namespace)
    wait_for(lambda: True if all(reviews(kubectl, user, here)) else None, "the roles count", 30)

    elsewhere = questions_of(served_rules(), "music") + questions_of(served_rules(), "")

    assert not any(reviews(kubectl, user, elsewhere))


def test_people_get_tables_with_the_roles_that_they_have(
    kubectl: Kubectl, namespace: str, applied: Any
) -> None:
    """Who may view or edit a namespace; Partitions are the operator's."""
    if not _aggregates(kubectl):
        pytest.skip("this control plane has nobody who aggregates roles")
    applied(("ClusterRole",), values())
    for role in ("view", "edit"):
        words = ("rolebinding", role, f"--clusterrole={role}", f"--user={role}")
        kubectl("create", *words, f"--namespace={namespace}")
    questions = [
        asked("stator.dev", "tables", "list", namespace),
        asked("stator.dev", "tables", "create", namespace),
        asked("stator.dev", "partitions", "patch", namespace),
    ]
    wait_for(
        lambda: True if reviews(kubectl, "edit", questions)[1] else None, "roles are aggregated", 60
    )

    assert reviews(kubectl, "view", questions) == [True, False, False]
    assert reviews(kubectl, "edit", questions) == [True, True, False]


def _aggregates(kubectl: Kubectl) -> bool:
    return bool(kubectl.get("clusterrole", "view").get("rules"))


def test_the_job_brings_definitions_up_to_date_with_no_more_than_its_own_rights(
    kubectl: Kubectl, applied: Any, tmp_path: Path
) -> None:
    """An older definition, as a release before this one left it."""
    objects = applied(ACCESS, values())
    name = "partitions.stator.dev"
    patch = json.dumps([{"op": "remove", "path": "/spec/names/shortNames"}])
    kubectl("patch", "crd", name, "--type=json", f"--patch={patch}")
    account = the_one(objects, "ServiceAccount", "-definitions")["metadata"]["name"]
    token = kubectl("create", "token", account, f"--namespace={NAMESPACE}").strip()

    done = subprocess.run(
        [sys.executable, "-m", "stator_operator.apply_crds"],
        env=os.environ | {"KUBECONFIG": str(with_token(kubectl, token, tmp_path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert kubectl.get("crd", name)["spec"]["names"]["shortNames"] == ["part"]
    user = user_of(objects, "-definitions")
    definitions = asked("apiextensions.k8s.io", "customresourcedefinitions", "patch")
    assert reviews(
        kubectl,
        user,
        [definitions | {"name": name}, definitions | {"name": "others.example.com"}],
    ) == [True, False]
    assert len(RESOURCES) == done.stderr.count("is up to date")


def with_token(kubectl: Kubectl, token: str, folder: Path) -> Path:
    """A kubeconfig of the same cluster, for who has this token."""
    content = kubectl.get_config()
    (cluster,) = content["clusters"]
    made = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster],
        "users": [{"name": "token", "user": {"token": token}}],
        "contexts": [{"name": "c", "context": {"cluster": cluster["name"], "user": "token"}}],
        "current-context": "c",
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(made))
    return file
