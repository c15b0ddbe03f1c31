"""What a read costs: four kilobytes a unit, half of it where the read may be stale.

A page's bytes are summed and rounded once; the items of a batch are rounded one by one. Filters,
projections and counts make nothing cheaper. AWS: "DynamoDB read and write operations", "Capacity
unit consumption for read operations"; API reference, ConsumedCapacity.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import ItemTable

Members = dict[str, Any]
LARGE_BYTES = 9 * 1_024


@pytest.fixture(scope="module")
def indexed(make_table) -> ItemTable:
    """Under `p` three items of 9 KB each; indexes of their keys, a global and a local one."""
    made = make_table(
        range_key="S",
        more_keys={"kind": "S", "local": "S"},
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
        GlobalSecondaryIndexes=[
            {
                "IndexName": name,
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": projection},
            }
            for name, projection in (("all", "ALL"), ("keys", "KEYS_ONLY"))
        ],
    )
    for sort_key in "abc":
        item = {
            "pk": {"S": "p"},
            "sk": {"S": sort_key},
            "kind": {"S": "k"},
            "local": {"S": sort_key},
            "fill": {"S": ""},
        }
        size = sum(len(name) + len(value["S"]) for name, value in item.items())
        item["fill"]["S"] = "f" * (LARGE_BYTES - size)
        made.put(item)
    return made


def capacity(table: ItemTable, operation: str, mode: str = "TOTAL", **members: Any) -> Members:
    answer = table.call(operation, ReturnConsumedCapacity=mode, **members)
    consumed: Members = answer["ConsumedCapacity"]
    assert consumed.pop("TableName") == table.name
    return consumed


def by_pk(**members: Any) -> Members:
    return {
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
    } | members


def by_kind(index: str, **members: Any) -> Members:
    return {
        "IndexName": index,
        "KeyConditionExpression": "kind = :k",
        "ExpressionAttributeValues": {":k": {"S": "k"}},
    } | members


@pytest.mark.parametrize(
    "operation, members",
    [
        ("GetItem", {"Key": {"pk": {"S": "p"}, "sk": {"S": "a"}}}),
        ("Query", by_pk()),
        ("Scan", {}),
    ],
)
def test_capacity_is_told_on_request_only(indexed, operation, members):
    assert "ConsumedCapacity" not in indexed.call(operation, **members)
    assert "ConsumedCapacity" not in indexed.call(
        operation, ReturnConsumedCapacity="NONE", **members
    )


@pytest.mark.parametrize(
    "size, units",
    [(1, 1.0), (4_096, 1.0), (4_097, 2.0), (8_192, 2.0), (8_193, 3.0), (409_600, 100.0)],
)
def test_an_item_costs_a_unit_per_four_kilobytes(table, size, units):
    key = table.new_key()
    used = len("pk") + len(key["pk"]["S"])
    item = key | ({"f": {"S": "x" * (size - used - 1)}} if size > used else {})
    table.put(item)

    assert capacity(table, "GetItem", Key=key, ConsistentRead=True) == {"CapacityUnits": units}
    assert capacity(table, "GetItem", Key=key) == {"CapacityUnits": units / 2}


@pytest.mark.parametrize("consistent, units", [(False, 0.5), (True, 1.0)])
def test_a_read_that_finds_nothing_costs_the_minimum(indexed, consistent, units):
    strong = {"ConsistentRead": consistent}
    none = {"ExpressionAttributeValues": {":p": {"S": "none"}}}

    assert capacity(indexed, "GetItem", Key={"pk": {"S": "no"}, "sk": {"S": "a"}}, **strong) == {
        "CapacityUnits": units
    }
    assert capacity(indexed, "Query", **by_pk(**none, **strong)) == {"CapacityUnits": units}


def test_a_scan_of_nothing_costs_the_minimum(make_table):
    """(unconfirmed: DynamoDB visits several partitions and was seen to charge each)"""
    empty = make_table()

    assert capacity(empty, "Scan") == {"CapacityUnits": 0.5}
    assert capacity(empty, "Scan", ConsistentRead=True) == {"CapacityUnits": 1.0}


@pytest.mark.parametrize("operation, members", [("Query", by_pk()), ("Scan", {})])
def test_the_bytes_of_a_page_are_summed_and_rounded_once(indexed, operation, members):
    """27 KB are seven units; three times 9 KB rounded by themselves would be nine."""
    strong = capacity(indexed, operation, ConsistentRead=True, **members)

    assert strong == {"CapacityUnits": 7.0}
    assert capacity(indexed, operation, **members) == {"CapacityUnits": 3.5}


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"Select": "COUNT"}, id="count"),
        pytest.param({"ProjectionExpression": "sk"}, id="projection"),
        pytest.param({"FilterExpression": "attribute_not_exists(fill)"}, id="filter"),
    ],
)
@pytest.mark.parametrize("operation, others", [("Query", by_pk()), ("Scan", {})])
def test_nothing_makes_a_page_cheaper(indexed, operation, others, members):
    assert capacity(indexed, operation, **others, **members) == {"CapacityUnits": 3.5}


def test_a_projection_does_not_make_an_item_cheaper(indexed):
    key = {"pk": {"S": "p"}, "sk": {"S": "a"}}

    assert capacity(indexed, "GetItem", Key=key, ProjectionExpression="sk") == {
        "CapacityUnits": 1.5
    }


def test_a_limit_does(indexed):
    assert capacity(indexed, "Query", **by_pk(Limit=1)) == {"CapacityUnits": 1.5}


def test_the_table_is_named_by_its_name_also_where_its_arn_was_sent(indexed):
    """(unconfirmed)"""
    arn = indexed.client.describe_table(TableName=indexed.name)["Table"]["TableArn"]

    assert capacity(indexed, "Query", **by_pk(TableName=arn)) == {"CapacityUnits": 3.5}


# ---------------------------------------------------------------------------------------- indexes


def test_indexes_tells_table_and_indexes_apart(indexed):
    """Only indexes that were read are named."""
    assert capacity(indexed, "Query", "INDEXES", **by_pk()) == {
        "CapacityUnits": 3.5,
        "Table": {"CapacityUnits": 3.5},
    }
    assert capacity(indexed, "Query", "INDEXES", **by_kind("all")) == {
        "CapacityUnits": 3.5,
        "Table": {"CapacityUnits": 0.0},
        "GlobalSecondaryIndexes": {"all": {"CapacityUnits": 3.5}},
    }
    assert capacity(indexed, "Query", "INDEXES", **by_pk(IndexName="by-local")) == {
        "CapacityUnits": 0.5,
        "Table": {"CapacityUnits": 0.0},
        "LocalSecondaryIndexes": {"by-local": {"CapacityUnits": 0.5}},
    }
    assert capacity(indexed, "Scan", "INDEXES", IndexName="keys") == {
        "CapacityUnits": 0.5,
        "Table": {"CapacityUnits": 0.0},
        "GlobalSecondaryIndexes": {"keys": {"CapacityUnits": 0.5}},
    }


def test_an_index_costs_what_it_projects(indexed):
    assert capacity(indexed, "Query", **by_kind("keys")) == {"CapacityUnits": 0.5}
    assert capacity(indexed, "Query", **by_kind("all")) == {"CapacityUnits": 3.5}


@pytest.mark.parametrize("consistent, index, table", [(False, 0.5, 4.5), (True, 1.0, 9.0)])
def test_fetching_costs_the_table_each_item_rounded_by_itself(indexed, consistent, index, table):
    consumed = capacity(
        indexed,
        "Query",
        "INDEXES",
        **by_pk(IndexName="by-local", ConsistentRead=consistent, ProjectionExpression="fill"),
    )

    assert consumed == {
        "CapacityUnits": index + table,
        "Table": {"CapacityUnits": table},
        "LocalSecondaryIndexes": {"by-local": {"CapacityUnits": index}},
    }


def test_getitem_has_only_its_table_to_tell_of(indexed):
    key = {"pk": {"S": "p"}, "sk": {"S": "a"}}

    assert capacity(indexed, "GetItem", "INDEXES", Key=key) == {
        "CapacityUnits": 1.5,
        "Table": {"CapacityUnits": 1.5},
    }


# ------------------------------------------------------------------------------------------ batch


def test_a_batch_rounds_each_item_and_sums_by_table(indexed, table):
    keys = [{"pk": {"S": "p"}, "sk": {"S": each}} for each in "abc"]
    missing = [table.new_key() for _ in range(2)]
    wanted = {indexed.name: {"Keys": keys}, table.name: {"Keys": missing, "ConsistentRead": True}}

    def consumed(mode: str) -> dict[str, Members]:
        answer = indexed.client.batch_get_item(RequestItems=wanted, ReturnConsumedCapacity=mode)
        return {each.pop("TableName"): each for each in answer["ConsumedCapacity"]}

    assert consumed("TOTAL") == {
        indexed.name: {"CapacityUnits": 4.5},
        table.name: {"CapacityUnits": 2.0},
    }
    assert consumed("INDEXES") == {
        indexed.name: {"CapacityUnits": 4.5, "Table": {"CapacityUnits": 4.5}},
        table.name: {"CapacityUnits": 2.0, "Table": {"CapacityUnits": 2.0}},
    }
    answer = indexed.client.batch_get_item(RequestItems=wanted)
    assert "ConsumedCapacity" not in answer


def test_a_batch_of_writes_sums_by_table_and_index(indexed, table):
    """Two puts of new items cost the table, the local and both global indexes a unit each."""
    writes = [
        {
            "PutRequest": {
                "Item": {
                    "pk": {"S": "batch"},
                    "sk": {"S": each},
                    "kind": {"S": "batch"},
                    "local": {"S": "l"},
                }
            }
        }
        for each in "ab"
    ]
    missing = [{"DeleteRequest": {"Key": table.new_key()}}]

    answer = indexed.client.batch_write_item(
        RequestItems={indexed.name: writes, table.name: missing}, ReturnConsumedCapacity="INDEXES"
    )

    consumed = {each.pop("TableName"): each for each in answer["ConsumedCapacity"]}
    assert consumed == {
        indexed.name: {
            "CapacityUnits": 8.0,
            "Table": {"CapacityUnits": 2.0},
            "LocalSecondaryIndexes": {"by-local": {"CapacityUnits": 2.0}},
            "GlobalSecondaryIndexes": {
                "all": {"CapacityUnits": 2.0},
                "keys": {"CapacityUnits": 2.0},
            },
        },
        table.name: {"CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}},
    }


def test_collection_metrics_of_a_batch_come_by_table_and_only_with_a_local_index(indexed, table):
    writes = [
        {"PutRequest": {"Item": {"pk": {"S": "metrics"}, "sk": {"S": each}}}} for each in "ab"
    ]
    plain = [{"PutRequest": {"Item": table.new_key()}}]

    answer = indexed.client.batch_write_item(
        RequestItems={indexed.name: writes, table.name: plain}, ReturnItemCollectionMetrics="SIZE"
    )

    metrics = answer["ItemCollectionMetrics"]
    assert metrics.keys() == {indexed.name}
    for each in metrics[indexed.name]:
        assert each["ItemCollectionKey"] == {"pk": {"S": "metrics"}}
        lower, upper = each["SizeEstimateRangeGB"]
        assert 0.0 <= lower < upper
