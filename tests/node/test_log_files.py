"""RocksDB's logs: what a crash leaves is no damage, and no damage passes for a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from damaged_files import copy_of, crashed_database, flip, log_of, manifest_of
from stator_node.storage.log_files import BLOCK_BYTES, HEADER, crc32c, damage_of, damages, masked

ENTRIES = 300


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crashed_database(tmp_path_factory.mktemp("crashed") / "rocksdb", ENTRIES)


@pytest.fixture
def database(crashed: Path, tmp_path: Path) -> Path:
    return copy_of(crashed, tmp_path / "rocksdb")


def record(content: bytes, kind: int = 1) -> bytes:
    checksum = masked(crc32c(bytes([kind]) + content))
    return HEADER.pack(checksum, len(content), kind) + content


def records(path: Path) -> list[int]:
    """The offsets of all records of a log."""
    content = path.read_bytes()
    found, position = [], 0
    while position + HEADER.size <= len(content):
        if BLOCK_BYTES - position % BLOCK_BYTES < HEADER.size:
            position += BLOCK_BYTES - position % BLOCK_BYTES
            continue
        found.append(position)
        position += HEADER.size + HEADER.unpack_from(content, position)[1]
    return found


def test_the_checksum_is_castagnolis_as_the_standard_gives_it() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA


def test_a_log_that_a_crash_left_whole_is_sound(database: Path) -> None:
    assert log_of(database).stat().st_size > 2 * BLOCK_BYTES
    assert damages(database, thorough=True) == []


def test_a_log_cut_anywhere_is_what_a_crash_leaves(database: Path) -> None:
    for path in (log_of(database), manifest_of(database)):
        content = path.read_bytes()
        near_the_end = range(max(0, len(content) - 400), len(content))
        for size in {*range(0, len(content), 977), *near_the_end}:
            path.write_bytes(content[:size])
            assert damage_of(path) is None, (path.name, size)
        path.write_bytes(content)


def test_space_laid_out_and_not_written_is_what_a_crash_leaves(database: Path) -> None:
    log = log_of(database)
    log.write_bytes(log.read_bytes() + bytes(3 * BLOCK_BYTES))
    assert damages(database, thorough=True) == []


def test_every_flipped_byte_of_a_manifest_is_named(database: Path) -> None:
    path = manifest_of(database)
    for offset in range(path.stat().st_size):
        flip(path, offset, offset % 8)
        (damage,) = damages(database)
        assert damage.startswith(f"file {path.name}: "), offset
        flip(path, offset, offset % 8)


def test_every_flipped_bit_of_a_header_in_the_last_block_is_named(database: Path) -> None:
    """There alone RocksDB takes a wrong length for a crash, and drops what follows."""
    log = log_of(database)
    last_block = log.stat().st_size // BLOCK_BYTES * BLOCK_BYTES
    for position in [offset for offset in records(log) if offset >= last_block][-3:]:
        for bit in range(HEADER.size * 8):
            flip(log, position + bit // 8, bit % 8)
            assert damages(database) != [], (position, bit)
            flip(log, position + bit // 8, bit % 8)


def test_a_record_that_became_a_recycled_one_is_named_wherever_it_is(database: Path) -> None:
    """RocksDB never ends reading such a log."""
    log = log_of(database)
    for position in records(log)[::31]:
        flip(log, position + 6, 2)
        assert damages(database) != [], position
        flip(log, position + 6, 2)


def test_a_thorough_look_names_the_record_of_any_flipped_byte(database: Path) -> None:
    log = log_of(database)
    starts = records(log)
    for offset in range(11, log.stat().st_size, 9973):
        flip(log, offset)
        (damage,) = damages(database, thorough=True)
        start = max(start for start in starts if start <= offset)
        assert damage.startswith(f"file {log.name}: ")
        assert f"the record at byte {start}" in damage
        flip(log, offset)


def test_a_short_record_after_a_crash_and_a_lying_length_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "000004.log"
    whole, second = record(b"first" * 50), record(b"second" * 50)
    path.write_bytes(whole + second[:-1])
    assert damage_of(path) is None
    lying = bytearray(second)
    lying[5] ^= 0x10  # The length's upper byte: beyond the end of the file.
    path.write_bytes(whole + bytes(lying))
    assert damage_of(path) == f"the length of the record at byte {len(whole)} is wrong"


@pytest.mark.parametrize("content", [b"", b"MANIFEST-000005", b"MANIFEST-999999\n", b"\xff\xfe\n"])
def test_a_current_that_names_no_manifest_is_named(database: Path, content: bytes) -> None:
    (database / "CURRENT").write_bytes(content)
    (damage,) = damages(database)
    assert damage.startswith("file CURRENT: ")


def test_a_folder_without_a_database_has_nothing_damaged(tmp_path: Path) -> None:
    assert damages(tmp_path / "rocksdb") == []
