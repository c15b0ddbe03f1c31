"""ListTables: sorted names, pages, and the refusals of its two members."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import ValidationException
from stator_core.requests.list_tables import parse

NAMES = ["music", "Books", "music-2", "Music"]


def page(**members: Any) -> dict[str, Any]:
    return parse(members).answer(NAMES)


def test_names_are_sorted_by_their_bytes() -> None:
    """17.13"""
    assert page() == {"TableNames": ["Books", "Music", "music", "music-2"]}


def test_a_page_says_where_it_ends_only_if_there_is_more() -> None:
    """17.13"""
    assert page(Limit=3) == {
        "TableNames": ["Books", "Music", "music"],
        "LastEvaluatedTableName": "music",
    }
    assert page(Limit=4) == page()


def test_a_page_begins_after_a_name_that_need_not_exist() -> None:
    """17.13"""
    assert page(ExclusiveStartTableName="Music", Limit=1) == {
        "TableNames": ["music"],
        "LastEvaluatedTableName": "music",
    }
    assert page(ExclusiveStartTableName="Cds") == {"TableNames": ["Music", "music", "music-2"]}
    assert page(ExclusiveStartTableName="zzz") == {"TableNames": []}


def test_the_default_page_has_a_hundred_names() -> None:
    names = [f"table{number:03}" for number in range(101)]
    answer = parse({}).answer(names)

    assert len(answer["TableNames"]) == 100
    assert answer["LastEvaluatedTableName"] == "table099"


@pytest.mark.parametrize(
    "members, message",
    [
        (
            {"Limit": 0},
            (
                "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: "
                "Member must have value greater than or equal to 1"
            ),
        ),
        (
            {"Limit": 101},
            (
                "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: "
                "Member must have value less than or equal to 100"
            ),
        ),
        (
            {"ExclusiveStartTableName": ""},
            (
                "2 validation errors detected: Value '' at 'exclusiveStartTableName' failed to "
                "satisfy constraint: Member must satisfy regular expression pattern: "
                "[a-zA-Z0-9_.-]+; Value '' at 'exclusiveStartTableName' failed to satisfy "
                "constraint: Member must have length greater than or equal to 3"
            ),
        ),
        (
            {"ExclusiveStartTableName": "arn:aws:dynamodb:eu-west-2:123456789012:table/Music"},
            (
                "1 validation error detected: Value 'arn:aws:dynamodb:eu-west-2:123456789012:table/"
                "Music' at 'exclusiveStartTableName' failed to satisfy constraint: Member must "
                "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
            ),
        ),
    ],
)
def test_wrong_members_are_listed(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        parse(members)

    assert caught.value.message == message
