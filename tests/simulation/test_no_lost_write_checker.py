"""What was acknowledged is there at the end, or has been overwritten; anything else is told."""

from __future__ import annotations

from typing import Any

import pytest

from simulation.example_histories import COUNTER, REGISTER, execute, history
from simulation.history import Operation, events_of
from simulation.no_lost_write_checker import NoLostWriteChecker
from simulation.promise import PromiseBroken


def operation(
    interval: str, name: str, argument: Any = None, outcome: str = "ok", result: Any = None
) -> Operation:
    invoked, returned = map(int, interval.split())
    return Operation(f"c{invoked}", name, "k", argument, outcome, result, invoked, returned)


def judge(operations: list[Operation], items: dict[str, Any]) -> NoLostWriteChecker:
    checker = NoLostWriteChecker()
    for event in events_of(operations):
        checker.observe(event)
    checker.finish(items)
    return checker


KEPT: dict[str, tuple[list[Operation], Any]] = {
    "the last write": ([operation("1 2", "write", "x"), operation("3 4", "write", "y")], "y"),
    "either of two concurrent": (
        [operation("1 3", "write", "x"), operation("2 4", "write", "y")],
        "x",
    ),
    "an unknown write that came late": (
        [operation("1 2", "write", "x", "unknown"), operation("3 4", "write", "y")],
        "x",
    ),
    "an unknown delete": (
        [operation("1 2", "write", "x"), operation("3 4", "delete", None, "unknown")],
        None,
    ),
    "a refused condition changes nothing": (
        [
            operation("1 2", "write", "x"),
            operation("3 4", "put_if_absent", "y", result=False),
            operation("5 6", "compare_and_set", ["q", "z"], result=False),
        ],
        "x",
    ),
    "nothing was done": ([operation("1 2", "write", "x", "not_done")], None),
}

LOST: dict[str, tuple[list[Operation], Any]] = {
    "an acknowledged write is gone": ([operation("1 2", "write", "x")], None),
    "an older value is back": (
        [operation("1 2", "write", "x"), operation("3 4", "write", "y")],
        "x",
    ),
    "a deleted item is back": ([operation("1 2", "write", "x"), operation("3 4", "delete")], "x"),
    "a value from nowhere": ([operation("1 2", "write", "x")], "z"),
    "a write that was not done": ([operation("1 2", "write", "x", "not_done")], "x"),
    "a swap is gone": (
        [
            operation("1 2", "write", "x"),
            operation("3 4", "compare_and_set", ["x", "y"], result=True),
        ],
        "x",
    ),
    "a put after a delete is gone": (
        [operation("1 2", "delete"), operation("3 4", "put_if_absent", "y", result=True)],
        None,
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_may_stand_at_the_end_passes(name: str) -> None:
    operations, value = KEPT[name]

    judge(operations, {"k": None if value is None else {"value": value}})


@pytest.mark.parametrize("name", LOST)
def test_a_lost_write_is_told(name: str) -> None:
    operations, value = LOST[name]

    with pytest.raises(PromiseBroken, match="key 'k': is"):
        judge(operations, {"k": None if value is None else {"value": value}})


@pytest.mark.parametrize("count, passes", [(2, False), (3, True), (4, True), (5, False)])
def test_a_counter_lies_between_the_certain_and_the_possible(count: int, passes: bool) -> None:
    operations = [
        operation("1 2", "add", 1),
        operation("3 4", "add", 2),
        operation("5 6", "add", 1, "unknown"),
        operation("7 8", "add", 7, "not_done"),
    ]

    if passes:
        judge(operations, {"k": {"count": count}})
    else:
        with pytest.raises(PromiseBroken, match="the acknowledged adds allow only 3 to 4"):
            judge(operations, {"k": {"count": count}})


def test_a_key_that_nobody_wrote_is_told() -> None:
    with pytest.raises(PromiseBroken, match="key 'other' is there, and nobody wrote it"):
        judge([], {"other": {"value": "x"}})


def test_a_key_of_mixed_kind_is_not_judged() -> None:
    operations = [operation("1 2", "write", "x"), operation("3 4", "add", 1)]

    assert judge(operations, {"k": None}).unjudged == ["k"]


@pytest.mark.parametrize("seed", range(30))
def test_what_ran_one_after_the_other_passes(seed: int) -> None:
    names = COUNTER if seed % 2 else REGISTER
    made = history(seed, operations=60, processes=1, names=names, unknown=0.0)
    item = None
    for one in made:
        item = execute(one.name, one.argument, item)[1]

    judge(made, {"k0": item})
