"""Signature Version 4: did the holder of a known key sign this request?

Called by `http_request.py` for every request. In: the request as received. Out: a `Caller`, or one
of DynamoDB's authentication errors. Two lanes: `Prepared.accepts` takes a request whose
Authorization prefix was seen before, with one hash of the body, one of the canonical request and
one prepared HMAC; everything else goes through `_verify_in_order`, which raises the right error.
Invariants: the quick lane accepts only what the key's secret signed within 15 minutes; signatures
and tokens are compared in constant time; caches are bounded, and forgotten when the keys change.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest, digest
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from stator_core.errors import (
    ExpiredTokenException,
    InvalidSignatureException,
    UnrecognizedClientException,
)
from stator_node.doors import Caller, Clock
from stator_node.gateway.access_keys import RELOAD_SECONDS, AccessKey, AccessKeys
from stator_node.gateway.sigv4_claim import (
    ALGORITHM,
    Claim,
    Credential,
    Headers,
    QueryPairs,
    basic_format,
    canonical_query,
    check_algorithm,
    query_pairs,
    read_claim,
    read_credential,
    read_date,
    split_target,
    text,
)

if TYPE_CHECKING:
    from _hashlib import HASH

CLOCK_TOLERANCE_SECONDS: Final = 900.0
SERVICE: Final = b"dynamodb"
TERMINATOR: Final = b"aws4_request"
PREPARED_MAX: Final = 4_096
SIGNING_KEYS_MAX: Final = 1_024
DATES_MAX: Final = 128  # per prefix: the seconds in which its requests were signed of late
AUTHORIZATION_BYTES_MAX: Final = 1_024  # of a header that is prepared for; usual ones have 250
_SIGNATURE_CHARACTERS: Final = 64
_BLOCK_BYTES: Final = 64
_REGION: Final = re.compile(rb"[a-z0-9-]{1,64}")
_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details."
)

Body = bytes | bytearray


class SigningKey:
    """HMAC-SHA256 under one key, as its two hash states after the padded key (RFC 2104).

    Copying two states and finishing them is the fastest HMAC that hashlib offers.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        assert len(key) <= _BLOCK_BYTES
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner: HASH = sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer: HASH = sha256(bytes(byte ^ 0x5C for byte in padded))

    def sign(self, message: bytes) -> bytes:
        """The signature of `message`: 64 hexadecimal digits."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest().encode()


def derive(secret_access_key: str, credential: Credential) -> SigningKey:
    """AWS: "Derive a signing key for AWS Signature Version 4"."""
    key = b"AWS4" + secret_access_key.encode()
    for element in (credential.day, credential.region, credential.service, credential.terminator):
        key = digest(key, element, "sha256")
    return SigningKey(key)


class Prepared:
    """What all requests with one Authorization prefix (all but the signature) have in common."""

    __slots__ = (
        "_scope", "caller", "canonical", "dates", "expiration", "key", "token", "values",
    )  # fmt: skip

    def __init__(
        self,
        caller: Caller,
        claim: Claim,
        credential: Credential,
        key: SigningKey | None,
        expiration: float | None,
    ) -> None:
        names = sorted(claim.signed_headers.lower().split(b";"))
        self.caller = caller
        self.key = key  # None: any key is accepted, nothing is verified
        self.token = claim.security_token
        self.expiration = float("inf") if expiration is None else expiration
        # An x-amz-date as accepted before, to seconds and to what is signed before the last hash.
        self.dates: dict[bytes, tuple[float, bytes]] = {}
        self.values = _values(names)
        lines = b"".join(_escaped(name) + b":%b\n" for name in names)
        self.canonical = b"POST\n/\n\n" + lines + b"\n" + _escaped(claim.signed_headers) + b"\n%b"
        self._scope = credential.scope

    def remember(self, date: bytes, seconds: float) -> None:
        """Take requests of this date from now on."""
        if len(self.dates) >= DATES_MAX:
            self.dates.clear()
        self.dates[date] = seconds, b"\n".join((ALGORITHM, date, self._scope, b""))

    def accepts(self, headers: Headers, body: Body, signature: bytes, now: float) -> bool:
        """Whether this is a well-signed request of the usual form; False is no verdict yet.

        Header values stand here as received: a signer that collapsed blanks gets its answer from
        the other lane, and a signer that did not collapse them has still signed just these bytes.
        """
        date = headers.get(b"x-amz-date")
        if self.key is None or date is None:
            return date is not None
        known = self.dates.get(date)
        if known is None:
            return False
        seconds, to_sign = known
        token = headers.get(b"x-amz-security-token")
        if (
            not -CLOCK_TOLERANCE_SECONDS <= now - seconds <= CLOCK_TOLERANCE_SECONDS
            or now >= self.expiration
            or (token is not self.token and not _same_token(token, self.token))
        ):
            return False
        try:
            values = self.values(headers)
        except KeyError:
            return False
        canonical = self.canonical % (*values, sha256(body).hexdigest().encode())
        expected = self.key.sign(to_sign + sha256(canonical).hexdigest().encode())
        return compare_digest(expected, signature)


class SignatureVerifier:
    """Verifies requests against the access keys.

    `region` is the only Region taken in a credential scope; None takes any, and so does the mode in
    which any access key is accepted. There only the form of the signature is checked.
    """

    def __init__(
        self,
        access_keys: AccessKeys,
        clock: Clock,
        *,
        account: str = "111122223333",
        region: str | None = None,
    ) -> None:
        self._access_keys = access_keys
        self._now = clock.now
        self._account = account
        self._region = region.encode() if region is not None else None
        self._prepared: dict[bytes, Prepared] = {}
        self._signing_keys: dict[tuple[str, bytes, bytes], SigningKey] = {}
        self._generation = access_keys.generation
        self._reload_at = 0.0

    def verify(self, method: bytes, url: bytes, headers: Headers, body: Body) -> Caller:
        """Who signed this request. Raises DynamoDB's authentication errors."""
        now = self._now()
        if not 0.0 < self._reload_at - now <= RELOAD_SECONDS:
            self._reload(now)
        authorization = headers.get(b"authorization")
        if authorization is not None and url == b"/" and method == b"POST":
            prepared = self._prepared.get(authorization[:-_SIGNATURE_CHARACTERS])
            if prepared is not None and prepared.accepts(
                headers, body, authorization[-_SIGNATURE_CHARACTERS:], now
            ):
                return prepared.caller
        return self._verify_in_order(method, url, headers, body, now)

    def _reload(self, now: float) -> None:
        self._reload_at = now + RELOAD_SECONDS
        self._access_keys.reload()
        if self._access_keys.generation != self._generation:
            self._generation = self._access_keys.generation
            self._prepared.clear()
            self._signing_keys.clear()

    def _verify_in_order(
        self, method: bytes, url: bytes, headers: Headers, body: Body, now: float
    ) -> Caller:
        path, query = split_target(url)
        pairs = query_pairs(query)
        claim = read_claim(headers, pairs)
        if self._access_keys.accepts_any:
            check_algorithm(claim)
            credential = read_credential(claim)
            return self._remember(method, url, headers, claim, credential, None, None, 0.0)
        date, seconds = read_date(claim)
        _check_time(claim, date, seconds, now)
        if b"host" not in claim.signed_headers.lower().split(b";"):
            raise InvalidSignatureException(
                "'Host' must be a 'SignedHeader' in the AWS Authorization."
            )
        check_algorithm(claim)
        credential = read_credential(claim)
        self._check_scope(credential, date)
        access_key = self._access_keys.find(credential.access_key)
        if access_key is None:
            raise _unknown_token()
        key = self._signing_key(access_key, credential)
        canonical = canonical_request(method, path, pairs, headers, claim.signed_headers, body)
        to_sign = b"\n".join(
            (ALGORITHM, date, credential.scope, sha256(canonical).hexdigest().encode())
        )
        if not compare_digest(key.sign(to_sign), claim.signature):
            raise InvalidSignatureException(_MISMATCH)
        _check_token(access_key, claim, now)
        return self._remember(
            method, url, headers, claim, credential, key, access_key.expiration, seconds
        )

    def _check_scope(self, credential: Credential, date: bytes) -> None:
        message = ""
        if not _is_region(credential.region) or self._region not in (None, credential.region):
            region = text(credential.region)
            message += f"Credential should be scoped to a valid region, not '{region}'. "
        if credential.service != SERVICE:
            message += f"Credential should be scoped to correct service: '{text(SERVICE)}'. "
        if credential.terminator != TERMINATOR:
            message += (
                f"Credential should be scoped with a valid terminator: '{text(TERMINATOR)}', "
                f"not '{text(credential.terminator)}'. "
            )
        if credential.day != date[:8]:
            message += (
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                f"from HTTP: '{text(credential.day)}' != '{text(date[:8])}', from '{text(date)}'."
            )
        if message:
            raise InvalidSignatureException(message)

    def _signing_key(self, access_key: AccessKey, credential: Credential) -> SigningKey:
        cached = (access_key.access_key_id, credential.day, credential.region)
        key = self._signing_keys.get(cached)
        if key is None:
            if len(self._signing_keys) >= SIGNING_KEYS_MAX:
                self._signing_keys.clear()
            key = self._signing_keys[cached] = derive(access_key.secret_access_key, credential)
        return key

    def _remember(
        self,
        method: bytes,
        url: bytes,
        headers: Headers,
        claim: Claim,
        credential: Credential,
        key: SigningKey | None,
        expiration: float | None,
        seconds: float,
    ) -> Caller:
        """Prepare the quick lane for the requests that follow; the caller of this one."""
        caller = Caller(credential.access_key, self._account, text(credential.region))
        authorization = headers.get(b"authorization", b"")
        if (
            method != b"POST"
            or url != b"/"
            or claim.date is not headers.get(b"x-amz-date")
            or len(authorization) > AUTHORIZATION_BYTES_MAX
            or len(claim.signature) != _SIGNATURE_CHARACTERS
            or not authorization.endswith(b"Signature=" + claim.signature)
        ):
            return caller
        prefix = authorization[:-_SIGNATURE_CHARACTERS]
        prepared = self._prepared.get(prefix)
        if prepared is None or not _same_token(claim.security_token, prepared.token):
            if len(self._prepared) >= PREPARED_MAX:
                self._prepared.clear()
            prepared = Prepared(caller, claim, credential, key, expiration)
            self._prepared[prefix] = prepared
        if key is not None:
            prepared.remember(claim.date, seconds)
        return prepared.caller


def canonical_request(
    method: bytes,
    path: bytes,
    pairs: QueryPairs,
    headers: Headers,
    signed_headers: bytes,
    body: Body,
) -> bytes:
    """AWS: "Create a canonical request". The payload is always hashed, whatever a header says."""
    lines = [
        name + b":" + b" ".join(headers.get(name, b"").split())
        for name in sorted(signed_headers.lower().split(b";"))
    ]
    return b"\n".join(
        (
            method,
            path,
            canonical_query(pairs),
            *lines,
            b"",
            signed_headers,
            sha256(body).hexdigest().encode(),
        )
    )


def _check_time(claim: Claim, date: bytes, seconds: float, now: float) -> None:
    tolerance = CLOCK_TOLERANCE_SECONDS
    if claim.expires is not None and claim.expires.isdigit():
        # A presigned request may ask for less than 15 minutes, never for more.
        tolerance = min(tolerance, float(claim.expires[:6]))
    window = f"{text(basic_format(now))} {{}} 15 min."
    if now - seconds > tolerance:
        limit = text(basic_format(now - CLOCK_TOLERANCE_SECONDS))
        raise InvalidSignatureException(
            f"Signature expired: {text(date)} is now earlier than {limit} ({window.format('-')})"
        )
    if seconds - now > CLOCK_TOLERANCE_SECONDS:
        limit = text(basic_format(now + CLOCK_TOLERANCE_SECONDS))
        raise InvalidSignatureException(
            f"Signature not yet current: {text(date)} is still later than {limit} "
            f"({window.format('+')})"
        )


def _check_token(access_key: AccessKey, claim: Claim, now: float) -> None:
    expected = access_key.session_token
    if not _same_token(claim.security_token, expected.encode() if expected else None):
        raise _unknown_token()
    if access_key.expiration is not None and now >= access_key.expiration:
        raise ExpiredTokenException("The security token included in the request is expired")


def _unknown_token() -> UnrecognizedClientException:
    return UnrecognizedClientException("The security token included in the request is invalid.")


def _same_token(given: bytes | None, expected: bytes | None) -> bool:
    if given is None or expected is None:
        return given is expected
    return compare_digest(given, expected)


def _values(names: list[bytes]) -> Callable[[Headers], tuple[bytes, ...]]:
    if len(names) == 1:
        # itemgetter of a single name gives the bare value.
        return lambda headers: (headers[names[0]],)
    return itemgetter(*names)


def _escaped(value: bytes) -> bytes:
    return value.replace(b"%", b"%%")


def _is_region(region: bytes) -> bool:
    return _REGION.fullmatch(region) is not None
