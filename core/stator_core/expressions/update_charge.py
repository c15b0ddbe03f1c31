"""What an UpdateExpression is charged against the limit on the size of items.

In: resolved actions. Out: the bytes that text and names decide, and the values whose sizes come on
top, one for each use. Called by `update.py`. DynamoDB refuses an update whose charge passes the
limit even if the finished item does not; the numbers were bisected at that limit (2026-10).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from stator_core.expressions.syntax import (
    Action,
    Arithmetic,
    Call,
    Element,
    Elements,
    Operand,
    Path,
    Value,
    walk,
)
from stator_core.item import utf8_length

# All in bytes.
_STATEMENT: Final = 3
_WRITES: Final = 19  # an action of SET or ADD
_CLEARS: Final = 1  # an action of REMOVE or DELETE, whose operand is free
_TARGET_STEP: Final = 4  # each element of a target after the first
_READ: Final = 1  # a path that is read
_READ_STEP: Final = 14  # each of its elements
_OPERATIONS: Final = {"+": 34, "-": 37, "if_not_exists": 39, "list_append": 37}


@dataclass(frozen=True, slots=True)
class Charge:
    """`fixed` bytes, and the sizes of the values of these placeholders."""

    fixed: int
    placeholders: tuple[str, ...]


NO_CHARGE: Final = Charge(0, ())


def charge_of(actions: Iterable[Action]) -> Charge:
    """The charge of an update."""
    fixed = _STATEMENT
    placeholders: list[str] = []
    for action in actions:
        fixed += _target(action.target.elements)
        if action.clause in ("REMOVE", "DELETE"):
            fixed += _CLEARS
            continue
        fixed += _WRITES
        assert action.operand is not None
        for operand in walk(action.operand):
            fixed += _operand(operand)
            if isinstance(operand, Value):
                placeholders.append(operand.placeholder)
    return Charge(fixed, tuple(placeholders))


def _operand(operand: Operand) -> int:
    """One operand without those inside it."""
    match operand:
        case Path(elements):
            return _READ + sum(_READ_STEP + _element(each) for each in elements)
        case Call(name) | Arithmetic(name):
            return _OPERATIONS.get(name, 0)
        case Value():
            return 0


def _target(elements: Elements) -> int:
    return sum(map(_element, elements)) + _TARGET_STEP * (len(elements) - 1)


def _element(element: Element) -> int:
    return utf8_length(element) if isinstance(element, str) else len(str(element))
