"""What is wrong with a value: the slow lane of `item.py`, in DynamoDB's order and words.

`item.py` accepts the usual values in one tight pass and comes here with everything else. `check_*`
change nothing and raise the error that DynamoDB answers; if none does, the value is legal though
unusually written, and `normalise` rewrites it in place so that the tight pass accepts it.

DynamoDB reads a request by one of two validation layers; where their words differ, a ValueRefused
carries both. No function here recurses by the depth of the input without a bound.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterator
from enum import Enum, auto
from itertools import chain
from typing import Any, Final

from stator_core.errors import SerializationException, ValidationException
from stator_core.limits import (
    ATTRIBUTE_NAME_BYTES_MAX,
    NESTING_LEVELS_MAX,
    OLD_LAYER_NESTING_LEVELS,
)
from stator_core.number import NumberRefused, canonical

INVALID: Final = "One or more parameter values were invalid: "
EMPTY_VALUE: Final = (
    "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
)
TWO_MEMBERS: Final = (
    "Supplied AttributeValue has more than one datatypes set, "
    "must contain exactly one of the supported datatypes"
)
NULL_FALSE: Final = INVALID + "Null attribute value types must have the value of true"
EMPTY_NAME: Final = "Empty attribute name"
LONG_NAME: Final = "Attribute name is too large, must be less than 65536 bytes"
NESTING: Final = (
    "Nesting Levels have exceeded supported limits: "
    "Attributes in the item have nested levels beyond supported limit"
)
EMPTY_SETS: Final = {
    "SS": INVALID + "An string set  may not be empty",
    "NS": INVALID + "An number set  may not be empty",
    "BS": INVALID + "Binary sets should not be empty",
}
NULL_ELEMENTS: Final = {
    "SS": INVALID + "An string set may not have a null string as a member",
    "BS": INVALID + "Binary sets may not contain null or empty values",
}

TYPES: Final = frozenset(("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"))
TRUE_WORDS: Final = frozenset(("true", "t", "yes", "y", "1"))
FALSE_WORDS: Final = frozenset(("false", "f", "no", "n", "0"))

_MODEL = "com.amazonaws.dynamodb.v20120810."
_STRUCTURE_UNEXPECTED = "Start of structure or map found where not expected"
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
# The characters whose lowest four or two bits are zero: what may stand before `==` and before `=`.
_BEFORE_TWO_PADS = frozenset("AQgw")
_BEFORE_ONE_PAD = frozenset("AEIMQUYcgkosw048")


class Family(Enum):
    """The kinds of refusal; DynamoDB wraps and prefixes each kind in its own way."""

    NUMBER = auto()
    SET = auto()  # duplicates
    EMPTY_SET = auto()
    NULL_FALSE = auto()
    NESTING = auto()
    EMPTY_NAME = auto()
    EMPTY_VALUE = auto()
    TWO_MEMBERS = auto()


_NAMES_THE_PLACEHOLDER = frozenset((Family.EMPTY_SET, Family.EMPTY_VALUE, Family.TWO_MEMBERS))
_BARE_ON_WRITES = frozenset((Family.EMPTY_VALUE, Family.TWO_MEMBERS))


class ValueRefused(ValidationException):
    """One refused value. `message_new`, `message_old`: the bare texts of the two layers.

    `old_layer`: this very value makes DynamoDB read the whole request by the old layer.
    """

    def __init__(
        self,
        family: Family,
        message_new: str,
        message_old: str | None = None,
        *,
        old_layer: bool = False,
    ) -> None:
        super().__init__(message_new)
        self.family = family
        self.message_new = message_new
        self.message_old = message_new if message_old is None else message_old
        self.old_layer = old_layer

    @property
    def names_the_placeholder(self) -> bool:
        """Whether the new layer too says `... contains invalid value: ... for key :v` of it.

        The old layer says it of every refusal in ExpressionAttributeValues (captured 2026-10).
        """
        return self.family in _NAMES_THE_PLACEHOLDER

    @property
    def enveloped_on_writes(self) -> bool:
        """Whether PutItem, UpdateItem, DeleteItem put `1 validation error detected: ` before it."""
        return self.family not in _BARE_ON_WRITES and not self.old_layer


def _unread(value: Any, depth: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Each AttributeValue inside `value`, itself first, in the order of the document, with depth.

    Keeps a stack of its own, of the lists and maps it is inside: the input may be nested deeper
    than Python's. A null counts as an empty AttributeValue. Raises SerializationException for what
    is no AttributeValue.
    """
    outer: list[Iterator[Any]] = [iter((value,))]
    while outer:
        for current in outer[-1]:
            if current is None:
                current = {}
            if type(current) is not dict:
                raise _no_value(current)
            yield current, depth + len(outer) - 1
            if "L" in current or "M" in current:
                outer.append(_inside(current))
                break
        else:
            outer.pop()


def _inside(value: dict[str, Any]) -> Iterator[Any]:
    """What a list and a map in `value` hold, where their JSON types are right."""
    elements, members = value.get("L"), value.get("M")
    return chain(
        elements if type(elements) is list else (),
        members.values() if type(members) is dict else (),
    )


def _no_value(content: Any) -> SerializationException:
    if type(content) is list:
        return SerializationException(f"Unrecognized collection type class {_MODEL}AttributeValue")
    return SerializationException("Unexpected value type in payload")


def check_types(value: Any) -> None:
    """Raise SerializationException where the JSON inside one AttributeValue has a wrong type.

    Source: DynamoDB's parser as its answers show it (AWS: API reference, AttributeValue).
    """
    for current, _ in _unread(value, 0):
        for kind, content in current.items():
            if content is None or kind not in TYPES:
                continue
            if kind == "S" or kind == "N":
                _check_string(content)
            elif kind == "B":
                _check_base64(content)
            elif kind == "BOOL" or kind == "NULL":
                _check_boolean(content)
            elif kind == "M":
                _check_map(content)
            else:
                _check_list(kind, content)


def _check_string(content: Any) -> None:
    if type(content) is str:
        return
    if type(content) is dict:
        raise SerializationException(_STRUCTURE_UNEXPECTED)
    if type(content) is list:
        raise SerializationException("Unrecognized collection type class java.lang.String")
    raise SerializationException(f"{_token(content)} cannot be converted to String")


def _token(content: Any) -> str:
    """The name that DynamoDB's parser gives to a JSON scalar that is no string."""
    if content is True:
        return "TRUE_VALUE"
    if content is False:
        return "FALSE_VALUE"
    return "NUMBER_VALUE" if isinstance(content, int) else "DECIMAL_VALUE"


def _check_boolean(content: Any) -> None:
    if type(content) is bool:
        return
    if type(content) is str:
        if content.lower() not in TRUE_WORDS | FALSE_WORDS:
            raise SerializationException("Unexpected token received from parser")
    elif type(content) is dict:
        raise SerializationException(_STRUCTURE_UNEXPECTED)
    elif type(content) is list:
        raise SerializationException(None)
    else:
        raise SerializationException(f"{_token(content)} cannot be converted to Boolean")


def _check_base64(content: Any) -> None:
    if type(content) is dict:
        raise SerializationException(_STRUCTURE_UNEXPECTED)
    if type(content) is list:
        raise SerializationException("Unrecognized collection type class java.nio.ByteBuffer")
    if type(content) is not str:
        raise SerializationException("only base-64-encoded strings are convertible to bytes")
    if len(content) % 4:
        raise SerializationException(
            f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(content)}"
        )
    for character in content:
        if character not in _BASE64:
            raise SerializationException(f"Invalid Base64 character: '{character}'")
    digits = content.rstrip("=")
    pads = len(content) - len(digits)
    allowed = {0: _BASE64, 1: _BEFORE_ONE_PAD, 2: _BEFORE_TWO_PADS}.get(pads, frozenset[str]())
    if content and digits[-1:] not in allowed:
        raise SerializationException("Invalid last non-pad Base64 character dectected")
    if "=" in digits:
        raise SerializationException("Invalid Base64 character: '='")


def _check_map(content: Any) -> None:
    if type(content) is dict:
        return
    if type(content) is list:
        raise SerializationException(
            f"Unrecognized collection type java.util.Map<java.lang.String, {_MODEL}AttributeValue>"
        )
    raise SerializationException("Unexpected field type")


def _check_list(kind: str, content: Any) -> None:
    if type(content) is dict:
        raise SerializationException(_STRUCTURE_UNEXPECTED)
    if type(content) is not list:
        raise SerializationException("Unexpected field type")
    if kind == "L":
        return  # `_unread` hands out the elements.
    check_element = _check_base64 if kind == "BS" else _check_string
    for element in content:
        if element is not None:
            check_element(element)


def check_names(value: Any) -> None:
    """Raise ValueRefused where a map inside has an empty name, or one over 65,535 bytes.

    DynamoDB looks for these before all other faults of values. `value` has passed `check_types`.
    """
    if value and "L" not in value and "M" not in value:
        return
    for current, _ in _unread(value, 0):
        for name in current.get("M") or ():
            if not name:
                raise ValueRefused(Family.EMPTY_NAME, EMPTY_NAME)
            if len(name.encode()) > ATTRIBUTE_NAME_BYTES_MAX:
                raise ValueRefused(Family.EMPTY_NAME, LONG_NAME)


def check_value(value: Any, depth: int) -> None:
    """Raise ValueRefused for the first fault of one AttributeValue at nesting level `depth`.

    `value` has passed `check_types`. Faults of the values come before too deep nesting.
    """
    deepest = depth
    for current, level in _unread(value, depth):
        _check_members(current)
        deepest = max(deepest, level)
    if deepest >= NESTING_LEVELS_MAX:
        old_layer = deepest >= OLD_LAYER_NESTING_LEVELS
        raise ValueRefused(Family.NESTING, NESTING, old_layer=old_layer)


def _check_members(value: dict[str, Any]) -> None:
    """One value alone. With several members set each is looked at before their number is."""
    present = [kind for kind in value if kind in TYPES and value[kind] is not None]
    beside_another = len(present) > 1
    for kind in present:
        if kind in EMPTY_SETS and not value[kind]:
            raise ValueRefused(Family.EMPTY_SET, EMPTY_SETS[kind], old_layer=beside_another)
    for kind in present:
        if kind == "N":
            _canonical(value[kind])
        elif kind in EMPTY_SETS:
            _check_set(kind, value[kind])
    null = value.get("NULL")
    if null is False or (type(null) is str and null.lower() in FALSE_WORDS):
        old_layer = beside_another or null is not False
        raise ValueRefused(Family.NULL_FALSE, NULL_FALSE, old_layer=old_layer)
    if beside_another:
        raise ValueRefused(Family.TWO_MEMBERS, TWO_MEMBERS, old_layer=True)
    if not present:
        raise ValueRefused(Family.EMPTY_VALUE, EMPTY_VALUE)


def _canonical(text: str) -> str:
    try:
        return canonical(text)
    except NumberRefused as refused:
        raise ValueRefused(Family.NUMBER, refused.message_new, refused.message_old) from refused


def _check_set(kind: str, elements: list[str]) -> None:
    """A set that is not empty: numbers legal, no member twice (numbers by value)."""
    if kind == "NS":
        numbers = [_canonical(element or "") for element in elements]
        if len(set(numbers)) != len(numbers):
            text = "Input collection contains duplicates"
            raise ValueRefused(Family.SET, f"{INVALID}{text}.", text)
        return
    if None in elements:
        raise ValueRefused(Family.SET, NULL_ELEMENTS[kind])
    read: set[str] = set()
    for position, element in enumerate(elements):
        if element in read:
            raise _duplicates(kind, elements, position)
        read.add(element)


def _duplicates(kind: str, elements: list[str], repeat: int) -> ValueRefused:
    """The refusal of a string or binary set whose element at `repeat` came before.

    The new layer quotes the members that it had read, sorted, then the rest as sent; the old layer
    prints the set as sent (captured 2026-10).
    """
    read = sorted(elements[:repeat], key=a2b_base64 if kind == "BS" else None)
    shown = [f'"{element}"' for element in (*read, *elements[repeat:])]
    as_sent = ", ".join(elements)
    if kind == "BS":
        message_new = (
            f"{INVALID}Input collection [{','.join(shown)}]of type BS contains duplicates."
        )
        message_old = f"{INVALID}Input collection [{as_sent}]of type BS contains duplicates."
    else:
        message_new = f"{INVALID}Input collection [{', '.join(shown)}] contains duplicates."
        message_old = f"{INVALID}Input collection [{as_sent}] contains duplicates."
    return ValueRefused(Family.SET, message_new, message_old)


def normalise(value: Any) -> None:
    """Rewrite a legal value in place: one member each, booleans as booleans.

    The numbers and sets inside are left to the tight pass of `item.py`.
    """
    for current, _ in _unread(value, 0):
        for kind in [kind for kind in current if kind not in TYPES or current[kind] is None]:
            del current[kind]
        for kind in ("BOOL", "NULL"):
            word = current.get(kind)
            if type(word) is str:
                current[kind] = word.lower() in TRUE_WORDS
