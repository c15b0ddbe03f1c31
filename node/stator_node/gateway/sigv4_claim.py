"""What a request says about its signature, read from its Authorization header or its query string.

Called by `sigv4.py` on its ordered lane. In: query pairs, headers. Out: a `Claim`, nothing of it
believed yet. The wordings and their order are DynamoDB's (captured 2013 to 2026).
"""

from __future__ import annotations

import email.utils
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes

from stator_core.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
)

ALGORITHM = b"AWS4-HMAC-SHA256"
_HEADER_PARAMETERS = (b"Credential", b"Signature", b"SignedHeaders")
_QUERY_PARAMETERS = (
    b"X-Amz-Algorithm",
    b"X-Amz-Credential",
    b"X-Amz-Signature",
    b"X-Amz-SignedHeaders",
    b"X-Amz-Date",
)
_SEPARATORS = re.compile(rb"[, \t]+")
_BASIC_FORMAT = re.compile(rb"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.ASCII)
_UNRESERVED = "-_.~"  # beside letters and digits: RFC 3986, AWS: "Create a canonical request"

Headers = dict[bytes, bytes]  # names in lower case; values of a repeated header joined by a comma
QueryPairs = list[tuple[bytes, bytes]]  # decoded, in the order sent


@dataclass(frozen=True, slots=True)
class Claim:
    """Who says to have signed, over what, when, and with which result."""

    algorithm: bytes
    credential: bytes
    signed_headers: bytes
    signature: bytes
    date: bytes  # as sent
    security_token: bytes | None
    expires: bytes | None  # X-Amz-Expires of the query form, in seconds


@dataclass(frozen=True, slots=True)
class Credential:
    """The five elements of a credential scope."""

    access_key: str
    day: bytes
    region: bytes
    service: bytes
    terminator: bytes

    @property
    def scope(self) -> bytes:
        return b"/".join((self.day, self.region, self.service, self.terminator))


def split_target(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request target, absolute or not."""
    if url[:7].lower() == b"http://" or url[:8].lower() == b"https://":
        slash = url.find(b"/", 8)
        url = url[slash:] if slash >= 0 else b"/"
    path, _, query = url.partition(b"?")
    return path, query.partition(b"#")[0]


def query_pairs(query: bytes) -> QueryPairs:
    """The decoded pairs of a query string. A `+` is a plus: signers encode blanks as %20."""
    pairs = (pair.partition(b"=") for pair in query.split(b"&") if pair)
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs]


def canonical_query(pairs: QueryPairs) -> bytes:
    """AWS: "Create a canonical request", CanonicalQueryString, without the signature itself."""
    encoded = sorted(
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED))
        for name, value in pairs
        if name != b"X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in encoded).encode()


def read_claim(headers: Headers, pairs: QueryPairs) -> Claim:
    """The claim of a request. Raises when there is none, two, or an incomplete one."""
    authorization = headers.get(b"authorization")
    query: dict[bytes, bytes] = {}
    for name, value in pairs:
        query.setdefault(name, value)
    in_query = b"X-Amz-Algorithm" in query
    if authorization and in_query:
        raise InvalidSignatureException(
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP "
            "header."
        )
    if in_query:
        return _query_claim(query)
    if not authorization or not authorization.strip().startswith(b"AWS4-"):
        raise MissingAuthenticationTokenException("Request is missing Authentication Token")
    return _header_claim(authorization, headers)


def _header_claim(authorization: bytes, headers: Headers) -> Claim:
    algorithm, *words = _SEPARATORS.split(authorization.strip())
    parameters: dict[bytes, bytes] = {}
    for word in words:
        name, _, value = word.partition(b"=")
        parameters[name] = value
    message = ""
    for name in _HEADER_PARAMETERS:
        if not parameters.get(name):
            message += f"Authorization header requires '{text(name)}' parameter. "
    date = headers.get(b"x-amz-date") or headers.get(b"date")
    if not date:
        message += (
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
        )
    if message or not date:
        raise IncompleteSignatureException(f"{message}Authorization={text(authorization)}")
    return Claim(
        algorithm=algorithm,
        credential=parameters[b"Credential"],
        signed_headers=parameters[b"SignedHeaders"],
        signature=parameters[b"Signature"],
        date=date,
        security_token=headers.get(b"x-amz-security-token"),
        expires=None,
    )


def _query_claim(query: dict[bytes, bytes]) -> Claim:
    message = ""
    for name in _QUERY_PARAMETERS:
        if not query.get(name):
            message += f"AWS query-string parameters must include '{text(name)}'. "
    if message:
        raise IncompleteSignatureException(f"{message}Re-examine the query-string parameters.")
    return Claim(
        algorithm=query[b"X-Amz-Algorithm"],
        credential=query[b"X-Amz-Credential"],
        signed_headers=query[b"X-Amz-SignedHeaders"],
        signature=query[b"X-Amz-Signature"],
        date=query[b"X-Amz-Date"],
        security_token=query.get(b"X-Amz-Security-Token"),
        expires=query.get(b"X-Amz-Expires"),
    )


def check_algorithm(claim: Claim) -> None:
    """Only one algorithm is spoken here."""
    if claim.algorithm != ALGORITHM:
        raise IncompleteSignatureException(
            f"Unsupported AWS 'algorithm': '{text(claim.algorithm)}'"
        )


def read_credential(claim: Claim) -> Credential:
    """The elements of the credential; trailing slashes do not count."""
    elements = claim.credential.rstrip(b"/").split(b"/")
    if len(elements) != 5:
        raise IncompleteSignatureException(
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            f"keyid/date/region/service/term, got '{text(claim.credential)}'"
        )
    access_key, day, region, service, terminator = elements
    return Credential(text(access_key), day, region, service, terminator)


def basic_seconds(date: bytes) -> float | None:
    """Seconds since the epoch of `20261120T165232Z`; None for anything else."""
    match = _BASIC_FORMAT.fullmatch(date)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def read_date(claim: Claim) -> tuple[bytes, float]:
    """The moment of signing, in basic format and in seconds. A `Date` header may be RFC 9110's."""
    seconds = basic_seconds(claim.date)
    if seconds is not None:
        return claim.date, seconds
    try:
        moment = email.utils.parsedate_to_datetime(text(claim.date))
        if moment.tzinfo is None:  # "-0000", as botocore writes it: UTC all the same
            moment = moment.replace(tzinfo=UTC)
        seconds = moment.timestamp()
        return basic_format(seconds), seconds
    except (ValueError, IndexError, TypeError, OverflowError, OSError):
        raise IncompleteSignatureException(
            f"Date must be in ISO-8601 'basic format'. Got '{text(claim.date)}'. "
            "See http://en.wikipedia.org/wiki/ISO_8601"
        ) from None


def basic_format(seconds: float) -> bytes:
    """`20261120T165232Z` of seconds since the epoch."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y%m%dT%H%M%SZ").encode()


def text(value: bytes) -> str:
    """Bytes of a header as they are shown in messages."""
    return value.decode("utf-8", "replace")
