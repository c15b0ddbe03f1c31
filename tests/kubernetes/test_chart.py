"""The chart as helm renders it: what values do, what is refused, and that it fits the code."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from sample_pool import a_pool
from small_table import SmallTable
from stator_core.exposition import text
from stator_node.clock import SystemClock
from stator_node.doors import Caller
from stator_node.request_figures import CountedExecutor
from stator_node.storage_figures import storage_families
from stator_operator.access_rules import own_rules, served_rules
from stator_operator.metrics import Metrics
from stator_operator.objects.gateway_deployment import gateway_deployment
from stator_operator.objects.pod import HEALTH_PORT
from stator_operator.objects.stateful_set import stateful_set
from stator_operator.operator_settings import parse
from testbed.chart import (
    CHART,
    NAMESPACE,
    ZONES,
    Helm,
    HelmFailed,
    Object,
    of_kind,
    the_one,
    values,
)

ROOT = CHART.parents[1]
EVERYTHING = values(
    image={"repository": "registry.example.com/stator", "tag": "9", "pullSecrets": ["pull"]},
    operator={
        "replicas": 2,
        "volumeGroup": "none",
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "database", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "system-cluster-critical",
        "podAnnotations": {"a": "b"},
        "podLabels": {"c": "d"},
    },
    podMonitor={"enabled": True, "labels": {"release": "prometheus"}},
    prometheusRule={"enabled": True, "labels": {"release": "prometheus"}},
    dashboards={"enabled": True},
)
NOTHING = values(
    serviceAccount={"create": False, "name": "given"},
    rbac={"create": False, "userRoles": False},
    definitions={"upgrade": False},
    deletionProtection={"enabled": False},
    networkPolicy={"enabled": False},
    pool={"enabled": False},
)
NAMESPACED = values(operator={"namespaces": [NAMESPACE, "music"]})
MATRIX = {"plain": values(), "everything": EVERYTHING, "nothing": NOTHING, "two": NAMESPACED}


@pytest.fixture(scope="module")
def render(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return Helm(helm, tmp_path_factory.mktemp("helm")).render


@pytest.mark.parametrize("given", MATRIX.values(), ids=MATRIX.keys())
def test_no_two_objects_share_a_name(render: Any, given: Object) -> None:
    names = [
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in render(given)
    ]

    assert names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("given", MATRIX.values(), ids=MATRIX.keys())
def test_pods_are_restricted(render: Any, given: Object) -> None:
    objects = render(given)
    for workload in (*of_kind(objects, "Deployment"), *of_kind(objects, "Job")):
        spec = workload["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("given", MATRIX.values(), ids=MATRIX.keys())
def test_the_operator_starts_by_a_command_that_it_takes(render: Any, given: Object) -> None:
    deployment = the_one(render(given), "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]

    settings = parse(container["args"], {"POD_NAME": "p", "POD_NAMESPACE": NAMESPACE})

    assert container["command"] == ["stator-operator"]
    assert {each["name"] for each in container["env"]} == {"POD_NAME", "POD_NAMESPACE"}
    assert settings.port == container["ports"][0]["containerPort"]
    assert settings.pods.image == container["image"]
    assert settings.namespaces == (None if given is not NAMESPACED else (NAMESPACE, "music"))


def test_values_reach_the_operators_pods(render: Any) -> None:
    pod = the_one(render(EVERYTHING), "Deployment")["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    settings = parse(container["args"], {"POD_NAME": "p", "POD_NAMESPACE": NAMESPACE})

    assert container["image"] == "registry.example.com/stator:9"
    assert pod["spec"]["imagePullSecrets"] == [{"name": "pull"}]
    assert settings.pods.image_pull_secrets == ("pull",)
    assert settings.pods.group is None
    assert pod["spec"]["nodeSelector"] == {"disk": "ssd"}
    assert pod["metadata"]["labels"]["c"] == "d"
    assert pod["metadata"]["annotations"] == {"a": "b"}
    assert pod["spec"]["priorityClassName"] == "system-cluster-critical"


def test_the_image_is_the_charts_own_version_where_none_is_named(render: Any) -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    (container,) = the_one(render(values()), "Deployment")["spec"]["template"]["spec"]["containers"]

    assert container["image"].endswith(f":{version}")


def test_the_charts_version_is_the_projects() -> None:
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert project is not None
    assert chart["appVersion"] == project[1]


def test_all_of_the_cluster_is_served_by_one_role_with_the_operators_rules(render: Any) -> None:
    objects = render(values())
    role = the_one(objects, "ClusterRole", "-operator")
    binding = the_one(objects, "ClusterRoleBinding", "-operator")

    assert role["rules"] == served_rules()
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert (
        binding["subjects"][0]["name"]
        == the_one(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"]
    )


def test_named_namespaces_have_a_role_each_and_the_cluster_none(render: Any) -> None:
    objects = render(NAMESPACED)
    roles = [each for each in of_kind(objects, "Role") if "-lease" not in each["metadata"]["name"]]

    assert sorted(each["metadata"]["namespace"] for each in roles) == ["music", NAMESPACE]
    assert all(each["rules"] == served_rules() for each in roles)
    assert not any(each["metadata"]["name"].endswith("-operator") for each in of_kind(
        objects, "ClusterRole"
    ))  # fmt: skip


def test_its_lease_is_its_own_alone(render: Any) -> None:
    objects = render(values())
    (container,) = the_one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    settings = parse(container["args"], {"POD_NAME": "p", "POD_NAMESPACE": NAMESPACE})

    assert the_one(objects, "Role", "-lease")["rules"] == own_rules(settings.lease_name)


def test_no_role_of_the_chart_names_all_of_anything(render: Any) -> None:
    objects = render(EVERYTHING)

    for role in (*of_kind(objects, "Role"), *of_kind(objects, "ClusterRole")):
        for rule in role["rules"]:
            assert "*" not in json.dumps(rule), role["metadata"]["name"]


def test_definitions_are_brought_up_to_date_before_anything_else(render: Any) -> None:
    objects = render(values())
    job = the_one(objects, "Job")
    role = the_one(objects, "ClusterRole", "-definitions")
    names = {path.stem.removeprefix("stator.dev_") + ".stator.dev" for path in CHART.glob("crds/*")}

    hooks = job["metadata"]["annotations"]["helm.sh/hook"].split(",")
    assert hooks == ["pre-install", "pre-upgrade"]
    assert set(role["rules"][1]["resourceNames"]) == names
    # What they need is there before them: a lower weight goes first.
    weights = [
        int(each["metadata"]["annotations"]["helm.sh/hook-weight"])
        for each in (role, the_one(objects, "ClusterRoleBinding", "-definitions"), job)
    ]
    assert weights == sorted(set(weights))


def test_what_uninstalling_leaves(render: Any) -> None:
    """Pools, so their pods and volumes, and definitions: helm never takes what is in `crds/`."""
    pool = the_one(render(values()), "StoragePool")
    gone = the_one(
        render(values(pool={"keep": False, "spec": values()["pool"]["spec"]})), "StoragePool"
    )

    assert pool["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert "annotations" not in gone["metadata"]


def test_the_first_pools_spec_is_the_one_in_the_values(render: Any) -> None:
    spec = {
        "zones": ZONES,
        "podsPerZone": 2,
        "volume": {"size": "5Gi", "storageClassName": "fast"},
        "gateway": {"replicas": 3},
        "tls": {"issuedBy": "None"},
    }

    assert the_one(render(values(pool={"spec": spec})), "StoragePool")["spec"] == spec


def test_a_budget_is_for_more_than_one_operator(render: Any) -> None:
    assert of_kind(render(values()), "PodDisruptionBudget") == []
    budget = the_one(render(EVERYTHING), "PodDisruptionBudget")

    labels = the_one(render(EVERYTHING), "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_pools_policies_let_the_operators_pods_in(render: Any) -> None:
    from stator_operator.objects.network_policies import OPERATOR_LABELS

    labels = the_one(render(values()), "Deployment")["spec"]["template"]["metadata"]["labels"]

    assert OPERATOR_LABELS.items() <= labels.items()


def test_a_packaged_chart_is_whole(helm: Path, tmp_path: Path) -> None:
    """What is not in the package is not installed, and nobody says so."""
    own = Helm(helm, tmp_path)
    own("package", str(CHART), f"--destination={tmp_path}")
    (package,) = tmp_path.glob("stator-*.tgz")

    assert own.render(EVERYTHING, package) == own.render(EVERYTHING)
    with tarfile.open(package) as files:
        names = {name.removeprefix("stator/") for name in files.getnames()}
    assert {f"crds/{path.name}" for path in CHART.glob("crds/*")} <= names
    assert "values.schema.json" in names


REFUSED = {
    "a word that is none": (values(operaters={}), "'operaters' not allowed"),
    "a member of a pool that is none": (
        values(pool={"spec": {"zones": ZONES, "volume": {"size": "1Gi"}, "podPerZone": 2}}),
        "'podPerZone' not allowed",
    ),
    "two zones": (
        values(pool={"spec": {"zones": ZONES[:2], "volume": {"size": "1Gi"}}}),
        "minItems",
    ),
    "a pool's name with a dot": (
        values(pool={"name": "a.b", "spec": values()["pool"]["spec"]}),
        "/pool/name",
    ),
    "a volume without a size": (
        values(pool={"spec": {"zones": ZONES, "volume": {"size": None}}}),
        "missing property 'size'",
    ),
    "no number of operators": (values(operator={"replicas": "two"}), "want integer"),
    "the group of root": (values(operator={"volumeGroup": 0}), "/operator/volumeGroup"),
    "a spread that outruns renewals": (
        values(operator={"secretSpreadSeconds": 99_999}),
        "/operator/secretSpreadSeconds",
    ),
    "a pool where nobody serves": (
        values(operator={"namespaces": ["music"]}),
        "which operator.namespaces does not name",
    ),
    "no account": (values(serviceAccount={"create": False}), "serviceAccount.name is needed"),
    "zones that nobody can find": (
        {"pool": {"spec": {"volume": {"size": "1Gi"}}}},
        "set pool.spec.zones",
    ),
}


@pytest.mark.parametrize("given,words", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_is_refused_with_the_reason(render: Any, given: Object, words: str) -> None:
    with pytest.raises(HelmFailed) as refusal:
        render(given)

    assert words in str(refusal.value)


def test_every_value_is_in_the_schema_and_on_its_page() -> None:
    """What nobody can look up, nobody sets."""
    page = (ROOT / "docs" / "reference" / "chart.md").read_text()
    schema = json.loads((CHART / "values.schema.json").read_text())
    given = yaml.safe_load((CHART / "values.yaml").read_text())

    assert set(given) == set(schema["properties"]) - {"global"}
    for part, members in given.items():
        assert set(members) == set(schema["properties"][part]["properties"]), part
        for name in members:
            assert f"`{part}.{name}`" in page


REPLICA = {"leads": True, "item_count": 7, "size_bytes": 9, "operations_per_second": 0.5}
REPORT = {"partitions": [REPLICA], "rebuilding": [3], "free_bytes": 5, "ending": False}


def pages() -> dict[str, str]:
    """What each kind of process tells in numbers, with something of everything."""
    metrics = Metrics()
    metrics.worked("StoragePool", 0.2, failed=True)
    metrics.wrote("Service")
    metrics.watched("Pod")
    metrics.watch_ages["Pod"] = 1.5
    metrics.watches_behind["Pod"] = False
    metrics.said("StoragePool", "music", "default", [{"type": "Ready", "status": "Unknown"}])
    metrics.certificate_ends("music", "default", 1_795_000_000.0)
    counted = CountedExecutor(SmallTable(), SystemClock())
    counted.execute("DescribeLimits", {}, Caller("key", "1", "r"))
    return {
        "operator": metrics.text(),
        "gateway": text(counted.families()),
        "storage": text(storage_families(REPORT)),
    }


def figures() -> set[str]:
    """The names of all that is told in numbers."""
    return {name for page in pages().values() for name in re.findall(r"^# TYPE (\S+)", page, re.M)}


@pytest.mark.parametrize("who", ["operator", "gateway", "storage"])
def test_prometheus_reads_the_figures_and_finds_no_fault_with_their_names(
    promtool: Path, who: str
) -> None:
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=pages()[who],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("file", ["dashboard.json", "alerts.yaml"])
def test_dashboard_and_alerts_ask_for_figures_that_there_are(file: str) -> None:
    known = {f"{name}{end}" for name in figures() for end in ("", "_bucket", "_sum", "_count")}
    content = (CHART / "monitoring" / file).read_text()

    asked = set(re.findall(r"stator_(?:operator|gateway|storage)_\w+", content))

    assert asked
    assert asked <= known


def test_every_figure_is_on_the_page_of_the_playbook() -> None:
    page = (ROOT / "docs" / "operations" / "kubernetes.md").read_text()

    assert {name for name in figures() if f"`{name}`" not in page} == set()


def test_pods_of_pools_are_found_by_what_the_operator_gives_them(render: Any) -> None:
    monitor = the_one(render(EVERYTHING), "PodMonitor", "-pools")["spec"]
    pool = a_pool()
    found = {}
    for workload in (stateful_set(pool, pool.zones[0], 1), gateway_deployment(pool)):
        template = workload["spec"]["template"]
        labels = template["metadata"]["labels"]
        assert monitor["selector"]["matchLabels"].items() <= labels.items()
        (rule,) = monitor["selector"]["matchExpressions"]
        assert labels[rule["key"]] in rule["values"]
        (container,) = template["spec"]["containers"]
        found |= {each["name"]: each["containerPort"] for each in container["ports"]}
    (endpoint,) = monitor["podMetricsEndpoints"]
    assert found[endpoint["port"]] == HEALTH_PORT
    named = the_one(render(NAMESPACED | {"podMonitor": {"enabled": True}}), "PodMonitor", "-pools")
    assert named["spec"]["namespaceSelector"] == {"matchNames": [NAMESPACE, "music"]}
