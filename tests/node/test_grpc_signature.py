"""A signature holds for one request, one key and fifteen minutes either way."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from stator_core.errors import (
    DynamoDBError,
    ExpiredTokenException,
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from stator_node.gateway.access_keys import AccessKey, AccessKeys
from stator_node.gateway.grpc_signature import claimed_access_key, sign, verify

NOW = 1_795_168_200.0  # 2026-11-20 09:50:00 UTC
METHOD = "/stator.v1.DynamoDB/PutItem"
KEY = AccessKey("AKID", "secret")
TEMPORARY = AccessKey("ASIA", "secret2", session_token="token", expiration=NOW + 60)
KEYS = AccessKeys({key.access_key_id: key for key in (KEY, TEMPORARY)})


def signed(key: AccessKey = KEY, now: float = NOW) -> dict[str, str | bytes]:
    return dict(sign(key, METHOD, b"request", now))


def refusal(metadata: dict[str, str | bytes], now: float = NOW) -> DynamoDBError:
    with pytest.raises(DynamoDBError) as refused:
        verify(METHOD, b"request", metadata, KEYS, now)
    return refused.value


def test_the_scheme_is_what_the_decision_says() -> None:
    """Written out once more by hand: other languages are ported from that page."""
    text = (
        "STATOR-HMAC-SHA256\n/stator.v1.DynamoDB/PutItem\n20261120T095000Z\nAKID\n\n"
        + hashlib.sha256(b"request").hexdigest()
    )
    assert sign(KEY, METHOD, b"request", NOW) == (
        ("x-stator-access-key", "AKID"),
        ("x-stator-date", "20261120T095000Z"),
        ("x-stator-signature", hmac.new(b"secret", text.encode(), "sha256").hexdigest()),
    )


@pytest.mark.parametrize("key", [KEY, TEMPORARY], ids=lambda key: key.access_key_id)
def test_what_was_signed_is_accepted(key: AccessKey) -> None:
    assert verify(METHOD, b"request", signed(key), KEYS, NOW) == key.access_key_id


@pytest.mark.parametrize("method,request_bytes", [(METHOD, b"other"), (METHOD + "s", b"request")])
def test_a_signature_is_for_one_method_and_one_request(method: str, request_bytes: bytes) -> None:
    with pytest.raises(InvalidSignatureException):
        verify(method, request_bytes, signed(), KEYS, NOW)


@pytest.mark.parametrize("name", ["x-stator-date", "x-stator-access-key", "x-stator-signature"])
def test_no_part_of_a_signature_can_be_left_out(name: str) -> None:
    metadata = signed()
    del metadata[name]
    error = refusal(metadata)
    assert type(error) is IncompleteSignatureException
    assert error.message == f"Request requires '{name}' metadata."


def test_no_signature_at_all_is_a_missing_token() -> None:
    error = refusal({"user-agent": "grpc"})
    assert type(error) is MissingAuthenticationTokenException
    assert error.message == "Request is missing Authentication Token"


def test_another_date_or_key_breaks_the_signature() -> None:
    assert type(refusal(signed() | {"x-stator-date": "20261120T095001Z"})) is (
        InvalidSignatureException
    )
    assert type(refusal(signed(AccessKey("AKID", "wrong")))) is InvalidSignatureException
    assert type(refusal(signed() | {"x-stator-signature": b"\xff"})) is InvalidSignatureException
    assert type(refusal(signed() | {"x-stator-signature": "é"})) is InvalidSignatureException


def test_an_unknown_key_is_named_as_dynamodb_names_it() -> None:
    error = refusal(signed(AccessKey("NOBODY", "secret")))
    assert type(error) is UnrecognizedClientException
    assert error.message == "The security token included in the request is invalid."


@pytest.mark.parametrize("token", ["", "other"])
def test_a_temporary_key_needs_its_token(token: str) -> None:
    imitation = AccessKey("ASIA", "secret2", session_token=token)
    assert type(refusal(signed(imitation))) is UnrecognizedClientException


def test_a_temporary_key_ends() -> None:
    error = refusal(signed(TEMPORARY), now=NOW + 60)
    assert type(error) is ExpiredTokenException


@pytest.mark.parametrize("seconds", [-900, 900])
def test_fifteen_minutes_are_tolerated(seconds: int) -> None:
    assert verify(METHOD, b"request", signed(now=NOW + seconds), KEYS, NOW) == "AKID"


def test_an_older_signature_has_expired() -> None:
    error = refusal(signed(now=NOW - 901))
    assert type(error) is InvalidSignatureException
    assert error.message == (
        "Signature expired: 20261120T093459Z is now earlier than 20261120T093500Z "
        "(20261120T095000Z - 15 min.)"
    )


def test_a_later_signature_is_not_yet_current() -> None:
    error = refusal(signed(now=NOW + 901))
    assert type(error) is InvalidSignatureException
    assert error.message == (
        "Signature not yet current: 20261120T100501Z is still later than 20261120T100500Z "
        "(20261120T095000Z + 15 min.)"
    )


@pytest.mark.parametrize("date", ["yesterday", "2026-11-20T09:50:00Z", "20261320T095000Z"])
def test_a_date_in_another_form_is_incomplete(date: str) -> None:
    error = refusal(signed() | {"x-stator-date": date})
    assert type(error) is IncompleteSignatureException
    assert error.message is not None
    assert error.message.startswith(f"Date must be in ISO-8601 'basic format'. Got '{date}'.")


def test_a_claim_is_readable_without_being_verified() -> None:
    assert claimed_access_key(signed()) == "AKID"
    assert claimed_access_key({}) is None
