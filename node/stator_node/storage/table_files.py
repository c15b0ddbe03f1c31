"""RocksDB's table files (.sst): the parts that reading all entries does not touch.

In: the path of one file. Out: what is damaged in it, or None. Called by `verify.py`, which reads
the data blocks and the index through RocksDB itself; a flipped byte in a filter or in the
properties is not met that way, since RocksDB does without them where it must. Reads only.

The layout (RocksDB: table/format.h; format version 6, checksum XXH3), integers little-endian:

    blocks ... | metaindex block | footer of 53 bytes
    block      content | compression u8 | checksum u32
    footer     checksum type u8 | 3e 00 7a 00 | footer checksum u32 | base context u32 |
               metaindex size u32 | 24 zeros | format version u32 | magic u64
    metaindex  entries (shared, unshared and value length as varints, key, value = offset and size
               of a block as varints), then the restart points; never compressed
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import Struct

from xxhash import xxh3_64_intdigest

FOOTER = Struct("<B4sIII24sIQ")
MAGIC = 0x88E241B785F4CFF7
EXTENDED_MAGIC = b"\x3e\x00\x7a\x00"
FORMAT_VERSION = 6
CHECKSUM_XXH3 = 4
TRAILER_BYTES = 5
FOOTER_CHECKSUM_AT = 5
_LAST_BYTE_FACTOR = 0x6B9083D9
_U32 = 0xFFFFFFFF

assert FOOTER.size == 53


def damage_of(path: Path) -> str | None:
    """What is wrong with the footer or with a block that the metaindex names. Raises OSError."""
    content = path.read_bytes()
    footer_at = len(content) - FOOTER.size
    if footer_at < 0:
        return "shorter than a footer"
    footer = content[footer_at:]
    kind, extended, checksum, context, metaindex_size, _, version, magic = FOOTER.unpack(footer)
    if magic != MAGIC or (version == FORMAT_VERSION and extended != EXTENDED_MAGIC):
        return "the footer is not one"
    if version != FORMAT_VERSION or kind != CHECKSUM_XXH3:
        # Not what this version of Stator writes, so the footer itself is the suspect.
        return f"the footer names format version {version} and checksum type {kind}"
    blank = footer[:FOOTER_CHECKSUM_AT] + bytes(4) + footer[FOOTER_CHECKSUM_AT + 4 :]
    if checksum != (_checksum(blank) + _of_place(context, footer_at)) & _U32:
        return "the checksum of the footer does not match"
    metaindex_at = footer_at - TRAILER_BYTES - metaindex_size
    if metaindex_at < 0 or not _is_whole(content, metaindex_at, metaindex_size, context):
        return "the checksum of the metaindex does not match"
    metaindex = content[metaindex_at : metaindex_at + metaindex_size]
    for name, offset, size in _entries(metaindex):
        if not _is_whole(content, offset, size, context):
            return f"the checksum of {name} at byte {offset} does not match"
    return None


def _entries(metaindex: bytes) -> Iterator[tuple[str, int, int]]:
    """(name, offset, size) of every block that a metaindex of right checksum lists."""
    restarts = int.from_bytes(metaindex[-4:], "little")
    end = len(metaindex) - 4 - 4 * restarts
    position = 0
    name = b""
    while position < end:
        shared, position = _varint(metaindex, position)
        unshared, position = _varint(metaindex, position)
        value_size, position = _varint(metaindex, position)
        name = name[:shared] + metaindex[position : position + unshared]
        position += unshared
        offset, behind = _varint(metaindex, position)
        size, _ = _varint(metaindex, behind)
        position += value_size
        yield name.decode("ascii", "replace"), offset, size


def _varint(content: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _is_whole(content: bytes, offset: int, size: int, context: int) -> bool:
    """Whether the checksum behind a block is that of its content at its place in this file."""
    end = offset + size
    stored = content[end + 1 : end + TRAILER_BYTES]
    expected = (_checksum(content[offset : end + 1]) + _of_place(context, offset)) & _U32
    return int.from_bytes(stored, "little") == expected and len(stored) == TRAILER_BYTES - 1


def _checksum(content: bytes) -> int:
    """The lower half of XXH3 over all but the last byte, with the last byte mixed in."""
    low = xxh3_64_intdigest(content[:-1]) & _U32
    return low ^ ((content[-1] * _LAST_BYTE_FACTOR) & _U32)


def _of_place(context: int, offset: int) -> int:
    """What RocksDB adds to a checksum, so that a block copied to another place does not pass."""
    if context == 0:
        return 0
    return context ^ ((offset & _U32) + (offset >> 32) & _U32)
