"""Filling the index by expiry: each item as its newest write has it, in slices."""

from __future__ import annotations

import asyncio

from expiring_table import NAME, ending, entries, expected_entries
from one_node import Node, table_body
from stator_core import keys
from stator_core.item_format import Damaged
from stator_core.table import Table, TimeToLive
from stator_node.expiry_filling import SLICE_ENTRIES, fill_slice, settle
from virtual_time import run

SETTING = TimeToLive("ends", "ENABLED", 1.0)


async def node_with(items: int) -> tuple[Node, Table]:
    """A node with so many items, and the table as it is once time to live is enabled."""
    node = Node(sync=False)
    table = await node.create(table_body(NAME))
    for number in range(items):
        await ending(node, f"{number}", number)
    return node, table.changed(time_to_live=SETTING)


def test_a_slice_puts_the_entries_of_its_items_and_says_where_to_go_on() -> None:
    async def main() -> None:
        node, table = await node_with(SLICE_ENTRIES + 10)
        await ending(node, "never", None)
        ((start, end),) = keys.scan_bounds(table, None)
        position: bytes | None = start
        found = []
        while position is not None:
            arguments = node.commit, table, table.identifier, position, end, found.append
            position = await fill_slice(*arguments)  # type: ignore[arg-type]
            found.append(len(entries(node)))

        assert found[0] in (SLICE_ENTRIES, SLICE_ENTRIES - 1)
        assert found[1:] == [SLICE_ENTRIES + 10]
        assert entries(node) == expected_entries(node)
        await node.crash()

    run(main())


def test_an_item_is_read_as_the_write_in_flight_has_it() -> None:
    async def main() -> None:
        node, table = await node_with(2)
        ((start, end),) = keys.scan_bounds(table, None)
        moved = asyncio.ensure_future(ending(node, "0", 77))
        deleted = asyncio.ensure_future(
            node.call("DeleteItem", TableName=NAME, Key={"pk": {"S": "1"}, "sk": {"S": "1"}})
        )
        filled = asyncio.ensure_future(
            fill_slice(node.commit, table, table.identifier, start, end, lambda _: None)
        )
        await asyncio.gather(moved, deleted, filled)

        assert entries(node) == expected_entries(node)
        assert len(entries(node)) == 1
        await node.crash()

    run(main())


def test_a_damaged_item_is_told_of_and_passed_over() -> None:
    async def main() -> None:
        node, table = await node_with(3)
        ((start, end),) = keys.scan_bounds(table, None)
        key, _ = node.store.cursor("items", start, end).take(1)[0]
        node.store.write([("items", key, b"rot")], sync=True)
        damages: list[Damaged] = []

        await fill_slice(node.commit, table, table.identifier, start, end, damages.append)

        assert [damage.key for damage in damages] == [key]
        assert len(entries(node)) == 2
        await node.crash()

    run(main())


def test_settled_means_that_earlier_writes_are_stored() -> None:
    async def main() -> None:
        node, _ = await node_with(0)
        writing = asyncio.ensure_future(ending(node, "a", 5))
        await asyncio.sleep(0)
        assert list(node.store.cursor("items", b"", b"\xff")) == []

        await settle(node.commit)

        assert len(list(node.store.cursor("items", b"", b"\xff"))) == 1
        await writing
        await node.crash()

    run(main())
