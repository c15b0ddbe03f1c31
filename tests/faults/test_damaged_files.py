"""A flipped byte in any stored file is named by `stator verify`, and never becomes an answer."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from blackbox import STATOR, Connection, ServerFailed, Start, Stator
from damaged_files import copy_of, flip, log_of, manifest_of
from faulty_load import CREATE_TABLE, TABLE, call
from stator_node.storage.verify import run

ITEMS = 400
VERIFY_SECONDS_MAX = 60.0


def put_items(server: Stator, count: int, version: str) -> None:
    connection = Connection(server.url)
    for number in range(count):
        item = {
            "pk": {"S": f"{number % 5}"},
            "sk": {"S": f"{number:04}"},
            "a": {"S": f"{number % 7}"},
            "b": {"N": f"{number}"},
            "version": {"S": version},
            "filling": {"B": "A" * 4 * (number % 100)},
            "noise": {"S": os.urandom(100).hex()},
        }
        call(connection, "PutItem", {"TableName": TABLE, "Item": item})
    connection.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that can be damaged: tables of a clean stop, and then a log."""
    home = tmp_path_factory.mktemp("whole")
    server = Stator(home, "--table-delay-seconds", "0").start()
    create_table(server)
    put_items(server, ITEMS, "first")
    assert server.stop() == 0
    server = Stator(home).start()
    put_items(server, 50, "second")
    server.kill()
    return home / "data"


def create_table(server: Stator) -> None:
    """Create the table and wait until it takes items."""
    connection = Connection(server.url)
    call(connection, "CreateTable", CREATE_TABLE)
    describe = {"TableName": TABLE}
    while call(connection, "DescribeTable", describe)["Table"]["TableStatus"] != "ACTIVE":
        pass
    connection.close()


def verify(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [STATOR, "verify", folder], capture_output=True, text=True, timeout=VERIFY_SECONDS_MAX
    )
    return done.returncode, done.stdout


def offsets(path: Path, count: int) -> list[int]:
    """Places all over a file, its first and last bytes among them."""
    last = path.stat().st_size - 1
    return sorted({last * number // (count - 1) for number in range(count)})


def test_the_folder_is_sound_before_anything_is_damaged(folder: Path) -> None:
    code, said = verify(folder)
    assert code == 0, said
    assert f"1 tables, {ITEMS} items, {2 * ITEMS} index entries; sound" in said
    assert len(list((folder / "rocksdb").glob("*.sst"))) == 3


@pytest.mark.parametrize("kind", ["table files", "log", "manifest", "CURRENT", "FORMAT"])
def test_a_flipped_byte_in_any_stored_file_is_named(
    kind: str, folder: Path, tmp_path: Path
) -> None:
    database = folder / "rocksdb"
    files = {
        "table files": sorted(database.glob("*.sst")),
        "log": [log_of(database)],
        "manifest": [manifest_of(database)],
        "CURRENT": [database / "CURRENT"],
        "FORMAT": [folder / "FORMAT"],
    }[kind]
    for path in files:
        for offset in offsets(path, 12):
            damaged = copy_of(folder, tmp_path / "data")
            flip(damaged / path.relative_to(folder), offset, offset % 8)
            output = io.StringIO()
            assert run(damaged, output) == 1, (path.name, offset)
            assert path.name in output.getvalue(), (offset, output.getvalue())


def test_the_command_says_it_too(folder: Path, tmp_path: Path) -> None:
    damaged = copy_of(folder, tmp_path / "data")
    name = next((damaged / "rocksdb").glob("*.sst")).name
    flip(damaged / "rocksdb" / name, 1000)
    code, said = verify(damaged)
    assert code == 1
    assert f"damaged: file {name}: " in said
    assert said.endswith("damaged\n")


@pytest.mark.parametrize("kind", ["log", "manifest", "CURRENT", "FORMAT"])
def test_a_server_does_not_start_on_what_it_cannot_trust(
    kind: str, folder: Path, tmp_path: Path, start_stator: Start
) -> None:
    damaged = copy_of(folder, tmp_path / "data")
    database = damaged / "rocksdb"
    path = {
        "log": log_of(database),
        "manifest": manifest_of(database),
        "CURRENT": database / "CURRENT",
        "FORMAT": damaged / "FORMAT",
    }[kind]
    flip(path, path.stat().st_size // 2, 2)
    with pytest.raises(ServerFailed) as caught:
        start_stator()
    said = str(caught.value)
    assert said.startswith("exit code 1:\nstator: ")
    assert path.name in said
    assert "Traceback" not in said
    if kind != "FORMAT":
        assert f"stator verify {damaged}" in said


def test_a_lying_length_at_the_end_of_the_log_drops_no_acknowledged_write(
    folder: Path, tmp_path: Path, start_stator: Start
) -> None:
    """RocksDB takes such a record for one that a crash cut short: it would drop it in silence."""
    damaged = copy_of(folder, tmp_path / "data")
    log = log_of(damaged / "rocksdb")
    flip(log, last_record(log) + 5, 7)
    code, said = verify(damaged)
    assert code == 1
    assert f"file {log.name}: the length of the record at byte " in said
    with pytest.raises(ServerFailed, match="the length of the record"):
        start_stator()


def last_record(log: Path) -> int:
    content, position, last = log.read_bytes(), 0, 0
    while position + 7 <= len(content):
        if 32768 - position % 32768 < 7:
            position += 32768 - position % 32768
            continue
        last = position
        position += 7 + int.from_bytes(content[position + 4 : position + 6], "little")
    return last


def test_a_log_that_ends_in_half_a_record_starts_with_all_that_was_acknowledged(
    folder: Path, tmp_path: Path, start_stator: Start
) -> None:
    """What a crash leaves of a write that nobody was told of: here half of a copy of the last."""
    torn = copy_of(folder, tmp_path / "data")
    log = log_of(torn / "rocksdb")
    content = log.read_bytes()
    record = content[last_record(log) :]
    log.write_bytes(content + record[: len(record) // 2])
    code, said = verify(torn)
    assert (code, "incomplete record" in said) == (0, True), said
    connection = Connection(start_stator().url)
    found = [item["version"]["S"] for item in scan_all(connection)]
    assert sorted(found) == ["first"] * (ITEMS - 50) + ["second"] * 50
    connection.close()


def scan_all(connection: Connection) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = call(connection, "Scan", {"TableName": TABLE})["Items"]
    return items


def test_a_damaged_item_is_a_500_and_its_neighbours_are_themselves(
    folder: Path, tmp_path: Path, start_stator: Start
) -> None:
    whole = whole_items(start_stator(data=copy_of(folder, tmp_path / "whole")))
    damaged = copy_of(folder, tmp_path / "data")
    largest = max((damaged / "rocksdb").glob("*.sst"), key=lambda path: path.stat().st_size)
    flip(largest, largest.stat().st_size // 3)
    server = start_stator()
    connection = Connection(server.url)
    refused = 0
    for (pk, sk), item in whole.items():
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        answer = connection.call("GetItem", {"TableName": TABLE, "Key": key})
        if answer.status == 500:
            assert answer.error == "InternalServerError"
            refused += 1
        else:
            assert answer.body["Item"] == item
    assert 0 < refused < len(whole)
    for body in ({}, {"IndexName": "global"}):
        answer = connection.call("Scan", {"TableName": TABLE, **body})
        assert (answer.status, answer.error) in ((500, "InternalServerError"), (200, None))
        if answer.status == 200:
            assert all(whole[key_of(item)] == item for item in answer.body["Items"])
    assert connection.call("DescribeTable", {"TableName": TABLE}).status == 200
    connection.close()
    assert "the storage failed a request to table Promises" in server.written
    assert "Traceback" not in server.written


def whole_items(server: Stator) -> dict[tuple[str, str], dict[str, Any]]:
    connection = Connection(server.url)
    found = {key_of(item): item for item in scan_all(connection)}
    connection.close()
    assert len(found) == ITEMS
    return found


def key_of(item: dict[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
