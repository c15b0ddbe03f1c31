"""What is asked of a supervisor, and what is made of its answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from stator_operator.supervisor_client import (
    SupervisorAddress,
    SupervisorAway,
    SupervisorClient,
    SupervisorRefused,
    supervisor_address,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def ask(handler: Handler, members: dict[str, Any] | None = None, seconds: float = 5.0) -> Any:
    """The answer of a supervisor that answers so."""

    async def asked() -> Any:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = SupervisorAddress("127.0.0.1", "one-supervisor.ours.svc", runner.addresses[0][1])
        client = SupervisorClient()
        try:
            return await client.ask(address, "PUT", "/v1/nodes/n", members, seconds=seconds)
        finally:
            await client.close()
            await runner.cleanup()

    return asyncio.run(asked())


def test_a_question_and_its_answer() -> None:
    heard = []

    async def handler(request: web.Request) -> web.Response:
        heard.append((request.method, request.path, json.loads(await request.read())))
        return web.json_response({"state": "DRAINING"})

    assert ask(handler, {"drain": True}) == {"state": "DRAINING"}
    assert heard == [("PUT", "/v1/nodes/n", {"drain": True})]


def test_a_refusal_says_why() -> None:
    async def handler(_: web.Request) -> web.Response:
        said = {"reason": "NodeHoldsReplicas", "message": "drain it first"}
        return web.json_response(said, status=409)

    with pytest.raises(SupervisorRefused) as refused:
        ask(handler)
    assert (refused.value.status, refused.value.reason) == (409, "NodeHoldsReplicas")
    assert refused.value.message == "drain it first"
    assert "one-supervisor.ours.svc" in str(refused.value)


@pytest.mark.parametrize("text", ["<html>", "[1]", '{"half'])
def test_what_is_no_answer_is_nobody(text: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=text)

    with pytest.raises(SupervisorAway):
        ask(handler)


def test_who_does_not_answer_in_time_is_away() -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits so long")

    with pytest.raises(SupervisorAway):
        ask(handler, seconds=0.05)


def test_who_may_be_no_longer_the_one_asks_for_nothing_but_facts() -> None:
    async def asked() -> None:
        client = SupervisorClient(lambda: False)
        address = SupervisorAddress("127.0.0.1", "one-supervisor.ours.svc", 1)
        with pytest.raises(SupervisorAway, match="another operator may be at work"):
            await client.ask(address, "DELETE", "/v1/nodes/n")
        with pytest.raises(SupervisorAway, match="ClientConnectorError"):
            await client.ask(address, "GET", "/v1/pool")
        await client.close()

    asyncio.run(asked())


def pod(**status: Any) -> dict[str, Any]:
    metadata = {"namespace": "ours", "labels": {"stator.dev/pool": "one"}}
    return {"metadata": metadata, "status": status}


def test_a_supervisor_is_where_its_pod_is() -> None:
    found = supervisor_address(pod(podIP="10.0.0.7"))
    assert found is not None
    assert (found.host, found.name) == ("10.0.0.7", "one-supervisor.ours.svc")

    assert supervisor_address(None) is None
    assert supervisor_address(pod()) is None
    ending = pod(podIP="10.0.0.7")
    ending["metadata"]["deletionTimestamp"] = "now"
    assert supervisor_address(ending) is None
