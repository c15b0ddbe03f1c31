"""Histories for judging the judges: made by seed from a real sequential item, or spoilt on purpose.

`history` runs operations one after the other, each at an instant inside its own interval, so that
what it makes is linearizable by construction. With `wrong` it changes what one read saw, forgets
one acknowledged write, or lets one add count twice; such a history is nearly always a violation
(nobody may have looked in time), and whether it is one the judges must agree on. Used by the tests
of `linearizability.py` and of porcupine. The item here is written apart from `item_model.py`.
"""

from __future__ import annotations

import random
from typing import Any

from simulation.history import Operation

Item = dict[str, Any] | None

REGISTER = ("read", "read", "write", "put_if_absent", "compare_and_set", "delete")
COUNTER = ("read", "add", "add")
PLAIN = ("read", "write")
EVERYTHING = (*REGISTER, "add")
WRONGS = {"stale read": "read", "lost write": "write", "double add": "add"}


def history(
    seed: int,
    *,
    operations: int,
    keys: int = 1,
    processes: int = 5,
    names: tuple[str, ...] = EVERYTHING,
    unknown: float = 0.05,
    wrong: str | None = None,
) -> list[Operation]:
    """The operations in order of invocation; `unknown` is the share of answers that are lost."""
    chance = random.Random(seed)
    plans = _intervals(chance, operations, processes)
    chosen = [(chance.choice(names), f"k{chance.randrange(keys)}") for _ in plans]
    spoilt = [n for n, (name, _) in enumerate(chosen) if wrong and name == WRONGS[wrong]]
    target = chance.choice(spoilt) if spoilt else -1
    items: dict[str, Item] = {}
    seen: dict[str, list[Item]] = {}
    made = []
    for number, ((process, invoked, returned), (name, key)) in enumerate(
        zip(plans, chosen, strict=True)
    ):
        before = items.get(key)
        argument = _argument(chance, name, number, before)
        result, after = execute(name, argument, before)
        outcome = "unknown" if chance.random() < unknown and number != target else "ok"
        happens = outcome == "ok" or chance.random() < 0.5
        if number == target and wrong == "double add":
            after = execute(name, argument, after)[1]
        if number == target and wrong == "stale read":
            others = [item for item in seen.get(key, [None]) if item != before]
            result = chance.choice(others) if others else result
        if happens and not (number == target and wrong == "lost write"):
            items[key] = after
        seen.setdefault(key, [None]).append(items.get(key))
        if outcome == "unknown" or (name == "add" and chance.random() < 0.3):
            result = None  # Nobody heard, or nobody asked for ReturnValues.
        made.append(
            Operation(f"c{process}", name, key, argument, outcome, result, invoked, returned)
        )
    return sorted(made, key=lambda operation: operation.invoked)


def execute(name: str, argument: Any, item: Item) -> tuple[Any, Item]:
    """What DynamoDB would answer, and the item afterwards."""
    if name == "read":
        return item, item
    if name == "write":
        return None, _with_value(argument)
    if name == "delete":
        return None, None
    if name == "add":
        after = {**(item or {}), "count": (item or {}).get("count", 0) + argument}
        return after["count"], after
    if name == "put_if_absent":
        return item is None, _with_value(argument) if item is None else item
    expected, new = argument
    holds = item is not None and "value" in item and item["value"] == expected
    return holds, _with_value(new) if holds else item


def _with_value(value: Any) -> Item:
    return {} if value is None else {"value": value}


def _intervals(chance: random.Random, count: int, processes: int) -> list[tuple[int, int, int]]:
    """(process, invoked, returned), in order of an instant inside each interval."""
    free_at = [0] * processes
    timed = []
    for _ in range(count):
        process = min(range(processes), key=lambda number: free_at[number])
        invoked = free_at[process] + chance.randrange(1, 50)
        instant = invoked + chance.randrange(0, 100)
        returned = instant + chance.randrange(1, 100)
        free_at[process] = returned
        timed.append((instant, process, invoked, returned))
    return [(process, invoked, returned) for _, process, invoked, returned in sorted(timed)]


def _argument(chance: random.Random, name: str, number: int, item: Item) -> Any:
    if name in ("write", "put_if_absent"):
        return f"v{number}"
    if name == "add":
        return chance.choice((1, 1, 1, 5, -2))
    if name == "compare_and_set":
        current = (item or {}).get("value", "nothing")
        guess = f"v{max(0, number - 3)}"
        return [current if chance.random() < 0.7 else guess, f"v{number}"]
    return None
