"""A full disk: writes are refused, reads go on, and when there is room again so do writes.

The disk is a file system in memory that the test mounts, so it needs to be root.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackbox import STATOR, Answer, Connection, ServerFailed, Start, boto3_streams, wait_for
from faulty_load import call
from stator_node.group_commit import REOPEN_SECONDS
from stream_reader import StreamReader

DISK_BYTES = 72 * 1024 * 1024
BALLAST_BYTES = 52 * 1024 * 1024
NOISE_BYTES = 100_000
TABLE = "Filling"
CREATE_TABLE = {
    "TableName": TABLE,
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "N"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system with some ballast on it, to be thrown overboard."""
    if os.geteuid() != 0:
        pytest.skip("a small disk cannot be mounted: not root")
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", path]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    (path / "ballast").write_bytes(bytes(BALLAST_BYTES))
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def put(connection: Connection, number: int, size: int = NOISE_BYTES) -> Answer:
    noise = os.urandom(size // 2).hex()
    item = {"pk": {"N": f"{number}"}, "noise": {"S": noise}, "size": {"N": f"{size}"}}
    return connection.call("PutItem", {"TableName": TABLE, "Item": item})


def get(connection: Connection, number: int) -> dict[str, Any] | None:
    body = {"TableName": TABLE, "Key": {"pk": {"N": f"{number}"}}}
    return call(connection, "GetItem", body).get("Item")


def create(connection: Connection, **members: Any) -> dict[str, Any]:
    """The table, once it is ACTIVE."""
    call(connection, "CreateTable", {**CREATE_TABLE, **members})
    describe = {"TableName": TABLE}
    wait_for(
        lambda: (
            call(connection, "DescribeTable", describe)["Table"]["TableStatus"] == "ACTIVE" or None
        ),
        "the table ACTIVE",
    )
    table: dict[str, Any] = call(connection, "DescribeTable", describe)["Table"]
    return table


def fill(connection: Connection) -> int:
    """Put items until there is no room. How many were acknowledged."""
    acknowledged = 0
    while (answer := put(connection, acknowledged)).status == 200:
        acknowledged += 1
        assert acknowledged * NOISE_BYTES < DISK_BYTES, "the disk does not fill"
    assert (answer.status, answer.error) == (500, "InternalServerError")
    assert acknowledged > 20
    return acknowledged


def test_a_full_disk_refuses_writes_serves_reads_and_is_forgiven(
    disk: Path, start_stator: Start
) -> None:
    data = disk / "data"
    server = start_stator(data=data)
    connection = Connection(server.url)
    create(connection)
    acknowledged = fill(connection)

    for _ in range(3):  # Reads go on, also while the server looks for a way back.
        for number in (0, acknowledged // 2, acknowledged - 1):
            assert get(connection, number) is not None
        assert put(connection, 10_000).status == 500
        assert connection.call("CreateTable", CREATE_TABLE | {"TableName": "Another"}).status == 500
        time.sleep(REOPEN_SECONDS * 0.7)
    (disk / "ballast").unlink()
    wait_for(lambda: put(connection, 20_000, 100).status == 200 or None, "room for writes")

    for number in range(acknowledged):
        assert get(connection, number) is not None, f"{number} was acknowledged and is lost"
    assert get(connection, 20_000) is not None
    assert call(connection, "ListTables", {})["TableNames"] in ([TABLE], ["Another", TABLE])
    connection.close()
    assert "Traceback" not in server.written
    assert "storage has recovered" in server.written
    server.kill()
    verified = subprocess.run([STATOR, "verify", data], capture_output=True, text=True, timeout=60)
    assert verified.returncode == 0, verified.stdout

    again = Connection(start_stator(data=data).url)
    for number in (0, acknowledged - 1, 20_000):
        assert get(again, number) is not None
    again.close()


def test_a_stream_is_read_from_a_full_disk_and_shows_what_is_stored(
    disk: Path, start_stator: Start
) -> None:
    server = start_stator(data=disk / "data")
    connection = Connection(server.url)
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    arn = create(connection, StreamSpecification=stream)["LatestStreamArn"]
    acknowledged = fill(connection)

    streams = boto3_streams(server.url)
    reader = StreamReader(streams, arn)
    reader.read_all()
    shown = [record["dynamodb"]["Keys"]["pk"]["N"] for record in reader.records]
    assert shown == [f"{number}" for number in range(acknowledged)]
    (disk / "ballast").unlink()
    wait_for(lambda: put(connection, 20_000, 100).status == 200 or None, "room for writes")

    reader.read_all()
    shown = [record["dynamodb"]["Keys"]["pk"]["N"] for record in reader.records]
    assert shown[:acknowledged] == [f"{number}" for number in range(acknowledged)]
    assert shown[-1] == "20000"
    assert len(set(shown)) == len(shown)
    refused = get(connection, acknowledged)  # Nobody knows whether it was written.
    assert (refused is not None) is (f"{acknowledged}" in shown)
    assert all(get(connection, int(number)) is not None for number in shown)
    assert "Traceback" not in server.written
    streams.close()
    connection.close()


def test_a_start_on_a_full_disk_says_so(disk: Path, start_stator: Start) -> None:
    (disk / "more").write_bytes(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize))
    with pytest.raises(ServerFailed) as caught:
        start_stator(data=disk / "data")
    said = str(caught.value)
    assert said.startswith("exit code 1:\nstator: ")
    assert "No space left on device" in said
    assert "Traceback" not in said
