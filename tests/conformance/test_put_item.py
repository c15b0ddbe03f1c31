"""PutItem replaces the whole item under a key, or makes it, and answers nothing unless asked.

The key must be there, of the declared type, within its limits; so must the keys of indexes where an
item has them. A write that is refused leaves what was there. AWS: API reference, PutItem.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import (
    ENVELOPE,
    FAILED_CONDITION,
    NOT_FOUND,
    PARAMETER,
    ItemTable,
    constraint,
    enum,
    enveloped,
    invalid,
    member_errors,
)

RETURN_VALUES = (
    "Failed to satisfy constraint: Member must satisfy enum value set: "
    "[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
)
EMPTY_NAME = (
    "Value at 'TableName' failed to satisfy constraint: Member must have length greater than or "
    "equal to 1"
)
NAME_PATTERN = "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"


@pytest.fixture(scope="module")
def indexed(make_table) -> ItemTable:
    """A table with a RANGE key, a local index on `local` (N) and a global one on `global` (S)."""
    return make_table(
        range_key="N",
        more_keys={"local": "N", "global": "S", "bytes": "B"},
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-local",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "local", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-global",
                "KeySchema": [
                    {"AttributeName": "global", "KeyType": "HASH"},
                    {"AttributeName": "bytes", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


def test_a_put_answers_an_empty_object(table):
    """A write with nothing to return sends `{}`."""
    answer = table.send("PutItem", Item=table.new_key())

    assert (answer.status, answer.text) == (200, b"{}")


def test_a_put_replaces_the_entire_item(table):
    key = table.stored(old={"S": "a"}, both={"N": "1"})

    table.put(key | {"both": {"N": "2"}, "new": {"BOOL": True}})

    assert table.get(key) == key | {"both": {"N": "2"}, "new": {"BOOL": True}}


def test_a_refused_put_leaves_what_was_there(table):
    key = table.stored(a={"N": "1"})

    refusal = table.refusal(
        "PutItem",
        Item=key | {"a": {"N": "2"}},
        ConditionExpression="attribute_not_exists(pk)",
    )

    assert refusal == FAILED_CONDITION
    assert table.attributes(key) == {"a": {"N": "1"}}


def test_all_old_returns_the_item_that_was_replaced(table):
    key = table.stored(a={"N": "1"})

    assert table.put(key, ReturnValues="ALL_OLD") == {"Attributes": key | {"a": {"N": "1"}}}
    assert table.put(table.new_key(), ReturnValues="ALL_OLD") == {}


def test_a_table_is_also_found_by_its_arn(table):
    arn = table.client.describe_table(TableName=table.name)["Table"]["TableArn"]
    key = table.new_key()

    table.call("PutItem", TableName=arn, Item=key)

    assert table.get(key) == key


def test_a_missing_table_is_named_without_its_name(table):
    refusal = table.refusal("PutItem", TableName="no-such-table", Item=table.new_key())

    assert refusal == NOT_FOUND


# ------------------------------------------------------------------------------------ key errors


@pytest.mark.parametrize(
    "item, text",
    [
        pytest.param({}, "Missing the key pk in the item", id="no key at all"),
        pytest.param({"pk": {"S": "a"}}, "Missing the key sk in the item", id="no RANGE key"),
        pytest.param(
            {"pk": {"N": "1"}, "sk": {"N": "1"}},
            "Type mismatch for key pk expected: S actual: N",
            id="HASH key of another type",
        ),
        pytest.param(
            {"pk": {"S": "a"}, "sk": {"BOOL": True}},
            "Type mismatch for key sk expected: N actual: BOOL",
            id="RANGE key of another type",
        ),
        pytest.param(
            {"pk": {"S": "x" * 2049}, "sk": {"N": "1"}},
            "Size of hashkey has exceeded the maximum size limit of2048 bytes",
            id="HASH key of more than 2048 bytes (the missing blank is DynamoDB's)",
        ),
        pytest.param(
            {"pk": {"S": "a"}, "sk": {"N": "1"}, "local": {"S": "a"}},
            "Type mismatch for Index Key local Expected: N Actual: S IndexName: by-local",
            id="key of a local index of another type",
        ),
        pytest.param(
            {"pk": {"S": "a"}, "sk": {"N": "1"}, "global": {"NULL": True}},
            "Type mismatch for Index Key global Expected: S Actual: NULL IndexName: by-global",
            id="key of a global index of another type",
        ),
    ],
)
def test_a_key_that_does_not_fit_is_refused_without_the_envelope(indexed, item, text):
    assert indexed.refusal("PutItem", Item=item) == invalid(PARAMETER + text)


@pytest.mark.parametrize(
    "kind, empty, word", [("S", "", "string"), ("B", b"", "binary")], ids=["string", "binary"]
)
def test_a_key_may_not_be_empty(make_table, kind, empty, word):
    keyed = make_table(kind)

    assert keyed.refusal("PutItem", Item={"pk": {kind: empty}}) == invalid(
        "One or more parameter values are not valid. The AttributeValue for a key attribute "
        f"cannot contain an empty {word} value. Key: pk"
    )


@pytest.mark.parametrize(
    "attribute, value, word",
    [("global", {"S": ""}, "string"), ("bytes", {"B": b""}, "binary")],
    ids=["string", "binary"],
)
def test_the_key_of_an_index_may_not_be_empty(indexed, attribute, value, word):
    item = indexed.new_key(sk={"N": "1"}) | {attribute: value}

    assert indexed.refusal("PutItem", Item=item) == invalid(
        "One or more parameter values are not valid. A value specified for a secondary index key "
        f"is not supported. The AttributeValue for a key attribute cannot contain an empty {word} "
        f"value. IndexName: by-global, IndexKey: {attribute}"
    )


def test_an_item_may_do_without_the_keys_of_indexes(indexed):
    key = indexed.new_key(sk={"N": "1"})

    indexed.put(key | {"global": {"S": "a"}})

    assert indexed.get(key) == key | {"global": {"S": "a"}}


def test_keys_may_be_as_long_as_their_limits(make_table):
    """2048 bytes of HASH key, 1024 of RANGE key, and one byte more of either is refused."""
    ranged = make_table(range_key="S")
    longest = {"pk": {"S": "h" * 2048}, "sk": {"S": "é" * 512}}

    ranged.put(longest)

    assert ranged.get(longest) == longest
    too_long = longest | {"sk": {"S": "r" * 1025}}
    assert ranged.refusal("PutItem", Item=too_long) == invalid(
        PARAMETER + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
    )


# --------------------------------------------------------------------------------- member errors


@pytest.mark.parametrize(
    "members, sentences",
    [
        pytest.param(
            {"TableName": None}, [constraint("tableName", None, "not be null")], id="no table name"
        ),
        pytest.param({"Item": None}, [constraint("item", None, "not be null")], id="no item"),
        pytest.param(
            {"TableName": ""},
            [EMPTY_NAME],
            id="empty table name",
        ),
        pytest.param(
            {"TableName": "ab"},
            [constraint("tableName", "ab", "have length greater than or equal to 3")],
            id="short table name",
        ),
        pytest.param(
            {"TableName": "a!"},
            [constraint("tableName", "a!", "have length greater than or equal to 3")],
            id="length before pattern",
        ),
        pytest.param(
            {"TableName": "abc!"},
            [constraint("tableName", "abc!", NAME_PATTERN)],
            id="character that no name has",
        ),
        pytest.param(
            {"TableName": "x" * 256},
            [constraint("tableName", "x" * 256, "have length less than or equal to 255")],
            id="long table name",
        ),
        pytest.param(
            {"ReturnConsumedCapacity": "ALL"},
            [constraint("returnConsumedCapacity", "ALL", enum("INDEXES", "TOTAL", "NONE"))],
            id="ReturnConsumedCapacity",
        ),
        pytest.param({"ReturnValues": "OLD"}, [RETURN_VALUES], id="ReturnValues"),
        pytest.param(
            {"ReturnItemCollectionMetrics": "ALL"},
            [constraint("returnItemCollectionMetrics", "ALL", enum("SIZE", "NONE"))],
            id="ReturnItemCollectionMetrics",
        ),
        pytest.param(
            {"ReturnValuesOnConditionCheckFailure": ""},
            [constraint("returnValuesOnConditionCheckFailure", "", enum("ALL_OLD", "NONE"))],
            id="ReturnValuesOnConditionCheckFailure",
        ),
        pytest.param(
            {
                "TableName": "ab",
                "Item": None,
                "ReturnConsumedCapacity": "x",
                "ReturnValues": "x",
                "ReturnItemCollectionMetrics": "x",
                "ReturnValuesOnConditionCheckFailure": "x",
            },
            [
                constraint("tableName", "ab", "have length greater than or equal to 3"),
                constraint("item", None, "not be null"),
                constraint("returnConsumedCapacity", "x", enum("INDEXES", "TOTAL", "NONE")),
                RETURN_VALUES,
                constraint("returnItemCollectionMetrics", "x", enum("SIZE", "NONE")),
                constraint("returnValuesOnConditionCheckFailure", "x", enum("ALL_OLD", "NONE")),
            ],
            id="all of them, counted and in DynamoDB's order",
        ),
    ],
)
def test_every_member_that_breaks_a_rule_is_listed(table, members, sentences):
    body = {"Item": {"pk": {"S": "a"}}} | members

    assert table.sent_refusal("PutItem", **body) == member_errors(*sentences)


def test_an_empty_table_name_is_reported_alone(table):
    refusal = table.sent_refusal("PutItem", TableName="", Item=None, ReturnValues="x")

    assert refusal == enveloped(EMPTY_NAME)


@pytest.mark.parametrize("value", ["ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
def test_a_put_returns_the_old_item_or_nothing(table, value):
    refusal = table.refusal("PutItem", Item=table.new_key(), ReturnValues=value)

    assert refusal == enveloped("ReturnValues can only be ALL_OLD or NONE")


def test_members_that_are_null_or_unknown_are_ignored(table):
    key = table.new_key()

    answer = table.send("PutItem", Item=key, ReturnValues=None, Unknown=[{"a": 1}], Expected=None)

    assert answer.error is None
    assert table.get(key) == key


# ------------------------------------------------------------------------ the size of collections


def test_collection_metrics_are_given_for_tables_with_a_local_index_only(indexed, table):
    answer = indexed.put(indexed.new_key(sk={"N": "1"}), ReturnItemCollectionMetrics="SIZE")

    metrics = answer["ItemCollectionMetrics"]
    assert list(metrics["ItemCollectionKey"]) == ["pk"]
    lower, upper = metrics["SizeEstimateRangeGB"]
    assert (lower, upper) == (0.0, 1.0)
    assert table.put(table.new_key(), ReturnItemCollectionMetrics="SIZE") == {}
    assert indexed.put(indexed.new_key(sk={"N": "1"})) == {}


# ------------------------------------------------------------------- the envelope and the old layer

SECOND_VALUES: dict[str, Any] = {"S": "a", "N": "1"}


@pytest.mark.parametrize(
    "item, text",
    [
        pytest.param({"a": {"SS": []}}, PARAMETER + "An string set  may not be empty", id="set"),
        pytest.param(
            {"a": {"N": "x"}},
            "The parameter cannot be converted to a numeric value: x",
            id="number",
        ),
        pytest.param(
            {"a": {"NULL": False}},
            PARAMETER + "Null attribute value types must have the value of true",
            id="NULL that is false",
        ),
        pytest.param({"": {"S": "a"}}, "Empty attribute name", id="empty name"),
    ],
)
def test_refused_values_stand_in_the_envelope(table, item, text):
    """As DynamoDB's new validation layer answers PutItem (2026)."""
    assert table.sent_refusal("PutItem", Item=table.new_key() | item) == invalid(ENVELOPE + text)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"o": {"BOOL": "true"}}, id="BOOL as a string"),
        pytest.param({"o": {"NULL": "true"}}, id="NULL as a string"),
    ],
)
def test_a_boolean_written_as_a_string_hands_the_request_to_the_old_layer(table, odd):
    """There every refusal of a value is bare."""
    item = table.new_key() | odd | {"set": {"NS": ["1", "1"]}}

    assert table.sent_refusal("PutItem", Item=item) == invalid(
        "Input collection contains duplicates"
    )


@pytest.mark.parametrize(
    "value, text",
    [
        pytest.param(
            {},
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            id="no type",
        ),
        pytest.param(
            SECOND_VALUES,
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
            "the supported datatypes",
            id="two types",
        ),
    ],
)
def test_empty_and_two_typed_values_stay_bare(table, value, text):
    item = table.new_key() | {"a": value}

    assert table.sent_refusal("PutItem", Item=item) == invalid(text)
