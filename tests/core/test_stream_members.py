"""What can be a stream's ARN, and what cannot."""

from __future__ import annotations

import pytest

from small_stream import ARN, STREAM_ARN
from stator_core.errors import ValidationException
from stator_core.requests.stream_members import check_stream_arn


def test_a_streams_arn_passes() -> None:
    """17.12"""
    check_stream_arn(STREAM_ARN)


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "fake-stream",
        ARN,
        f"{ARN}/index/by-a",
        f"{ARN}/stream/",
        f"{ARN}/stream/latest",
        STREAM_ARN + "x",
        STREAM_ARN.replace("dynamodb", "kinesis"),
        STREAM_ARN.replace("123456789012", "me"),
    ],
)
def test_any_other_text_is_refused(arn: str) -> None:
    """19.9"""
    with pytest.raises(ValidationException) as refused:
        check_stream_arn(arn)
    assert refused.value.message == "Invalid StreamArn"
