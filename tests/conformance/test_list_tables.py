"""ListTables answers the names of all tables, sorted, a hundred at most a page.

AWS: API reference, ListTables.
"""

from __future__ import annotations

import pytest

from control_plane import ControlPlane
from item_table import constraint, member_errors

NAME_PATTERN = "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"


@pytest.fixture(scope="module")
def names(control: ControlPlane) -> list[str]:
    """Three tables; other modules' tables stand between and around them."""
    return sorted(control.create() for _ in range(3))


def listed(control: ControlPlane, **members: object) -> dict[str, object]:
    answer = control.client.list_tables(**members)
    del answer["ResponseMetadata"]
    return dict(answer)


def test_names_are_sorted(control, names):
    found = listed(control)["TableNames"]

    assert found == sorted(found)
    assert set(names) <= set(found)


def test_pages_together_are_the_whole(control, names):
    whole = listed(control)["TableNames"]
    page = listed(control, Limit=1)
    found = page["TableNames"]
    while "LastEvaluatedTableName" in page:
        assert page["TableNames"][-1:] == [page["LastEvaluatedTableName"]]
        page = listed(control, Limit=1, ExclusiveStartTableName=page["LastEvaluatedTableName"])
        found = found + page["TableNames"]

    assert set(names) <= set(found) <= set(whole)


def test_the_start_is_excluded_and_need_not_exist(control, names):
    after = listed(control, ExclusiveStartTableName=names[0])["TableNames"]
    assert names[0] not in after
    assert set(names[1:]) <= set(after)
    assert listed(control, ExclusiveStartTableName="zzz") == {"TableNames": []}
    assert set(names) <= set(listed(control, ExclusiveStartTableName="---")["TableNames"])


def test_a_page_that_holds_the_last_name_has_no_last_name(control):
    answer = listed(control, ExclusiveStartTableName="zzz")

    assert "LastEvaluatedTableName" not in answer


@pytest.mark.parametrize(
    "members, sentences",
    [
        ({"Limit": 0}, [constraint("limit", 0, "have value greater than or equal to 1")]),
        ({"Limit": 101}, [constraint("limit", 101, "have value less than or equal to 100")]),
        (
            {"ExclusiveStartTableName": "ab"},
            [constraint("exclusiveStartTableName", "ab", "have length greater than or equal to 3")],
        ),
        (
            {"ExclusiveStartTableName": "a;bc"},
            [constraint("exclusiveStartTableName", "a;bc", NAME_PATTERN)],
        ),
        (
            {"ExclusiveStartTableName": "x" * 256},
            [
                constraint(
                    "exclusiveStartTableName", "x" * 256, "have length less than or equal to 255"
                )
            ],
        ),
    ],
    ids=["limit below one", "limit over a hundred", "short name", "wrong character", "long name"],
)
def test_members_that_break_a_rule_are_listed(control, members, sentences):
    assert control.refusal("ListTables", **members) == member_errors(*sentences)


def test_a_wrong_type_is_refused(control):
    assert control.refusal("ListTables", Limit="1") == (
        "SerializationException: STRING_VALUE cannot be converted to Integer"
    )
