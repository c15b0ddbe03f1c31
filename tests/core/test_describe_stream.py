"""DescribeStream: shards with their lineage, in pages, and the refusals of its members."""

from __future__ import annotations

from typing import Any

import pytest

from small_stream import LABEL, STREAM_ARN, music_stream
from stator_core.errors import ValidationException
from stator_core.requests.describe_stream import parse
from stator_core.stream import sequence_number

SHARD = "shardId-" + "0" * 37
BEGIN = "1 validation error detected: Value "
FAILED = " failed to satisfy constraint: Member must "


def described(rolls: int = 0, **members: Any) -> dict[str, Any]:
    found = parse({"StreamArn": STREAM_ARN, **members}).answer(music_stream(rolls=rolls))
    assert set(found) == {"StreamDescription"}
    description: dict[str, Any] = found["StreamDescription"]
    return description


def test_a_stream_is_shown_whole() -> None:
    """19.6"""
    (shard,) = music_stream().shards
    assert described() == {
        "StreamArn": STREAM_ARN,
        "StreamLabel": LABEL,
        "StreamStatus": "ENABLED",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
        "CreationRequestDateTime": 1_800_000_000.125,
        "TableName": "Music",
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "Shards": [
            {
                "ShardId": shard.shard_id,
                "SequenceNumberRange": {"StartingSequenceNumber": sequence_number(shard.start)},
            }
        ],
    }


def test_closed_shards_say_where_they_ended_and_children_whose_they_are() -> None:
    """19.5"""
    first, second = described(rolls=1)["Shards"]
    assert "ParentShardId" not in first
    assert second["ParentShardId"] == first["ShardId"]
    ending = first["SequenceNumberRange"]["EndingSequenceNumber"]
    assert int(ending) + 1 == int(second["SequenceNumberRange"]["StartingSequenceNumber"])
    assert "EndingSequenceNumber" not in second["SequenceNumberRange"]
    assert 28 <= len(first["ShardId"]) <= 65


def test_pages_go_on_behind_a_shard_that_need_not_exist() -> None:
    """19.6"""
    whole = [shard["ShardId"] for shard in described(rolls=4)["Shards"]]
    page = described(rolls=4, Limit=2)
    seen = [shard["ShardId"] for shard in page["Shards"]]
    while "LastEvaluatedShardId" in page:
        assert page["LastEvaluatedShardId"] == seen[-1]
        page = described(rolls=4, Limit=2, ExclusiveStartShardId=seen[-1])
        seen += [shard["ShardId"] for shard in page["Shards"]]
    assert seen == whole
    assert len(described(rolls=4, ExclusiveStartShardId=SHARD)["Shards"]) == 5


def test_a_filter_leaves_the_children_of_a_shard() -> None:
    """19.6"""
    first, second, third = described(rolls=2)["Shards"]

    def children(of: dict[str, Any]) -> Any:
        shard_filter = {"Type": "CHILD_SHARDS", "ShardId": of["ShardId"]}
        return described(rolls=2, ShardFilter=shard_filter)["Shards"]

    assert children(first) == [second]
    assert children(second) == [third]
    assert children(third) == []


@pytest.mark.parametrize(
    "members, message",
    [
        ({"StreamArn": None}, f"{BEGIN}null at 'streamArn'{FAILED}not be null"),
        ({"StreamArn": "fake-stream"}, "Invalid StreamArn"),
        ({"Limit": 0}, f"{BEGIN}at 'limit'{FAILED}have value greater than or equal to 1"),
        ({"Limit": 101}, f"{BEGIN}at 'limit'{FAILED}have value less than or equal to 100"),
        (
            {"ExclusiveStartShardId": "x" * 27},
            f"{BEGIN}at 'exclusiveStartShardId'{FAILED}have length greater than or equal to 28",
        ),
        (
            {"ExclusiveStartShardId": "x" * 66},
            f"{BEGIN}at 'exclusiveStartShardId'{FAILED}have length less than or equal to 65",
        ),
        (
            {"ShardFilter": {"Type": "PARENTS", "ShardId": SHARD}},
            f"{BEGIN}'PARENTS' at 'shardFilter.type'{FAILED}satisfy enum value set: [CHILD_SHARDS]",
        ),
        (
            {"ShardFilter": {"Type": "CHILD_SHARDS"}},
            f"{BEGIN}null at 'shardFilter.shardId'{FAILED}not be null",
        ),
        (
            {"ShardFilter": {"ShardId": SHARD}},
            f"{BEGIN}null at 'shardFilter.type'{FAILED}not be null",
        ),
    ],
)
def test_refusals(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        parse({"StreamArn": STREAM_ARN, **members})
    assert refused.value.message == message
