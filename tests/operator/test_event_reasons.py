"""What people are told: each change of a condition once, for reasons of a closed list."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import stator_operator
from stator_operator.event_reasons import EVENTS, Said, changes
from stator_operator.pool_actions import Reason

FOLDER = Path(stator_operator.__file__).parent
LATER = "2026-11-20T12:00:00Z"


def condition(type_: str, status: str, reason: str, message: str = "text") -> dict[str, Any]:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": LATER,
    }


def test_a_change_is_said_and_no_change_is_not() -> None:
    before = [condition("Accepted", "True", "Accepted")]
    after = [condition("Accepted", "False", "NameTaken")]

    assert [(each.type, each.reason) for each in changes(before, after)] == [
        ("Warning", "NameTaken")
    ]
    assert list(changes(after, after)) == []


def test_that_nothing_serves_at_the_beginning_is_no_news() -> None:
    first = [condition("Ready", "False", "PodsNotReady"), condition("Accepted", "True", "Accepted")]

    assert list(changes([], first)) == []
    assert list(changes([], [condition("Accepted", "False", "NameTaken")])) != []


def test_the_same_change_another_time_is_another_event() -> None:
    ready = condition("Ready", "True", "AllPodsServe")
    not_ready = condition("Ready", "False", "PodsNotReady")
    later = ready | {"lastTransitionTime": "2026-11-20T13:00:00Z"}

    assert list(changes([ready], [not_ready])) != list(changes([later], [not_ready]))
    assert list(changes([ready], [not_ready])) == [
        Said("Warning", "PodsNotReady", "text", f"{LATER}AllPodsServe")
    ]


def test_every_reason_to_wait_is_told() -> None:
    """Whoever adds a reason says here whether it is a warning."""
    reasons = {
        argument.value
        for path in FOLDER.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Waiting"
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant)
    }

    reasons |= {str(each) for each in Reason}
    assert {"NameTaken", "ObjectRefused"} <= reasons
    assert reasons - EVENTS.keys() == set()
