"""DeleteTable: the table goes to DELETING and is shown so; what may not go is refused."""

from __future__ import annotations

import pytest

from stator_core.errors import ResourceInUseException, ValidationException
from stator_core.requests.delete_table import parse
from stator_core.table_description import TableStatistics
from table_bodies import active, create_body


def test_a_table_goes_to_deleting_and_is_answered_so() -> None:
    """17.9"""
    request = parse({"TableName": "Music"})
    deleting = request.apply(active(create_body()))
    shown = request.answer(deleting, TableStatistics(2, 20))["TableDescription"]

    assert (shown["TableStatus"], shown["ItemCount"]) == ("DELETING", 2)
    with pytest.raises(ResourceInUseException):
        request.apply(deleting)


def test_a_protected_table_stays() -> None:
    """17.9"""
    with pytest.raises(ValidationException):
        parse({"TableName": "Music"}).apply(active(create_body(DeletionProtectionEnabled=True)))


def test_the_name_is_checked_and_may_be_an_arn() -> None:
    arn = "arn:aws:dynamodb:eu-west-2:123456789012:table/Music"

    assert parse({"TableName": arn}).table_name == "Music"
    with pytest.raises(ValidationException) as caught:
        parse({})
    assert caught.value.message == (
        "The parameter 'TableName' is required but was not present in the request"
    )
