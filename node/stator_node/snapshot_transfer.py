"""Snapshots on their way: a partition's state from its leader to a replica that needs it.

The leader's Raft asks for one (`InstallSnapshot`); the state machine itself is the snapshot, read
through storage cursors that were opened when Raft asked. It travels as chunks, each a request that
the receiver answers, so the receiver sets the pace. The receiver forgets what it had before it
takes the first chunk, durably, and hands the Raft message on when it has the last. Called by
`partition_host.py`. Invariants: the content is that of exactly the index in the message; a transfer
that breaks off leaves a replica that is `rebuilding`, never one with half a state.

    chunk    JSON length u32 | JSON | writes in the form of `entry_format.py`
    JSON     transfer (text), sequence (from 0), and in the last chunk `state` and `message`
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
from stator_core.entry_format import EntryRefused, StoredWrite, decode_writes, encode_writes
from stator_core.partition_state import PartitionState
from stator_core.raft.messages import InstallSnapshot
from stator_node.doors import ItemStore
from stator_node.operation_codes import OperationCode
from stator_node.pending import wait
from stator_node.transport.frame_format import Status
from stator_node.transport.links import Links

logger = logging.getLogger(__name__)

CHUNK_BYTES = 512 * 1024
CHUNK_SECONDS_MAX = 10.0
_LENGTH = struct.Struct(">I")


class ChunkRefused(ValueError):
    """These bytes are no chunk, or not the next one."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of a snapshot. `state` and `message` come with the last one."""

    transfer: str
    sequence: int
    until: int  # the index that the snapshot stands for
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
        message = members["message"]
        install = None
        if message is not None:
            decoded = raft_message_format.decode(base64.b64decode(message))
            if not isinstance(decoded, InstallSnapshot):
                raise ChunkRefused("the last chunk carries another message")
            install = decoded
        return Chunk(
            members["transfer"],
            members["sequence"],
            members["until"],
            decode_writes(body[_LENGTH.size + length :]),
            partition_state.from_json(members["state"].encode()),
            install,
        )
    except ChunkRefused:
        raise
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, EntryRefused) as error:
        raise ChunkRefused(f"no chunk of a snapshot: {error}") from None


def content_of(store: ItemStore, state: PartitionState) -> Iterator[list[StoredWrite]]:
    """The stored state of a partition as of now, in pieces. The cursors are opened at once."""
    cursors = [
        (family, store.cursor(family, start, end)) for family, start, end in state.owned_ranges()
    ]

    def pieces() -> Iterator[list[StoredWrite]]:
        piece: list[StoredWrite] = []
        size = 0
        for family, cursor in cursors:
            for key, value in cursor:
                piece.append((family, key, value))
                size += len(key) + len(value)
                if size >= CHUNK_BYTES:
                    yield piece
                    piece, size = [], 0
        yield piece

    return pieces()


async def send_snapshot(
    links: Links,
    node_id: str,
    partition_id: int,
    state: PartitionState,
    content: Iterator[list[StoredWrite]],
    message: InstallSnapshot,
) -> bool:
    """Send a snapshot chunk by chunk. False: it did not arrive, and nobody knows why."""
    transfer = uuid.uuid4().hex
    description = partition_state.to_json(state).decode()
    pieces = itertools.chain(content, [None])
    piece = next(pieces)
    for sequence in itertools.count():
        following = next(pieces)
        members = {
            "transfer": transfer,
            "sequence": sequence,
            "until": message.snapshot.index,
            "state": description,
            "message": None
            if following is not None
            else base64.b64encode(raft_message_format.encode(message)).decode(),
        }
        assert piece is not None
        answer = await wait(
            links.request(
                node_id,
                partition_id,
                OperationCode.SNAPSHOT_CHUNK,
                0,
                encode_chunk(members, piece),
                CHUNK_SECONDS_MAX,
            )
        )
        if answer.status is not Status.RESULT:
            logger.warning(
                "snapshot of partition %d for node %s broke off: %s",
                partition_id,
                node_id,
                answer.body[:200].decode("utf-8", "replace") or answer.status.name,
            )
            return False
        if following is None:
            return True
        piece = following
    raise AssertionError("the count has no end")
