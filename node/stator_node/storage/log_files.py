"""RocksDB's log files (the write-ahead logs and MANIFEST): did a crash end them, or damage?

In: the folder of a database that nobody has open. Out: what is damaged, file by file. Called by
`rocksdb.py` before each opening and by `verify.py`. Reads only.

A crash leaves an incomplete last record, which was never acknowledged and which RocksDB drops. But
RocksDB cannot tell it from a record whose length is wrong, and drops that as well, with all that
follows; and a record whose type became a "recycled" one ends the log for it, or never ends its
reading. So one flipped bit could take acknowledged writes away in silence, or, in MANIFEST, whole
table files. What is looked for here is exactly that (docs/decisions/20261120-what-a-crash-may-drop
has the study). Invariant: what a crash can leave is never called damaged.

The layout (RocksDB: db/log_format.h), integers little-endian: blocks of 32 KB, each of them

    checksum u32 | length u16 | type u8 | content      and so on; the last 6 bytes may be empty

The checksum is CRC-32C, masked, over type and content. Types: 1 whole record, 2 its first part, 3 a
middle one, 4 the last. Others are not written with the options of `rocksdb.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from struct import Struct

BLOCK_BYTES = 32 * 1024
HEADER = Struct("<IHB")
TYPES = frozenset((1, 2, 3, 4))
_CURRENT = re.compile(rb"MANIFEST-\d{6,}\n")
_MASK_DELTA = 0xA282EAD8
_POLYNOMIAL = 0x82F63B78
_U32 = 0xFFFFFFFF

assert HEADER.size == 7


def damages(database: Path, *, thorough: bool = False) -> list[str]:
    """What is damaged in the logs of a database, each with the name of its file.

    The quick look reads every record's header, and checks the checksums of each file's last block,
    where alone RocksDB may take damage for a crash. `thorough` checks all checksums (10 MB a
    second), to name the place where RocksDB says only that there is one. Raises OSError.
    """
    found: list[str] = []
    current = database / "CURRENT"
    if not current.exists():
        return found  # RocksDB says what it makes of that.
    named = current.read_bytes()
    manifest = database / named.decode("ascii", "replace").strip()
    if _CURRENT.fullmatch(named) is None or not manifest.is_file():
        return [f"file CURRENT: it names {named!r}, and there is no such file"]
    for path in (manifest, *sorted(database.glob("*.log"))):
        damage = damage_of(path, thorough=thorough)
        if damage is not None:
            found.append(f"file {path.name}: {damage}")
    return found


def damage_of(path: Path, *, thorough: bool = False) -> str | None:
    """What is wrong in one log file, and where; None if a crash could have left it. OSError."""
    for offset, block, is_last in _blocks(path):
        position = 0
        while position + HEADER.size <= len(block):
            checksum, length, kind = HEADER.unpack_from(block, position)
            where = f"the record at byte {offset + position}"
            if kind == 0 and length == 0 and not any(block[position:]):
                break  # Space that was laid out and not written yet.
            if kind not in TYPES:
                return f"{where} is of no known type ({kind})"
            end = position + HEADER.size + length
            if end > len(block):
                if is_last and not _is_whole_with_other_length(block, position, checksum):
                    return None  # A crash cut it short.
                return f"the length of {where} is wrong"
            if is_last or thorough:
                if checksum != masked(crc32c(block[position + HEADER.size - 1 : end])):
                    return f"the checksum of {where} does not match"
            position = end
    return None


def _blocks(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """(offset, content, is it the last) of each block of a file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for offset in range(0, size, BLOCK_BYTES):
            yield offset, file.read(BLOCK_BYTES), offset + BLOCK_BYTES >= size


def _is_whole_with_other_length(block: bytes, position: int, checksum: int) -> bool:
    """Whether the checksum fits the bytes up to some other end: then it is the length that lies.

    Of a record that a crash cut short, the checksum fits no shorter one (but once in 2**32).
    """
    crc = _U32
    table = _TABLE
    for byte in block[position + HEADER.size - 1 :]:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
        if masked(crc ^ _U32) == checksum:
            return True
    return False


def crc32c(content: bytes) -> int:
    """The Castagnoli checksum, which Python's own library has not."""
    crc = _U32
    table = _TABLE
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ _U32


def masked(crc: int) -> int:
    """As RocksDB stores a checksum, so that one over another means nothing."""
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & _U32


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE = _table()
