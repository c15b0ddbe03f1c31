"""Starting and stopping: each way to fail has a line that says what to do, and exit code 1."""

from __future__ import annotations

import json
import signal
import socket
import zlib
from pathlib import Path

import pytest

from blackbox import Connection, ServerFailed, Start
from faulty_load import CREATE_TABLE, TABLE, call, scan


def refusal(start_stator: Start, *options: str, data: Path | None = None) -> str:
    """What a server says that cannot start."""
    with pytest.raises(ServerFailed) as caught:
        start_stator(*options, data=data)
    said = str(caught.value)
    assert said.startswith("exit code 1:\n"), said
    assert "\nstator: " in said, said
    assert "Traceback" not in said
    return said


def test_everything_is_there_after_a_clean_stop(start_stator: Start) -> None:
    server = start_stator("--table-delay-seconds", "0")
    connection = Connection(server.url)
    call(connection, "CreateTable", CREATE_TABLE)
    arn = call(connection, "DescribeTable", {"TableName": TABLE})["Table"]["TableArn"]
    tag = {"ResourceArn": arn, "Tags": [{"Key": "k", "Value": "v"}]}
    while connection.call("TagResource", tag).status != 200:
        pass
    for number in range(100):
        item = {"pk": {"S": f"{number}"}, "sk": {"S": "s"}, "a": {"S": "x"}, "b": {"N": "1"}}
        call(connection, "PutItem", {"TableName": TABLE, "Item": item})
    before = call(connection, "DescribeTable", {"TableName": TABLE})
    connection.close()
    assert server.stop() == 0

    connection = Connection(start_stator().url)
    assert call(connection, "DescribeTable", {"TableName": TABLE}) == before
    assert before["Table"]["ItemCount"] == 100
    assert call(connection, "ListTagsOfResource", {"ResourceArn": arn})["Tags"] == tag["Tags"]
    assert [len(scan(connection, index)) for index in (None, "local", "global")] == [100] * 3
    connection.close()


def test_an_interrupt_stops_as_cleanly_as_a_signal_to_end(start_stator: Start) -> None:
    server = start_stator()
    assert server._end(signal.SIGINT) == 0
    assert "Traceback" not in server.written


def test_a_folder_in_use_is_refused(start_stator: Start) -> None:
    first = start_stator()
    assert first.process is not None
    said = refusal(start_stator)
    assert f"in use by process {first.process.pid}" in said
    connection = Connection(first.url)
    assert call(connection, "ListTables", {}) == {"TableNames": []}
    connection.close()


def test_a_folder_of_a_newer_format_is_refused_and_left_alone(
    start_stator: Start, tmp_path: Path
) -> None:
    assert start_stator().stop() == 0
    path = tmp_path / "data" / "FORMAT"
    content = json.loads(path.read_text())
    del content["crc32"]
    content["format"] += 1
    checksum = zlib.crc32(json.dumps(content, sort_keys=True).encode())
    path.write_text(json.dumps(content | {"crc32": checksum}))
    before = path.read_text()
    said = refusal(start_stator)
    assert f"has format {content['format']}" in said
    assert path.read_text() == before


def test_somebody_elses_folder_is_refused(start_stator: Start, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letters.txt").write_text("mine")
    assert "not empty (it holds letters.txt)" in refusal(start_stator)


@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
def test_a_port_that_is_taken_is_refused_with_the_option_to_choose_another(
    start_stator: Start, option: str
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refusal(start_stator, option, str(port))
    assert said.count(f"cannot listen on 127.0.0.1:{port}") == 1
    assert option in said


@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
def test_a_port_of_another_stator_is_refused_too(
    start_stator: Start, tmp_path: Path, option: str
) -> None:
    first = start_stator()
    port = first.port if option == "--port" else first.grpc_port
    said = refusal(start_stator, option, str(port), data=tmp_path / "other")
    assert f"cannot listen on 127.0.0.1:{port}" in said
