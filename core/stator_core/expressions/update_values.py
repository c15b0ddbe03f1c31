"""The values that an update computes: sums, unions, differences, longer lists.

In: the value stored at a target, if any, and the operand. Out: the new value, canonical like its
parents. Called by the closures of `update.py`; nothing here changes its arguments, which belong to
the item before and to the request.
Source: AWS Developer Guide, "Using update expressions in DynamoDB".
"""

from __future__ import annotations

from binascii import a2b_base64
from typing import Final

from stator_core import number
from stator_core.errors import ValidationException
from stator_core.item import AttributeValue
from stator_core.limits import NESTING_LEVELS_MAX

INCORRECT_TYPE: Final = "An operand in the update expression has an incorrect data type"
LEGACY_MISMATCH: Final = "Type mismatch for attribute to update"
TOO_DEEP: Final = "Nesting Levels have exceeded supported limits"

_SET_TYPES: Final = frozenset(("SS", "NS", "BS"))
_SORT_KEYS: Final = {"SS": None, "NS": number.sort_key, "BS": a2b_base64}


def calculated(operator: str, left: AttributeValue, right: AttributeValue) -> AttributeValue:
    """A sum or a difference. Raises ValidationException unless both are numbers in range."""
    first, second = left.get("N"), right.get("N")
    if first is None or second is None:
        raise ValidationException(INCORRECT_TYPE)
    calculate = number.add if operator == "+" else number.subtract
    return {"N": calculate(first, second)}


def joined(left: AttributeValue, right: AttributeValue) -> AttributeValue:
    """list_append: the elements of two lists. Raises ValidationException for other types."""
    first, second = left.get("L"), right.get("L")
    if first is None or second is None:
        raise ValidationException(INCORRECT_TYPE)
    return {"L": first + second}


def added(stored: AttributeValue | None, operand: AttributeValue, mismatch: str) -> AttributeValue:
    """ADD: a number to a number, elements to a set; AttributeUpdates adds to lists too.

    A missing attribute becomes the operand. Raises ValidationException(mismatch).
    """
    if stored is None:
        return operand
    ((kind, content),) = operand.items()
    before = stored.get(kind)
    if before is None:
        raise ValidationException(mismatch)
    if kind == "N":
        return {"N": number.add(before, content)}
    if kind == "L":
        return {"L": before + content}
    assert kind in _SET_TYPES
    return {kind: sorted({*before, *content}, key=_SORT_KEYS[kind])}


def without(
    stored: AttributeValue, operand: AttributeValue, mismatch: str
) -> AttributeValue | None:
    """DELETE: the set without the operand's elements, None if that leaves none.

    Raises ValidationException(mismatch) unless both are sets of one type.
    """
    ((kind, content),) = operand.items()
    before = stored.get(kind)
    if before is None:
        raise ValidationException(mismatch)
    assert kind in _SET_TYPES
    gone = frozenset(content)
    left = [element for element in before if element not in gone]
    return {kind: left} if left else None


def check_depth(value: AttributeValue, above: int) -> None:
    """Refuse a value that lies too deep, with `above` lists and maps around it."""
    if ("L" in value or "M" in value) and _levels(value) + above > NESTING_LEVELS_MAX:
        raise ValidationException(TOO_DEEP)


def _levels(value: AttributeValue) -> int:
    """A scalar is one level, a list or map one more than its deepest element."""
    elements = value.get("L")
    if elements is None:
        members = value.get("M")
        if members is None:
            return 1
        elements = members.values()
    return 1 + max(map(_levels, elements), default=0)
