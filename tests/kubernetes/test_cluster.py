"""The cluster that tests run on is a real one: zones, volumes, names, evictions, bad days."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pods import ZONE, busybox, pod, pod_spec, service, stateful_set, volume_claim
from testbed.cluster import PREFIX, Cluster, remove_what_was_left
from testbed.given import GivenCluster
from testbed.kubectl import Kubectl, KubectlFailed

AnyCluster = Cluster | GivenCluster

SERVE = "mkdir -p /tmp/www && hostname > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"
WRITABLE = {"name": "writable", "mountPath": "/tmp"}
EMPTY = {"name": "writable", "emptyDir": {}}


@pytest.fixture
def namespace(cluster: AnyCluster) -> Iterator[str]:
    with cluster.kubectl.namespace() as name:
        yield name


def wait_for(check: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """What `check` returns as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"no {what} in {seconds} s"
        time.sleep(0.2)
    return found


def zones_of_nodes(kubectl: Kubectl) -> dict[str, str]:
    """Node -> zone, of all that take pods."""
    return {
        node["metadata"]["name"]: node["metadata"]["labels"][ZONE]
        for node in kubectl.items("nodes")
        if ZONE in node["metadata"]["labels"]
    }


def server_pod_spec() -> dict[str, Any]:
    return pod_spec(busybox(SERVE, volumeMounts=[WRITABLE]), volumes=[EMPTY])


def test_nodes_are_ready_in_three_zones(cluster: AnyCluster) -> None:
    cluster.kubectl.wait("condition=Ready", "nodes", "--all")

    assert set(zones_of_nodes(cluster.kubectl).values()) == {"zone-1", "zone-2", "zone-3"}


def test_a_stateful_set_has_a_pod_and_its_volume_in_each_zone(
    cluster: AnyCluster, namespace: str
) -> None:
    kubectl = cluster.kubectl
    mount = {"name": "data", "mountPath": "/data"}
    keeps = busybox("hostname >> /data/names; exec sleep 1000", volumeMounts=[mount])
    claims = [volume_claim("data", "1Gi")]
    wanted = stateful_set("keeper", 3, pod_spec(keeps), volumeClaimTemplates=claims)

    kubectl.apply(wanted, namespace=namespace)
    kubectl("rollout", "status", "statefulset/keeper", f"--namespace={namespace}", "--timeout=90s")

    zones = zones_of_nodes(kubectl)
    pods = kubectl.items("pods", f"--namespace={namespace}")
    assert {zones[one["spec"]["nodeName"]] for one in pods} == {"zone-1", "zone-2", "zone-3"}
    # A pod that is made anew finds its volume, in its zone, with what it wrote.
    kubectl("delete", "pod", "keeper-1", f"--namespace={namespace}")
    kubectl("rollout", "status", "statefulset/keeper", f"--namespace={namespace}", "--timeout=90s")
    written = kubectl("exec", f"--namespace={namespace}", "keeper-1", "--", "cat", "/data/names")
    assert written.split() == ["keeper-1", "keeper-1"]


def test_a_claim_grows_and_its_volume_goes_with_it(own_cluster: Cluster, namespace: str) -> None:
    kubectl = own_cluster.kubectl
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **volume_claim("data", "1Gi")}
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    kubectl.apply(
        claim, pod("user", pod_spec(busybox("sleep 1000"), volumes=[volume])), namespace=namespace
    )
    kubectl.wait("condition=Ready", "pod/user", f"--namespace={namespace}")
    name = kubectl.get("pvc", "data", f"--namespace={namespace}")["spec"]["volumeName"]
    folder = Path(kubectl.get("pv", name)["spec"]["local"]["path"])
    assert folder.is_dir()

    claim["spec"]["resources"]["requests"]["storage"] = "2Gi"
    kubectl.apply(claim, namespace=namespace)
    kubectl.wait("jsonpath={.status.capacity.storage}=2Gi", "pvc/data", f"--namespace={namespace}")

    kubectl("delete", "pod/user", "pvc/data", f"--namespace={namespace}")
    kubectl.wait("delete", f"pv/{name}")
    assert not folder.exists()


def test_a_service_is_found_by_its_name_and_leads_to_its_pods(
    own_cluster: Cluster, namespace: str
) -> None:
    kubectl = own_cluster.kubectl
    kubectl.apply(
        pod("server", server_pod_spec()),
        pod("asker", pod_spec(busybox("sleep 1000"))),
        service("server", 8080),
        namespace=namespace,
    )
    kubectl.wait("condition=Ready", "pod/server", "pod/asker", f"--namespace={namespace}")
    address = kubectl.get("service", "server", f"--namespace={namespace}")["spec"]["clusterIP"]

    def looked_up() -> str:
        name = f"server.{namespace}.svc.cluster.local"
        command = ("exec", f"--namespace={namespace}", "asker", "--", "nslookup", name)
        try:
            return kubectl(*command)
        except KubectlFailed:
            return ""

    wait_for(lambda: address in looked_up(), f"address {address} in DNS")
    # From here too: the test runs in the cluster's network.
    assert wait_for(lambda: page_of(address), "answer of the Service") == "server\n"


def page_of(address: str) -> str | None:
    connection = http.client.HTTPConnection(address, 8080, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    except OSError:
        return None
    finally:
        connection.close()


def test_a_drain_waits_for_the_disruption_budget(cluster: AnyCluster, namespace: str) -> None:
    # A name of its own: kubectl drain looks at all namespaces, also those that are ending.
    kubectl, name = cluster.kubectl, "guarded"
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": name}}},
    }
    kubectl.apply(budget, stateful_set(name, 3, server_pod_spec()), namespace=namespace)
    rolled_out = ("rollout", "status", f"statefulset/{name}", f"--namespace={namespace}")
    kubectl(*rolled_out, "--timeout=90s")
    nodes = {
        one["metadata"]["name"]: one["spec"]["nodeName"]
        for one in kubectl.items("pods", f"--namespace={namespace}")
    }
    drain = ("drain", "--ignore-daemonsets", f"--pod-selector=app={name}", "--delete-emptydir-data")
    try:
        # The first goes, and has nowhere to come back to: its zone takes no pods now.
        kubectl(*drain, nodes[f"{name}-0"], "--timeout=60s")
        with pytest.raises(KubectlFailed, match="violate the pod's disruption budget"):
            kubectl(*drain, nodes[f"{name}-1"], "--timeout=5s")
    finally:
        kubectl("uncordon", *nodes.values())

    kubectl(*rolled_out, "--timeout=90s")


def test_pods_outlive_the_api_server_and_it_comes_back(
    own_cluster: Cluster, namespace: str
) -> None:
    kubectl = own_cluster.kubectl
    kubectl.apply(pod("server", server_pod_spec()), service("server", 8080), namespace=namespace)
    kubectl.wait("condition=Ready", "pod/server", f"--namespace={namespace}")
    address = kubectl.get("service", "server", f"--namespace={namespace}")["spec"]["clusterIP"]
    wait_for(lambda: page_of(address), "answer of the Service")

    own_cluster.control_plane.kill_api_server()
    try:
        with pytest.raises(KubectlFailed, match="refused"):
            kubectl("get", "nodes")
        assert page_of(address) == "server\n"
    finally:
        own_cluster.control_plane.start_api_server()

    kubectl.apply(pod("later", server_pod_spec()), namespace=namespace)
    kubectl.wait("condition=Ready", "pod/later", f"--namespace={namespace}")


@pytest.mark.parametrize("how", ["cut off", "killed"])
def test_a_lost_node_is_noticed_and_comes_back(
    own_cluster: Cluster, namespace: str, how: str
) -> None:
    kubectl, node = own_cluster.kubectl, own_cluster.nodes[0]
    spec = pod_spec(busybox("sleep 1000"), nodeName=node.name)
    kubectl.apply(pod("there", spec), namespace=namespace)
    kubectl.wait("condition=Ready", "pod/there", f"--namespace={namespace}")

    if how == "killed":
        node.kill()
    else:
        node.cut()
    kubectl.wait("condition=Ready=Unknown", f"node/{node.name}")

    if how == "killed":
        own_cluster.start_node(node)
    else:
        node.mend()
    # It has every image to take in again.
    kubectl.wait("condition=Ready", f"node/{node.name}", seconds=200)
    kubectl.wait("condition=Ready", "pod/there", f"--namespace={namespace}")


def test_two_clusters_stand_side_by_side_and_leave_nothing(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    second = Cluster(tmp_path / "second").start()
    try:
        processes = [*second.processes.ids(), *second.control_plane.processes.ids()]
        cgroups = cgroups_of(second)
        with second.entered():
            second.kubectl.apply(pod("here", server_pod_spec()))
            second.kubectl.wait("condition=Ready", "pod/here")
            assert page_of(second.kubectl.get("pod", "here")["status"]["podIP"]) == "here\n"
        with pytest.raises(KubectlFailed, match='pods "here" not found'):
            own_cluster.kubectl.get("pod", "here")
        assert [node.address for node in second.nodes] == [n.address for n in own_cluster.nodes]
    finally:
        second.end()

    assert processes
    assert [pid for pid in processes if os.path.exists(f"/proc/{pid}")] == []
    assert cgroups
    assert [folder for folder in cgroups if folder.exists()] == []
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
    assert list(tmp_path.iterdir()) == []


def cgroups_of(cluster: Cluster) -> list[Path]:
    return list(Path("/sys/fs/cgroup").glob(f"*/{cluster.id}-*"))


KILLED_RUN = """
import sys, time
from pathlib import Path
from testbed.cluster import Cluster
cluster = Cluster(Path(sys.argv[1])).start()
print(*cluster.processes.ids(), *cluster.control_plane.processes.ids(), flush=True)
time.sleep(1000)
"""


def test_a_killed_test_run_leaves_no_process_and_its_cgroups_go_with_the_next(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", KILLED_RUN, str(tmp_path / "killed")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as started:
        assert started.stdout is not None
        processes = started.stdout.readline().split()
        started.kill()
    assert len(processes) == 10

    wait_for(lambda: not any(map(is_alive, processes)), "end of every process", 10)
    left = f"{PREFIX}{started.pid}-*"
    assert list(Path("/sys/fs/cgroup").glob(f"*/{left}"))
    wait_for(lambda: removed(left), "end of the cgroups")

    assert own_cluster.kubectl.items("nodes")
    assert cgroups_of(own_cluster)


def is_alive(process: str) -> bool:
    return Path(f"/proc/{process}").exists()


def removed(pattern: str) -> bool:
    """Whether the cgroups are gone: those of killed processes are not empty at once."""
    remove_what_was_left()
    return not list(Path("/sys/fs/cgroup").glob(f"*/{pattern}"))
