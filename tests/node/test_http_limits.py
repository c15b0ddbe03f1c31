"""The HTTP door's limits fit each other."""

from __future__ import annotations

import pytest

from stator_core import limits
from stator_node.gateway.http_limits import PARSE_SLICE_BYTES, HttpLimits


def test_a_body_may_have_as_many_bytes_as_dynamodb_takes() -> None:
    assert HttpLimits().body_bytes_max == limits.REQUEST_BYTES_MAX == 16_777_216


@pytest.mark.parametrize(
    "wrong",
    [
        {"header_bytes_max": PARSE_SLICE_BYTES - 1},
        {"body_bytes_max": PARSE_SLICE_BYTES - 1},
        {"held_bytes_max": 1},
        {"connections_max": 0},
        {"pipelined_requests_max": 0},
        {"sweep_seconds": 0.0},
        {"header_seconds_max": 100.0},
    ],
)
def test_limits_that_contradict_each_other_cannot_be_made(wrong: dict[str, float]) -> None:
    with pytest.raises(AssertionError):
        HttpLimits(**wrong)  # type: ignore[arg-type]
