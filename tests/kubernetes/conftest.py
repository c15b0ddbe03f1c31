"""Fixtures of the tests that need Kubernetes; `testbed/` beside this file is what they are made of.

    api_server      a control plane alone, for what the API decides. No root needed. Session.
                    `.kubeconfig` (a path), `.kubectl` (testbed/kubectl.py).

A `KUBECONFIG` in the environment is the cluster that all tests then use, and `KUBEBUILDER_ASSETS` a
folder of etcd and kube-apiserver that is used instead of what is built here. Where a machine cannot
have what a fixture needs, its tests are skipped with the reason; with `STATOR_KUBERNETES=required`,
as CI sets it, they fail instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from testbed.control_plane import ControlPlane
from testbed.given import GivenCluster, given_cluster
from testbed.programs import Missing

# A test's own time. Fixtures have longer, and end by themselves: the first one may have to build.
TEST_SECONDS = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("timeout") is None:
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
