"""`stator node` as a process: whose volume it takes, and how it starts, is kept out and ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackbox import free_port, wait_for
from stator_node.node_processes import READY
from stator_node.storage.folder import DataFolder

STOP_SECONDS = 20.0


class StatorNode:
    """`stator node` as a process."""

    def __init__(self, folder: Path, *options: str) -> None:
        words = ["node", "--folder", str(folder), *options]
        for name, value in {"--cluster-id": "c", "--zone": "z"}.items():
            words += [] if name in options else [name, value]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stator_node", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ready(self) -> str:
        """The id of the node, once it serves."""
        assert self.process.stdout is not None
        found = READY.match(self.process.stdout.readline().decode())
        assert found is not None
        return found[1]

    def ended(self) -> tuple[int, str]:
        """Its exit code and what it said at the end."""
        _, said = self.process.communicate(timeout=STOP_SECONDS)
        return self.process.returncode, said.decode()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[StatorNode]]:
    made: list[StatorNode] = []
    yield made
    for each in made:
        if each.process.poll() is None:
            each.process.kill()
            each.process.communicate()


def test_a_folder_is_one_node_and_only_one_process_has_it(
    tmp_path: Path, started: list[StatorNode]
) -> None:
    started.append(StatorNode(tmp_path / "node"))
    node_id = started[0].ready()

    started.append(StatorNode(tmp_path / "node"))
    code, said = started[1].ended()
    assert code == 1
    assert f"{started[0].process.pid}" in said
    assert "Traceback" not in said

    started[0].process.send_signal(signal.SIGTERM)
    assert started[0].ended()[0] == 0
    started.append(StatorNode(tmp_path / "node"))
    assert started[2].ready() == node_id


def test_a_child_ends_with_its_parent(tmp_path: Path, started: list[StatorNode]) -> None:
    started.append(StatorNode(tmp_path / "node", "--with-parent"))
    started[0].ready()

    assert started[0].ended()[0] == 0, "communicate() has closed its standard input"


def test_a_port_that_is_taken_is_named(tmp_path: Path, started: list[StatorNode]) -> None:
    started.append(StatorNode(tmp_path / "first"))
    assert started[0].process.stdout is not None
    found = READY.match(started[0].process.stdout.readline().decode())
    assert found is not None

    started.append(StatorNode(tmp_path / "second", "--port", found[3]))

    code, said = started[1].ended()
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{found[3]}" in said


@pytest.mark.parametrize(
    "option, text",
    [
        ("--cluster-id", "is of cluster c, and this is cluster other"),
        ("--zone", "is of zone z, and this is zone other"),
    ],
)
def test_the_volume_of_another_cluster_or_zone_is_left_alone(
    tmp_path: Path, started: list[StatorNode], option: str, text: str
) -> None:
    folder = tmp_path / "node"
    started.append(StatorNode(folder))
    node_id = started[0].ready()
    started[0].process.send_signal(signal.SIGTERM)
    assert started[0].ended()[0] == 0

    started.append(StatorNode(folder, option, "other"))
    code, said = started[1].ended()
    assert code == 1
    assert said.splitlines()[-1].startswith("stator: ")
    assert text in said

    started.append(StatorNode(folder))
    assert started[2].ready() == node_id


def test_a_copy_of_a_volume_does_not_answer_for_the_other_one(
    tmp_path: Path, started: list[StatorNode]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    started.append(StatorNode(first))
    started[0].ready()
    started[0].process.send_signal(signal.SIGTERM)
    started[0].ended()
    shutil.copytree(first, second)

    port = free_port()
    seeds = f"--seeds=localhost:{port}"
    started.append(StatorNode(first, "--port", str(port), seeds))
    node_id = started[1].ready()
    started.append(StatorNode(second, seeds))
    code, said = started[2].ended()

    assert code == 1
    assert f"node {node_id} answers at 127.0.0.1:{port} already" in said


def health(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode().strip()


def test_a_fenced_pod_runs_and_leaves_its_folder_to_others(
    tmp_path: Path, started: list[StatorNode]
) -> None:
    fence, folder, port = tmp_path / "fenced", tmp_path / "node", free_port()
    fence.write_text("")  # as where the annotation is not set
    words = ("--fence-file", str(fence), "--health-port", str(port))
    started.append(StatorNode(folder, *words))
    node_id = started[0].ready()
    assert health(port, "/ready") == (200, "serving")

    fence.write_text("true")
    assert started[0].ended()[0] == 0  # with nothing left of it that a peer could wait for
    started.append(StatorNode(folder, *words))
    wait_for(lambda: is_fenced(port), "it is fenced")
    assert [health(port, path)[0] for path in ("/started", "/alive")] == [200, 200]
    with DataFolder(folder, create=False, now=0.0) as mine:
        assert mine.folder_id == node_id

    fence.write_text("false")
    assert started[1].ready() == node_id
    assert health(port, "/ready") == (200, "serving")
    started[1].process.send_signal(signal.SIGTERM)
    assert started[1].ended()[0] == 0


def is_fenced(port: int) -> bool | None:
    try:
        return True if health(port, "/ready") == (503, "fenced") else None
    except OSError:
        return None


def test_a_pod_that_is_fenced_from_the_beginning_opens_nothing_and_ends_when_told(
    tmp_path: Path, started: list[StatorNode]
) -> None:
    fence, folder, port = tmp_path / "fenced", tmp_path / "node", free_port()
    fence.write_text("the disk is being looked at")
    started.append(StatorNode(folder, "--fence-file", str(fence), "--health-port", str(port)))
    wait_for(lambda: is_fenced(port), "it is fenced")
    assert not folder.exists()
    os.kill(started[0].process.pid, signal.SIGTERM)
    assert started[0].ended()[0] == 0
