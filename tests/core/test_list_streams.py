"""ListStreams: pages of streams in the order of their ARNs, and the refusals of its members."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from small_stream import ARN, music, music_stream
from stator_core.errors import ValidationException
from stator_core.requests.list_streams import parse

LABELS = [f"2027-01-15T08:00:{second:02}.000" for second in range(4)]
STREAMS = [replace(music_stream(), label=label) for label in reversed(LABELS)]
OTHER = replace(music_stream(), table=music(name="Books", arn=ARN.replace("Music", "Books")))


def page(**members: Any) -> dict[str, Any]:
    return parse(members).answer([*STREAMS, OTHER])


def entry(label: str) -> dict[str, str]:
    return {"StreamArn": f"{ARN}/stream/{label}", "TableName": "Music", "StreamLabel": label}


def test_all_streams_or_those_of_one_table() -> None:
    assert [each["TableName"] for each in page()["Streams"]] == ["Books"] + ["Music"] * 4
    assert page(TableName="Music") == {"Streams": [entry(label) for label in LABELS]}
    assert page(TableName="Nothing") == {"Streams": []}


def test_pages_go_on_behind_a_stream_that_need_not_exist() -> None:
    first = page(TableName="Music", Limit=3)
    assert first["LastEvaluatedStreamArn"] == f"{ARN}/stream/{LABELS[2]}"
    rest = page(TableName="Music", ExclusiveStartStreamArn=first["LastEvaluatedStreamArn"])
    assert rest == {"Streams": [entry(LABELS[3])]}
    gone = f"{ARN}/stream/2027-01-15T08:00:01.500"
    assert page(ExclusiveStartStreamArn=gone, Limit=1)["Streams"] == [entry(LABELS[2])]


@pytest.mark.parametrize(
    "members, message",
    [
        (
            {"Limit": 0},
            (
                "1 validation error detected: Value at 'limit' failed to satisfy constraint: "
                "Member must have value greater than or equal to 1"
            ),
        ),
        (
            {"Limit": 101},
            (
                "1 validation error detected: Value at 'limit' failed to satisfy constraint: "
                "Member must have value less than or equal to 100"
            ),
        ),
        (
            {"TableName": "ab"},
            (
                "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy "
                "constraint: Member must have length greater than or equal to 3"
            ),
        ),
        ({"ExclusiveStartStreamArn": "x" * 40}, "Invalid StreamArn"),
        (
            {"ExclusiveStartStreamArn": "x" * 1025},
            (
                "1 validation error detected: Value at 'exclusiveStartStreamArn' failed to satisfy "
                "constraint: Member must have length less than or equal to 1024"
            ),
        ),
    ],
)
def test_refusals(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        parse(members)
    assert refused.value.message == message
