"""Request members against their constraints: DynamoDB's collected `validation error detected`.

In: members whose JSON types `shapes.py` has checked. Out: nothing, or one ValidationException that
lists every violation. Called second by the slow lane of every request module, before anything looks
at several members together.

DynamoDB answers by two validation layers. The old one prints value and path (`Value '0' at
'limit'`); the new one, which most single-item and read operations have moved to, prints lengths and
ranges without the value and with the member's own spelling (`Value at 'Limit'`). The caller picks
the words per rule; the tables of enum members here are in DynamoDB's printing order.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final, TypeGuard

from stator_core.errors import ValidationException
from stator_core.limits import (
    CONSTRAINT_VIOLATIONS_SHOWN_MAX,
    TABLE_ARN_CHARACTERS_MAX,
    TABLE_NAME_CHARACTERS_MAX,
    TABLE_NAME_CHARACTERS_MIN,
)

NAME_PATTERN_TEXT = "[a-zA-Z0-9_.-]+"
ENVELOPE = "1 validation error detected: "

NOT_NULL = "not be null"
TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
TABLE_ARN = re.compile(
    r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/([a-zA-Z0-9_.-]{3,255})"
)
_TABLE_NAMES_KEPT_MAX = 1_024
_table_names: set[str] = set()  # that came lately
_NAME_CHARACTERS = re.compile(NAME_PATTERN_TEXT)

# Enum members in the order in which DynamoDB prints them.
RETURN_CONSUMED_CAPACITY: Final = ("INDEXES", "TOTAL", "NONE")
RETURN_VALUES: Final = ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
RETURN_ITEM_COLLECTION_METRICS: Final = ("SIZE", "NONE")
RETURN_VALUES_ON_CONDITION_CHECK_FAILURE: Final = ("ALL_OLD", "NONE")
SELECT: Final = ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
KEY_TYPE: Final = ("HASH", "RANGE")
ATTRIBUTE_TYPE: Final = ("B", "N", "S")
BILLING_MODE: Final = ("PROVISIONED", "PAY_PER_REQUEST")
TABLE_CLASS: Final = ("STANDARD", "STANDARD_INFREQUENT_ACCESS")
PROJECTION_TYPE: Final = ("ALL", "INCLUDE", "KEYS_ONLY")
CONDITIONAL_OPERATOR: Final = ("OR", "AND")
COMPARISON_OPERATOR: Final = (
    "IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT",
    "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE", "CONTAINS",
)  # fmt: skip


def length_at_least(characters: int) -> str:
    return f"have length greater than or equal to {characters}"


def length_at_most(characters: int) -> str:
    return f"have length less than or equal to {characters}"


def value_at_least(number: int) -> str:
    return f"have value greater than or equal to {number}"


def value_at_most(number: int) -> str:
    return f"have value less than or equal to {number}"


def in_enum(members: Collection[str]) -> str:
    return f"satisfy enum value set: [{', '.join(members)}]"


MATCH_NAME_PATTERN = f"satisfy regular expression pattern: {NAME_PATTERN_TEXT}"


class Violations:
    """The violations of one request so far, in the order in which the caller found them."""

    __slots__ = ("sentences",)

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def __bool__(self) -> bool:
        return bool(self.sentences)

    def add(self, path: str, value: Any, rule: str) -> None:
        """Old wording. `path` as DynamoDB prints it: `keySchema.1.member.keyType`."""
        shown = "null" if value is None else f"'{echo(value)}'"
        self.add_sentence(
            f"Value {shown} at '{path}' failed to satisfy constraint: Member must {rule}"
        )

    def add_without_value(self, member: str, rule: str) -> None:
        """New wording of lengths and ranges. `member` in its own spelling: `Limit`."""
        self.add_sentence(f"Value at '{member}' failed to satisfy constraint: Member must {rule}")

    def add_sentence(self, sentence: str) -> None:
        """A violation in words of its own."""
        self.sentences.append(sentence)

    def require(self, path: str, value: Any) -> None:
        """A member that must not be null."""
        if value is None:
            self.add(path, None, NOT_NULL)

    def enum(self, path: str, value: str | None, members: Collection[str]) -> None:
        """An optional member out of `members` (given in printing order)."""
        if value is not None and value not in members:
            self.add(path, value, in_enum(members))

    def length(self, path: str, value: Any, minimum: int, maximum: int | None = None) -> None:
        """An optional string, list or map of `minimum` to `maximum` characters or members."""
        if value is None:
            return
        if len(value) < minimum:
            self.add(path, value, length_at_least(minimum))
        elif maximum is not None and len(value) > maximum:
            self.add(path, value, length_at_most(maximum))

    def range(self, path: str, value: int | None, minimum: int, maximum: int | None = None) -> None:
        """An optional number of `minimum` to `maximum`."""
        if value is None:
            return
        if value < minimum:
            self.add(path, value, value_at_least(minimum))
        elif maximum is not None and value > maximum:
            self.add(path, value, value_at_most(maximum))

    def name(self, path: str, value: str, *, both: bool = False) -> None:
        """A table or index name of 3 to 255 of `[a-zA-Z0-9_.-]`: one violation, length first.

        `both`: also the second violation, pattern first, as UpdateItem and the old layer list them.
        """
        length = None
        if len(value) < TABLE_NAME_CHARACTERS_MIN:
            length = length_at_least(TABLE_NAME_CHARACTERS_MIN)
        elif len(value) > TABLE_NAME_CHARACTERS_MAX:
            length = length_at_most(TABLE_NAME_CHARACTERS_MAX)
        misspelt = _NAME_CHARACTERS.fullmatch(value) is None
        if misspelt and (both or length is None):
            self.add(path, value, MATCH_NAME_PATTERN)
        if length is not None:
            self.add(path, value, length)

    def raise_any(self) -> None:
        """Raise what was found, at most ten sentences, under one count."""
        if not self.sentences:
            return
        shown = self.sentences[:CONSTRAINT_VIOLATIONS_SHOWN_MAX]
        plural = "" if len(shown) == 1 else "s"
        raise ValidationException(
            f"{len(shown)} validation error{plural} detected: {'; '.join(shown)}"
        )


def echo(value: Any) -> str:
    """A value as the old layer prints it, which is as Java does: `[a, b]`, `{T=[x]}`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(echo, value))}]"
    if isinstance(value, dict):
        members = (f"{name}={echo(member)}" for name, member in value.items())
        return "{" + ", ".join(members) + "}"
    return str(value)


def enveloped(error: ValidationException) -> ValidationException:
    """The same error behind `1 validation error detected: `, as the new layer sends many."""
    return ValidationException(ENVELOPE + (error.message or ""))


def is_table_name(text: object) -> TypeGuard[str]:
    """Fast lane: a plain table name, right in length and characters."""
    if type(text) is not str:
        return False
    if text in _table_names:
        return True
    if TABLE_NAME.fullmatch(text) is None:
        return False
    if len(_table_names) >= _TABLE_NAMES_KEPT_MAX:
        _table_names.clear()
    _table_names.add(text)
    return True


def table_name_of(text: str) -> str:
    """The table's name, from a name or a table ARN. Callers may pass either (AWS: TableArn)."""
    match = TABLE_ARN.fullmatch(text)
    return text if match is None else match[1]


def check_table_name(violations: Violations, name: str | None, *, both: bool = False) -> None:
    """TableName of an item operation, missing, or misspelt; '' has new words (captured 2026-10).

    An empty name is the caller's first question (`check_empty_table_name`), and an ARN passes.
    """
    if name is None:
        violations.add("tableName", None, NOT_NULL)
    elif name.startswith("arn:") and len(name) > TABLE_ARN_CHARACTERS_MAX:
        violations.add("tableName", name, length_at_most(TABLE_ARN_CHARACTERS_MAX))
    elif name and TABLE_ARN.fullmatch(name) is None:
        violations.name("tableName", name, both=both)


def check_empty_table_name(violations: Violations, name: str | None) -> None:
    """TableName '' in the new layer's words: reported before the other members."""
    if name == "":
        violations.add_without_value("TableName", length_at_least(1))
