"""Attribute values come back as they were meant, and what is no value is refused in its own words.

Ten types, sets without order or repeats, documents of 32 levels, names; and JSON of other types.
`test_numbers.py` and `test_item_size.py` have the numbers and the sizes.
AWS: API reference, AttributeValue; Developer Guide, Data types.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import (
    PARAMETER,
    ItemTable,
    enveloped,
    invalid,
    refusal_of,
    unconvertible,
)

LEVELS_MAX = 32
TOO_DEEP = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "
    "beyond supported limit"
)
NOT_CONVERTIBLE = "The parameter cannot be converted to a numeric value: "
EMPTY_VALUE = (
    "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
)
TWO_TYPES = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
    "supported datatypes"
)


def stored(table: ItemTable, value: dict[str, Any]) -> dict[str, Any]:
    """What comes back for a value, sent by boto3."""
    attributes = table.attributes(table.stored(a=value))
    assert attributes is not None
    return dict(attributes["a"])


def sent(table: ItemTable, value: Any) -> dict[str, Any]:
    """What comes back for a value, sent as the JSON stands."""
    key = table.new_key()
    answer = table.send("PutItem", Item=key | {"a": value})
    assert answer.error is None, answer.body
    return dict(table.send("GetItem", Key=key).body["Item"]["a"])


def refusal(table: ItemTable, value: Any) -> str:
    """How PutItem refuses a value, sent as the JSON stands."""
    return table.sent_refusal("PutItem", Item=table.new_key() | {"a": value})


def nested(levels: int, leaf: dict[str, Any], kind: str = "L") -> dict[str, Any]:
    """The leaf with this many lists or maps around it."""
    for _ in range(levels):
        leaf = {"L": [leaf]} if kind == "L" else {"M": {"m": leaf}}
    return leaf


# ------------------------------------------------------------------------------------------ types


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"S": "text, é, \U0001d11e, \x00"}, id="string"),
        pytest.param({"N": "-12.5"}, id="number"),
        pytest.param({"B": bytes(range(256))}, id="binary"),
        pytest.param({"BOOL": False}, id="boolean"),
        pytest.param({"NULL": True}, id="null"),
        pytest.param({"SS": ["", "a", "b"]}, id="string set, an empty string among them"),
        pytest.param({"NS": ["-1", "0", "1.5"]}, id="number set"),
        pytest.param({"BS": [b"\x00", b"\xff"]}, id="binary set"),
        pytest.param({"L": [{"S": "a"}, {"N": "1"}, {"L": []}, {"S": "a"}]}, id="list"),
        pytest.param({"M": {"a": {"M": {}}, "b c": {"BOOL": True}}}, id="map"),
        pytest.param({"S": ""}, id="empty string"),
        pytest.param({"B": b""}, id="empty binary"),
        pytest.param({"L": []}, id="empty list"),
        pytest.param({"M": {}}, id="empty map"),
    ],
)
def test_a_value_comes_back_as_it_was_put(table, value):
    assert stored(table, value) == value


def test_an_empty_binary_may_stand_in_a_set(table):
    """(unconfirmed)"""
    assert stored(table, {"BS": [b"", b"a"]}) == {"BS": [b"", b"a"]}


@pytest.mark.parametrize(
    "value, text",
    [
        pytest.param({}, EMPTY_VALUE, id="no type"),
        pytest.param({"X": "a"}, EMPTY_VALUE, id="an unknown type"),
        pytest.param({"S": None}, EMPTY_VALUE, id="a null content"),
        pytest.param({"S": "a", "N": "1"}, TWO_TYPES, id="two types"),
        pytest.param({"L": [{}]}, EMPTY_VALUE, id="no type in a list"),
        pytest.param({"M": {"a": {"S": "a", "BOOL": True}}}, TWO_TYPES, id="two types in a map"),
    ],
)
def test_a_value_has_exactly_one_type(table, value, text):
    assert refusal(table, value) == invalid(text)


def test_a_type_that_is_null_counts_as_absent(table):
    assert sent(table, {"S": "a", "N": None}) == {"S": "a"}


def test_null_is_true_or_nothing(table):
    assert refusal(table, {"NULL": False}) == enveloped(
        PARAMETER + "Null attribute value types must have the value of true"
    )


@pytest.mark.parametrize("kind", ["BOOL", "NULL"])
@pytest.mark.parametrize("text", ["true", "T", "yes", "Y", "1", "TRUE"])
def test_booleans_understand_words(table, kind, text):
    assert sent(table, {kind: text}) == {kind: True}


@pytest.mark.parametrize("text", ["false", "F", "no", "N", "0"])
def test_booleans_understand_denials(table, text):
    assert sent(table, {"BOOL": text}) == {"BOOL": False}
    assert refusal(table, {"NULL": text}) == invalid(
        PARAMETER + "Null attribute value types must have the value of true"
    )


@pytest.mark.parametrize(
    "value, text",
    [
        pytest.param(
            {"NULL": "maybe", "SS": []}, "Unexpected token received from parser", id="boolean first"
        ),
        pytest.param(
            {"SS": [], "N": "x"}, PARAMETER + "An string set  may not be empty", id="empty set"
        ),
        pytest.param({"N": "x", "NULL": False}, NOT_CONVERTIBLE + "x", id="number"),
        pytest.param(
            {"NULL": False, "S": "a"},
            PARAMETER + "Null attribute value types must have the value of true",
            id="NULL",
        ),
        pytest.param({"NULL": True, "S": "a"}, TWO_TYPES, id="two types last"),
    ],
)
def test_a_value_with_two_types_may_have_a_worse_fault(table, value, text):
    wrap = unconvertible if text.startswith("Unexpected") else invalid

    assert refusal(table, value) == wrap(text)


# ------------------------------------------------------------------------- JSON of another type


@pytest.mark.parametrize(
    "value, text",
    [
        pytest.param({"S": 1}, "NUMBER_VALUE cannot be converted to String", id="number for S"),
        pytest.param({"N": 1}, "NUMBER_VALUE cannot be converted to String", id="number for N"),
        pytest.param({"N": 1.5}, "DECIMAL_VALUE cannot be converted to String", id="fraction"),
        pytest.param({"S": True}, "TRUE_VALUE cannot be converted to String", id="true"),
        pytest.param({"S": False}, "FALSE_VALUE cannot be converted to String", id="false"),
        pytest.param({"SS": [1]}, "NUMBER_VALUE cannot be converted to String", id="in a set"),
        pytest.param(
            {"S": {}}, "Start of structure or map found where not expected", id="object for S"
        ),
        pytest.param({"S": []}, "Unrecognized collection type class java.lang.String", id="list"),
        pytest.param({"BOOL": "maybe"}, "Unexpected token received from parser", id="BOOL"),
        pytest.param(
            {"BOOL": 1}, "NUMBER_VALUE cannot be converted to Boolean", id="number for BOOL"
        ),
        pytest.param(
            {"BOOL": 1.0}, "DECIMAL_VALUE cannot be converted to Boolean", id="fraction for BOOL"
        ),
        pytest.param({"BOOL": []}, "no message", id="list for BOOL"),
        pytest.param(
            {"BOOL": {}},
            "Start of structure or map found where not expected",
            id="object for BOOL",
        ),
        pytest.param({"SS": "a"}, "Unexpected field type", id="string for a set"),
        pytest.param({"L": "a"}, "Unexpected field type", id="string for a list"),
        pytest.param({"M": "a"}, "Unexpected field type", id="string for a map"),
        pytest.param("a", "Unexpected value type in payload", id="string for a value"),
        pytest.param(
            {"B": 1},
            "only base-64-encoded strings are convertible to bytes",
            id="number for B",
        ),
        pytest.param(
            {"B": "YQ"},
            "Base64 encoded length is expected a multiple of 4 bytes but found: 2",
            id="base64 without padding",
        ),
        pytest.param(
            {"B": "YW=="},
            "Invalid last non-pad Base64 character dectected",
            id="base64 with spare bits",
        ),
    ],
)
def test_json_of_another_type_is_no_value(table, value, text):
    """Where DynamoDB's captures differ by version, the text is Stator's choice (unconfirmed)."""
    assert refusal(table, value) == unconvertible(text)


def test_json_types_are_looked_at_before_everything_else(table):
    answer = table.send("PutItem", TableName="a!", Item={"a": {"N": 1}})

    assert refusal_of(answer) == unconvertible("NUMBER_VALUE cannot be converted to String")
    assert "Message" in answer.body


@pytest.mark.parametrize(
    "members, text",
    [
        pytest.param(
            {"TableName": 1}, "NUMBER_VALUE cannot be converted to String", id="number for a string"
        ),
        pytest.param(
            {"ReturnConsumedCapacity": True}, "TRUE_VALUE cannot be converted to String", id="true"
        ),
        pytest.param(
            {"TableName": {}},
            "Start of structure or map found where not expected",
            id="object for a string",
        ),
        pytest.param({"Key": "a"}, "Unexpected field type", id="string for a map"),
        pytest.param(
            {"Key": []},
            "Unrecognized collection type java.util.Map<java.lang.String, "
            "com.amazonaws.dynamodb.v20120810.AttributeValue>",
            id="list for a map",
        ),
        pytest.param({"AttributesToGet": "a"}, "Unexpected field type", id="string for a list"),
        pytest.param(
            {"AttributesToGet": {}},
            "Start of structure or map found where not expected",
            id="object for a list",
        ),
        pytest.param(
            {"ConsistentRead": 1}, "NUMBER_VALUE cannot be converted to Boolean", id="boolean"
        ),
    ],
)
def test_members_have_json_types_too(table, members, text):
    """(unconfirmed wording of some)"""
    refused = table.sent_refusal("GetItem", **{"Key": {"pk": {"S": "a"}}} | members)

    assert refused == unconvertible(text)


@pytest.mark.parametrize(
    "limit, text",
    [
        ("1", "STRING_VALUE cannot be converted to Integer"),
        (True, "TRUE_VALUE cannot be converted to Integer"),
        ({}, "Start of structure or map found where not expected"),
    ],
)
def test_an_integer_is_a_json_number(table, limit, text):
    assert table.sent_refusal("Scan", Limit=limit) == unconvertible(text)


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b"1", b'"a"'])
def test_a_body_that_is_no_json_object_has_no_message(table, body):
    answer = table.connection.call("GetItem", body)

    assert (answer.status, answer.body) == (
        400,
        {"__type": "com.amazon.coral.service#SerializationException"},
    )


# ------------------------------------------------------------------------------------------- sets


@pytest.mark.parametrize(
    "value, text",
    [
        pytest.param({"SS": []}, "An string set  may not be empty", id="empty SS (two blanks)"),
        pytest.param({"NS": []}, "An number set  may not be empty", id="empty NS"),
        pytest.param({"BS": []}, "Binary sets should not be empty", id="empty BS"),
        pytest.param(
            {"SS": ["a", "a"]}, 'Input collection ["a", "a"] contains duplicates.', id="SS"
        ),
        pytest.param(
            {"SS": ["b", "a", "b", "C"]},
            'Input collection ["a", "b", "b", "C"] contains duplicates.',
            id="the elements before the repeat are quoted in order",
        ),
        pytest.param(
            {"BS": ["Yg==", "Yg=="]},
            'Input collection ["Yg==","Yg=="]of type BS contains duplicates.',
            id="BS (one blank less)",
        ),
        pytest.param({"NS": ["1", "1"]}, "Input collection contains duplicates.", id="NS"),
        pytest.param(
            {"NS": ["1", "1.0"]}, "Input collection contains duplicates.", id="NS by value"
        ),
        pytest.param(
            {"NS": ["100", "1e2"]}, "Input collection contains duplicates.", id="NS by exponent"
        ),
        pytest.param(
            {"L": [{"M": {"a": {"SS": []}}}]}, "An string set  may not be empty", id="deep inside"
        ),
    ],
)
def test_a_set_has_elements_and_no_element_twice(table, value, text):
    assert refusal(table, value) == enveloped(PARAMETER + text)


@pytest.mark.parametrize(
    "value, text",
    [
        pytest.param({"SS": ["b", "a", "b"]}, "[b, a, b] contains duplicates.", id="SS as sent"),
        pytest.param(
            {"BS": ["Yg==", "Yg=="]}, "[Yg==, Yg==]of type BS contains duplicates.", id="BS"
        ),
    ],
)
def test_the_old_layer_quotes_a_set_as_it_was_sent(table, value, text):
    put = {"PutRequest": {"Item": table.new_key() | {"a": value}}}
    answer = table.connection.call("BatchWriteItem", {"RequestItems": {table.name: [put]}})

    assert refusal_of(answer) == invalid(f"{PARAMETER}Input collection {text}")


def test_sets_come_back_in_order(table):
    """Strings and binary by their bytes, numbers by value."""
    assert stored(table, {"SS": ["b", "B", "é", "a", "\U0001d11e", "\ufffe"]}) == {
        "SS": ["B", "a", "b", "é", "\ufffe", "\U0001d11e"]
    }
    assert stored(table, {"NS": ["10", "-1", "9", "0.5"]}) == {"NS": ["-1", "0.5", "9", "10"]}
    assert stored(table, {"BS": [b"\xff", b"\x00", b"\x00\x00"]}) == {
        "BS": [b"\x00", b"\x00\x00", b"\xff"]
    }


# ---------------------------------------------------------------------------------------- nesting


@pytest.mark.parametrize("kind", ["L", "M"])
def test_a_document_has_32_levels_its_leaf_counted(table, kind):
    deepest = nested(LEVELS_MAX - 1, {"S": "leaf"}, kind)

    assert stored(table, deepest) == deepest
    assert refusal(table, nested(LEVELS_MAX, {"S": "leaf"}, kind)) == enveloped(TOO_DEEP)


def test_32_lists_may_stand_inside_each_other_if_the_innermost_is_empty(table):
    """(unconfirmed)"""
    deepest = nested(LEVELS_MAX - 1, {"L": []})

    assert stored(table, deepest) == deepest


def test_much_too_deep_an_item_is_refused_bare(table):
    assert refusal(table, nested(62, {"S": "leaf"})) == enveloped(TOO_DEEP)
    assert refusal(table, nested(64, {"S": "leaf"})) == invalid(TOO_DEEP)


def test_a_value_of_great_depth_names_its_placeholder(table):
    refused = table.sent_refusal(
        "UpdateItem",
        Key=table.new_key(),
        UpdateExpression="SET a =",
        ExpressionAttributeValues={":deep": nested(63, {"S": "leaf"})},
    )

    assert refused == invalid(
        f"ExpressionAttributeValues contains invalid value: {TOO_DEEP} for key :deep"
    )


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
def test_beside_a_value_of_great_depth_return_values_have_their_old_words(table, operation):
    deep = {"a": nested(63, {"S": "leaf"})}
    members = {"Item": table.new_key() | deep}
    if operation == "UpdateItem":
        members = {"Key": deep}

    assert table.sent_refusal(operation, ReturnValues="x", **members) == enveloped(
        "Value 'x' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value "
        "set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"
    )


def test_hostile_nesting_is_no_json_at_all(table):
    body = b'{"TableName":"t","Item":{"a":' + b'{"L":[' * 5000 + b"]}" * 5000 + b"}}"

    answer = table.connection.call("PutItem", body)

    assert answer.status == 400
    assert answer.body == {"__type": "com.amazon.coral.service#SerializationException"}


def test_nesting_is_refused_before_the_table_is_looked_up_but_after_the_members(table):
    deep = {"pk": {"S": "a"}, "a": nested(LEVELS_MAX, {"S": "leaf"})}

    assert table.sent_refusal("PutItem", TableName="none", Item=deep) == enveloped(TOO_DEEP)
    assert table.sent_refusal(
        "PutItem", TableName="none", Item=deep, ReturnItemCollectionMetrics="x"
    ).startswith("ValidationException: 1 validation error detected: Value 'x' at 'returnItem")


@pytest.mark.parametrize(
    "operation, members, text",
    [
        pytest.param(
            "DeleteItem", {"Key": {"pk": nested(32, {"S": "a"})}}, enveloped(TOO_DEEP), id="a key"
        ),
        pytest.param(
            "GetItem", {"Key": {"pk": nested(32, {"S": "a"})}}, invalid(TOO_DEEP), id="to read"
        ),
        pytest.param(
            "DeleteItem",
            {
                "Key": {"pk": {"S": "a"}},
                "ConditionExpression": "a = :v",
                "ExpressionAttributeValues": {":v": nested(32, {"S": "a"})},
            },
            enveloped(TOO_DEEP),
            id="a value of an expression",
        ),
        pytest.param(
            "UpdateItem",
            {
                "Key": {"pk": {"S": "a"}},
                "AttributeUpdates": {"a": {"Value": nested(32, {"S": "a"})}},
            },
            enveloped(TOO_DEEP),
            id="AttributeUpdates",
        ),
        pytest.param(
            "DeleteItem",
            {"Key": {"pk": {"S": "a"}}, "Expected": {"a": {"Value": nested(32, {"S": "a"})}}},
            enveloped(TOO_DEEP),
            id="Expected",
        ),
    ],
)
def test_every_value_of_a_request_has_the_same_limit(table, operation, members, text):
    assert table.sent_refusal(operation, **members) == text


# ------------------------------------------------------------------------------------------ names


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"Item": {"pk": {"S": "a"}, "": {"S": "a"}}}, id="in the item"),
        pytest.param(
            {"Item": {"pk": {"S": "a"}, "m": {"M": {"": {"S": "a"}}}}}, id="in a map inside"
        ),
        pytest.param(
            {"Item": {"pk": {"S": "a"}}, "Expected": {"": {"Exists": False}}}, id="in Expected"
        ),
        pytest.param(
            {
                "Item": {"pk": {"S": "a"}},
                "ConditionExpression": "nonsense(",
                "ExpressionAttributeValues": {":v": {"M": {"": {"S": "a"}}}},
            },
            id="in a value of an expression, before that is parsed",
        ),
    ],
)
def test_an_attribute_has_a_name(table, members):
    assert table.sent_refusal("PutItem", TableName="none", **members) == enveloped(
        "Empty attribute name"
    )


def test_a_name_may_have_65535_bytes(table):
    name = "n" * 65_535
    key = table.new_key()

    table.put(key | {name: {"S": "v"}})

    assert table.attributes(key) == {name: {"S": "v"}}


def test_a_name_has_65535_bytes_at_most(table):
    """(unconfirmed wording)"""
    refused = table.refusal("PutItem", Item=table.new_key() | {"n" * 65_536: {"S": "v"}})

    assert refused.startswith(enveloped("Attribute name is too large"))
