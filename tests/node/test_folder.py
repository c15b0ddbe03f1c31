"""The data folder: one process at a time, of one format, and nobody else's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from damaged_files import flip
from stator_node.storage.folder import FORMAT_VERSION, DataFolder, FolderRefused, sealed

NOW = 1_700_000_000.0


def make(path: Path) -> str:
    with DataFolder(path, create=True, now=NOW) as folder:
        return folder.folder_id


def refusal(path: Path, *, create: bool = True) -> str:
    with pytest.raises(FolderRefused) as caught:
        DataFolder(path, create=create, now=NOW)
    return str(caught.value)


def test_a_folder_is_made_once_and_stays_itself(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data"
    assert make(path) == make(path)
    assert not (path / "FORMAT.new").exists()


def test_a_folder_in_use_is_refused_with_the_process_that_has_it(tmp_path: Path) -> None:
    path = tmp_path / "data"
    with DataFolder(path, create=True, now=NOW):
        assert f"in use by process {os.getpid()}" in refusal(path)
        assert "in use" in refusal(path, create=False)
    make(path)


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data", create=True, now=NOW)
    folder.close()
    folder.close()


def test_a_newer_format_is_left_alone_and_named(tmp_path: Path) -> None:
    make(tmp_path)
    newer = sealed({"format": FORMAT_VERSION + 1, "folder_id": "x", "created": NOW})
    (tmp_path / "FORMAT").write_text(newer)
    assert f"has format {FORMAT_VERSION + 1}" in refusal(tmp_path)
    assert (tmp_path / "FORMAT").read_text() == newer


def test_every_flipped_bit_of_format_is_damage_and_not_another_format(tmp_path: Path) -> None:
    make(tmp_path)
    path = tmp_path / "FORMAT"
    whole = path.read_bytes()
    for offset in range(len(whole)):
        flip(path, offset, offset % 8)
        found = refusal(tmp_path)
        assert f"{path} is damaged" in found, (offset, found)
        path.write_bytes(whole)


@pytest.mark.parametrize("content", ["", "[]", "1", '{"format": 1}', "{", '"text"'])
def test_a_format_file_of_another_shape_is_damage(tmp_path: Path, content: str) -> None:
    make(tmp_path)
    (tmp_path / "FORMAT").write_text(content)
    assert "is damaged" in refusal(tmp_path)


def test_a_database_without_format_is_not_taken_over(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "rocksdb").mkdir()
    (tmp_path / "FORMAT").unlink()
    assert "no FORMAT file" in refusal(tmp_path)


def test_somebody_elses_folder_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    assert "not empty (it holds letters.txt)" in refusal(tmp_path)
    assert "not a Stator data folder" in refusal(tmp_path, create=False)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_the_root_of_a_file_system_and_a_beginning_of_ours_count_as_empty(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    (tmp_path / ".snapshot").mkdir()
    (tmp_path / "FORMAT.new").write_text('{"format"')
    (tmp_path / "LOCK").write_text("12\n")
    assert make(tmp_path) == make(tmp_path)


def test_looking_makes_nothing(tmp_path: Path) -> None:
    assert "there is no data folder" in refusal(tmp_path / "none", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot use" in refusal(tmp_path / "file" / "data")


def test_the_format_file_is_one_line_that_a_person_can_read(tmp_path: Path) -> None:
    folder_id = make(tmp_path)
    (line,) = (tmp_path / "FORMAT").read_text().splitlines()
    content = json.loads(line)
    del content["crc32"]
    assert content == {"format": FORMAT_VERSION, "folder_id": folder_id, "created": NOW}
