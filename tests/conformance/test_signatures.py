"""Where access keys are known, only what their holders signed is answered: Signature Version 4.

Each way in which a signature is missing, incomplete, of another day, place or hand has its own
answer, and they are checked in one order. AWS: "Signature Version 4 for API requests"; error texts
as DynamoDB answers (captured 2013 to 2026).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

import blackbox
from item_table import refusal_of

KEY = "AKIACONFORMANCE00001"
SECRET = "a secret/with+signs=".replace(" ", "-")
TEMPORARY = Credentials("ASIACONFORMANCE00002", "temporary-secret", "the-token")
EXPIRED = Credentials("ASIACONFORMANCE00003", "expired-secret", "the-other-token")
KEYS_FILE = f"""[
  {{"AccessKeyId": "{KEY}", "SecretAccessKey": "{SECRET}"}},
  {{"AccessKeyId": "{TEMPORARY.access_key}", "SecretAccessKey": "{TEMPORARY.secret_key}",
    "SessionToken": "{TEMPORARY.token}", "Expiration": "2099-01-01T00:00:00Z"}},
  {{"AccessKeyId": "{EXPIRED.access_key}", "SecretAccessKey": "{EXPIRED.secret_key}",
    "SessionToken": "{EXPIRED.token}", "Expiration": "2020-01-01T00:00:00Z"}}
]"""
UNKNOWN = "UnrecognizedClientException: The security token included in the request is invalid."
MISMATCH = (
    "InvalidSignatureException: The request signature we calculated does not match the signature "
    "you provided. Check your AWS Secret Access Key and signing method. Consult the service "
    "documentation for details."
)
INVALID = "InvalidSignatureException: "
INCOMPLETE = "IncompleteSignatureException: "
Change = Callable[[dict[str, str]], None]


@pytest.fixture(scope="module")
def signed_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that knows the keys of KEYS_FILE and no others."""
    folder = tmp_path_factory.mktemp("signatures")
    keys = folder / "keys.json"
    keys.write_text(KEYS_FILE)
    os.chmod(keys, 0o600)
    server = blackbox.Stator(folder, "--access-keys", str(keys)).start()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def signed_connection(signed_url: str) -> Iterator[blackbox.Connection]:
    opened = blackbox.Connection(signed_url)
    yield opened
    opened.close()


def now(**shift: float) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(**shift)).strftime("%Y%m%dT%H%M%SZ")


class Signer(SigV4Auth):
    """botocore's signer with a date of the test's own."""

    def __init__(self, credentials: Credentials, date: str, region: str, service: str) -> None:
        super().__init__(credentials, service, region)
        self.date = date

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self.date
        self._modify_request_before_signing(request)
        canonical = self.canonical_request(request)
        signature = self.signature(self.string_to_sign(request, canonical), request)
        self._inject_signature_to_request(request, signature)


class QuerySigner(SigV4QueryAuth):
    """botocore's signer for the query, which would sign an empty body."""

    body = b""

    def payload(self, request: AWSRequest) -> str:
        return hashlib.sha256(self.body).hexdigest()


def signed(
    url: str,
    credentials: Credentials | None = None,
    *,
    date: str | None = None,
    region: str = blackbox.REGION,
    service: str = "dynamodb",
    body: bytes = b"{}",
    **extra: str,
) -> dict[str, str]:
    """The headers of a good request, unless told otherwise."""
    headers = {
        "Host": urlsplit(url).netloc,
        "X-Amz-Target": "DynamoDB_20120810.DescribeLimits",
        "Content-Type": "application/x-amz-json-1.0",
    }
    request = AWSRequest("POST", url + "/", headers | extra, body)
    Signer(credentials or Credentials(KEY, SECRET), date or now(), region, service).add_auth(
        request
    )
    return dict(request.headers.items())


def ask(
    connection: blackbox.Connection, headers: dict[str, str], path: str = "/", body: bytes = b"{}"
) -> str | None:
    """None for success, else the refusal."""
    answer = connection.send("POST", path, body, headers)
    return None if answer.error is None else refusal_of(answer)


def authorization(headers: dict[str, str], old: str, new: str) -> dict[str, str]:
    assert old in headers["Authorization"]
    return headers | {"Authorization": headers["Authorization"].replace(old, new)}


# --------------------------------------------------------------------------------- what is believed


def test_boto3_is_believed_with_the_right_secret_only(signed_url):
    right = blackbox.boto3_client(signed_url, KEY, SECRET)
    assert right.describe_limits()["AccountMaxReadCapacityUnits"] == 80_000
    right.close()

    wrong = blackbox.boto3_client(signed_url, KEY, SECRET + "x")
    with pytest.raises(ClientError) as refused:
        wrong.describe_limits()
    wrong.close()
    assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"


def test_a_signature_may_be_used_again_while_it_is_fresh(signed_url, signed_connection):
    headers = signed(signed_url)

    assert [ask(signed_connection, headers) for _ in range(3)] == [None] * 3


def test_a_temporary_key_comes_with_its_token(signed_url, signed_connection):
    assert ask(signed_connection, signed(signed_url, TEMPORARY)) is None


def test_commas_need_no_blanks(signed_url, signed_connection):
    headers = signed(signed_url)

    assert ask(signed_connection, authorization(headers, ", ", ",")) is None


def test_blanks_inside_signed_headers_count_once(signed_url, signed_connection):
    headers = signed(signed_url, **{"X-Amz-Meta": "a b"})

    assert ask(signed_connection, headers | {"X-Amz-Meta": "  a    b  "}) is None


def test_headers_that_are_not_signed_do_not_count(signed_url, signed_connection):
    assert ask(signed_connection, signed(signed_url) | {"X-Added": "later"}) is None


def test_the_date_header_may_stand_for_x_amz_date(signed_url, signed_connection):
    """With the date in the form of HTTP."""
    date = dt.datetime.now(dt.UTC).replace(microsecond=0)
    shown = date.strftime("%a, %d %b %Y %H:%M:%S GMT")
    scope = f"{date:%Y%m%d}/{blackbox.REGION}/dynamodb/aws4_request"
    host = urlsplit(signed_url).netloc
    canonical = (
        f"POST\n/\n\ndate:{shown}\nhost:{host}\n\ndate;host\n{hashlib.sha256(b'{}').hexdigest()}"
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{date:%Y%m%dT%H%M%SZ}\n{scope}\n{digest}"
    key = f"AWS4{SECRET}".encode()
    for element in scope.split("/"):
        key = hmac.digest(key, element.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    headers = {
        "Host": host,
        "Date": shown,
        "X-Amz-Target": "DynamoDB_20120810.DescribeLimits",
        "Content-Type": "application/json",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders=date;host, "
        f"Signature={signature}",
    }

    assert ask(signed_connection, headers) is None


def presigned(url: str, body: bytes = b"{}", **changes: Any) -> tuple[str, dict[str, str]]:
    """Path and headers of a request whose signature is in the query; None leaves a pair out."""
    headers = {
        "Host": urlsplit(url).netloc,
        "X-Amz-Target": "DynamoDB_20120810.DescribeLimits",
        "Content-Type": "application/x-amz-json-1.0",
    }
    request = AWSRequest("POST", url + "/", headers, body)
    auth = QuerySigner(Credentials(KEY, SECRET), "dynamodb", blackbox.REGION)
    auth.body = body
    auth.add_auth(request)
    query = urlsplit(request.url).query
    pairs = dict(pair.split("=", 1) for pair in query.split("&"))
    pairs.update({name.replace("_", "-"): value for name, value in changes.items()})
    kept = "&".join(f"{name}={value}" for name, value in pairs.items() if value is not None)
    return f"/?{kept}", headers


def test_a_signature_may_stand_in_the_query(signed_url, signed_connection):
    path, headers = presigned(signed_url)

    assert ask(signed_connection, headers, path) is None
    assert ask(signed_connection, headers, path, b'{"a":1}') == MISMATCH


# --------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("value", [None, "", "Basic YTpi", "nonsense"])
def test_without_a_signature_nothing_is_answered(signed_url, signed_connection, value):
    headers = signed(signed_url)
    del headers["Authorization"]
    if value is not None:
        headers["Authorization"] = value

    assert ask(signed_connection, headers) == (
        "MissingAuthenticationTokenException: Request is missing Authentication Token"
    )


def test_one_signature_is_enough(signed_url, signed_connection):
    path, headers = presigned(signed_url)
    headers["Authorization"] = signed(signed_url)["Authorization"]

    assert ask(signed_connection, headers, path) == (
        f"{INVALID}Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as "
        "HTTP header."
    )


def test_every_missing_part_is_named(signed_url, signed_connection):
    headers = signed(signed_url)
    del headers["X-Amz-Date"]
    headers["Authorization"] = "AWS4-HMAC-SHA256 x=y"

    assert ask(signed_connection, headers) == (
        f"{INCOMPLETE}Authorization header requires 'Credential' parameter. Authorization header "
        "requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. "
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
        "Authorization=AWS4-HMAC-SHA256 x=y"
    )


@pytest.mark.parametrize("part", ["Credential", "Signature", "SignedHeaders"])
def test_each_missing_part_is_named(signed_url, signed_connection, part):
    headers = authorization(signed(signed_url), part + "=", "Other=")

    assert ask(signed_connection, headers) == (
        f"{INCOMPLETE}Authorization header requires '{part}' parameter. "
        f"Authorization={headers['Authorization']}"
    )


def test_every_missing_pair_of_the_query_is_named(signed_url, signed_connection):
    _, headers = presigned(signed_url)

    assert ask(signed_connection, headers, "/?X-Amz-Algorithm=AWS4-HMAC-SHA256") == (
        INCOMPLETE
        + "".join(
            f"AWS query-string parameters must include '{name}'. "
            for name in (
                "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date",
            )
        )
        + "Re-examine the query-string parameters."
    )  # fmt: skip


@pytest.mark.parametrize("date", ["yesterday", "2026-01-01T00:00:00Z", "20261301T000000Z"])
def test_a_date_has_a_form(signed_url, signed_connection, date):
    headers = signed(signed_url) | {"X-Amz-Date": date}
    refusal = ask(signed_connection, headers)

    assert refusal is not None
    assert refusal.startswith(
        (INCOMPLETE + "Date must be in ISO-8601 'basic format'. Got '", INVALID)
    )
    if date == "yesterday":
        assert refusal == (
            f"{INCOMPLETE}Date must be in ISO-8601 'basic format'. Got 'yesterday'. See "
            "http://en.wikipedia.org/wiki/ISO_8601"
        )


def test_a_signature_is_good_for_fifteen_minutes(signed_url, signed_connection):
    for minutes in (-14, 14):
        assert ask(signed_connection, signed(signed_url, date=now(minutes=minutes))) is None

    late = now(minutes=-16)
    refusal = ask(signed_connection, signed(signed_url, date=late))
    assert refusal is not None
    assert refusal.startswith(f"{INVALID}Signature expired: {late} is now earlier than ")
    assert refusal.endswith(" - 15 min.)")


def test_a_signature_of_the_future_is_not_good_yet(signed_url, signed_connection):
    """(unconfirmed in its words)"""
    early = now(minutes=16)

    refusal = ask(signed_connection, signed(signed_url, date=early))

    assert refusal is not None
    assert refusal.startswith(f"{INVALID}Signature not yet current: {early} is still later than ")
    assert refusal.endswith(" + 15 min.)")


def test_the_host_is_signed(signed_url, signed_connection):
    headers = authorization(signed(signed_url), "host;", "")

    assert ask(signed_connection, headers) == (
        f"{INVALID}'Host' must be a 'SignedHeader' in the AWS Authorization."
    )


def test_there_is_one_algorithm(signed_url, signed_connection):
    headers = authorization(signed(signed_url), "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512")

    assert ask(signed_connection, headers) == (
        f"{INCOMPLETE}Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'"
    )


def test_a_credential_has_five_elements(signed_url, signed_connection):
    headers = signed(signed_url)
    credential = f"{KEY}/{headers['X-Amz-Date'][:8]}/{blackbox.REGION}/dynamodb"
    headers = authorization(headers, "/aws4_request", "")

    assert ask(signed_connection, headers) == (
        f"{INCOMPLETE}Credential must have exactly 5 slash-delimited elements, e.g. "
        f"keyid/date/region/service/term, got '{credential}'"
    )


def test_all_that_is_wrong_with_the_scope_is_said(signed_url, signed_connection):
    headers = signed(signed_url)
    day, date = headers["X-Amz-Date"][:8], headers["X-Amz-Date"]
    headers = authorization(
        headers, f"{day}/{blackbox.REGION}/dynamodb/aws4_request", "20200101/MARS/s3/aws5"
    )

    assert ask(signed_connection, headers) == (
        f"{INVALID}Credential should be scoped to a valid region, not 'MARS'. "
        "Credential should be scoped to correct service: 'dynamodb'. "
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'. "
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
        f"HTTP: '20200101' != '{day}', from '{date}'."
    )


def test_an_unknown_key_is_told_so(signed_url, signed_connection):
    assert ask(signed_connection, signed(signed_url, Credentials("AKIAUNKNOWN", SECRET))) == UNKNOWN


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda headers: headers.update({"X-Amz-Target": "DynamoDB_20120810.ListTables"}),
            id="target",
        ),
        pytest.param(lambda headers: headers.update({"Host": "example.com"}), id="host"),
        pytest.param(
            lambda headers: headers.update({"Content-Type": "application/json"}), id="type"
        ),
        pytest.param(
            lambda headers: headers.update(
                {"Authorization": headers["Authorization"][:-64] + "0" * 64}
            ),
            id="signature",
        ),
    ],
)
def test_whatever_was_signed_cannot_be_changed(signed_url, signed_connection, change: Change):
    headers = signed(signed_url, **{"X-Amz-Meta": "a"})
    change(headers)
    headers["X-Amz-Target"] = (
        "DynamoDB_20120810.ListTables"
        if headers["X-Amz-Target"] == "x"
        else (headers["X-Amz-Target"])
    )

    assert ask(signed_connection, headers) == MISMATCH


def test_the_body_cannot_be_changed(signed_url, signed_connection):
    headers = signed(signed_url)

    assert ask(signed_connection, headers, body=b"{ }") == MISMATCH
    assert ask(signed_connection, headers) is None


def test_a_signature_is_for_one_service_region_and_day(signed_url, signed_connection):
    headers = signed(signed_url, region="eu-west-1")
    assert ask(signed_connection, authorization(headers, "eu-west-1", "us-east-1")) == MISMATCH


@pytest.mark.parametrize("token", [None, "another-token"])
def test_a_temporary_key_needs_its_own_token(signed_url, signed_connection, token):
    credentials = Credentials(TEMPORARY.access_key, TEMPORARY.secret_key, token)

    assert ask(signed_connection, signed(signed_url, credentials)) == UNKNOWN


def test_a_temporary_key_ends(signed_url, signed_connection):
    assert ask(signed_connection, signed(signed_url, EXPIRED)) == (
        "ExpiredTokenException: The security token included in the request is expired"
    )


def test_a_wrong_signature_tells_nothing_about_tables(signed_url, signed_connection):
    body = b'{"TableName":"none","Key":{"pk":{"S":"a"}}}'
    headers = signed(signed_url, body=body) | {"X-Amz-Target": "DynamoDB_20120810.GetItem"}

    assert ask(signed_connection, headers, body=body) == MISMATCH


def test_json_and_target_come_before_the_signature(signed_url, signed_connection):
    headers = authorization(signed(signed_url), "Signature=", "Signature=0")

    assert ask(signed_connection, headers, body=b"{") == "SerializationException: no message"
    unknown = headers | {"X-Amz-Target": "DynamoDB_20120810.Unknown"}
    assert ask(signed_connection, unknown) == "UnknownOperationException: no message"


def test_health_needs_no_signature(signed_connection):
    assert signed_connection.send("GET", "/", b"", {}).status == 200


def test_a_query_is_signed_with_everything_in_it(signed_url, signed_connection):
    path, headers = presigned(signed_url)

    assert ask(signed_connection, headers, f"{path}&more={quote('a b')}") == MISMATCH
