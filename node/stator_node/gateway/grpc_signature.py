"""How a gRPC request proves who sent it: three metadata entries, one HMAC over the request's bytes.

Arrives: the method, the serialized request and the metadata. Leaves: the access key that signed it.
`client.py` signs, `grpc.py` verifies. The scheme, and why it is not SigV4, is written down in
docs/decisions/20261120-grpc-authentication.md. Whoever ports it to another language needs only
`string_to_sign` and the names below:

    x-stator-access-key   the access key's identifier
    x-stator-date         when it was signed, UTC: 20261120T093000Z
    x-stator-signature    hex of HMAC-SHA256(secret access key, string to sign)
    x-stator-session-token   of temporary keys only

A signature is good for fifteen minutes either way of its date, as SigV4's is.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping

from stator_core.errors import (
    ExpiredTokenException,
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from stator_node.gateway.access_keys import AccessKey, AccessKeys

ALGORITHM = "STATOR-HMAC-SHA256"
ACCESS_KEY = "x-stator-access-key"
DATE = "x-stator-date"
SIGNATURE = "x-stator-signature"
SESSION_TOKEN = "x-stator-session-token"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"

TOLERANCE_SECONDS = 900  # AWS: a SigV4 signature is refused more than 15 minutes from its date.


def string_to_sign(
    method: str, date: str, access_key: str, session_token: str, request: bytes
) -> str:
    """Six lines that say everything about a request; the token's line is empty if there is none."""
    digest = hashlib.sha256(request).hexdigest()
    return f"{ALGORITHM}\n{method}\n{date}\n{access_key}\n{session_token}\n{digest}"


def signature_of(secret: str, text: str) -> str:
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()


def sign(key: AccessKey, method: str, request: bytes, now: float) -> tuple[tuple[str, str], ...]:
    """The metadata of one request. `now` is in seconds since the epoch."""
    date = _date_text(now)
    token = key.session_token or ""
    text = string_to_sign(method, date, key.access_key_id, token, request)
    signature = signature_of(key.secret_access_key, text)
    metadata = ((ACCESS_KEY, key.access_key_id), (DATE, date), (SIGNATURE, signature))
    return (*metadata, (SESSION_TOKEN, token)) if token else metadata


def claimed_access_key(metadata: Mapping[str, str | bytes]) -> str | None:
    """Who the request says it is from, verified or not."""
    claimed = metadata.get(ACCESS_KEY)
    return _text(claimed) if claimed else None


def verify(
    method: str, request: bytes, metadata: Mapping[str, str | bytes], keys: AccessKeys, now: float
) -> str:
    """The access key that signed the request.

    `now` is in seconds since the epoch. Raises the errors of the HTTP door in DynamoDB's words:
    missing, incomplete, out of date, an unknown key or token, a signature that does not match.
    """
    if ACCESS_KEY not in metadata and SIGNATURE not in metadata:
        raise MissingAuthenticationTokenException("Request is missing Authentication Token")
    missing = [name for name in (ACCESS_KEY, DATE, SIGNATURE) if not metadata.get(name)]
    if missing:
        raise IncompleteSignatureException(
            " ".join(f"Request requires '{name}' metadata." for name in missing)
        )
    access_key, date, signature = (_text(metadata[name]) for name in (ACCESS_KEY, DATE, SIGNATURE))
    token = _text(metadata.get(SESSION_TOKEN, ""))
    _check_date(date, now)
    key = keys.find(access_key)
    if key is None or not hmac.compare_digest((key.session_token or "").encode(), token.encode()):
        raise UnrecognizedClientException("The security token included in the request is invalid.")
    text = string_to_sign(method, date, access_key, token, request)
    expected = signature_of(key.secret_access_key, text)
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise InvalidSignatureException(
            "The request signature we calculated does not match the signature you provided. Check "
            "your AWS Secret Access Key and signing method. Consult the service documentation for "
            "details."
        )
    if key.expiration is not None and key.expiration <= now:
        raise ExpiredTokenException("The security token included in the request is expired")
    return access_key


def _check_date(date: str, now: float) -> None:
    try:
        moment = dt.datetime.strptime(date, DATE_FORMAT).replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise IncompleteSignatureException(
            f"Date must be in ISO-8601 'basic format'. Got '{date}'. "
            "See http://en.wikipedia.org/wiki/ISO_8601"
        ) from error
    oldest, newest = now - TOLERANCE_SECONDS, now + TOLERANCE_SECONDS
    if moment.timestamp() < int(oldest):
        raise InvalidSignatureException(
            f"Signature expired: {date} is now earlier than {_date_text(oldest)} "
            f"({_date_text(now)} - 15 min.)"
        )
    if moment.timestamp() > newest:
        raise InvalidSignatureException(
            f"Signature not yet current: {date} is still later than {_date_text(newest)} "
            f"({_date_text(now)} + 15 min.)"
        )


def _date_text(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC).strftime(DATE_FORMAT)


def _text(value: str | bytes) -> str:
    """Metadata values are text, unless the name ends in -bin, which ours do not."""
    return value if isinstance(value, str) else value.decode("ascii", "replace")
