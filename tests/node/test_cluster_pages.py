"""A page of a Scan over several partitions: one Limit, one size, one place to go on from."""

from __future__ import annotations

from typing import Any

import orjson

from stator_core.limits import PAGE_BYTES_MAX
from stator_node.cluster_pages import ScanOverPartitions
from stator_node.item_operations import END_PLACE, PAGE_BYTES

BODY = {"TableName": "Music"}


def page(*keys: str, scanned: int | None = None, **members: Any) -> bytes:
    return orjson.dumps(
        {
            "Items": [{"pk": {"S": key}} for key in keys],
            "Count": len(keys),
            "ScannedCount": len(keys) if scanned is None else scanned,
            **members,
        }
    )


def test_pages_follow_each_other_in_order() -> None:
    pages = ScanOverPartitions(BODY, None)

    pages.take(page("a", "b"))
    pages.take(page("c", scanned=5))

    assert not pages.full
    assert orjson.loads(pages.response()) == {
        "Items": [{"pk": {"S": key}} for key in "abc"],
        "Count": 3,
        "ScannedCount": 7,
    }


def test_limit_counts_what_was_scanned_in_all_partitions() -> None:
    pages = ScanOverPartitions({**BODY, "Limit": 7}, 7)
    assert orjson.loads(pages.next_body(0, 1))["Limit"] == 7

    pages.take(page("a", scanned=5))

    assert orjson.loads(pages.next_body(0, 1))["Limit"] == 2


def test_the_rest_of_the_page_is_what_the_next_partition_may_fill() -> None:
    pages = ScanOverPartitions(BODY, None)
    first = page("a" * 1000)

    pages.take(first)
    assert orjson.loads(pages.next_body(0, 1))[PAGE_BYTES] == PAGE_BYTES_MAX - len(first)

    pages.take(page("b" * PAGE_BYTES_MAX))
    assert orjson.loads(pages.next_body(0, 1))[PAGE_BYTES] == 1


def test_a_partition_is_told_how_far_it_is_asked() -> None:
    body = orjson.loads(ScanOverPartitions(BODY, None).next_body(0, 1 << 64))

    assert int(body[END_PLACE], 16) == 1 << 64


def test_what_a_client_sends_under_these_names_is_not_heard() -> None:
    sent = {**BODY, END_PLACE: "0", PAGE_BYTES: -1}
    body = orjson.loads(ScanOverPartitions(sent, None).next_body(0, 16))

    assert (int(body[END_PLACE], 16), body[PAGE_BYTES]) == (16, PAGE_BYTES_MAX)


def test_a_page_that_ended_early_ends_all_and_says_where() -> None:
    pages = ScanOverPartitions(BODY, None)

    pages.take(page("a"))
    pages.take(page("b", LastEvaluatedKey={"pk": {"S": "b"}}))

    assert pages.full
    assert orjson.loads(pages.response())["LastEvaluatedKey"] == {"pk": {"S": "b"}}


def test_a_count_has_no_items() -> None:
    pages = ScanOverPartitions({**BODY, "Select": "COUNT"}, None)

    for count in (2, 3):
        pages.take(orjson.dumps({"Count": count, "ScannedCount": count}))

    assert orjson.loads(pages.response()) == {"Count": 5, "ScannedCount": 5}


def test_capacity_is_added_up() -> None:
    pages = ScanOverPartitions(BODY, None)

    for units in (0.5, 1.5):
        consumed = {"TableName": "Music", "CapacityUnits": units}
        pages.take(page("a", ConsumedCapacity=consumed))

    answer = orjson.loads(pages.response())
    assert answer["ConsumedCapacity"] == {"TableName": "Music", "CapacityUnits": 2.0}
