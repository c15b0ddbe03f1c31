"""What a client says that it heard is what it may say: each door, with servers that fail it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from blackbox import free_port
from history_doors import Boto3Door, Door, GrpcDoor, Heard, HttpDoor
from history_load import request_of
from small_table import TABLE, SmallTable, running_door
from stator_core import errors
from stator_node.pending import Pending

KEY = ("AKIASTATORTESTS00001", "not-a-secret")
PUT = request_of(TABLE, "put_if_absent", "a", "value")
DOORS: dict[str, Callable[[str], Door]] = {
    "http": lambda address: HttpDoor(lambda: address),
    "boto3": lambda address: Boto3Door(f"http://{address}", KEY),
    "grpc": lambda address: GrpcDoor(lambda: address),
}


@pytest.mark.parametrize("kind", DOORS)
def test_where_nobody_listens_nothing_was_done(kind: str) -> None:
    door = DOORS[kind](f"127.0.0.1:{free_port()}")
    assert door.ask(*PUT).outcome == "not_done"
    door.close()


@contextlib.contextmanager
def listening_and_hanging_up() -> Iterator[str]:
    """A server that reads a request, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(65_536)
            connection.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


@pytest.mark.parametrize("kind", ["http", "boto3"])
def test_what_was_sent_and_not_answered_is_unknown(kind: str) -> None:
    with listening_and_hanging_up() as address:
        door = DOORS[kind](address)
        assert door.ask(*PUT).outcome == "unknown"
        door.close()


def heard_by_grpc(table: SmallTable) -> Heard:
    """What the door hears of a server with that table, which ends soon."""

    async def run() -> Heard:
        async with contextlib.AsyncExitStack() as server:
            _, address = await server.enter_async_context(running_door(table))
            door = GrpcDoor(lambda: address)
            asking = asyncio.create_task(asyncio.to_thread(door.ask, *PUT))
            while not table.asked:  # noqa: ASYNC110  # A list tells nobody.
                await asyncio.sleep(0.01)
            await server.aclose()
            heard = await asking
            await asyncio.to_thread(door.close)
            return heard

    return asyncio.run(run())


def test_a_grpc_call_that_breaks_off_is_unknown() -> None:
    table = SmallTable()
    table.later.append(Pending())
    assert heard_by_grpc(table).outcome == "unknown"


@pytest.mark.parametrize(
    "error, outcome",
    [
        (errors.ServiceUnavailable("not begun"), "not_done"),
        (errors.InternalServerError("nobody knows"), "unknown"),
        (errors.ConditionalCheckFailedException("it was there"), "refused"),
    ],
)
def test_what_a_server_says_by_grpc_is_taken_at_its_word(
    error: errors.DynamoDBError, outcome: str
) -> None:
    table = SmallTable()
    table.errors.append(error)
    assert heard_by_grpc(table).outcome == outcome
