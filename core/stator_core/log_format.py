"""The bytes of a replica's Raft log on disk, version 1, in the column family `log`.

In: entries, hard state and positions of `raft`. Out: keys and values, and back. Called by
`storage/log_store.py`; `raft_message_format.py` shares the JSON of a configuration. Golden bytes
in tests/core/test_log_format.py pin the layout: DO NOT CHANGE IT, make a version 2.

    partition u64 | "E" | index u64   an entry       term u64 | kind u8 | data
    partition u64 | "H"               hard state     term u64 | vote u32 | commit u64
    partition u64 | "B"               what is before the first entry   index u64 | term u64
    partition u64 | "A"               applied up to, and the newest timestamp among all that is
                                      applied                          index u64 | timestamp u64
    partition u64 | "R"               the replica: who it is, and what its log has made of it   JSON

Every value is  version u8 | checksum u64 | content, the checksum being xxh3_64 over key and
content: a value under a wrong key is as damaged as one with a flipped bit. Integers are big-endian.
Invariant: what was not written by this code under this key raises LogDamaged, and nothing else.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError  # noqa: N812  # It is an exception.
from typing import Any, Final

from xxhash import xxh3_64_digest

from stator_core.raft.messages import (
    Configuration,
    Entry,
    EntryKind,
    HardState,
    SnapshotMetadata,
)
from stator_core.raft.refusals import ReplicaDamaged

VERSION: Final = 1
_VERSION_BYTE: Final = bytes((VERSION,))
_PREFIX_BYTES: Final = 9  # version and checksum
_ENTRY_KEY = Struct(">QcQ")
_RECORD_KEY = Struct(">Qc")
_ENTRY = Struct(">QB")
_HARD_STATE = Struct(">QIQ")
_POSITION = Struct(">QQ")
_APPLIED = Struct(">QQ")
PARTITION_MAX: Final = 2**64 - 2  # whose end is a key of eight bytes, too
REPLICA_MAX: Final = 2**32 - 1


class LogDamaged(ReplicaDamaged):
    """A record of the log is not what was written there."""


def entry_key(partition_id: int, index: int) -> bytes:
    return _ENTRY_KEY.pack(partition_id, b"E", index)


def record_key(partition_id: int, letter: bytes) -> bytes:
    """The key of a record that a replica has once: H, B, A or R."""
    return _RECORD_KEY.pack(partition_id, letter)


def partition_bounds(partition_id: int) -> tuple[bytes, bytes]:
    """[start, end) of everything that the log family holds of a partition."""
    return partition_id.to_bytes(8, "big"), (partition_id + 1).to_bytes(8, "big")


def index_of(key: bytes) -> int:
    """The index in an entry's key."""
    index: int = _ENTRY_KEY.unpack(key)[2]
    return index


def partition_of(key: bytes) -> int:
    return int.from_bytes(key[:8], "big")


def seal(key: bytes, content: bytes) -> bytes:
    """The stored form of a record."""
    return _VERSION_BYTE + xxh3_64_digest(key + content) + content


def unseal(key: bytes, stored: bytes) -> bytes:
    """The content of a record. Raises LogDamaged."""
    if stored[:1] != _VERSION_BYTE:
        found = stored[:1].hex() or "missing"
        raise LogDamaged(f"log record under key {key.hex()}: version {found}, not {VERSION:02x}")
    content = stored[_PREFIX_BYTES:]
    if xxh3_64_digest(key + content) != stored[1:_PREFIX_BYTES]:
        raise LogDamaged(f"log record under key {key.hex()}: the checksum does not match")
    return content


def encode_entry(key: bytes, entry: Entry) -> bytes:
    return seal(key, _ENTRY.pack(entry.term, entry.kind) + entry.data)


def decode_entry(key: bytes, stored: bytes) -> Entry:
    """Raises LogDamaged."""
    content = unseal(key, stored)
    try:
        term, kind = _ENTRY.unpack_from(content)
        return Entry(index_of(key), term, EntryKind(kind), content[_ENTRY.size :])
    except (StructError, ValueError) as error:
        raise _strange(key, error) from None


def encode_hard_state(key: bytes, state: HardState) -> bytes:
    return seal(key, _HARD_STATE.pack(state.term, state.vote, state.commit))


def decode_hard_state(key: bytes, stored: bytes) -> HardState:
    """Raises LogDamaged."""
    return HardState(*_numbers(_HARD_STATE, key, stored))


def encode_position(key: bytes, index: int, term: int) -> bytes:
    return seal(key, _POSITION.pack(index, term))


def decode_position(key: bytes, stored: bytes) -> tuple[int, int]:
    """(index, term). Raises LogDamaged."""
    index, term = _numbers(_POSITION, key, stored)
    return index, term


def encode_applied(key: bytes, index: int, timestamp: int) -> bytes:
    return seal(key, _APPLIED.pack(index, timestamp))


def decode_applied(key: bytes, stored: bytes) -> tuple[int, int]:
    """(index, timestamp). Raises LogDamaged."""
    index, timestamp = _numbers(_APPLIED, key, stored)
    return index, timestamp


def _numbers(fields: Struct, key: bytes, stored: bytes) -> tuple[int, ...]:
    content = unseal(key, stored)
    try:
        return fields.unpack(content)
    except StructError as error:
        raise _strange(key, error) from None


def _strange(key: bytes, error: Exception) -> LogDamaged:
    """The checksum is right and the content is not: a bug or another program wrote it."""
    return LogDamaged(f"log record under key {key.hex()}: {error}")


def configuration_members(configuration: Configuration) -> dict[str, Any]:
    """A Raft configuration as JSON members, for records and for messages."""
    return {
        "voters": sorted(configuration.voters),
        "voters_outgoing": sorted(configuration.voters_outgoing),
        "learners": sorted(configuration.learners),
        "learners_next": sorted(configuration.learners_next),
        "auto_leave": configuration.auto_leave,
    }


def configuration_of(members: Any) -> Configuration:
    """Raises ValueError for members that are none."""
    try:
        return Configuration(
            voters=_replica_ids(members["voters"]),
            voters_outgoing=_replica_ids(members["voters_outgoing"]),
            learners=_replica_ids(members["learners"]),
            learners_next=_replica_ids(members["learners_next"]),
            auto_leave=bool(members["auto_leave"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no configuration: {error!r}") from None


def snapshot_members(snapshot: SnapshotMetadata) -> dict[str, Any]:
    """A snapshot's position as JSON members."""
    return {
        "index": snapshot.index,
        "term": snapshot.term,
        **configuration_members(snapshot.configuration),
    }


def snapshot_of(members: Any) -> SnapshotMetadata:
    """Raises ValueError for members that are none."""
    configuration = configuration_of(members)
    index, term = members.get("index"), members.get("term")
    if type(index) is not int or type(term) is not int or min(index, term) < 0:
        raise ValueError(f"no position of a snapshot: index {index!r}, term {term!r}")
    return SnapshotMetadata(index, term, configuration)


def _replica_ids(members: Any) -> frozenset[int]:
    """Raises TypeError or ValueError."""
    ids = frozenset(members)
    if not all(type(replica) is int and 0 < replica <= REPLICA_MAX for replica in ids):
        raise ValueError(f"no replica ids: {members!r}")
    return ids
