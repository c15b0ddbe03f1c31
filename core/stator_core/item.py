"""Items and attribute values: what is legal, how large it is, what is equal.

An item arrives as the DynamoDB JSON of a request and stays that JSON: `validate_item` accepts the
usual values in one tight pass, brings them to their canonical form in place and measures them;
whatever the pass does not expect goes to `value_rules.py`, which raises DynamoDB's error or
rewrites the value so that the pass accepts it. Called by the request modules for items, keys and
values.

What holds afterwards, and everything below relies on it: exactly one member per value; N is the
canonical text of `number.py`; sets are sorted (SS and BS by bytes, NS by value); B is strict
base64; BOOL and NULL are booleans. Hence two canonical values are equal exactly if Python says so.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable
from typing import Any, TypeAlias

from stator_core import number
from stator_core.limits import ATTRIBUTE_NAME_BYTES_MAX, NESTING_LEVELS_MAX
from stator_core.number import NumberRefused, canonical
from stator_core.value_rules import (
    EMPTY_NAME,
    EMPTY_VALUE,
    Family,
    ValueRefused,
    check_names,
    check_types,
    check_value,
    normalise,
)

__all__ = [
    "EMPTY_NAME",
    "EMPTY_VALUE",
    "AttributeValue",
    "Family",
    "Item",
    "ValueRefused",
    "accept_item",
    "check_names",
    "check_types",
    "compare",
    "equal",
    "item_size",
    "type_of",
    "utf8_length",
    "validate_item",
    "validate_value",
    "value_size",
]

AttributeValue: TypeAlias = dict[str, Any]
Item: TypeAlias = dict[str, AttributeValue]

TOO_LARGE = "Item size has exceeded the maximum allowed size"
UPDATE_TOO_LARGE = "Item size to update has exceeded the maximum allowed size"

_COLLECTION_BYTES = 3  # of a list or a map, and one byte for each of its elements
_BEFORE_TWO_PADS = "AQgw"  # lowest four bits zero
_BEFORE_ONE_PAD = "AEIMQUYcgkosw048"  # lowest two bits zero


class _Odd(ValueError):
    """The tight pass met something that it leaves to `value_rules.py`."""


# What the tight pass stumbles over: a wrong JSON type shows as a missing method, a value with no or
# several members as a failed unpacking, bad base64 as a ValueError, an unknown type as a KeyError.
_STUMBLES = (ValueError, AttributeError, TypeError, KeyError, NumberRefused)


def utf8_length(text: str) -> int:
    """Bytes of `text` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def validate_item(item: Any) -> int:
    """Check an item and bring its values to canonical form, in place. Returns its size in bytes.

    Raises ValueRefused, or SerializationException where the JSON has a wrong type. An item over
    400 KB is no error here: PutItem and UpdateItem word that differently.
    Source: AWS: Item sizes and formats; Supported data types.
    """
    try:
        return _accept_members(item, 0)
    except _STUMBLES:
        as_value = {"M": item}
        _explain(as_value, -1)
        return _accept_members(item, 0)


def accept_item(item: Any) -> int | None:
    """The same for a fast lane: the size, or None where the ordered checks have to look."""
    try:
        return _accept_members(item, 0)
    except _STUMBLES:
        return None


def validate_value(value: Any, depth: int = 0) -> int:
    """The same for one AttributeValue at nesting level `depth`. Returns its size in bytes.

    Where DynamoDB allows one level more (PartiQL parameters, ScanFilter values, values of
    transactions), `depth` is -1.
    """
    try:
        return _accept(value, depth)
    except _STUMBLES:
        _explain(value, depth)
        return _accept(value, depth)


def _explain(value: Any, depth: int) -> None:
    """Raise the error of a refused value; or rewrite it, if it is legal, for the tight pass."""
    check_types(value)
    check_names(value)
    check_value(value, depth)
    normalise(value)


def _accept_members(members: Any, depth: int) -> int:
    """Names and values of an item or a map, the values at nesting level `depth`: their bytes."""
    size = 0
    for name, value in members.items():
        ((kind, content),) = value.items()
        if kind == "S":
            if content.isascii() and name.isascii():
                size += len(name) + len(content)
            else:
                size += len(name.encode()) + len(content.encode())
        else:
            size += _ACCEPT[kind](value, content, depth)
            size += len(name) if name.isascii() else len(name.encode())
    if "" in members or (size > ATTRIBUTE_NAME_BYTES_MAX and _has_long_name(members)):
        raise _Odd
    return size


def _has_long_name(members: Item) -> bool:
    return any(len(name.encode()) > ATTRIBUTE_NAME_BYTES_MAX for name in members)


def _accept(value: Any, depth: int) -> int:
    ((kind, content),) = value.items()
    if kind == "S" and content.isascii():
        return len(content)
    return _ACCEPT[kind](value, content, depth)


def _accept_string(_value: AttributeValue, content: Any, _depth: int) -> int:
    return utf8_length(content)


def _accept_number(value: AttributeValue, content: Any, _depth: int) -> int:
    text = canonical(content)
    if text is not content:
        value["N"] = text
    return number.size_bytes(text)


def _accept_binary(_value: AttributeValue, content: Any, _depth: int) -> int:
    return _base64_bytes(content)


def _base64_bytes(content: str) -> int:
    """Bytes that a base64 text stands for. Raises ValueError unless it is the only such text."""
    size = len(a2b_base64(content, strict_mode=True))
    if content.endswith("="):
        if len(content) % 4:  # Some Pythons take one padding too many for strict.
            raise _Odd
        if content.endswith("=="):
            if content[-3] not in _BEFORE_TWO_PADS:
                raise _Odd
        elif content[-2] not in _BEFORE_ONE_PAD:
            raise _Odd
    return size


def _accept_boolean(_value: AttributeValue, content: Any, _depth: int) -> int:
    if content is not True and content is not False:
        raise _Odd
    return 1


def _accept_null(_value: AttributeValue, content: Any, _depth: int) -> int:
    if content is not True:
        raise _Odd
    return 1


def _accept_list(_value: AttributeValue, content: Any, depth: int) -> int:
    if type(content) is not list or (depth >= NESTING_LEVELS_MAX - 1 and content):
        raise _Odd
    size = _COLLECTION_BYTES + len(content)
    depth += 1
    for element in content:
        size += _accept(element, depth)
    return size


def _accept_map(_value: AttributeValue, content: Any, depth: int) -> int:
    if type(content) is not dict or (depth >= NESTING_LEVELS_MAX - 1 and content):
        raise _Odd
    return _COLLECTION_BYTES + len(content) + _accept_members(content, depth + 1)


def _accept_string_set(_value: AttributeValue, content: Any, _depth: int) -> int:
    if type(content) is not list or not content or len(set(content)) != len(content):
        raise _Odd
    size = sum(map(utf8_length, content))
    content.sort()  # Code points order as their UTF-8 bytes do.
    return size


def _accept_number_set(value: AttributeValue, content: Any, _depth: int) -> int:
    if type(content) is not list or not content:
        raise _Odd
    numbers = list(map(canonical, content))
    if len(set(numbers)) != len(numbers):
        raise _Odd
    numbers.sort(key=number.sort_key)
    value["NS"] = numbers
    return sum(map(number.size_bytes, numbers))


def _accept_binary_set(_value: AttributeValue, content: Any, _depth: int) -> int:
    if type(content) is not list or not content or len(set(content)) != len(content):
        raise _Odd
    size = sum(map(_base64_bytes, content))
    content.sort(key=a2b_base64)
    return size


_ACCEPT: dict[str, Callable[[AttributeValue, Any, int], int]] = {
    "S": _accept_string,
    "N": _accept_number,
    "B": _accept_binary,
    "BOOL": _accept_boolean,
    "NULL": _accept_null,
    "L": _accept_list,
    "M": _accept_map,
    "SS": _accept_string_set,
    "NS": _accept_number_set,
    "BS": _accept_binary_set,
}


def type_of(value: AttributeValue) -> str:
    """The type member of a canonical value: `S`, `N`, `BOOL`, ..."""
    (kind,) = value
    return kind


def item_size(item: Item) -> int:
    """Bytes of a canonical item: names and values (AWS: Item sizes and formats)."""
    size = 0
    for name, value in item.items():
        ((kind, content),) = value.items()
        size += len(name) if name.isascii() else len(name.encode())
        size += _MEASURE[kind](content)
    return size


def value_size(value: AttributeValue) -> int:
    """Bytes of a canonical value."""
    ((kind, content),) = value.items()
    return _MEASURE[kind](content)


def binary_length(content: str) -> int:
    """Bytes that a strict base64 text stands for."""
    return len(content) // 4 * 3 - content.count("=", -2)


def _one_byte(_content: bool) -> int:
    return 1


def _list_size(content: list[AttributeValue]) -> int:
    return _COLLECTION_BYTES + len(content) + sum(map(value_size, content))


def _map_size(content: Item) -> int:
    return _COLLECTION_BYTES + len(content) + item_size(content)


_MEASURE: dict[str, Callable[[Any], int]] = {
    "S": utf8_length,
    "N": number.size_bytes,
    "B": binary_length,
    "BOOL": _one_byte,
    "NULL": _one_byte,
    "L": _list_size,
    "M": _map_size,
    "SS": lambda members: sum(map(utf8_length, members)),
    "NS": lambda members: sum(map(number.size_bytes, members)),
    "BS": lambda members: sum(map(binary_length, members)),
}


def equal(a: AttributeValue, b: AttributeValue) -> bool:
    """Whether two canonical values are equal: same type, sets and maps unordered, deep.

    Source: AWS: Comparison operator and function reference.
    """
    return a == b


def compare(a: AttributeValue, b: AttributeValue) -> int | None:
    """-1, 0 or 1 for two canonical S, N or B of one type; None for what has no order.

    Strings and binaries order by their unsigned bytes, numbers by value (AWS: Query, sort order).
    """
    ((kind, first),) = a.items()
    second = b.get(kind)
    if second is None:
        return None
    if kind == "S":
        return 0 if first == second else -1 if first < second else 1
    if kind == "N":
        return number.compare(first, second)
    if kind == "B":
        first, second = a2b_base64(first), a2b_base64(second)
        return 0 if first == second else -1 if first < second else 1
    return None
