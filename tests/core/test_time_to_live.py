"""UpdateTimeToLive and DescribeTimeToLive: the setting changes once per cooldown, and is shown."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import DynamoDBError, ResourceInUseException, ValidationException
from stator_core.requests.time_to_live import (
    parse_describe_time_to_live,
    parse_update_time_to_live,
)
from stator_core.table import Table
from stator_core.table_status import table_deleting
from table_bodies import HOUR, NOW, active, create_body, created, updated

PLAIN = active(create_body())
ENVELOPE = "1 validation error detected: "


def changed(
    table: Table, enabled: bool, name: str = "expires", now: float = NOW, cooldown: float = HOUR
) -> Table:
    request = parse_update_time_to_live(
        {
            "TableName": "Music",
            "TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": name},
        }
    )
    return request.apply(table, now, cooldown)


def shown(table: Table) -> Any:
    return parse_describe_time_to_live({"TableName": "Music"}).answer(table)


def refusal(call: Any, *arguments: Any, **options: Any) -> DynamoDBError:
    with pytest.raises(DynamoDBError) as caught:
        call(*arguments, **options)
    return caught.value


def test_a_setting_comes_and_goes_and_leaves_no_name() -> None:
    """20.1"""
    assert shown(PLAIN) == {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    table = changed(PLAIN, True)
    assert shown(table) == {
        "TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    }
    table = changed(table, False, now=NOW + HOUR)
    assert shown(table) == shown(PLAIN)
    assert shown(changed(table, True, "other", now=NOW + 2 * HOUR)) != shown(PLAIN)


def test_the_answer_is_the_setting_asked_for() -> None:
    """20.1"""
    specification = {"Enabled": True, "AttributeName": "expires"}
    request = parse_update_time_to_live(
        {"TableName": "Music", "TimeToLiveSpecification": dict(specification)}
    )

    assert request.answer() == {"TimeToLiveSpecification": specification}


def test_what_changes_nothing_is_refused_before_the_cooldown() -> None:
    """20.2"""
    table = changed(PLAIN, True)

    assert refusal(changed, table, True).message == "TimeToLive is already enabled"
    assert refusal(changed, PLAIN, False).message == "TimeToLive is already disabled"
    for enabled in (True, False):
        assert refusal(changed, table, enabled, "other").message == (
            "TimeToLive is active on a different AttributeName: current AttributeName is expires"
        )


def test_a_second_change_waits_for_the_cooldown() -> None:
    """20.2"""
    table = changed(PLAIN, True)
    error = refusal(changed, table, False, now=NOW + HOUR - 1)

    assert isinstance(error, ValidationException)
    assert error.message == "Time to live has been modified multiple times within a fixed interval"
    assert changed(table, False, now=NOW + 1, cooldown=0).time_to_live != table.time_to_live
    off = changed(table, False, now=NOW + HOUR)
    assert refusal(changed, off, True, now=NOW + HOUR + 1).message == error.message


@pytest.mark.parametrize(
    "table, state", [(created(create_body()), "CREATING"), (table_deleting(PLAIN), "DELETING")]
)
def test_a_table_that_comes_or_goes_has_no_setting(table: Table, state: str) -> None:
    busy = refusal(changed, table, True)
    assert isinstance(busy, ResourceInUseException)
    verb = "created" if state == "CREATING" else "deleted"
    assert busy.message == (
        f"Attempt to change a resource which is still in use: Table Music is being {verb}"
    )
    assert refusal(shown, table).message == (
        f"Cannot describe time to live while table is in {state} state: Current table state is "
        f"{state}"
    )


def test_a_table_that_changes_otherwise_takes_a_setting() -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    busy = updated(PLAIN, StreamSpecification=stream)

    assert changed(busy, True).time_to_live is not None


def test_the_key_may_be_the_attribute() -> None:
    """20.3"""
    assert changed(PLAIN, True, "pk").time_to_live is not None


@pytest.mark.parametrize(
    "specification, message",
    [
        (
            None,
            ENVELOPE + "Value null at 'timeToLiveSpecification' failed to satisfy constraint: "
            "Member must not be null",
        ),
        (
            {},
            (
                "2 validation errors detected: Value null at "
                "'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member "
                "must not be null; Value null at 'timeToLiveSpecification.enabled' failed to "
                "satisfy constraint: Member must not be null"
            ),
        ),
        (
            {"AttributeName": "", "Enabled": True},
            ENVELOPE + "Value '' at 'timeToLiveSpecification.attributeName' failed to satisfy "
            "constraint: Member must have length greater than or equal to 1",
        ),
    ],
)
def test_wrong_members_are_listed(specification: Any, message: str) -> None:
    error = refusal(
        parse_update_time_to_live,
        {"TableName": "Music", "TimeToLiveSpecification": specification},
    )

    assert error.message == message
