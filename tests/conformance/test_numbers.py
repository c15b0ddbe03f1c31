"""Numbers are exact to 38 digits and come back as plain decimal, whatever way they were written.

One value has one text, one place in an order and one identity in keys and sets; what is too large,
too small or too precise is refused, not rounded. AWS: Developer Guide, Data types, Number.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import ItemTable, enveloped, invalid, refusal_of

OVERFLOW = (
    "Number overflow. Attempting to store a number with magnitude larger than supported range"
)
UNDERFLOW = (
    "Number underflow. Attempting to store a number with magnitude smaller than supported range"
)
TOO_PRECISE = "Attempting to store more than 38 significant digits in a Number"
NOT_CONVERTIBLE = "The parameter cannot be converted to a numeric value: "


def sent(table: ItemTable, value: Any) -> dict[str, Any]:
    """What comes back for a value, sent as the JSON stands."""
    key = table.new_key()
    answer = table.send("PutItem", Item=key | {"a": value})
    assert answer.error is None, answer.body
    return dict(table.send("GetItem", Key=key).body["Item"]["a"])


def refusal(table: ItemTable, value: Any) -> str:
    """How PutItem refuses a value, sent as the JSON stands."""
    return table.sent_refusal("PutItem", Item=table.new_key() | {"a": value})


@pytest.mark.parametrize(
    "written, meant",
    [
        ("0", "0"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("+5", "5"),
        ("+.5", "0.5"),
        ("5.", "5"),
        (".5", "0.5"),
        ("007.50", "7.5"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("12.5e-3", "0.0125"),
        ("1e125", "1" + "0" * 125),
        ("-9.9999999999999999999999999999999999999e125", "-" + "9" * 38 + "0" * 88),
        ("1e-130", "0." + "0" * 129 + "1"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("0.00000000000000000000000000000000000001", "0." + "0" * 37 + "1"),
        ("1" + "0" * 60, "1" + "0" * 60),
        ("0e125", "0"),
        ("0.0e126", "0"),
    ],
)
def test_a_number_comes_back_as_plain_decimal(table, written, meant):
    assert sent(table, {"N": written}) == {"N": meant}


@pytest.mark.parametrize(
    "written, text",
    [
        ("", NOT_CONVERTIBLE),
        ("abc", NOT_CONVERTIBLE + "abc"),
        (" 1", NOT_CONVERTIBLE + " 1"),
        ("1 ", NOT_CONVERTIBLE + "1 "),
        ("1_000", NOT_CONVERTIBLE + "1_000"),
        ("0x10", NOT_CONVERTIBLE + "0x10"),
        ("NaN", NOT_CONVERTIBLE + "NaN"),
        ("Infinity", NOT_CONVERTIBLE + "Infinity"),
        ("1e", NOT_CONVERTIBLE + "1e"),
        ("1.2.3", NOT_CONVERTIBLE + "1.2.3"),
        ("--1", NOT_CONVERTIBLE + "--1"),
        (".", NOT_CONVERTIBLE + "."),
        ("١", NOT_CONVERTIBLE + "١"),
        ("1e99999999999999999999", NOT_CONVERTIBLE + "1e99999999999999999999"),
        ("1" * 39, TOO_PRECISE),
        ("1.23456789012345678901234567890123456789", TOO_PRECISE),
        ("1e126", OVERFLOW),
        ("-1e126", OVERFLOW),
        ("1e99999999999", OVERFLOW),
        ("1e-131", UNDERFLOW),
        ("1e-99999999999", UNDERFLOW),
        ("0e126", OVERFLOW),
        ("0e-131", UNDERFLOW),
    ],
)
def test_what_is_no_number_of_dynamodb_is_refused(table, written, text):
    assert refusal(table, {"N": written}) == enveloped(text)
    assert refusal(table, {"NS": ["1", written]}) == enveloped(text)


def test_the_old_layer_has_words_of_its_own_for_numbers(table):
    """BatchWriteItem is still read by it: no colon where nothing follows."""

    def old(value: dict[str, Any]) -> str:
        put = {"PutRequest": {"Item": table.new_key() | {"a": value}}}
        return refusal_of(
            table.connection.call("BatchWriteItem", {"RequestItems": {table.name: [put]}})
        )

    assert old({"N": ""}) == invalid("The parameter cannot be converted to a numeric value")
    assert old({"N": "1e2147483647"}) == invalid(UNDERFLOW)
    assert old({"N": "1e4294967296"}) == invalid(NOT_CONVERTIBLE + "1e4294967296")


def test_numbers_are_equal_and_ordered_by_value(table):
    key = table.stored(a={"N": "1e2"})

    table.update(
        key,
        "SET b = :b",
        ConditionExpression="a = :hundred AND a > :nine AND a < :more",
        ExpressionAttributeValues={
            ":b": {"BOOL": True},
            ":hundred": {"N": "100.00"},
            ":nine": {"N": "9"},
            ":more": {"N": "100.0000000000000000000000000000000001"},
        },
    )

    assert table.attributes(key) == {"a": {"N": "100"}, "b": {"BOOL": True}}
