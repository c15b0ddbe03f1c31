"""What a request says about its signature: both forms, and DynamoDB's words for what is missing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from stator_core.errors import DynamoDBError
from stator_node.gateway.sigv4_claim import (
    Claim,
    basic_format,
    basic_seconds,
    canonical_query,
    check_algorithm,
    query_pairs,
    read_claim,
    read_credential,
    read_date,
    split_target,
)

DATE = {b"x-amz-date": b"20270115T080000Z"}
WHOLE = b"AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=f"
QUERY = (
    b"X-Amz-Algorithm=a&X-Amz-Credential=b%2Fc&X-Amz-Signature=d&X-Amz-SignedHeaders=host"
    b"&X-Amz-Date=20270115T080000Z"
)


def refusal(headers: dict[bytes, bytes], query: bytes = b"") -> tuple[str, str | None]:
    with pytest.raises(DynamoDBError) as refused:
        read_claim(headers, query_pairs(query))
    return refused.value.name(), refused.value.message


def claim(**changes: bytes) -> Claim:
    values = {
        "algorithm": b"AWS4-HMAC-SHA256",
        "credential": b"a/b/c/d/e",
        "signed_headers": b"host",
        "signature": b"f",
        "date": DATE[b"x-amz-date"],
    }
    return Claim(**{**values, **changes}, security_token=None, expires=None)


@pytest.mark.parametrize(
    "headers", [{}, {b"authorization": b"AWS4"}, {b"authorization": b"Basic a"}]
)
def test_without_a_signature_the_token_is_missing(headers: dict[bytes, bytes]) -> None:
    assert refusal(headers) == (
        "MissingAuthenticationTokenException",
        "Request is missing Authentication Token",
    )


def test_two_signatures_are_one_too_many() -> None:
    assert refusal({b"authorization": WHOLE, **DATE}, QUERY) == (
        "InvalidSignatureException",
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    )


def test_every_missing_part_of_the_header_is_named_in_order() -> None:
    assert refusal({b"authorization": b"AWS4-"}) == (
        "IncompleteSignatureException",
        (
            "Authorization header requires 'Credential' parameter. "
            "Authorization header requires 'Signature' parameter. "
            "Authorization header requires 'SignedHeaders' parameter. "
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
            "Authorization=AWS4-"
        ),
    )


def test_an_empty_part_is_a_missing_part() -> None:
    header = b"AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature="

    assert refusal({b"authorization": header, **DATE})[1] == (
        "Authorization header requires 'Signature' parameter. Authorization=" + header.decode()
    )


def test_every_missing_query_parameter_is_named_in_order() -> None:
    assert refusal({}, b"X-Amz-Algorithm") == (
        "IncompleteSignatureException",
        (
            "AWS query-string parameters must include 'X-Amz-Algorithm'. "
            "AWS query-string parameters must include 'X-Amz-Credential'. "
            "AWS query-string parameters must include 'X-Amz-Signature'. "
            "AWS query-string parameters must include 'X-Amz-SignedHeaders'. "
            "AWS query-string parameters must include 'X-Amz-Date'. "
            "Re-examine the query-string parameters."
        ),
    )


@pytest.mark.parametrize("separator", [b", ", b",", b" ", b" ,  "])
def test_commas_and_blanks_separate_the_parts_alike(separator: bytes) -> None:
    parts = (b"Credential=a/b/c/d/e", b"SignedHeaders=host;x-amz-date", b"Signature=f")
    header = b"AWS4-HMAC-SHA256 " + separator.join(parts)
    read = read_claim({b"authorization": header, **DATE}, [])

    assert read == claim(signed_headers=b"host;x-amz-date")


def test_a_presigned_request_is_read_from_its_query_string() -> None:
    query = QUERY + b"&X-Amz-Security-Token=t%2B&X-Amz-Expires=60"
    read = read_claim({}, query_pairs(query))

    assert (read.credential, read.security_token, read.expires) == (b"b/c", b"t+", b"60")


@pytest.mark.parametrize("algorithm", [b"AWS4-HMAC-SHA25", b"AWS4-HMAC-SHA256-X", b"AWS4-"])
def test_only_one_algorithm_is_supported(algorithm: bytes) -> None:
    with pytest.raises(DynamoDBError) as refused:
        check_algorithm(claim(algorithm=algorithm))

    assert refused.value.name() == "IncompleteSignatureException"
    assert refused.value.message == f"Unsupported AWS 'algorithm': '{algorithm.decode()}'"


@pytest.mark.parametrize("credential", [b"a/b/c/d", b"a/b/c/d/e/f", b"a"])
def test_a_credential_has_five_elements(credential: bytes) -> None:
    with pytest.raises(DynamoDBError) as refused:
        read_credential(claim(credential=credential))

    assert refused.value.name() == "IncompleteSignatureException"
    assert refused.value.message == (
        "Credential must have exactly 5 slash-delimited elements, e.g. "
        f"keyid/date/region/service/term, got '{credential.decode()}'"
    )


def test_slashes_behind_a_credential_do_not_count() -> None:
    assert read_credential(claim(credential=b"a/b/c/d/e//")).scope == b"b/c/d/e"


@pytest.mark.parametrize(
    "date", [b"201", b"20270115T080000", b"20271301T000000Z", b"tomorrow", b"\xff", b"0"]
)
def test_a_date_that_cannot_be_read_is_shown(date: bytes) -> None:
    with pytest.raises(DynamoDBError) as refused:
        read_date(claim(date=date))

    assert refused.value.name() == "IncompleteSignatureException"
    assert refused.value.message == (
        f"Date must be in ISO-8601 'basic format'. Got '{date.decode(errors='replace')}'. "
        "See http://en.wikipedia.org/wiki/ISO_8601"
    )


@pytest.fixture
def far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as context:
        context.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_from_greenwich")
@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000"])
def test_a_date_header_may_be_written_as_http_writes_dates(zone: str) -> None:
    """Wherever the machine is: botocore's own zone, -0000, is read as no zone by Python."""
    date, seconds = read_date(claim(date=f"Fri, 15 Jan 2027 08:00:00 {zone}".encode()))

    assert (date, seconds) == (b"20270115T080000Z", 1_800_000_000.0)
    assert basic_seconds(basic_format(seconds)) == seconds


@pytest.mark.parametrize(
    "url, path, query",
    [
        (b"/", b"/", b""),
        (b"/?a=b#c", b"/", b"a=b"),
        (b"http://host:8000/?a", b"/", b"a"),
        (b"HTTPS://host", b"/", b""),
        (b"/other", b"/other", b""),
        (b"*", b"*", b""),
    ],
)
def test_a_request_target_is_a_path_and_a_query(url: bytes, path: bytes, query: bytes) -> None:
    assert split_target(url) == (path, query)


def test_the_canonical_query_is_sorted_encoded_and_without_the_signature() -> None:
    pairs = query_pairs(b"b=2%20+&a=%7e&b=1/&X-Amz-Signature=x&c")

    assert canonical_query(pairs) == b"a=~&b=1%2F&b=2%20%2B&c="
