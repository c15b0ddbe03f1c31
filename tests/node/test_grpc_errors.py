"""Every DynamoDB error has its status, travels whole, and never breaks a call by its size."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from stator_core import errors
from stator_core.errors import DynamoDBError
from stator_node.gateway.generated.stator.v1 import data_pb2
from stator_node.gateway.grpc_errors import (
    CLASS_OF_BARE_STATUS,
    DETAIL_BYTES_CEILING,
    DETAIL_BYTES_DEFAULT,
    STATUS_OF,
    TEXT_BYTES_MAX,
    pack,
    status_of,
    unpack,
)

HEADERS_BYTES_MAX = 8_192  # gRPC's own limit, for an answer's headers together


def test_every_error_class_has_a_row() -> None:
    """A class without one would be answered UNKNOWN, which no client can act on."""
    classes = {
        cls
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, DynamoDBError) and cls is not DynamoDBError
    }
    assert classes == set(STATUS_OF)


def test_a_refined_error_has_the_status_of_what_it_refines() -> None:
    class ValueRefused(errors.ValidationException):
        pass

    assert status_of(ValueRefused("no")) is grpc.StatusCode.INVALID_ARGUMENT
    assert status_of(DynamoDBError("?")) is grpc.StatusCode.UNKNOWN


@pytest.mark.parametrize("cls", STATUS_OF, ids=lambda cls: cls.__name__)
def test_an_error_returns_as_itself(cls: type[DynamoDBError]) -> None:
    members = {"Item": {"pk": {"B": "AA=="}}, "ThrottlingReasons": [{"reason": "r"}]}
    error = cls("Grüße", **members)

    code, text, details = pack(error, "PutItem", DETAIL_BYTES_DEFAULT)
    returned = unpack(code, text, details)

    assert code is STATUS_OF[cls]
    assert type(returned) is cls
    assert returned.message == "Grüße"
    assert returned.members == {
        "Item": {"pk": {"B": b"\0"}},
        "ThrottlingReasons": [{"reason": "r"}],
    }


def test_the_details_say_the_reason_to_clients_that_know_only_grpc() -> None:
    error = errors.ResourceNotFoundException("Requested resource not found")
    code, text, details = pack(error, "GetItem", DETAIL_BYTES_DEFAULT)
    status = status_pb2.Status.FromString(details)
    info = error_details_pb2.ErrorInfo()

    assert status.details[0].Unpack(info)
    assert (status.code, status.message) == (code.value[0], text)
    assert (info.reason, info.domain) == ("ResourceNotFoundException", "dynamodb.stator.dev")
    assert info.metadata == {"operation": "GetItem", "httpStatus": "400"}
    assert detail_of(details).type == ("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException")


def test_an_error_without_words_has_none_after_the_journey() -> None:
    code, text, details = pack(errors.SerializationException(), "PutItem", DETAIL_BYTES_DEFAULT)
    assert text == "SerializationException"
    assert unpack(code, text, details).message is None


def test_throttling_reasons_are_found_in_either_spelling() -> None:
    error = errors.ThrottlingException("slow", throttlingReasons=[{"reason": "r", "resource": "a"}])
    returned = unpack(*pack(error, "PutItem", DETAIL_BYTES_DEFAULT))
    assert returned.members == {"ThrottlingReasons": [{"reason": "r", "resource": "a"}]}


def test_an_item_too_large_for_headers_is_left_out_and_that_is_said() -> None:
    item = {"pk": {"S": "x" * 10_000}}
    error = errors.ConditionalCheckFailedException("The conditional request failed", Item=item)

    small = detail_of(pack(error, "PutItem", DETAIL_BYTES_DEFAULT)[2])
    large = detail_of(pack(error, "PutItem", DETAIL_BYTES_CEILING)[2])

    assert small.items_omitted
    assert not small.HasField("item")
    assert not large.items_omitted
    assert large.item.attributes["pk"].s == item["pk"]["S"]


def test_items_of_cancelled_transactions_are_left_out_too() -> None:
    reasons = [
        {"Code": "ConditionalCheckFailed", "Item": {"pk": {"S": "x" * 10_000}}},
        {"Code": "None"},
    ]
    error = DynamoDBError("Transaction cancelled", CancellationReasons=reasons)
    detail = detail_of(pack(error, "TransactWriteItems", DETAIL_BYTES_DEFAULT)[2])

    assert [reason.code for reason in detail.cancellation_reasons] == [
        "ConditionalCheckFailed",
        "None",
    ]
    assert not detail.cancellation_reasons[0].HasField("item")
    assert detail.items_omitted


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.integers(1, 2_000))
def test_no_message_makes_the_headers_too_large(text: str, times: int) -> None:
    message = text * times
    _, short, details = pack(errors.ValidationException(message), "Query", DETAIL_BYTES_DEFAULT)

    assert len(short.encode()) <= TEXT_BYTES_MAX
    # The text is percent-encoded, the details travel as base64.
    assert len(short.encode()) * 3 + len(details) * 4 // 3 < HEADERS_BYTES_MAX
    assert message.startswith(detail_of(details).message.removesuffix("…"))


@pytest.mark.parametrize("code", grpc.StatusCode)
def test_a_status_without_details_becomes_the_nearest_error(code: grpc.StatusCode) -> None:
    expected = CLASS_OF_BARE_STATUS.get(code, errors.InternalServerError)
    assert type(unpack(code, "broken", None)) is expected


def test_an_error_newer_than_this_client_keeps_its_name() -> None:
    class FutureException(DynamoDBError):
        pass

    returned = unpack(*pack(FutureException("new"), "PutItem", DETAIL_BYTES_DEFAULT))
    assert (returned.name(), returned.message) == ("FutureException", "new")


def detail_of(details: bytes) -> data_pb2.DynamoDBErrorDetail:
    detail = data_pb2.DynamoDBErrorDetail()
    assert status_pb2.Status.FromString(details).details[1].Unpack(detail)
    return detail


def test_the_how_to_tells_the_same_table() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "use-grpc.md"
    rows = dict(re.findall(r"^\| ([A-Z_]+) \| (.*) \|$", page.read_text(), re.MULTILINE))
    told = {
        (code, name) for code, names in rows.items() for name in names.split(", ") if name.isalpha()
    }
    assert {(code, name.removesuffix("Exception")) for code, name in told} == {
        (code.name, cls.name().removesuffix("Exception")) for cls, code in STATUS_OF.items()
    }
