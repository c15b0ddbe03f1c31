"""RocksDB's table files: a flipped byte in what no read of an item touches is found too."""

from __future__ import annotations

from pathlib import Path

import pytest

from damaged_files import flip
from stator_node.storage.rocksdb import RocksItemStore
from stator_node.storage.table_files import FOOTER, damage_of


@pytest.fixture
def table_file(tmp_path: Path) -> Path:
    store = RocksItemStore(tmp_path / "rocksdb")
    for number in range(500):
        store.write([("items", b"key%05d" % number, b"value" * 10)], sync=False)
    store.delete_range("items", b"key00001", b"key00002")
    store.flush()
    store.close()
    (path,) = (tmp_path / "rocksdb").glob("*.sst")
    return path


def test_a_file_as_it_was_written_is_sound(table_file: Path) -> None:
    assert damage_of(table_file) is None


def test_every_flipped_byte_of_the_footer_is_found(table_file: Path) -> None:
    size = table_file.stat().st_size
    for offset in range(size - FOOTER.size, size):
        flip(table_file, offset, offset % 8)
        assert "footer" in (damage_of(table_file) or ""), offset
        flip(table_file, offset, offset % 8)


def test_every_flipped_byte_behind_the_data_is_found(table_file: Path) -> None:
    """Filter, index, properties, deleted ranges, metaindex: they fill the rest of the file."""
    size = table_file.stat().st_size
    data_end = first_found(table_file)
    assert 0 < data_end < size - FOOTER.size - 500
    for offset in range(data_end, size, 17):
        flip(table_file, offset, offset % 8)
        assert damage_of(table_file) is not None, offset
        flip(table_file, offset, offset % 8)


def first_found(path: Path) -> int:
    """Where the data ends: the first offset whose flip is found, to a few bytes."""
    for offset in range(0, path.stat().st_size, 13):
        flip(path, offset)
        found = damage_of(path)
        flip(path, offset)
        if found is not None:
            return offset
    raise AssertionError("nothing is found")


@pytest.mark.parametrize("size", [0, 10, 52, 53, 200])
def test_a_file_cut_short_is_found(table_file: Path, size: int) -> None:
    table_file.write_bytes(table_file.read_bytes()[:size])
    assert damage_of(table_file) is not None
