"""Answers as bytes: headers, CRC, gzip in both directions."""

from __future__ import annotations

import gzip as stdlib_gzip
import zlib

import pytest

from stator_core.errors import ConditionalCheckFailedException, SerializationException
from stator_node.gateway.http_answer import (
    Answer,
    Answers,
    InflatedTooLarge,
    accepts_gzip,
    error_body,
    gzip,
    inflate,
)


@pytest.fixture
def answers() -> Answers:
    answers = Answers(lambda: b"I" * 52)
    answers.set_date(1_800_000_000.0)
    return answers


def test_the_usual_answer_has_dynamodbs_headers_and_nothing_else(answers: Answers) -> None:
    assert answers.usual(b'{"Count":1}') == (
        b"HTTP/1.1 200 OK\r\n"
        b"Server: Server\r\n"
        b"Date: Fri, 15 Jan 2027 08:00:00 GMT\r\n"
        b"Content-Type: application/x-amz-json-1.0\r\n"
        b"Content-Length: 11\r\n"
        b"Connection: keep-alive\r\n"
        b"x-amzn-RequestId: " + b"I" * 52 + b"\r\n"
        b"x-amz-crc32: %d\r\n\r\n" % zlib.crc32(b'{"Count":1}') + b'{"Count":1}'
    )


def test_any_answer_can_be_the_usual_one(answers: Answers) -> None:
    assert answers.write(Answer(200, b"{}")) == answers.usual(b"{}")


def test_an_answer_to_head_tells_the_length_and_sends_no_body(answers: Answers) -> None:
    head = answers.write(Answer(200, b"healthy", send_body=False))

    assert b"Content-Length: 7\r\n" in head
    assert head.endswith(b"\r\n\r\n")


def test_the_empty_content_type_is_no_header(answers: Answers) -> None:
    assert b"Content-Type" not in answers.write(Answer(404, content_type=b""))


def test_an_error_has_its_type_its_text_and_its_members() -> None:
    error = ConditionalCheckFailedException(
        "The conditional request failed", Item={"a": {"S": "b"}}
    )

    assert error_body(error) == (
        b'{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",'
        b'"message":"The conditional request failed","Item":{"a":{"S":"b"}}}'
    )
    assert error_body(SerializationException()) == (
        b'{"__type":"com.amazon.coral.service#SerializationException"}'
    )


@pytest.mark.parametrize(
    "header, accepted",
    [
        (b"gzip", True),
        (b"identity", False),
        (b"deflate, GZIP;q=0.5", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000", False),
        (b"x-gzip-like", False),
        (b"*", False),
        (b"", False),
        (None, False),
    ],
)
def test_gzip_is_used_only_where_it_is_asked_for(header: bytes | None, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_gzip_is_readable_by_everybody_and_shorter() -> None:
    body = b'{"Items":[' + b'{"a":{"S":"b"}},' * 1_000 + b"]}"

    assert stdlib_gzip.decompress(gzip(body)) == body
    assert len(gzip(body)) < len(body) // 10


def test_inflating_returns_what_was_compressed_up_to_the_very_bound() -> None:
    body = bytes(range(256)) * 40

    assert inflate(gzip(body), len(body)) == body
    with pytest.raises(InflatedTooLarge):
        inflate(gzip(body), len(body) - 1)


def test_a_bomb_is_stopped_at_the_bound() -> None:
    bomb = stdlib_gzip.compress(bytes(50_000_000))

    with pytest.raises(InflatedTooLarge):
        inflate(bomb, 1_000)


@pytest.mark.parametrize(
    "broken",
    [b"", b"{}", gzip(b"{}")[:-1], gzip(b"{}") + b"x", gzip(b"{}") * 2],
)
def test_what_is_not_one_whole_gzip_member_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError):
        inflate(broken, 1_000)
