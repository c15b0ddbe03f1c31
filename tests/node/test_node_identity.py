"""A volume says whose it is, and is left alone where it is not expected."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from damaged_files import flip
from stator_node.storage.folder import FolderRefused, sealed
from stator_node.storage.node_identity import NodeIdentity, read, take

OURS = NodeIdentity("cluster-1", "zone-1", "node-1")


def refusal(path: Path, identity: NodeIdentity) -> str:
    before = (path / "NODE").read_bytes()
    with pytest.raises(FolderRefused) as caught:
        take(path, identity)
    assert (path / "NODE").read_bytes() == before
    return str(caught.value)


def test_a_new_folder_is_taken_and_known_again(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    take(tmp_path, OURS)
    take(tmp_path, OURS)

    assert read(tmp_path) == OURS
    assert not (tmp_path / "NODE.new").exists()


def test_the_layout_is_version_1(tmp_path: Path) -> None:
    take(tmp_path, OURS)

    assert (tmp_path / "NODE").read_text() == (
        '{"version": 1, "cluster_id": "cluster-1", "zone": "zone-1", "node_id": "node-1",'
        ' "crc32": 3091247417}\n'
    )


@pytest.mark.parametrize(
    "member, text",
    [
        ("cluster_id", "is of cluster cluster-1, and this is cluster other"),
        ("zone", "is of zone zone-1, and this is zone other"),
        ("node_id", "FORMAT is of node other, NODE of node node-1"),
    ],
)
def test_the_folder_of_somebody_else_is_left_alone(tmp_path: Path, member: str, text: str) -> None:
    take(tmp_path, OURS)

    assert text in refusal(tmp_path, replace(OURS, **{member: "other"}))


def test_a_damaged_or_newer_word_is_not_believed(tmp_path: Path) -> None:
    take(tmp_path, OURS)
    flip(tmp_path / "NODE", 30)
    assert "is damaged" in refusal(tmp_path, OURS)

    (tmp_path / "NODE").write_text(sealed({"version": 2}))
    assert "newer version" in refusal(tmp_path, OURS)
    (tmp_path / "NODE").write_text(json.dumps({"version": 1}))
    assert "is damaged" in refusal(tmp_path, OURS)
