"""The life of tables: states that move, work that a crash interrupts, indexes filled under load."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import orjson
import pytest

from one_node import DELAY_SECONDS, Node, item, key, table_body
from slow_disk import SlowDisk
from stator_core import item_format, keys
from stator_core.errors import (
    InternalServerError,
    LimitExceededException,
    ResourceNotFoundException,
)
from stator_core.indexes import index_change
from stator_core.limits import CONTROL_PLANE_OPERATIONS_MAX, TABLES_MAX
from stator_node.replica import SLICE_ENTRIES
from table_bodies import attributes, index
from virtual_time import run

BY_A = {"GlobalSecondaryIndexes": [index("by-a", "a")]}
ADD_BY_A = {
    "TableName": "Music",
    "AttributeDefinitions": attributes(a="S"),
    "GlobalSecondaryIndexUpdates": [{"Create": index("by-a", "a")}],
}
DROP_BY_A = {
    "TableName": "Music",
    "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-a"}}],
}


def entries(node: Node, name: str = "Music") -> dict[str, dict[bytes, Any]]:
    """What is stored of each index of a table."""
    table = node.catalog.tables[name]
    found: dict[str, dict[bytes, Any]] = {}
    for one in table.indexes:
        family = "items" if one.is_global else "indexes"
        found[one.name] = {
            entry_key: orjson.loads(item_format.payload_of(entry_key, stored))
            for start, end in keys.scan_bounds(table, one, 0, 1)
            for entry_key, stored in node.store.cursor(family, start, end)
            if one.is_global or keys.is_entry_of(one, entry_key)
        }
    return found


def expected_entries(node: Node, name: str = "Music") -> dict[str, dict[bytes, Any]]:
    """What follows from the stored items."""
    table = node.catalog.tables[name]
    expected: dict[str, dict[bytes, Any]] = {one.name: {} for one in table.indexes}
    for start, end in keys.scan_bounds(table, None, 0, 1):
        for item_key, stored in node.store.cursor("items", start, end):
            content = orjson.loads(item_format.payload_of(item_key, stored))
            for one in table.indexes:
                change = index_change(table, one, None, content)
                if change is not None and change.put_key is not None:
                    expected[one.name][change.put_key] = change.entry
    return expected


async def index_status(node: Node) -> str | None:
    shown = (await node.call("DescribeTable", TableName="Music"))["Table"]
    indexes = shown.get("GlobalSecondaryIndexes", [])
    return indexes[0]["IndexStatus"] if indexes else None


def test_a_table_moves_from_creating_to_active_and_from_deleting_to_gone() -> None:
    async def story() -> None:
        node = Node()
        await node.call("CreateTable", **table_body(**BY_A))
        assert (await node.status(), await index_status(node)) == ("CREATING", "CREATING")
        with pytest.raises(ResourceNotFoundException):
            await node.call("PutItem", TableName="Music", Item=item())
        await node.rest()
        assert (await node.status(), await index_status(node)) == ("ACTIVE", "ACTIVE")
        await node.call("PutItem", TableName="Music", Item=item(a="x"))
        deleted = await node.call("DeleteTable", TableName="Music")
        assert deleted["TableDescription"]["TableStatus"] == "DELETING"
        assert await node.status() == "DELETING"
        with pytest.raises(ResourceNotFoundException):
            await node.call("GetItem", TableName="Music", Key=key())
        await node.rest()
        with pytest.raises(ResourceNotFoundException):
            await node.status()
        assert list(node.store.cursor("items", b"", b"\xff")) == []

    run(story())


def test_tables_and_table_operations_under_way_have_their_limits() -> None:
    async def story() -> None:
        node = Node()
        for number in range(CONTROL_PLANE_OPERATIONS_MAX):
            await node.call("CreateTable", **table_body(f"table-{number}"))
        with pytest.raises(LimitExceededException, match="Only 500 tables can be created"):
            await node.call("CreateTable", **table_body("one-more"))
        await node.rest()
        for number in range(CONTROL_PLANE_OPERATIONS_MAX, TABLES_MAX):
            await node.call("CreateTable", **table_body(f"table-{number}"))
            if number % 400 == 0:
                await node.rest()
        await node.rest()
        with pytest.raises(LimitExceededException, match="There is a limit of 2500 tables"):
            await node.call("CreateTable", **table_body("one-more"))

    run(story())


def test_a_state_lasts_as_long_as_it_should_be_seen() -> None:
    async def story() -> None:
        node = Node()
        await node.call("CreateTable", **table_body())
        await asyncio.sleep(DELAY_SECONDS * 0.9)
        assert await node.status() == "CREATING"
        await asyncio.sleep(DELAY_SECONDS * 0.2)
        assert await node.status() == "ACTIVE"

    run(story())


@pytest.mark.parametrize("operation", ["CreateTable", "DeleteTable", "add index", "drop index"])
def test_work_that_a_crash_interrupts_is_taken_up_at_the_next_start(operation: str) -> None:
    async def story() -> None:
        node = Node()
        if operation != "CreateTable":
            await node.create(table_body(**(BY_A if operation != "add index" else {})))
            for number in range(5):
                await node.call("PutItem", TableName="Music", Item=item(sk=f"{number}", a="x"))
        bodies: dict[str, tuple[str, dict[str, Any]]] = {
            "CreateTable": ("CreateTable", table_body(**BY_A)),
            "DeleteTable": ("DeleteTable", {"TableName": "Music"}),
            "add index": ("UpdateTable", ADD_BY_A),
            "drop index": ("UpdateTable", DROP_BY_A),
        }
        name, body = bodies[operation]
        await node.call(name, **body)
        node = Node(await node.crash())
        await node.rest()
        if operation == "DeleteTable":
            assert node.catalog.tables == {}
            assert list(node.store.cursor("items", b"", b"\xff")) == []
            return
        assert await node.status() == "ACTIVE"
        assert await index_status(node) == (None if operation == "drop index" else "ACTIVE")
        assert entries(node) == expected_entries(node)

    run(story())


@pytest.mark.parametrize("turns", [1, 2, 3, 5, 8])
def test_a_backfill_that_a_crash_interrupts_begins_again(turns: int) -> None:
    async def story() -> None:
        node = Node()
        await node.create(table_body())
        for number in range(3 * SLICE_ENTRIES):
            node.send("PutItem", {"TableName": "Music", "Item": item(sk=f"{number:04}", a="x")})
        await node.commit.drain()
        await node.call("UpdateTable", **ADD_BY_A)
        await asyncio.sleep(DELAY_SECONDS)
        for _ in range(turns):
            await asyncio.sleep(0)
        node = Node(await node.crash())
        await node.rest()
        assert await index_status(node) == "ACTIVE"
        assert len(entries(node)["by-a"]) == 3 * SLICE_ENTRIES

    run(story())


@pytest.mark.parametrize("seed", range(10))
def test_an_index_that_is_filled_while_writes_go_on_agrees_with_the_table(seed: int) -> None:
    chance = random.Random(seed)

    async def story() -> None:
        node = Node()
        assert isinstance(node.store, SlowDisk)
        await node.create(table_body())
        count = 3 * SLICE_ENTRIES
        for number in range(count):
            body = {"TableName": "Music", "Item": item(sk=f"{number:04}", a=f"{number % 7}")}
            node.send("PutItem", body)
        await node.commit.drain()
        # Writes that know nothing of the index are still in flight when it is created.
        node.store.hold()
        write_something(node, chance, count)
        await asyncio.sleep(0)
        write_something(node, chance, count)
        await node.call("UpdateTable", **ADD_BY_A)
        while node.life._tasks:
            write_something(node, chance, count)
            await asyncio.sleep(chance.choice((0, 0, DELAY_SECONDS / 3)))
            (node.store.hold if chance.random() < 0.1 else node.store.release)()
        node.store.release()
        await node.commit.drain()
        assert await index_status(node) == "ACTIVE"
        assert entries(node) == expected_entries(node)

    run(story())


def write_something(node: Node, chance: random.Random, count: int) -> None:
    for _ in range(chance.randrange(5)):
        sk = f"{chance.randrange(count):04}"
        body: dict[str, Any] = {"TableName": "Music"}
        if chance.random() < 0.4:
            node.send("DeleteItem", body | {"Key": key(sk=sk)})
        else:
            node.send("PutItem", body | {"Item": item(sk=sk, a=f"{chance.randrange(9)}")})


def test_an_index_may_be_deleted_while_it_is_filled() -> None:
    async def story() -> None:
        node = Node()
        await node.create(table_body())
        for number in range(5 * SLICE_ENTRIES):
            node.send("PutItem", {"TableName": "Music", "Item": item(sk=f"{number:04}", a="x")})
        await node.commit.drain()
        await node.call("UpdateTable", **ADD_BY_A)
        added = node.catalog.tables["Music"].indexes[0].identifier
        while not node.catalog.tables["Music"].indexes[0].backfilling:  # noqa: ASYNC110
            await asyncio.sleep(DELAY_SECONDS / 10)
        await node.call("UpdateTable", **DROP_BY_A)
        await node.rest()
        assert await index_status(node) is None
        assert await node.status() == "ACTIVE"
        prefix = added.to_bytes(4, "big")
        assert list(node.store.cursor("items", prefix, prefix + b"\xff" * 9)) == []

    run(story())


def test_a_damaged_item_does_not_stop_a_backfill_and_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        node = Node()
        table = await node.create(table_body())
        for sk in "123":
            await node.call("PutItem", TableName="Music", Item=item(sk=sk, a="x"))
        stored_key = keys.item_key(table, key(sk="2"))
        stored = node.store.get(stored_key)
        assert stored is not None
        node.store.write([("items", stored_key, stored[:-2] + b"?}")], sync=True)
        await node.call("UpdateTable", **ADD_BY_A)
        await node.rest()
        assert await index_status(node) == "ACTIVE"
        assert len(entries(node)["by-a"]) == 2

    run(story())
    assert 'table Music, item {"pk":{"S":"a"},"sk":{"S":"2"}}' in caplog.text


def test_work_waits_for_a_full_disk_and_goes_on() -> None:
    async def story() -> None:
        node = Node()
        await node.call("CreateTable", **table_body())
        node.store.fail_with = "No space left on device"
        await asyncio.sleep(10 * DELAY_SECONDS)
        assert await node.status() == "CREATING"
        node.store.fail_with = None
        await node.rest()
        assert await node.status() == "ACTIVE"

    run(story())


def test_a_table_that_the_disk_refuses_is_a_500_and_the_way_back_begins() -> None:
    """Nothing but table operations may come; they alone must bring the storage back."""

    async def story() -> None:
        node = Node()
        node.store.fail_with = "No space left on device"
        with pytest.raises(InternalServerError):
            await node.call("CreateTable", **table_body())
        assert node.commit.failed is not None
        assert await node.call("ListTables") == {"TableNames": []}
        node.store.fail_with = None
        await asyncio.sleep(2.0)
        assert node.commit.failed is None
        await node.create(table_body())

    run(story())


def test_work_that_comes_in_the_turn_in_which_the_last_work_ends_is_done() -> None:
    async def story() -> None:
        node = Node()
        await node.call("CreateTable", **table_body())

        def delete() -> None:
            node.send("DeleteTable", {"TableName": "Music"})

        # The next write makes the table ACTIVE; the deletion comes right behind it.
        node.store.on_write = lambda: asyncio.get_running_loop().call_soon(delete)
        await asyncio.sleep(5 * DELAY_SECONDS)
        assert node.catalog.tables == {}

    run(story())


def test_deleting_a_table_goes_on_while_another_is_written_without_pause() -> None:
    async def story() -> None:
        node = Node()
        await node.create(table_body("Music"))
        await node.create(table_body("Busy"))
        await node.call("DeleteTable", TableName="Music")
        for number in range(10_000):  # Time is pretended, the thread that syncs is not.
            for sk in ("1", "2"):
                node.send("PutItem", {"TableName": "Busy", "Item": item(sk=f"{sk}{number}")})
            await asyncio.sleep(DELAY_SECONDS / 100)
            if "Music" not in node.catalog.tables:
                break
        else:
            raise AssertionError("the deletion waits for the other table's writes")
        await node.commit.drain()

    run(story())
