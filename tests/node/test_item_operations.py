"""The fence of a partition: nothing outside its range is touched, and what passes is noted."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from one_node import Node, item, table_body
from stator_core import keys
from stator_core.key_format import HASH_SPACE
from stator_core.partition_state import place_key
from stator_core.requests import scan
from stator_core.table import Table
from stator_node.item_operations import (
    END_PLACE,
    PAGE_BYTES,
    START_PLACE,
    Fence,
    ItemOperations,
    OutsideRange,
)
from stator_node.pending import Pending, wait
from told_links import music
from virtual_time import run

HALF = HASH_SPACE // 2
TABLE = music()


class Noted:
    """A fence, and the places that passed it."""

    def __init__(self, start: int, end: int) -> None:
        self.held = start, end
        self.places: list[int] = []
        self.fence = Fence(lambda: self.held, self.places.append)


def scan_of(table: Table = TABLE) -> Any:
    return scan.parse({"TableName": "Music"}).bind(table)


def test_a_key_inside_passes_and_is_noted() -> None:
    noted = Noted(10, 20)

    for place in (10, 19):
        noted.fence.check(place_key(1, place) + b"key")

    assert noted.places == [10, 19]


@pytest.mark.parametrize("place", [0, 9, 20, HASH_SPACE - 1])
def test_a_key_outside_is_refused_and_not_noted(place: int) -> None:
    noted = Noted(10, 20)

    with pytest.raises(OutsideRange):
        noted.fence.check(place_key(1, place) + b"key")

    assert noted.places == []


def test_the_range_is_that_of_the_moment() -> None:
    noted = Noted(0, HASH_SPACE)
    key = place_key(1, HALF) + b"key"
    noted.fence.check(key)

    noted.held = 0, HALF

    with pytest.raises(OutsideRange):
        noted.fence.check(key)


@pytest.mark.parametrize("held", [(0, HALF), (HALF, HASH_SPACE), (5, 6), (0, HASH_SPACE)])
def test_a_walk_is_clipped_to_what_is_held(held: tuple[int, int]) -> None:
    start, end = held

    clipped = Noted(start, end).fence.clip(scan_of(), start, end)

    assert clipped.ranges == [(place_key(1, start), place_key(1, end))]


def test_a_walk_ends_where_the_asker_knows_of_another_partition() -> None:
    """This replica has not heard of the split yet; the other half is asked elsewhere."""
    clipped = Noted(0, HASH_SPACE).fence.clip(scan_of(), 0, HALF)

    assert clipped.ranges == [(place_key(1, 0), place_key(1, HALF))]


def test_a_walk_begins_where_the_asker_has_come_to_though_more_is_held_by_now() -> None:
    """This partition has taken over the one that the asker knows, and has walked the rest of."""
    clipped = Noted(0, HASH_SPACE).fence.clip(scan_of(), HALF, HASH_SPACE)

    assert clipped.ranges == [(place_key(1, HALF), place_key(1, HASH_SPACE))]


def test_a_walk_over_more_than_is_held_is_refused() -> None:
    for held in ((0, HALF), (HALF, HASH_SPACE)):
        with pytest.raises(OutsideRange):
            Noted(*held).fence.clip(scan_of(), 0, HASH_SPACE)


def test_a_walk_that_begins_behind_what_is_held_finds_nothing() -> None:
    read = scan_of()
    read.ranges = [(place_key(1, HALF), place_key(2, 0))]

    assert Noted(0, HALF).fence.clip(read, 0, HALF).ranges == []


class HalfOfANode:
    """The operations of a node whose replica holds only a part of the hashes."""

    def __init__(self, node: Node) -> None:
        self.noted = Noted(0, HASH_SPACE)
        self.operations = ItemOperations(
            node.catalog.serving, node.replica, self.noted.fence
        ).by_name()

    async def call(self, operation: str, **body: Any) -> Any:
        answer = self.operations[operation]({"TableName": "Music", **body})
        return orjson.loads(await wait(answer) if isinstance(answer, Pending) else answer)


async def half() -> tuple[HalfOfANode, int]:
    """A node with one item, held; and the item's place."""
    node = Node()
    await node.create(table_body())
    partial = HalfOfANode(node)
    await partial.call("PutItem", Item=item(v="here"))
    return partial, keys.hash_place(node.catalog.tables["Music"], item())


def key_of_item() -> dict[str, Any]:
    return {name: value for name, value in item().items() if name in ("pk", "sk")}


OUTSIDE = [
    ("PutItem", {"Item": item()}),
    ("GetItem", {"Key": key_of_item()}),
    ("DeleteItem", {"Key": key_of_item()}),
    ("UpdateItem", {"Key": key_of_item()}),
    (
        "Query",
        {
            "KeyConditionExpression": "pk = :p",
            "ExpressionAttributeValues": {":p": item()["pk"]},
        },
    ),
    ("Scan", {START_PLACE: f"{0:017x}", END_PLACE: f"{HASH_SPACE:017x}"}),
    ("BatchGetItem", {"RequestItems": {"Music": {"Keys": [key_of_item()]}}}),
    ("BatchWriteItem", {"RequestItems": {"Music": [{"PutRequest": {"Item": item()}}]}}),
]


@pytest.mark.parametrize("operation,members", OUTSIDE, ids=[name for name, _ in OUTSIDE])
def test_every_operation_stops_at_the_fence(operation: str, members: dict[str, Any]) -> None:
    async def story() -> None:
        partial, place = await half()
        partial.noted.held = (place + 1, HASH_SPACE)
        if operation == "Scan":
            partial.noted.held = (0, place)
        body = {name: value for name, value in members.items() if name != "RequestItems"}
        if "RequestItems" in members:
            answer = partial.operations[operation]
            with pytest.raises(OutsideRange):
                answer({"RequestItems": members["RequestItems"]})
        else:
            with pytest.raises(OutsideRange):
                await partial.call(operation, **body)
        partial.noted.held = (0, HASH_SPACE)
        read = await partial.call("GetItem", Key=key_of_item())
        assert read["Item"] == item(v="here")

    run(story())


def test_a_batch_with_one_key_outside_begins_nothing() -> None:
    async def story() -> None:
        partial, place = await half()
        partial.noted.held = (place, place + 1)
        other = {**item(v="elsewhere"), "pk": {"S": "another partition key"}}
        puts = [{"PutRequest": {"Item": each}} for each in (item(v="changed"), other)]
        with pytest.raises(OutsideRange):
            partial.operations["BatchWriteItem"]({"RequestItems": {"Music": puts}})
        read = await partial.call("GetItem", Key=key_of_item())
        assert read["Item"] == item(v="here")

    run(story())


def test_a_scan_fills_no_more_of_the_page_than_is_left() -> None:
    async def story() -> None:
        partial, _ = await half()
        for number in range(10):
            await partial.call("PutItem", Item={**item(), "pk": {"S": f"key-{number}"}})
        whole = {START_PLACE: f"{0:017x}", END_PLACE: f"{HASH_SPACE:017x}"}
        assert (await partial.call("Scan", **whole))["Count"] == 11
        page = await partial.call("Scan", **whole, **{PAGE_BYTES: 1})
        assert page["Count"] == 1
        assert "LastEvaluatedKey" in page

    run(story())
