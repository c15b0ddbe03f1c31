"""`stator-operator` as a process against a pretended API: it begins, works, and ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from pretended_api import Asked, PretendedApi, refusal
from pretended_cluster import pool_body, settle
from stator_operator import operator_process

WORDS = (
    *("--namespace=music", "--own-namespace=ours", "--identity=one", "--image=stator:1"),
    "--resync-seconds=1",
)


def test_a_watch_that_cannot_be_closed_is_no_complaint(caplog: pytest.LogCaptureFixture) -> None:
    """At the end of a process, asyncio closes the generators that were left in a step."""

    generators: list[AsyncIterator[int]] = []  # Held, or else Python closes it before asyncio does.

    class Stubborn(Exception):
        pass

    async def left_open() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            raise Stubborn

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(operator_process._complain)
        generators.append(left_open())
        await anext(generators[0])
        task = asyncio.ensure_future(asyncio.sleep(0))
        asyncio.get_running_loop().call_exception_handler({"message": "told", "task": task})
        await task

    asyncio.run(main())
    assert [record.message.split("\n")[0] for record in caplog.records] == ["told"]


@contextlib.asynccontextmanager
async def process(folder: Path, server: str | None, *more: str) -> AsyncIterator[Running]:
    """The process; it has ended when this is left."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("KUBECONFIG", "HOME")
    }
    if server is not None:
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(json.dumps(_kubeconfig(server)))
        environment["KUBECONFIG"] = str(kubeconfig)
    command = ("-m", "stator_operator", *WORDS, "--port=0", *more)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env={**environment, "HOME": str(folder)},
        stderr=asyncio.subprocess.PIPE,
    )
    running = Running(child)
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await running.ended()


def _kubeconfig(server: str) -> dict[str, object]:
    return {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "users": [{"name": "one", "user": {"token": "secret"}}],
    }


class Running:
    """A process that runs, and what it has said."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.child = child
        self.said = ""

    async def until_it_says(self, words: str) -> None:
        assert self.child.stderr is not None
        while words not in self.said:
            line = await self.child.stderr.readline()
            assert line, f"it ended without saying {words!r}:\n{self.said}"
            self.said += line.decode()

    async def ended(self) -> int:
        """Its exit code."""
        assert self.child.stderr is not None
        self.said += (await self.child.stderr.read()).decode()
        return await self.child.wait()


def address(server: PretendedApi) -> str:
    return f"http://127.0.0.1:{server.port}"


def test_it_makes_a_pool_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    ready = asyncio.Event()

    def happens(asked: Asked) -> None:
        if asked.part == "status" and asked.plural == "storagepools":
            ready.set()

    async def scene() -> None:
        async with PretendedApi(happens=happens) as server:
            server.put(pool_body())
            async with process(tmp_path, address(server)) as running:
                await running.until_it_says("holds the Lease ours/stator-operator as one")
                await ready.wait()
                settle(server)
                assert len(server.of("StatefulSet")) == 4

                running.child.send_signal(signal.SIGTERM)
                assert await running.ended() == 0, running.said
                (lease,) = server.of("Lease")
                assert lease["spec"]["holderIdentity"] == ""
                assert "Traceback" not in running.said

    asyncio.run(scene())


def test_it_ends_at_once_when_another_has_its_lease(tmp_path: Path) -> None:
    async def scene() -> None:
        async with PretendedApi() as server, process(tmp_path, address(server)) as running:
            await running.until_it_says("holds the Lease")
            (lease,) = server.of("Lease")
            server.put({**lease, "spec": {**lease["spec"], "holderIdentity": "two"}})

            assert await running.ended() == 3
            assert "the Lease is lost: held by two" in running.said

    asyncio.run(scene())


def test_it_waits_for_the_definitions_and_ends_in_the_middle_of_it(tmp_path: Path) -> None:
    def answers(asked: Asked) -> web.Response | None:
        raise AssertionError(f"nothing is asked of objects yet: {asked}")

    async def scene() -> None:
        async with (
            PretendedApi(answers, known=("Pod", "Lease")) as server,
            process(tmp_path, address(server)) as running,
        ):
            await running.until_it_says("no definition of")
            assert "StoragePool" in running.said
            assert "is installed (crds/): waiting" in running.said
            running.child.send_signal(signal.SIGTERM)
            assert await running.ended() == 0

    asyncio.run(scene())


def test_it_ends_and_says_so_when_the_definitions_go(tmp_path: Path) -> None:
    async def scene() -> None:
        async with PretendedApi() as server:
            server.put(pool_body())
            async with process(tmp_path, address(server)) as running:
                await running.until_it_says("StoragePool music/default")
                gone = ("storagepools", "tables")
                server.answers = lambda asked: (
                    refusal(404, "NotFound") if asked.plural in gone else None
                )
                server.cut_watches()
                assert await running.ended() == 1
                assert "the definition of StoragePool is gone" in running.said
                assert "install the definitions again (crds/)" in running.said
                (lease,) = server.of("Lease")
                assert lease["spec"]["holderIdentity"] == ""

    asyncio.run(scene())


def test_what_it_may_not_do_it_says(tmp_path: Path) -> None:
    def answers(asked: Asked) -> web.Response | None:
        if asked.plural == "leases":
            return refusal(403, "Forbidden", "cannot get resource leases")
        return None

    async def scene() -> None:
        async with (
            PretendedApi(answers) as server,
            process(tmp_path, address(server)) as running,
        ):
            await running.until_it_says("cannot be taken: 403 Forbidden: cannot get resource")

    asyncio.run(scene())


def test_a_role_that_lacks_a_rule_is_said(tmp_path: Path) -> None:
    """A half-applied chart: what may not be watched is named, with who may not."""

    def answers(asked: Asked) -> web.Response | None:
        if asked.plural == "pods":
            return refusal(403, "Forbidden", "pods is forbidden: operator cannot list pods")
        return None

    async def scene() -> None:
        async with (
            PretendedApi(answers) as server,
            process(tmp_path, address(server)) as running,
        ):
            await running.until_it_says("pods is forbidden: operator cannot list pods")

    asyncio.run(scene())


def test_without_a_cluster_it_ends_and_says_what_it_looked_for(tmp_path: Path) -> None:
    async def scene() -> None:
        async with process(tmp_path, None) as running:
            assert await running.ended() == 1
            assert "no ServiceAccount is mounted, and KUBECONFIG names no file" in running.said

    asyncio.run(scene())


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    async def scene() -> None:
        async with PretendedApi() as server:
            port = f"--port={server.port}"
            async with process(tmp_path, address(server), port) as running:
                assert await running.ended() == 1
                assert f"port {server.port} cannot be had (--port names another)" in running.said

    asyncio.run(scene())
