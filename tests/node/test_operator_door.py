"""The operator's port, over real sockets: bounds, waits that are given up, certificates."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

import orjson
import pytest

from certificates import Authority, laid
from stator_node.operator_door import CONNECTIONS_MAX, HEAD_BYTES_MAX, OperatorDoor
from stator_node.operator_http import Members, OperatorRequest, Refused
from stator_node.transport.tls_files import for_connecting, for_listening


async def send(port: int, content: bytes, tls: ssl.SSLContext | None = None) -> tuple[int, object]:
    """Status and JSON of the answer to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    writer.write(content)
    top, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(top.split(b" ")[1]), orjson.loads(body)


async def echo(request: OperatorRequest) -> Members:
    return {"path": list(request.path), "members": request.members}


def with_door(
    answering: Callable[[OperatorRequest], Awaitable[Members]],
    body: Callable[[OperatorDoor], Awaitable[None]],
) -> None:
    async def run() -> None:
        door = OperatorDoor(answering)
        await door.start("127.0.0.1", 0)
        try:
            await body(door)
        finally:
            await door.stop()

    asyncio.run(run())


def test_a_request_is_answered_with_json() -> None:
    async def body(door: OperatorDoor) -> None:
        asked = b'PUT /v1/tables/a HTTP/1.1\r\nContent-Length: 7\r\n\r\n{"b":1}'
        assert await send(door.port, asked) == (200, {"path": ["tables", "a"], "members": {"b": 1}})

    with_door(echo, body)


def test_refusals_and_failures_are_told_apart() -> None:
    async def answering(request: OperatorRequest) -> Members:
        if request.path == ("refused",):
            raise Refused(HTTPStatus.CONFLICT, "NameInUse", "say")
        raise RuntimeError("a bug")

    async def body(door: OperatorDoor) -> None:
        refused = await send(door.port, b"GET /v1/refused HTTP/1.1\r\n\r\n")
        assert refused == (409, {"reason": "NameInUse", "message": "say"})
        failed = await send(door.port, b"GET /v1/other HTTP/1.1\r\n\r\n")
        assert failed == (500, {"reason": "Failed", "message": "the supervisor's log says why"})
        unread = await send(door.port, b"nonsense\r\n\r\n")
        assert unread[0] == 400

    with_door(answering, body)


def test_a_head_without_end_is_refused() -> None:
    async def body(door: OperatorDoor) -> None:
        long = b"GET /v1/pool HTTP/1.1\r\nA: " + b"x" * (3 * HEAD_BYTES_MAX)
        status, members = await send(door.port, long)
        assert status == 400
        assert "at most 8192 bytes" in str(members)

    with_door(echo, body)


def test_who_hangs_up_is_not_waited_for() -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def waits(_: OperatorRequest) -> Members:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return {}

    async def body(door: OperatorDoor) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"GET /v1/asks?wait=30 HTTP/1.1\r\n\r\n")
        await asked.wait()
        writer.close()
        await ended.wait()

    with_door(waits, body)


def test_a_door_that_closes_gives_up_what_waits() -> None:
    asked = asyncio.Event()

    async def waits(_: OperatorRequest) -> Members:
        asked.set()
        return await asyncio.get_running_loop().create_future()

    async def body(door: OperatorDoor) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"GET /v1/asks?wait=30 HTTP/1.1\r\n\r\n")
        await asked.wait()
        await door.stop()
        assert await reader.read() == b""
        writer.close()

    with_door(waits, body)


def test_more_connections_than_there_may_be_are_told_to_come_again() -> None:
    async def body(door: OperatorDoor) -> None:
        silent = [
            await asyncio.open_connection("127.0.0.1", door.port) for _ in range(CONNECTIONS_MAX)
        ]
        status, members = await send(door.port, b"GET /v1/pool HTTP/1.1\r\n\r\n")
        assert (status, members) == (
            503,
            {"reason": "Busy", "message": "too many requests at one time: ask again later"},
        )
        for _, writer in silent:
            writer.close()

    with_door(echo, body)


def test_who_has_a_certificate_for_another_pool_is_told_no(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = Authority(tmp_path, "own")
    files = laid(tmp_path, "supervisor", own, dns="db.ours.svc", peer_name="db.ours.svc")
    stranger = laid(tmp_path, "stranger", own, dns="db.other.svc")

    async def run() -> None:
        door = OperatorDoor(echo, tls=for_listening(files))
        await door.start("127.0.0.1", 0)
        try:
            asked = b"GET /v1/pool HTTP/1.1\r\n\r\n"
            status, _ = await send(door.port, asked, for_connecting(files))
            assert status == 200
            for _ in range(2):
                status, body = await send(door.port, asked, for_connecting(stranger))
                assert (status, "db.other.svc" in str(body)) == (403, True)
        finally:
            await door.stop()

    asyncio.run(run())
    assert len([line for line in caplog.messages if "db.other.svc" in line]) == 1


def test_only_who_has_a_certificate_of_the_authority_is_heard(tmp_path: Path) -> None:
    own, other = Authority(tmp_path, "own"), Authority(tmp_path, "other")
    files, stranger = laid(tmp_path, "supervisor", own), laid(tmp_path, "stranger", other)
    operator = laid(tmp_path, "operator", own)

    async def run() -> None:
        door = OperatorDoor(echo, tls=for_listening(files))
        await door.start("127.0.0.1", 0)
        try:
            asked = b"GET /v1/pool HTTP/1.1\r\n\r\n"
            status, _ = await send(door.port, asked, for_connecting(operator))
            assert status == 200
            with pytest.raises((OSError, IndexError)):
                await send(door.port, asked, for_connecting(stranger))
            with pytest.raises((OSError, IndexError)):
                await send(door.port, asked)

            renewed = for_listening(stranger)
            assert renewed is not None
            await door.renew(renewed)
            status, _ = await send(door.port, asked, for_connecting(stranger))
            assert status == 200
        finally:
            await door.stop()

    asyncio.run(run())
