"""DescribeTable: a table in every state, under the member `Table`."""

from __future__ import annotations

import pytest

from stator_core.errors import SerializationException, ValidationException
from stator_core.requests.describe_table import parse
from stator_core.table_description import TableStatistics, description
from stator_core.table_status import table_deleting
from table_bodies import active, create_body, created


def test_a_table_is_shown_in_every_state() -> None:
    """17.10"""
    request = parse({"TableName": "Music"})
    statistics = TableStatistics(1, 10)
    table = active(create_body())

    for shown in (created(create_body()), table, table_deleting(table)):
        assert request.answer(shown, statistics) == {"Table": description(shown, statistics)}


def test_the_name_is_checked() -> None:
    with pytest.raises(ValidationException) as caught:
        parse({"TableName": ""})
    assert caught.value.message == (
        "2 validation errors detected: Value '' at 'tableName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 3; Value '' at 'tableName' failed to "
        "satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    )
    with pytest.raises(SerializationException):
        parse({"TableName": 1})
