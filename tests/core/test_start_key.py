"""ExclusiveStartKey: the words for bad values differ by operation, those for misfits by table."""

from __future__ import annotations

from typing import Any

import pytest

from sample_values import global_index, schema, table
from stator_core.errors import ValidationException
from stator_core.requests.start_key import Operation, check_schema, check_values

INVALID_START = "The provided starting key is invalid"
NULL_FALSE = (
    "One or more parameter values were invalid: Null attribute value types must have the value "
    "of true"
)
EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
GLOBAL = global_index(schema("S", names="x_"))
PLAIN, INDEXED = table("S", "N"), table("S", "N", GLOBAL)


@pytest.mark.parametrize(
    "operation, value, message",
    [
        ("Query", {"NULL": False}, NULL_FALSE),
        ("Scan", {"NULL": False}, f"{INVALID_START}: {NULL_FALSE}"),
        ("Query", {}, f"{INVALID_START}: {EMPTY}"),
        ("Scan", {}, f"{INVALID_START}: {EMPTY}"),
        ("Query", {"M": {"": {"S": "a"}}}, "Empty attribute name"),
        ("Scan", {"M": {"": {"S": "a"}}}, "Empty attribute name"),
    ],
)
def test_a_bad_value_is_refused_in_the_words_of_the_operation(
    operation: Operation, value: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationException) as caught:
        check_values({"h": value}, operation, old_layer=False)
    assert caught.value.message == message


def test_the_old_layer_has_its_own_words() -> None:
    with pytest.raises(ValidationException) as caught:
        check_values({"h": {"N": ""}}, "Query", old_layer=True)
    assert caught.value.message == "The parameter cannot be converted to a numeric value"


def test_values_become_canonical() -> None:
    key = {"h": {"S": "a"}, "r": {"N": "+01.0"}}
    check_values(key, "Query", old_layer=False)
    assert key["r"] == {"N": "1"}


def test_a_key_has_exactly_the_attributes_of_table_and_index() -> None:
    of_table = {"h": {"S": "a"}, "r": {"N": "1"}}
    of_index = {**of_table, "x": {"S": "y"}}
    check_schema(of_table, INDEXED, None, "Query")
    check_schema(of_index, INDEXED, GLOBAL, "Query")
    for start, index in ((of_index, None), (of_table, GLOBAL), ({"h": {"S": "a"}}, None)):
        for operation in ("Query", "Scan"):
            with pytest.raises(ValidationException) as caught:
                check_schema(start, INDEXED, index, operation)  # type: ignore[arg-type]
            assert caught.value.message == INVALID_START


def test_a_wrong_type_names_an_index_in_a_scan_of_a_table_that_has_one() -> None:
    start = {"h": {"S": "a"}, "r": {"S": "1"}}
    refused = []
    for table_, operation in ((PLAIN, "Scan"), (INDEXED, "Query"), (INDEXED, "Scan")):
        with pytest.raises(ValidationException) as caught:
            check_schema(start, table_, None, operation)  # type: ignore[arg-type]
        refused.append(caught.value.message)
    assert refused == [
        INVALID_START,
        INVALID_START,
        (
            "One or more parameter values were invalid: Type mismatch for Index Key r Expected: N "
            "Actual: S IndexName: g"
        ),
    ]


def test_a_key_value_is_neither_empty_nor_too_long() -> None:
    with pytest.raises(ValidationException) as caught:
        check_schema({"h": {"S": ""}, "r": {"N": "1"}}, PLAIN, None, "Query")
    assert caught.value.message == (
        f"{INVALID_START}: One or more parameter values are not valid. The AttributeValue for a "
        "key attribute cannot contain an empty string value. Key: h"
    )
    with pytest.raises(ValidationException, match="hashkey has exceeded"):
        check_schema({"h": {"S": "a" * 2049}, "r": {"N": "1"}}, PLAIN, None, "Scan")
