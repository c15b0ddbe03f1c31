"""ARNs: built as DynamoDB builds them, read back, refused in its words."""

from __future__ import annotations

import pytest

from stator_core.arn import (
    ResourceArn,
    index_arn,
    kms_key_arn,
    parse_resource_arn,
    stream_arn,
    table_arn,
)
from stator_core.errors import AccessDeniedException, ValidationException

P = "One or more parameter values were invalid: "
TABLE = "arn:aws:dynamodb:eu-west-2:123456789012:table/Music"


def test_tables_indexes_and_streams_have_arns() -> None:
    """17.12"""
    assert table_arn("eu-west-2", "123456789012", "Music") == TABLE
    assert index_arn(TABLE, "by-a") == TABLE + "/index/by-a"
    assert stream_arn(TABLE, "2026-01-31T12:00:00.000") == (
        TABLE + "/stream/2026-01-31T12:00:00.000"
    )


def test_a_table_s_arn_is_read_back() -> None:
    assert parse_resource_arn(TABLE) == ResourceArn(TABLE, "eu-west-2", "123456789012", "Music")


def test_a_stream_s_arn_is_read_back_with_its_label() -> None:
    resource = parse_resource_arn(TABLE + "/stream/2026-01-31T12:00:00.000")

    assert resource.table_name == "Music"
    assert resource.stream_label == "2026-01-31T12:00:00.000"


@pytest.mark.parametrize(
    "text, message",
    [
        ("Music", "ARNs must start with 'arn:': Music"),
        ("arn:", "Second colon partition not found: arn:"),
        ("arn:aws:", "Third colon vendor not found: arn:aws:"),
        (
            "arn:aws:dynamodb:x",
            "Fourth colon (region/namespace delimiter) not found: arn:aws:dynamodb:x",
        ),
        (
            "arn:aws:dynamodb:x:1",
            "Fifth colon (namespace/relative-id delimiter) not found: arn:aws:dynamodb:x:1",
        ),
        (
            "arn:aws:s3:::bucket/table/x",
            "Provided Arn is not a DynamoDB resource arn: arn:aws:s3:::bucket/table/x",
        ),
        (
            TABLE + "/backup/01489602797149-73d8d5bc",
            "Provided Arn is not a DynamoDB resource arn: "
            + TABLE
            + "/backup/01489602797149-73d8d5bc",
        ),
        (
            TABLE + "/index/by-a",
            (
                "Invalid resource arn provided, only table or stream is accepted. Provided "
                f"resource arn: {TABLE}/index/by-a"
            ),
        ),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    """23.1"""
    with pytest.raises(ValidationException) as caught:
        parse_resource_arn(text)

    assert caught.value.message == P + message


def test_an_arn_belongs_to_one_region_and_one_account() -> None:
    resource = parse_resource_arn(TABLE)

    resource.check_owner("eu-west-2", "123456789012")
    with pytest.raises(ValidationException) as elsewhere:
        resource.check_owner("us-east-1", "123456789012")
    assert elsewhere.value.message == (
        f"Invalid TableArn: Invalid ResourceArn provided as input {TABLE}"
    )
    with pytest.raises(AccessDeniedException) as foreign:
        resource.check_owner("eu-west-2", "000000000000")
    assert foreign.value.message == "Access is denied"


@pytest.mark.parametrize(
    "key, expected",
    [
        (None, "arn:aws:kms:eu-west-2:123456789012:alias/aws/dynamodb"),
        ("alias/mine", "arn:aws:kms:eu-west-2:123456789012:alias/mine"),
        ("1234-ab", "arn:aws:kms:eu-west-2:123456789012:key/1234-ab"),
        ("arn:aws:kms:eu-west-2:1:key/k", "arn:aws:kms:eu-west-2:1:key/k"),
    ],
)
def test_a_key_is_shown_as_an_arn(key: str | None, expected: str) -> None:
    assert kms_key_arn(TABLE, key) == expected
