"""Bytes to requests: whatever comes, the parser gives requests, waits, or refuses; it never raises
anything else, and never holds more than it may.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_wire import Collected, request
from stator_node.gateway.http_limits import PARSE_SLICE_BYTES, HttpLimits
from stator_node.gateway.http_parser import Phase, Refused, RequestParser

SMALL = HttpLimits(body_bytes_max=PARSE_SLICE_BYTES)


def feed(
    wire: bytes, *, limits: HttpLimits = SMALL, slice_bytes: int = PARSE_SLICE_BYTES
) -> Collected:
    sink = Collected()
    parser = RequestParser(sink, limits)
    for start in range(0, len(wire), slice_bytes):
        parser.feed(wire[start : start + slice_bytes])
    return sink


def refusal(wire: bytes, **options: int) -> int:
    with pytest.raises(Refused) as refused:
        feed(wire, **options)  # type: ignore[arg-type]
    return refused.value.answer.status


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    head = request(without=("content-length",), transfer_encoding="chunked", body=b"")
    return head + body + b"0\r\n" + trailer + b"\r\n"


@pytest.mark.parametrize("slice_bytes", [1, 7, PARSE_SLICE_BYTES])
def test_a_request_is_the_same_however_it_was_cut(slice_bytes: int) -> None:
    wire = request(body=b'{"a":"' + b"x" * 50 + b'"}', x_amz_meta="Some Thing")
    whole = feed(wire).requests

    assert feed(wire * 3, slice_bytes=slice_bytes).requests == whole * 3
    assert whole[0][:2] == (b"POST", b"/")
    assert whole[0][2][b"x-amz-meta"] == b"Some Thing"


def test_repeated_headers_are_joined_by_a_comma_without_blanks_around_it() -> None:
    sink = feed(b"GET / HTTP/1.1\r\nA: 1 \r\nB: x\r\na:  2\r\nA: 3\r\n\r\n")

    assert sink.requests[0][2] == {b"a": b"1,2,3", b"b": b"x"}


def test_a_chunked_body_is_put_together() -> None:
    sink = feed(chunked(b'{"a":', b"1", b"}"))

    assert bytes(sink.requests[0][3]) == b'{"a":1}'


def test_a_trailer_never_becomes_a_header_not_even_of_the_next_request() -> None:
    """Else a client could add to a request what its signer did not sign."""
    sink = feed(chunked(b"{}", trailer=b"X-Amz-Target: evil\r\nX-New: y\r\n") + request())

    assert [headers[b"x-amz-target"] for _, _, headers, _ in sink.requests] == [
        b"DynamoDB_20120810.PutItem"
    ] * 2
    assert all(b"x-new" not in headers for _, _, headers, _ in sink.requests)


def test_connections_end_where_the_client_says_so() -> None:
    assert feed(request(connection="close")).keep_alive == [False]
    assert feed(b"GET / HTTP/1.0\r\n\r\n").keep_alive == [False]
    assert feed(request()).keep_alive == [True]


def test_a_declared_length_over_the_bound_is_refused_before_the_body_comes() -> None:
    head = request(body=b"", content_length=str(PARSE_SLICE_BYTES + 1))

    assert refusal(head) == 413
    assert refusal(request(body=b"", content_length="0" * 10_000 + "2")) == 413


def test_a_body_of_exactly_the_bound_is_taken_and_a_byte_more_is_not() -> None:
    body = b"x" * PARSE_SLICE_BYTES

    assert len(feed(request(body=body)).requests) == 1
    assert len(feed(chunked(body)).requests) == 1
    assert refusal(chunked(body, b"x")) == 413


def test_a_body_in_countless_small_chunks_is_refused_by_its_weight() -> None:
    """Six bytes on the wire for one of the body: the rest costs time, and it is counted."""
    assert refusal(chunked(*[b"x"] * 12_000), slice_bytes=1_000) == 413


def test_an_endless_trailer_is_refused() -> None:
    endless = chunked(b"{}", trailer=b"x: " + b"y" * 100_000)

    assert refusal(endless[:-4], slice_bytes=1_000) == 413


@pytest.mark.parametrize("slice_bytes", [100, PARSE_SLICE_BYTES])
def test_a_header_block_over_the_bound_is_refused(slice_bytes: int) -> None:
    assert refusal(request(x_long="y" * 40_000), slice_bytes=slice_bytes) == 400
    assert refusal(request(url="/?" + "y" * 40_000), slice_bytes=slice_bytes) == 400
    assert refusal(request(x_long="y" * 16_200), slice_bytes=slice_bytes) == 400


def test_a_large_header_block_within_the_bound_is_taken() -> None:
    assert len(feed(request(x_long="y" * 15_000), slice_bytes=100).requests) == 1


def test_a_header_block_that_never_ends_is_refused_while_it_comes() -> None:
    assert refusal(b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * 10_000) == 400
    assert refusal(b"POST / HTTP/1.1\r\na: " + b"b" * 60_000, slice_bytes=1_000) == 400


@pytest.mark.parametrize(
    "wire",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",  # TLS on a port without it
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\na: b\0c\r\n\r\n",
        request(connection="Upgrade", upgrade="h2c"),
        b"CONNECT host:80 HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_not_plain_http_1_is_a_bad_request(wire: bytes) -> None:
    assert refusal(wire) == 400


def test_leave_to_send_is_asked_for_before_the_body() -> None:
    head = request(body=b"", content_length="2", expect="100-Continue")
    sink = feed(head)

    assert (sink.continues, sink.requests) == (1, [])
    assert len(feed(head + b"{}").requests) == 1


def outcome(parser: RequestParser, slices: list[bytes]) -> int | None:
    """The status of the refusal, or None; any other exception is the test's failure."""
    try:
        for data in slices:
            parser.feed(data)
    except Refused as refused:
        return refused.answer.status
    return None


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_random_bytes_are_refused_or_waited_on(slices: list[bytes]) -> None:
    parser = RequestParser(Collected(), SMALL)

    assert outcome(parser, slices) in (None, 400, 413)
    assert parser.phase is not Phase.NOTHING or parser.received_bytes == 0


@given(
    wire=st.sampled_from([request(body=b'{"a":1}'), chunked(b"{}", b"  ", trailer=b"a: b\r\n")]),
    position=st.integers(0, 400),
    inserted=st.binary(max_size=8),
    slice_bytes=st.integers(1, 600),
)
def test_requests_with_a_wound_are_read_refused_or_waited_on(
    wire: bytes, position: int, inserted: bytes, slice_bytes: int
) -> None:
    wounded = wire[:position] + inserted + wire[position + 1 :]
    parser = RequestParser(Collected(), SMALL)
    slices = [wounded[start : start + slice_bytes] for start in range(0, len(wounded), slice_bytes)]

    assert outcome(parser, slices) in (None, 400, 413)
    assert parser.received_bytes <= len(wounded)
