"""ExclusiveStartKey: its values, its fit to the schema, and its place in the range.

Called by `query.py` and `scan.py`, first while parsing (`check_values`), then once table and index
are known (`check_schema`). AWS: "Paginating table query results"; the texts and their order are as
DynamoDB answers (captured 2026-10). A start key need not name an existing item.
"""

from __future__ import annotations

from typing import Literal

from stator_core.errors import ValidationException
from stator_core.item import Family, Item, ValueRefused, type_of, validate_value
from stator_core.key_rules import check_key_value
from stator_core.table import Index, KeyAttribute, Table

INVALID_START = "The provided starting key is invalid"
INVALID = "One or more parameter values were invalid: "

Operation = Literal["Query", "Scan"]


def check_values(start_key: Item, operation: Operation, old_layer: bool) -> None:
    """Check and canonicalise the values, whatever table they are for."""
    for value in start_key.values():
        try:
            validate_value(value)
        except ValueRefused as refused:
            raise _refusal(refused, operation, old_layer) from None


def check_schema(start_key: Item, table: Table, index: Index | None, operation: Operation) -> None:
    """Refuse a start key that has not exactly the keys of table and index, with their types."""
    attributes = {attribute.name: attribute for attribute in table.key_schema.attributes}
    if index is not None:
        attributes.update((key.name, key) for key in index.key_schema.attributes)
    if start_key.keys() != attributes.keys():
        raise ValidationException(INVALID_START)
    for name, attribute in attributes.items():
        found = type_of(start_key[name])
        if found != attribute.type:
            raise _wrong_type(attribute, found, table, index, operation)
    hash_names = {key.name for key in table.key_schema.hash + (index or table).key_schema.hash}
    for name, attribute in attributes.items():
        try:
            check_key_value(attribute, start_key[name], name in hash_names)
        except ValidationException as refused:
            # No answer of DynamoDB is known for this (UNCONFIRMED).
            raise ValidationException(f"{INVALID_START}: {refused.message}") from None


def _refusal(refused: ValueRefused, operation: Operation, old_layer: bool) -> ValidationException:
    message = refused.message_old if old_layer else refused.message_new
    # A Query prefixes only what is no value at all; a Scan all refusals but that of an empty name.
    no_value = refused.family in (Family.EMPTY_VALUE, Family.TWO_MEMBERS)
    if no_value or (operation == "Scan" and refused.family is not Family.EMPTY_NAME):
        message = f"{INVALID_START}: {message}"
    return ValidationException(message)


def _wrong_type(
    attribute: KeyAttribute, found: str, table: Table, index: Index | None, operation: Operation
) -> ValidationException:
    """Query says only that the key is invalid; Scan names an index, if the table has one."""
    if operation == "Query" or not table.indexes:
        return ValidationException(INVALID_START)
    named = index or table.indexes[0]
    return ValidationException(
        f"{INVALID}Type mismatch for Index Key {attribute.name} Expected: {attribute.type}"
        f" Actual: {found} IndexName: {named.name}"
    )
