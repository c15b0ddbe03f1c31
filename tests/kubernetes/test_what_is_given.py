"""Clusters and programs of the environment are used instead of our own; what is missing is said."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.cluster import require
from testbed.control_plane import ControlPlane
from testbed.given import given_cluster
from testbed.programs import Missing, program

ASSETS = ("etcd", "kube-apiserver", "kubectl")


@pytest.fixture
def assets(api_server: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder as envtest's: API server, etcd and kubectl, and nothing else."""
    folder = tmp_path / "assets"
    folder.mkdir()
    for name in ASSETS:
        (folder / name).symlink_to(program(name))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(folder))
    program.cache_clear()
    yield folder
    program.cache_clear()


def test_a_control_plane_is_made_of_the_programs_that_are_given(
    assets: Path, tmp_path: Path
) -> None:
    control_plane = ControlPlane(tmp_path / "control-plane").start()
    try:
        commands = [
            Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]
            for pid in control_plane.processes.ids()
        ]
        assert commands == [str(assets / "etcd"), str(assets / "kube-apiserver")]
        assert control_plane.kubectl.items("namespaces")
    finally:
        control_plane.end()


def test_a_program_that_is_not_given_is_missed_by_name(assets: Path) -> None:
    with pytest.raises(Missing, match="there is no kubelet in KUBEBUILDER_ASSETS"):
        program("kubelet")


def test_the_cluster_of_a_kubeconfig_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control_plane = ControlPlane(tmp_path / "control-plane").start()
    try:
        monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig))
        given = given_cluster()

        assert given is not None
        with given.kubectl.namespace("given") as name:
            control_plane.kubectl("get", "namespace", name)
    finally:
        control_plane.end()


@pytest.mark.skipif(os.geteuid() != 0, reason="who is nobody already cannot become it")
def test_nodes_are_refused_to_whoever_is_not_root() -> None:
    os.seteuid(65534)
    try:
        with pytest.raises(Missing, match="nodes need root"):
            require()
    finally:
        os.seteuid(0)
