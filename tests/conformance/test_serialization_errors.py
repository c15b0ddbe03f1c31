"""JSON of the wrong type is a SerializationException, before anything else is said about a request.

The message tells what was found and what it could not be. The first wrong member in the order of
the document counts. As DynamoDB answers (captured 2013 to 2026).
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import ItemTable, refusal_of, unconvertible

STRUCTURE = "Start of structure or map found where not expected"
FIELD = "Unexpected field type"
PAYLOAD = "Unexpected value type in payload"
TOKEN = "Unexpected token received from parser"
EMPTY = (
    "ValidationException: Supplied AttributeValue is empty, must contain exactly one of the "
    "supported datatypes"
)


def item_refusal(table: ItemTable, value: Any) -> str:
    return table.sent_refusal("PutItem", Item={"pk": {"S": "a"}, "a": value})


@pytest.mark.parametrize(
    "operation, member, value, text",
    [
        pytest.param(
            "GetItem", "TableName", 123, "NUMBER_VALUE cannot be converted to String", id="number"
        ),
        pytest.param(
            "GetItem", "TableName", 1.5, "DECIMAL_VALUE cannot be converted to String", id="decimal"
        ),
        pytest.param(
            "GetItem", "TableName", True, "TRUE_VALUE cannot be converted to String", id="true"
        ),
        pytest.param(
            "GetItem", "TableName", False, "FALSE_VALUE cannot be converted to String", id="false"
        ),
        pytest.param("GetItem", "TableName", {"S": "a"}, STRUCTURE, id="object for a string"),
        pytest.param(
            "GetItem",
            "TableName",
            ["a"],
            "Unrecognized collection type class java.lang.String",
            id="list for a string",
        ),
        pytest.param(
            "Query", "Limit", "1", "STRING_VALUE cannot be converted to Integer", id="no integer"
        ),
        pytest.param(
            "Query", "Limit", True, "TRUE_VALUE cannot be converted to Integer", id="true"
        ),
        pytest.param("Query", "Limit", {}, STRUCTURE, id="object for an integer"),
        pytest.param(
            "CreateTable",
            "ProvisionedThroughput",
            {"ReadCapacityUnits": "1"},
            "STRING_VALUE cannot be converted to Long",
            id="no long",
        ),
        pytest.param("GetItem", "ConsistentRead", "maybe", TOKEN, id="a word that is no boolean"),
        pytest.param(
            "GetItem",
            "ConsistentRead",
            1,
            "NUMBER_VALUE cannot be converted to Boolean",
            id="a number that is no boolean",
        ),
        pytest.param(
            "GetItem",
            "ConsistentRead",
            1.0,
            "DECIMAL_VALUE cannot be converted to Boolean",
            id="a decimal that is no boolean",
        ),
        pytest.param("GetItem", "ConsistentRead", {}, STRUCTURE, id="object for a boolean"),
        pytest.param("GetItem", "Key", "a", FIELD, id="string for a map"),
        pytest.param("GetItem", "Key", 1, FIELD, id="number for a map"),
        pytest.param(
            "GetItem",
            "Key",
            [],
            "Unrecognized collection type java.util.Map<java.lang.String, "
            "com.amazonaws.dynamodb.v20120810.AttributeValue>",
            id="list for a map",
        ),
        pytest.param("GetItem", "AttributesToGet", "a", FIELD, id="string for a list"),
        pytest.param("GetItem", "AttributesToGet", {}, STRUCTURE, id="object for a list"),
        pytest.param(
            "GetItem",
            "AttributesToGet",
            [1],
            "NUMBER_VALUE cannot be converted to String",
            id="number in a list of strings",
        ),
        pytest.param(
            "GetItem",
            "ExpressionAttributeNames",
            {"#a": 1},
            "NUMBER_VALUE cannot be converted to String",
            id="number in a map of strings",
        ),
        pytest.param("GetItem", "Key", {"pk": "a"}, PAYLOAD, id="string for a value"),
        pytest.param(
            "GetItem",
            "Key",
            {"pk": []},
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue",
            id="list for a value",
        ),
        pytest.param(
            "CreateTable", "ProvisionedThroughput", "a", FIELD, id="string for a structure"
        ),
        pytest.param(
            "CreateTable", "KeySchema", ["a"], PAYLOAD, id="string in a list of structures"
        ),
        pytest.param("BatchGetItem", "RequestItems", {"abc": "a"}, PAYLOAD, id="no table's keys"),
        pytest.param("PutItem", "Expected", {"a": "b"}, PAYLOAD, id="no condition"),
    ],
)
def test_a_member_of_the_wrong_type_is_refused(connection, operation, member, value, text):
    body = {"TableName": "abc", member: value}

    assert refusal_of(connection.call(operation, body)) == unconvertible(text)


def test_a_list_for_a_boolean_has_no_message(connection):
    answer = connection.call("GetItem", {"TableName": "abc", "ConsistentRead": [True]})

    assert refusal_of(answer) == unconvertible("no message")


@pytest.mark.parametrize(
    "value, text",
    [
        pytest.param({"S": 1}, "NUMBER_VALUE cannot be converted to String", id="S of a number"),
        pytest.param({"N": 123}, "NUMBER_VALUE cannot be converted to String", id="N of a number"),
        pytest.param(
            {"N": 1.5}, "DECIMAL_VALUE cannot be converted to String", id="N of a decimal"
        ),
        pytest.param({"S": True}, "TRUE_VALUE cannot be converted to String", id="S of true"),
        pytest.param({"S": {}}, STRUCTURE, id="S of an object"),
        pytest.param(
            {"S": []}, "Unrecognized collection type class java.lang.String", id="S of a list"
        ),
        pytest.param(
            {"B": 1},
            "only base-64-encoded strings are convertible to bytes",
            id="B of a number",
        ),
        pytest.param(
            {"B": "abc"},
            "Base64 encoded length is expected a multiple of 4 bytes but found: 3",
            id="B of a wrong length",
        ),
        pytest.param(
            {"B": "YQ=a"},
            "Invalid Base64 character: '='",
            id="B padded in the middle (unconfirmed)",
        ),
        pytest.param(
            {"B": "YR=="},
            "Invalid last non-pad Base64 character dectected",
            id="B with bits beyond its end",
        ),
        pytest.param({"BOOL": "maybe"}, TOKEN, id="BOOL of another word"),
        pytest.param(
            {"BOOL": 1}, "NUMBER_VALUE cannot be converted to Boolean", id="BOOL of a number"
        ),
        pytest.param(
            {"BOOL": 1.5}, "DECIMAL_VALUE cannot be converted to Boolean", id="BOOL of a decimal"
        ),
        pytest.param({"BOOL": {}}, STRUCTURE, id="BOOL of an object"),
        pytest.param({"BOOL": []}, "no message", id="BOOL of a list"),
        pytest.param({"NULL": "maybe"}, TOKEN, id="NULL of another word"),
        pytest.param(
            {"NULL": 0}, "NUMBER_VALUE cannot be converted to Boolean", id="NULL of a number"
        ),
        pytest.param({"SS": "a"}, FIELD, id="SS of a string"),
        pytest.param({"SS": {}}, STRUCTURE, id="SS of an object"),
        pytest.param(
            {"SS": ["a", 1]}, "NUMBER_VALUE cannot be converted to String", id="SS with a number"
        ),
        pytest.param({"NS": [1]}, "NUMBER_VALUE cannot be converted to String", id="NS of numbers"),
        pytest.param(
            {"BS": [1]},
            "only base-64-encoded strings are convertible to bytes",
            id="BS with a number",
        ),
        pytest.param({"L": "a"}, FIELD, id="L of a string"),
        pytest.param({"L": {}}, STRUCTURE, id="L of an object"),
        pytest.param({"L": ["a"]}, PAYLOAD, id="L with no value"),
        pytest.param({"M": "a"}, FIELD, id="M of a string"),
        pytest.param({"M": {"a": "b"}}, PAYLOAD, id="M with no value"),
        pytest.param({"L": [{"S": 1}]}, "NUMBER_VALUE cannot be converted to String", id="nested"),
    ],
)
def test_an_attribute_value_of_the_wrong_type_is_refused(table, value, text):
    assert item_refusal(table, value) == unconvertible(text)


@pytest.mark.parametrize("value", [{"S": None}, {}, {"X": "a"}, {"S": None, "N": None}])
def test_null_and_unknown_types_count_as_absent(table, value):
    """So nothing of the value is left, which is another mistake."""
    assert item_refusal(table, value) == EMPTY


def test_null_beside_a_type_is_nothing(table):
    item = table.new_key() | {"a": {"S": "a", "N": None}}

    assert table.send("PutItem", Item=item).error is None
    assert table.get({"pk": item["pk"]})["a"] == {"S": "a"}


@pytest.mark.parametrize(
    "word, value",
    [(word, True) for word in ("true", "True", "t", "YES", "y", "1")]
    + [(word, False) for word in ("false", "F", "no", "N", "0")],
)
def test_a_boolean_may_be_a_word(table, word, value):
    item = table.new_key() | {"a": {"BOOL": word}}

    assert table.send("PutItem", Item=item).error is None
    assert table.get({"pk": item["pk"]})["a"] == {"BOOL": value}


@pytest.mark.parametrize("word", ["true", "Yes", "1"])
def test_null_may_be_a_word(table, word):
    item = table.new_key() | {"a": {"NULL": word}}

    assert table.send("PutItem", Item=item).error is None
    assert table.get({"pk": item["pk"]})["a"] == {"NULL": True}


def test_types_come_before_every_other_mistake(table):
    refusal = table.sent_refusal(
        "PutItem", TableName="ab", Item={"a": {"N": "x"}}, ReturnValues="x", Expected=1
    )

    assert refusal == unconvertible(FIELD)


def test_the_first_wrong_member_of_the_document_counts(connection):
    first = b'{"ConsistentRead": "maybe", "TableName": 1}'
    second = b'{"TableName": 1, "ConsistentRead": "maybe"}'

    assert refusal_of(connection.call("GetItem", first)) == unconvertible(TOKEN)
    assert refusal_of(connection.call("GetItem", second)) == unconvertible(
        "NUMBER_VALUE cannot be converted to String"
    )


def test_a_body_of_thousands_of_levels_has_no_message(connection):
    """(the number varies)"""
    deep = b'{"TableName":"abc","Item":{"a":' + b'{"L":[' * 10_000 + b"]}" * 10_000 + b"}}"

    answer = connection.call("PutItem", deep)

    assert refusal_of(answer) == unconvertible("no message")
