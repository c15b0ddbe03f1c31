"""Provisioned, on-demand and warm throughput: what requests may set, and what it becomes."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import LimitExceededException, ValidationException
from stator_core.requests.throughput import (
    Units,
    WarmUnits,
    caps_in_force,
    changed_throughput,
    check_changes,
    check_initial_warm,
    check_on_demand_mode,
    check_on_demand_range,
    check_warm_increase,
    merged_caps,
    parse_on_demand,
    parse_units,
    parse_warm,
)
from stator_core.table import OnDemandThroughput, Throughput
from table_bodies import DAY, HOUR, NOW

P = "One or more parameter values were invalid: "


def refusal(check: Any, *arguments: Any, **options: Any) -> str | None:
    with pytest.raises(ValidationException) as caught:
        check(*arguments, **options)
    return caught.value.message


def test_units_have_a_bound() -> None:
    assert parse_units(None) is None
    most = {"ReadCapacityUnits": 10**12, "WriteCapacityUnits": 1}
    assert parse_units(most) == Units(10**12, 1)

    over = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 10**12 + 1}
    assert refusal(parse_units, over) == (
        "Given value 1000000000001 for WriteCapacityUnits is out of bounds"
    )
    assert str(refusal(parse_units, over, "by-a")).endswith("is out of bounds for index by-a")


def test_empty_throughputs_are_as_if_they_were_not_there() -> None:
    assert parse_on_demand(None) is None
    assert parse_on_demand({}) is None
    assert parse_on_demand({"MaxWriteRequestUnits": 3}) == OnDemandThroughput(None, 3)
    assert parse_warm({}) is None
    assert parse_warm({"ReadUnitsPerSecond": 3}) == WarmUnits(3, None)


def test_caps_need_a_mode_and_a_range() -> None:
    caps = OnDemandThroughput(None, 0)

    check_on_demand_mode(caps, "PAY_PER_REQUEST", "", "never")
    check_on_demand_mode(None, "PROVISIONED", "", "never")
    assert refusal(check_on_demand_mode, caps, "PROVISIONED", " for index: i", "so") == (
        P + "MaxWriteRequestUnits for OnDemandThroughput for index: i cannot be specified when so"
    )
    assert refusal(check_on_demand_range, caps, "table", removable=True) == (
        P + "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid "
        "range"
    )
    check_on_demand_range(OnDemandThroughput(-1, 1), "table", removable=True)
    check_on_demand_range(None, "table", removable=False)
    assert refusal(check_on_demand_range, OnDemandThroughput(-1), "table", removable=False)


def test_caps_merge_by_member_and_a_removed_one_is_gone() -> None:
    merged = merged_caps(OnDemandThroughput(5, 6), OnDemandThroughput(-1))

    assert merged == OnDemandThroughput(-1, 6)
    assert caps_in_force(merged) == OnDemandThroughput(None, 6)
    assert caps_in_force(merged_caps(None, OnDemandThroughput(-1, -1))) is None


def test_warm_units_begin_at_a_floor_and_rise() -> None:
    check_initial_warm(WarmUnits(5, None), (5, 9), "PROVISIONED", "table")
    check_initial_warm(None, (5, 9), "PROVISIONED", "table")
    assert refusal(check_initial_warm, WarmUnits(5, 8), (5, 9), "PROVISIONED", "index i") == (
        P + "Requested WriteUnitsPerSecond for WarmThroughput for index i is lower than "
        "WriteCapacityUnits of ProvisionedThroughput"
    )
    check_warm_increase(WarmUnits(None, 9), (5, 9), "table")
    assert refusal(check_warm_increase, WarmUnits(4, None), (5, 9), "table") == (
        P + "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than current "
        "WarmThroughput, decreasing WarmThroughput is not supported"
    )
    assert WarmUnits(None, 10).over((5, 9)) == (5, 10)


def test_equal_units_are_no_change() -> None:
    check_changes(Throughput(1, 2), Units(1, 3), "the table")
    message = str(refusal(check_changes, Throughput(1, 2), Units(1, 2), "index i"))

    assert message.startswith("The provisioned throughput for the index i will not change. ")
    assert "Current WriteCapacityUnits provisioned for index i: 2. Requested" in message


def test_a_change_notes_which_way_it_went() -> None:
    first = changed_throughput(Throughput(5, 5), Units(6, 4), NOW)

    assert (first.last_increase, first.last_decrease, first.decreases_today) == (NOW, NOW, 1)
    later = changed_throughput(first, Units(6, 3), NOW + DAY)
    assert (later.last_increase, later.decreases_today) == (NOW, 1)


def test_after_four_decreases_of_a_day_one_an_hour_is_left() -> None:
    four = Throughput(5, 5, last_decrease=NOW, decreases_today=4)

    with pytest.raises(LimitExceededException) as caught:
        changed_throughput(four, Units(4, 5), NOW + HOUR - 1)
    assert "Last decrease at Tuesday, November 14, 2023 10:13:20 PM UTC." in str(caught.value)
    assert changed_throughput(four, Units(4, 5), NOW + HOUR).decreases_today == 5
    assert changed_throughput(four, Units(6, 5), NOW + 1).decreases_today == 4
