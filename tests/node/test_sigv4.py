"""Signature Version 4: whatever botocore signs is accepted, whatever was changed since is not.

botocore is the judge here: it made the signatures. The words are DynamoDB's.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from http_wire import ACCESS_KEY, REGION, SECRET, Signed, received, sign
from stator_core.errors import DynamoDBError
from stator_node.doors import Caller
from stator_node.gateway import sigv4
from stator_node.gateway.access_keys import AccessKey, AccessKeys
from stator_node.gateway.sigv4 import SignatureVerifier
from stator_node.memory import ManualClock

CALLER = Caller(ACCESS_KEY, "111122223333", REGION)
UNKNOWN = "The security token included in the request is invalid."
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details."
)
Request = tuple[bytes, bytes, dict[bytes, bytes], bytes | bytearray]


def verifier(region: str | None = None, clock: ManualClock | None = None) -> SignatureVerifier:
    keys = AccessKeys({ACCESS_KEY: AccessKey(ACCESS_KEY, SECRET)})
    return SignatureVerifier(keys, clock or ManualClock(), region=region)


def request_of(signed: Signed) -> Request:
    return received(signed.wire())


def refusal(verifier: SignatureVerifier, request: Request) -> tuple[str, str | None]:
    with pytest.raises(DynamoDBError) as refused:
        verifier.verify(*request)
    return refused.value.name(), refused.value.message


def changed(request: Request, name: bytes, value: bytes) -> Request:
    method, url, headers, body = request
    return method, url, {**headers, name: value}, body


def authorized(request: Request, old: bytes, new: bytes) -> Request:
    header = request[2][b"authorization"]
    assert old in header
    return changed(request, b"authorization", header.replace(old, new))


def test_what_botocore_signs_is_accepted_on_both_lanes() -> None:
    """The first request of a kind is verified in order, the second by what was prepared then."""
    door = verifier()
    first, second = (request_of(sign(body)) for body in (b'{"a":1}', b'{"b":2}'))

    assert door.verify(*first) == CALLER
    assert door.verify(*second) == CALLER
    assert door.verify(*second) is door.verify(*second)


HEADER_NAMES = st.sampled_from(["X-Amz-Meta", "x-custom", "Accept", "X-%41", "Cookie", "via"])
HEADER_VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
BODIES = st.binary(max_size=200)


@given(
    body=BODIES,
    extra=st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=4),
    token=st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
    presigned=st.booleans(),
    repeats=st.integers(1, 2),
)
def test_botocore_signatures_of_odd_requests_are_accepted(
    body: bytes, extra: list[tuple[str, str]], token: str | None, presigned: bool, repeats: int
) -> None:
    """Repeated headers, blanks within values, percent signs, tokens; in headers and presigned."""
    keys = AccessKeys({ACCESS_KEY: AccessKey(ACCESS_KEY, SECRET, token)})
    door = SignatureVerifier(keys, ManualClock())
    credentials = Credentials(ACCESS_KEY, SECRET, token)
    request = request_of(sign(body, extra=extra, credentials=credentials, presigned=presigned))

    for _ in range(repeats):
        assert door.verify(*request) == CALLER


@given(data=st.data(), body=st.binary(min_size=1, max_size=60), warm=st.booleans())
def test_a_single_changed_byte_is_refused(data: st.DataObject, body: bytes, warm: bool) -> None:
    """In the body, the signature, the credential, or the value of any signed header."""
    door = verifier()
    signed = request_of(sign(body))
    if warm:
        door.verify(*signed)
    method, url, headers, body = signed
    authorization = headers[b"authorization"]
    part = data.draw(
        st.sampled_from(
            [b"body", b"authorization", b"host", b"x-amz-date", b"x-amz-target", b"content-type"]
        )
    )
    value = bytes(body) if part == b"body" else headers[part]
    start = authorization.index(b"Signature=") if part == b"authorization" else 0
    position = data.draw(st.integers(start, len(value) - 1))
    flipped = value[position] ^ data.draw(st.integers(1, 255))
    altered = value[:position] + bytes([flipped]) + value[position + 1 :]
    if part == b"body":
        request: Request = (method, url, headers, altered)
    else:
        request = changed(signed, part, altered)
        if altered.strip() == value:
            return  # Blanks at the ends are no part of a value.

    with pytest.raises(DynamoDBError):
        door.verify(*request)


@given(data=st.data(), presigned=st.booleans())
def test_no_change_to_the_claim_is_taken_for_another_caller_or_raises_anything_else(
    data: st.DataObject, presigned: bool
) -> None:
    door = verifier()
    method, url, headers, body = request_of(sign(presigned=presigned))
    value = url if presigned else headers[b"authorization"]
    position = data.draw(st.integers(0, len(value) - 1))
    inserted = data.draw(st.binary(max_size=3))
    altered = value[:position] + inserted + value[position + 1 :]
    request: Request = (method, altered, headers, body)
    if not presigned:
        request = changed((method, url, headers, body), b"authorization", altered)

    with contextlib.suppress(DynamoDBError):
        assert door.verify(*request) == CALLER


def test_a_signature_of_another_secret_is_refused_with_dynamodbs_words() -> None:
    request = request_of(sign(credentials=Credentials(ACCESS_KEY, "other")))

    assert refusal(verifier(), request) == ("InvalidSignatureException", MISMATCH)


def test_an_unknown_access_key_is_an_unknown_client() -> None:
    request = request_of(sign(credentials=Credentials("AKIAOTHER", SECRET)))

    assert refusal(verifier(), request) == ("UnrecognizedClientException", UNKNOWN)


def test_the_payload_is_hashed_whatever_a_header_says_of_it() -> None:
    """A replayed signature over UNSIGNED-PAYLOAD would cover any body."""
    request = request_of(sign(extra=[("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD")]))

    assert refusal(verifier(), request) == ("InvalidSignatureException", MISMATCH)


def test_the_host_must_be_signed() -> None:
    request = authorized(request_of(sign()), b"content-type;host;", b"content-type;")

    assert refusal(verifier(), request) == (
        "InvalidSignatureException",
        "'Host' must be a 'SignedHeader' in the AWS Authorization.",
    )


@pytest.mark.parametrize("early", [True, False])
def test_fifteen_minutes_are_tolerated_on_both_sides_and_not_a_second_more(early: bool) -> None:
    clock = ManualClock(1_800_000_000.0)
    moment = clock.now()
    door = verifier(clock=clock)
    request = request_of(sign())
    clock.set_now(moment - 900 if early else moment + 900)
    assert door.verify(*request) == CALLER

    clock.set_now(moment - 901 if early else moment + 901)

    assert refusal(door, request) == (
        "InvalidSignatureException",
        "Signature not yet current: 20270115T080000Z is still later than 20270115T075959Z "
        "(20270115T074459Z + 15 min.)"
        if early
        else "Signature expired: 20270115T080000Z is now earlier than 20270115T080001Z "
        "(20270115T081501Z - 15 min.)",
    )


def test_a_presigned_request_can_shorten_its_life_but_not_lengthen_it() -> None:
    clock = ManualClock()
    door = verifier(clock=clock)
    short = sign(presigned=True, query="?X-Amz-Expires=60")
    long = sign(presigned=True)
    assert b"X-Amz-Expires=3600" in long.url
    clock.advance(61)

    assert refusal(door, request_of(short))[0] == "InvalidSignatureException"
    assert door.verify(*request_of(long)) == CALLER
    clock.advance(900)
    assert refusal(door, request_of(long))[0] == "InvalidSignatureException"


def test_every_wrong_element_of_the_scope_is_named_in_order() -> None:
    request = authorized(
        request_of(sign()),
        f"/20270115/{REGION}/dynamodb/aws4_request".encode(),
        b"/20270114/EU/dynamo/aws4",
    )

    assert refusal(verifier(), request) == (
        "InvalidSignatureException",
        (
            "Credential should be scoped to a valid region, not 'EU'. "
            "Credential should be scoped to correct service: 'dynamodb'. "
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4'. "
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            "HTTP: '20270114' != '20270115', from '20270115T080000Z'."
        ),
    )


def test_a_door_of_one_region_takes_no_other() -> None:
    request = request_of(sign(region="us-east-1"))

    assert verifier().verify(*request).region == "us-east-1"
    assert refusal(verifier(region=REGION), request)[1] == (
        "Credential should be scoped to a valid region, not 'us-east-1'. "
    )


def test_errors_come_in_dynamodbs_order() -> None:
    """Date, host, algorithm, credential, scope, key, signature: each repair shows the next."""
    door = verifier()
    good = request_of(sign())
    steps = [
        (b"Signature=", b"Signature=0", MISMATCH),
        (ACCESS_KEY.encode(), b"AKIAOTHER", UNKNOWN),
        (b"/dynamodb/", b"/sqs/", "Credential should be scoped to correct service: 'dynamodb'. "),
        (b"/aws4_request", b"", "Credential must have exactly 5 slash-delimited elements"),
        (b"AWS4-HMAC-SHA256", b"AWS4-HMAC-SHA1", "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'"),
        (b"host;", b"", "'Host' must be a 'SignedHeader' in the AWS Authorization."),
    ]
    request = good
    for old, new, message in steps:
        request = authorized(request, old, new)
        assert str(refusal(door, request)[1]).startswith(message)
    request = changed(request, b"x-amz-date", b"20260115T080000Z")
    assert str(refusal(door, request)[1]).startswith("Signature expired")
    request = changed(request, b"x-amz-date", b"now")
    assert str(refusal(door, request)[1]).startswith("Date must be in ISO-8601")


def test_a_token_must_be_the_keys_own_and_only_temporary_keys_have_one() -> None:
    temporary = AccessKeys({ACCESS_KEY: AccessKey(ACCESS_KEY, SECRET, "token")})
    door = SignatureVerifier(temporary, ManualClock())
    own, other, none = (
        request_of(sign(credentials=Credentials(ACCESS_KEY, SECRET, token)))
        for token in ("token", "other", None)
    )

    for _ in range(2):
        assert door.verify(*own) == CALLER
        assert refusal(door, other) == ("UnrecognizedClientException", UNKNOWN)
        assert refusal(door, none) == ("UnrecognizedClientException", UNKNOWN)
    assert refusal(verifier(), own) == ("UnrecognizedClientException", UNKNOWN)


def test_a_temporary_key_ends_when_it_says_so_also_on_the_quick_lane() -> None:
    clock = ManualClock()
    expiring = AccessKey(ACCESS_KEY, SECRET, "token", clock.now() + 10)
    door = SignatureVerifier(AccessKeys({ACCESS_KEY: expiring}), clock)
    request = request_of(sign(credentials=Credentials(ACCESS_KEY, SECRET, "token")))
    assert door.verify(*request) == door.verify(*request) == CALLER

    clock.advance(10)

    assert refusal(door, request) == (
        "ExpiredTokenException",
        "The security token included in the request is expired",
    )


def test_a_key_that_was_taken_away_opens_nothing_a_second_later(tmp_path: Path) -> None:
    clock = ManualClock()
    path = tmp_path / "keys"
    path.touch(mode=0o600)
    path.write_text(f"{ACCESS_KEY} {SECRET}\n")
    door = SignatureVerifier(AccessKeys.from_file(path), clock)
    request = request_of(sign())
    assert door.verify(*request) == door.verify(*request) == CALLER

    path.write_text("AKIAOTHER other\n")
    os.utime(path, ns=(0, 0))
    assert door.verify(*request) == CALLER
    clock.advance(1.0)

    assert refusal(door, request) == ("UnrecognizedClientException", UNKNOWN)


def test_a_date_header_may_stand_for_x_amz_date() -> None:
    request = request_of(sign(extra=[("Date", "now")]))
    assert b"x-amz-date" not in request[2]

    assert verifier().verify(*request) == CALLER


def test_where_any_key_is_taken_only_the_form_counts() -> None:
    door = SignatureVerifier(AccessKeys.any_key(), ManualClock(), account="444455556666")
    request = request_of(
        sign(credentials=Credentials("anybody", "x"), timestamp="20200101T000000Z")
    )
    expected = Caller("anybody", "444455556666", REGION)

    assert door.verify(*request) == door.verify(*request) == expected
    assert refusal(door, authorized(request, b"/aws4_request", b""))[0] == (
        "IncompleteSignatureException"
    )
    assert refusal(door, authorized(request, b"AWS4-HMAC-SHA256", b"AWS4-X"))[1] == (
        "Unsupported AWS 'algorithm': 'AWS4-X'"
    )
    assert refusal(door, (*request[:2], {}, b""))[0] == "MissingAuthenticationTokenException"
    method, url, headers, body = request
    dateless = {name: value for name, value in headers.items() if name != b"x-amz-date"}
    assert refusal(door, (method, url, dateless, body))[0] == "IncompleteSignatureException"


def test_no_cache_grows_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefixes, dates and signing keys are chosen by clients."""
    for name in ("PREPARED_MAX", "DATES_MAX", "SIGNING_KEYS_MAX"):
        monkeypatch.setattr(sigv4, name, 3)
    door = verifier()
    for number in range(10):
        door.verify(*request_of(sign(region=f"region-{number}")))
        door.verify(*request_of(sign(timestamp=f"20270115T08000{number}Z")))

    sizes: Any = [len(door._prepared), len(door._signing_keys)]
    sizes += [len(prepared.dates) for prepared in door._prepared.values()]
    assert max(sizes) <= 3
