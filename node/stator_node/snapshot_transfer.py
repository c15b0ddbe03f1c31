"""Snapshots on their way: a partition's state from its leader to a replica that needs it.

The leader's Raft asks for one (`InstallSnapshot`); the state machine itself is the snapshot, read
through storage cursors that were opened when Raft asked. It travels as chunks, each a request that
the receiver answers, so the receiver sets the pace. The receiver forgets what it had before it
takes the first chunk, durably, and hands the Raft message on when it has the last. Called by
`partition_host.py`. Invariants: the content is that of exactly the index in the message; a transfer
that breaks off leaves a replica that is `rebuilding`, never one with half a state.

    chunk    JSON length u32 | JSON | writes in the form of `entry_format.py`
    JSON     transfer (text), sequence (from 0), until (the index), timestamp (the newest in the log
             up to there), state, and in the last chunk message
"""

from __future__ import annotations

import base64
import itertools
import logging
import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from stator_core import partition_state, raft_message_format
from stator_core.entry_format import (
    EntryKind,
    StoredWrite,
    decode_writes,
    encode_writes,
    read_header,
)
from stator_core.partition_state import PartitionState
from stator_core.raft.messages import InstallSnapshot
from stator_node.doors import ItemStore, StorageFailed
from stator_node.operation_codes import OperationCode
from stator_node.pending import wait
from stator_node.transport.frame_format import Status
from stator_node.transport.links import Links

logger = logging.getLogger(__name__)

CHUNK_SECONDS_MAX = 10.0
ALL_HERE = b'{"all_here":true}'  # the answer to a chunk that is not needed
_LENGTH = struct.Struct(">I")


class ChunkRefused(ValueError):
    """These bytes are no chunk, or not the next one."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of a snapshot. `message` comes with the last one."""

    transfer: str
    sequence: int
    until: int  # the index that the snapshot stands for
    timestamp: int  # the newest in the log up to there
    writes: list[StoredWrite]
    state: PartitionState
    message: InstallSnapshot | None


def encode_chunk(members: dict[str, Any], writes: list[StoredWrite]) -> bytes:
    head = orjson.dumps(members)
    return _LENGTH.pack(len(head)) + head + encode_writes(0, writes)


def decode_chunk(body: bytes) -> Chunk:
    """Raises ChunkRefused."""
    try:
        (length,) = _LENGTH.unpack_from(body)
        members = orjson.loads(body[_LENGTH.size : _LENGTH.size + length])
        writes = body[_LENGTH.size + length :]
        if read_header(writes)[0] is not EntryKind.WRITES:
            raise ChunkRefused("a chunk carries writes and nothing else")
        return Chunk(
            str(members["transfer"]),
            int(members["sequence"]),
            int(members["until"]),
            int(members["timestamp"]),
            decode_writes(writes),
            partition_state.from_json(members["state"].encode()),
            _message_of(members["message"]),
        )
    except ChunkRefused:
        raise
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ChunkRefused(f"no chunk of a snapshot: {error}") from None


def _message_of(encoded: str | None) -> InstallSnapshot | None:
    if encoded is None:
        return None
    message = raft_message_format.decode(base64.b64decode(encoded))
    if not isinstance(message, InstallSnapshot):
        raise ChunkRefused("the last chunk carries another message")
    return message


def content_of(
    store: ItemStore, state: PartitionState, chunk_bytes: int
) -> Iterator[list[StoredWrite]]:
    """The stored state of a partition as of now, in pieces. The cursors are opened at once."""
    cursors = [
        (family, store.cursor(family, start, end)) for family, start, end in state.content_ranges()
    ]

    def pieces() -> Iterator[list[StoredWrite]]:
        piece: list[StoredWrite] = []
        size = 0
        for family, cursor in cursors:
            for key, value in cursor:
                piece.append((family, key, value))
                size += len(key) + len(value)
                if size >= chunk_bytes:
                    yield piece
                    piece, size = [], 0
        yield piece

    return pieces()


async def send_snapshot(
    links: Links,
    node_id: str,
    partition_id: int,
    state: PartitionState,
    timestamp: int,
    content: Iterator[list[StoredWrite]],
    message: InstallSnapshot,
) -> bool:
    """Send a snapshot chunk by chunk. False: it did not arrive, or nobody knows whether it did."""
    try:
        for chunk in _chunks(state, timestamp, content, message):
            answer = await wait(
                links.request(
                    node_id,
                    partition_id,
                    OperationCode.SNAPSHOT_CHUNK,
                    0,
                    chunk,
                    CHUNK_SECONDS_MAX,
                )
            )
            if answer.status is not Status.RESULT:
                reason = answer.body[:200].decode("utf-8", "replace") or answer.status.name
                break
            if answer.body == ALL_HERE:
                return True
        else:
            return True
    except StorageFailed as error:
        reason = str(error)
    logger.warning(
        "snapshot of partition %d for node %s broke off: %s", partition_id, node_id, reason
    )
    return False


def _chunks(
    state: PartitionState,
    timestamp: int,
    content: Iterator[list[StoredWrite]],
    message: InstallSnapshot,
) -> Iterator[bytes]:
    """The bodies of a transfer's requests. Raises StorageFailed."""
    members: dict[str, Any] = {
        "transfer": uuid.uuid4().hex,
        "until": message.snapshot.index,
        "timestamp": timestamp,
        "state": partition_state.to_json(state).decode(),
        "message": None,
    }
    piece = next(content)
    for sequence in itertools.count():
        following = next(content, None)
        members["sequence"] = sequence
        if following is None:
            members["message"] = base64.b64encode(raft_message_format.encode(message)).decode()
            yield encode_chunk(members, piece)
            return
        yield encode_chunk(members, piece)
        piece = following
