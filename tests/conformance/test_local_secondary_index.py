"""A local secondary index orders the items of a partition key by another attribute.

It may be read strongly, it holds an item only while the item has the attribute, and it fetches from
the table what it does not hold. AWS: "Local secondary indexes".
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import PARAMETER, ItemTable, invalid

PROJECTIONS: dict[str, dict[str, Any]] = {
    "all": {"ProjectionType": "ALL"},
    "keys": {"ProjectionType": "KEYS_ONLY"},
    "some": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]},
}


@pytest.fixture(scope="module")
def indexed(make_table) -> ItemTable:
    """Indexes `all`, `keys` and `some` on `rank` (N), which hold what their names say."""
    made = make_table(
        range_key="S",
        more_keys={"score": "N"},
        LocalSecondaryIndexes=[
            {
                "IndexName": name,
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "score", "KeyType": "RANGE"},
                ],
                "Projection": projection,
            }
            for name, projection in PROJECTIONS.items()
        ],
    )
    for sort_key, score in (("x", "3"), ("y", "1"), ("z", "2")):
        made.put(item(sort_key, score=score))
    made.put({"pk": {"S": "p"}, "sk": {"S": "without"}, "a": {"S": "A"}})
    made.put({"pk": {"S": "q"}, "sk": {"S": "x"}, "score": {"N": "0"}})
    return made


def item(sort_key: str, *, score: str, pk: str = "p") -> dict[str, Any]:
    return {
        "pk": {"S": pk},
        "sk": {"S": sort_key},
        "score": {"N": score},
        "a": {"S": f"A{sort_key}"},
        "b": {"S": f"B{sort_key}"},
    }


def query(index: str, pk: str = "p", **members: Any) -> dict[str, Any]:
    values = {":p": {"S": pk}} | members.pop("ExpressionAttributeValues", {})
    return {
        "IndexName": index,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": values,
    } | members


def sort_keys(answer: dict[str, Any]) -> list[str]:
    return [each["sk"]["S"] for each in answer["Items"]]


@pytest.mark.parametrize("index", PROJECTIONS)
def test_items_come_in_the_order_of_the_index_and_only_those_that_have_its_key(indexed, index):
    assert sort_keys(indexed.call("Query", **query(index))) == ["y", "z", "x"]
    backwards = indexed.call("Query", **query(index, ScanIndexForward=False))
    assert sort_keys(backwards) == ["x", "z", "y"]


@pytest.mark.parametrize(
    "index, names",
    [("all", {"pk", "sk", "score", "a", "b"}), ("keys", {"pk", "sk", "score"}),
     ("some", {"pk", "sk", "score", "a"})],
)  # fmt: skip
def test_what_is_projected_is_answered(indexed, index, names):
    for select in ({}, {"Select": "ALL_PROJECTED_ATTRIBUTES"}):
        answer = indexed.call("Query", **query(index, **select))
        assert {frozenset(each) for each in answer["Items"]} == {frozenset(names)}


@pytest.mark.parametrize("index", PROJECTIONS)
def test_what_is_not_projected_is_fetched_when_asked_for(indexed, index):
    answer = indexed.call("Query", **query(index, ProjectionExpression="b"))
    assert answer["Items"] == [{"b": {"S": each}} for each in ("By", "Bz", "Bx")]

    answer = indexed.call("Query", **query(index, Select="ALL_ATTRIBUTES"))
    assert answer["Items"] == [
        item("y", score="1"), item("z", score="2"), item("x", score="3"),
    ]  # fmt: skip


def test_a_filter_on_what_is_fetched_sees_it(indexed):
    members = query(
        "keys",
        Select="ALL_ATTRIBUTES",
        FilterExpression="b = :b",
        ExpressionAttributeValues={":b": {"S": "Bz"}},
    )

    assert sort_keys(indexed.call("Query", **members)) == ["z"]


@pytest.mark.parametrize(
    "condition, found",
    [
        ("score = :v", ["z"]),
        ("score > :v", ["x"]),
        ("score <= :v", ["y", "z"]),
        ("score BETWEEN :v AND :v", ["z"]),
    ],
)
def test_the_sort_condition_is_on_the_key_of_the_index(indexed, condition, found):
    members = query("keys", ExpressionAttributeValues={":v": {"N": "2"}})
    members["KeyConditionExpression"] += f" AND {condition}"

    assert sort_keys(indexed.call("Query", **members)) == found


def test_a_strong_read_sees_the_last_write(make_table):
    """Also after an update that moves the entry, one that removes its key, and a deletion."""
    table = make_table(
        range_key="S",
        more_keys={"score": "N"},
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-score",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "score", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )

    def scores() -> list[str]:
        answer = table.call("Query", **query("by-score", ConsistentRead=True))
        return [f"{each['sk']['S']}{each['score']['N']}" for each in answer["Items"]]

    x, y = ({"pk": {"S": "p"}, "sk": {"S": each}} for each in "xy")
    table.put(item("x", score="5"))
    table.put(item("y", score="5.0"))
    assert scores() == ["x5", "y5"]
    table.update(x, "SET score = :v", ExpressionAttributeValues={":v": {"N": "7"}})
    assert scores() == ["y5", "x7"]
    table.update(y, "REMOVE score")
    assert scores() == ["x7"]
    table.put(item("x", score="1"))
    assert scores() == ["x1"]
    table.delete(x)
    assert scores() == []
    assert table.get(y) is not None


def test_a_scan_of_an_index_has_its_items_only(indexed):
    answer = indexed.call("Scan", IndexName="keys", ConsistentRead=True)

    found = sorted((each["pk"]["S"], each["sk"]["S"]) for each in answer["Items"])
    assert found == [("p", "x"), ("p", "y"), ("p", "z"), ("q", "x")]
    assert all(each.keys() == {"pk", "sk", "score"} for each in answer["Items"])


def test_a_scan_fetches_what_is_not_projected(indexed):
    answer = indexed.call(
        "Scan",
        IndexName="keys",
        FilterExpression="pk = :p",
        ProjectionExpression="b, score",
        ExpressionAttributeValues={":p": {"S": "p"}},
    )

    assert {each["b"]["S"] for each in answer["Items"]} == {"Bx", "By", "Bz"}


def test_segments_of_an_index_share_its_items_out(indexed):
    found: list[tuple[str, str]] = []
    for segment in range(3):
        answer = indexed.call("Scan", IndexName="all", Segment=segment, TotalSegments=3)
        found += [(each["pk"]["S"], each["sk"]["S"]) for each in answer["Items"]]

    assert sorted(found) == [("p", "x"), ("p", "y"), ("p", "z"), ("q", "x")]


def test_pages_of_a_scan_together_are_the_whole(indexed):
    page = indexed.call("Scan", IndexName="some", Limit=1)
    found = page["Items"]
    while "LastEvaluatedKey" in page:
        assert page["LastEvaluatedKey"].keys() == {"pk", "sk", "score"}
        start = page["LastEvaluatedKey"]
        page = indexed.call("Scan", IndexName="some", Limit=1, ExclusiveStartKey=start)
        found += page["Items"]

    assert found == indexed.call("Scan", IndexName="some")["Items"]
    assert len(found) == 4


def test_an_update_may_not_give_the_key_another_type(indexed):
    """Put is refused with a text of its own; see test_put_item.py."""
    refusal = indexed.refusal(
        "UpdateItem",
        Key={"pk": {"S": "p"}, "sk": {"S": "x"}},
        UpdateExpression="SET score = :v",
        ExpressionAttributeValues={":v": {"S": "a"}},
    )

    assert refusal == invalid(
        "The update expression attempted to update the secondary index key to unsupported type"
    )


def test_a_filter_reaches_no_attribute_that_no_entry_holds(indexed):
    members = query(
        "keys", FilterExpression="b = :b", ExpressionAttributeValues={":b": {"S": "Bz"}}
    )

    assert indexed.refusal("Query", **members) == invalid(
        PARAMETER + "Secondary index keys does not project one or more filter attributes: [b]"
    )
    del members["KeyConditionExpression"], members["ExpressionAttributeValues"][":p"]
    assert indexed.call("Scan", **members)["Count"] == 0
