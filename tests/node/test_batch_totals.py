"""What a batch cost: the sum of its writes, and the newest size of each collection."""

from __future__ import annotations

from typing import Any

from stator_node.batch_totals import merge_consumed, merge_metrics


def test_every_figure_is_added_up_table_by_table_and_index_by_index() -> None:
    one = {
        "TableName": "Music",
        "CapacityUnits": 3.0,
        "Table": {"CapacityUnits": 1.0},
        "GlobalSecondaryIndexes": {"of-a": {"CapacityUnits": 2.0}},
    }
    two = {
        "TableName": "Music",
        "CapacityUnits": 5.0,
        "Table": {"CapacityUnits": 1.0},
        "GlobalSecondaryIndexes": {"of-b": {"CapacityUnits": 4.0}},
    }
    assert merge_consumed([one, two]) == {
        "TableName": "Music",
        "CapacityUnits": 8.0,
        "Table": {"CapacityUnits": 2.0},
        "GlobalSecondaryIndexes": {
            "of-a": {"CapacityUnits": 2.0},
            "of-b": {"CapacityUnits": 4.0},
        },
    }


def test_adding_up_changes_none_of_the_parts() -> None:
    part: dict[str, Any] = {"CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}}
    merge_consumed([part, part])
    assert part == {"CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}}


def test_a_collection_is_reported_once_as_it_was_last() -> None:
    def metrics(name: str, lower: float) -> dict[str, Any]:
        return {"ItemCollectionKey": {"pk": {"S": name}}, "SizeEstimateRangeGB": [lower, lower + 1]}

    assert merge_metrics([metrics("a", 0.0), metrics("b", 0.0), metrics("a", 1.0)]) == [
        metrics("a", 1.0),
        metrics("b", 0.0),
    ]
