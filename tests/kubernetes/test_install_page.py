"""docs/how-to/install-on-kubernetes.md: what it says in a cluster works as printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from blackbox import wait_for
from cluster_pages import run_page
from docs.pages import ROOT
from testbed.chart import CHART, Helm
from testbed.cluster import Cluster
from testbed.given import GivenCluster
from testbed.images import stator_archive
from testbed.kubectl import Kubectl

PAGE = ROOT / "docs" / "how-to" / "install-on-kubernetes.md"
NAMESPACE = "--namespace=stator-system"
VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
IMAGE = f"localhost/stator:{VERSION}"


@pytest.fixture
def kubectl(
    running_cluster: Cluster | GivenCluster,
    helm: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Kubectl]:
    """kubectl of a cluster that has the image under the name that the page gives it."""
    if isinstance(running_cluster, GivenCluster):
        pytest.skip("the page would install into somebody's cluster")
    archive = tmp_path_factory.mktemp("image") / "stator.tar"
    stator_archive(archive, IMAGE)
    running_cluster.load(archive)
    made = running_cluster.kubectl
    with running_cluster.entered():
        yield made
        own = Helm(helm, archive.parent, made.kubeconfig)
        own("uninstall", "stator", NAMESPACE, "--wait", "--ignore-not-found")
        made("delete", "storagepools", "--all", NAMESPACE)
        gone = made.items
        wait_for(lambda: True if gone("pods", NAMESPACE) == [] else None, "all gone", 120)
        made("delete", "namespace", "stator-system", "--ignore-not-found", "--wait=false")


@pytest.mark.timeout(900, func_only=True)
def test_the_page_installs_a_pool_and_makes_a_table(
    kubectl: Kubectl, helm: Path, tmp_path: Path
) -> None:
    (tmp_path / "charts").symlink_to(ROOT / "charts")

    said = run_page(PAGE, tmp_path, kubectl, {"helm": helm})

    assert "default-zone-1-0" in said, "`kubectl stator status` shows the pods"
    assert (tmp_path / "ca.crt").read_text().startswith("-----BEGIN CERTIFICATE-----")
    # As the page says: what the operator has to do with goes before it.
    kubectl("delete", "tables", "--all", NAMESPACE)


def test_the_page_names_the_image_that_the_chart_takes() -> None:
    assert set(re.findall(r"localhost/stator:\S+", PAGE.read_text())) == {IMAGE}
