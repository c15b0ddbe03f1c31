"""The search accepts what has an order, refuses what has none, and agrees with a plain one."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.example_histories import (
    COUNTER,
    EVERYTHING,
    PLAIN,
    REGISTER,
    WRONGS,
    Item,
    execute,
    history,
)
from simulation.history import Operation
from simulation.linearizability import check


def operation(
    interval: str, process: str, name: str, argument: Any = None, result: Any = None
) -> Operation:
    """`"1 5"` is from 1 to 5; `"1 ?"` has an unknown outcome."""
    invoked, returned = interval.split()
    if returned == "?":
        return Operation(process, name, "k", argument, "unknown", None, int(invoked), None)
    return Operation(process, name, "k", argument, "ok", result, int(invoked), int(returned))


def write(interval: str, process: str, value: Any) -> Operation:
    return operation(interval, process, "write", value)


def read(interval: str, process: str, value: Any) -> Operation:
    return operation(interval, process, "read", None, None if value is None else {"value": value})


def read_count(interval: str, process: str, count: int | None) -> Operation:
    return operation(interval, process, "read", None, count and {"count": count})


def add(interval: str, process: str, delta: int, result: int | None = None) -> Operation:
    return operation(interval, process, "add", delta, result)


def if_absent(interval: str, process: str, value: Any, done: bool | None = None) -> Operation:
    return operation(interval, process, "put_if_absent", value, done)


def swap(interval: str, process: str, old: Any, new: Any, done: bool | None = None) -> Operation:
    return operation(interval, process, "compare_and_set", [old, new], done)


def delete(interval: str, process: str) -> Operation:
    return operation(interval, process, "delete")


LINEARIZABLE: dict[str, list[Operation]] = {
    "nothing at all": [],
    "Herlihy and Wing: a read beside a write sees either value": [
        write("1 2", "a", "x"), write("3 10", "a", "y"),
        read("4 5", "b", "x"), read("6 7", "c", "y"),
    ],
    "porcupine's first example: reads out of the order of their invocation": [
        write("0 100", "a", "100"), read("5 35", "b", "100"), read("30 60", "c", None),
    ],
    "a write that hides right before another": [
        write("1 9", "a", "x"), write("2 4", "b", "y"),
        read("5 6", "c", "y"), read("10 11", "c", "y"),
    ],
    "a write that returns first may still come last": [
        write("1 5", "a", "x"), write("2 9", "b", "y"), read("10 11", "c", "x"),
    ],
    "an unknown write that is seen long after": [
        write("1 2", "a", "x"), write("3 ?", "b", "y"),
        read("50 51", "c", "x"), read("60 61", "c", "y"),
    ],
    "an unknown write that never comes": [
        write("1 2", "a", "x"), write("3 ?", "b", "y"), read("50 51", "c", "x"),
    ],
    "unknown adds count or do not": [
        add("1 2", "a", 1), add("3 ?", "b", 1), add("4 ?", "c", 1), read_count("9 10", "a", 2),
    ],
    "a delete between two writes": [
        write("1 2", "a", "x"), delete("3 4", "a"), if_absent("5 6", "b", "y", True),
    ],
    "one of two that put if absent": [
        if_absent("1 5", "a", "x", True), if_absent("2 6", "b", "y", False), read("7 8", "c", "x"),
    ],
    "an unknown delete makes room": [
        write("1 2", "a", "x"), delete("3 ?", "b"), if_absent("4 9", "c", "z", True),
    ],
    "a write hides behind a delete of nothing": [
        delete("1 2", "a"), write("3 20", "b", "x"), delete("4 6", "a"), add("5 9", "c", 1, 1),
        read_count("21 22", "a", 1),
    ],
    "PutItem takes the count away": [
        add("1 2", "a", 5, 5), write("3 4", "a", "x"), add("5 6", "a", 1, 1),
    ],
    "equal times are concurrent": [write("1 5", "a", "x"), read("5 6", "b", None)],
}  # fmt: skip

VIOLATED: dict[str, list[Operation]] = {
    "a stale read": [
        write("1 2", "a", "x"), write("3 4", "a", "y"), read("5 6", "b", "x"),
    ],
    "new-old inversion (Lamport 1986: regular, not atomic)": [
        write("1 2", "a", "x"), write("3 20", "a", "y"),
        read("4 6", "b", "y"), read("7 9", "c", "x"),
    ],
    "porcupine's second example: three values in one write's time": [
        write("0 100", "a", "200"), read("10 30", "b", "200"), read("40 90", "c", None),
    ],
    "two readers see two writes in two orders (sequentially consistent for none)": [
        write("1 2", "a", "x"), write("1 2", "b", "y"),
        read("3 4", "c", "x"), read("5 6", "c", "y"),
        read("3 4", "d", "y"), read("5 6", "d", "x"),
    ],
    "a lost write": [write("1 2", "a", "x"), read("3 4", "b", None)],
    "a value from nowhere": [write("1 2", "a", "x"), read("3 4", "b", "z")],
    "a write that did not happen": [
        Operation("a", "write", "k", "x", "not_done", None, 1, 2), read("3 4", "b", "x"),
    ],
    "an unknown write that comes and goes": [
        write("1 2", "a", "x"), write("3 ?", "b", "y"),
        read("4 5", "c", "y"), read("6 7", "c", "x"),
    ],
    "a lost update (Berenson and others 1995, P4)": [
        add("1 5", "a", 1), add("2 6", "b", 1), read_count("7 8", "c", 1),
    ],
    "an add that counts twice": [add("1 2", "a", 1), read_count("3 4", "b", 2)],
    "two adds that tell the same count": [add("1 5", "a", 1, 1), add("2 6", "b", 1, 1)],
    "an unknown add counts once": [add("1 ?", "a", 1), read_count("3 4", "b", 2)],
    "two that put if absent": [if_absent("1 5", "a", "x", True), if_absent("2 6", "b", "y", True)],
    "a compare-and-set of what is gone": [
        write("1 2", "a", "x"), write("3 4", "a", "y"), swap("5 6", "b", "x", "z", True),
    ],
    "a compare-and-set refused for no reason": [
        write("1 2", "a", "x"), swap("3 4", "b", "x", "z", False),
    ],
    "a deleted item that comes back": [
        write("1 2", "a", "x"), delete("3 4", "a"), read("5 6", "b", "x"),
    ],
    "two delete and only one room": [
        write("1 2", "a", "x"), delete("3 9", "a"),
        if_absent("4 10", "b", "y", True), if_absent("4 10", "c", "z", True),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", LINEARIZABLE)
def test_a_known_linearizable_history_is_accepted(name: str) -> None:
    verdict = check(LINEARIZABLE[name])

    assert verdict.answer == "linearizable", verdict.explanation


@pytest.mark.parametrize("name", VIOLATED)
def test_a_known_violation_is_found(name: str) -> None:
    assert check(VIOLATED[name]).answer == "violated"


def has_order(operations: list[Operation]) -> bool:
    """Wing and Gong's search as plain as can be: every order of every subset."""
    calls = [one for one in operations if one.outcome != "not_done"]
    failed: set[tuple[frozenset[int], str]] = set()

    def may_follow(done: frozenset[int], item: Item) -> bool:
        owed = [n for n, one in enumerate(calls) if n not in done and one.outcome == "ok"]
        if not owed:
            return True
        if (done, repr(item)) in failed:
            return False
        latest = min(calls[n].returned or 0 for n in owed)
        for number, one in enumerate(calls):
            if number in done or one.invoked > latest:
                continue
            result, after = execute(one.name, one.argument, item)
            told = one.outcome == "ok" and one.name not in ("write", "delete")
            if one.name == "add" and one.result is None:
                told = False
            if (not told or result == one.result) and may_follow(done | {number}, after):
                return True
        failed.add((done, repr(item)))
        return False

    return may_follow(frozenset(), None)


def with_few_values(operations: list[Operation]) -> list[Operation]:
    """The same with two values and only small steps up, so that operations are alike."""

    def fewer(value: Any) -> Any:
        if isinstance(value, list):
            return [fewer(one) for one in value]
        if isinstance(value, dict):
            return {name: fewer(one) for name, one in value.items()}
        if isinstance(value, str) and value[1:].isdigit():
            return "ab"[int(value[1:]) % 2]
        return value

    fewer_values = [
        replace(one, argument=fewer(one.argument), result=fewer(one.result)) for one in operations
    ]
    return [
        replace(one, argument=1 + one.argument % 2) if one.name == "add" else one
        for one in fewer_values
    ]


@given(
    st.integers(0, 1 << 32),
    st.integers(2, 11),
    st.integers(1, 7),
    st.sampled_from([PLAIN, REGISTER, COUNTER, EVERYTHING]),
    st.sampled_from([0.0, 0.2, 0.5]),
    st.sampled_from([None, *WRONGS]),
    st.booleans(),
)
def test_the_search_agrees_with_one_that_tries_every_order(
    seed: int,
    operations: int,
    processes: int,
    names: tuple[str, ...],
    unknown: float,
    wrong: str | None,
    few_values: bool,
) -> None:
    made = history(
        seed,
        operations=operations,
        processes=processes,
        names=names,
        unknown=unknown,
        wrong=wrong,
    )
    if few_values:
        made = with_few_values(made)

    assert (check(made).answer == "linearizable") == has_order(made)


@given(
    st.integers(0, 1 << 32),
    st.integers(1, 300),
    st.integers(1, 8),
    st.integers(1, 4),
    st.sampled_from([PLAIN, REGISTER, COUNTER, EVERYTHING]),
)
def test_what_ran_one_after_the_other_is_accepted(
    seed: int, operations: int, processes: int, keys: int, names: tuple[str, ...]
) -> None:
    made = history(
        seed, operations=operations, processes=processes, keys=keys, names=names, unknown=0.03
    )

    verdict = check(made)

    assert verdict.answer == "linearizable", verdict.explanation


@given(st.integers(0, 1 << 32), st.integers(0, 200), st.sampled_from(list(WRONGS)))
def test_one_wrong_that_somebody_saw_is_found(seed: int, operations: int, wrong: str) -> None:
    """One client, nothing concurrent, so that the first look after the wrong must be caught."""
    names = COUNTER if wrong == "double add" else PLAIN
    made = history(seed, operations=operations, processes=1, names=names, unknown=0.0, wrong=wrong)
    expected = "linearizable" if has_order_alone(made) else "violated"

    assert check(made).answer == expected


def has_order_alone(operations: list[Operation]) -> bool:
    """The only order there is, when no two operations overlap."""
    item: Item = None
    for one in operations:
        result, item = execute(one.name, one.argument, item)
        told = one.name == "read" or one.result is not None
        if told and result != one.result:
            return False
    return True


def test_most_wrongs_among_many_concurrent_operations_are_found() -> None:
    """A wrong that nobody saw in time is none, so not all."""
    found = dict.fromkeys(WRONGS, 0)
    for wrong in WRONGS:
        names = COUNTER if wrong == "double add" else PLAIN
        for seed in range(40):
            names = (*names, "read", "read", "read", "read")
            made = history(seed, operations=150, processes=3, names=names, wrong=wrong)
            found[wrong] += check(made).answer == "violated"

    assert min(found.values()) >= 20, found


def test_the_explanation_names_the_key_the_call_and_what_stood_beside_it() -> None:
    good = [replace(one, key="other") for one in history(1, operations=50)]
    inversion = [
        write("1 2", "a", "x"),
        write("3 20", "a", "y"),
        read("4 6", "b", "y"),
        read("7 9", "c", "x"),
    ]

    verdict = check([*good, *inversion])

    assert verdict.key == "k"
    assert verdict.explanation.splitlines() == [
        'not linearizable: key "k"',
        '  no place for       [7 .. 9] c read -> {"value": "x"}',
        "  linearizable are   the first 2 of 4 operations on this key, by return",
        '  at its invocation  the item could only be {"value": "y"}',
        "  by these steps     (the last of one order of several)",
        '    [1 .. 2] a write "x"',
        '    [3 .. 20] a write "y"',
        "  it was concurrent with",
        '    [3 .. 20] a write "y"',
        "  what it saw was written by",
        '    [1 .. 2] a write "x"',
    ]


def test_a_search_without_end_says_undecided_and_still_judges_the_other_keys() -> None:
    hard = [add(f"{n} 1000", f"c{n}", 1 << n) for n in range(40)]
    hard.append(read_count("500 1001", "d", (1 << 40) + 1))
    bad = [replace(one, key="z") for one in VIOLATED["a stale read"]]

    assert check(hard, moves_max=20_000).answer == "undecided"
    assert check([*hard, *bad], moves_max=20_000).answer == "violated"


@pytest.mark.parametrize("names", [PLAIN, COUNTER, EVERYTHING])
def test_fifty_thousand_operations_over_fifty_keys_take_seconds(names: tuple[str, ...]) -> None:
    made = history(7, operations=50_000, keys=50, processes=32, names=names, unknown=0.005)
    begun = time.process_time()

    verdict = check(made)

    assert verdict.answer == "linearizable", verdict.explanation
    assert time.process_time() - begun < 20.0  # 1 to 2 s on the machine it was written on
