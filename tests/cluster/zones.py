"""A cluster of real processes for the tests beside this file: started, looked at, and hurt.

`Zones` is `stator local --zones 3`. What it knows of its storage processes it has from outside: the
process id from the LOCK file of each data folder, the rest from `stator cluster status`. Each
process is ended by its own id, and only folders below the test's own are ever deleted.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blackbox import Stator, boto3_client, wait_for, wait_until_active
from stator_node import cli, cluster_command, cluster_file

TABLE = "History"
ZONES = ("zone-1", "zone-2", "zone-3")
HEAL_SECONDS = 60.0
LOOK_SECONDS = 0.1
LAG_MAX = 50  # entries; under load nobody has all of them

Status = dict[str, Any]


class Zones(Stator):
    """The cluster. `folder` is the test's own; the data lies in `folder/data`."""

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder, "--zones", "3", *options)
        self.data = folder / "data"
        self._frozen: set[int] = set()

    # Asking.

    def ask(self, *words: str) -> Any:
        """What `stator cluster …` is told. Raises cluster_command.NotDone, ClusterFileRefused."""
        settings = cli.parse(["cluster", *words, "--folder", str(self.data)])
        assert isinstance(settings, cli.ClusterSettings)
        return cluster_command.ask(settings)

    def status(self) -> Status:
        status: Status = self.ask("status")
        return status

    def create_table(self, name: str = TABLE, **members: Any) -> None:
        client = boto3_client(self.url)
        client.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            **members,
        )
        wait_until_active(client, name)
        client.close()

    def leader_zone(self, table: str = TABLE) -> str:
        """The zone that leads the first partition of the table."""

        def look() -> str | None:
            time.sleep(LOOK_SECONDS)
            status = self.status()
            zones = {node["node_id"]: node["zone"] for node in status["nodes"]}
            for partition in status["partitions"]:
                if partition["table"] == table:
                    leader: str | None = zones.get(partition["leader"])
                    return leader
            return None

        found: str = wait_for(look, "a leader")
        return found

    def partitions(self, table: str = TABLE) -> list[Status]:
        """The partitions of the table as the status has them, in order of their ranges."""
        return [each for each in self.status()["partitions"] if each["table"] == table]

    def leads(self, zone: str) -> int:
        """How many partitions the nodes of a zone lead."""
        return sum(each["leads"] for each in self.status()["nodes"] if each["zone"] == zone)

    def node_id(self, zone: str) -> str:
        """Who the process of a zone said it was when it was last ready."""
        return cluster_file.read(self.data / "control").nodes[zone].name

    def wait_until_without(self, node_id: str) -> Status:
        """Wait until no partition counts on this node any more, and each is whole."""

        def look() -> Status | None:
            status = self.wait_until_whole()
            held = {m["node_id"] for each in status["partitions"] for m in each["replicas"]}
            return None if node_id in held else status

        found: Status = wait_for(look, f"partitions without {node_id}", HEAL_SECONDS)
        return found

    def follower_zone(self, table: str = TABLE) -> str:
        leader = self.leader_zone(table)
        return next(zone for zone in ZONES if zone != leader)

    def wait_until_whole(self, seconds: float = HEAL_SECONDS) -> Status:
        """Wait until each partition is led, and each member of it is there and close behind."""

        def look() -> Status | None:
            time.sleep(LOOK_SECONDS)
            status = self.status()
            heard = [
                node
                for node in status["nodes"]
                if node["silent_seconds"] is not None and node["silent_seconds"] < 1
            ]
            whole = len(heard) >= len(ZONES) and all(
                partition["leader"] is not None
                and [m["role"] for m in partition["replicas"]] == ["VOTER"] * len(ZONES)
                and all(m["lag"] is not None and m["lag"] <= LAG_MAX for m in partition["replicas"])
                for partition in status["partitions"]
            )
            return status if whole else None

        try:
            found: Status = wait_for(look, "every partition whole", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.status()}\n{self.written[-3000:]}") from None
        return found

    # Hurting.

    def node_folder(self, zone: str) -> Path:
        return self.data / f"node-{zone.removeprefix('zone-')}"

    def pid(self, zone: str) -> int:
        """The storage process of a zone."""
        return int((self.node_folder(zone) / "LOCK").read_text())

    def kill_node(self, zone: str) -> int:
        """kill -9; the process is started again by the cluster itself."""
        return self.signal_node(zone, signal.SIGKILL)

    def signal_node(self, zone: str, number: signal.Signals) -> int:
        pid = self.pid(zone)
        _send(pid, number)
        return pid

    def wait_for_new_process(self, zone: str, old: int) -> None:
        """Wait until a zone's process is another than `old`."""

        def look() -> bool | None:
            text = (self.node_folder(zone) / "LOCK").read_text() if self._has_lock(zone) else ""
            return True if text.strip() and int(text) != old else None

        wait_for(look, f"a new process for {zone}")

    def wait_until_unlocked(self, zone: str) -> None:
        """Wait until no process has a zone's folder open."""

        def look() -> bool | None:
            with (self.node_folder(zone) / "LOCK").open() as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    return None
                return True

        wait_for(look, f"{zone} unlocked")

    def _has_lock(self, zone: str) -> bool:
        return (self.node_folder(zone) / "LOCK").exists()

    @contextmanager
    def frozen(self, *zones: str) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end."""
        pids = [self.pid(zone) for zone in zones]
        for pid in pids:
            _send(pid, signal.SIGSTOP)
            self._frozen.add(pid)
        try:
            yield
        finally:
            for pid in pids:
                _send(pid, signal.SIGCONT)
                self._frozen.discard(pid)

    @contextmanager
    def held_down(self, *zones: str, how: signal.Signals = signal.SIGKILL) -> Iterator[None]:
        """End processes, and keep them from coming back: somebody else holds their folders' lock.

        A folder whose lock is held refuses every process; what is in it may be taken away.
        """
        locks = []
        for zone in zones:
            pid = self.pid(zone)
            _send(pid, how)
            locks.append(self._taken_lock(zone, pid))
        try:
            yield
        finally:
            for lock in locks:
                fcntl.flock(lock, fcntl.LOCK_UN)
                os.close(lock)

    def _taken_lock(self, zone: str, pid: int) -> int:
        """Take a folder's lock before the next process does; if that was faster, kill it too."""
        lock = os.open(self.node_folder(zone) / "LOCK", os.O_RDWR)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            except OSError:
                holder = self.pid(zone)
                if holder != pid:
                    _send(holder, signal.SIGKILL)
                    pid = holder
                time.sleep(0.005)
        os.close(lock)
        raise AssertionError(f"the lock of {zone} cannot be taken")

    def lose_disk(self, zone: str) -> None:
        """Delete what is in a stopped node's folder but for its LOCK, which the test holds."""
        folder = self.node_folder(zone)
        assert folder.is_relative_to(self.folder) and folder.name.startswith("node-")
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "LOCK":
                path.unlink()

    def thaw(self) -> None:
        """Let go of whatever is still frozen, so that it can end."""
        for pid in tuple(self._frozen):
            _send(pid, signal.SIGCONT)
            self._frozen.discard(pid)

    def end(self) -> None:
        """Kill the gateway, and wait until its storage processes have gone too."""
        self.thaw()
        pids = [self.pid(zone) for zone in ZONES if self._has_lock(zone)]
        self.kill()
        deadline = time.monotonic() + 10
        for pid in pids:
            while _is_node(pid):
                if time.monotonic() > deadline:
                    _send(pid, signal.SIGKILL)
                    break
                time.sleep(0.02)


def _send(pid: int, number: signal.Signals) -> None:
    """Signal a storage process. A LOCK may name one that has ended, and a later one of its id."""
    if _is_node(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _is_node(pid: int) -> bool:
    """Whether this process id is a storage process still."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"stator_node" in words and b"node" in words
