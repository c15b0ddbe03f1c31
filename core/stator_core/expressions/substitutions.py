"""The placeholders of one request: ExpressionAttributeNames and ExpressionAttributeValues.

In: the request's body, its JSON types checked. Out: a `Substitutions` whose values are canonical,
which every `compile_*` function of this package takes and notes its use in; at the end the request
module asks `check_all_used`. DynamoDB checks both maps before any expression.

DynamoDB words several refusals by the validation layer that reads the request, so the caller says
which one it is. `parse` and `check_all_used` add the envelope themselves, because not every refusal
has it; the `compile_*` functions raise bare texts, all of which have it on an enveloped layer.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Any

from stator_core.errors import SerializationException, ValidationException
from stator_core.expressions.recent import Recent
from stator_core.item import EMPTY_NAME, AttributeValue, ValueRefused, validate_value
from stator_core.limits import (
    ATTRIBUTE_NAME_BYTES_MAX,
    SUBSTITUTION_BYTES_MAX,
    SUBSTITUTIONS_TOTAL_BYTES_MAX,
)
from stator_core.value_rules import LONG_NAME

ENVELOPE = "1 validation error detected: "
NAMES = "ExpressionAttributeNames"
VALUES = "ExpressionAttributeValues"
# The limit is AWS's, the words are ours (UNCONFIRMED).
TOO_LARGE = f"{VALUES} exceeds max size"

_NAME_PLACEHOLDER = re.compile(r"#[A-Za-z0-9_]+", re.ASCII)
_VALUE_PLACEHOLDER = re.compile(r":[A-Za-z0-9_]+", re.ASCII)
_SURELY_SHORT = ATTRIBUTE_NAME_BYTES_MAX // 4  # characters: no name this short is too long
_NOTHING_USED: frozenset[str] = frozenset()
_NO_NAMES: dict[str, str] = {}
_NO_VALUES: dict[str, AttributeValue] = {}


# Placeholders that came together lately and were found to be well-formed, by their map.
_well_formed: dict[str, Recent[None]] = {NAMES: Recent(), VALUES: Recent()}


class Layer(Enum):
    """The validation layer of DynamoDB that reads a request (captured 2026-10)."""

    OLD = auto()  # batch writes, transactions, and requests with oddly written values
    NEW = auto()  # the reads
    NEW_ENVELOPED = auto()  # PutItem, UpdateItem, DeleteItem

    def refused(self, text: str) -> ValidationException:
        """The error of a refusal that this layer envelopes if it envelopes any."""
        return ValidationException(ENVELOPE + text if self is Layer.NEW_ENVELOPED else text)


class Substitutions:
    """Checked placeholders, and which of them the expressions compiled so far have used."""

    __slots__ = ("names", "names_key", "used_names", "used_values", "values")

    def __init__(self, names: dict[str, str], values: dict[str, AttributeValue]) -> None:
        """From maps that are checked already; values must be canonical."""
        self.names = names
        self.values = values
        # What the caches of compiled expressions tell the names apart by.
        self.names_key = tuple(names.items())
        self.used_names = _NOTHING_USED
        self.used_values = _NOTHING_USED

    @staticmethod
    def parse(body: dict[str, Any], layer: Layer) -> Substitutions:
        """Check both maps of a request, names first; bring the values to canonical form in place.

        Raises ValidationException, or SerializationException for a JSON type.
        Source: AWS Developer Guide, "Expression attribute names", "Expression attribute values".
        """
        names = body.get(NAMES)
        values = body.get(VALUES)
        if names is None:
            names = _NO_NAMES
        else:
            _check_names(names, layer)
        if values is None:
            values = _NO_VALUES
        else:
            _check_placeholders(VALUES, values, _VALUE_PLACEHOLDER, layer)
            size = 0
            for placeholder, value in values.items():
                try:
                    size += validate_value(value)
                except ValueRefused as refused:
                    raise _refused_value(refused, placeholder, layer) from None
                if size > SUBSTITUTIONS_TOTAL_BYTES_MAX:
                    raise layer.refused(TOO_LARGE)
        return Substitutions(names, values)

    def names_characters(self) -> int:
        """How much text the names are, for the bounds of those caches."""
        return sum([len(placeholder) + len(name) for placeholder, name in self.names_key])

    def note_use(self, names: frozenset[str], values: frozenset[str]) -> None:
        """An expression uses these placeholders, all of them defined."""
        # Mostly there is one expression, whose sets are cached with it: nothing is made here.
        self.used_names = self.used_names | names if self.used_names else names
        self.used_values = self.used_values | values if self.used_values else values

    def check_all_used(self, layer: Layer) -> None:
        """Refuse placeholders that no expression used, names before values."""
        # What is used is defined, so equal counts mean equal sets.
        if len(self.used_names) != len(self.names):
            raise _unused(NAMES, self.names.keys() - self.used_names, layer)
        if len(self.used_values) != len(self.values):
            raise _unused(VALUES, self.values.keys() - self.used_values, layer)


def _check_names(names: Any, layer: Layer) -> None:
    _check_placeholders(NAMES, names, _NAME_PLACEHOLDER, layer)
    for placeholder, name in names.items():
        if type(name) is not str:
            raise SerializationException("Unexpected value type in payload")
        if not name or len(name) > _SURELY_SHORT:
            _check_name(name, placeholder, layer)


def refuse_empty_names(body: dict[str, Any], layer: Layer) -> None:
    """An empty name behind a placeholder: reported before the lack of an expression that uses it.

    Raises ValidationException.
    """
    for placeholder, name in body.get(NAMES, _NO_NAMES).items():
        if not name:
            _check_name(name, placeholder, layer)


def _check_name(name: str, placeholder: str, layer: Layer) -> None:
    """Refuse an attribute name that is empty or longer than 65,535 bytes."""
    if name and len(name.encode()) <= ATTRIBUTE_NAME_BYTES_MAX:
        return
    reason = LONG_NAME if name else EMPTY_NAME
    raise layer.refused(f"{NAMES} contains invalid value: {reason} for key {placeholder}")


def _check_placeholders(
    parameter: str, substitutions: Any, pattern: re.Pattern[str], layer: Layer
) -> None:
    if type(substitutions) is not dict:
        raise SerializationException("Unexpected field type")
    if not substitutions:
        raise layer.refused(f"{parameter} must not be empty")
    key = tuple(substitutions)
    well_formed = _well_formed[parameter]
    if key in well_formed.entries:
        return
    matches = pattern.fullmatch
    for placeholder in substitutions:
        if len(placeholder) > SUBSTITUTION_BYTES_MAX:
            size = f" size of key: {len(placeholder)}" if parameter == NAMES else ""
            raise layer.refused(
                f"{parameter} contains invalid key: "
                f"The expression attribute map contains a key that is too long;{size}"
            )
        if matches(placeholder) is None:
            text = f'{parameter} contains invalid key: Syntax error; key: "{placeholder}"'
            if placeholder[:1] != pattern.pattern[0]:
                raise ValidationException(text)  # Without its sign it is refused bare everywhere.
            raise layer.refused(text)
    well_formed.put(key, None, sum(map(len, key)))


def _refused_value(refused: ValueRefused, placeholder: str, layer: Layer) -> ValidationException:
    """A refused value, in the words of the layer."""
    old = layer is Layer.OLD or refused.old_layer
    text = refused.message_old if old else refused.message_new
    if old or refused.names_the_placeholder:
        text = f"{VALUES} contains invalid value: {text} for key {placeholder}"
    if old or not refused.enveloped_on_writes:
        return ValidationException(text)
    return layer.refused(text)


def _unused(parameter: str, placeholders: set[str], layer: Layer) -> ValidationException:
    keys = ", ".join(sorted(placeholders))
    return layer.refused(f"Value provided in {parameter} unused in expressions: keys: {{{keys}}}")
