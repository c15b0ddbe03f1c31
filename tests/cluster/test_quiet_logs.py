"""What a cluster writes while all is well: who reads a log looks for what is wrong."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackbox import boto3_client, wait_for
from cluster.zones import TABLE, Zones
from stator_node.cluster_file import FILE_NAME


@pytest.fixture
def zones(tmp_path: Path) -> Iterator[Zones]:
    made = Zones(tmp_path)
    yield made
    made.end()


def complaints(written: str) -> list[str]:
    """What is not plain news, and what only Python's own words can say."""
    return [
        line
        for line in written.splitlines()
        if re.search("WARNING|ERROR|CRITICAL|[A-Z]\\w+\\(", line)
    ]


def test_a_start_a_table_and_a_stop_are_no_reason_to_complain(zones: Zones) -> None:
    zones.start()
    zones.create_table()
    zones.wait_until_whole()
    client = boto3_client(zones.url)
    client.put_item(TableName=TABLE, Item={"pk": {"S": "a"}})
    client.delete_table(TableName=TABLE)
    wait_for(lambda: client.list_tables()["TableNames"] == [] or None, "deleted")
    client.close()

    assert zones.stop() == 0
    assert complaints(zones.written) == []


def test_a_node_that_is_asked_to_stop_is_missed_in_one_line(zones: Zones) -> None:
    zones.start()
    zones.create_table()
    zones.wait_until_whole()
    pid = zones.pid("zone-2")
    zones.signal_node("zone-2", signal.SIGTERM)
    zones.wait_for_new_process("zone-2", pid)
    zones.wait_until_whole()

    assert zones.stop() == 0
    (line,) = complaints(zones.written)
    assert "the process of zone-2 ended (0), it is started again" in line


def test_a_lost_control_folder_leaves_the_nodes_in_their_cluster(zones: Zones) -> None:
    """They are of a cluster, and refuse another one: the tables are lost, the data is not."""
    zones.start()
    before = zones.status()["cluster_id"]
    zones.stop()
    for path in sorted((zones.data / "control").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    zones.start()
    assert zones.status()["cluster_id"] == before
    assert (zones.data / "control" / FILE_NAME).exists()
