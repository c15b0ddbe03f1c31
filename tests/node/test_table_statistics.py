"""Table statistics: right for small tables at once, for large ones soon, at a tenth of the time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from one_node import Node, item, key, table_body
from slow_disk import SlowDisk
from stator_core.table import Table
from stator_core.table_description import NOTHING_COUNTED
from stator_node.doors import Family, StorageFailed
from stator_node.memory import MemoryCursor
from stator_node.table_statistics import ROUND_SECONDS, SMALL_ENTRIES_MAX
from table_bodies import index
from virtual_time import run

INDEXES = {
    "LocalSecondaryIndexes": [
        index("by-a", "pk", "a"),
        index("by-b", "pk", "b", Projection={"ProjectionType": "KEYS_ONLY"}),
    ],
    "GlobalSecondaryIndexes": [index("of-a", "a")],
}


class Unreadable(SlowDisk):
    """A disk with a damaged block under every item, once `broken`."""

    broken = False

    def cursor(
        self, family: Family, start: bytes, end: bytes, *, reverse: bool = False
    ) -> MemoryCursor:
        if self.broken and family == "items":
            raise StorageFailed("Corruption: block checksum mismatch")
        return super().cursor(family, start, end, reverse=reverse)


async def filled(node: Node, count: int, **indexes: Any) -> Table:
    table = await node.create(table_body(**indexes))
    for number in range(count):
        node.send("PutItem", {"TableName": "Music", "Item": item(sk=f"{number:05}", a="x")})
    await node.commit.drain()
    return table


def test_a_small_table_is_counted_when_it_is_asked_for() -> None:
    async def story() -> None:
        node = Node()
        table = await filled(node, 3)
        assert node.counter.statistics(table).item_count == 3
        assert node.counter.statistics(table).size_bytes == 3 * (2 + 1 + 2 + 5 + 1 + 1)
        await node.call("DeleteItem", TableName="Music", Key=key(sk="00000"))
        assert node.counter.statistics(table).item_count == 2

    run(story())


def test_each_index_counts_its_own_entries() -> None:
    async def story() -> None:
        node = Node()
        table = await filled(node, 3, **INDEXES)
        await node.call("PutItem", TableName="Music", Item=item(sk="b", b=1))
        counted = node.counter.statistics(table)
        assert counted.item_count == 4
        assert {name: one.item_count for name, one in counted.indexes.items()} == {
            "by-a": 3,
            "by-b": 1,
            "of-a": 3,
        }
        assert counted.indexes["by-a"].size_bytes == 3 * 12

    run(story())


def test_a_large_table_is_counted_in_the_background_while_writes_go_on() -> None:
    async def story() -> None:
        node = Node()
        table = await filled(node, SMALL_ENTRIES_MAX + 500, **INDEXES)
        assert node.counter.statistics(table) == NOTHING_COUNTED
        counting = asyncio.ensure_future(node.counter.run(node.catalog.tables))
        await asyncio.sleep(ROUND_SECONDS * 1.5)
        assert node.counter.statistics(table).item_count == SMALL_ENTRIES_MAX + 500
        await node.call("PutItem", TableName="Music", Item=item(sk="more"))
        await asyncio.sleep(ROUND_SECONDS * 1.5)
        assert node.counter.statistics(table).item_count == SMALL_ENTRIES_MAX + 501
        counting.cancel()

    run(story())


def test_a_table_that_did_not_change_is_not_counted_again() -> None:
    async def story() -> None:
        store = Unreadable()
        node = Node(store)
        table = await filled(node, 3)
        counted = node.counter.statistics(table)
        store.broken = True
        assert node.counter.statistics(table) is counted

    run(story())


def test_a_table_that_cannot_be_read_is_described_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        store = Unreadable()
        node = Node(store)
        await filled(node, 3)
        store.broken = True
        shown = await node.call("DescribeTable", TableName="Music")
        assert shown["Table"]["TableStatus"] == "ACTIVE"
        counting = asyncio.ensure_future(node.counter.run(node.catalog.tables))
        await asyncio.sleep(ROUND_SECONDS * 1.5)
        node.send("PutItem", {"TableName": "Music", "Item": item()})
        await asyncio.sleep(ROUND_SECONDS * 10)
        assert not counting.done(), "one unreadable table must not end the counting of others"
        counting.cancel()

    run(story())
    assert caplog.text.count("table Music cannot be counted") == 2


def test_what_is_known_of_a_table_goes_with_it() -> None:
    async def story() -> None:
        node = Node()
        table = await filled(node, 3)
        node.counter.statistics(table)
        await node.call("DeleteTable", TableName="Music")
        await node.rest()
        assert node.counter.statistics(table).item_count == 0

    run(story())
