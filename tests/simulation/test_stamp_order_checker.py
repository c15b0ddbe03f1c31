"""The observer of timestamps finds every one that does not grow with the log."""

from __future__ import annotations

from typing import Any

import pytest

from simulation.promise import PromiseBroken
from simulation.stamp_order_checker import StampOrderChecker


def applied(index: int, timestamp: int, *items: int, partition: int = 1) -> dict[str, Any]:
    return {
        "event": "applied",
        "partition": partition,
        "index": index,
        "timestamp": timestamp,
        "items": items,
    }


def stands(index: int, timestamp: int, partition: int = 1) -> dict[str, Any]:
    return {"event": "stands", "partition": partition, "index": index, "timestamp": timestamp}


CUT = applied(10, 50) | {"cuts": True}
SPLIT = {"event": "split", "partition": 1, "child": 2, "timestamp": 30}


def watch(*events: dict[str, Any]) -> None:
    checker = StampOrderChecker()
    for one in events:
        checker.observe(one)


def test_a_log_whose_timestamps_grow_is_fine_however_often_it_is_told() -> None:
    watch(
        stands(1, 0),
        applied(2, 10, 8, 9),
        applied(2, 10, 8, 9),
        stands(2, 10),
        # Evaluated before the entry of 10 was proposed: the item is older than that entry.
        applied(4, 20, 9 + 1, 12),
        stands(3, 10),
        SPLIT,
        stands(1, 30, partition=2),
        applied(2, 40, 35, partition=2),
        stands(2, 40, partition=2),
        CUT,
        applied(11, 60, 51),
    )


@pytest.mark.parametrize(
    "events",
    [
        pytest.param((applied(2, 10), applied(3, 10)), id="the entry stands still"),
        pytest.param((applied(2, 10), applied(3, 9)), id="the entry goes back"),
        pytest.param((applied(2, 10, 10),), id="an item as new as its entry"),
        pytest.param((applied(2, 10, 8), applied(3, 20, 8)), id="an item goes back"),
        pytest.param((CUT, applied(11, 60, 49)), id="a record behind the end of its shard"),
        pytest.param((SPLIT, applied(2, 30, partition=2)), id="the child begins too low"),
        pytest.param((SPLIT, applied(2, 40, 30, partition=2)), id="an item of the child"),
        pytest.param((SPLIT, stands(1, 0, partition=2)), id="the child has forgotten"),
        pytest.param((applied(2, 10), stands(2, 0)), id="a restart or a snapshot has forgotten"),
        pytest.param((applied(2, 10), applied(3, 20), stands(2, 20)), id="ahead of its index"),
    ],
)
def test_every_break_is_found(events: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(PromiseBroken):
        watch(*events)
