"""The JSON types of request members: what DynamoDB answers with a SerializationException.

In: a request body as the JSON parser left it, and the operation's `Structure`. Out: the same body
with members brought to their declared type, and the `Oddities` met on the way. Called first by the
slow lane of every request module; `constraints.py` comes next.

What holds afterwards: a member that is null is gone (DynamoDB reads null as absent); booleans are
booleans although strings such as "yes" are taken; an Integer lies in 32 bits; every AttributeValue
has passed `item.check_types`. Unknown members, at any depth, are left as they were: DynamoDB
ignores them, so nobody may look at one. Members are checked in the order of the document, because
DynamoDB parses it as a stream.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from stator_core.errors import SerializationException
from stator_core.item import check_types
from stator_core.limits import OLD_LAYER_NESTING_LEVELS
from stator_core.value_rules import FALSE_WORDS, TRUE_WORDS, TYPES

MODEL = "com.amazonaws.dynamodb.v20120810."
UNEXPECTED_FIELD = "Unexpected field type"
UNEXPECTED_VALUE = "Unexpected value type in payload"
UNEXPECTED_STRUCTURE = "Start of structure or map found where not expected"
UNEXPECTED_TOKEN = "Unexpected token received from parser"
# What DynamoDB lets slip when a list or map that is itself an element gets a scalar.
PARAMETERIZED_TYPE = (
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class "
    "java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and "
    "java.lang.Class are in module java.base of loader 'bootstrap')"
)
INTEGER_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1


@dataclass(slots=True)
class Oddities:
    """What the body holds that makes DynamoDB read it, or some of it, by its old layer."""

    string_boolean: bool = False  # a BOOL, NULL or Exists written as a string
    second_member: bool = False  # an AttributeValue with two members
    cut_integer: bool = False  # an Integer that was saturated or lost a fraction
    deep_value: bool = False  # an AttributeValue too deep for the new layer: some old words

    @property
    def old_layer(self) -> bool:
        """True where the whole request is refused in the old wording (captured 2026-10)."""
        return self.string_boolean or self.second_member


class Shape(Protocol):
    """The declared type of one member."""

    def read(self, value: Any, oddities: Oddities, element: bool, /) -> Any:
        """The value in its declared type. `element`: it is in a list or a map, not a member.

        `value` is not null. Raises SerializationException.
        """


def check(body: dict[str, Any], shape: Structure) -> Oddities:
    """Bring every known member of `body` to its type, in place.

    Raises SerializationException with DynamoDB's words for the first member of a wrong type.
    """
    oddities = Oddities()
    shape.read(body, oddities, False)
    return oddities


def token(value: Any) -> str:
    """The name that DynamoDB's parser gives a JSON scalar: `NUMBER_VALUE`."""
    if value is True:
        return "TRUE_VALUE"
    if value is False:
        return "FALSE_VALUE"
    if isinstance(value, str):
        return "STRING_VALUE"
    return "NUMBER_VALUE" if isinstance(value, int) else "DECIMAL_VALUE"


def _refuse_scalar(value: Any, name: str, java_class: str) -> SerializationException:
    """The error for a `value` that is not the scalar `name`."""
    if isinstance(value, dict):
        return SerializationException(UNEXPECTED_STRUCTURE)
    if isinstance(value, list):
        return SerializationException(f"Unrecognized collection type class {java_class}")
    return SerializationException(f"{token(value)} cannot be converted to {name}")


@dataclass(frozen=True, slots=True)
class String:
    java_type = "java.lang.String"

    def read(self, value: Any, _oddities: Oddities, _element: bool, /) -> str:
        if isinstance(value, str):
            return value
        raise _refuse_scalar(value, "String", "java.lang.String")


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A JSON number read as an integer: saturating, its fraction dropped, as DynamoDB does."""

    name: str
    magnitude_max: int

    def read(self, value: Any, oddities: Oddities, _element: bool, /) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _refuse_scalar(value, self.name, f"java.lang.{self.name}")
        # Clamped before the conversion: an infinite float has no integer.
        number = int(max(-self.magnitude_max - 1, min(self.magnitude_max, value)))
        if number != value:
            oddities.cut_integer = True
        return number


@dataclass(frozen=True, slots=True)
class Double:
    def read(self, value: Any, _oddities: Oddities, _element: bool, /) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _refuse_scalar(value, "Double", "java.lang.Double")
        return float(value)


@dataclass(frozen=True, slots=True)
class Boolean:
    """A boolean, or one of the strings that DynamoDB takes for one, in any case (captured 2026-10).

    `odd`: a string here makes the old validation layer read the request (`Exists`, not
    `ConsistentRead`).
    """

    odd: bool = False

    def read(self, value: Any, oddities: Oddities, _element: bool, /) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            oddities.string_boolean |= self.odd
            word = value.lower()
            if word in TRUE_WORDS:
                return True
            if word in FALSE_WORDS:
                return False
            raise SerializationException(UNEXPECTED_TOKEN)
        if isinstance(value, list):
            raise SerializationException(None)
        raise _refuse_scalar(value, "Boolean", "java.lang.Boolean")


@dataclass(frozen=True, slots=True)
class AttributeValueShape:
    """One AttributeValue; its inside is `item.check_types`'s business."""

    java_type = MODEL + "AttributeValue"

    def read(self, value: Any, oddities: Oddities, element: bool, /) -> dict[str, Any]:
        if isinstance(value, dict):
            note_oddities(value, oddities)
            check_types(value)
            return value
        if isinstance(value, list):
            raise SerializationException(f"Unrecognized collection type class {self.java_type}")
        raise SerializationException(UNEXPECTED_VALUE if element else UNEXPECTED_FIELD)


@dataclass(frozen=True, slots=True)
class List:
    """A list. A null element stays null; the constraints name it."""

    of: Shape

    def read(self, value: Any, oddities: Oddities, element: bool, /) -> list[Any]:
        if isinstance(value, dict):
            raise SerializationException(UNEXPECTED_STRUCTURE)
        if not isinstance(value, list):
            raise SerializationException(PARAMETERIZED_TYPE if element else UNEXPECTED_FIELD)
        for position, member in enumerate(value):
            if member is not None:
                value[position] = self.of.read(member, oddities, True)
        return value

    @property
    def java_type(self) -> str:
        return f"java.util.List<{_java_type(self.of)}>"


@dataclass(frozen=True, slots=True)
class Map:
    """A map with string keys. A null value is read as the empty value of its type (UNCONFIRMED)."""

    of: Shape

    def read(self, value: Any, oddities: Oddities, element: bool, /) -> dict[str, Any]:
        if isinstance(value, list):
            raise SerializationException(f"Unrecognized collection type {self.java_type}")
        if not isinstance(value, dict):
            raise SerializationException(PARAMETERIZED_TYPE if element else UNEXPECTED_FIELD)
        for key, member in value.items():
            if member is None:
                member = _empty(self.of)
            value[key] = self.of.read(member, oddities, True)
        return value

    @property
    def java_type(self) -> str:
        return f"java.util.Map<java.lang.String, {_java_type(self.of)}>"


@dataclass(frozen=True, slots=True)
class Structure:
    """Known members by name. `name` is the model's, printed when a list stands in its place."""

    name: str
    members: dict[str, Shape] = field(hash=False)

    def read(self, value: Any, oddities: Oddities, element: bool, /) -> dict[str, Any]:
        if isinstance(value, list):
            raise SerializationException(f"Unrecognized collection type class {self.java_type}")
        if not isinstance(value, dict):
            raise SerializationException(UNEXPECTED_VALUE if element else UNEXPECTED_FIELD)
        nulls = []
        for name, member in value.items():
            if member is None:
                nulls.append(name)
            elif (shape := self.members.get(name)) is not None:
                value[name] = shape.read(member, oddities, False)
        for name in nulls:
            del value[name]
        return value

    @property
    def java_type(self) -> str:
        return MODEL + self.name


def _java_type(shape: Shape) -> str:
    return str(getattr(shape, "java_type", "java.lang.Object"))


def _empty(shape: Shape) -> Any:
    if isinstance(shape, String):
        return ""
    return [] if isinstance(shape, List) else {}


def note_oddities(value: Any, oddities: Oddities) -> None:
    """Mark string booleans, second members and great depth anywhere inside an AttributeValue.

    Runs before the types are checked, so it takes any JSON; a stack of its own bounds it by the
    size of the body, not by its depth.
    """
    unread = [(value, 0)]
    while unread:
        current, depth = unread.pop()
        if not isinstance(current, dict):
            continue
        oddities.deep_value |= depth >= OLD_LAYER_NESTING_LEVELS
        set_members = [name for name in current if name in TYPES and current[name] is not None]
        oddities.second_member |= len(set_members) > 1
        for name in set_members:
            member = current[name]
            if name in ("BOOL", "NULL"):
                oddities.string_boolean |= isinstance(member, str)
            elif name == "L" and isinstance(member, list):
                unread.extend((element, depth + 1) for element in member)
            elif name == "M" and isinstance(member, dict):
                unread.extend((element, depth + 1) for element in member.values())


STRING = String()
INTEGER = WholeNumber("Integer", INTEGER_MAX)
LONG = WholeNumber("Long", LONG_MAX)
DOUBLE = Double()
BOOLEAN = Boolean()
ATTRIBUTE_VALUE = AttributeValueShape()
ATTRIBUTE_MAP = Map(ATTRIBUTE_VALUE)
STRING_LIST = List(STRING)
STRING_MAP = Map(STRING)
ATTRIBUTE_VALUE_LIST = List(ATTRIBUTE_VALUE)
EXPECTED = Map(
    Structure(
        "ExpectedAttributeValue",
        {
            "Value": ATTRIBUTE_VALUE,
            "Exists": Boolean(odd=True),
            "ComparisonOperator": STRING,
            "AttributeValueList": ATTRIBUTE_VALUE_LIST,
        },
    )
)
CONDITIONS = Map(
    Structure(
        "Condition",
        {"AttributeValueList": ATTRIBUTE_VALUE_LIST, "ComparisonOperator": STRING},
    )
)
