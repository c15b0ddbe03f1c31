"""The servers that `run.py` measures, each a process of its own on loopback.

A `Server` starts a command on a free port, waits for its first answer, tells its memory, and ends
the process that it started, by its own id. All of them get the same signed requests; Stator and the
yardstick verify them, the peers do not.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from load import Signer, ask

ACCESS_KEY = "AKIASTATORBENCHMARK1"
SECRET = "not-a-secret/only-for-the-benchmark"
READY_SECONDS = 60.0
REST_SECONDS_MAX = 60.0
REST_TICKS = 5  # in a second
STOP_SECONDS = 20.0
ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("STATOR_CACHE", str(Path.home() / ".cache" / "stator")))
DYNOXIDE = CACHE / "dynoxide-3.2.0" / "bin" / "dynoxide"
DYNALITE = CACHE / "dynalite-4.0.0" / "node_modules" / "dynalite" / "cli.js"
STATOR = Path(sys.executable).parent / "stator"

# The generator has a core to itself as far as the scheduler allows; servers may use every core.
GENERATOR_CORE = 1


@dataclass
class Server:
    """One server: how it is started, and while it runs, its port and process."""

    name: str
    note: str
    words: Sequence[str]  # the command line; PORT, GRPC_PORT and FOLDER are filled in
    needs: Path  # what must exist for it to run
    folder: Path | None = None  # below `parent`, once it was started
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self, parent: Path) -> float:
        """Start it in a new folder below `parent`; returns the seconds to its first answer."""
        self.folder = folder = parent / self.name.replace(" ", "-")
        folder.mkdir(parents=True)
        write_access_keys(folder / "access-keys")
        (folder / "data").mkdir()
        self.port = free_port()
        values = {"PORT": str(self.port), "GRPC_PORT": str(free_port()), "FOLDER": str(folder)}
        words = [fill(word, values) for word in self.words]
        log = (folder / "log").open("wb")
        started = time.perf_counter()
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder
        )
        log.close()
        self._wait_for_first_answer(started, folder)
        return time.perf_counter() - started

    def _wait_for_first_answer(self, started: float, folder: Path) -> None:
        assert self.process is not None
        while time.perf_counter() - started < READY_SECONDS:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                ask(self.port, SIGNER, "ListTables", {})
                return
            time.sleep(0.001)
        tail = (folder / "log").read_text(errors="replace")[-2000:]
        self.stop()
        raise RuntimeError(f"{self.name} did not answer:\n{tail}")

    def wait_until_at_rest(self) -> None:
        """Until it uses next to no processor any more: what was filled in is compacted."""
        assert self.process is not None
        deadline = time.monotonic() + REST_SECONDS_MAX
        before = self._ticks()
        while time.monotonic() < deadline:
            time.sleep(1.0)
            now = self._ticks()
            if now - before < REST_TICKS:
                return
            before = now

    def _ticks(self) -> int:
        """Hundredths of a second of processor that the process has used."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def memory_bytes(self) -> int:
        """What the process keeps in memory now, with the share of what it shares (PSS)."""
        assert self.process is not None
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        for line in rollup.splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("the kernel tells no PSS")

    def stop(self) -> None:
        """End the process by its own id: politely, then not; and remove its folder."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        if self.folder is not None:  # Never where it was not started: it has no folder of its own.
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


def fill(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def write_access_keys(path: Path) -> None:
    path.write_text(f"{ACCESS_KEY} {SECRET}\n")
    path.chmod(0o600)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def servers() -> list[Server]:
    """Stator first, then what it is compared with."""
    stator = [str(STATOR), "local", "--folder", "{FOLDER}/data", "--port", "{PORT}"]
    stator += ["--grpc-port", "{GRPC_PORT}", "--access-keys", "{FOLDER}/access-keys"]
    yardstick = [sys.executable, str(ROOT / "benchmarks" / "yardstick.py"), "--port", "{PORT}"]
    yardstick += ["--folder", "{FOLDER}/data", "--access-key", ACCESS_KEY, "--secret", SECRET]
    dynoxide = [str(DYNOXIDE), "serve", "--host", "127.0.0.1", "--port", "{PORT}"]
    # No waiting for states to change: that is a setting of dynalite's for tests of clients.
    dynalite = ["node", str(DYNALITE), "--host", "127.0.0.1", "--port", "{PORT}"]
    dynalite += ["--createTableMs", "0", "--deleteTableMs", "0", "--updateTableMs", "0"]
    disk = [*dynoxide, "--db-path", "{FOLDER}/data/items.sqlite"]
    return [
        Server("Stator", "every write synced, signatures verified", stator, STATOR),
        Server("Dynoxide on disk", "every write synced", disk, DYNOXIDE),
        Server("Dynoxide in memory", "nothing kept", dynoxide, DYNOXIDE),
        Server("dynalite on disk", "not synced", [*dynalite, "--path", "{FOLDER}/data"], DYNALITE),
        Server("dynalite in memory", "nothing kept", dynalite, DYNALITE),
        Server("yardstick", "synced, verified, no features", yardstick, Path(sys.executable)),
    ]


SIGNER = Signer(ACCESS_KEY, SECRET)
