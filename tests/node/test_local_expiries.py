"""In one process: each table's index by expiry is what its setting wants, after any crash."""

from __future__ import annotations

import asyncio
import random

import pytest

from expiring_table import NAME, enable, ending, entries, expected_entries, expiring, names
from one_node import Node, key, table_body
from slow_disk import SlowDisk
from stator_node.expiry_filling import SLICE_ENTRIES
from stator_node.local_expiries import MARK_END, MARK_PREFIX
from virtual_time import run

MANY = 2 * SLICE_ENTRIES + 50


def marks(store: SlowDisk) -> list[bytes]:
    return [mark for _, mark in store.cursor("meta", MARK_PREFIX, MARK_END)]


async def filled_later(items: int) -> Node:
    """A node with items that were there before time to live was enabled."""
    node = Node(sync=False)
    await node.create(table_body(NAME))
    for number in range(items):
        await ending(node, f"{number}", number + 10)
    await enable(node)
    return node


def test_items_that_were_there_are_taken_in() -> None:
    async def main() -> None:
        node = await filled_later(MANY)
        assert entries(node) == set()

        await node.expiries.round()

        assert entries(node) == expected_entries(node)
        assert len(entries(node)) == MANY
        assert len(marks(node.store)) == 1
        node.clock.advance(10 + MANY / 2)
        await node.expiries.round()
        assert len(names(node)) == MANY - MANY // 2 - 1
        await node.crash()

    run(main())


def test_writes_go_on_while_the_index_is_filled() -> None:
    async def main() -> None:
        chance = random.Random(1)
        node = await filled_later(MANY)
        filling = asyncio.ensure_future(node.expiries.round())
        while not filling.done():
            pk = f"{chance.randrange(MANY + 20)}"
            if chance.random() < 0.3:
                await node.call("DeleteItem", TableName=NAME, Key=key(pk))
            else:
                await ending(node, pk, chance.choice((None, 20, 30.5)))
            await asyncio.sleep(0.0002)

        assert entries(node) == expected_entries(node)
        await node.crash()

    run(main())


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.002, 0.003])
def test_a_crash_on_the_way_has_the_index_made_anew(seconds: float) -> None:
    async def main() -> None:
        node = await filled_later(MANY)
        filling = asyncio.ensure_future(node.expiries.round())
        await asyncio.sleep(seconds)
        assert not filling.done()
        filling.cancel()
        again = Node(await node.crash(), sync=False)
        again.clock.set_now(node.clock.now())

        await again.expiries.round()

        assert entries(again) == expected_entries(again)
        assert len(entries(again)) == MANY
        await again.crash()

    run(main())


def test_a_whole_index_is_not_made_anew_at_the_next_start() -> None:
    async def main() -> None:
        node = await filled_later(3)
        await node.expiries.round()
        again = Node(await node.crash(), sync=False)
        for entry in entries(again):
            again.store.write([("expiries", entry, None)], sync=True)

        await again.expiries.round()

        assert entries(again) == set()
        await again.crash()

    run(main())


def test_disabled_the_index_goes_and_nothing_is_deleted() -> None:
    async def main() -> None:
        node = await filled_later(3)
        await node.expiries.round()
        await enable(node, on=False)
        node.clock.advance(1000)

        await node.expiries.round()

        assert entries(node) == set()
        assert marks(node.store) == []
        assert len(names(node)) == 3
        await node.crash()

    run(main())


def test_switched_off_and_on_between_two_rounds_nothing_is_missed() -> None:
    async def main() -> None:
        node = await filled_later(3)
        await node.expiries.round()
        await enable(node, on=False)
        await ending(node, "written meanwhile", 5)
        await ending(node, "0", None)
        await enable(node)

        await node.expiries.round()

        assert entries(node) == expected_entries(node)
        assert len(entries(node)) == 3
        await node.crash()

    run(main())


def test_another_attribute_is_another_index() -> None:
    async def main() -> None:
        node = await filled_later(3)
        await node.expiries.round()
        await enable(node, on=False)
        await enable(node, "until")
        await ending(node, "by the other", None, until=5)

        await node.expiries.round()

        assert entries(node) == expected_entries(node, "until")
        assert len(entries(node)) == 1
        await node.crash()

    run(main())


def test_another_setting_ends_a_filling_that_is_under_way() -> None:
    async def main() -> None:
        node = await filled_later(MANY)
        filling = asyncio.ensure_future(node.expiries.round())
        await asyncio.sleep(0.0025)
        assert entries(node)
        await enable(node, on=False)
        await filling
        await node.expiries.round()

        assert entries(node) == set()
        await node.crash()

    run(main())


def test_a_deleted_table_leaves_neither_entries_nor_mark() -> None:
    async def main() -> None:
        node = await filled_later(3)
        await node.expiries.round()
        await node.call("DeleteTable", TableName=NAME)
        await node.expiries.round()
        await node.rest()
        assert entries(node) == set()

        await node.expiries.round()

        assert marks(node.store) == []
        assert node.expiries.counts == {}
        await node.crash()

    run(main())


def test_a_kill_amid_the_sweep_loses_no_living_item_and_no_delete_is_doubled() -> None:
    async def main() -> None:
        node = Node()
        await expiring(node)
        for number in range(100):
            await ending(node, f"due {number}", 1)
            await ending(node, f"living {number}", 1000)
        node.clock.advance(2)
        sweeping = asyncio.ensure_future(node.expiries.round())
        await asyncio.sleep(0.003)
        assert not sweeping.done()
        sweeping.cancel()
        again = Node(await node.crash())
        again.clock.set_now(node.clock.now())

        await again.expiries.round()

        assert names(again) == {f"living {number}" for number in range(100)}
        assert entries(again) == expected_entries(again)
        await again.crash()

    run(main())


def test_running_it_sweeps_by_itself_and_sooner_when_woken() -> None:
    async def main() -> None:
        node = Node(sync=False)
        await expiring(node)
        task = asyncio.ensure_future(node.expiries.run())
        await ending(node, "a", 1)
        node.clock.advance(2)
        await asyncio.sleep(0.1)
        assert names(node) == {"a"}
        node.expiries.wake()
        await asyncio.sleep(0.1)
        assert names(node) == set()
        task.cancel()
        await node.crash()

    run(main())
