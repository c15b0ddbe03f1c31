"""A page ends with the item that reaches Limit or one megabyte, and says where to go on.

What is read counts, not what passes a filter. A start key need not name an item that exists; it
must have exactly the keys of what is read, and lie within it. AWS: "Paginating table query
results", "Query", "Scan"; error texts as DynamoDB answers (captured 2026-10).
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import PARAMETER, ItemTable, invalid

INVALID_START = "The provided starting key is invalid"
BY_PK: dict[str, Any] = {
    "KeyConditionExpression": "pk = :p",
    "ExpressionAttributeValues": {":p": {"S": "p"}},
}


@pytest.fixture(scope="module")
def ranged(make_table) -> ItemTable:
    """Under `p` the sort keys 0 to 9, with a local index on `local` and a global one on `kind`."""
    made = make_table(
        range_key="N",
        more_keys={"kind": "S", "local": "S"},
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
                "IndexName": "by-kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for number in range(10):
        made.put(
            {
                "pk": {"S": "p"},
                "sk": {"N": str(number)},
                "kind": {"S": "odd" if number % 2 else "even"},
                "local": {"S": "abcde"[number // 2]},
            }
        )
    return made


@pytest.fixture(scope="module")
def plain(make_table) -> ItemTable:
    """A RANGE key and no index."""
    made = make_table(range_key="N")
    for number in range(4):
        made.put({"pk": {"S": "p"}, "sk": {"N": str(number)}})
    return made


@pytest.fixture(scope="module")
def large(make_table) -> ItemTable:
    """Under `p` twelve items of exactly 100,000 bytes each."""
    made = make_table(range_key="N")
    for number in range(12):
        item = {"pk": {"S": "p"}, "sk": {"N": str(number)}, "fill": {"S": ""}}
        size = len("pk" + "p" + "sk" + "fill") + (
            1 if number == 0 else 1 + (len(str(number)) + 1) // 2
        )
        item["fill"]["S"] = "f" * (100_000 - size)
        made.put(item)
    return made


def numbers(answer: dict[str, Any]) -> list[int]:
    return [int(item["sk"]["N"]) for item in answer["Items"]]


def start(number: int | str, pk: str = "p") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"N": str(number)}}


# ------------------------------------------------------------------------------------------ Limit


def test_limit_counts_what_is_read_before_the_filter(ranged):
    answer = ranged.call(
        "Query",
        Limit=4,
        KeyConditionExpression="pk = :p",
        FilterExpression="kind = :k",
        ExpressionAttributeValues={":p": {"S": "p"}, ":k": {"S": "odd"}},
    )

    assert numbers(answer) == [1, 3]
    assert (answer["Count"], answer["ScannedCount"]) == (2, 4)
    assert answer["LastEvaluatedKey"] == start(3)


def test_a_page_that_passes_nothing_still_says_where_to_go_on(ranged):
    answer = ranged.call(
        "Query",
        Limit=2,
        KeyConditionExpression="pk = :p",
        FilterExpression="kind = :k",
        ExpressionAttributeValues={":p": {"S": "p"}, ":k": {"S": "neither"}},
    )

    assert answer["Items"] == []
    assert answer["ScannedCount"] == 2
    assert answer["LastEvaluatedKey"] == start(1)


def test_limit_equal_to_what_there_is_leaves_a_last_key(plain):
    """As documented: only the missing LastEvaluatedKey says that the end is reached.

    DynamoDB was seen to leave it out at times for the very same request.
    """
    answer = plain.call("Query", Limit=4, **BY_PK)

    assert answer["LastEvaluatedKey"] == start(3)
    assert plain.call("Query", ExclusiveStartKey=start(3), **BY_PK)["Items"] == []


def test_a_limit_over_what_there_is_leaves_none(plain):
    assert "LastEvaluatedKey" not in plain.call("Query", Limit=5, **BY_PK)


@pytest.mark.parametrize("operation, members", [("Query", BY_PK), ("Scan", {})])
@pytest.mark.parametrize("limit", [1, 3, 4])
def test_pages_together_are_the_whole(plain, operation, members, limit):
    found: list[int] = []
    page = plain.call(operation, Limit=limit, **members)
    found += numbers(page)
    while "LastEvaluatedKey" in page:
        page = plain.call(
            operation, Limit=limit, ExclusiveStartKey=page["LastEvaluatedKey"], **members
        )
        found += numbers(page)

    assert found == [0, 1, 2, 3]


# ----------------------------------------------------------------------------------- one megabyte


@pytest.mark.parametrize("operation, members", [("Query", BY_PK), ("Scan", {})])
def test_the_item_that_passes_a_megabyte_is_the_last_of_its_page(large, operation, members):
    """(unconfirmed to the item) Ten items are 48,576 bytes short of a megabyte."""
    answer = large.call(operation, **members)

    assert numbers(answer) == list(range(11))
    assert answer["LastEvaluatedKey"] == start(10)
    rest = large.call(operation, ExclusiveStartKey=start(10), **members)
    assert numbers(rest) == [11]
    assert "LastEvaluatedKey" not in rest


def test_a_megabyte_is_counted_before_filter_and_projection(large):
    answer = large.call(
        "Query",
        KeyConditionExpression="pk = :p",
        FilterExpression="attribute_not_exists(fill)",
        ProjectionExpression="sk",
        ExpressionAttributeValues={":p": {"S": "p"}},
    )

    assert answer["Items"] == []
    assert answer["ScannedCount"] == 11
    assert answer["LastEvaluatedKey"] == start(10)


def test_a_count_ends_at_a_megabyte_too(large):
    answer = large.call("Query", Select="COUNT", **BY_PK)

    assert (answer["Count"], answer["LastEvaluatedKey"]) == (11, start(10))


# -------------------------------------------------------------------------------------- start key


@pytest.mark.parametrize(
    "number, forward, found",
    [
        pytest.param("4.5", True, [5, 6, 7, 8, 9], id="between two items"),
        pytest.param("4.5", False, [4, 3, 2, 1, 0], id="between two items, backwards"),
        pytest.param(4, True, [5, 6, 7, 8, 9], id="an item"),
        pytest.param("40e-1", False, [3, 2, 1, 0], id="an item written differently, backwards"),
        pytest.param(-1, True, list(range(10)), id="before the first"),
        pytest.param(99, True, [], id="after the last"),
    ],
)
def test_a_start_key_need_not_name_an_item(ranged, number, forward, found):
    answer = ranged.call(
        "Query", ExclusiveStartKey=start(number), ScanIndexForward=forward, **BY_PK
    )

    assert numbers(answer) == found


def test_a_start_key_whose_item_was_deleted_is_as_good(make_table):
    table = make_table(range_key="N")
    for number in range(3):
        table.put(start(number))
    page = table.call("Query", Limit=1, **BY_PK)
    table.delete(page["LastEvaluatedKey"])

    rest = table.call("Query", ExclusiveStartKey=page["LastEvaluatedKey"], **BY_PK)

    assert numbers(rest) == [1, 2]


def test_the_last_key_of_an_index_holds_both_keys(ranged):
    by_local = ranged.call("Query", IndexName="by-local", Limit=3, **BY_PK)
    by_kind = ranged.call(
        "Query",
        IndexName="by-kind",
        Limit=3,
        KeyConditionExpression="kind = :k",
        ExpressionAttributeValues={":k": {"S": "odd"}},
    )

    assert by_local["LastEvaluatedKey"] == start(2) | {"local": {"S": "b"}}
    assert by_kind["LastEvaluatedKey"].keys() == {"pk", "sk", "kind"}


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "index, forward", [("by-local", True), ("by-local", False), ("by-kind", True)]
)
def test_pages_of_an_index_together_are_the_whole(ranged, index, forward, limit):
    """Also where entries have equal keys: the table's key goes on between them."""
    members: dict[str, Any] = {"IndexName": index, "ScanIndexForward": forward}
    if index == "by-local":
        members |= BY_PK
    else:
        members |= {
            "KeyConditionExpression": "kind = :p",
            "ExpressionAttributeValues": {":p": {"S": "odd"}},
        }
    whole = numbers(ranged.call("Query", **members))
    page = ranged.call("Query", Limit=limit, **members)
    found = numbers(page)
    while "LastEvaluatedKey" in page:
        last = page["LastEvaluatedKey"]
        page = ranged.call("Query", Limit=limit, ExclusiveStartKey=last, **members)
        found += numbers(page)

    assert found == whole
    assert len(found) == (10 if index == "by-local" else 5)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param({}, id="empty"),
        pytest.param({"pk": {"S": "p"}}, id="an attribute less"),
        pytest.param(start(1) | {"a": {"S": "a"}}, id="one more"),
        pytest.param({"pk": {"S": "p"}, "sk": {"S": "1"}}, id="another type"),
        pytest.param({"pk": {"S": "p"}, "a": {"N": "1"}}, id="another name"),
    ],
)
@pytest.mark.parametrize("operation, members", [("Query", BY_PK), ("Scan", {})])
def test_a_start_key_must_fit_the_schema(plain, operation, members, key):
    assert plain.refusal(operation, ExclusiveStartKey=key, **members) == invalid(INVALID_START)


@pytest.mark.parametrize("operation, members", [("Query", BY_PK), ("Scan", {})])
def test_a_start_key_of_an_index_needs_the_keys_of_the_table_too(ranged, operation, members):
    refusal = ranged.refusal(
        operation,
        IndexName="by-local",
        ExclusiveStartKey={"pk": {"S": "p"}, "local": {"S": "a"}},
        **members,
    )

    assert refusal == invalid(INVALID_START)


@pytest.mark.parametrize(
    "index, shown", [("by-kind", "by-kind"), (None, "by-local")], ids=["read", "the table's first"]
)
def test_a_scan_of_a_table_with_indexes_names_one_for_a_wrong_type(ranged, index, shown):
    """As DynamoDB answers (captured 2026-10)."""
    key = {"pk": {"N": "1"}, "sk": {"N": "1"}}
    members = {"IndexName": index, "ExclusiveStartKey": key | {"kind": {"S": "a"}}}
    if index is None:
        members = {"ExclusiveStartKey": key}

    assert ranged.refusal("Scan", **members) == invalid(
        PARAMETER + f"Type mismatch for Index Key pk Expected: S Actual: N IndexName: {shown}"
    )


@pytest.mark.parametrize(
    "condition, key, text",
    [
        pytest.param(
            "pk = :p AND sk > :n",
            start(2),
            "The provided starting key does not match the range key predicate",
            id="outside the sort condition",
        ),
        pytest.param(
            "pk = :p AND sk BETWEEN :n AND :n",
            start(2, "q"),
            "The provided starting key does not match the range key predicate",
            id="outside the sort condition of another partition",
        ),
        pytest.param(
            "pk = :p AND sk > :n",
            start(8, "q"),
            "The query can return at most one row and cannot be restarted",
            id="within the sort condition, of another partition",
        ),
        pytest.param(
            "pk = :p",
            start(2, "q"),
            "The provided starting key is outside query boundaries based on provided conditions",
            id="another partition",
        ),
    ],
)
def test_a_start_key_must_lie_within_the_condition(plain, condition, key, text):
    values = {":p": {"S": "p"}, ":n": {"N": "5"}}
    if ":n" not in condition:
        del values[":n"]

    refusal = plain.refusal(
        "Query",
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
        ExclusiveStartKey=key,
    )

    assert refusal == invalid(text)


def test_another_partition_of_an_index_without_sort_key_is_outside(ranged):
    refusal = ranged.refusal(
        "Query",
        IndexName="by-kind",
        KeyConditionExpression="kind = :k",
        ExpressionAttributeValues={":k": {"S": "odd"}},
        ExclusiveStartKey={"pk": {"S": "p"}, "sk": {"N": "2"}, "kind": {"S": "even"}},
    )

    assert refusal == invalid(
        "The provided starting key is outside query boundaries based on provided conditions"
    )


def test_another_partition_of_a_table_without_sort_key_has_a_text_of_its_own(table):
    refusal = table.refusal("Query", ExclusiveStartKey={"pk": {"S": "q"}}, **BY_PK)

    assert refusal == invalid("The provided exclusive start key is invalid")


@pytest.mark.parametrize(
    "value, text, prefixed_by",
    [
        pytest.param(
            {"NULL": False},
            PARAMETER + "Null attribute value types must have the value of true",
            {"Scan"},
            id="NULL that is false",
        ),
        pytest.param(
            {"SS": []},
            PARAMETER + "An string set  may not be empty",
            {"Scan"},
            id="empty set",
        ),
        pytest.param(
            {},
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            {"Scan", "Query"},
            id="no type",
        ),
        pytest.param(
            {"S": "a", "N": "1"},
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
            "the supported datatypes",
            {"Scan", "Query"},
            id="two types",
        ),
    ],
)
@pytest.mark.parametrize("operation, members", [("Query", BY_PK), ("Scan", {})])
def test_a_bad_value_in_a_start_key(plain, operation, members, value, text, prefixed_by):
    """Query says that the key is invalid only of what is no value at all; Scan of all of them."""
    refusal = plain.sent_refusal(operation, ExclusiveStartKey={"pk": value}, **members)

    prefix = f"{INVALID_START}: " if operation in prefixed_by else ""
    assert refusal == invalid(prefix + text)


def test_a_start_key_nested_too_deep_is_refused_before_the_lookup(plain):
    deep: dict[str, Any] = {"S": "a"}
    for _ in range(32):
        deep = {"L": [deep]}
    text = (
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "
        "beyond supported limit"
    )

    for operation, members, prefix in (("Query", BY_PK, ""), ("Scan", {}, f"{INVALID_START}: ")):
        refusal = plain.sent_refusal(
            operation, TableName="none", ExclusiveStartKey={"pk": deep}, **members
        )
        assert refusal == invalid(prefix + text)
