"""Key attributes against the schema: each refusal in the words of its operation."""

from __future__ import annotations

import pytest

from sample_values import base64, global_index, local_index, schema, table
from stator_core.errors import ValidationException
from stator_core.key_rules import (
    can_be_indexed,
    check_index_keys,
    check_item_key,
    check_key,
    check_updated_index_keys,
)

INVALID = "One or more parameter values were invalid: "
NOT_VALID = "One or more parameter values are not valid. "
EMPTY_STRING = "The AttributeValue for a key attribute cannot contain an empty string value."
EMPTY_BINARY = "The AttributeValue for a key attribute cannot contain an empty binary value."
NO_MATCH = "The provided key element does not match the schema"
HASH_SIZE = INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes"
RANGE_SIZE = INVALID + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
BEYOND_SIZE = (
    "The update expression attempted to update the secondary index key beyond allowed size limits"
)

S_A = {"S": "a"}


def message_of(check, *arguments) -> str | None:
    with pytest.raises(ValidationException) as refusal:
        check(*arguments)
    return refusal.value.message


@pytest.mark.parametrize(
    "item, message",
    [
        ({"r": {"N": "1"}}, INVALID + "Missing the key h in the item"),
        ({"h": S_A}, INVALID + "Missing the key r in the item"),
        ({}, INVALID + "Missing the key h in the item"),
        (
            {"h": {"N": "1"}, "r": {"N": "1"}},
            INVALID + "Type mismatch for key h expected: S actual: N",
        ),
        (
            {"h": S_A, "r": {"BOOL": True}},
            INVALID + "Type mismatch for key r expected: N actual: BOOL",
        ),
        ({"h": {"S": ""}, "r": {"N": "1"}}, f"{NOT_VALID}{EMPTY_STRING} Key: h"),
        ({"h": {"S": "x" * 2049}, "r": {"N": "1"}}, HASH_SIZE),
        ({"h": {"S": "é" * 1025}, "r": {"N": "1"}}, HASH_SIZE),
    ],
)
def test_put_item_names_the_key_attribute_at_fault(item, message) -> None:
    assert message_of(check_item_key, table("S", "N"), item) == message


@pytest.mark.parametrize(
    "key, message",
    [
        ({}, NO_MATCH),
        ({"h": S_A}, NO_MATCH),
        ({"h": S_A, "r": {"S": "1"}}, NO_MATCH),
        ({"h": S_A, "r": {"B": "YQ=="}, "x": S_A}, NO_MATCH),
        ({"h": S_A, "x": {"B": "YQ=="}}, NO_MATCH),
        ({"h": {"S": ""}, "r": {"B": "YQ=="}}, f"{NOT_VALID}{EMPTY_STRING} Key: h"),
        ({"h": S_A, "r": {"B": ""}}, f"{NOT_VALID}{EMPTY_BINARY} Key: r"),
        ({"h": {"S": "x" * 2049}, "r": {"B": "YQ=="}}, HASH_SIZE),
        ({"h": S_A, "r": {"B": base64(b"x" * 1025)}}, RANGE_SIZE),
    ],
)
def test_get_update_and_delete_have_one_text_for_a_key_that_does_not_fit(key, message) -> None:
    assert message_of(check_key, table("S", "B"), key) == message


def test_keys_up_to_their_limits_are_taken() -> None:
    key = {"h": {"S": "é" * 1024}, "r": {"B": base64(b"x" * 1024)}}
    check_key(table("S", "B"), key)
    check_item_key(table("S", "B"), {**key, "other": {"S": ""}})


UNSUPPORTED = f"{NOT_VALID}A value specified for a secondary index key is not supported. "
UPDATED = (
    f"{NOT_VALID}The update expression attempted to update a secondary index key to a value that "
    "is not supported. "
)
INDEXED = table(
    "S",
    "S",
    local_index(schema("S", "N", "hl")),
    global_index(schema("S", "B", "gs")),
    global_index(schema("SS", "SS", "ab"), name="many", identifier=21),
)


@pytest.mark.parametrize(
    "attributes, message",
    [
        ({"l": S_A}, INVALID + "Type mismatch for Index Key l Expected: N Actual: S IndexName: l"),
        (
            {"g": {"NULL": True}},
            INVALID + "Type mismatch for Index Key g Expected: S Actual: NULL IndexName: g",
        ),
        (
            {"g": {"S": ""}},
            f"{UNSUPPORTED}{EMPTY_STRING} IndexName: g, IndexKey: g",
        ),
        (
            {"s": {"B": ""}},
            f"{UNSUPPORTED}{EMPTY_BINARY} IndexName: g, IndexKey: s",
        ),
        ({"g": {"S": "x" * 2049}}, HASH_SIZE),
        ({"s": {"B": base64(b"x" * 1025)}}, RANGE_SIZE),
        ({"b0": {"S": "x" * 600}, "b1": {"S": "x" * 600}}, RANGE_SIZE),
    ],
)
def test_put_item_holds_index_keys_against_their_indexes(attributes, message) -> None:
    item = {"h": S_A, "r": S_A, **attributes}

    assert message_of(check_index_keys, INDEXED, item) == message
    assert message_of(check_item_key, INDEXED, item) == message


def test_of_several_broken_indexes_the_first_by_name_is_told() -> None:
    item = {"h": S_A, "r": S_A, "l": S_A, "g": {"N": "1"}}

    assert INDEXED.indexes[0].name == "l"
    assert message_of(check_item_key, INDEXED, item) == (
        INVALID + "Type mismatch for Index Key g Expected: S Actual: N IndexName: g"
    )


def test_an_item_may_lack_index_keys() -> None:
    check_item_key(INDEXED, {"h": S_A, "r": S_A})
    check_item_key(INDEXED, {"h": S_A, "r": S_A, "g": S_A, "l": {"N": "1"}, "a0": S_A})


@pytest.mark.parametrize(
    "attributes, message",
    [
        (
            {"l": S_A},
            "The update expression attempted to update the secondary index key to unsupported type",
        ),
        (
            {"g": {"S": ""}},
            UPDATED + EMPTY_STRING,
        ),
        ({"g": {"S": "x" * 2049}}, BEYOND_SIZE),
    ],
)
def test_update_item_words_index_keys_its_own_way(attributes, message) -> None:
    key = {"h": S_A, "r": S_A}
    for before in (None, key, {**key, "g": S_A, "l": {"N": "1"}}):
        after = {**(before or key), **attributes}
        assert message_of(check_updated_index_keys, INDEXED, before, after) == message


def test_update_item_looks_only_at_index_keys_that_change() -> None:
    """An item from before the index may hold what the index does not take."""
    before = {"h": S_A, "r": S_A, "g": {"N": "1"}, "l": {"S": ""}}
    check_updated_index_keys(INDEXED, before, {**before, "x": S_A})
    check_updated_index_keys(INDEXED, before, {"h": S_A, "r": S_A})


def test_a_changed_index_key_may_stand_beside_one_that_no_index_takes() -> None:
    index = global_index(schema("S", "N", "gr"))
    before = {"h": S_A, "r": S_A}
    check_updated_index_keys(table("S", "S", index), before, {**before, "g": S_A})


@pytest.mark.parametrize(
    "attributes, indexed",
    [
        ({}, False),
        ({"g": S_A}, False),
        ({"g": S_A, "s": {"B": "YQ=="}}, True),
        ({"g": S_A, "s": S_A}, False),
        ({"g": {"S": ""}, "s": {"B": "YQ=="}}, False),
        ({"g": {"S": "x" * 2048}, "s": {"B": "YQ=="}}, True),
        ({"g": {"S": "x" * 2049}, "s": {"B": "YQ=="}}, False),
    ],
)
def test_an_index_takes_items_with_all_its_keys_in_their_types(attributes, indexed) -> None:
    assert can_be_indexed(schema("S", "B", "gs"), {"h": S_A, **attributes}) is indexed
