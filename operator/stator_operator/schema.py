"""The words that the custom resources are described in, and their OpenAPI form.

In: what `table_resource.py`, `storage_pool_resource.py` and `partition_resource.py` say of their
fields. Out: dictionaries for `custom_resource.py`. Invariant: everything has a bound (length,
number, range), since the API server gives every CEL rule a budget and reckons with the largest
object that the schema lets in.

Kubernetes: "Extend the Kubernetes API with CustomResourceDefinitions", "Validation rules".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL expression that must hold. One that names `oldSelf` is looked at on changes only."""

    expression: str
    message: str
    at: str = ""  # the field that the message is about, as a path from here

    def openapi(self) -> dict[str, Any]:
        rule = {"rule": self.expression, "message": self.message}
        if self.at:
            rule["fieldPath"] = self.at
        return rule


class Field(Protocol):
    """A field of a resource."""

    def openapi(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A string. `values`: the only ones that are allowed."""

    description: str
    length_max: int = 0
    length_min: int = 0
    pattern: str = ""
    values: tuple[str, ...] = ()
    default: str | None = None
    format: str = ""
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        assert self.length_max or self.values or self.format == "date-time"

    def openapi(self) -> dict[str, Any]:
        return _with_options(
            {"type": "string", "description": self.description},
            enum=list(self.values),
            minLength=self.length_min,
            maxLength=self.length_max,
            pattern=self.pattern,
            format=self.format,
            default=self.default,
            rules=self.rules,
        )


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""

    description: str
    minimum: int | None = None
    maximum: int | None = None
    default: int | None = None
    rules: tuple[Rule, ...] = ()

    def openapi(self) -> dict[str, Any]:
        return _with_options(
            {"type": "integer", "format": "int64", "description": self.description},
            minimum=self.minimum,
            maximum=self.maximum,
            default=self.default,
            rules=self.rules,
        )


@dataclass(frozen=True, slots=True)
class Truth:
    """True or false."""

    description: str
    default: bool | None = None

    def openapi(self) -> dict[str, Any]:
        return _with_options(
            {"type": "boolean", "description": self.description}, default=self.default
        )


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list. `keys`: the members that name an item; then lists of several writers are merged."""

    description: str
    items: Field
    items_max: int
    items_min: int = 0
    keys: tuple[str, ...] = ()
    is_set: bool = False
    rules: tuple[Rule, ...] = ()

    def openapi(self) -> dict[str, Any]:
        kind = "map" if self.keys else "set" if self.is_set else "atomic"
        return _with_options(
            {
                "type": "array",
                "description": self.description,
                "items": self.items.openapi(),
                "maxItems": self.items_max,
                "x-kubernetes-list-type": kind,
            },
            minItems=self.items_min,
            **{"x-kubernetes-list-map-keys": list(self.keys)},
            rules=self.rules,
        )


@dataclass(frozen=True, slots=True)
class TextByName:
    """A map from names to strings, such as labels."""

    description: str
    entries_max: int
    length_max: int

    def openapi(self) -> dict[str, Any]:
        return {
            "type": "object",
            "description": self.description,
            "maxProperties": self.entries_max,
            "additionalProperties": {"type": "string", "maxLength": self.length_max},
        }


@dataclass(frozen=True, slots=True)
class Structure:
    """An object with named fields. `required` are those that must be there."""

    description: str
    fields: Mapping[str, Field]
    required: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    default: dict[str, Any] | None = field(default=None)

    def __post_init__(self) -> None:
        assert set(self.required) <= set(self.fields)

    def openapi(self) -> dict[str, Any]:
        return _with_options(
            {
                "type": "object",
                "description": self.description,
                "properties": {name: each.openapi() for name, each in self.fields.items()},
            },
            required=list(self.required),
            default=self.default,
            rules=self.rules,
        )


def unchangeable(what: str) -> Rule:
    """The value stays what it was. For an optional field, its owner has `stays_or_stays_away`."""
    return Rule("self == oldSelf", f"{what} cannot be changed")


def stays_or_stays_away(member: str, what: str) -> Rule:
    """An optional field is there from the beginning or never.

    A transition rule of the field itself is not looked at while the field comes or goes.
    """
    expression = f"has(self.{member}) == has(oldSelf.{member})"
    return Rule(expression, f"{what} can only be set at creation", at=f".{member}")


# What the API server takes a quantity for; its own rules are `isQuantity` and what it compares.
QUANTITY_CHARACTERS_MAX = 20


def quantity(description: str, *rules: Rule, default: str | None = None) -> Text:
    """An amount, such as `500m` or `10Gi`."""
    is_one = Rule("isQuantity(self)", "must be a quantity such as 500m or 10Gi")
    return Text(description, QUANTITY_CHARACTERS_MAX, 1, default=default, rules=(is_one, *rules))


CONDITIONS = ListOf(
    "What is so at present, each with its reason and what to do about it.",
    Structure(
        "One statement and whether it is true.",
        {
            "type": Text("What the statement is about.", 316),
            "status": Text("Whether it is true.", values=("True", "False", "Unknown")),
            "observedGeneration": Whole("The generation of the spec that this was said of.", 0),
            "lastTransitionTime": Text("When the status last changed.", format="date-time"),
            "reason": Text("Why, in one word.", 1_024, 1),
            "message": Text("Why, for people, and what to change.", 32_768),
        },
        required=("type", "status", "lastTransitionTime", "reason", "message"),
    ),
    items_max=16,
    keys=("type",),
)
OBSERVED_GENERATION = Whole("The newest generation of the spec that the operator has seen.", 0)


def _with_options(
    schema: dict[str, Any], *, rules: tuple[Rule, ...] = (), **options: Any
) -> dict[str, Any]:
    """The schema with what is set of its options. A zero or False that somebody gave counts."""
    meaningless = {"minLength": 0, "maxLength": 0, "minItems": 0}
    for name, value in options.items():
        if value in (None, "", []) or (name in meaningless and value == 0):
            continue
        schema[name] = value
    if rules:
        schema["x-kubernetes-validations"] = [rule.openapi() for rule in rules]
    return schema
