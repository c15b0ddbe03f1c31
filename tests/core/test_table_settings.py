"""Streams, encryption, class and policy: what a request may say, and what is stored of it."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import ValidationException
from stator_core.requests.table_settings import (
    check_encryption_changes,
    check_stream_changes,
    check_table_class,
    class_at_creation,
    encryption_of,
    policy_of,
    stream_at_creation,
    stream_of_update,
)
from stator_core.table import StreamSpecification
from table_bodies import active, create_body

P = "One or more parameter values were invalid: "
PLAIN = active(create_body())
ON = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
OFF = {"StreamEnabled": False}


def refusal(check: Any, *arguments: Any) -> str | None:
    with pytest.raises(ValidationException) as caught:
        check(*arguments)
    return caught.value.message


def test_a_stream_is_wanted_or_not() -> None:
    assert stream_at_creation(None) is None
    assert stream_at_creation(OFF) is None
    assert stream_at_creation(ON) == StreamSpecification(True, "NEW_IMAGE")
    assert stream_of_update(None) is None
    assert stream_of_update(OFF) == StreamSpecification(False)
    assert stream_of_update(ON) == StreamSpecification(True, "NEW_IMAGE")


def test_a_stream_changes_only_between_on_and_off() -> None:
    """17.8"""
    streaming = PLAIN.changed(stream=StreamSpecification(True, "NEW_IMAGE"))
    check_stream_changes(PLAIN, StreamSpecification(True, "NEW_IMAGE"))
    check_stream_changes(streaming, StreamSpecification(False))

    assert refusal(check_stream_changes, streaming, StreamSpecification(True, "KEYS_ONLY")) == (
        "Table already has an enabled stream: TableName: Music"
    )
    assert refusal(check_stream_changes, PLAIN, StreamSpecification(False)) == (
        "Table has no stream to disable: TableName: Music"
    )


@pytest.mark.parametrize(
    "members, stored",
    [
        (None, None),
        ({}, None),
        ({"Enabled": False}, None),
        ({"Enabled": True}, {"Enabled": True, "SSEType": "KMS"}),
        ({"SSEType": "KMS"}, {"Enabled": True, "SSEType": "KMS"}),
        (
            {"SSEType": "KMS", "KMSMasterKeyId": "alias/mine"},
            {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/mine"},
        ),
    ],
)
def test_encryption_is_stored_as_it_is_meant(members: Any, stored: Any) -> None:
    """23.5"""
    assert encryption_of(members) == stored


@pytest.mark.parametrize(
    "members, message",
    [
        (
            {"Enabled": False, "SSEType": "KMS"},
            "SSEType can not be specified if Enabled is false",
        ),
        (
            {"Enabled": False, "KMSMasterKeyId": "k"},
            "KMSMasterKeyId can not be specified if Enabled is false",
        ),
        (
            {"Enabled": True, "KMSMasterKeyId": "k"},
            "SSEType KMS is required if KMSMasterKeyId is specified",
        ),
        ({"Enabled": True, "SSEType": "AES256"}, "SSEType AES256 is not supported"),
    ],
)
def test_encryption_that_makes_no_sense_is_refused(members: Any, message: str) -> None:
    """23.5"""
    assert refusal(encryption_of, members) == P + message


def test_only_the_very_key_is_no_change_of_encryption() -> None:
    key = "arn:aws:kms:eu-west-2:123456789012:key/k"
    encrypted = PLAIN.changed(sse={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    check_encryption_changes(PLAIN, {"Enabled": True, "SSEType": "KMS"})
    check_encryption_changes(encrypted, {"Enabled": True, "SSEType": "KMS"})
    check_encryption_changes(encrypted, None)

    assert refusal(check_encryption_changes, PLAIN, None) == (
        P + "Table is already encrypted by default"
    )
    assert str(refusal(check_encryption_changes, encrypted, {"KMSMasterKeyId": key})).startswith(
        P + "Table is already encrypted with given KMSMasterKeyId."
    )


def test_standard_is_no_class_worth_a_word() -> None:
    check_table_class(None)

    assert class_at_creation("STANDARD") is None
    assert class_at_creation("STANDARD_INFREQUENT_ACCESS") == "STANDARD_INFREQUENT_ACCESS"
    assert refusal(check_table_class, "") == (
        "Invalid table-class parameter provided. Please try again with a valid table-class value: "
        "[STANDARD, STANDARD_INFREQUENT_ACCESS]."
    )


def test_a_policy_is_a_json_object_of_a_size() -> None:
    """23.2"""
    policy = '{"Version": "2012-10-17", "Statement": []}'
    assert policy_of(None) is None
    assert policy_of(policy) == policy
    for text in ("", "[]", "{", "null", "{" * 5_000):
        assert refusal(policy_of, text) == (
            P + "Invalid policy document: This policy contains invalid Json"
        )
    assert refusal(policy_of, " " * 20_481) == P + "Maximum policy size of 20480 bytes exceeded"
