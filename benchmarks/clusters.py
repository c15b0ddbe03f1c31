"""The clusters that `cluster.py` measures, each of three storage processes on loopback.

Stator and the yardstick are `servers.Server`s: one command that starts its storage processes itself
and ends them with it. `Etcd` is three members started here, each ended by its own id, and the Go
program that drives them. Folders lie below the one that the run has made.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from load import Outcome
from servers import (
    ACCESS_KEY,
    CACHE,
    READY_SECONDS,
    ROOT,
    SECRET,
    STATOR,
    STOP_SECONDS,
    Server,
    free_port,
)

ZONES = 3
ETCD_LOAD = CACHE / "etcd_load" / "etcd_load"
CELL_SECONDS_MAX = 60.0  # above the length of the cell itself
OURS, SINGLE, YARDSTICK, ETCD = "Stator, 3 zones", "Stator, 1 process", "yardstick", "etcd"


def stator_zones() -> Server:
    words = [str(STATOR), "local", "--zones", str(ZONES), "--folder", "{FOLDER}/data"]
    words += ["--port", "{PORT}", "--grpc-port", "{GRPC_PORT}"]
    words += ["--access-keys", "{FOLDER}/access-keys"]
    return Server(OURS, "synced by a quorum, signatures verified", words, STATOR)


def stator_single() -> Server:
    words = [str(STATOR), "local", "--folder", "{FOLDER}/data", "--port", "{PORT}"]
    words += ["--grpc-port", "{GRPC_PORT}", "--access-keys", "{FOLDER}/access-keys"]
    return Server(SINGLE, "one copy, synced, signatures verified", words, STATOR)


def yardstick_zones() -> Server:
    words = [sys.executable, str(ROOT / "benchmarks" / "yardstick_zones.py"), "--port", "{PORT}"]
    words += ["--folder", "{FOLDER}/data", "--access-key", ACCESS_KEY, "--secret", SECRET]
    note = "gateway and three storage processes: synced by a quorum, verified, no features"
    return Server(YARDSTICK, note, words, Path(sys.executable))


@dataclass
class Etcd:
    """Three members, and their load generator; its requests go to the leader."""

    name: str = ETCD
    note: str = "three members, synced by a quorum, no signatures; asked at the leader by gRPC"
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    folder: Path | None = None
    leader: str = ""  # host:port for clients
    generator_seconds: float = 0.0  # of processor, for each operation of the last cell

    @staticmethod
    def missing() -> str | None:
        """Why it cannot be measured here, if so."""
        if shutil.which("etcd") is None:
            return "no `etcd` on the path (Debian: apt-get install etcd-server)"
        if not ETCD_LOAD.exists():
            return f"no {ETCD_LOAD} (it is built by `make`, which needs Go)"
        return None

    def start(self, parent: Path) -> None:
        """Start the members in new folders below `parent` and find out who leads."""
        self.folder = parent / "etcd"
        self.folder.mkdir(parents=True)
        ports = [(free_port(), free_port()) for _ in range(ZONES)]
        peers = ",".join(
            f"zone-{number}=http://127.0.0.1:{peer}" for number, (_, peer) in enumerate(ports)
        )
        for number, (client, peer) in enumerate(ports):
            log = (self.folder / f"log-{number}").open("wb")
            words = ["etcd", "--name", f"zone-{number}", "--data-dir", f"data-{number}"]
            for kind, port in (("client", client), ("peer", peer)):
                urls = f"http://127.0.0.1:{port}"
                advertise = "initial-advertise" if kind == "peer" else "advertise"
                words += [f"--listen-{kind}-urls", urls, f"--{advertise}-{kind}-urls", urls]
            words += ["--initial-cluster", peers, "--initial-cluster-state", "new"]
            self.processes.append(
                subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
                )
            )
            log.close()
        self.leader = self._find_leader([client for client, _ in ports])
        self._drive("put", 16, 0.1, "-fill")

    def measure(self, operation: str, clients: int, seconds: float) -> Outcome:
        """One cell: `put` or `get`. Raises RuntimeError."""
        found = self._drive(operation, clients, seconds)
        latencies = sorted(found["latencies"])
        self.generator_seconds = found["processor_seconds"] / max(1, len(latencies))
        errors = b"see the log of the load generator" if found["errors"] else None
        return Outcome(found["seconds"], latencies, found["errors"], errors)

    def stop(self) -> None:
        """End each member by its own id, and remove their folder."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def _drive(self, operation: str, clients: int, seconds: float, *more: str) -> dict[str, Any]:
        words = [str(ETCD_LOAD), "-endpoint", self.leader, "-operation", operation]
        words += ["-clients", str(clients), "-seconds", str(seconds), *more]
        done = subprocess.run(
            words, capture_output=True, timeout=seconds + CELL_SECONDS_MAX, check=False
        )
        if done.returncode:
            raise RuntimeError(f"etcd's load generator: {done.stderr.decode()[-2000:]}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def _find_leader(self, ports: list[int]) -> str:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            for port in ports:
                with contextlib.suppress(OSError, KeyError):
                    status = _status(port)
                    if status["leader"] == status["header"]["member_id"]:
                        return f"127.0.0.1:{port}"
            time.sleep(0.1)
        self.stop()
        raise RuntimeError("etcd elected no leader")


def _status(port: int) -> dict[str, Any]:
    """What a member says of itself, by its JSON gateway. Raises OSError."""
    url = f"http://127.0.0.1:{port}/v3/maintenance/status"
    request = urllib.request.Request(url, data=b"{}", method="POST")
    with urllib.request.urlopen(request, timeout=2) as answer:
        status: dict[str, Any] = json.load(answer)
    return status


def storage_pid(data: Path, zone: str) -> int:
    """The storage process of a zone of `stator local --zones 3`."""
    return int((node_folder(data, zone) / "LOCK").read_text())


def node_folder(data: Path, zone: str) -> Path:
    return data / f"node-{zone.removeprefix('zone-')}"


def load_average() -> float:
    return os.getloadavg()[0]
