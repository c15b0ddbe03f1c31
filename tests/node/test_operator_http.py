"""The operator's requests as bytes: what is taken, and that everything else is refused by name."""

from __future__ import annotations

from http import HTTPStatus

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_node.operator_http import (
    BODY_BYTES_MAX,
    Refused,
    answer_bytes,
    check_members,
    parse_body,
    parse_head,
    refusal_bytes,
)


def head(first: str, *fields: str) -> bytes:
    return "\r\n".join((first, *fields, "", "")).encode("latin-1")


def test_a_request_is_read() -> None:
    found = parse_head(head("PUT /v1/tables/Music?a=1&b= HTTP/1.1", "content-LENGTH: 12", "Host:x"))

    assert (found.method, found.path) == ("PUT", ("tables", "Music"))
    assert found.query == {"a": "1", "b": ""}
    assert found.body_bytes == 12


@pytest.mark.parametrize(
    "first, fields, status, words",
    [
        ("GET /v1/pool", (), 400, "no METHOD PATH"),
        ("GET /v1/pool HTTP/2", (), 400, "no METHOD PATH"),
        ("GET  /v1/pool HTTP/1.1", (), 400, "no METHOD PATH"),
        ("PATCH /v1/pool HTTP/1.1", (), 405, "PATCH is not asked here"),
        ("GET /pool HTTP/1.1", (), 404, "paths begin with /v1"),
        ("GET /v1/tables/a%2fb HTTP/1.1", (), 404, "there is no /v1/tables/a%2fb"),
        ("GET /v1/asks?wait=1&wait=2 HTTP/1.1", (), 400, "stands there twice"),
        ("GET /v1/pool HTTP/1.1", ("no colon",), 400, "cannot be read: no colon"),
        ("GET /v1/pool HTTP/1.1", (" folded: x",), 400, "cannot be read"),
        ("PUT /v1/x HTTP/1.1", ("Content-Length: 1", "Content-Length: 1"), 400, "there twice"),
        ("PUT /v1/x HTTP/1.1", ("Content-Length: -1",), 400, "of -1 cannot be read"),
        ("PUT /v1/x HTTP/1.1", ("Content-Length: ²",), 400, "cannot be read"),
        ("PUT /v1/x HTTP/1.1", (f"Content-Length: {BODY_BYTES_MAX + 1}",), 413, "at most"),
        ("PUT /v1/x HTTP/1.1", ("Content-Length: " + "9" * 5_000,), 413, "at most"),
        ("PUT /v1/x HTTP/1.1", ("Transfer-Encoding: chunked",), 411, "needs a Content-Length"),
    ],
)
def test_what_is_not_a_request_is_refused(
    first: str, fields: tuple[str, ...], status: int, words: str
) -> None:
    with pytest.raises(Refused) as caught:
        parse_head(head(first, *fields))

    assert caught.value.status == status
    assert words in caught.value.message


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(content: bytes) -> None:
    try:
        found = parse_head(content + b"\r\n\r\n")
    except Refused:
        return
    assert 0 <= found.body_bytes <= BODY_BYTES_MAX


def test_a_body_is_an_object_or_nothing() -> None:
    assert parse_body(b"") == {}
    assert parse_body(b'{"a": 1}') == {"a": 1}
    for other in (b"[]", b"1", b"{", b'{"a": NaN}', b"\xff"):
        with pytest.raises(Refused, match="body is no JSON"):
            parse_body(other)


def test_members_that_are_unknown_missing_or_of_another_type_are_all_named() -> None:
    known = {"uid": str, "generation": int, "drain": bool, "table": dict}

    assert check_members({"uid": "u"}, known, frozenset({"uid"})) == {"uid": "u"}
    with pytest.raises(Refused) as caught:
        check_members({"generation": True, "drain": 1, "more": 2}, known, frozenset({"uid"}))
    assert caught.value.message == (
        "more is not known here; uid is missing; drain is no true or false; "
        "generation is no whole number"
    )


def test_answers_say_their_length_and_end_the_connection() -> None:
    top, _, body = answer_bytes(HTTPStatus.OK, {"a": "é"}).partition(b"\r\n\r\n")

    assert top.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(body)}".encode() in top
    assert b"Connection: close" in top
    assert orjson.loads(body) == {"a": "é"}


def test_a_refusal_has_a_reason_for_machines_and_a_message_for_people() -> None:
    top, _, body = refusal_bytes(Refused(HTTPStatus.CONFLICT, "NameInUse", "say")).partition(
        b"\r\n\r\n"
    )

    assert top.startswith(b"HTTP/1.1 409 Conflict")
    assert orjson.loads(body) == {"reason": "NameInUse", "message": "say"}
