"""Streams as readers see them: what is shown of a change, of a stream, and what iterators hold."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_stream import ARN, LABEL, NOW, STREAM_ARN, change, music, music_stream
from stator_core import stream_shards
from stator_core.change_format import ChangeFlag
from stator_core.clock import stamp_at
from stator_core.errors import (
    ExpiredIteratorException,
    ResourceNotFoundException,
    TrimmedDataAccessException,
    ValidationException,
)
from stator_core.stream import (
    ShardIterator,
    horizon_at,
    read_iterator,
    record,
    sequence_number,
    stamp_of_sequence_number,
    streams_of,
)

KEY: dict[str, Any] = {"pk": {"S": "ab"}, "sk": {"N": "7"}}
OLD = {**KEY, "n": {"N": "1"}}
NEW = {**KEY, "n": {"N": "2"}, "more": {"S": "é"}}
STAMP = stamp_at(NOW + 1_750) + 5
ITERATOR = ShardIterator(STREAM_ARN, "shardId-" + "1" * 37, 2**63 + 1, NOW, NOW << 16, skips=True)


def shown(view_type: str, before: Any, after: Any, **members: Any) -> dict[str, Any]:
    found = music_stream(view_type)
    return record(found, found.shards[0], change(STAMP, before, after, **members))


def test_a_record_has_every_member() -> None:
    """19.2"""
    whole = shown("NEW_AND_OLD_IMAGES", OLD, NEW)
    assert re.fullmatch("[0-9a-f]{32}", whole.pop("eventID"))
    assert whole == {
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-2",
        "dynamodb": {
            "ApproximateCreationDateTime": NOW // 1000 + 1,
            "Keys": KEY,
            "NewImage": NEW,
            "OldImage": OLD,
            "SequenceNumber": str(10**20 + STAMP),
            # pk + ab, sk + 7: 8; the old image n + 1 more: 11; the new one more + é, too: 17.
            "SizeBytes": 8 + 11 + 17,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


@pytest.mark.parametrize(
    "view_type, images",
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_a_record_shows_what_its_shards_view_type_says_though_the_feed_holds_more(
    view_type: str, images: set[str]
) -> None:
    """19.1: the feed of a table with indexes holds both images."""
    found = shown(view_type, OLD, NEW)["dynamodb"]
    assert set(found) & {"NewImage", "OldImage"} == images
    assert found["StreamViewType"] == view_type
    assert found["Keys"] == KEY


@pytest.mark.parametrize(
    "before, after, name", [(None, NEW, "INSERT"), (OLD, NEW, "MODIFY"), (OLD, None, "REMOVE")]
)
def test_an_image_that_there_is_not_is_absent(before: Any, after: Any, name: str) -> None:
    """19.2"""
    found = shown("NEW_AND_OLD_IMAGES", before, after)
    assert found["eventName"] == name
    assert found["dynamodb"].get("OldImage") == before
    assert found["dynamodb"].get("NewImage") == after
    assert "userIdentity" not in found


def test_what_the_service_itself_deletes_is_marked() -> None:
    """20.5"""
    found = shown("KEYS_ONLY", OLD, None, flags=ChangeFlag.BY_SERVICE)
    assert found["userIdentity"] == {
        "PrincipalId": "dynamodb.amazonaws.com",
        "Type": "Service",
    }


def test_number_sets_of_images_are_in_java_s_order() -> None:
    """26.42"""
    item = {**KEY, "set": {"NS": ["1", "2", "3"]}}
    found = shown("NEW_IMAGE", None, item)["dynamodb"]["NewImage"]
    assert found["set"] == {"NS": ["3", "2", "1"]}


def test_an_event_id_is_of_one_record_of_one_stream_and_stays() -> None:
    found = music_stream()
    ids = {
        record(found, found.shards[0], change(stamp, None, NEW))["eventID"]
        for stamp in range(100)
        for _ in range(2)
    }
    assert len(ids) == 100


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_sequence_numbers_have_their_length_and_sort_as_text(one: int, other: int) -> None:
    """19.5"""
    assert 21 <= len(sequence_number(one)) <= 40
    assert (sequence_number(one) < sequence_number(other)) == (one < other)
    assert stamp_of_sequence_number(sequence_number(one)) == one


@pytest.mark.parametrize(
    "text", ["0" * 21, "1" * 22, "x" * 21, "１" * 21, str(10**20 - 1), str(10**20 + 2**64), "-1"]
)
def test_what_is_no_sequence_number_has_no_stamp(text: str) -> None:
    assert stamp_of_sequence_number(text) is None


def test_a_stream_knows_when_it_was_enabled() -> None:
    found = music_stream()
    assert (found.arn, found.created) == (STREAM_ARN, 1_800_000_000.125)
    assert f"{ARN}/stream/{LABEL}" == STREAM_ARN


def test_shards_that_ended_before_the_horizon_are_gone_and_with_them_their_stream() -> None:
    table = music(stream=None)
    shards = stream_shards.opened((), 7, "2027-01-14T08:00:00.000", "KEYS_ONLY", 100)
    shards = stream_shards.rolled(shards, 7, 200)
    shards = stream_shards.opened(shards, 7, LABEL, "NEW_IMAGE", 300)
    shards = stream_shards.closed(shards, 400)

    def left(horizon: int) -> list[tuple[str, str, int]]:
        streams = streams_of(table, shards, horizon, deleted=False)
        assert all(each.status == "DISABLED" for each in streams)
        return [(each.label, each.view_type, len(each.shards)) for each in streams]

    old = "2027-01-14T08:00:00.000", "KEYS_ONLY"
    assert left(0) == [(*old, 2), (LABEL, "NEW_IMAGE", 1)]
    assert left(200) == [(*old, 1), (LABEL, "NEW_IMAGE", 1)]
    assert left(300) == [(LABEL, "NEW_IMAGE", 1)]
    assert left(400) == []


@pytest.mark.parametrize(
    "members, deleted, status",
    [
        ({}, False, "ENABLED"),
        ({"status": "CREATING"}, False, "ENABLING"),
        ({"status": "UPDATING", "change_under_way": "STREAM"}, False, "ENABLING"),
        ({"status": "UPDATING", "change_under_way": "THROUGHPUT"}, False, "ENABLED"),
        (
            {"status": "UPDATING", "change_under_way": "STREAM", "stream": None},
            False,
            "DISABLING",
        ),
        ({"stream": None}, False, "DISABLED"),
        ({"status": "DELETING"}, True, "DISABLED"),
    ],
)
def test_the_status_of_a_stream_follows_from_its_table(
    members: dict[str, Any], deleted: bool, status: str
) -> None:
    """19.1"""
    shards = stream_shards.opened((), 7, LABEL, "KEYS_ONLY", 100)
    (found,) = streams_of(music("KEYS_ONLY", **members), shards, 0, deleted=deleted)
    assert found.status == status


def test_a_stream_whose_shards_nobody_knows_yet_is_there() -> None:
    (found,) = streams_of(music(status="CREATING"), (), 0, deleted=False)
    assert (found.label, found.status, found.shards) == (LABEL, "ENABLING", ())


def test_an_unknown_shard_is_not_found() -> None:
    with pytest.raises(ResourceNotFoundException) as refused:
        music_stream().shard("shardId-" + "0" * 40)
    assert refused.value.message == "Requested resource not found: Shard does not exist"


def test_children_name_their_parent() -> None:
    found = music_stream(rolls=2)
    first, second, third = found.shards
    assert found.children(first.shard_id) == (second,)
    assert found.children(second.shard_id) == (third,)
    assert found.children(third.shard_id) == ()


def test_an_iterator_comes_back_as_it_was_given() -> None:
    assert read_iterator(ITERATOR.encode()) == ITERATOR


def test_an_iterator_is_no_option_of_a_command_line() -> None:
    texts = [replace(ITERATOR, position=position).encode() for position in range(500)]
    assert {text[0] for text in texts} == {"A"}
    assert len(ITERATOR.encode()) <= 2048


@pytest.mark.parametrize("position", range(0, len(ITERATOR.encode()), 7))
def test_an_iterator_that_was_changed_is_refused(position: int) -> None:
    text = ITERATOR.encode()
    other = "A" if text[position] != "A" else "B"
    with pytest.raises(ValidationException) as refused:
        read_iterator(text[:position] + other + text[position + 1 :])
    assert refused.value.message == "Invalid ShardIterator"


@pytest.mark.parametrize("text", ["x", "é", "====", "A" * 2048, base64.b64encode(b"").decode()])
def test_what_never_was_an_iterator_is_refused(text: str) -> None:
    with pytest.raises(ValidationException, match="Invalid ShardIterator"):
        read_iterator(text)


def test_an_iterator_lives_for_fifteen_minutes() -> None:
    """19.7"""
    ITERATOR.check_age(NOW + 900_000)
    with pytest.raises(ExpiredIteratorException) as refused:
        ITERATOR.check_age(NOW + 900_001)
    assert refused.value.message == "The provided iterator exceeds the maximum age allowed."


def test_a_trimmed_position_is_refused_unless_nothing_was_lost() -> None:
    """19.7"""
    exact = ShardIterator(STREAM_ARN, "shard", 100, NOW, NOW << 16, skips=False)
    assert exact.from_horizon(100) == 100
    with pytest.raises(TrimmedDataAccessException) as refused:
        exact.from_horizon(101)
    assert refused.value.message == "The data you are trying to access has been trimmed."
    patient = ShardIterator(STREAM_ARN, "shard", 100, NOW, NOW << 16, skips=True)
    assert patient.from_horizon(101) == 101


def test_the_horizon_is_a_day_back() -> None:
    """19.10"""
    assert horizon_at(NOW) == stamp_at(NOW - 24 * 3_600_000)
    assert horizon_at(0) == 0
