"""docs/how-to/install-on-kubernetes.md: what it says in a cluster works as printed."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from blackbox import wait_for
from docs.pages import ROOT, Block, blocks
from testbed.chart import CHART
from testbed.cluster import Cluster
from testbed.given import GivenCluster
from testbed.images import stator_archive
from testbed.kubectl import Kubectl

PAGE = ROOT / "docs" / "how-to" / "install-on-kubernetes.md"
NAMESPACE = "--namespace=stator-system"
PAGE_SECONDS = 600
MARK = "--- block done ---"
VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
IMAGE = f"localhost/stator:{VERSION}"


@pytest.fixture
def kubectl(
    cluster: Cluster | GivenCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kubectl]:
    """kubectl of a cluster that has the image under the name that the page gives it."""
    if isinstance(cluster, GivenCluster):
        pytest.skip("the page would install into somebody's cluster")
    archive = tmp_path_factory.mktemp("image") / "stator.tar"
    stator_archive(archive, IMAGE)
    cluster.load(archive)
    yield cluster.kubectl
    with contextlib.suppress(Exception):
        cluster.kubectl("delete", "storagepools", "--all", NAMESPACE)
        wait_for(
            lambda: True if cluster.kubectl.items("pods", NAMESPACE) == [] else None,
            "all gone",
            120,
        )
    cluster.kubectl("delete", "namespace", "stator-system", "--ignore-not-found", "--wait=false")


def in_cluster() -> list[Block]:
    return [block for block in blocks(PAGE) if block.in_cluster]


def place(folder: Path, programs: dict[str, Path]) -> dict[str, str]:
    """A checkout as the reader has it, and the environment: the programs are on the path."""
    (folder / "charts").symlink_to(ROOT / "charts")
    own = folder / "bin"
    own.mkdir()
    for name, path in programs.items():
        (own / name).symlink_to(path)
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    path = f"{own}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return kept | {"PATH": path, "AWS_PAGER": "", "HOME": str(folder), "PYTHONWARNINGS": "ignore"}


def run(page: list[Block], folder: Path, environment: dict[str, str]) -> list[str]:
    """Run the blocks in one shell; what each printed. Fails the test where one of them fails."""
    script = ["set -eu"]
    for block in page:
        script += [block.text, f"echo '{MARK}'"]
    printed, complaints = folder / "printed", folder / "complaints"
    with printed.open("wb") as output, complaints.open("wb") as errors:
        process = subprocess.Popen(
            ["bash", "-c", "\n".join(script)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        try:
            code = process.wait(PAGE_SECONDS)
        finally:
            # What still runs is of the session that was made for the page.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    said = printed.read_text()
    assert code == 0, f"{said}\n{complaints.read_text()}"
    return said.split(f"{MARK}\n")


@pytest.mark.timeout(900, func_only=True)
def test_the_page_installs_a_pool_and_makes_a_table(
    kubectl: Kubectl, helm: Path, tmp_path: Path
) -> None:
    environment = place(tmp_path, {"kubectl": kubectl.program, "helm": helm})
    environment["KUBECONFIG"] = str(kubectl.kubeconfig)
    found = in_cluster()

    printed = run(found, tmp_path, environment)
    kubectl("delete", "tables", "--all", NAMESPACE)
    uninstalled = subprocess.run(
        [helm, "uninstall", "stator", NAMESPACE, "--wait"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    for block, said in zip(found, printed, strict=False):
        if block.output is not None:
            assert said.strip() == block.output.strip(), block.text
    assert "default-zone-1-0" in "".join(printed), "`kubectl stator status` shows the pods"
    assert (tmp_path / "ca.crt").read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert uninstalled.returncode == 0, uninstalled.stderr


def test_the_page_names_the_image_that_the_chart_takes() -> None:
    assert set(re.findall(r"localhost/stator:\S+", PAGE.read_text())) == {IMAGE}
