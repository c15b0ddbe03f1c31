"""From a received HTTP request to an operation, its JSON and its caller: the first six checks.

Called by `http_connection.py` for each complete request; what it returns goes to the `Executor`.
The order is DynamoDB's: body size, content type, JSON, target, signature, empty body. Raises
`DynamoDBError`, or `NotAnOperation` with an answer that is no JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from stator_core.errors import (
    RequestEntityTooLargeException,
    SerializationException,
    UnknownOperationException,
)
from stator_node.doors import Caller
from stator_node.gateway import json_tokens
from stator_node.gateway.http_answer import TEXT_TYPE, Answer, InflatedTooLarge, inflate
from stator_node.gateway.http_limits import VERIFY_FIRST_BODY_BYTES, HttpLimits
from stator_node.gateway.sigv4_claim import Headers, split_target

Body = bytes | bytearray
Verify = Callable[[bytes, bytes, Headers, Body], Caller]  # method, url, headers, body
SideDoor = Callable[[bytes, Body], Answer]  # method, body

CONTENT_TYPES = frozenset({b"application/x-amz-json-1.0", b"application/json"})
TARGET_PREFIX = "DynamoDB_20120810."
STREAMS_TARGET_PREFIX = "DynamoDBStreams_20120810."
# The one operation that answers by which name the client found this server.
DESCRIBE_ENDPOINTS = "DescribeEndpoints"
# Whose bodies may hold many values; all others hold keys, conditions and names.
CARRY_ITEMS = frozenset({"BatchWriteItem", "PutItem", "TransactWriteItems", "UpdateItem"})
STREAMS_OPERATIONS = frozenset({"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"})

NOT_FOUND = Answer(404, b"<UnknownOperationException/>\n", content_type=b"")
_PREFLIGHT_MAX_AGE = b"Access-Control-Max-Age: 172800\r\n"
_LINE_ENDS = b"\r\n\0"


class NotAnOperation(Exception):
    """The request is answered outside DynamoDB's JSON protocol."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class RequestReader:
    """Does the checks. `region` is shown in the health text; `side_doors` answer other paths."""

    def __init__(
        self,
        operations: Iterable[str],
        verify: Verify,
        region: str,
        limits: HttpLimits,
        side_doors: Mapping[bytes, SideDoor] | None = None,
    ) -> None:
        self._side_doors = side_doors or {}
        self._verify = verify
        self._limits = limits
        self._health = f"healthy: dynamodb.{region}.amazonaws.com ".encode()
        # Whole header values, so that the usual request costs one lookup.
        self._operation_of = {
            (STREAMS_TARGET_PREFIX if name in STREAMS_OPERATIONS else TARGET_PREFIX).encode()
            + name.encode(): name
            for name in operations
        }

    def read(
        self, method: bytes, url: bytes, headers: Headers, body: Body
    ) -> tuple[str, dict[str, Any], Caller]:
        """Operation, JSON body and caller of a request."""
        if method != b"POST" or (url != b"/" and split_target(url)[0] != b"/"):
            raise NotAnOperation(self._other(method, url, headers, body))
        if body and headers.get(b"content-type") not in CONTENT_TYPES:
            _check_content_type(headers.get(b"content-type", b""))
        caller: Caller | None = None
        encoding = headers.get(b"content-encoding")
        if encoding is not None or len(body) > VERIFY_FIRST_BODY_BYTES:
            caller = self._verify(method, url, headers, body)
            body = self._decoded(body, encoding)
            if len(body) > VERIFY_FIRST_BODY_BYTES:
                self._check_tokens(headers, body)
        document: Any = None
        if body:
            try:
                document = orjson.loads(body)
            except orjson.JSONDecodeError:
                raise SerializationException from None
        operation = self._operation_of.get(headers.get(b"x-amz-target", b""))
        if operation is None:
            raise UnknownOperationException
        if caller is None:
            caller = self._verify(method, url, headers, body)
        if type(document) is not dict:
            raise SerializationException
        if operation == DESCRIBE_ENDPOINTS:
            caller = replace(caller, endpoint=headers.get(b"host", b"").decode("latin-1"))
        return operation, document, caller

    def _decoded(self, body: Body, encoding: bytes | None) -> Body:
        if encoding is None or encoding.strip().lower() != b"gzip":
            return body
        try:
            return inflate(body, self._limits.body_bytes_max)
        except InflatedTooLarge:
            raise RequestEntityTooLargeException from None
        except ValueError:
            raise SerializationException from None

    def _check_tokens(self, headers: Headers, body: Body) -> None:
        """Refuse a body of too many values: building them all would stall everybody else."""
        limits = self._limits
        operation = self._operation_of.get(headers.get(b"x-amz-target", b""))
        carries_items = operation in CARRY_ITEMS
        tokens = limits.body_tokens_max if carries_items else limits.body_without_items_tokens_max
        if not json_tokens.at_most(body, tokens):
            raise RequestEntityTooLargeException

    def _other(self, method: bytes, url: bytes, headers: Headers, body: Body) -> Answer:
        if method == b"OPTIONS":
            return preflight(headers)
        path = split_target(url)[0]
        side_door = self._side_doors.get(path)
        if side_door is not None:
            return side_door(method, body)
        if method in (b"GET", b"HEAD") and path == b"/":
            return Answer(200, self._health, TEXT_TYPE, send_body=method == b"GET")
        return NOT_FOUND


def _check_content_type(content_type: bytes) -> None:
    if content_type.partition(b";")[0].strip().lower() not in CONTENT_TYPES:
        raise NotAnOperation(NOT_FOUND)


def preflight(headers: Headers) -> Answer:
    """The answer to a browser's question whether it may call: yes, with what it asked for."""
    lines = [b"Access-Control-Allow-Origin: *\r\n", _PREFLIGHT_MAX_AGE]
    for asked, allowed in (
        (b"access-control-request-headers", b"Access-Control-Allow-Headers"),
        (b"access-control-request-method", b"Access-Control-Allow-Methods"),
    ):
        value = headers.get(asked)
        if value is not None:
            assert not any(byte in value for byte in _LINE_ENDS)  # The parser refused them.
            lines.append(b"%b: %b\r\n" % (allowed, value))
    return Answer(200, content_type=TEXT_TYPE, headers=b"".join(lines))
