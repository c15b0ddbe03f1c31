"""`cluster.json`: what was written is read, and what cannot be read is told of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stator_node import cluster_file
from stator_node.cluster_file import FILE_NAME, ClusterFile, ClusterFileRefused, Place
from stator_node.transport.tls_files import TlsFiles

CONTENT = ClusterFile(
    "cluster-1",
    Place("gateway-7", "127.0.0.1", 4001),
    {"zone-1": Place("n1", "127.0.0.1", 4002), "zone-2": Place("n2", "127.0.0.1", 4003)},
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    cluster_file.write(tmp_path, CONTENT)

    assert cluster_file.read(tmp_path) == CONTENT


@pytest.mark.parametrize("peer_name", [None, "db.ours.svc"])
def test_where_the_certificates_are_is_read_too(tmp_path: Path, peer_name: str | None) -> None:
    files = TlsFiles(Path("/pod.pem"), Path("/pod.key"), Path("/authority.pem"), peer_name)
    content = ClusterFile(CONTENT.cluster_id, CONTENT.supervisor, CONTENT.nodes, files)
    cluster_file.write(tmp_path, content)

    assert cluster_file.read(tmp_path) == content


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    """Who knows the cluster's id may speak to its supervisor."""
    cluster_file.write(tmp_path, CONTENT)

    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_new_version_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    cluster_file.write(tmp_path, CONTENT)
    with (tmp_path / FILE_NAME).open(encoding="utf-8") as reader:
        cluster_file.write(tmp_path, ClusterFile("cluster-1", CONTENT.supervisor))
        assert len(json.load(reader)["nodes"]) == 2

    assert cluster_file.read(tmp_path).nodes == {}
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_folder_without_one_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(ClusterFileRefused, match=r"there is no .*cluster\.json"):
        cluster_file.read(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"cluster_id": "c", "supervisor": {"name": "g", "host": "h", "port": "1"}, "nodes": {}}',
        '{"cluster_id": "c", "supervisor": {"name": "g", "host": "h", "port": 1}, "nodes": [1]}',
    ],
)
def test_one_that_cannot_be_read_is_refused(tmp_path: Path, content: Any) -> None:
    (tmp_path / FILE_NAME).write_text(content)

    with pytest.raises(ClusterFileRefused, match="cannot be read"):
        cluster_file.read(tmp_path)
