"""The six checks before an operation, in DynamoDB's order, each with its answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stator_core.errors import DynamoDBError, MissingAuthenticationTokenException
from stator_node.doors import Caller
from stator_node.gateway.http_answer import Answer, gzip
from stator_node.gateway.http_limits import VERIFY_FIRST_BODY_BYTES, HttpLimits
from stator_node.gateway.http_request import NotAnOperation, RequestReader

CALLER = Caller("AKIA", "111122223333", "eu-west-2")
JSON = {b"content-type": b"application/x-amz-json-1.0"}
PUT = {**JSON, b"x-amz-target": b"DynamoDB_20120810.PutItem"}
LIMITS = HttpLimits(body_bytes_max=2_000_000)
Verify = Callable[[bytes, bytes, dict[bytes, bytes], bytes | bytearray], Caller]


def knows(
    method: bytes, url: bytes, headers: dict[bytes, bytes], body: bytes | bytearray
) -> Caller:
    return CALLER


def knows_nobody(
    method: bytes, url: bytes, headers: dict[bytes, bytes], body: bytes | bytearray
) -> Caller:
    raise MissingAuthenticationTokenException("Request is missing Authentication Token")


def reader(verify: Verify = knows) -> RequestReader:
    return RequestReader(
        {"PutItem", "GetRecords", "DescribeEndpoints"}, verify, "eu-west-2", LIMITS
    )


def refusal(
    headers: dict[bytes, bytes], body: bytes, verify: Verify = knows
) -> tuple[str, str | None]:
    with pytest.raises(DynamoDBError) as refused:
        reader(verify).read(b"POST", b"/", headers, body)
    return refused.value.name(), refused.value.message


def other(method: bytes, url: bytes, headers: dict[bytes, bytes], body: bytes = b"") -> int:
    with pytest.raises(NotAnOperation) as refused:
        reader(knows_nobody).read(method, url, headers, body)
    return refused.value.answer.status


@pytest.mark.parametrize("url", [b"/", b"/?a=b", b"http://host/"])
def test_a_good_request_is_its_operation_its_json_and_its_caller(url: bytes) -> None:
    assert reader().read(b"POST", url, PUT, b'{"a":1}') == ("PutItem", {"a": 1}, CALLER)


def test_a_side_door_answers_its_path_without_a_signature_and_no_other() -> None:
    asked: list[tuple[bytes, bytes | bytearray]] = []

    def door(method: bytes, body: bytes | bytearray) -> Answer:
        asked.append((method, body))
        return Answer(200)

    doors = {b"/_stator/clock": door}
    read = RequestReader({"PutItem"}, knows_nobody, "eu-west-2", LIMITS, doors).read
    for method in (b"GET", b"POST"):
        with pytest.raises(NotAnOperation) as answered:
            read(method, b"/_stator/clock?x=1", {}, b"body")
        assert answered.value.answer.status == 200
    assert asked == [(b"GET", b"body"), (b"POST", b"body")]
    assert other(b"POST", b"/_stator/clock", {}) == 404


def test_describe_endpoints_learns_by_which_name_the_client_came() -> None:
    headers = {**PUT, b"host": b"stator.example:8000"}
    describe = headers | {b"x-amz-target": b"DynamoDB_20120810.DescribeEndpoints"}

    assert reader().read(b"POST", b"/", describe, b"{}")[2].endpoint == "stator.example:8000"
    assert reader().read(b"POST", b"/", headers, b"{}")[2].endpoint == ""


@pytest.mark.parametrize(
    "content_type",
    [b"application/json", b"application/json; charset=utf-8", b"Application/X-Amz-JSON-1.0 "],
)
def test_both_json_types_are_taken_with_or_without_a_charset(content_type: bytes) -> None:
    headers = {**PUT, b"content-type": content_type}

    assert reader().read(b"POST", b"/", headers, b"{}")[0] == "PutItem"


@pytest.mark.parametrize("content_type", [b"text/plain", b"", b"application/x-amz-json-1.1"])
def test_another_content_type_is_not_found_whatever_else_is_wrong(content_type: bytes) -> None:
    assert other(b"POST", b"/", {b"content-type": content_type}, b"no json") == 404
    assert other(b"POST", b"/", {}, b"{}") == 404


@pytest.mark.parametrize("method, url", [(b"PUT", b"/"), (b"POST", b"/x"), (b"GET", b"/x")])
def test_another_method_or_path_is_not_found(method: bytes, url: bytes) -> None:
    assert other(method, url, PUT) == 404


@pytest.mark.parametrize(
    "body",
    [
        b"hi",
        b'{"a":NaN}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b"{}{}",
        b"\xef\xbb\xbf{}",
        b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    ],
)
def test_what_is_not_json_is_a_serialization_error_without_text(body: bytes) -> None:
    """Also what is not UTF-8 and what nests too deep; checked before target and signature."""
    assert refusal(JSON, body, knows_nobody) == ("SerializationException", None)


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"DynamoDB_20120810.Nothing",
        b"PutItem",
        b"DynamoDB_20120810.putItem",
        b"DynamoDB_20120810.PutItem ",
        b"DynamoDBStreams_20120810.PutItem",
        b"DynamoDB_20120810.GetRecords",
        b"DynamoDB_20120810.PutItem,DynamoDB_20120810.PutItem",
    ],
)
def test_an_unknown_target_is_told_before_the_signature_is_looked_at(target: bytes) -> None:
    headers = {**JSON, b"x-amz-target": target}

    assert refusal(headers, b"{}", knows_nobody) == ("UnknownOperationException", None)


def test_streams_operations_have_their_own_prefix() -> None:
    headers = {**JSON, b"x-amz-target": b"DynamoDBStreams_20120810.GetRecords"}

    assert reader().read(b"POST", b"/", headers, b"{}")[0] == "GetRecords"


@pytest.mark.parametrize("body", [b"", b"5", b"null", b'"text"', b"[]"])
def test_an_empty_body_or_a_bare_value_is_told_after_the_signature(body: bytes) -> None:
    assert refusal(PUT, body, knows_nobody)[0] == "MissingAuthenticationTokenException"
    assert refusal(PUT, body) == ("SerializationException", None)


def test_the_last_of_two_equal_json_keys_counts() -> None:
    assert reader().read(b"POST", b"/", PUT, b'{"a":1,"a":2}')[1] == {"a": 2}


def test_a_compressed_body_is_inflated() -> None:
    headers = {**PUT, b"content-encoding": b"GZIP"}

    assert reader().read(b"POST", b"/", headers, gzip(b'{"a":1}'))[1] == {"a": 1}


def test_a_bomb_is_too_large_and_a_broken_stream_is_no_json() -> None:
    headers = {**PUT, b"content-encoding": b"gzip"}

    bomb = gzip(bytes(LIMITS.body_bytes_max + 1))
    assert refusal(headers, bomb)[0] == "RequestEntityTooLargeException"
    assert refusal(headers, b"{}") == ("SerializationException", None)


@pytest.mark.parametrize(
    "headers, body",
    [({b"content-encoding": b"gzip"}, b"x"), ({}, b"[" * (VERIFY_FIRST_BODY_BYTES + 1))],
)
def test_large_and_compressed_bodies_of_strangers_are_not_opened(
    headers: dict[bytes, bytes], body: bytes
) -> None:
    """A stranger must not make the door build what costs many times its bytes."""
    assert (
        refusal({**PUT, **headers}, body, knows_nobody)[0] == "MissingAuthenticationTokenException"
    )


def test_get_and_head_tell_the_health_without_a_signature() -> None:
    answers = []
    for method in (b"GET", b"HEAD"):
        with pytest.raises(NotAnOperation) as refused:
            reader(knows_nobody).read(method, b"/?x", {}, b"")
        answers.append(refused.value.answer)
    get, head = answers

    assert (get.status, get.body) == (200, b"healthy: dynamodb.eu-west-2.amazonaws.com ")
    assert (get.content_type, get.send_body, head.send_body) == (b"text/plain", True, False)


def test_a_browsers_question_is_answered_with_what_it_asked_for() -> None:
    asked = {
        b"origin": b"http://here",
        b"access-control-request-headers": b"a, b",
        b"access-control-request-method": b"POST",
    }
    with pytest.raises(NotAnOperation) as refused:
        reader(knows_nobody).read(b"OPTIONS", b"/", asked, b"")

    assert refused.value.answer.status == 200
    assert refused.value.answer.body == b""
    assert refused.value.answer.headers == (
        b"Access-Control-Allow-Origin: *\r\n"
        b"Access-Control-Max-Age: 172800\r\n"
        b"Access-Control-Allow-Headers: a, b\r\n"
        b"Access-Control-Allow-Methods: POST\r\n"
    )


def list_of_values(count: int) -> bytes:
    values = b",".join([b'{"N":"0"}'] * count)
    return b'{"TableName":"things","Item":{"id":{"L":[' + values + b"]}}}"


def test_the_largest_legal_item_of_small_numbers_is_read() -> None:
    item = list_of_values(204_000)

    assert len(reader().read(b"POST", b"/", PUT, item)[1]["Item"]["id"]["L"]) == 204_000


def test_a_body_of_too_many_values_is_refused_before_anything_is_built_of_it() -> None:
    assert refusal(PUT, list_of_values(213_000))[0] == "RequestEntityTooLargeException"
    # It is no JSON: that nobody noticed shows that nobody parsed it.
    assert refusal(PUT, b'["",' * 450_000)[0] == "RequestEntityTooLargeException"


def test_a_compressed_body_of_too_many_values_is_refused_too() -> None:
    headers = {**PUT, b"content-encoding": b"gzip"}

    assert refusal(headers, gzip(list_of_values(213_000)))[0] == "RequestEntityTooLargeException"


def test_a_body_of_an_operation_without_items_may_have_fewer_values() -> None:
    get = {**JSON, b"x-amz-target": b"DynamoDB_20120810.GetRecords"}

    assert reader().read(b"POST", b"/", PUT, list_of_values(30_000))
    assert refusal(get, list_of_values(30_000))[0] == "RequestEntityTooLargeException"
