"""The bytes of a Raft message between two replicas of a partition, version 1.

In: a message of `raft.messages`. Out: bytes for a RAFT frame, and back. Called by
`partition_host.py`. Golden bytes in tests/core/test_raft_message_format.py pin the layout: pods of
two versions speak to each other during every upgrade. DO NOT CHANGE IT, make a version 2.

    version u8 | type u8 | sender u32 | receiver u32 | term u64 | fields of the type

Fields are big-endian, in the order of the dataclass; flags are one byte. AppendEntries ends with
its entries (index u64 | term u64 | kind u8 | length u32 | data), InstallSnapshot with its position
as JSON. Bytes that nobody encoded raise MessageGarbled.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from struct import Struct
from typing import Final

import orjson

from stator_core.log_format import snapshot_members, snapshot_of
from stator_core.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Entry,
    EntryKind,
    Heartbeat,
    HeartbeatResponse,
    InstallSnapshot,
    Message,
    Quiesce,
    RequestVote,
    RequestVoteResponse,
    TimeoutNow,
)

VERSION: Final = 1
_HEADER = Struct(">BBIIQ")
_ENTRY = Struct(">QQBI")
_REQUEST_VOTE = Struct(">QQ??")
_REQUEST_VOTE_RESPONSE = Struct(">??")
_APPEND_ENTRIES = Struct(">QQQQI")
_APPEND_ENTRIES_RESPONSE = Struct(">?QQQQ")
_HEARTBEAT = Struct(">QQQ")
_HEARTBEAT_RESPONSE = Struct(">QQ")
_INSTALL_SNAPSHOT = Struct(">Q")
_QUIESCE = Struct(">Q")

# DO NOT REORDER: the position of a type is its number on the wire.
_TYPES: Final[tuple[type, ...]] = (
    RequestVote,
    RequestVoteResponse,
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    HeartbeatResponse,
    InstallSnapshot,
    TimeoutNow,
    Quiesce,
)
_NUMBERS: Final = {kind: number for number, kind in enumerate(_TYPES)}


class MessageGarbled(ValueError):
    """These bytes are no Raft message that this code can read."""


def encode(message: Message) -> bytes:
    """The bytes of a message."""
    number = _NUMBERS[type(message)]
    header = _HEADER.pack(VERSION, number, message.sender, message.receiver, message.term)
    return header + _fields(message)


def decode(data: bytes) -> Message:
    """The message in these bytes. Raises MessageGarbled."""
    try:
        version, number, sender, receiver, term = _HEADER.unpack_from(data)
        if version != VERSION:
            raise MessageGarbled(f"Raft message version {version}, this code reads {VERSION}")
        read = _READERS[_TYPES[number]]
        message: Message = read(sender, receiver, term, data, _HEADER.size)
    except MessageGarbled:
        raise
    except (struct.error, IndexError, ValueError) as error:
        raise MessageGarbled(f"no Raft message: {error}") from None
    return message


def _fields(message: Message) -> bytes:
    match message:
        case AppendEntries():
            return _append_entries(message)
        case AppendEntriesResponse(_, _, _, success, index, send_time, hint_index, hint_term):
            return _APPEND_ENTRIES_RESPONSE.pack(success, index, send_time, hint_index, hint_term)
        case Heartbeat(_, _, _, leader_commit, send_time, read_context):
            return _HEARTBEAT.pack(leader_commit, send_time, read_context)
        case HeartbeatResponse(_, _, _, send_time, read_context):
            return _HEARTBEAT_RESPONSE.pack(send_time, read_context)
        case RequestVote(_, _, _, last_log_index, last_log_term, pre_vote, transfer):
            return _REQUEST_VOTE.pack(last_log_index, last_log_term, pre_vote, transfer)
        case RequestVoteResponse(_, _, _, vote_granted, pre_vote):
            return _REQUEST_VOTE_RESPONSE.pack(vote_granted, pre_vote)
        case InstallSnapshot(_, _, _, snapshot, send_time):
            return _INSTALL_SNAPSHOT.pack(send_time) + orjson.dumps(snapshot_members(snapshot))
        case TimeoutNow():
            return b""
        case Quiesce(_, _, _, commit):
            return _QUIESCE.pack(commit)


def _append_entries(message: AppendEntries) -> bytes:
    parts = [
        _APPEND_ENTRIES.pack(
            message.previous_log_index,
            message.previous_log_term,
            message.leader_commit,
            message.send_time,
            len(message.entries),
        )
    ]
    for entry in message.entries:
        parts.append(_ENTRY.pack(entry.index, entry.term, entry.kind, len(entry.data)))
        parts.append(entry.data)
    return b"".join(parts)


def _read_append_entries(
    sender: int, receiver: int, term: int, data: bytes, at: int
) -> AppendEntries:
    previous_index, previous_term, commit, send_time, count = _APPEND_ENTRIES.unpack_from(data, at)
    position = at + _APPEND_ENTRIES.size
    entries: list[Entry] = []
    for expected in range(previous_index + 1, previous_index + 1 + count):
        index, entry_term, kind, length = _ENTRY.unpack_from(data, position)
        start = position + _ENTRY.size
        position = start + length
        if position > len(data):
            raise MessageGarbled("an entry ends beyond its message")
        if index != expected:
            raise MessageGarbled(f"entry {index} stands in the place of {expected}")
        entries.append(Entry(index, entry_term, EntryKind(kind), data[start:position]))
    if position != len(data):
        raise MessageGarbled("bytes follow the last entry")
    return AppendEntries(
        sender, receiver, term, previous_index, previous_term, entries, commit, send_time
    )


def _reader(kind: Callable[..., Message], fields: Struct) -> Callable[..., Message]:
    """Reads a type whose fields have a fixed length."""

    def read(sender: int, receiver: int, term: int, data: bytes, at: int) -> Message:
        if len(data) != at + fields.size:
            raise MessageGarbled(f"{len(data)} bytes, not {at + fields.size}")
        return kind(sender, receiver, term, *fields.unpack_from(data, at))

    return read


def _read_install_snapshot(
    sender: int, receiver: int, term: int, data: bytes, at: int
) -> InstallSnapshot:
    (send_time,) = _INSTALL_SNAPSHOT.unpack_from(data, at)
    snapshot = snapshot_of(orjson.loads(data[at + _INSTALL_SNAPSHOT.size :]))
    return InstallSnapshot(sender, receiver, term, snapshot, send_time)


_READERS: Final[dict[type, Callable[..., Message]]] = {
    RequestVote: _reader(RequestVote, _REQUEST_VOTE),
    RequestVoteResponse: _reader(RequestVoteResponse, _REQUEST_VOTE_RESPONSE),
    AppendEntries: _read_append_entries,
    AppendEntriesResponse: _reader(AppendEntriesResponse, _APPEND_ENTRIES_RESPONSE),
    Heartbeat: _reader(Heartbeat, _HEARTBEAT),
    HeartbeatResponse: _reader(HeartbeatResponse, _HEARTBEAT_RESPONSE),
    InstallSnapshot: _read_install_snapshot,
    TimeoutNow: _reader(TimeoutNow, Struct("")),
    Quiesce: _reader(Quiesce, _QUIESCE),
}
