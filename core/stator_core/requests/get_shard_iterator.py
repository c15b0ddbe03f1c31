"""GetShardIterator: where in a shard somebody wants to begin to read.

In: a request body, then the stream, its shard and the time. Out: the iterator. LATEST begins behind
the last write, which only the holder of the shard knows: `latest_position` is asked with what it
said. AWS: API reference, GetShardIterator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from stator_core.clock import stamp_at
from stator_core.errors import TrimmedDataAccessException, ValidationException
from stator_core.limits import SEQUENCE_NUMBER_CHARACTERS_MAX, SEQUENCE_NUMBER_CHARACTERS_MIN
from stator_core.requests.constraints import Violations
from stator_core.requests.shapes import DOUBLE, STRING, Structure, check
from stator_core.requests.stream_members import (
    collect_length,
    collect_shard_id,
    collect_stream_arn,
    required_arn,
)
from stator_core.requests.table_members import INVALID
from stator_core.stream import TRIMMED, stamp_of_sequence_number
from stator_core.stream_shards import Shard

SHAPE = Structure(
    "GetShardIteratorInput",
    {
        "StreamArn": STRING,
        "ShardId": STRING,
        "ShardIteratorType": STRING,
        "SequenceNumber": STRING,
        "Timestamp": DOUBLE,
    },
)
# In the order in which Kinesis prints the same five words (UNCONFIRMED here).
SHARD_ITERATOR_TYPE: Final = (
    "AFTER_SEQUENCE_NUMBER",
    "LATEST",
    "AT_TIMESTAMP",
    "AT_SEQUENCE_NUMBER",
    "TRIM_HORIZON",
)
BY_NUMBER: Final = frozenset(("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"))
NUMBER_MISSING: Final = f"{INVALID}SequenceNumber cannot be null"
NUMBER_UNWANTED: Final = f"{INVALID}SequenceNumber should not be passed for this iterator type"
NUMBER_UNKNOWN: Final = "Invalid SequenceNumber for the shard"
# The last three made after the first three (UNCONFIRMED).
TIMESTAMP_MISSING: Final = f"{INVALID}Timestamp cannot be null"
TIMESTAMP_UNWANTED: Final = f"{INVALID}Timestamp should not be passed for this iterator type"
TIMESTAMP_IN_FUTURE: Final = f"{INVALID}Timestamp cannot be in the future"


@dataclass(frozen=True, slots=True)
class Position:
    """The least stamp wanted; `skips` as in `stream.ShardIterator`."""

    stamp: int
    skips: bool


@dataclass(frozen=True, slots=True)
class GetShardIterator:
    stream_arn: str
    shard_id: str
    type: str
    sequence_number: str | None
    timestamp: float | None

    def check_members(self, now: float) -> None:
        """The members against each other, once the stream is found; `now` in epoch seconds."""
        if self.type in BY_NUMBER:
            if self.sequence_number is None:
                raise ValidationException(NUMBER_MISSING)
        elif self.sequence_number is not None:
            raise ValidationException(NUMBER_UNWANTED)
        if self.type == "AT_TIMESTAMP":
            if self.timestamp is None:
                raise ValidationException(TIMESTAMP_MISSING)
            if self.timestamp > now:
                raise ValidationException(TIMESTAMP_IN_FUTURE)
        elif self.timestamp is not None:
            raise ValidationException(TIMESTAMP_UNWANTED)

    def position(self, shard: Shard, horizon: int) -> Position:
        """Where to begin. Records before `horizon` (a stamp) are gone. Not for LATEST.

        Raises ValidationException or TrimmedDataAccessException.
        """
        assert self.type != "LATEST"
        oldest = max(shard.start, horizon)
        if self.type == "TRIM_HORIZON":
            return Position(oldest, skips=True)
        if self.type == "AT_TIMESTAMP":
            assert self.timestamp is not None
            wanted = stamp_at(int(self.timestamp * 1000))
            if wanted <= oldest:
                return Position(oldest, skips=True)
            return Position(wanted if shard.end is None else min(wanted, shard.end), skips=False)
        assert self.sequence_number is not None
        stamp = stamp_of_sequence_number(self.sequence_number)
        if stamp is None or stamp < shard.start or (shard.end is not None and stamp >= shard.end):
            raise ValidationException(NUMBER_UNKNOWN)
        if stamp < horizon:
            raise TrimmedDataAccessException(TRIMMED)
        return Position(stamp + (self.type == "AFTER_SEQUENCE_NUMBER"), skips=False)


def latest_position(shard: Shard, last: int) -> Position:
    """Where LATEST begins: behind `last`, the stamp of the last write that began."""
    return Position(last + 1 if shard.end is None else shard.end, skips=True)


def parse(body: dict[str, Any]) -> GetShardIterator:
    check(body, SHAPE)
    violations = Violations()
    arn, shard_id, kind = body.get("StreamArn"), body.get("ShardId"), body.get("ShardIteratorType")
    violations.require("streamArn", arn)
    collect_stream_arn(violations, "streamArn", arn)
    violations.require("shardId", shard_id)
    collect_shard_id(violations, "shardId", shard_id)
    violations.require("shardIteratorType", kind)
    violations.enum("shardIteratorType", kind, SHARD_ITERATOR_TYPE)
    number = body.get("SequenceNumber")
    collect_length(
        violations,
        "sequenceNumber",
        number,
        SEQUENCE_NUMBER_CHARACTERS_MIN,
        SEQUENCE_NUMBER_CHARACTERS_MAX,
    )
    violations.raise_any()
    assert shard_id is not None
    assert kind is not None
    return GetShardIterator(required_arn(body), shard_id, kind, number, body.get("Timestamp"))
