"""The control plane that API tests run on is a real one, and any number stand side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.control_plane import ControlPlane
from testbed.given import GivenCluster
from testbed.kubectl import Kubectl, KubectlFailed


@pytest.fixture
def namespace(api_server: ControlPlane | GivenCluster) -> Iterator[str]:
    with api_server.kubectl.namespace() as name:
        yield name


def config_map(name: str, **data: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def names(kubectl: Kubectl, *words: str) -> set[str]:
    return {found["metadata"]["name"] for found in kubectl.items(*words)}


def test_objects_are_kept_and_found(
    api_server: ControlPlane | GivenCluster, namespace: str
) -> None:
    api_server.kubectl.apply(config_map("kept", answer="42"), namespace=namespace)

    found = api_server.kubectl.get("configmap", "kept", f"--namespace={namespace}")

    assert found["data"] == {"answer": "42"}


def test_what_the_schema_refuses_is_refused_with_the_reason(
    api_server: ControlPlane | GivenCluster, namespace: str
) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "empty"}}
    pod["spec"] = {"containers": []}

    with pytest.raises(KubectlFailed, match=r"spec\.containers: Required value"):
        api_server.kubectl.apply(pod, namespace=namespace)


def test_a_namespace_refuses_pods_below_its_level_of_security(
    api_server: ControlPlane | GivenCluster, namespace: str
) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "as-root"},
        "spec": {"containers": [{"name": "one", "image": "localhost/none:1"}]},
    }

    with pytest.raises(KubectlFailed, match='violates PodSecurity "restricted:latest"'):
        api_server.kubectl.apply(pod, namespace=namespace)


def test_controllers_work(api_server: ControlPlane | GivenCluster, namespace: str) -> None:
    """What belongs to an object goes with it: that is the garbage collector's doing."""
    kubectl = api_server.kubectl
    kubectl.apply(config_map("parent"), namespace=namespace)
    uid = kubectl.get("configmap", "parent", f"--namespace={namespace}")["metadata"]["uid"]
    child = config_map("child")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "parent", "uid": uid}
    child["metadata"] = {"name": "child", "ownerReferences": [owner]}
    kubectl.apply(child, namespace=namespace)

    kubectl("delete", "configmap", "parent", f"--namespace={namespace}")

    kubectl.wait("delete", "configmap/child", f"--namespace={namespace}", seconds=60)


def test_two_control_planes_stand_side_by_side_and_leave_nothing(tmp_path: Path) -> None:
    first, second = (ControlPlane(tmp_path / name).start() for name in ("first", "second"))
    try:
        with first.kubectl.namespace("mine") as name:
            assert name in names(first.kubectl, "namespaces")
            assert name not in names(second.kubectl, "namespaces")
    finally:
        processes = [*first.processes.ids(), *second.processes.ids()]
        first.end()
        second.end()

    assert len(processes) == 8
    assert [pid for pid in processes if Path(f"/proc/{pid}").exists()] == []
    assert list(tmp_path.iterdir()) == []


def test_a_killed_api_server_comes_back_with_its_objects(tmp_path: Path) -> None:
    control_plane = ControlPlane(tmp_path / "control-plane").start()
    try:
        control_plane.kubectl.apply(config_map("kept"))

        control_plane.kill_api_server()
        with pytest.raises(KubectlFailed, match="refused"):
            control_plane.kubectl("get", "configmaps")
        control_plane.start_api_server()

        assert "kept" in names(control_plane.kubectl, "configmaps")
    finally:
        control_plane.end()


def test_a_control_plane_that_cannot_start_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    first = ControlPlane(tmp_path / "first")
    first.start_etcd()
    first.start_api_server()
    try:
        second = ControlPlane(tmp_path / "second", port=first.port)
        with pytest.raises(Exception, match="address already in use"):
            second.start()

        assert not os.path.exists(second.folder)
    finally:
        first.end()
