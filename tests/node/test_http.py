"""The HTTP door as a whole: boto3 through it, its connections counted, its stop graceful."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import boto3
import pytest
import uvloop
from botocore.config import Config
from botocore.exceptions import ClientError

from http_wire import (
    ACCESS_KEY,
    NEVER,
    REGION,
    SECRET,
    Held,
    ScriptedExecutor,
    request,
    run,
    serving,
    sign,
    until,
)
from stator_core.errors import ResourceNotFoundException
from stator_node.clock import SystemClock
from stator_node.doors import Caller
from stator_node.gateway.access_keys import AccessKey, AccessKeys
from stator_node.gateway.http import HttpDoor
from stator_node.gateway.http_limits import HttpLimits
from stator_node.gateway.sigv4 import SignatureVerifier

KEYS = {ACCESS_KEY: AccessKey(ACCESS_KEY, SECRET)}


def keys() -> AccessKeys:
    return AccessKeys(dict(KEYS))


def test_a_signed_request_reaches_the_executor_with_its_caller() -> None:
    async def scenario() -> None:
        executor = ScriptedExecutor()
        async with serving(executor, access_keys=keys()) as served:
            client = await served.connect()
            reply = await client.ask(sign(b'{"a":1}').wire() + sign(b'{"a":2}').wire())

            assert (reply.status, (await client.reply()).status) == (200, 200)
            caller = Caller(ACCESS_KEY, "111122223333", REGION)
            assert executor.calls == [("PutItem", {"a": n}, caller) for n in (1, 2)]

    run(scenario())


def test_a_presigned_request_is_taken() -> None:
    async def scenario() -> None:
        async with serving(ScriptedExecutor(), access_keys=keys()) as served:
            client = await served.connect()

            assert (await client.ask(sign(presigned=True).wire())).status == 200

    run(scenario())


def test_an_unsigned_request_reaches_nobody() -> None:
    async def scenario() -> None:
        executor = ScriptedExecutor()
        async with serving(executor, access_keys=keys()) as served:
            client = await served.connect()
            reply = await client.ask(request(without=("authorization",)))

            assert reply.error == (
                400,
                "MissingAuthenticationTokenException",
                "Request is missing Authentication Token",
            )
            assert (await client.ask(request())).error[1] == "InvalidSignatureException"
            assert executor.calls == []

    run(scenario())


def test_health_is_told_to_anybody() -> None:
    async def scenario() -> None:
        async with serving(ScriptedExecutor(), access_keys=keys()) as served:
            client = await served.connect()
            reply = await client.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (reply.status, reply.headers["content-type"]) == (200, "text/plain")
            assert reply.body == b"healthy: dynamodb.eu-west-2.amazonaws.com "

            await client.send(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await client.reply(has_body=False)
            assert (head.status, head.headers["content-length"]) == (200, "42")
            assert (await client.ask(request(method="PUT"))).status == 404

    run(scenario())


def test_the_date_moves_on_with_the_sweep() -> None:
    async def scenario() -> None:
        async with serving(ScriptedExecutor()) as served:
            client = await served.connect()
            assert (await client.ask(request())).headers["date"] == "Fri, 15 Jan 2027 08:00:00 GMT"
            served.after(61.0)
            assert (await client.ask(request())).headers["date"] == "Fri, 15 Jan 2027 08:01:01 GMT"

    run(scenario())


def test_connections_over_the_bound_are_closed_and_room_is_given_again() -> None:
    async def scenario() -> None:
        bound = HttpLimits(sweep_seconds=NEVER, connections_max=2)
        async with serving(ScriptedExecutor(), limits=bound) as served:
            first, second = await served.connect(), await served.connect()
            assert (await first.ask(request())).status == 200
            assert (await second.ask(request())).status == 200
            third = await served.connect()
            assert await third.ended()
            assert served.door.connections == 2

            await first.close()
            await until(lambda: served.door.connections == 1)
            assert (await (await served.connect()).ask(request())).status == 200

    run(scenario())


def test_stopping_lets_running_requests_finish_and_takes_no_more() -> None:
    async def scenario() -> None:
        held = Held()
        executor = ScriptedExecutor(Query=held)
        async with serving(executor) as served:
            idle, busy = await served.connect(), await served.connect()
            assert (await idle.ask(request())).status == 200
            await busy.send(request("Query"), request("PutItem"))
            await until(lambda: len(held.pending) == 1)

            stopping = asyncio.ensure_future(served.door.stop(grace_seconds=30.0))
            assert await idle.ended()
            held.pending[0].resolve(b'{"Count":0}')
            assert (await busy.reply()).body == b'{"Count":0}'
            assert (await busy.reply()).headers["connection"] == "close"
            assert await busy.ended()
            await stopping
            with pytest.raises(ConnectionError):
                await served.connect()

    run(scenario())


def test_stopping_does_not_wait_longer_than_the_grace() -> None:
    async def scenario() -> None:
        held = Held()
        async with serving(ScriptedExecutor(Query=held)) as served:
            client = await served.connect()
            await client.send(request("Query"))
            await until(lambda: len(held.pending) == 1)
            await served.door.stop(grace_seconds=0.0)

            assert await client.ended()
            await until(lambda: served.door.connections == 0)

    run(scenario())


class LiveDoor:
    """A door on a thread of its own, for clients that block."""

    def __init__(self, executor: ScriptedExecutor) -> None:
        self._executor = executor
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20.0)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20.0)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        clock = SystemClock()
        door = HttpDoor(self._executor, SignatureVerifier(keys(), clock), clock)
        await door.start("127.0.0.1", 0)
        self.port = door.port
        self._ready.set()
        await self._stop.wait()
        await door.stop(grace_seconds=1.0)


@pytest.fixture
def live() -> Iterator[LiveDoor]:
    def missing(body: dict[str, object]) -> bytes:
        raise ResourceNotFoundException("Requested resource not found")

    big = b'{"Items":[{"a":{"S":"' + b"x" * 900_000 + b'"}}],"Count":1,"ScannedCount":1}'
    door = LiveDoor(
        ScriptedExecutor(
            GetItem=lambda body: b'{"Item":{"a":{"S":"b"}}}', Query=missing, Scan=lambda body: big
        )
    )
    door.start()
    yield door
    door.stop()


def test_boto3_puts_gets_scans_and_is_refused(live: LiveDoor) -> None:
    """With real signatures, retries on a wrong CRC, and a body that asks for leave first."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{live.port}",
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}),
    )
    for _ in range(3):
        client.put_item(TableName="table", Item={"a": {"S": "x" * 100_000}})
    assert client.get_item(TableName="table", Key={"a": {"S": "b"}})["Item"] == {"a": {"S": "b"}}
    assert len(client.scan(TableName="table")["Items"][0]["a"]["S"]) == 900_000
    with pytest.raises(ClientError) as refused:
        client.query(TableName="table")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    client.close()
