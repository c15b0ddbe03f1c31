"""Processes of a control plane or a cluster: each with a log, each ended by its own id.

They end with whoever started them, also where that is killed: the kernel kills each when the thread
that started it goes (`setpriv --pdeathsig`). So a test run that dies leaves no process behind.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

STOP_SECONDS = 10.0
LINES_OF_LOG = 15


class NotReady(Exception):
    """A part of the cluster ended, or did not become ready in time. The text is what it wrote."""


class Processes:
    """Processes by name. Their logs lie in `folder`, which is the caller's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> int:
        """Start it in a session of its own; returns its process id."""
        assert name not in self._running
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        return self._running[name].pid

    def is_running(self, name: str) -> bool:
        return name in self._running and self._running[name].poll() is None

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def ids(self) -> list[int]:
        """The process ids of all that were started and not ended."""
        return [process.pid for process in self._running.values()]

    def log(self, name: str) -> str:
        """The end of what it wrote."""
        written = (self._folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(written.splitlines()[-LINES_OF_LOG:])

    def kill(self, name: str) -> None:
        """kill -9."""
        self._end(name, signal.SIGKILL)

    def stop(self, name: str) -> None:
        """SIGTERM, and kill -9 where that is not heard."""
        self._end(name, signal.SIGTERM)

    def kill_all(self) -> None:
        """kill -9 for each: nothing that they keep is needed any more."""
        for process in self._running.values():
            process.kill()
        for name in tuple(self._running):
            self.kill(name)

    def _end(self, name: str, how: signal.Signals) -> None:
        process = self._running.pop(name, None)
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)

    def wait_for(self, name: str, what: str, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready`, while the process `name` lives. Raises NotReady."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_running(name):
                raise NotReady(f"{name} ended before {what}:\n{self.log(name)}")
            if time.monotonic() > deadline:
                raise NotReady(f"no {what} in {seconds} s:\n{self.log(name)}")
            time.sleep(0.05)
