"""ReturnConsumedCapacity tells what an item operation cost, in the units that AWS bills.

Reads round up to 4 KB, writes to 1 KB of the larger of old and new item; each index that changes
costs by its own entry. AWS: Developer Guide, Read and write operations, and Capacity consumption.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import FAILED_CONDITION, ItemTable, unconvertible

NAMES_BYTES = len("pk") + len("a")


@pytest.fixture(scope="module")
def indexed(make_table) -> ItemTable:
    """A table with `all` and `keys` on global keys `g` and `k`, and `local` on `l`."""

    def index(name: str, hash_key: str, projection: str, *range_key: str) -> dict[str, Any]:
        keys = [(hash_key, "HASH"), *((key, "RANGE") for key in range_key)]
        return {
            "IndexName": name,
            "KeySchema": [{"AttributeName": key, "KeyType": role} for key, role in keys],
            "Projection": {"ProjectionType": projection},
        }

    return make_table(
        range_key="S",
        more_keys={"g": "S", "k": "S", "l": "S"},
        GlobalSecondaryIndexes=[index("all", "g", "ALL"), index("keys", "k", "KEYS_ONLY")],
        LocalSecondaryIndexes=[index("local", "pk", "ALL", "l")],
    )


def item_of(table: ItemTable, size: int) -> dict[str, Any]:
    """An item of exactly this many bytes, names and key counted."""
    key = table.new_key()
    return key | {"a": {"S": "x" * (size - NAMES_BYTES - len(key["pk"]["S"]))}}


def units(answer: dict[str, Any]) -> float:
    return float(answer["ConsumedCapacity"]["CapacityUnits"])


def write_units(table: ItemTable, operation: str, **members: Any) -> float:
    return units(table.call(operation, ReturnConsumedCapacity="TOTAL", **members))


def by_index(indexed: ItemTable, operation: str, **members: Any) -> dict[str, float]:
    """Units of the table and of each index that was charged."""
    answer = indexed.call(operation, ReturnConsumedCapacity="INDEXES", **members)
    consumed = answer["ConsumedCapacity"]
    parts = {"table": consumed["Table"]["CapacityUnits"]}
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        assert consumed.get(kind) != {}
        for name, part in consumed.get(kind, {}).items():
            parts[name] = part["CapacityUnits"]
    assert consumed["CapacityUnits"] == sum(parts.values())
    return parts


# ----------------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "DeleteItem", "GetItem"])
def test_the_shapes_of_the_answer(table, operation):
    key = table.new_key()
    members = {"Item" if operation == "PutItem" else "Key": key}
    cost = 0.5 if operation == "GetItem" else 1.0
    table.put(key)

    def consumed(mode: str) -> Any:
        answer = table.call(operation, ReturnConsumedCapacity=mode, **members)
        return answer.get("ConsumedCapacity")

    total = {"TableName": table.name, "CapacityUnits": cost}
    assert consumed("NONE") is None
    assert "ConsumedCapacity" not in table.call(operation, **members)
    table.put(key)
    assert consumed("TOTAL") == total
    table.put(key)
    assert consumed("INDEXES") == total | {"Table": {"CapacityUnits": cost}}


def test_units_are_written_with_a_fraction(table):
    answer = table.send("PutItem", Item=table.new_key(), ReturnConsumedCapacity="TOTAL")

    assert b'"CapacityUnits":1.0' in answer.text


def test_the_table_is_called_by_its_name_though_the_caller_used_its_arn(table):
    """(unconfirmed)"""
    arn = table.client.describe_table(TableName=table.name)["Table"]["TableArn"]

    answer = table.call(
        "GetItem", TableName=arn, Key=table.new_key(), ReturnConsumedCapacity="TOTAL"
    )

    assert answer["ConsumedCapacity"]["TableName"] == table.name


# ------------------------------------------------------------------------------------------ reads


@pytest.mark.parametrize(
    "size, cost", [(100, 0.5), (4096, 0.5), (4097, 1.0), (8192, 1.0), (8193, 1.5), (409_600, 50.0)]
)
def test_a_read_costs_half_a_unit_per_4_kb_and_twice_that_if_consistent(table, size, cost):
    item = item_of(table, size)
    key = {"pk": item["pk"]}
    table.put(item)

    def read(**members: Any) -> float:
        return units(table.call("GetItem", Key=key, ReturnConsumedCapacity="TOTAL", **members))

    assert read() == cost
    assert read(ConsistentRead=True) == 2 * cost
    assert read(ProjectionExpression="pk") == cost


def test_a_missing_item_costs_the_minimum(table):
    key = table.new_key()

    assert units(table.call("GetItem", Key=key, ReturnConsumedCapacity="TOTAL")) == 0.5
    assert (
        units(table.call("GetItem", Key=key, ReturnConsumedCapacity="TOTAL", ConsistentRead=True))
        == 1.0
    )


# ----------------------------------------------------------------------------------------- writes


@pytest.mark.parametrize("size, cost", [(50, 1.0), (1024, 1.0), (1025, 2.0), (409_600, 400.0)])
def test_a_write_costs_a_unit_per_1_kb(table, size, cost):
    item = item_of(table, size)

    assert write_units(table, "PutItem", Item=item) == cost
    assert write_units(table, "DeleteItem", Key={"pk": item["pk"]}) == cost


def test_a_write_costs_by_the_larger_of_old_and_new(table):
    item = item_of(table, 3000)
    key = {"pk": item["pk"]}

    assert write_units(table, "PutItem", Item=item) == 3.0
    assert write_units(table, "PutItem", Item=key) == 3.0
    assert write_units(table, "PutItem", Item=item) == 3.0
    assert write_units(table, "UpdateItem", Key=key, UpdateExpression="REMOVE a") == 3.0
    assert write_units(table, "UpdateItem", Key=key, UpdateExpression="REMOVE a") == 1.0


def test_deleting_what_is_not_there_costs_one(table):
    assert write_units(table, "DeleteItem", Key=table.new_key()) == 1.0


def test_a_write_that_changes_nothing_costs_as_much(table):
    item = item_of(table, 2000)
    table.put(item)

    assert write_units(table, "PutItem", Item=item) == 2.0


def test_a_failed_condition_tells_no_cost(table):
    """It is charged by the item that is there; the error has no member to say so."""
    item = item_of(table, 2000)
    table.put(item)

    answer = table.send(
        "PutItem",
        Item=item,
        ConditionExpression="attribute_not_exists(pk)",
        ReturnConsumedCapacity="TOTAL",
    )

    assert f"{answer.error}: {answer.message}" == FAILED_CONDITION
    assert "ConsumedCapacity" not in answer.body


def test_the_mode_is_a_string(table):
    assert table.sent_refusal(
        "PutItem", Item=table.new_key(), ReturnConsumedCapacity=1
    ) == unconvertible("NUMBER_VALUE cannot be converted to String")


# ---------------------------------------------------------------------------------------- indexes


def test_an_index_without_the_item_costs_nothing(indexed):
    key = indexed.new_key(sk={"S": "a"})

    assert by_index(indexed, "PutItem", Item=key) == {"table": 1.0}


def test_a_new_entry_costs_by_what_it_holds(indexed):
    """`all` holds the whole item of some 2 KB, `keys` the keys alone."""
    big = {"a": {"S": "x" * 2000}}
    item = indexed.new_key(sk={"S": "a"}) | big | {"g": {"S": "g"}, "k": {"S": "k"}}

    assert by_index(indexed, "PutItem", Item=item) == {"table": 2.0, "all": 2.0, "keys": 1.0}


def test_an_entry_that_stays_the_same_costs_nothing(indexed):
    item = indexed.new_key(sk={"S": "a"}) | {"k": {"S": "k"}, "g": {"S": "g"}}
    indexed.put(item)

    assert by_index(indexed, "PutItem", Item=item) == {"table": 1.0}
    assert by_index(indexed, "PutItem", Item=item | {"a": {"S": "new"}}) == {
        "table": 1.0,
        "all": 1.0,
    }


def test_an_entry_that_goes_costs_by_what_it_held(indexed):
    big = {"a": {"S": "x" * 2000}}
    key = indexed.new_key(sk={"S": "a"})
    indexed.put(key | big | {"g": {"S": "g"}, "k": {"S": "k"}})

    assert by_index(indexed, "DeleteItem", Key=key) == {"table": 2.0, "all": 2.0, "keys": 1.0}


def test_an_entry_that_moves_costs_twice(indexed):
    """Once for the old place and once for the new, each by its size."""
    big = {"a": {"S": "x" * 2000}}
    key = indexed.new_key(sk={"S": "a"})
    indexed.put(key | big | {"g": {"S": "g"}})

    assert by_index(indexed, "PutItem", Item=key | {"g": {"S": "h"}}) == {
        "table": 2.0,
        "all": 2.0 + 1.0,
    }


def test_an_entry_that_grows_costs_by_the_larger(indexed):
    key = indexed.new_key(sk={"S": "a"})
    indexed.put(key | {"g": {"S": "g"}, "a": {"S": "x" * 2000}})

    assert by_index(
        indexed,
        "UpdateItem",
        Key=key,
        UpdateExpression="SET a = :v",
        ExpressionAttributeValues={":v": {"S": "x" * 3000}},
    ) == {"table": 3.0, "all": 3.0}


def test_a_local_index_is_charged_like_a_global_one(indexed):
    key = indexed.new_key(sk={"S": "a"})

    assert by_index(indexed, "PutItem", Item=key | {"l": {"S": "1"}}) == {
        "table": 1.0,
        "local": 1.0,
    }
    assert by_index(indexed, "PutItem", Item=key | {"l": {"S": "2"}}) == {
        "table": 1.0,
        "local": 2.0,
    }
    assert by_index(indexed, "DeleteItem", Key=key) == {"table": 1.0, "local": 1.0}


def test_the_total_counts_the_indexes(indexed):
    item = indexed.new_key(sk={"S": "a"}) | {"g": {"S": "g"}, "k": {"S": "k"}, "l": {"S": "l"}}

    answer = indexed.put(item, ReturnConsumedCapacity="TOTAL")

    assert answer["ConsumedCapacity"] == {"TableName": indexed.name, "CapacityUnits": 4.0}


def test_the_order_of_a_set_costs_an_index_nothing(indexed):
    item = indexed.new_key(sk={"S": "a"}) | {"g": {"S": "g"}, "s": {"SS": ["a", "b"]}}
    indexed.put(item)

    assert by_index(indexed, "PutItem", Item=item | {"s": {"SS": ["b", "a"]}}) == {"table": 1.0}
