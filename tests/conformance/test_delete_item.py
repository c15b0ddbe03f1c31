"""DeleteItem removes an item by its whole key; removing what is not there succeeds.

Only a condition can refuse it then. AWS: API reference, DeleteItem.
"""

from __future__ import annotations

import pytest

from item_table import (
    FAILED_CONDITION,
    NOT_FOUND,
    PARAMETER,
    WRONG_KEY,
    constraint,
    enum,
    enveloped,
    invalid,
    member_errors,
)

OLD_OR_NOTHING = "ReturnValues can only be ALL_OLD or NONE"
RETURN_VALUES = (
    "Failed to satisfy constraint: Member must satisfy enum value set: "
    "[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
)
CONSUMED = constraint("returnConsumedCapacity", "x", enum("INDEXES", "TOTAL", "NONE"))
METRICS = constraint("returnItemCollectionMetrics", "x", enum("SIZE", "NONE"))
ON_FAILURE = constraint("returnValuesOnConditionCheckFailure", "x", enum("ALL_OLD", "NONE"))


def test_an_item_is_gone_after_its_deletion(table):
    key = table.stored(a={"S": "a"})

    assert table.delete(key) == {}
    assert table.get(key) is None


def test_deleting_what_is_not_there_succeeds(table):
    answer = table.send("DeleteItem", Key=table.new_key())

    assert (answer.status, answer.text) == (200, b"{}")


def test_deleting_what_is_not_there_fails_if_the_condition_does(table):
    refusal = table.refusal(
        "DeleteItem", Key=table.new_key(), ConditionExpression="attribute_exists(pk)"
    )

    assert refusal == FAILED_CONDITION


def test_all_old_returns_the_item_that_was_deleted(table):
    key = table.stored(a={"S": "a"})

    assert table.delete(key, ReturnValues="ALL_OLD") == {"Attributes": key | {"a": {"S": "a"}}}
    assert table.delete(key, ReturnValues="ALL_OLD") == {}


@pytest.mark.parametrize(
    "key",
    [
        pytest.param({}, id="empty"),
        pytest.param({"pk": {"S": "a"}, "b": {"S": "a"}}, id="an attribute too many"),
        pytest.param({"pk": {"N": "1"}}, id="another type"),
        pytest.param({"b": {"S": "a"}}, id="another name"),
    ],
)
def test_a_key_must_match_the_schema(table, key):
    assert table.refusal("DeleteItem", Key=key) == WRONG_KEY


def test_a_key_value_must_be_within_the_limits(table):
    assert table.refusal("DeleteItem", Key={"pk": {"S": ""}}) == invalid(
        "One or more parameter values are not valid. The AttributeValue for a key attribute "
        "cannot contain an empty string value. Key: pk"
    )
    assert table.refusal("DeleteItem", Key={"pk": {"S": "h" * 2049}}) == invalid(
        PARAMETER + "Size of hashkey has exceeded the maximum size limit of2048 bytes"
    )


def test_a_missing_table_is_reported_after_what_is_wrong_with_the_request(table):
    key = table.new_key()

    assert table.refusal("DeleteItem", TableName="none", Key=key) == NOT_FOUND
    assert table.refusal(
        "DeleteItem", TableName="none", Key=key, ReturnValues="ALL_NEW"
    ) == enveloped(OLD_OR_NOTHING)


@pytest.mark.parametrize(
    "members, sentences",
    [
        pytest.param({"Key": None}, [constraint("key", None, "not be null")], id="no key"),
        pytest.param(
            {"ReturnValues": "UPDATED_NEW"}, [OLD_OR_NOTHING], id="return values of an update"
        ),
        pytest.param(
            {"ReturnValues": "ALL_NEW", "Key": None},
            [constraint("key", None, "not be null")],
            id="return values of an update are not looked at without a key",
        ),
        pytest.param(
            {"ReturnValues": "ALL_NEW", "ReturnConsumedCapacity": "x", "TableName": "ab"},
            [
                constraint("tableName", "ab", "have length greater than or equal to 3"),
                CONSUMED,
                OLD_OR_NOTHING,
            ],
            id="return values of an update are joined last",
        ),
        pytest.param(
            {
                "TableName": None,
                "ReturnConsumedCapacity": "x",
                "ReturnValues": "x",
                "ReturnItemCollectionMetrics": "x",
                "ReturnValuesOnConditionCheckFailure": "x",
            },
            [
                constraint("tableName", None, "not be null"),
                CONSUMED,
                RETURN_VALUES,
                METRICS,
                ON_FAILURE,
            ],
            id="all of them in DynamoDB's order",
        ),
    ],
)
def test_every_member_that_breaks_a_rule_is_listed(table, members, sentences):
    body = {"Key": {"pk": {"S": "a"}}} | members

    assert table.sent_refusal("DeleteItem", **body) == member_errors(*sentences)


def test_return_values_of_an_update_come_before_expression_errors(table):
    refusal = table.refusal(
        "DeleteItem", Key=table.new_key(), ReturnValues="ALL_NEW", ConditionExpression=""
    )

    assert refusal == enveloped(OLD_OR_NOTHING)


def test_collection_metrics_need_a_local_index(make_table, table):
    indexed = make_table(
        range_key="S",
        more_keys={"local": "S"},
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-local",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "local", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    key = indexed.new_key(sk={"S": "a"})

    metrics = indexed.delete(key, ReturnItemCollectionMetrics="SIZE")["ItemCollectionMetrics"]

    assert metrics["ItemCollectionKey"] == {"pk": key["pk"]}
    assert table.delete(table.new_key(), ReturnItemCollectionMetrics="SIZE") == {}
