"""The storage processes of a machine: started, started again as who they were, ended together."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from stator_node.cluster_file import Place
from stator_node.node_processes import HOST, NodeProcesses
from stator_node.transport.links import Address

PATIENCE_SECONDS = 20.0


class Machine:
    """Processes over a folder of the test, and what they said of themselves."""

    def __init__(self, folder: Path, before: dict[str, Place] | None = None) -> None:
        self.folder = folder
        self.joined: list[tuple[str, str, Address]] = []
        self.lost: list[str] = []
        self.processes = NodeProcesses(
            folder,
            3,
            "cluster-of-the-test",
            before or {},
            lambda node_id, zone, address: self.joined.append((node_id, zone, address)),
            self.lost.append,
            stop_seconds=5.0,
        )

    def pid(self, zone: int) -> int:
        process = self.processes.processes[zone - 1].process
        assert process is not None
        return process.pid

    def places(self) -> dict[str, Place]:
        """Who the process of each zone said last that it is."""
        return {
            zone: Place(node_id, address.host, address.port)
            for node_id, zone, address in self.joined
        }

    async def until_joined(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.joined) < count:  # noqa: ASYNC110  # Other processes' affair.
                await asyncio.sleep(0.02)


def on_machine(
    folder: Path,
    main: Callable[[Machine], Awaitable[None]],
    before: dict[str, Place] | None = None,
) -> Machine:
    """Start, do `main`, stop."""

    async def run() -> Machine:
        machine = Machine(folder, before)
        await machine.processes.start()
        try:
            await main(machine)
        finally:
            await machine.processes.stop()
        return machine

    return asyncio.run(run())


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_process_is_started_again_as_the_same_node_at_the_same_port(
    tmp_path: Path,
) -> None:
    async def main(machine: Machine) -> None:
        before = machine.places()
        assert set(before) == {"zone-1", "zone-2", "zone-3"}
        assert len({place.name for place in before.values()}) == 3
        os.kill(machine.pid(2), signal.SIGKILL)
        await machine.until_joined(4)
        assert machine.places() == before
        assert machine.lost == []

    on_machine(tmp_path, main)


def test_all_of_them_end_with_a_stop(tmp_path: Path) -> None:
    pids: list[int] = []

    async def main(machine: Machine) -> None:
        pids.extend(machine.pid(zone) for zone in (1, 2, 3))
        assert all(is_alive(pid) for pid in pids)

    on_machine(tmp_path, main)

    assert not any(is_alive(pid) for pid in pids)


def test_a_frozen_process_is_ended_too(tmp_path: Path) -> None:
    """SIGTERM waits for a process that stands still; SIGKILL does not."""
    pids: list[int] = []

    async def main(machine: Machine) -> None:
        pids.append(machine.pid(1))
        os.kill(machine.pid(1), signal.SIGSTOP)

    on_machine(tmp_path, main)

    assert not is_alive(pids[0])


def test_an_emptied_folder_is_another_node_and_the_old_one_is_given_up(tmp_path: Path) -> None:
    async def nothing(_: Machine) -> None:
        return

    first = on_machine(tmp_path, nothing).places()
    shutil.rmtree(tmp_path / "node-3")

    second = on_machine(tmp_path, nothing, first)

    assert second.lost == [first["zone-3"].name]
    now = second.places()
    assert now["zone-3"].name != first["zone-3"].name
    assert (now["zone-1"], now["zone-2"]) == (first["zone-1"], first["zone-2"])
    assert {place.host for place in now.values()} == {HOST}
