"""BatchWriteItem puts and deletes up to twenty-five items of several tables, each by itself.

It is not atomic, and it has no conditions; the whole request is checked before anything is written.
AWS: API reference, BatchWriteItem; error texts as DynamoDB's older validation layer answers
(captured 2026-10).
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import (
    NOT_FOUND,
    PARAMETER,
    WRONG_KEY,
    ItemTable,
    constraint,
    enum,
    invalid,
    member_errors,
    refusal_of,
)

CONSUMED = constraint("returnConsumedCapacity", "x", enum("INDEXES", "TOTAL", "NONE"))
METRICS = constraint("returnItemCollectionMetrics", "x", enum("SIZE", "NONE"))
DUPLICATES = invalid("Provided list of item keys contains duplicates")
REQUIRED = invalid("The requestItems parameter is required for BatchWriteItem")
LENGTHS = (
    "' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member "
    "must have length less than or equal to 25, Member must have length greater than or equal to 1]"
)
NAME_RULES = (
    "' at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: [Member "
    "must have length less than or equal to 255, Member must have length greater than or equal to "
    "3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]"
)


@pytest.fixture(scope="module")
def other(make_table) -> ItemTable:
    return make_table("N")


@pytest.fixture(scope="module")
def indexed(make_table) -> ItemTable:
    """A RANGE key, a local index on `local` (N) and a global one on `global` (S)."""
    return make_table(
        range_key="N",
        more_keys={"local": "N", "global": "S"},
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
                "KeySchema": [{"AttributeName": "global", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )


def put(item: dict[str, Any]) -> dict[str, Any]:
    return {"PutRequest": {"Item": item}}


def delete(key: dict[str, Any]) -> dict[str, Any]:
    return {"DeleteRequest": {"Key": key}}


def write(table: ItemTable, wanted: dict[str, Any], **members: Any) -> dict[str, Any]:
    answer = table.client.batch_write_item(RequestItems=wanted, **members)
    del answer["ResponseMetadata"]
    return dict(answer)


def refusal(table: ItemTable, wanted: Any, **members: Any) -> str:
    return refusal_of(table.connection.call("BatchWriteItem", {"RequestItems": wanted, **members}))


def test_items_of_several_tables_are_put_and_deleted_at_once(table, other):
    old, new = table.stored(a={"S": "a"}), table.new_key()
    other.put({"pk": {"N": "1"}, "a": {"S": "old"}})

    answer = write(
        table, {table.name: [delete(old), put(new)], other.name: [put({"pk": {"N": "1.0"}})]}
    )

    assert answer == {"UnprocessedItems": {}}
    assert table.get(old) is None
    assert table.get(new) == new
    assert other.get({"pk": {"N": "1"}}) == {"pk": {"N": "1"}}


def test_deleting_what_is_not_there_succeeds(table):
    assert write(table, {table.name: [delete(table.new_key())]}) == {"UnprocessedItems": {}}


def test_indexes_follow(indexed):
    item = {"pk": {"S": "p"}, "sk": {"N": "1"}, "global": {"S": "g"}, "local": {"N": "1"}}
    write(indexed, {indexed.name: [put(item)]})

    def entries() -> list[dict[str, Any]]:
        return indexed.call(
            "Query",
            IndexName="by-global",
            KeyConditionExpression="#g = :g",
            ExpressionAttributeNames={"#g": "global"},
            ExpressionAttributeValues={":g": {"S": "g"}},
        )["Items"]

    assert entries() == [{"pk": {"S": "p"}, "sk": {"N": "1"}, "global": {"S": "g"}}]
    write(indexed, {indexed.name: [delete({"pk": {"S": "p"}, "sk": {"N": "1"}})]})
    assert entries() == []


def test_a_table_is_also_found_by_its_arn(table):
    arn = table.client.describe_table(TableName=table.name)["Table"]["TableArn"]
    key = table.new_key()

    assert write(table, {arn: [put(key)]}) == {"UnprocessedItems": {}}
    assert table.get(key) == key


def test_twenty_five_writes_are_the_most(table):
    writes = [put(table.new_key()) for _ in range(26)]

    assert write(table, {table.name: writes[:25]}) == {"UnprocessedItems": {}}
    answered = refusal(table, {table.name: writes})
    assert answered.startswith(invalid(f"1 validation error detected: Value '{{{table.name}=["))
    assert answered.endswith(LENGTHS)


def test_over_several_tables_too(table, other):
    writes = [put(table.new_key()) for _ in range(13)]
    numbered = [put({"pk": {"N": str(number)}}) for number in range(13)]

    assert refusal(table, {table.name: writes, other.name: numbered}) == invalid(
        "Too many items requested for the BatchWriteItem call"
    )


# ------------------------------------------------------------------------------- errors, in order


def test_request_items_are_required(table):
    assert refusal(table, {}) == REQUIRED
    assert refusal(table, None) == REQUIRED
    assert refusal(table, {}, ReturnConsumedCapacity="x") == REQUIRED


def test_lengths_and_modes_are_listed_together(table):
    answered = refusal(
        table, {"a!": []}, ReturnConsumedCapacity="x", ReturnItemCollectionMetrics="x"
    )

    assert answered.startswith(invalid("3 validation errors detected: Value '{a!="))
    assert answered.endswith(f"{LENGTHS}; {CONSUMED}; {METRICS}")


def test_modes_are_refused_before_anything_is_written(table):
    key = table.new_key()

    assert refusal(table, {table.name: [put(key)]}, ReturnConsumedCapacity="x") == member_errors(
        CONSUMED
    )
    assert refusal(
        table, {table.name: [put(key)]}, ReturnItemCollectionMetrics="x"
    ) == member_errors(METRICS)
    assert table.get(key) is None


@pytest.mark.parametrize("name", ["ab", "a!bc", "x" * 256])
def test_table_names_are_map_keys_and_stand_alone(table, name):
    answered = refusal(table, {name: [put({"pk": {"N": "x"}})]})

    assert answered.startswith(invalid("1 validation error detected: Value '{"))
    assert answered.endswith(NAME_RULES)


@pytest.mark.parametrize(
    "request_, text",
    [
        pytest.param(
            {
                "PutRequest": {"Item": {"pk": {"S": "a"}}},
                "DeleteRequest": {"Key": {"pk": {"S": "a"}}},
            },
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
            "the supported datatypes",
            id="a put and a delete",
        ),
        pytest.param(
            {},
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            id="neither",
        ),
    ],
)
def test_a_write_is_a_put_or_a_delete(table, request_, text):
    """DynamoDB speaks of it as if it were a value."""
    assert refusal(table, {table.name: [request_]}) == invalid(text)


@pytest.mark.parametrize(
    "first, second", [(put, put), (put, delete), (delete, delete)], ids=["puts", "both", "deletes"]
)
def test_no_item_may_be_written_twice(table, first, second):
    key = table.new_key()

    assert refusal(table, {table.name: [first(key), second(key)]}) == DUPLICATES
    assert table.get(key) is None


def test_numbers_are_compared_by_value(other):
    """Other than in BatchGetItem (as DynamoDB answers, captured 2026-10)."""
    writes = [put({"pk": {"N": "5"}}), delete({"pk": {"N": "5.0"}})]

    assert refusal(other, {other.name: writes}) == DUPLICATES


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(put({}), id="a put without key"),
        pytest.param(put({"pk": {"N": "1"}}), id="a put whose key has another type"),
        pytest.param(put({"a": {"S": "a"}}), id="a put whose key has another name"),
        pytest.param(delete({}), id="a delete without key"),
        pytest.param(delete({"pk": {"N": "1"}}), id="a delete whose key has another type"),
        pytest.param(
            delete({"pk": {"S": "a"}, "b": {"S": "b"}}), id="a delete with an attribute too many"
        ),
    ],
)
def test_every_misfit_of_a_key_has_the_same_text(table, request_):
    good = table.new_key()

    assert refusal(table, {table.name: [put(good), request_]}) == WRONG_KEY
    assert table.get(good) is None


def test_the_keys_of_indexes_are_checked_as_putitem_checks_them(indexed):
    item = {"pk": {"S": "p"}, "sk": {"N": "1"}, "local": {"S": "a"}}

    assert refusal(indexed, {indexed.name: [put(item)]}) == invalid(
        PARAMETER + "Type mismatch for Index Key local Expected: N Actual: S IndexName: by-local"
    )


def test_a_missing_table_fails_all_of_it(table):
    key = table.new_key()

    assert refusal(table, {table.name: [put(key)], "none": [put(key)]}) == NOT_FOUND
    assert table.get(key) is None


@pytest.mark.parametrize(
    "value, text",
    [
        pytest.param(
            {"SS": ["b", "a", "b", "C"]},
            PARAMETER + "Input collection [b, a, b, C] contains duplicates.",
            id="duplicates, unquoted and as sent",
        ),
        pytest.param(
            {"BS": ["Yg==", "Yg=="]},
            PARAMETER + "Input collection [Yg==, Yg==]of type BS contains duplicates.",
            id="duplicate bytes",
        ),
        pytest.param(
            {"NS": ["1", "1.0"]}, "Input collection contains duplicates", id="duplicate numbers"
        ),
        pytest.param({"SS": []}, PARAMETER + "An string set  may not be empty", id="empty set"),
        pytest.param(
            {"N": ""}, "The parameter cannot be converted to a numeric value", id="empty number"
        ),
        pytest.param(
            {"NULL": False},
            PARAMETER + "Null attribute value types must have the value of true",
            id="NULL that is false",
        ),
        pytest.param(
            {},
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            id="no type",
        ),
    ],
)
def test_refused_values_are_in_the_old_words_and_bare(table, value, text):
    item = {"pk": {"S": "a"}, "a": value}

    assert refusal(table, {"none": [put(item)]}) == invalid(text)


def test_an_empty_name_is_refused(table):
    assert refusal(table, {"none": [put({"": {"S": "a"}})]}) == invalid("Empty attribute name")


def test_of_several_broken_indexes_the_first_by_name_is_told(indexed):
    item = indexed.new_key(sk={"N": "1"}) | {"local": {"S": "a"}, "global": {"N": "1"}}

    assert refusal(indexed, {indexed.name: [put(item)]}) == invalid(
        PARAMETER + "Type mismatch for Index Key global Expected: S Actual: N IndexName: by-global"
    )


def test_item_collections_are_reported_by_the_name_sent_and_of_tables_with_local_indexes(
    table, indexed
):
    key, item = table.new_key(), indexed.new_key(sk={"N": "1"}) | {"local": {"N": "1"}}
    arn = table.client.describe_table(TableName=indexed.name)["Table"]["TableArn"]

    def metrics(wanted):
        answer = table.client.batch_write_item(
            RequestItems=wanted, ReturnItemCollectionMetrics="SIZE"
        )
        return answer.get("ItemCollectionMetrics")

    assert metrics({table.name: [put(key)]}) is None
    for name in (indexed.name, arn):
        (collection,) = metrics({table.name: [put(key)], name: [put(item)]})[name]
        assert collection["ItemCollectionKey"] == {"pk": item["pk"]}


def test_an_item_too_large_fails_all_of_it(table):
    key, good = table.new_key(), table.new_key()
    item = key | {"a": {"S": "x" * 409_600}}

    assert refusal(table, {table.name: [put(good), put(item)]}) == invalid(
        "Item size has exceeded the maximum allowed size"
    )
    assert table.get(good) is None


@pytest.mark.parametrize(
    "request_, path",
    [
        ({"PutRequest": {}}, "putRequest.item"),
        ({"DeleteRequest": {}}, "deleteRequest.key"),
    ],
    ids=["put", "delete"],
)
def test_a_write_needs_its_content(table, request_, path):
    """(unconfirmed)"""
    assert refusal(table, {table.name: [request_]}) == member_errors(
        constraint(f"requestItems.{table.name}.member.1.member.{path}", None, "not be null")
    )
