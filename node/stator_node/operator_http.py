"""What the operator asks the supervisor, as HTTP: bytes to requests, answers to bytes. Pure.

In: the head of a request and its body, which `operator_door.py` has read within its limits. Out: an
`OperatorRequest` that `operator_requests.py` answers, or `Refused` with what is wrong with it.
Invariants: what is not understood to the letter is refused, never guessed at; a JSON object is the
only body, on the way in and on the way out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import orjson

BODY_BYTES_MAX = 1 << 20  # an object of Kubernetes is at most 1.5 MB, and a table's far smaller
METHODS = frozenset({"GET", "PUT", "POST", "DELETE"})
JSON = "application/json"

Members = dict[str, Any]


class Refused(Exception):
    """A request that is not carried out. `reason` is one word, `message` says what to change."""

    def __init__(self, status: HTTPStatus, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Head:
    """The first line and what of the header fields counts."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    body_bytes: int


@dataclass(frozen=True, slots=True)
class OperatorRequest:
    """`path` without the leading `/v1`, segment by segment."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    members: Members = field(default_factory=dict)


def malformed(message: str) -> Refused:
    """The request is not what this door takes."""
    return Refused(HTTPStatus.BAD_REQUEST, "Malformed", message)


def parse_head(head: bytes) -> Head:
    """The head of a request, up to and with the empty line. Raises Refused."""
    lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise malformed("the first line is no METHOD PATH HTTP/1.1")
    method, target, _ = words
    if method not in METHODS:
        raise Refused(
            HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", f"{method} is not asked here"
        )
    path, _, query = target.partition("?")
    return Head(method, _path(path), _query(query), _body_bytes(_fields(lines[1:])))


def parse_body(body: bytes) -> Members:
    """A JSON object; nothing at all is one without members. Raises Refused."""
    if not body:
        return {}
    try:
        members = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(f"the body is no JSON: {error}") from error
    if not isinstance(members, dict):
        raise malformed("the body is no JSON object")
    return members


def answer_bytes(status: HTTPStatus, members: Members) -> bytes:
    """An answer, after which the connection is closed."""
    body = orjson.dumps(members)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {JSON}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def refusal_bytes(refused: Refused) -> bytes:
    """The answer to a request that is not carried out."""
    return answer_bytes(refused.status, {"reason": refused.reason, "message": refused.message})


def check_members(
    members: Members, known: Mapping[str, type], required: frozenset[str] = frozenset()
) -> Members:
    """The members, each known and of its type. Raises Refused, which names all that is wrong."""
    wrong = [f"{name} is not known here" for name in sorted(set(members) - set(known))]
    wrong += [f"{name} is missing" for name in sorted(required - set(members))]
    for name in sorted(set(members) & set(known)):
        # To Python a bool is an int; here a number is no yes or no.
        if type(members[name]) is not known[name]:
            wrong.append(f"{name} is no {_TYPE_WORDS[known[name]]}")
    if wrong:
        raise malformed("; ".join(wrong))
    return members


_TYPE_WORDS: Mapping[type, str] = {
    str: "string",
    int: "whole number",
    bool: "true or false",
    dict: "object",
}


def _path(text: str) -> tuple[str, ...]:
    # Names of tables and nodes have none of the characters that would need an escape.
    if "%" in text or not text.startswith("/v1/"):
        raise Refused(HTTPStatus.NOT_FOUND, "NotFound", f"there is no {text}: paths begin with /v1")
    return tuple(text.removeprefix("/v1/").split("/"))


def _query(text: str) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True)
    if len({name for name, _ in pairs}) != len(pairs):
        raise malformed("a parameter of the query stands there twice")
    return dict(pairs)


def _fields(lines: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise malformed(f"a header field cannot be read: {line[:80]}")
        name = name.lower()
        if name in fields and name in ("content-length", "transfer-encoding"):
            raise malformed(f"the header field {name} stands there twice")
        fields[name] = value.strip()
    return fields


def _body_bytes(fields: Mapping[str, str]) -> int:
    if "transfer-encoding" in fields:
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "Malformed", "a body needs a Content-Length")
    length = fields.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()):
        raise malformed(f"a Content-Length of {length[:40]} cannot be read")
    if len(length) > 9 or int(length) > BODY_BYTES_MAX:
        message = f"a body has at most {BODY_BYTES_MAX} bytes"
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "TooLarge", message)
    return int(length)
