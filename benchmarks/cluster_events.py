"""What three zones of Stator do on a bad day, and on a busy one: `cluster.py` asks, this measures.

`measure_recovery` kills the storage process that leads, by its own id, again and again, and times
the first write that succeeds after it. `measure_changes` keeps writers going second by second while
the partition splits and while a replica moves. Everything is asked of the cluster as an operator
asks it: `stator cluster`. Invariant: nothing is deleted here but a folder that this run has made.
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clusters import ZONES, node_folder, stator_zones, storage_pid
from load import Connections, ask
from servers import SIGNER, Server
from stator_node import cli, cluster_command, cluster_file
from workloads import ITEMS, create_table, fill, item, put_item, requests_of

TABLE = "items"
HEAL_SECONDS = 60.0
WRITE_SECONDS_MAX = 30.0
LOOK_SECONDS = 0.05
WRITERS = 16
QUIET_SECONDS = 4.0  # before a change: what the median is taken of, too
LAG_MAX = 200  # entries; under load nobody has all of them


@dataclass
class Change:
    """Operations in each second, and in which of them the change was under way."""

    name: str
    seconds: list[float] = field(default_factory=list)
    began: int = 0
    ended: int = 0
    errors: int = 0
    first_error: bytes | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def worst(self) -> float:
        return min(self.seconds)

    def line(self) -> str:
        return (
            f"{self.name}: median {self.median:,.0f}/s, worst second {self.worst:,.0f}/s "
            f"({self.worst / self.median:.2f}), seconds {self.began} to {self.ended} of "
            f"{len(self.seconds)}, {self.errors} errors"
        )


class Events:
    """What was measured."""

    def __init__(self) -> None:
        self.recoveries: list[float] = []
        self.changes: list[Change] = []


class Zones:
    """A running `stator local --zones 3` as an operator sees it."""

    def __init__(self, server: Server) -> None:
        assert server.folder is not None
        self.server = server
        self.data = server.folder / "data"

    def ask(self, *words: str) -> Any:
        """What `stator cluster` answers. Raises NotDone, ClusterFileRefused."""
        settings = cli.parse(["cluster", *words, "--folder", str(self.data)])
        assert isinstance(settings, cli.ClusterSettings)
        return cluster_command.ask(settings)

    def partitions(self) -> list[dict[str, Any]]:
        return [each for each in self.ask("status")["partitions"] if each["table"] == TABLE]

    def leader_zone(self) -> str | None:
        """The zone that leads the first partition."""
        status = self.ask("status")
        zones = {node["node_id"]: node["zone"] for node in status["nodes"]}
        led = [each for each in status["partitions"] if each["table"] == TABLE]
        zone: str | None = zones.get(led[0]["leader"]) if led else None
        return zone

    def is_whole(self) -> bool:
        """Whether each partition is led and each of its replicas is there and close behind."""
        partitions = self.partitions()
        return bool(partitions) and all(
            each["leader"] is not None
            and len(each["replicas"]) == ZONES
            and all(
                member["role"] == "VOTER" and member["lag"] is not None and member["lag"] < LAG_MAX
                for member in each["replicas"]
            )
            for each in partitions
        )

    def wait(self, what: str, reached: Callable[[], Any]) -> Any:
        """Look until it is so. Raises TimeoutError."""
        deadline = time.monotonic() + HEAL_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(cluster_command.NotDone, cluster_file.ClusterFileRefused):
                if found := reached():
                    return found
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"waited {HEAL_SECONDS:g} s for {what}")


def started(parent: Path) -> Server:
    """A new cluster with a full table."""
    server = stator_zones()
    server.start(parent)
    try:
        create_table(server.port, SIGNER, TABLE)
        fill(server.port, SIGNER, TABLE, (item(number) for number in range(ITEMS)))
    except BaseException:
        server.stop()
        raise
    return server


def measure_recovery(parent: Path, kills: int, events: Events) -> None:
    """The seconds from kill -9 of the leader's process to the first write that succeeds."""
    server = started(parent)
    try:
        zones = Zones(server)
        for number in range(kills):
            zones.wait("three replicas", zones.is_whole)
            leader = zones.wait("a leader", zones.leader_zone)
            os.kill(storage_pid(zones.data, leader), signal.SIGKILL)
            seconds = first_write(server.port, number)
            events.recoveries.append(seconds)
            print(f"kill {number + 1} of {kills}, {leader}: {seconds:.2f} s", flush=True)
    finally:
        server.stop()


def first_write(port: int, number: int) -> float:
    """The seconds until a write succeeds. Raises TimeoutError."""
    began = time.perf_counter()
    while time.perf_counter() - began < WRITE_SECONDS_MAX:
        with contextlib.suppress(OSError, RuntimeError):
            ask(port, SIGNER, *put_item(number))
            return time.perf_counter() - began
    raise TimeoutError("no write succeeded after the leader was killed")


class Writers:
    """Connections that write in a closed loop; what came of each second is kept."""

    def __init__(self, port: int, change: Change) -> None:
        self._change = change
        self._signed = requests_of(put_item, SIGNER)
        self._connections = Connections(port, WRITERS)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Writers:
        self._connections.run(self._signed, 1.0)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._connections.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            outcome = self._connections.run(self._signed, 1.0)
            self._change.seconds.append(outcome.operations_per_second)
            self._change.errors += outcome.errors
            self._change.first_error = self._change.first_error or outcome.first_error


def measure_changes(parent: Path, seconds: float, events: Events) -> None:
    """Throughput second by second while a partition splits, and while a replica moves."""
    server = started(parent)
    try:
        zones = Zones(server)
        zones.wait("three replicas", zones.is_whole)
        # The supervisor learns of sizes in rounds of a few seconds; a split by bytes needs them.
        zones.wait("sizes", lambda: all(each["items"] for each in zones.partitions()))
        for name, begin, done in (
            ("a partition splits", lambda: zones.ask("split", TABLE), lambda: has_split(zones)),
            ("a replica moves", lambda: replace_follower(zones), lambda: has_moved(zones)),
        ):
            change = Change(name)
            with Writers(server.port, change):
                time.sleep(QUIET_SECONDS)
                change.began = len(change.seconds)
                begin()
                zones.wait(name, done)
                change.ended = len(change.seconds)
                time.sleep(max(0.0, seconds - QUIET_SECONDS))
            events.changes.append(change)
            print(change.line(), flush=True)
            if change.first_error is not None:
                print(f"  the first error: {change.first_error!r}", flush=True)
    finally:
        server.stop()


def has_split(zones: Zones) -> bool:
    return len(zones.partitions()) > 1 and zones.is_whole()


_gone: set[str] = set()


def replace_follower(zones: Zones) -> None:
    """Take the folder of a process away that leads nothing, and end it: it comes back as another.

    Its replicas move there: learner, snapshot, promotion, removal of the old one. In three zones
    with a node each there is no other way for a replica to go.
    """
    status = zones.ask("status")
    led = Counter(each["leader"] for each in status["partitions"])
    node = min(status["nodes"], key=lambda node: led[node["node_id"]])
    zones.ask("drain", node["node_id"])  # Its leaders go first: what a lost one costs is known.
    while any(each["leader"] == node["node_id"] for each in zones.ask("status")["partitions"]):
        time.sleep(0.1)
    folder = node_folder(zones.data, node["zone"])
    pid = storage_pid(zones.data, node["zone"])
    folder.rename(folder.with_name(f"lost-{folder.name}"))
    os.kill(pid, signal.SIGKILL)
    _gone.add(node["node_id"])


def has_moved(zones: Zones) -> bool:
    held = {member["node_id"] for each in zones.partitions() for member in each["replicas"]}
    return not held & _gone and zones.is_whole()
