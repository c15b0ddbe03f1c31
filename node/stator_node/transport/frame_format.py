"""The bytes between pods, version 1.

A connection carries frames in both directions; the first in each is HELLO (or REFUSED, which ends
it).

    length u32 | kind u8 | payload of length - 1 bytes

    HELLO     JSON: protocol, cluster_id, sender_id, receiver_id (or null), role, zone, instance
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

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import IntEnum
from struct import Struct
from typing import Final, Literal

import orjson

PROTOCOL_VERSION: Final = 1
# A request's body has DynamoDB's 16 MB at most, an answer little more than 16 MB of items.
FRAME_BYTES_MAX: Final = 18 * 1024 * 1024
FRAME_HEADER = Struct(">IB")
LENGTH_BYTES: Final = 4  # of a frame, before what it counts
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
    """Who speaks. `receiver_id` is the node the sender believes it has reached.

    `instance` is the process: two of them under one `sender_id` are two nodes with one identity.
    """

    cluster_id: str
    sender_id: str
    role: Literal["node", "gateway"]
    zone: str
    receiver_id: str | None = None
    protocol: int = PROTOCOL_VERSION
    instance: str = field(default_factory=lambda: uuid.uuid4().hex)


_HELLO_MEMBERS: Final = frozenset(member.name for member in fields(Hello))


def frame_header(kind: Kind, parts: Sequence[bytes]) -> tuple[bytes, int]:
    """What goes before the parts of a frame, and the bytes of it all.

    Raises FrameRefused if it is too large.
    """
    length = 1
    for part in parts:
        length += len(part)
    if length > FRAME_BYTES_MAX:
        raise FrameRefused(f"a frame of {length} bytes, the limit is {FRAME_BYTES_MAX}")
    return FRAME_HEADER.pack(length, kind), LENGTH_BYTES + length


def encode_hello(hello: Hello) -> bytes:
    return orjson.dumps(asdict(hello))


def decode_hello(payload: bytes) -> Hello:
    """Raises FrameRefused for anything but a HELLO of this version; unknown members are none."""
    try:
        members = orjson.loads(payload)
        protocol = members["protocol"]
        if protocol != PROTOCOL_VERSION:
            raise FrameRefused(
                f"protocol version {protocol!r}, this pod speaks {PROTOCOL_VERSION}; "
                "upgrade one version at a time"
            )
        known = {name: member for name, member in members.items() if name in _HELLO_MEMBERS}
        hello = Hello(**known)
    except FrameRefused:
        raise
    except (ValueError, TypeError, KeyError) as error:
        raise FrameRefused(f"the first frame is no HELLO: {error}") from None
    texts = (hello.cluster_id, hello.sender_id, hello.zone, hello.instance, hello.receiver_id or "")
    if not all(isinstance(text, str) for text in texts):
        raise FrameRefused("the first frame is no HELLO: a member is no text")
    if hello.role not in ("node", "gateway") or not hello.cluster_id or not hello.sender_id:
        raise FrameRefused("the HELLO names no cluster, sender or role")
    return hello


def encode_refusal(reason: str) -> bytes:
    """The payload of a REFUSED frame."""
    return orjson.dumps({"reason": reason})


def decode_refusal(payload: bytes) -> str:
    """The reason in a REFUSED frame, or that there is none."""
    try:
        return str(orjson.loads(payload)["reason"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"
