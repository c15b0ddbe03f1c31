"""Time to live is a setting of a table: the attribute that says when an item ends.

It is enabled on one attribute, and disabled by naming the same. AWS: API reference,
UpdateTimeToLive and DescribeTimeToLive; error texts as DynamoDB answers (captured 2026-10).
"""

from __future__ import annotations

from typing import Any

import pytest

from control_plane import ControlPlane
from item_table import constraint, invalid, member_errors


@pytest.fixture
def name(control: ControlPlane) -> str:
    return control.create()


@pytest.fixture(scope="module")
def shared(control: ControlPlane) -> str:
    return control.create()


def described(control: ControlPlane, name: str) -> dict[str, Any]:
    answer = control.client.describe_time_to_live(TableName=name)
    return dict(answer["TimeToLiveDescription"])


def setting(enabled: bool, attribute: str = "ends") -> dict[str, Any]:
    return {"TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": attribute}}


def test_a_table_has_none_at_first(control, name):
    assert described(control, name) == {"TimeToLiveStatus": "DISABLED"}


def test_it_is_enabled_and_disabled(control, name):
    answer = control.client.update_time_to_live(TableName=name, **setting(True))
    assert answer["TimeToLiveSpecification"] == {"Enabled": True, "AttributeName": "ends"}
    assert described(control, name) in (
        {"TimeToLiveStatus": status, "AttributeName": "ends"} for status in ("ENABLING", "ENABLED")
    )
    answer = control.client.update_time_to_live(TableName=name, **setting(False))
    assert answer["TimeToLiveSpecification"] == {"Enabled": False, "AttributeName": "ends"}
    assert described(control, name) == {"TimeToLiveStatus": "DISABLED"}


def test_it_may_be_a_key_attribute(control, name):
    control.client.update_time_to_live(TableName=name, **setting(True, "pk"))

    assert described(control, name)["AttributeName"] == "pk"


def test_what_changes_nothing_is_refused(control, name):
    assert control.refusal("UpdateTimeToLive", TableName=name, **setting(False)) == invalid(
        "TimeToLive is already disabled"
    )
    control.client.update_time_to_live(TableName=name, **setting(True))
    assert control.refusal("UpdateTimeToLive", TableName=name, **setting(True)) == invalid(
        "TimeToLive is already enabled"
    )


@pytest.mark.parametrize("enabled", [True, False])
def test_another_attribute_is_refused_while_one_is_active(control, name, enabled):
    control.client.update_time_to_live(TableName=name, **setting(True))

    assert control.refusal(
        "UpdateTimeToLive", TableName=name, **setting(enabled, "other")
    ) == invalid("TimeToLive is active on a different AttributeName: current AttributeName is ends")


@pytest.mark.parametrize(
    "specification, sentences",
    [
        (None, [constraint("timeToLiveSpecification", None, "not be null")]),
        (
            {},
            [
                constraint("timeToLiveSpecification.attributeName", None, "not be null"),
                constraint("timeToLiveSpecification.enabled", None, "not be null"),
            ],
        ),
        (
            {"Enabled": True, "AttributeName": ""},
            [
                constraint(
                    "timeToLiveSpecification.attributeName",
                    "",
                    "have length greater than or equal to 1",
                )
            ],
        ),
        (
            {"Enabled": True, "AttributeName": "x" * 256},
            [
                constraint(
                    "timeToLiveSpecification.attributeName",
                    "x" * 256,
                    "have length less than or equal to 255",
                )
            ],
        ),
    ],
    ids=["nothing", "nothing in it", "empty name", "long name"],
)
def test_members_that_break_a_rule_are_listed(control, shared, specification, sentences):
    refusal = control.refusal(
        "UpdateTimeToLive", TableName=shared, TimeToLiveSpecification=specification
    )

    assert refusal == member_errors(*sentences)


def test_a_missing_table_is_named(control):
    not_found = "ResourceNotFoundException: Requested resource not found: Table: none not found"

    assert control.refusal("UpdateTimeToLive", TableName="none", **setting(True)) == not_found
    assert control.refusal("DescribeTimeToLive", TableName="none") == not_found
