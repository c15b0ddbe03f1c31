"""The chart in a real cluster of three zones: install, upgrade, rotate, uninstall, under load.

One release for all tests of this file, in their order: the first installs an older version of the
chart, the last takes it away and puts it back.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from blackbox import boto3_client, wait_for
from gateways import MORE, TABLE, Gateway, access_keys, gateway_of, is_there
from pods import shown_certificate
from resource_changes import an_object
from testbed.chart import CHART, RELEASE, ZONES, Helm, Object
from testbed.cluster import STORAGE_CLASS, Cluster
from testbed.given import GivenCluster
from testbed.kubectl import Kubectl

SMALL = {"requests": {"cpu": "20m", "memory": "64Mi"}}
SPREAD_SECONDS = 60  # kubelets of the cluster look every 30 to 45
KEYS_SECONDS = 15  # well before they look
READY_SECONDS = 240.0
STORAGE = "--selector=app.kubernetes.io/component=storage"


class Release:
    """The release, its pool, and a way to its gateway."""

    def __init__(self, cluster: Cluster, helm: Helm, namespace: str, image: str) -> None:
        self.cluster = cluster
        self.kubectl = cluster.kubectl
        self.helm = helm
        self.namespace = namespace
        self.own = f"--namespace={namespace}"
        repository, _, tag = image.rpartition(":")
        self.values: Object = {
            "image": {"repository": repository, "tag": tag},
            "operator": {
                "secretSpreadSeconds": SPREAD_SECONDS,
                "resyncSeconds": 5,
                "namespaces": [namespace],
            },
            "pool": {
                "spec": {
                    "volume": {"size": "1Gi", "storageClassName": STORAGE_CLASS},
                    "resources": SMALL,
                    "gateway": {"replicas": 1, "resources": SMALL},
                }
            },
        }

    def install(self, chart: Path) -> None:
        words = ("upgrade", "--install", RELEASE, str(chart), self.own, "--wait", "--timeout=5m")
        self.helm(*words, values=self.values)

    def wait_until_ready(self) -> None:
        self.kubectl.wait("condition=Ready", "storagepool/default", self.own, seconds=READY_SECONDS)
        words = ("status", "deployment/default-gateway", "--timeout=120s", self.own)
        self.kubectl("rollout", *words, seconds=130)

    def secret(self, name: str) -> dict[str, bytes]:
        data = self.kubectl.get("secret", name, self.own)["data"]
        return {member: base64.b64decode(text) for member, text in data.items()}

    def access_keys(self) -> list[tuple[str, str]]:
        return access_keys(self.kubectl, "default", self.namespace)

    def gateway(self) -> AbstractContextManager[Gateway]:
        return gateway_of(self.cluster, "default", self.namespace)

    def put_access_keys(self, keys: list[tuple[str, str]]) -> None:
        text = "".join(f"{' '.join(each)}\n" for each in keys)
        data = {"access-keys": base64.b64encode(text.encode()).decode()}
        patch = json.dumps({"data": data})
        words = ("secret", "default-access-keys", "--type=merge", f"--patch={patch}", self.own)
        self.kubectl("patch", *words)

    def pods(self, *words: str) -> dict[str, tuple[str, int]]:
        """Uid and restarts of each pod."""
        return {
            each["metadata"]["name"]: (
                each["metadata"]["uid"],
                sum(one["restartCount"] for one in each["status"]["containerStatuses"]),
            )
            for each in self.kubectl.items("pods", *words, self.own)
        }

    def pool_pods(self) -> dict[str, tuple[str, int]]:
        return self.pods("--selector=stator.dev/pool=default")

    def plugin(self, *words: str) -> str:
        """What `kubectl stator` prints."""
        command = [sys.executable, "-m", "stator_node.plugin", *words, self.own]
        environment = os.environ | {
            "KUBECTL": str(self.kubectl.program),
            "KUBECONFIG": str(self.kubectl.kubeconfig),
        }
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shown_certificate(self, pod: str) -> bytes:
        """What the pod shows, in PEM."""
        return shown_certificate(self.kubectl, pod, self.namespace)


@pytest.fixture(scope="module")
def release(
    running_cluster: Cluster | GivenCluster,
    stator_image: str,
    helm: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Release]:
    """An older version of the chart, installed."""
    if isinstance(running_cluster, GivenCluster):
        pytest.skip("pods are reached at their addresses here: not in somebody's cluster")
    home = tmp_path_factory.mktemp("helm")
    with running_cluster.entered(), running_cluster.kubectl.namespace("chart") as namespace:
        made = Release(
            running_cluster,
            Helm(helm, home, running_cluster.kubeconfig),
            namespace,
            stator_image,
        )
        made.install(older(home / "older"))
        forget_short_names(made.kubectl)
        made.wait_until_ready()
        yield made
        # An object that the operator has to do with would hold up its namespace without it.
        made.kubectl("delete", "tables", "--all", made.own)
        made.kubectl("delete", "storagepools", "--all", made.own)
        wait_for(lambda: True if made.pool_pods() == {} else None, "all pods are gone", 120)
        made.helm("uninstall", RELEASE, made.own)


def older(folder: Path) -> Path:
    """The chart as an earlier version might have been: an older number, an older definition."""
    shutil.copytree(CHART, folder)
    about = yaml.safe_load((folder / "Chart.yaml").read_text())
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about | {"version": "0.0.1"}))
    file = folder / "crds" / "stator.dev_partitions.yaml"
    definition = yaml.safe_load(file.read_text())
    del definition["spec"]["names"]["shortNames"]
    file.write_text(yaml.safe_dump(definition))
    # Its Job would apply what today's image knows.
    (folder / "templates" / "definitions.yaml").unlink()
    return folder


def forget_short_names(kubectl: Kubectl) -> None:
    """The definition as the older chart makes it, where an earlier test has left a newer one."""
    name = "partitions.stator.dev"
    if "shortNames" in kubectl.get("crd", name)["spec"]["names"]:
        patch = json.dumps([{"op": "remove", "path": "/spec/names/shortNames"}])
        kubectl("patch", "crd", name, "--type=json", f"--patch={patch}")


@pytest.fixture
def gateway(release: Release) -> Iterator[Gateway]:
    """Where clients find it; the table is there, since a Table object says so."""
    table = {
        "tableName": TABLE,
        "attributeDefinitions": [{"attributeName": "pk", "attributeType": "S"}],
        "keySchema": [{"attributeName": "pk", "keyType": "HASH"}],
        "pool": "default",
    }
    release.kubectl.apply(an_object("Table", table, "history"), namespace=release.namespace)
    release.kubectl.wait("condition=Ready", "table/history", release.own, seconds=READY_SECONDS)
    with release.gateway() as found:
        yield found


@pytest.fixture
def client(gateway: Gateway) -> Iterator[Any]:
    """boto3 with the administrator's key."""
    with gateway.client() as made:
        yield made


def test_installing_alone_gives_a_pool_that_serves_who_has_the_key(
    release: Release, client: Any
) -> None:
    client.put_item(TableName=TABLE, Item={"pk": {"S": "first"}})

    assert is_there(client, "first")
    zones = release.kubectl.get("storagepool", "default", release.own)["spec"]["zones"]
    assert zones == ZONES
    key = release.access_keys()[0][0]
    url = client.meta.endpoint_url
    for stranger in (boto3_client(url, key, "wrong"), boto3_client(url, "AKIANOBODY", "wrong")):
        with pytest.raises(stranger.exceptions.ClientError) as refusal:
            stranger.get_item(TableName=TABLE, Key={"pk": {"S": "first"}})
        code = refusal.value.response["Error"]["Code"]
        assert code in ("InvalidSignatureException", "UnrecognizedClientException")
        stranger.close()


def test_no_pod_and_no_event_says_a_secret(release: Release, client: Any) -> None:
    secret = release.access_keys()[0][1]
    said = [
        release.kubectl("get", "events", "--output=json", release.own),
        release.helm("get", "all", RELEASE, release.own),
        *(release.kubectl("logs", pod, release.own) for pod in release.pods()),
    ]

    assert secret not in "".join(said)
    assert "PRIVATE KEY" not in "".join(said)


def test_an_upgrade_changes_definitions_and_operator_and_no_pod_of_the_pool(
    release: Release, gateway: Gateway, tmp_path: Path
) -> None:
    kubectl, name = release.kubectl, "partitions.stator.dev"
    assert "shortNames" not in kubectl.get("crd", name)["spec"]["names"]
    before = release.pool_pods()
    with gateway.under_load(tmp_path, seed=1) as load:
        load.wait_for_success(60, MORE)
        release.values["operator"]["podAnnotations"] = {"upgraded": "yes"}
        release.install(CHART)
        load.wait_for_success(60, MORE)
    assert set(load.outcomes) == {"ok"}
    assert kubectl.get("crd", name)["spec"]["names"]["shortNames"] == ["part"]
    assert release.pool_pods() == before
    wait_for(lambda: _upgraded(release), "the new operator alone", 60)
    release.wait_until_ready()


def _upgraded(release: Release) -> bool | None:
    words = ("pods", "--selector=app.kubernetes.io/component=operator", release.own)
    marks = [
        each["metadata"].get("annotations", {}).get("upgraded")
        for each in release.kubectl.items(*words)
    ]
    return True if marks == ["yes"] else None


def test_people_look_and_steer_by_the_plugin(release: Release, client: Any, tmp_path: Path) -> None:
    (pool,) = json.loads(release.plugin("status", "--output=json"))
    nodes = {each["pod"]: each["node_id"] for each in pool["cluster"]["nodes"]}
    assert set(nodes) == {f"default-{zone}-0" for zone in ZONES}
    assert "default-zone-1-0" in release.plugin("status")

    (listed,) = json.loads(release.plugin("partitions", TABLE, "--output=json"))
    partition = listed["partitions"][0]
    other = next(pod for pod, node in nodes.items() if node != partition["leader"])
    release.plugin("transfer", str(partition["partition_id"]), other)
    wait_for(lambda: True if _leader(release) == nodes[other] else None, "the leader moves", 60)

    release.plugin("drain", other)
    wait_for(lambda: True if _leader(release) != nodes[other] else None, "it leads no more", 60)
    release.plugin("drain", other, "--cancel")

    file = tmp_path / "report.tar.gz"
    release.plugin("report", f"--file={file}")
    with tarfile.open(fileobj=io.BytesIO(file.read_bytes())) as bundle:
        contents = {each.name: bundle.extractfile(each) for each in bundle.getmembers()}
        text = {name: file.read() for name, file in contents.items() if file is not None}
    together = b"".join(text.values())
    assert any(name.endswith("logs/default-zone-1-0/storage.log") for name in text)
    assert release.access_keys()[0][1].encode() not in together
    assert b"PRIVATE KEY" not in together


@pytest.mark.timeout(600, func_only=True)
def test_a_pod_that_people_give_up_gets_another_volume_and_nothing_is_lost(
    release: Release, gateway: Gateway, tmp_path: Path
) -> None:
    pod = "default-zone-2-0"
    before = _nodes(release)[pod]
    with gateway.under_load(tmp_path, seed=2) as load:
        load.wait_for_success(60, MORE)
        release.plugin("replace", pod)
        wait_for(lambda: _is_another(release, pod, before), "another node in its pod", 240)
        load.wait_for_success(60, MORE)
    release.kubectl.wait(
        "condition=FullyReplicated", "storagepool/default", release.own, seconds=READY_SECONDS
    )
    release.wait_until_ready()


def _nodes(release: Release) -> dict[str, str]:
    """The node's id in each pod, of those that are not given up."""
    (pool,) = json.loads(release.plugin("status", "--output=json"))
    cluster = pool["cluster"] or {"nodes": []}
    return {each["pod"]: each["node_id"] for each in cluster["nodes"] if each["pod"]}


def _is_another(release: Release, pod: str, before: str) -> bool | None:
    return True if _nodes(release).get(pod, before) != before else None


def _leader(release: Release) -> str | None:
    (listed,) = json.loads(release.plugin("partitions", TABLE, "--output=json"))
    leader: str | None = listed["partitions"][0]["leader"]
    return leader


@pytest.mark.timeout(600, func_only=True)
def test_certificates_and_their_authority_change_under_load(
    release: Release, gateway: Gateway, tmp_path: Path
) -> None:
    before, pods = release.secret("default-tls"), release.pool_pods()
    bundles = [_trusted(before)]

    def settled() -> bool | None:
        found = release.secret("default-tls")
        count = _trusted(found)
        if count != bundles[-1]:
            bundles.append(count)
        signed = found["tls.crt"] != before["tls.crt"] and found["ca.crt"] != before["ca.crt"]
        return True if signed and count == 1 else None

    with gateway.under_load(tmp_path, seed=3) as load:
        load.wait_for_success(60, MORE)
        word = "stator.dev/rotate-authority=now"
        release.kubectl("annotate", "storagepool", "default", word, "--overwrite", release.own)
        wait_for(settled, "one authority, another than before", 6 * SPREAD_SECONDS)
        wanted = release.secret("default-tls")["tls.crt"]
        for zone in ZONES:
            pod = f"default-{zone}-0"
            wait_for(
                lambda pod=pod: True if _same(release.shown_certificate(pod), wanted) else None,
                f"{pod} shows the new certificate",
                2 * SPREAD_SECONDS,
            )
        # What was open stays open: a new connection goes under the new certificates.
        release.kubectl("delete", "pod", "default-zone-1-0", release.own)
        wait_for(lambda: True if _all_serve(release) else None, "it is back", 120)
        load.wait_for_success(60, MORE)
    assert bundles == [1, 2, 1]
    after = release.pool_pods()
    changed = {name for name in pods if after[name] != pods[name]}
    assert changed == {"default-zone-1-0"}


def _trusted(secret: dict[str, bytes]) -> int:
    """How many authorities pods trust by this Secret."""
    return len(x509.load_pem_x509_certificates(secret["ca.crt"]))


def _same(shown: bytes, wanted: bytes) -> bool:
    shown_certificate, wanted_certificate = (
        x509.load_pem_x509_certificate(each) for each in (shown, wanted)
    )
    return shown_certificate == wanted_certificate


def _all_serve(release: Release) -> bool:
    pods = release.kubectl.items("pods", STORAGE, release.own)
    ready = [
        condition["status"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        for condition in pod["status"].get("conditions", [])
        if condition["type"] == "Ready"
    ]
    return ready == ["True"] * len(ZONES)


@pytest.mark.timeout(600, func_only=True)
def test_access_keys_change_while_everything_runs(
    release: Release, gateway: Gateway, client: Any, tmp_path: Path
) -> None:
    pods, after = release.pool_pods(), replace(gateway, key=("AKIASECONDKEY", "another-secret"))
    with after.client() as other:
        with gateway.under_load(tmp_path, seed=4) as load:
            release.put_access_keys([gateway.key, after.key])
            wait_for(lambda: _is_taken(other), "the new key is taken", KEYS_SECONDS)
            load.wait_for_success(60, MORE)
        with after.under_load(tmp_path, seed=5) as load:
            release.put_access_keys([after.key])
            refused = lambda: None if _is_taken(client) else True
            wait_for(refused, "the old one is not", KEYS_SECONDS)
            load.wait_for_success(60, MORE)
    assert release.pool_pods() == pods
    secret = release.kubectl.get("secret", "default-access-keys", release.own)
    assert _told_of_keys(release) == {secret["metadata"]["resourceVersion"]}


def _told_of_keys(release: Release) -> set[str | None]:
    """The versions of the access keys that gateways' pods have been told of."""
    words = ("pods", "--selector=app.kubernetes.io/component=gateway", release.own)
    return {
        each["metadata"].get("annotations", {}).get("stator.dev/access-keys-version")
        for each in release.kubectl.items(*words)
    }


def _is_taken(client: Any) -> bool | None:
    try:
        client.list_tables()
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "UnrecognizedClientException":
            raise
        return None
    return True


@pytest.mark.timeout(600, func_only=True)
def test_clients_are_shown_a_certificate_where_the_pool_says_so(
    release: Release, client: Any, tmp_path: Path
) -> None:
    client.put_item(TableName=TABLE, Item={"pk": {"S": "under TLS"}})
    gateways = release.values["pool"]["spec"]["gateway"]
    gateways["tlsSecretName"] = "default-tls"
    release.install(CHART)
    wait_for(lambda: _gateway_has(release, "--https-key"), "the gateway is told of it", 60)
    release.wait_until_ready()
    bundle = tmp_path / "ca.crt"
    bundle.write_bytes(release.secret("default-tls")["ca.crt"])

    with release.kubectl.forward("svc/default-gateway", 8000, release.namespace) as port:
        secure = f"https://localhost:{port}"
        trusting = boto3_client(secure, *release.access_keys()[0], verify=str(bundle))
        wait_for(lambda: _is_found(trusting), "the table is found", 60)
        assert is_there(trusting, "under TLS")
        trusting.close()

    del gateways["tlsSecretName"]
    release.install(CHART)
    wait_for(lambda: not _gateway_has(release, "--https-key") or None, "plainly again", 60)
    release.wait_until_ready()
    one = "--selector=app.kubernetes.io/component=gateway"
    wait_for(lambda: len(release.pods(one)) == 1 or None, "the others are gone", 60)


def _gateway_has(release: Release, option: str) -> bool | None:
    deployment = release.kubectl.get("deployment", "default-gateway", release.own)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return True if any(word.startswith(option) for word in container["args"]) else None


@pytest.mark.timeout(600, func_only=True)
def test_uninstalling_leaves_what_serves_and_a_deleted_pool_its_volumes(
    release: Release, client: Any
) -> None:
    kubectl = release.kubectl
    client.put_item(TableName=TABLE, Item={"pk": {"S": "kept"}})
    pods, keys = release.pool_pods(), release.access_keys()

    release.helm("uninstall", RELEASE, release.own, "--wait")
    assert is_there(client, "kept")
    release.install(CHART)
    release.wait_until_ready()
    assert release.pool_pods() == pods, "taken over without a restart"

    release.helm("uninstall", RELEASE, release.own, "--wait")
    claims = {each["metadata"]["name"] for each in kubectl.items("pvc", release.own)}
    kubectl("delete", "storagepool", "default", release.own)
    wait_for(lambda: True if release.pool_pods() == {} else None, "all pods are gone", 120)
    assert {each["metadata"]["name"] for each in kubectl.items("pvc", release.own)} == claims
    release.install(CHART)
    release.wait_until_ready()

    assert release.access_keys() == keys
    with release.gateway() as found, found.client() as again:
        wait_for(lambda: _is_found(again), "the table is found again", 60)
        assert is_there(again, "kept")


def _is_found(client: Any) -> bool | None:
    return True if TABLE in client.list_tables()["TableNames"] else None
