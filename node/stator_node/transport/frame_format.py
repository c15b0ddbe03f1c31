"""The bytes between pods, version 1.

A connection carries frames in both directions; the first in each is HELLO (or REFUSED, which ends
it).

    length u32 | kind u8 | payload of length - 1 bytes

    HELLO     JSON: protocol, cluster_id, sender_id, receiver_id (or null), role, zone
    REFUSED   JSON: reason
    PING      sender's monotonic milliseconds u64          PONG   the same u64
    RAFT      partition_id u64 | message (`raft_message_format.py`)
    REQUEST   request_id u64 | partition_id u64 | flags u8 | operation u8 | body
    ANSWER    request_id u64 | status u8 | body

Integers are big-endian. DO NOT REORDER OR REUSE the numbers of kinds, operations or statuses: pods
of two versions speak to each other during every upgrade. Called by `connection.py`, which cuts the
stream into frames, and by `links.py` and `server.py`, which fill them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import IntEnum
from struct import Struct
from typing import Final, Literal

PROTOCOL_VERSION: Final = 1
# A request's body has DynamoDB's 16 MB at most, an answer little more than 16 MB of items.
FRAME_BYTES_MAX: Final = 18 * 1024 * 1024
FRAME_HEADER = Struct(">IB")
REQUEST_HEADER = Struct(">QQBB")
ANSWER_HEADER = Struct(">QB")
PARTITION_HEADER = Struct(">Q")
CLOCK = Struct(">Q")

EVENTUAL: Final = 1  # REQUEST flag: any replica may answer, from what it has applied


class Kind(IntEnum):
    HELLO = 1
    REFUSED = 2
    PING = 3
    PONG = 4
    RAFT = 5
    REQUEST = 6
    ANSWER = 7


class Status(IntEnum):
    """What an ANSWER's body is."""

    RESULT = 0  # the JSON answer of the operation
    REFUSED = 1  # a DynamoDBError: JSON of its body, with its HTTP status
    REDIRECT = 2  # JSON: a fresher descriptor and who leads; nothing was begun
    UNAVAILABLE = 3  # nothing was begun; another replica or a later moment may serve
    UNKNOWN = 4  # it was begun, and may or may not take effect


class FrameRefused(ValueError):
    """Bytes that are no frame of this protocol."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who speaks. `receiver_id` is the node the sender believes it has reached."""

    cluster_id: str
    sender_id: str
    role: Literal["node", "gateway"]
    zone: str
    receiver_id: str | None = None
    protocol: int = PROTOCOL_VERSION


def encode_frame(kind: Kind, *parts: bytes) -> list[bytes]:
    """A frame as the pieces to write; nothing is copied."""
    length = 1
    for part in parts:
        length += len(part)
    assert length <= FRAME_BYTES_MAX
    return [FRAME_HEADER.pack(length, kind), *parts]


def encode_hello(hello: Hello) -> bytes:
    return json.dumps(asdict(hello)).encode()


def decode_hello(payload: bytes) -> Hello:
    """Raises FrameRefused for anything but a HELLO of this version."""
    try:
        members = json.loads(payload)
        protocol = members["protocol"]
        if protocol != PROTOCOL_VERSION:
            raise FrameRefused(
                f"protocol version {protocol!r}, this pod speaks {PROTOCOL_VERSION}; "
                "upgrade one version at a time"
            )
        hello = Hello(**members)
    except FrameRefused:
        raise
    except (ValueError, TypeError, KeyError) as error:
        raise FrameRefused(f"the first frame is no HELLO: {error}") from None
    if hello.role not in ("node", "gateway") or not hello.cluster_id or not hello.sender_id:
        raise FrameRefused("the HELLO names no cluster, sender or role")
    return hello
