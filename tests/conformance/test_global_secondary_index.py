"""A global secondary index orders the items of a whole table by other keys.

It holds what it was told to project, only of items that have all its keys, and cannot fetch the
rest. It comes and goes while the table is used. AWS: "Global secondary indexes", "Multi-attribute
keys"; error texts as DynamoDB answers (captured 2026-10).
"""

from __future__ import annotations

from typing import Any

import pytest

import blackbox
from item_table import NOT_FOUND, PARAMETER, ItemTable, invalid, refusal_of
from raw_connection import at_once

Members = dict[str, Any]
NOT_CONSISTENT = invalid("Consistent reads are not supported on global secondary indexes")
PROJECTIONS: dict[str, Members] = {
    "all": {"ProjectionType": "ALL"},
    "keys": {"ProjectionType": "KEYS_ONLY"},
    "some": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]},
}


def index_of(name: str, hash_: str, range_: str = "", projection: str = "all") -> Members:
    """One index; attributes of a role are separated by blanks."""
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": attribute, "KeyType": role}
            for role, attributes in (("HASH", hash_), ("RANGE", range_))
            for attribute in attributes.split()
        ],
        "Projection": PROJECTIONS[projection],
    }


@pytest.fixture(scope="module")
def indexed(make_table) -> ItemTable:
    """Indexes `all`, `keys` and `some` on `kind` (S) and `score` (N)."""
    made = make_table(
        more_keys={"kind": "S", "score": "N"},
        GlobalSecondaryIndexes=[
            index_of(name, "kind", "score", projection=name) for name in PROJECTIONS
        ],
    )
    for pk, score in (("x", "3"), ("y", "1"), ("z", "2")):
        made.put(item(pk, "even", score))
    made.put(item("o", "odd", "1"))
    made.put({"pk": {"S": "no score"}, "kind": {"S": "even"}})
    made.put({"pk": {"S": "no kind"}, "score": {"N": "1"}})
    return made


def item(pk: str, kind: str, score: str) -> Members:
    return {
        "pk": {"S": pk},
        "kind": {"S": kind},
        "score": {"N": score},
        "a": {"S": f"A{pk}"},
        "b": {"S": f"B{pk}"},
    }


def query(index: str, kind: str = "even", **members: Any) -> Members:
    values = {":k": {"S": kind}} | members.pop("ExpressionAttributeValues", {})
    return {
        "IndexName": index,
        "KeyConditionExpression": "kind = :k",
        "ExpressionAttributeValues": values,
    } | members


def names(answer: Members) -> list[str]:
    return [each["pk"]["S"] for each in answer["Items"]]


# ---------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("index", PROJECTIONS)
def test_items_come_in_the_order_of_the_index_and_only_those_that_have_all_its_keys(indexed, index):
    assert names(indexed.call("Query", **query(index))) == ["y", "z", "x"]
    assert names(indexed.call("Query", **query(index, ScanIndexForward=False))) == ["x", "z", "y"]


@pytest.mark.parametrize(
    "index, attributes",
    [("all", {"pk", "kind", "score", "a", "b"}), ("keys", {"pk", "kind", "score"}),
     ("some", {"pk", "kind", "score", "a"})],
)  # fmt: skip
def test_what_is_projected_is_answered(indexed, index, attributes):
    for select in ({}, {"Select": "ALL_PROJECTED_ATTRIBUTES"}):
        answer = indexed.call("Query", **query(index, **select))
        assert {frozenset(each) for each in answer["Items"]} == {frozenset(attributes)}


def test_the_table_may_have_no_sort_key_and_the_index_a_condition_on_its_own(indexed):
    members = query("all", ExpressionAttributeValues={":v": {"N": "2"}})
    members["KeyConditionExpression"] += " AND score >= :v"

    assert names(indexed.call("Query", **members)) == ["z", "x"]


def test_a_scan_has_the_items_of_the_index_only(indexed):
    answer = indexed.call("Scan", IndexName="keys")

    assert sorted(names(answer)) == ["o", "x", "y", "z"]
    assert all(each.keys() == {"pk", "kind", "score"} for each in answer["Items"])


def test_segments_share_the_items_of_the_index_out(indexed):
    found = [
        name
        for segment in range(4)
        for name in names(indexed.call("Scan", IndexName="all", Segment=segment, TotalSegments=4))
    ]

    assert sorted(found) == ["o", "x", "y", "z"]


@pytest.mark.parametrize("operation", ["Query", "Scan"])
def test_an_index_cannot_be_read_strongly(indexed, operation):
    members = query("all") if operation == "Query" else {"IndexName": "all"}

    assert indexed.refusal(operation, ConsistentRead=True, **members) == NOT_CONSISTENT


@pytest.mark.parametrize("operation", ["Query", "Scan"])
@pytest.mark.parametrize("index", ["keys", "some"])
def test_an_index_does_not_fetch_what_it_lacks(indexed, operation, index):
    members = query(index) if operation == "Query" else {"IndexName": index}

    assert indexed.refusal(operation, Select="ALL_ATTRIBUTES", **members) == invalid(
        PARAMETER + f"Select type ALL_ATTRIBUTES is not supported for global secondary index "
        f"{index} because its projection type is not ALL"
    )
    assert indexed.refusal(operation, ProjectionExpression="pk, b", **members) == invalid(
        PARAMETER + f"Global secondary index {index} does not project [b]"
    )


def test_all_attributes_of_an_index_that_has_them_all(indexed):
    answer = indexed.call("Query", **query("all", kind="odd", Select="ALL_ATTRIBUTES"))

    assert answer["Items"] == [item("o", "odd", "1")]


def test_a_filter_reaches_no_attribute_that_no_entry_holds(indexed):
    members = query(
        "keys", FilterExpression="b = :b", ExpressionAttributeValues={":b": {"S": "Bz"}}
    )

    assert indexed.refusal("Query", **members) == invalid(
        PARAMETER + "Secondary index keys does not project one or more filter attributes: [b]"
    )


def test_a_select_is_held_against_the_index_before_the_start_key_of_a_scan(indexed):
    refusal = indexed.refusal(
        "Scan", IndexName="keys", Select="ALL_ATTRIBUTES", ExclusiveStartKey={"a": {"S": "a"}}
    )

    assert "Select type ALL_ATTRIBUTES is not supported" in refusal


# ---------------------------------------------------------------------------------------- writing


def test_entries_follow_their_item(make_table):
    table = make_table(
        more_keys={"kind": "S"}, GlobalSecondaryIndexes=[index_of("by-kind", "kind")]
    )

    def found(kind: str) -> list[Members]:
        items = table.call("Query", **query("by-kind", kind))["Items"]
        return sorted(items, key=lambda each: each["pk"]["S"])

    x = {"pk": {"S": "x"}}
    table.put(x | {"kind": {"S": "k"}, "a": {"N": "1"}})
    assert found("k") == [x | {"kind": {"S": "k"}, "a": {"N": "1"}}]
    table.update(x, "SET a = a + :one", ExpressionAttributeValues={":one": {"N": "1"}})
    assert found("k") == [x | {"kind": {"S": "k"}, "a": {"N": "2"}}]
    table.update(x, "SET kind = :k", ExpressionAttributeValues={":k": {"S": "l"}})
    assert (found("k"), found("l")) == ([], [x | {"kind": {"S": "l"}, "a": {"N": "2"}}])
    table.update(x, "REMOVE kind")
    assert (found("l"), table.call("Scan", IndexName="by-kind")["Items"]) == ([], [])
    table.put(x | {"kind": {"S": "m"}})
    table.put({"pk": {"S": "y"}, "kind": {"S": "m"}})
    assert [each["pk"]["S"] for each in found("m")] == ["x", "y"]
    table.delete(x)
    assert [each["pk"]["S"] for each in found("m")] == ["y"]


@pytest.mark.parametrize("attribute, value", [("kind", {"N": "1"}), ("score", {"S": "1"})])
def test_an_update_may_not_give_a_key_another_type(indexed, attribute, value):
    refusal = indexed.refusal(
        "UpdateItem",
        Key={"pk": {"S": "x"}},
        UpdateExpression=f"SET {attribute} = :v",
        ExpressionAttributeValues={":v": value},
    )

    assert refusal == invalid(
        "The update expression attempted to update the secondary index key to unsupported type"
    )


# --------------------------------------------------------------------------- multi-attribute keys


@pytest.fixture(scope="module")
def multiple(make_table) -> ItemTable:
    """The index `by-all` has the HASH attributes h1, h2 and the RANGE attributes r1 (N), r2, r3."""
    made = make_table(
        more_keys={"h1": "S", "h2": "N", "r1": "N", "r2": "S", "r3": "S"},
        GlobalSecondaryIndexes=[index_of("by-all", "h1 h2", "r1 r2 r3")],
    )
    for number, (r1, r2, r3) in enumerate(
        [("10", "a", "x"), ("2", "b", "y"), ("2", "a", "z"), ("2", "a", "y"), ("2", "ab", "a")]
    ):
        made.put(
            {
                "pk": {"S": str(number)},
                "h1": {"S": "h"},
                "h2": {"N": "1"},
                "r1": {"N": r1},
                "r2": {"S": r2},
                "r3": {"S": r3},
            }
        )
    made.put({"pk": {"S": "other"}, "h1": {"S": "h"}, "h2": {"N": "2"}} | last("9", "a", "a"))
    made.put({"pk": {"S": "lacking"}, "h1": {"S": "h"}, "h2": {"N": "1"}, "r1": {"N": "1"}})
    return made


def last(r1: str, r2: str, r3: str) -> Members:
    return {"r1": {"N": r1}, "r2": {"S": r2}, "r3": {"S": r3}}


def multiple_query(condition: str = "", **members: Any) -> Members:
    values = {":h": {"S": "h"}, ":one": {"N": "1"}} | members.pop("values", {})
    return {
        "IndexName": "by-all",
        "KeyConditionExpression": "h1 = :h AND h2 = :one" + condition,
        "ExpressionAttributeValues": values,
    } | members


def test_items_are_ordered_by_each_range_attribute_in_turn(multiple):
    """Items that lack one of the keys are not in the index."""
    assert names(multiple.call("Query", **multiple_query())) == ["3", "2", "4", "1", "0"]
    backwards = multiple.call("Query", **multiple_query(ScanIndexForward=False))
    assert names(backwards) == ["0", "1", "4", "2", "3"]


@pytest.mark.parametrize(
    "condition, values, found",
    [
        (" AND r1 = :a", {":a": {"N": "2.0"}}, ["3", "2", "4", "1"]),
        (" AND r1 > :a", {":a": {"N": "2"}}, ["0"]),
        (" AND r1 = :a AND r2 = :b", {":a": {"N": "2"}, ":b": {"S": "a"}}, ["3", "2"]),
        (
            " AND r1 = :a AND begins_with(r2, :b)",
            {":a": {"N": "2"}, ":b": {"S": "a"}},
            ["3", "2", "4"],
        ),
        (
            " AND r1 = :a AND r2 = :b AND r3 >= :c",
            {":a": {"N": "2"}, ":b": {"S": "a"}, ":c": {"S": "z"}},
            ["2"],
        ),
    ],
)
def test_range_attributes_are_asked_from_left_to_right(multiple, condition, values, found):
    assert names(multiple.call("Query", **multiple_query(condition, values=values))) == found


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_of_it_together_are_the_whole(multiple, limit):
    page = multiple.call("Query", Limit=limit, **multiple_query())
    found = names(page)
    while "LastEvaluatedKey" in page:
        start = page["LastEvaluatedKey"]
        assert start.keys() == {"pk", "h1", "h2", "r1", "r2", "r3"}
        page = multiple.call("Query", Limit=limit, ExclusiveStartKey=start, **multiple_query())
        found += names(page)

    assert found == ["3", "2", "4", "1", "0"]


@pytest.mark.parametrize(
    "condition, values, text",
    [
        pytest.param(
            "h1 = :h",
            {":h": {"S": "h"}},
            "HASH key attributes h2 must have equality conditions specified in the query",
            id="one of two HASH attributes",
        ),
        pytest.param(
            "h1 > :h AND r1 = :one",
            {":h": {"S": "h"}, ":one": {"N": "1"}},
            "HASH key attributes h1, h2 must have equality conditions specified in the query",
            id="none of them by equality",
        ),
        pytest.param(
            "h1 = :h AND h2 = :one AND r2 = :h",
            {":h": {"S": "h"}, ":one": {"N": "1"}},
            "RANGE key attributes r1 must have equality conditions specified in the query because "
            "a condition is present on key attribute r2",
            id="a gap in the RANGE attributes",
        ),
        pytest.param(
            "h1 = :h AND h2 = :one AND r1 > :one AND r2 = :h",
            {":h": {"S": "h"}, ":one": {"N": "1"}},
            "RANGE key attributes r1 must have equality conditions specified in the query because "
            "a condition is present on key attribute r2",
            id="a range before the last RANGE attribute",
        ),
    ],
)
def test_conditions_leave_no_gap(multiple, condition, values, text):
    refusal = multiple.refusal(
        "Query",
        IndexName="by-all",
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
    )

    assert refusal == invalid(text)


@pytest.mark.parametrize("name", ["h1", "h2", "r1", "r2", "r3"])
def test_a_filter_names_none_of_the_keys(multiple, name):
    members = multiple_query(FilterExpression=f"attribute_exists({name})")

    assert multiple.refusal("Query", **members) == invalid(
        f"Filter Expression can only contain non-primary key attributes: Primary key attribute: "
        f"{name}"
    )


# ------------------------------------------------------------------------- created and deleted


def create(name: str, hash_: str, projection: str = "all") -> Members:
    return {"GlobalSecondaryIndexUpdates": [{"Create": index_of(name, hash_, "", projection)}]}


def defined(*attributes: str) -> Members:
    return {
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": "S"} for attribute in attributes
        ]
    }


def index_status(table: ItemTable, name: str) -> str | None:
    described = table.client.describe_table(TableName=table.name)["Table"]
    for index in described.get("GlobalSecondaryIndexes", []):
        if index["IndexName"] == name:
            return str(index["IndexStatus"])
    return None


def test_a_new_index_is_filled_with_what_the_table_holds(make_table):
    """Items without its key, or with one that no key may be, are passed over."""
    table = make_table()
    for number in range(60):
        kind = {"kind": {"S": "even"}} if number % 2 == 0 else {}
        table.put({"pk": {"S": f"{number:02}"}} | kind)
    table.put({"pk": {"S": "wrong type"}, "kind": {"N": "1"}})
    table.put({"pk": {"S": "empty"}, "kind": {"S": ""}})
    table.put({"pk": {"S": "too long"}, "kind": {"S": "x" * 2_049}})

    answer = table.call("UpdateTable", **create("by-kind", "kind"), **defined("kind"))
    (index,) = answer["TableDescription"]["GlobalSecondaryIndexes"]
    assert (index["IndexStatus"], index["Backfilling"]) == ("CREATING", False)
    assert answer["TableDescription"]["TableStatus"] == "UPDATING"
    table.put({"pk": {"S": "60"}, "kind": {"S": "even"}})  # Writes go on meanwhile.
    table.delete({"pk": {"S": "00"}})
    blackbox.wait_until_active(table.client, table.name)

    found = sorted(names(table.call("Query", **query("by-kind"))))
    assert found == [f"{number:02}" for number in range(2, 61, 2)]
    assert table.call("Scan", IndexName="by-kind")["Count"] == len(found)
    described = table.client.describe_table(TableName=table.name)["Table"]
    assert "Backfilling" not in described["GlobalSecondaryIndexes"][0]
    assert described["AttributeDefinitions"] == [
        {"AttributeName": "kind", "AttributeType": "S"},
        {"AttributeName": "pk", "AttributeType": "S"},
    ]


def test_an_index_that_is_being_created_is_not_read(make_table):
    """(unconfirmed in its words)"""
    table = make_table()
    named = {"TableName": table.name}

    created, answer = at_once(
        table.connection.address,
        ("UpdateTable", named | create("by-kind", "kind") | defined("kind")),
        ("Query", named | query("by-kind")),
    )

    assert created.error is None
    assert refusal_of(answer) == invalid(
        "Cannot read from backfilling global secondary index: by-kind"
    )
    blackbox.wait_until_active(table.client, table.name)
    assert table.call("Query", **query("by-kind"))["Count"] == 0


def test_a_deleted_index_is_gone_with_its_attributes_and_the_items_stay(make_table):
    table = make_table(
        more_keys={"kind": "S"}, GlobalSecondaryIndexes=[index_of("by-kind", "kind")]
    )
    table.put({"pk": {"S": "x"}, "kind": {"S": "even"}})

    delete = {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-kind"}}]}
    answer = table.call("UpdateTable", **delete)
    assert answer["TableDescription"]["GlobalSecondaryIndexes"][0]["IndexStatus"] == "DELETING"
    gone = invalid("The table does not have the specified index: by-kind")
    assert table.refusal("Query", **query("by-kind")) == gone
    blackbox.wait_for(
        lambda: True if index_status(table, "by-kind") is None else None, "index deleted"
    )

    blackbox.wait_until_active(table.client, table.name)
    described = table.client.describe_table(TableName=table.name)["Table"]
    assert "GlobalSecondaryIndexes" not in described
    assert described["AttributeDefinitions"] == [{"AttributeName": "pk", "AttributeType": "S"}]
    # Its key is an attribute like any other now.
    table.update({"pk": {"S": "x"}}, "SET kind = :n", ExpressionAttributeValues={":n": {"N": "1"}})
    assert table.get({"pk": {"S": "x"}}) == {"pk": {"S": "x"}, "kind": {"N": "1"}}


def test_an_index_made_again_holds_the_items_of_today(make_table):
    table = make_table(
        more_keys={"kind": "S"}, GlobalSecondaryIndexes=[index_of("by-kind", "kind")]
    )
    for name in "ab":
        table.put({"pk": {"S": name}, "kind": {"S": "even"}})
    delete = {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-kind"}}]}
    table.call("UpdateTable", **delete)
    blackbox.wait_for(
        lambda: True if index_status(table, "by-kind") is None else None, "index deleted"
    )
    table.delete({"pk": {"S": "a"}})
    blackbox.wait_until_active(table.client, table.name)
    table.call("UpdateTable", **create("by-kind", "kind"), **defined("kind"))
    blackbox.wait_until_active(table.client, table.name)

    assert names(table.call("Query", **query("by-kind"))) == ["b"]


def test_a_missing_table_is_reported_before_a_missing_index(indexed):
    assert indexed.refusal("Query", TableName="none", **query("nope")) == NOT_FOUND
    assert indexed.refusal("Query", **query("nope")) == invalid(
        "The table does not have the specified index: nope"
    )
