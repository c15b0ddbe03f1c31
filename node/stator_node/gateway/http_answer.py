"""Answers as bytes: status line, headers, body, in one piece.

Called by `http_connection.py` once per request; the door's sweep calls `set_date` once a second.
The usual answer (200, JSON, connection kept) is one formatting of a prepared head. Invariant: the
CRC-32 and the length are those of the bytes as sent, after compression (SDKs retry on a mismatch).
"""

from __future__ import annotations

import email.utils
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from stator_core.errors import DynamoDBError
from stator_node.gateway.http_limits import GZIP_LEVEL

JSON_TYPE = b"application/x-amz-json-1.0"
TEXT_TYPE = b"text/plain"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
GZIP_HEADER = b"Content-Encoding: gzip\r\n"
# Browsers hide all other headers of an answer from scripts.
CORS_HEADERS = (
    b"Access-Control-Allow-Origin: *\r\n"
    b"Access-Control-Expose-Headers: x-amzn-RequestId,x-amz-crc32,Content-Length,Date\r\n"
)
_GZIP_WINDOW_BITS = 31  # zlib: 15 bits of window, 16 for the gzip wrapper


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is not the usual one: `headers` are whole lines, each with its CRLF."""

    status: int
    body: bytes = b""
    content_type: bytes = JSON_TYPE  # empty: no such header
    headers: bytes = b""
    send_body: bool = True  # False for HEAD: the length is told, the body is not sent
    close: bool = False


class Answers:
    """Writes answers. `request_id()` gives a new id each time."""

    def __init__(self, request_id: Callable[[], bytes]) -> None:
        self._request_id = request_id
        self._date = b""
        self._usual = b""

    def set_date(self, now: float) -> None:
        """Date every following answer `now`, in seconds since the epoch."""
        self._date = email.utils.formatdate(now, usegmt=True).encode()
        self._usual = (
            b"HTTP/1.1 200 OK\r\nServer: Server\r\nDate: %b\r\nContent-Type: %b\r\n"
            b"Content-Length: %%d\r\nConnection: keep-alive\r\nx-amzn-RequestId: %%b\r\n"
            b"x-amz-crc32: %%d\r\n\r\n%%b" % (self._date, JSON_TYPE)
        )

    def usual(self, body: bytes) -> bytes:
        """A result on a connection that stays open."""
        return self._usual % (len(body), self._request_id(), zlib.crc32(body), body)

    def write(self, answer: Answer, request_id: bytes | None = None) -> bytes:
        """Any other answer."""
        body = answer.body
        head = (
            b"HTTP/1.1 %d %b\r\nServer: Server\r\nDate: %b\r\n%b"
            b"Content-Length: %d\r\nConnection: %b\r\nx-amzn-RequestId: %b\r\nx-amz-crc32: %d\r\n"
            b"%b\r\n"
        ) % (
            answer.status,
            HTTPStatus(answer.status).phrase.encode(),
            self._date,
            b"Content-Type: %b\r\n" % answer.content_type if answer.content_type else b"",
            len(body),
            b"close" if answer.close else b"keep-alive",
            request_id or self._request_id(),
            zlib.crc32(body),
            answer.headers,
        )
        return head + body if answer.send_body else head

    def new_request_id(self) -> bytes:
        """An id for an answer that is also logged."""
        return self._request_id()


def error_body(error: DynamoDBError) -> bytes:
    """The JSON of an error."""
    return orjson.dumps(error.body())


def accepts_gzip(accept_encoding: bytes | None) -> bool:
    """Whether an Accept-Encoding header asks for gzip (RFC 9110, 12.5.3); `*` does not."""
    if accept_encoding is None or accept_encoding == b"identity":
        return False
    for coding in accept_encoding.lower().split(b","):
        name, _, weight = coding.partition(b";")
        if name.strip() == b"gzip":
            quality = weight.partition(b"=")[2].strip()
            return quality.strip(b"0.") != b"" or not quality
    return False


def gzip(body: bytes) -> bytes:
    """`body` compressed, as Content-Encoding gzip has it."""
    return zlib.compress(body, GZIP_LEVEL, _GZIP_WINDOW_BITS)


class InflatedTooLarge(Exception):
    """The compressed body holds more than the bound."""


def inflate(body: bytes | bytearray, bytes_max: int) -> bytes:
    """A gzip body decompressed, never more than `bytes_max`.

    Raises InflatedTooLarge, or ValueError for what is not one whole gzip member.
    """
    decompressor = zlib.decompressobj(_GZIP_WINDOW_BITS)
    try:
        inflated = decompressor.decompress(body, bytes_max + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(inflated) > bytes_max:
        raise InflatedTooLarge
    if not decompressor.eof or decompressor.unused_data:
        raise ValueError("not one whole gzip member")
    return inflated
