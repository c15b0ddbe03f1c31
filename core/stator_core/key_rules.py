"""Whether an item's key attributes fit the table: DynamoDB's checks and their words.

In: a table and a canonical item or key (`item.py`). Out: nothing, or the ValidationException that
DynamoDB answers. Called by the request modules (through `keys.py`) after the table is known, before
anything is read. What passed here `keys.item_key` may encode.

Put words its refusals by attribute; Get, Update and Delete answer one text for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from stator_core.errors import ValidationException
from stator_core.item import AttributeValue, Item, type_of, value_size
from stator_core.limits import HASH_KEY_BYTES_MAX, RANGE_KEY_BYTES_MAX
from stator_core.table import Index, KeyAttribute, KeySchema, Table

NO_MATCH: Final = "The provided key element does not match the schema"
HASH_TOO_LARGE: Final = (
    "One or more parameter values were invalid: "
    "Size of hashkey has exceeded the maximum size limit of2048 bytes"
)
RANGE_TOO_LARGE: Final = (
    "One or more parameter values were invalid: "
    "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
)
UPDATED_TO_UNSUPPORTED_TYPE: Final = (
    "The update expression attempted to update the secondary index key to unsupported type"
)
# AWS: API reference, TransactWriteItems, "Cancellation reasons": the texts of an update.
UPDATED_BEYOND_SIZE: Final = (
    "The update expression attempted to update the secondary index key beyond allowed size limits"
)
_INVALID = "One or more parameter values were invalid: "
_NOT_VALID = "One or more parameter values are not valid. "
_INDEX_KEY = "A value specified for a secondary index key is not supported. "
_UPDATED_INDEX_KEY = (
    "The update expression attempted to update a secondary index key to a value that is not "
    "supported. "
)
# A key text of fewer characters is short enough in any alphabet: UTF-8 has four bytes at most.
_SURELY_SHORT = RANGE_KEY_BYTES_MAX // 4


def _cannot_be_empty(kind: str) -> str:
    what = "string" if kind == "S" else "binary"
    return f"The AttributeValue for a key attribute cannot contain an empty {what} value."


def check_key_value(attribute: KeyAttribute, value: AttributeValue, is_hash: bool) -> None:
    """A value of a table's key, of the right type: neither empty nor too long.

    Source: AWS: Service quotas, "Partition key length", "Sort key length"; CreateTable.
    """
    content = value[attribute.type]
    if not content:
        raise ValidationException(
            f"{_NOT_VALID}{_cannot_be_empty(attribute.type)} Key: {attribute.name}"
        )
    if len(content) > _SURELY_SHORT:
        size = value_size(value)
        if is_hash and size > HASH_KEY_BYTES_MAX:
            raise ValidationException(HASH_TOO_LARGE)
        if not is_hash and size > RANGE_KEY_BYTES_MAX:
            raise ValidationException(RANGE_TOO_LARGE)


def surely_fits(attribute: KeyAttribute, value: Any) -> bool:
    """Whether a value has the type, is not empty and surely short: the common case, in one look."""
    if value is None:
        return False
    content = value.get(attribute.type)
    return bool(content) and len(content) <= _SURELY_SHORT


def check_item_key(table: Table, item: Item) -> None:
    """PutItem: the item has the table's key attributes in their types; index keys fit as well.

    Source: AWS: PutItem; wordings as DynamoDB answers (captured 2026-10).
    """
    for attribute in table.key_attributes:
        value = item.get(attribute.name)
        if surely_fits(attribute, value):
            continue
        if value is None:
            raise ValidationException(f"{_INVALID}Missing the key {attribute.name} in the item")
        if attribute.type not in value:
            raise ValidationException(
                f"{_INVALID}Type mismatch for key {attribute.name} "
                f"expected: {attribute.type} actual: {type_of(value)}"
            )
        check_key_value(attribute, value, attribute is table.hash_key)
    if table.indexes:
        check_index_keys(table, item)


def check_key(table: Table, key: Item) -> None:
    """GetItem, UpdateItem, DeleteItem: exactly the table's key attributes, in their types.

    Source: AWS: GetItem; wordings as DynamoDB answers (captured 2026-10).
    """
    attributes = table.key_attributes
    if len(key) != len(attributes):
        raise ValidationException(NO_MATCH)
    for attribute in attributes:
        value = key.get(attribute.name)
        if surely_fits(attribute, value):
            continue
        if value is None or attribute.type not in value:
            raise ValidationException(NO_MATCH)
        check_key_value(attribute, value, attribute is table.hash_key)


def check_index_keys(table: Table, item: Item) -> None:
    """PutItem: an attribute that is an index key, if present, is a legal value for it.

    Of several indexes that the item breaks, the first by name is told (captured 2026-10).
    """
    try:
        _check_index_keys(table.indexes, item)
    except ValidationException:
        _check_index_keys(sorted(table.indexes, key=lambda index: index.name), item)
        raise


def _check_index_keys(indexes: Iterable[Index], item: Item) -> None:
    for index in indexes:
        for attribute in index.key_schema.attributes:
            value = item.get(attribute.name)
            if value is None or surely_fits(attribute, value):
                continue
            if attribute.type not in value:
                raise ValidationException(
                    f"{_INVALID}Type mismatch for Index Key {attribute.name} "
                    f"Expected: {attribute.type} Actual: {type_of(value)} IndexName: {index.name}"
                )
            if not value[attribute.type]:
                raise ValidationException(
                    f"{_NOT_VALID}{_INDEX_KEY}{_cannot_be_empty(attribute.type)} "
                    f"IndexName: {index.name}, IndexKey: {attribute.name}"
                )
        if refusal := _too_large(index.key_schema, item):
            raise ValidationException(refusal)


def check_updated_index_keys(table: Table, before: Item | None, after: Item) -> None:
    """UpdateItem: as `check_index_keys`, in its own words, of the attributes that changed.

    The others may be what no index takes: the item may be older than the index.
    """
    before = before or {}
    for index in table.indexes:
        changed = False
        for attribute in index.key_schema.attributes:
            value = after.get(attribute.name)
            if value is None or value == before.get(attribute.name):
                continue
            changed = True
            if attribute.type not in value:
                raise ValidationException(UPDATED_TO_UNSUPPORTED_TYPE)
            if not value[attribute.type]:
                raise ValidationException(
                    f"{_NOT_VALID}{_UPDATED_INDEX_KEY}{_cannot_be_empty(attribute.type)}"
                )
        if changed and _too_large(index.key_schema, after):
            raise ValidationException(UPDATED_BEYOND_SIZE)


def _too_large(schema: KeySchema, item: Item) -> str | None:
    """PutItem's words for key attributes of an index that are too long together, or None."""
    characters = 0
    for attribute in schema.attributes:
        value = item.get(attribute.name)
        if value is not None:
            characters += len(value.get(attribute.type, ""))
    if characters <= _SURELY_SHORT:
        return None
    if _key_bytes(schema.hash, item) > HASH_KEY_BYTES_MAX:
        return HASH_TOO_LARGE
    if _key_bytes(schema.range, item) > RANGE_KEY_BYTES_MAX:
        return RANGE_TOO_LARGE
    return None


def _key_bytes(attributes: tuple[KeyAttribute, ...], item: Item) -> int:
    """Bytes of the attributes that the item has in their types."""
    return sum(
        value_size(item[attribute.name])
        for attribute in attributes
        if attribute.type in item.get(attribute.name, ())
    )


def can_be_indexed(key_schema: KeySchema, item: Item) -> bool:
    """Whether an index of that schema has an entry for the item: all attributes, legal each.

    An item that does not fit stays out of the index: it may have been there before the index was
    (AWS: Managing Global Secondary Indexes, "Detecting and correcting index key violations").
    """
    characters = 0
    for attribute in key_schema.hash + key_schema.range:
        value = item.get(attribute.name)
        content = None if value is None else value.get(attribute.type)
        if not content:
            return False
        characters += len(content)
    return characters <= _SURELY_SHORT or (
        _key_bytes(key_schema.hash, item) <= HASH_KEY_BYTES_MAX
        and _key_bytes(key_schema.range, item) <= RANGE_KEY_BYTES_MAX
    )
