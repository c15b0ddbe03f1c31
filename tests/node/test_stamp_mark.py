"""Timestamps grow over restarts too, wherever the wall clock was set in between."""

from __future__ import annotations

import asyncio

import pytest

from one_node import Node, item, key, table_body
from slow_disk import SlowDisk
from stator_core import item_format, keys
from stator_core.clock import COUNTER_BITS, milliseconds_of
from stator_core.errors import InternalServerError
from stator_node.group_commit import REOPEN_SECONDS
from stator_node.memory import MemoryItemStore
from stator_node.stamp_mark import AHEAD_MILLISECONDS, MARK_KEY, StampMark
from virtual_time import run

DAY_SECONDS = 86_400


def marks_written(store: SlowDisk) -> int:
    return sum(
        done[0] == "write" and MARK_KEY in done[1]  # type: ignore[operator]
        for done in store.done
    )


async def put(node: Node, sk: str) -> int:
    """Write an item; its stored timestamp."""
    await node.call("PutItem", TableName="Music", Item=item("a", sk))
    stored_key = keys.item_key(node.catalog.tables["Music"], key("a", sk))
    stored = node.store.get(stored_key)
    assert stored is not None
    return item_format.read(stored_key, stored).timestamp


async def restarted(node: Node, *, later_seconds: float) -> Node:
    """The next process on what the old one left, with the wall clock set anew."""
    again = Node(await node.crash())
    again.clock.set_now(node.clock.now() + later_seconds)
    return again


def test_stamps_after_a_restart_with_the_clock_set_back_lie_above_all_stored_ones() -> None:
    async def story() -> None:
        node = Node()
        await node.create(table_body())
        stamps = [await put(node, "first")]
        for number in range(3):
            node = await restarted(node, later_seconds=-DAY_SECONDS)
            node.clock.advance(number)
            stamps += [await put(node, f"{number} a"), await put(node, f"{number} b")]
        assert stamps == sorted(set(stamps))

    run(story())


def test_a_clock_that_is_right_is_followed_again_once_it_has_passed_the_mark() -> None:
    async def story() -> None:
        node = Node()
        await node.create(table_body())
        await put(node, "1")
        node = await restarted(node, later_seconds=AHEAD_MILLISECONDS / 1000 + 1)
        assert milliseconds_of(await put(node, "2")) == int(node.clock.now() * 1000)

    run(story())


def test_the_mark_is_written_once_in_five_seconds_of_writing_and_never_in_idle_time() -> None:
    async def story() -> None:
        node = Node()
        await node.create(table_body())
        for number in range(40):
            node.clock.advance(0.25)
            await put(node, str(number))
        assert marks_written(node.store) == 2
        node.clock.advance(3_600)
        assert marks_written(node.store) == 2
        await put(node, "after an hour")
        assert marks_written(node.store) == 3

    run(story())


def test_a_mark_that_the_disk_may_have_lost_is_written_again() -> None:
    async def story() -> None:
        node = Node()
        await node.create(table_body())
        node.store.fail_with = "No space left on device"
        with pytest.raises(InternalServerError):
            await put(node, "refused")
        node.store.fail_with = None
        await asyncio.sleep(REOPEN_SECONDS * 2)
        last = await put(node, "taken")
        assert StampMark(await node.crash()).stamps.last > last

    run(story())


def test_a_new_store_begins_at_nothing_and_its_mark_lies_ahead() -> None:
    store = MemoryItemStore()
    mark = StampMark(store)
    assert mark.stamps.last == 0
    assert mark.raised() is None

    stamp = mark.stamps.next(1_000)
    operation = mark.raised()
    assert operation is not None
    assert mark.raised() is None
    store.write([operation], sync=True)
    assert StampMark(store).stamps.next(0) == stamp + (AHEAD_MILLISECONDS << COUNTER_BITS) + 1
