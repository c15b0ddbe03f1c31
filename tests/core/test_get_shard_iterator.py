"""GetShardIterator: where each type begins to read, and the refusals of its members."""

from __future__ import annotations

from typing import Any

import pytest

from small_stream import NOW, STREAM_ARN, music_stream
from stator_core.clock import stamp_at
from stator_core.errors import TrimmedDataAccessException, ValidationException
from stator_core.requests.get_shard_iterator import Position, latest_position, parse
from stator_core.stream import horizon_at, sequence_number

CLOSED, OPEN = music_stream(rolls=1).shards
HORIZON = horizon_at(NOW)
INVALID = "One or more parameter values were invalid: "
BEGIN = "1 validation error detected: Value "
FAILED = " failed to satisfy constraint: Member must "


def body(kind: str, **members: Any) -> dict[str, Any]:
    return {
        "StreamArn": STREAM_ARN,
        "ShardId": CLOSED.shard_id,
        "ShardIteratorType": kind,
        **members,
    }


def position(kind: str, horizon: int = HORIZON, **members: Any) -> Position:
    request = parse(body(kind, **members))
    request.check_members(NOW / 1000)
    return request.position(CLOSED, horizon)


def test_the_horizon_is_the_oldest_record_that_is_left() -> None:
    """19.7"""
    assert position("TRIM_HORIZON") == Position(CLOSED.start, skips=True)
    later = CLOSED.start + 5
    assert position("TRIM_HORIZON", horizon=later) == Position(later, skips=True)


def test_at_and_after_a_sequence_number() -> None:
    """19.7"""
    stamp = CLOSED.start + 7
    number = sequence_number(stamp)
    assert position("AT_SEQUENCE_NUMBER", SequenceNumber=number) == Position(stamp, False)
    assert position("AFTER_SEQUENCE_NUMBER", SequenceNumber=number) == Position(stamp + 1, False)


def test_a_number_outside_of_the_shard_is_refused() -> None:
    """26.95"""
    assert CLOSED.end is not None
    for stamp in (CLOSED.start - 1, CLOSED.end):
        with pytest.raises(ValidationException) as refused:
            position("AT_SEQUENCE_NUMBER", SequenceNumber=sequence_number(stamp))
        assert refused.value.message == "Invalid SequenceNumber for the shard"
    with pytest.raises(ValidationException, match="Invalid SequenceNumber for the shard"):
        position("AT_SEQUENCE_NUMBER", SequenceNumber="x" * 30)


def test_a_number_of_a_trimmed_record_is_refused_as_such() -> None:
    """19.7"""
    with pytest.raises(TrimmedDataAccessException) as refused:
        position(
            "AFTER_SEQUENCE_NUMBER",
            horizon=CLOSED.start + 2,
            SequenceNumber=sequence_number(CLOSED.start + 1),
        )
    assert refused.value.message == "The data you are trying to access has been trimmed."


def test_a_moment_is_found_in_the_shard() -> None:
    """19.7"""
    moment = NOW / 1000 - 1800.5
    expected = Position(stamp_at(NOW - 1_800_500), skips=False)
    assert position("AT_TIMESTAMP", Timestamp=moment) == expected
    assert position("AT_TIMESTAMP", Timestamp=0) == Position(CLOSED.start, skips=True)
    assert CLOSED.end is not None
    assert position("AT_TIMESTAMP", Timestamp=NOW / 1000) == Position(CLOSED.end, skips=False)


def test_the_latest_position_lies_behind_everything() -> None:
    """19.7"""
    assert latest_position(OPEN, OPEN.start + 9) == Position(OPEN.start + 10, skips=True)
    assert latest_position(CLOSED, OPEN.start + 9).stamp == CLOSED.end


@pytest.mark.parametrize(
    "members, message",
    [
        (body("AT_SEQUENCE_NUMBER"), f"{INVALID}SequenceNumber cannot be null"),
        (body("AFTER_SEQUENCE_NUMBER"), f"{INVALID}SequenceNumber cannot be null"),
        (
            body("TRIM_HORIZON", SequenceNumber="1" * 21),
            f"{INVALID}SequenceNumber should not be passed for this iterator type",
        ),
        (
            body("LATEST", SequenceNumber="1" * 21),
            f"{INVALID}SequenceNumber should not be passed for this iterator type",
        ),
        (body("AT_TIMESTAMP"), f"{INVALID}Timestamp cannot be null"),
        (
            body("AT_TIMESTAMP", Timestamp=NOW / 1000 + 1),
            f"{INVALID}Timestamp cannot be in the future",
        ),
        (
            body("LATEST", Timestamp=1),
            f"{INVALID}Timestamp should not be passed for this iterator type",
        ),
    ],
)
def test_members_that_do_not_go_together(members: dict[str, Any], message: str) -> None:
    """26.95"""
    with pytest.raises(ValidationException) as refused:
        parse(members).check_members(NOW / 1000)
    assert refused.value.message == message


@pytest.mark.parametrize(
    "members, message",
    [
        ({"StreamArn": None}, f"{BEGIN}null at 'streamArn'{FAILED}not be null"),
        ({"ShardId": None}, f"{BEGIN}null at 'shardId'{FAILED}not be null"),
        (
            {"ShardIteratorType": None},
            f"{BEGIN}null at 'shardIteratorType'{FAILED}not be null",
        ),
        (
            {"ShardIteratorType": "OLDEST"},
            (
                f"{BEGIN}'OLDEST' at 'shardIteratorType'{FAILED}satisfy enum value set: "
                "[AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"
            ),
        ),
        (
            {"ShardId": "x" * 27},
            f"{BEGIN}at 'shardId'{FAILED}have length greater than or equal to 28",
        ),
        (
            {"SequenceNumber": "1" * 20},
            f"{BEGIN}at 'sequenceNumber'{FAILED}have length greater than or equal to 21",
        ),
        (
            {"SequenceNumber": "1" * 41},
            f"{BEGIN}at 'sequenceNumber'{FAILED}have length less than or equal to 40",
        ),
        ({"StreamArn": "fake-stream"}, "Invalid StreamArn"),
    ],
)
def test_refusals(members: dict[str, Any], message: str) -> None:
    """26.95"""
    with pytest.raises(ValidationException) as refused:
        parse(body("TRIM_HORIZON", **members))
    assert refused.value.message == message
