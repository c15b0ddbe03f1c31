"""Both doors open or none, and a reason that a person can act upon."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from blackbox import AUTHORIZATION
from small_table import SmallTable
from stator_node import cli
from stator_node.cli import LocalSettings
from stator_node.clock import SystemClock
from stator_node.front_doors import FrontDoors
from stator_node.gateway.access_keys import AccessKeys
from stator_node.pending import Pending
from stator_node.process import CannotStart


def settings(port: int = 0, grpc_port: int = 0) -> LocalSettings:
    parsed = cli.parse(["local"])
    assert isinstance(parsed, LocalSettings)
    return replace(parsed, folder=Path("folder"), port=port, grpc_port=grpc_port)


async def opened(wanted: LocalSettings) -> FrontDoors:
    return await FrontDoors.open(wanted, SmallTable(), AccessKeys.any_key(), SystemClock())


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_both_doors_open_on_ports_of_their_own_and_close(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def run() -> None:
        doors = await opened(settings())
        assert is_taken(doors.http.port)
        assert is_taken(doors.grpc_port)
        assert doors.http.port != doors.grpc_port
        doors.say_ready("data in a folder")
        await doors.close()
        assert not is_taken(doors.http.port)
        assert not is_taken(doors.grpc_port)
        ready = capsys.readouterr().out
        assert ready.startswith(f"Stator is ready: http://127.0.0.1:{doors.http.port} (gRPC ")
        assert f"gRPC 127.0.0.1:{doors.grpc_port}), data in a folder, any access key" in ready

    asyncio.run(run())


def test_a_taken_port_says_which_option_chooses_another(taken: int) -> None:
    async def run() -> None:
        with pytest.raises(CannotStart, match=f"{taken}.*choose one with --port"):
            await opened(settings(port=taken))

    asyncio.run(run())


def test_where_the_second_door_cannot_open_the_first_is_closed_again(taken: int) -> None:
    async def run() -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free: int = probe.getsockname()[1]
        with pytest.raises(CannotStart, match="--grpc-port"):
            await opened(settings(port=free, grpc_port=taken))
        assert not is_taken(free)

    asyncio.run(run())


def test_what_runs_when_the_doors_close_is_answered() -> None:
    async def run() -> None:
        table = SmallTable()
        answer: Pending[bytes] = Pending()
        table.later.append(answer)
        doors = await FrontDoors.open(settings(), table, AccessKeys.any_key(), SystemClock())
        reader, writer = await asyncio.open_connection("127.0.0.1", doors.http.port)
        body = b'{"TableName":"Music","Key":{"pk":{"S":"a"}}}'
        writer.write(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: DynamoDB_20120810.GetItem\r\n"
            b"Content-Type: application/x-amz-json-1.0\r\n"
            b"X-Amz-Date: 20260101T000000Z\r\n"
            b"Authorization: " + AUTHORIZATION.encode() + b"\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body
        )
        while not table.asked:  # noqa: ASYNC110  # It is asked from within the door.
            await asyncio.sleep(0.01)
        closing = asyncio.ensure_future(doors.close())
        await asyncio.sleep(0.05)
        answer.resolve(b'{"Item":{}}')
        head = await reader.readline()
        assert head.startswith(b"HTTP/1.1 200")
        await closing
        writer.close()

    asyncio.run(run())
