"""Where a cluster's supervisor listens: written whole, read whole or refused with a reason."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from stator_node.cluster_file import (
    FILE_NAME,
    ClusterFile,
    ClusterFileRefused,
    Place,
    read,
    write,
)

CONTENT = ClusterFile(
    "cluster", Place("gateway-1", "127.0.0.1", 4000), {"zone-1": Place("n1", "127.0.0.1", 4001)}
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(tmp_path, CONTENT)
    assert read(tmp_path) == CONTENT

    moved = ClusterFile("cluster", Place("gateway-2", "127.0.0.1", 5000))
    write(tmp_path, moved)
    assert read(tmp_path) == moved


def test_only_the_owner_may_read_it_and_nothing_else_is_left(tmp_path: Path) -> None:
    write(tmp_path, CONTENT)

    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_without_a_cluster_it_says_what_writes_the_file(tmp_path: Path) -> None:
    with pytest.raises(ClusterFileRefused, match="stator local --zones 3"):
        read(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"cluster_id": "c", "supervisor": {"port": "x"}, "nodes": {}}']
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)

    with pytest.raises(ClusterFileRefused, match="cannot be read"):
        read(tmp_path)
