"""A machine's clock goes back while the server is away: what it writes then is newer all the same.

The clock of the machine that runs the tests stays as it is; the folder is made one that a server a
day ahead of it has left behind, by the mark that such a server would have written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blackbox import Connection, Start, wait_for
from faulty_load import CREATE_TABLE, TABLE, call
from stator_core import item_format
from stator_core.clock import COUNTER_BITS
from stator_node.stamp_mark import MARK_KEY
from stator_node.storage.rocksdb import RocksItemStore

DAY_MILLISECONDS = 86_400_000
KEY_END = b"\xff" * 16


@contextmanager
def opened(folder: Path) -> Iterator[RocksItemStore]:
    store = RocksItemStore(folder / "rocksdb")
    try:
        yield store
    finally:
        store.close()


def stamps(folder: Path) -> list[int]:
    """The timestamps of all stored items and entries, sorted."""
    with opened(folder) as store:
        found = store.cursor("items", b"", KEY_END)
        return sorted(item_format.read(key, stored).timestamp for key, stored in found)


def is_active(connection: Connection) -> bool:
    described = call(connection, "DescribeTable", {"TableName": TABLE})
    return bool(described["Table"]["TableStatus"] == "ACTIVE")


def put(connection: Connection, sk: str) -> None:
    item = {"pk": {"S": "p"}, "sk": {"S": sk}}
    call(connection, "PutItem", {"TableName": TABLE, "Item": item})


def test_writes_after_the_clock_went_back_a_day_are_the_newest(
    start_stator: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    server = start_stator("--table-delay-seconds", "0")
    connection = Connection(server.url)
    call(connection, "CreateTable", CREATE_TABLE)
    wait_for(lambda: is_active(connection) or None, "the table ACTIVE")
    put(connection, "first")
    connection.close()
    server.kill()
    (first,) = stamps(folder)
    with opened(folder) as store:
        stored = store.get_from("meta", MARK_KEY)
        assert stored is not None
        assert int.from_bytes(stored, "big") > first
        ahead = (int(time.time() * 1000) + DAY_MILLISECONDS) << COUNTER_BITS
        store.write([("meta", MARK_KEY, ahead.to_bytes(8, "big"))], sync=True)

    for number in range(2):
        server = start_stator()
        connection = Connection(server.url)
        put(connection, f"later {number}")
        connection.close()
        server.kill()
    earliest, second, third = stamps(folder)
    assert earliest == first
    assert ahead < second < third
