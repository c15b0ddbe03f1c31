"""Bytes to requests, within the limits on one request: llhttp does the grammar, this the bounds.

Fed by `http_connection.py`, which is called back through `RequestSink` for every complete request.
What is not HTTP, or too large, ends in `Refused` with the answer that says so; after that nothing
more may be fed. Invariants: what is held for one request stays under about twice `body_bytes_max`;
a trailer never becomes a header; repeated headers are joined, none is lost.
"""

from __future__ import annotations

import logging
from enum import Enum
from typing import Protocol

import httptools

from stator_core.errors import RequestEntityTooLargeException, SerializationException
from stator_node.gateway.http_answer import Answer, error_body
from stator_node.gateway.http_limits import HttpLimits
from stator_node.gateway.sigv4_claim import Headers

Body = bytes | bytearray

BAD_REQUEST = Answer(400, error_body(SerializationException()))
TOO_LARGE = Answer(413, error_body(RequestEntityTooLargeException()))

log = logging.getLogger(__name__)


class Phase(Enum):
    """How much of the next request has come."""

    NOTHING = 1
    HEADERS = 2
    BODY = 3


# By themselves: an enumeration's members cost a lookup by name each time.
_NOTHING, _HEADERS, _BODY = Phase.NOTHING, Phase.HEADERS, Phase.BODY


class Refused(Exception):
    """The client gets `answer` and nothing more."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class RequestSink(Protocol):
    """Who takes the requests."""

    def request_received(
        self, method: bytes, url: bytes, headers: Headers, body: Body, keep_alive: bool
    ) -> None: ...

    def continue_expected(self) -> None: ...


class RequestParser:
    """Parses the requests of one connection. Public state: `phase` and `received_bytes`."""

    __slots__ = (
        "_body",
        "_headers",
        "_limits",
        "_next_headers",
        "_parser",
        "_safe_digits",
        "_sink",
        "_url",
        "phase",
        "received_bytes",
    )

    def __init__(self, sink: RequestSink, limits: HttpLimits) -> None:
        self.phase = _NOTHING
        self.received_bytes = 0  # of slices that ended inside the request being received
        self._sink = sink
        self._limits = limits
        # A length of no more digits is within the bound, whatever it is.
        self._safe_digits = len(str(limits.body_bytes_max)) - 1
        self._url = b""
        self._next_headers: Headers = {}  # being received: headers, or the trailer after a body
        self._headers: Headers = {}  # complete
        self._body: Body = b""
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes | memoryview) -> None:
        """Parse one slice of at most PARSE_SLICE_BYTES. Raises Refused."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise Refused(BAD_REQUEST) from None
        except httptools.HttpParserError as error:
            raise _refusal(error) from None
        if self.phase is not _NOTHING:
            self.received_bytes += len(data)
            self._check_unfinished()

    def close(self) -> None:
        """Let go of llhttp, which refers back here. Nothing may be fed after that."""
        del self._parser

    def _check_unfinished(self) -> None:
        limits = self._limits
        if self.phase is _HEADERS and self.received_bytes > 2 * limits.header_bytes_max:
            raise Refused(BAD_REQUEST)
        # The sizes of chunks and the trailer count as well: they cost time and memory too.
        if self.received_bytes > 2 * (limits.header_bytes_max + limits.body_bytes_max):
            raise Refused(TOO_LARGE)

    # ------------------------------------------------------------------ called by httptools

    def on_message_begin(self) -> None:
        self.phase = _HEADERS

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        headers = self._next_headers
        if name in headers:
            value = headers[name].rstrip() + b"," + value.strip()
        headers[name] = value

    def on_headers_complete(self) -> None:
        self.phase = _BODY
        headers = self._headers = self._next_headers
        self._next_headers = {}
        # A header block that came in one slice cannot be too large.
        if self.received_bytes and self._header_bytes() > self._limits.header_bytes_max:
            raise Refused(BAD_REQUEST)
        if b"upgrade" in headers:
            # llhttp would not read the body of a request that asks for another protocol.
            raise Refused(BAD_REQUEST)
        length = headers.get(b"content-length")
        if length is not None and len(length) > self._safe_digits and self._is_too_long(length):
            raise Refused(TOO_LARGE)
        if b"expect" in headers and headers[b"expect"].lower() == b"100-continue":
            self._sink.continue_expected()

    def on_body(self, data: bytes) -> None:
        body = self._body
        if not body:
            self._body = data
            return
        if type(body) is bytearray:
            body += data
        else:
            self._body = body = bytearray(body)
            body += data
        if len(body) > self._limits.body_bytes_max:
            raise Refused(TOO_LARGE)

    def on_message_complete(self) -> None:
        url, headers, body = self._url, self._headers, self._body
        self._url = self._body = b""
        self.phase = _NOTHING
        self.received_bytes = 0
        if self._next_headers:
            self._next_headers = {}  # A trailer is not part of what was signed.
        parser = self._parser
        self._sink.request_received(
            parser.get_method(), url, headers, body, parser.should_keep_alive()
        )

    def _is_too_long(self, length: bytes) -> bool:
        return len(length) > 16 or int(length) > self._limits.body_bytes_max

    def _header_bytes(self) -> int:
        lines = sum(len(name) + len(value) + 4 for name, value in self._headers.items())
        return len(self._url) + lines


def _refusal(error: httptools.HttpParserError) -> Refused:
    cause = error.__context__
    if isinstance(cause, Refused):
        return cause
    if isinstance(error, httptools.HttpParserCallbackError) and cause is not None:
        log.error("a request could not be taken in", exc_info=cause)
    return Refused(BAD_REQUEST)
