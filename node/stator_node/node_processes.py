"""The storage processes of one machine: started, watched, started again.

In: a folder and a number of zones, from `local_zones.py`. Each zone has one `stator node` process
with a folder of its own; one that ends is started again in the same folder. Out: who they are and
where they listen, told to the cluster's view. Processes end with this one: they hold the other end
of a pipe. Invariant: a process is only ever ended by its own id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stator_node.cluster_file import Place
from stator_node.transport.links import Address
from stator_node.transport.tls_files import TlsFiles

logger = logging.getLogger(__name__)

READY = re.compile(r"Stator node (\S+) is ready on (\S+):(\d+)")
HOST = "127.0.0.1"
START_SECONDS = 10.0  # for the last of them, once most have started
RESTART_SECONDS_MIN = 0.2
RESTART_SECONDS_MAX = 5.0
STOP_SECONDS = 10.0


def folder_of(folder: Path, number: int) -> Path:
    """The data folder of a zone's process, counted from 1."""
    return folder / f"node-{number}"


@dataclass(slots=True)
class NodeProcess:
    """One zone's process."""

    zone: str
    folder: Path
    process: asyncio.subprocess.Process | None = None
    node_id: str | None = None
    port: int = 0


class NodeProcesses:
    """All of them."""

    def __init__(
        self,
        folder: Path,
        zones: int,
        cluster_id: str,
        before: Mapping[str, Place],
        joined: Callable[[str, str, Address], None],
        lost: Callable[[str], None],
        stop_seconds: float = STOP_SECONDS,
        tls: TlsFiles | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """`before` says who the pod of each zone was at the last start.

        `joined(node_id, zone, address)` and `lost(node_id)`: its folder was emptied. A process that
        has not ended `stop_seconds` after it was asked to is killed. `options` are further words of
        their command lines.
        """
        self._cluster_id = cluster_id
        self._joined = joined
        self._lost = lost
        self._stopping = False
        self._stop_seconds = stop_seconds
        self._tls = tls
        self._options = options
        self.processes = [
            NodeProcess(f"zone-{number}", folder_of(folder, number))
            for number in range(1, zones + 1)
        ]
        for each in self.processes:
            if each.zone in before:
                each.node_id, each.port = before[each.zone].name, before[each.zone].port
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start every process; returns when each has said that it is ready once.

        One that cannot start, though it could before, must not keep the others from serving.
        """
        loop = asyncio.get_running_loop()
        ready = [loop.create_future() for _ in self.processes]
        self._tasks = [
            loop.create_task(self._keep(process, first))
            for process, first in zip(self.processes, ready, strict=True)
        ]
        while True:
            await asyncio.wait(ready, timeout=START_SECONDS)
            late = [
                each for each, first in zip(self.processes, ready, strict=True) if not first.done()
            ]
            if len(late) * 2 < len(ready) and all(each.node_id is not None for each in late):
                break
            logger.warning("not started yet: %s", ", ".join(each.zone for each in late))
        for each in late:
            assert each.node_id is not None
            logger.error("the process of %s does not start: served without it", each.zone)
            self._joined(each.node_id, each.zone, Address(HOST, each.port))

    async def stop(self) -> None:
        """End every process: politely, then not."""
        self._stopping = True
        for each in self.processes:
            if each.process is not None and each.process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    each.process.send_signal(signal.SIGTERM)
        for each in self.processes:
            if each.process is None:
                continue
            try:
                async with asyncio.timeout(self._stop_seconds):
                    await each.process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    each.process.kill()
                await each.process.wait()
        for task in self._tasks:
            task.cancel()

    async def _keep(self, each: NodeProcess, first: asyncio.Future[None]) -> None:
        """Run one process again and again."""
        pause = RESTART_SECONDS_MIN
        while not self._stopping:
            process = each.process = await asyncio.create_subprocess_exec(
                *self._words(each),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            started = False
            while line := await process.stdout.readline():
                found = READY.match(line.decode("utf-8", "replace"))
                if found is not None:
                    started = True
                    self._is_ready(each, found)
                    pause = RESTART_SECONDS_MIN
                    if not first.done():
                        first.set_result(None)
            code = await process.wait()
            if self._stopping:
                return
            logger.warning("the process of %s ended (%s), it is started again", each.zone, code)
            if not started:
                each.port = 0  # Somebody else may have it by now.
            await asyncio.sleep(pause)
            pause = min(pause * 2, RESTART_SECONDS_MAX)

    def _is_ready(self, each: NodeProcess, found: re.Match[str]) -> None:
        node_id, host, port = found[1], found[2], int(found[3])
        if each.node_id is not None and each.node_id != node_id:
            self._lost(each.node_id)  # Its folder was emptied: it is another node now.
        each.node_id, each.port = node_id, port
        self._joined(node_id, each.zone, Address(host, port))

    def _words(self, each: NodeProcess) -> list[str]:
        return [
            sys.executable,
            "-m",
            "stator_node",
            "node",
            "--folder",
            str(each.folder),
            "--port",
            str(each.port),  # The same again after a restart, so that nobody has to learn it.
            "--cluster-id",
            self._cluster_id,
            "--zone",
            each.zone,
            "--with-parent",
            *self._tls_words(),
            *self._options,
        ]

    def _tls_words(self) -> list[str]:
        tls = self._tls
        if tls is None:
            return []
        files = {"certificate": tls.certificate, "key": tls.key, "authority": tls.authority}
        words = [word for name, path in files.items() for word in (f"--tls-{name}", str(path))]
        return words if tls.peer_name is None else [*words, "--tls-peer-name", tls.peer_name]
