"""Members that the operations of DynamoDB Streams share, and how they are refused.

In: a request body whose JSON types are right. Out: violations in DynamoDB's words. Used by
`list_streams.py`, `describe_stream.py`, `get_shard_iterator.py` and `get_records.py`.

Lengths and ranges are printed without the value, and the member with a small first letter (captured
2026-10 for `sequenceNumber`; that the others are, and in which order, is UNCONFIRMED).
"""

from __future__ import annotations

import re
from typing import Any, Final

from stator_core.errors import ValidationException
from stator_core.limits import (
    SHARD_ID_CHARACTERS_MAX,
    SHARD_ID_CHARACTERS_MIN,
    STREAM_ARN_CHARACTERS_MAX,
)
from stator_core.requests.constraints import (
    Violations,
    length_at_least,
    length_at_most,
    value_at_least,
    value_at_most,
)

# What AWS's own tests of its SDKs find in the answer to an ARN that is none.
INVALID_ARN: Final = "Invalid StreamArn"
_STREAM_ARN = re.compile(
    r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[a-zA-Z0-9_.-]{3,255}"
    r"/stream/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}"
)


def collect_length(
    violations: Violations, member: str, value: str | None, minimum: int, maximum: int
) -> None:
    """An optional member of so many characters."""
    if value is None:
        return
    if len(value) < minimum:
        violations.add_without_value(member, length_at_least(minimum))
    elif len(value) > maximum:
        violations.add_without_value(member, length_at_most(maximum))


def collect_limit(violations: Violations, limit: int | None, maximum: int) -> None:
    if limit is None:
        return
    if limit < 1:
        violations.add_without_value("limit", value_at_least(1))
    elif limit > maximum:
        violations.add_without_value("limit", value_at_most(maximum))


def collect_shard_id(violations: Violations, member: str, shard_id: str | None) -> None:
    collect_length(violations, member, shard_id, SHARD_ID_CHARACTERS_MIN, SHARD_ID_CHARACTERS_MAX)


def collect_stream_arn(violations: Violations, member: str, arn: str | None) -> None:
    """Too long an ARN; any other that is none is `check_stream_arn`'s."""
    collect_length(violations, member, arn, 0, STREAM_ARN_CHARACTERS_MAX)


def check_stream_arn(arn: str) -> None:
    """Raises ValidationException for what cannot be a stream's ARN."""
    if _STREAM_ARN.fullmatch(arn) is None:
        raise ValidationException(INVALID_ARN)


def required_arn(body: dict[str, Any]) -> str:
    """StreamArn, once its violations have been raised."""
    arn: str = body["StreamArn"]
    check_stream_arn(arn)
    return arn
