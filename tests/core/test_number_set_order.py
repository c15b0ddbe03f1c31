"""Number sets in stream records come in the order of Java's HashSet, as DynamoDB answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core.number import canonical, sort_key
from stator_core.number_set_order import in_hash_order, reorder

TINY = "0." + "0" * 129 + "1"
NINES = "9" * 38


@pytest.mark.parametrize(
    "ascending, expected",
    [
        ([], []),
        (["1"], ["1"]),
        (["1", "2", "3"], ["3", "2", "1"]),
        (["3", "20", "100"], ["3", "20", "100"]),
        (  # Twelve stay in sixteen buckets, so 9 and 25 share one.
            ["-10", "-1", "-0.5", "0", "0.5", "2.5", "5", "9", "10", "25", "100", "1000"],
            ["0", "9", "25", "2.5", "-0.5", "5", "0.5", "1000", "100", "-1", "10", "-10"],
        ),
        (
            f"-10 -1 -0.5 -0.00001 -{TINY} 0 {TINY} 0.5 2.5 5 9 10 25 100 1000 10000000000 "
            f"{NINES}".split(),
            f"0 {TINY} -{TINY} 25 {NINES} 2.5 10000000000 9 -0.5 -0.00001 5 0.5 1000 100 -1 10 "
            "-10".split(),
        ),
    ],
)
def test_captured_sets(ascending: list[str], expected: list[str]) -> None:
    """26.42"""
    assert in_hash_order(ascending) == expected


@given(st.sets(st.integers(-(10**37), 10**37).map(str), max_size=60))
def test_nothing_is_lost_or_doubled(numbers: set[str]) -> None:
    ascending = sorted((canonical(number) for number in numbers), key=sort_key)
    assert sorted(in_hash_order(ascending), key=sort_key) == ascending


def test_sets_of_an_item_are_reordered_at_any_depth_and_nothing_else_is() -> None:
    item: dict[str, Any] = {
        "ns": {"NS": ["1", "2", "3"]},
        "l": {"L": [{"M": {"in": {"NS": ["1", "2"]}}}, {"N": "1"}]},
        "ss": {"SS": ["1", "2", "3"]},
        "bool": {"BOOL": True},
    }
    reorder(item)
    assert item == {
        "ns": {"NS": ["3", "2", "1"]},
        "l": {"L": [{"M": {"in": {"NS": ["2", "1"]}}}, {"N": "1"}]},
        "ss": {"SS": ["1", "2", "3"]},
        "bool": {"BOOL": True},
    }
