"""GetItem answers one item by its whole key, or nothing at all where there is none.

The key must be exactly the table's: no attribute less, none more, each of its type. What the caller
asks for is checked before anything is read. AWS: API reference, GetItem.
"""

from __future__ import annotations

import pytest

from item_table import (
    NOT_FOUND,
    PARAMETER,
    WRONG_KEY,
    ItemTable,
    constraint,
    enum,
    enveloped,
    invalid,
    member_errors,
    unconvertible,
)

CONSUMED = constraint("returnConsumedCapacity", "ALL", enum("INDEXES", "TOTAL", "NONE"))


@pytest.fixture(scope="module")
def ranged(make_table) -> ItemTable:
    return make_table(range_key="S")


def test_an_item_is_answered_as_it_was_put(table):
    item = table.new_key() | {"a": {"M": {"b": {"L": [{"N": "1"}, {"NULL": True}]}}}}
    key = {"pk": item["pk"]}
    table.put(item)

    assert table.call("GetItem", Key=key) == {"Item": item}
    assert table.call("GetItem", Key=key, ConsistentRead=True) == {"Item": item}


def test_an_absent_item_is_answered_with_an_empty_object(table):
    answer = table.send("GetItem", Key=table.new_key())

    assert (answer.status, answer.text) == (200, b"{}")


def test_an_absent_item_still_costs_the_minimum(table):
    answer = table.call("GetItem", Key=table.new_key(), ReturnConsumedCapacity="TOTAL")

    assert answer == {"ConsumedCapacity": {"TableName": table.name, "CapacityUnits": 0.5}}


def test_numbers_name_the_same_item_by_their_value(make_table):
    numbered = make_table("N")
    numbered.put({"pk": {"N": "100e-2"}, "a": {"S": "one"}})

    for spelling in ("1", "1.0", "+1", "001", "0.1e1"):
        assert numbered.get({"pk": {"N": spelling}}) == {"pk": {"N": "1"}, "a": {"S": "one"}}


def test_a_missing_table_is_reported_after_everything_about_the_request_alone(table):
    assert table.refusal("GetItem", TableName="none", Key=table.new_key()) == NOT_FOUND
    refusal = table.refusal("GetItem", TableName="none", Key={}, ProjectionExpression="")
    assert refusal == invalid("Invalid ProjectionExpression: The expression can not be empty;")


# ------------------------------------------------------------------------------------ key errors


@pytest.mark.parametrize(
    "key",
    [
        pytest.param({}, id="empty"),
        pytest.param({"pk": {"S": "a"}}, id="an attribute less"),
        pytest.param({"pk": {"S": "a"}, "sk": {"S": "a"}, "b": {"S": "a"}}, id="one more"),
        pytest.param({"pk": {"S": "a"}, "b": {"S": "a"}}, id="another name"),
        pytest.param({"pk": {"S": "a"}, "sk": {"N": "1"}}, id="another type"),
        pytest.param({"pk": {"S": "a"}, "sk": {"M": {}}}, id="a type that no key has"),
    ],
)
def test_a_key_must_match_the_schema(ranged, key):
    assert ranged.refusal("GetItem", Key=key) == WRONG_KEY


@pytest.mark.parametrize(
    "key, text",
    [
        pytest.param(
            {"pk": {"S": ""}, "sk": {"S": "a"}},
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: pk",
            id="empty HASH key",
        ),
        pytest.param(
            {"pk": {"S": "a"}, "sk": {"S": ""}},
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: sk",
            id="empty RANGE key",
        ),
        pytest.param(
            {"pk": {"S": "h" * 2049}, "sk": {"S": "a"}},
            PARAMETER + "Size of hashkey has exceeded the maximum size limit of2048 bytes",
            id="HASH key too long",
        ),
        pytest.param(
            {"pk": {"S": "h"}, "sk": {"S": "a" * 1025}},
            PARAMETER
            + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
            id="RANGE key too long",
        ),
    ],
)
def test_a_key_value_must_be_within_the_limits(ranged, key, text):
    assert ranged.refusal("GetItem", Key=key) == invalid(text)


# --------------------------------------------------------------------------------- member errors


@pytest.mark.parametrize(
    "members, sentences",
    [
        pytest.param({"Key": None}, [constraint("key", None, "not be null")], id="no key"),
        pytest.param(
            {"TableName": None}, [constraint("tableName", None, "not be null")], id="no table name"
        ),
        pytest.param(
            {"TableName": "ab", "Key": None, "ReturnConsumedCapacity": "ALL"},
            [
                constraint("key", None, "not be null"),
                constraint("tableName", "ab", "have length greater than or equal to 3"),
                CONSUMED,
            ],
            id="the key comes before the table name",
        ),
        pytest.param(
            {"AttributesToGet": []},
            [constraint("attributesToGet", "[]", "have length greater than or equal to 1")],
            id="an empty list of attributes",
        ),
    ],
)
def test_every_member_that_breaks_a_rule_is_listed(table, members, sentences):
    body = {"Key": {"pk": {"S": "a"}}} | members

    assert table.sent_refusal("GetItem", **body) == member_errors(*sentences)


def test_an_empty_table_name_is_reported_in_the_new_wording(table):
    assert table.sent_refusal("GetItem", TableName="", Key={"pk": {"S": "a"}}) == enveloped(
        "Value at 'TableName' failed to satisfy constraint: Member must have length greater than "
        "or equal to 1"
    )


@pytest.mark.parametrize("written", [True, "true", "T", "yes", "Y", "1"])
def test_consistent_read_understands_words(table, written):
    """As DynamoDB answers: a strong read of an absent item costs one unit, an eventual one half."""
    answer = table.send(
        "GetItem",
        Key=table.new_key(),
        ConsistentRead=written,
        ReturnConsumedCapacity="TOTAL",
    )

    assert answer.body["ConsumedCapacity"]["CapacityUnits"] == 1.0


@pytest.mark.parametrize("written", [None, False, "FALSE", "f", "no", "N", "0"])
def test_consistent_read_understands_denials(table, written):
    answer = table.send(
        "GetItem",
        Key=table.new_key(),
        ConsistentRead=written,
        ReturnConsumedCapacity="TOTAL",
    )

    assert answer.body["ConsumedCapacity"]["CapacityUnits"] == 0.5


def test_consistent_read_does_not_understand_everything(table):
    refusal = table.sent_refusal("GetItem", Key=table.new_key(), ConsistentRead="maybe")

    assert refusal == unconvertible("Unexpected token received from parser")


# ------------------------------------------------------------------------------ values in a key


@pytest.mark.parametrize(
    "value, text",
    [
        pytest.param(
            {"N": "x"}, "The parameter cannot be converted to a numeric value: x", id="number"
        ),
        pytest.param({"SS": []}, PARAMETER + "An string set  may not be empty", id="set"),
        pytest.param(
            {"SS": ["a", "a"]},
            PARAMETER + 'Input collection ["a", "a"] contains duplicates.',
            id="duplicates",
        ),
        pytest.param(
            {},
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            id="empty value",
        ),
    ],
)
def test_values_of_the_key_are_refused_bare(table, value, text):
    """The writes put the envelope in front; reads do not."""
    assert table.sent_refusal("GetItem", Key={"pk": value}) == invalid(text)


def test_an_empty_name_in_the_key_is_refused_before_the_table_is_looked_up(table):
    refusal = table.sent_refusal("GetItem", TableName="none", Key={"": {"S": "a"}})

    assert refusal == invalid("Empty attribute name")
