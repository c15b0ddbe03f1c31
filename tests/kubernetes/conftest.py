"""Fixtures of the tests that need Kubernetes; `testbed/` beside this file is what they are made of.

    api_server      a control plane alone, for what the API decides. No root needed. Session.
                    `.kubeconfig` (a path), `.kubectl` (testbed/kubectl.py).
    cluster         a whole cluster, three nodes in three zones. While the test runs it is in the
                    cluster's network: pods, Services and nodes are reached at their addresses.
    own_cluster     the same, for tests that hurt it: never a cluster of somebody else.
    running_cluster the same for fixtures of a module or session, which say themselves when they
                    enter (`with running_cluster.entered():`).
    stator_image    the project's image, built from its Dockerfile and on every node. Its name.
    helm, kind, promtool, cert_manager_program   the programs' paths.
    definition_of   the definition of a kind of cert-manager's or the Prometheus operator's.

A `KUBECONFIG` in the environment is the cluster that all tests then use (with `STATOR_IMAGE`, and
`STATOR_BUSYBOX` where its nodes cannot get `busybox:1`), and `KUBEBUILDER_ASSETS` a
folder of etcd and kube-apiserver that is used instead of what is built here. Where a machine cannot
have what a fixture needs, its tests are skipped with the reason; with `STATOR_KUBERNETES=required`,
as CI sets it, they fail instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from testbed.cluster import Cluster
from testbed.control_plane import ControlPlane
from testbed.foreign_definitions import Object, foreign_definition
from testbed.given import GivenCluster, given_cluster
from testbed.images import STATOR, stator_archive
from testbed.programs import Missing, program

# A test's own time. Fixtures have longer, and end by themselves: the first one may have to build.
TEST_SECONDS = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        here = item.path.is_relative_to(Path(__file__).parent)
        if here and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS, func_only=True))


def refuse(reason: Missing) -> NoReturn:
    """Skip, or fail where these tests are required."""
    if os.environ.get("STATOR_KUBERNETES") == "required":
        pytest.fail(str(reason))
    pytest.skip(str(reason))


@pytest.fixture(scope="session")
def api_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ControlPlane | GivenCluster]:
    """A control plane alone, or the given cluster."""
    if given := given_cluster():
        yield given
        return
    try:
        control_plane = ControlPlane(tmp_path_factory.mktemp("kubernetes") / "control-plane")
    except Missing as reason:
        refuse(reason)
    control_plane.start()
    yield control_plane
    control_plane.end()


@pytest.fixture(scope="session")
def running_cluster(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster | GivenCluster]:
    """A cluster for all tests of the run; each makes namespaces of its own in it."""
    if given := given_cluster():
        yield given
        return
    try:
        made = Cluster(tmp_path_factory.mktemp("kubernetes") / "cluster")
    except Missing as reason:
        refuse(reason)
    made.start()
    yield made
    made.end()


@pytest.fixture
def cluster(running_cluster: Cluster | GivenCluster) -> Iterator[Cluster | GivenCluster]:
    """The cluster, entered for the time of the test."""
    with running_cluster.entered():
        yield running_cluster


@pytest.fixture
def own_cluster(cluster: Cluster | GivenCluster) -> Cluster:
    """The cluster, where it is ours to hurt. Who asks for it leaves it well."""
    if isinstance(cluster, GivenCluster):
        pytest.skip("KUBECONFIG leads to somebody's cluster, which is not ours to hurt")
    return cluster


@pytest.fixture(scope="session")
def stator_image(
    running_cluster: Cluster | GivenCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The name of the image; of a given cluster, STATOR_IMAGE, which its nodes can get."""
    if isinstance(running_cluster, GivenCluster):
        named = os.environ.get("STATOR_IMAGE")
        if not named:
            pytest.skip("STATOR_IMAGE names no image that the cluster of KUBECONFIG can get")
        yield named
        return
    archive = tmp_path_factory.mktemp("image") / "stator.tar"
    try:
        stator_archive(archive)
    except Missing as reason:
        refuse(reason)
    running_cluster.load(archive)
    yield STATOR
    archive.unlink()


@pytest.fixture(scope="session")
def helm() -> Path:
    return _program("helm")


@pytest.fixture(scope="session")
def promtool() -> Path:
    return _program("promtool")


@pytest.fixture(scope="session")
def kind() -> Path:
    return _program("kind")


@pytest.fixture(scope="session")
def cert_manager_program() -> Path:
    return _program("cert-manager")


@pytest.fixture(scope="session")
def definition_of() -> Callable[[str], Object]:
    """The definition of a kind of another project's."""

    def definition(kind: str) -> Object:
        try:
            return foreign_definition(kind)
        except Missing as reason:
            refuse(reason)

    return definition


def _program(name: str) -> Path:
    try:
        return program(name)
    except Missing as reason:
        refuse(reason)
