"""The JSON protocol over HTTP/1.1: what a request must look like, and what every answer has.

A request is judged in this order: content type, JSON, target, signature, empty body. Every answer
has an id and the CRC-32 of its bytes, which SDKs check. AWS: "DynamoDB low-level API"; the rest as
DynamoDB answers (captured 2013 to 2026).
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import socket
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

import blackbox
from item_table import refusal_of
from raw_connection import RawConnection, opened, wire

JSON_TYPE = "application/x-amz-json-1.0"
CORAL = "com.amazon.coral.service#"
VALIDATION = "com.amazon.coral.validate#"
DYNAMODB = "com.amazonaws.dynamodb.v20120810#"


@pytest.fixture
def raw(url: str) -> Iterator[RawConnection]:
    with opened(urlsplit(url).netloc) as connection:
        yield connection


def sent(connection: blackbox.Connection, body: bytes, **more: str) -> blackbox.Answer:
    """An answer to DescribeLimits with some headers changed; a header of '' is left out."""
    changed = {name.replace("_", "-"): value for name, value in more.items()}
    headers = blackbox.standard_headers("DescribeLimits") | changed
    return connection.send("POST", "/", body, {k: v for k, v in headers.items() if v})


# ---------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize("body, status", [(b"{}", 200), (b"{", 400)], ids=["success", "error"])
def test_every_answer_has_the_same_headers(connection, body, status):
    answer = sent(connection, body)

    assert answer.status == status
    assert answer.headers["content-type"] == JSON_TYPE
    assert answer.headers["content-length"] == str(len(answer.text))
    assert re.fullmatch(r"[0-9A-Z]{52}", answer.headers["x-amzn-requestid"])
    assert answer.headers["x-amz-crc32"] == str(zlib.crc32(answer.text))
    assert answer.headers["server"] == "Server"
    assert answer.headers["connection"] == "keep-alive"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.headers["date"])


def test_every_answer_has_an_id_of_its_own(connection):
    ids = {sent(connection, b"{}").headers["x-amzn-requestid"] for _ in range(20)}

    assert len(ids) == 20


def test_an_error_is_a_type_and_a_message(connection):
    answer = connection.call("GetItem", {"TableName": "none", "Key": {"pk": {"S": "a"}}})

    assert answer.status == 400
    assert answer.body == {
        "__type": f"{DYNAMODB}ResourceNotFoundException",
        "message": "Requested resource not found",
    }
    assert "x-amzn-errortype" not in answer.headers  # (unconfirmed)


@pytest.mark.parametrize(
    "operation, body, prefix, name, key",
    [
        ("GetItem", {}, VALIDATION, "ValidationException", "message"),
        ("GetItem", {"TableName": 1}, CORAL, "SerializationException", "Message"),
        ("Unknown", {}, CORAL, "UnknownOperationException", None),
        (
            "DescribeTable",
            {"TableName": "none"},
            DYNAMODB,
            "ResourceNotFoundException",
            "message",
        ),
    ],
)
def test_each_error_has_its_prefix_and_spelling_of_message(
    connection, operation, body, prefix, name, key
):
    answer = connection.call(operation, body).body

    assert answer["__type"] == prefix + name
    assert set(answer) == {"__type"} | ({key} if key else set())


# --------------------------------------------------------------------------------------- requests


@pytest.mark.parametrize(
    "content_type",
    [
        JSON_TYPE,
        "application/json",
        f"{JSON_TYPE}; charset=utf-8",
        "application/json;charset=UTF-8",
    ],
)
def test_json_is_taken_under_two_names(connection, content_type):
    assert sent(connection, b"{}", Content_Type=content_type).status == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-amz-json-1.1", ""])
@pytest.mark.parametrize("body", [b"{}", b"no json"])
def test_another_content_type_is_not_found(connection, content_type, body):
    """It comes before everything else that is wrong."""
    answer = sent(connection, body, Content_Type=content_type, X_Amz_Target="", Authorization="")

    assert (answer.status, answer.text) == (404, b"<UnknownOperationException/>\n")
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    "method, path", [("POST", "/x"), ("PUT", "/"), ("DELETE", "/"), ("GET", "/x")]
)
def test_another_path_or_method_is_not_found(connection, method, path):
    answer = connection.send(method, path, b"{}", blackbox.standard_headers("DescribeLimits"))

    assert answer.status == 404


@pytest.mark.parametrize("body", [b"{", b"{]", b"{'a':1}", b'{"a":1}}', b"\xff", b'{"a":"\xc3"}'])
def test_what_is_no_json_is_refused_without_message(connection, body):
    """It comes before an unknown target and a missing signature."""
    answer = sent(connection, body, X_Amz_Target="x", Authorization="")

    assert answer.status == 400
    assert answer.body == {"__type": f"{CORAL}SerializationException"}


@pytest.mark.parametrize(
    "target",
    [
        "",
        "DynamoDB_20120810",
        "DynamoDB_20120810.",
        "DynamoDB_20120810.Unknown",
        "DynamoDB_20111205.GetItem",
        "DynamoDB_20120810.getItem",
        "DynamoDBStreams_20120810.GetItem",
        "GetItem",
    ],
)
def test_an_unknown_target_is_refused_before_the_signature_is_looked_at(connection, target):
    answer = sent(connection, b"{}", X_Amz_Target=target, Authorization="")

    assert answer.status == 400
    assert answer.body == {"__type": f"{CORAL}UnknownOperationException"}


def test_a_missing_signature_is_refused_before_the_empty_body_is(connection):
    answer = sent(connection, b"", Authorization="")

    assert refusal_of(answer) == (
        "MissingAuthenticationTokenException: Request is missing Authentication Token"
    )
    assert answer.body["__type"] == f"{CORAL}MissingAuthenticationTokenException"


@pytest.mark.parametrize("body", [b"", b"1", b'"a"', b"[]", b"null", b"true"])
def test_a_body_that_is_no_object_is_refused_without_message(connection, body):
    answer = sent(connection, body)

    assert answer.status == 400
    assert answer.body == {"__type": f"{CORAL}SerializationException"}


def test_unknown_members_are_ignored(connection):
    answer = connection.call("ListTables", {"Limit": 1, "Whatever": {"a": [None]}, "Other": 1})

    assert answer.error is None


def test_of_a_member_given_twice_the_last_counts(connection):
    """(unconfirmed)"""
    answer = connection.call("ListTables", b'{"Limit": 0, "Limit": 1}')

    assert answer.error is None


@pytest.mark.parametrize("escaped", [b'{"Limit":1,"ExclusiveStartTableName":"\\u0061bc"}'])
def test_json_may_be_escaped(connection, escaped):
    assert connection.call("ListTables", escaped).error is None


@pytest.mark.parametrize("operation", ["TagResource", "UntagResource"])
def test_an_answer_may_be_empty(connection, control, operation):
    arn = control.describe(control.create())["TableArn"]
    members = {"Tags": [{"Key": "a", "Value": ""}], "TagKeys": ["a"]}

    answer = connection.call(operation, {"ResourceArn": arn} | members)

    assert (answer.status, answer.text) == (200, b"")
    assert answer.headers["x-amz-crc32"] == "0"


def test_binary_travels_as_base64_and_numbers_as_strings(table):
    item = table.new_key() | {
        "b": {"B": base64.b64encode(bytes(range(256))).decode()},
        "n": {"N": "12345678901234567890123456789012345678"},
    }
    key = {"pk": item["pk"]}
    assert table.send("PutItem", Item=item).error is None

    assert table.send("GetItem", Key=key, ConsistentRead=True).body == {"Item": item}


# --------------------------------------------------------------------------------- size and gzip


def test_sixteen_megabytes_are_the_most(raw):
    raw.send(wire("GetItem", b"", **{"Content-Length": str(16 * 1_048_576 + 1)}))

    answer = raw.answer()

    assert answer.status == 413
    assert raw.ended()


def test_a_large_request_is_taken(table):
    """Close to sixteen megabytes of blanks around little."""
    body = json.dumps({"TableName": table.name, "Key": table.new_key()}).encode()
    body += b" " * (16 * 1_048_576 - len(body))

    assert table.connection.call("GetItem", body).error is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"POST / HTTP/1.1\r\nX: " + b"x" * 17_000, id="header block"),
        pytest.param(b"POST /" + b"x" * 17_000, id="request line"),
    ],
)
def test_sixteen_kilobytes_of_header_are_the_most(raw, text):
    """(unconfirmed to the byte)"""
    raw.send(text + b"x" * 20_000)
    raw.send(b"\r\n\r\n")

    assert raw.answer().status == 400
    assert raw.ended()


@pytest.mark.parametrize(
    "text", [b"\x16\x03\x01\x02\x00\x01", b"hello\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_http_is_refused(raw, text):
    raw.send(text)
    raw.socket.shutdown(socket.SHUT_WR)

    assert raw.answer().status == 400
    assert raw.ended()


def test_an_answer_is_compressed_for_those_who_ask(table):
    """The CRC-32 is that of the bytes as sent."""
    item = table.new_key() | {"a": {"S": "x" * 10_000}}
    key = {"pk": item["pk"]}
    table.put(item)

    def get(**headers: str) -> blackbox.Answer:
        body = {"TableName": table.name, "Key": key}
        return table.connection.call("GetItem", body, **headers)

    plain = get(**{"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    small = get(**{"Accept-Encoding": "gzip, deflate"})
    assert small.headers["content-encoding"] == "gzip"
    assert len(small.text) < 1_000
    assert small.headers["x-amz-crc32"] == str(zlib.crc32(small.text))
    assert gzip.decompress(small.text) == plain.text
    refused = get(**{"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers


def test_a_small_answer_is_not_worth_it(connection):
    answer = sent(connection, b"{}", Accept_Encoding="gzip")

    assert "content-encoding" not in answer.headers


def test_a_request_may_be_compressed(table):
    item = table.new_key() | {"a": {"S": "x" * 10_000}}
    body = gzip.compress(json.dumps({"TableName": table.name, "Item": item}).encode())

    answer = table.connection.call("PutItem", body, **{"Content-Encoding": "gzip"})

    assert answer.error is None
    assert table.get({"pk": item["pk"]}) == item


def test_a_compressed_request_must_be_whole_and_small_enough(connection):
    half = gzip.compress(b"{}" + b" " * 1_000)[:-9]
    answer = sent(connection, half, Content_Encoding="gzip")
    assert answer.error == "SerializationException"

    bomb = gzip.compress(b"{}" + b" " * 16 * 1_048_576)
    assert sent(connection, bomb, Content_Encoding="gzip").status == 413


# ------------------------------------------------------------------------------- health and CORS


@pytest.mark.parametrize("headers", [{}, {"Authorization": "nonsense"}])
def test_health_needs_no_signature(connection, headers):
    answer = connection.send("GET", "/", b"", headers)

    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain")
    assert answer.text == b"healthy: dynamodb.us-east-1.amazonaws.com "


def test_head_is_get_without_the_body(raw):
    raw.send(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = raw.answer(has_body=False)

    assert answer.status == 200
    assert int(answer.headers["content-length"]) > 0
    raw.send(wire("DescribeLimits", b"{}"))
    assert raw.answer().status == 200


def test_browsers_are_told_that_they_may_ask(connection):
    answer = connection.send(
        "OPTIONS",
        "/",
        b"",
        {
            "Origin": "http://example.com",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-amz-target,authorization",
        },
    )

    assert (answer.status, answer.text) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "x-amz-target,authorization"
    assert answer.headers["access-control-max-age"] == "172800"


@pytest.mark.parametrize("body", [b"{}", b"{"], ids=["success", "error"])
def test_browsers_may_read_the_answers(connection, body):
    answer = sent(connection, body, Origin="http://example.com")

    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"].lower().split(",")
    assert {"x-amzn-requestid", "x-amz-crc32"} <= set(exposed)
    assert "access-control-allow-origin" not in sent(connection, body).headers


# ------------------------------------------------------------------------------------ connections


def test_a_connection_serves_one_request_after_the_other(raw):
    for body, status in ((b"{}", 200), (b"{", 400), (b"{}", 200)):
        raw.send(wire("DescribeLimits", body))
        assert raw.answer().status == status


def test_requests_may_be_sent_before_the_answers_to_earlier_ones(raw):
    """The answers keep the order of the requests, also where some take longer."""
    bodies = [json.dumps({"TableName": f"none-{number}"}).encode() for number in range(20)]
    raw.send(
        b"".join(
            wire("DescribeTable", body) if number % 2 else wire("DescribeLimits", b"{}")
            for number, body in enumerate(bodies)
        )
    )

    for number in range(20):
        answer = raw.answer()
        if number % 2:
            assert f"Table: none-{number} not found" in str(answer.message)
        else:
            assert answer.status == 200


def test_a_request_may_come_byte_by_byte(raw):
    for byte in wire("DescribeLimits", b"{}"):
        raw.send(bytes([byte]))

    assert raw.answer().status == 200


def test_a_body_may_come_in_chunks(raw):
    head = wire("DescribeLimits", b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    raw.send(head + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")

    assert raw.answer().status == 200


def test_a_client_that_waits_for_leave_to_send_gets_it(raw):
    request = wire("DescribeLimits", b"{}", Expect="100-continue")
    head, _, body = request.partition(b"\r\n\r\n")
    raw.send(head + b"\r\n\r\n")

    assert raw.head() == (100, {})
    raw.send(body)
    assert raw.answer().status == 200


def test_a_client_may_say_that_this_was_its_last_request(raw):
    raw.send(wire("DescribeLimits", b"{}", Connection="close"))

    answer = raw.answer()

    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert raw.ended()


def test_a_client_may_stop_sending_and_still_be_answered(raw):
    raw.send(wire("DescribeLimits", b"{}"))
    raw.socket.shutdown(socket.SHUT_WR)

    assert raw.answer().status == 200
    assert raw.ended()


def test_http_1_0_is_answered_and_closed(raw):
    raw.send(wire("DescribeLimits", b"{}").replace(b"HTTP/1.1", b"HTTP/1.0"))

    assert raw.answer().status == 200
    assert raw.ended()


def test_two_lengths_are_refused(raw):
    """So that no proxy and no server ever read two different requests from the same bytes."""
    request = wire("DescribeLimits", b"{}").replace(
        b"Content-Length: 2", b"Content-Length: 2\r\nTransfer-Encoding: chunked"
    )
    raw.send(request)

    assert raw.answer().status == 400
    assert raw.ended()


def test_boto3_finds_nothing_to_complain_of(client: Any):
    """It checks the CRC-32 of every answer, and would repeat the request on a mismatch."""
    answer = client.describe_limits()["ResponseMetadata"]

    assert answer["RetryAttempts"] == 0
    assert len(answer["RequestId"]) == 52
