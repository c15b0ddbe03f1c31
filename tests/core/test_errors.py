"""Errors on the wire: DynamoDB's own names, prefixes and spelling of the text member."""

from __future__ import annotations

import pytest

from stator_core.errors import (
    ConditionalCheckFailedException,
    DynamoDBError,
    SerializationException,
    ValidationException,
)
from stator_core.item import Family, ValueRefused
from stator_core.number import NumberRefused


@pytest.mark.parametrize(
    "error, body",
    [
        (
            ValidationException("text"),
            {"__type": "com.amazon.coral.validate#ValidationException", "message": "text"},
        ),
        (
            SerializationException("text"),
            {"__type": "com.amazon.coral.service#SerializationException", "Message": "text"},
        ),
        (SerializationException(), {"__type": "com.amazon.coral.service#SerializationException"}),
        (
            ConditionalCheckFailedException("text", Item={"a": {"S": "b"}}),
            {
                "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                "message": "text",
                "Item": {"a": {"S": "b"}},
            },
        ),
    ],
)
def test_an_error_goes_out_as_dynamodb_writes_it(error: DynamoDBError, body: object) -> None:
    assert error.body() == body


@pytest.mark.parametrize(
    "refused", [NumberRefused("text"), ValueRefused(Family.SET, "text")], ids=["number", "value"]
)
def test_no_client_sees_which_of_our_classes_refused_its_value(refused: DynamoDBError) -> None:
    assert refused.body() == ValidationException("text").body()
