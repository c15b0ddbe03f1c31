"""The load of this folder's tests: six clients of `stator local --zones 3`, at both doors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blackbox import Connection
from cluster.copies import assert_copies_agree
from cluster.zones import TABLE, Zones
from history_doors import GrpcDoor, HttpDoor
from history_load import Load, judged_load

HTTP_CLIENTS = 4
GRPC_CLIENTS = 2
PAUSE_SECONDS = 0.008
WRITE_MUCH_SECONDS = 60.0


@contextmanager
def under_load(zones: Zones, folder: Path, seed: int) -> Iterator[Load]:
    """Clients at work; at the end their history is judged, and the replicas are compared."""
    doors = [
        *(HttpDoor(lambda: f"127.0.0.1:{zones.port}") for _ in range(HTTP_CLIENTS)),
        *(GrpcDoor(lambda: f"127.0.0.1:{zones.grpc_port}") for _ in range(GRPC_CLIENTS)),
    ]
    with judged_load(doors, folder, seed, table=TABLE, pause_seconds=PAUSE_SECONDS) as load:
        yield load
    print(f"{assert_copies_agree(zones)} items are the same in all replicas")


def write_much(server: Any, *, entries: int, item_bytes: int = 20) -> None:
    """Put that many items of their own, two at a time: almost as many entries of the log."""
    failures: list[BaseException] = []

    def write(number: int) -> None:
        connection = Connection(server.url)
        try:
            for place in range(number, entries, 2):
                item = {"pk": {"S": f"item-{place}"}, "value": {"S": "x" * item_bytes}}
                answer = connection.call("PutItem", {"TableName": TABLE, "Item": item})
                assert answer.status < 500 or answer.error, answer
        except BaseException as error:  # noqa: BLE001  # Raised again below.
            failures.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(number,), daemon=True) for number in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(WRITE_MUCH_SECONDS)
        assert not writer.is_alive(), "a writer hangs"
    if failures:
        raise failures[0]
