"""What the functions and operators of conditions do with values.

In: canonical values, or None for an attribute that is missing. Out: a boolean, for `size` a value.
Called by the closures of `evaluate.py` and `legacy.py`. A missing attribute or a stored value of a
type that a function does not take is never an error: the condition is false.
Source: AWS Developer Guide, "Comparison operator and function reference".
"""

from __future__ import annotations

from binascii import a2b_base64

from stator_core.item import AttributeValue, binary_length

# The member of a set type that its elements would have as values.
_SET_OF = {"S": "SS", "N": "NS", "B": "BS"}


def size(value: AttributeValue | None) -> AttributeValue | None:
    """The size as a number: UTF-16 units of S, bytes of B, elements of sets, lists and maps."""
    if value is None:
        return None
    ((kind, content),) = value.items()
    match kind:
        case "S":
            length = len(content) if content.isascii() else len(content.encode("utf-16-le")) // 2
        case "B":
            length = binary_length(content)
        case "N" | "BOOL" | "NULL":
            return None
        case _:
            length = len(content)
    return {"N": str(length)}


def begins_with(value: AttributeValue | None, prefix: AttributeValue | None) -> bool:
    """Whether a string or binary begins with another of its type."""
    if value is None or prefix is None:
        return False
    if "S" in value and "S" in prefix:
        beginning: str = prefix["S"]
        text: str = value["S"]
        return text.startswith(beginning)
    if "B" in value and "B" in prefix:
        return a2b_base64(value["B"]).startswith(a2b_base64(prefix["B"]))
    return False


def contains(value: AttributeValue | None, element: AttributeValue | None) -> bool:
    """Whether a string or binary holds a part, or a set or list an element. Maps hold nothing."""
    if value is None or element is None:
        return False
    elements = value.get("L")
    if elements is not None:
        return element in elements
    ((kind, content),) = element.items()
    members = value.get(_SET_OF.get(kind, ""))
    if members is not None:
        return content in members
    whole = value.get(kind)
    if whole is None:
        return False
    if kind == "S":
        return content in whole
    return kind == "B" and a2b_base64(content) in a2b_base64(whole)


def has_type(value: AttributeValue | None, kind: AttributeValue | None) -> bool:
    """attribute_type: whether the value is of the type that the string `kind` names."""
    return value is not None and kind is not None and kind.get("S") in value
