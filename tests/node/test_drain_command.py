"""`stator drain`, as a preStop hook runs it: beside a `stator node` that is asked over its port."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

WAIT_SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            code: int = answer.status
            return code
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def stator(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stator_node", *words],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


def test_a_node_is_ready_until_it_is_drained(tmp_path: Path) -> None:
    port = free_port()
    options = ["--cluster-id=c", "--zone=z", f"--health-port={port}"]
    node = subprocess.Popen(
        [sys.executable, "-m", "stator_node", "node", f"--folder={tmp_path}", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while status(port, "/ready") != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)

        drained = stator("drain", f"--health-port={port}")

        assert (drained.returncode, drained.stderr) == (0, "")
        assert (status(port, "/ready"), status(port, "/alive")) == (503, 200)
        node.terminate()
        assert node.wait(WAIT_SECONDS) == 0
    finally:
        node.kill()
        node.wait()


def test_where_nobody_listens_the_command_says_so() -> None:
    refused = stator("drain", f"--health-port={free_port()}")

    assert refused.returncode == 1
    assert "cannot be drained" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_health_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("--cluster-id=c", "--zone=z", f"--health-port={port}")
        refused = stator("node", f"--folder={tmp_path}", *words)

    assert refused.returncode == 1
    assert f"health port {port}" in refused.stderr
