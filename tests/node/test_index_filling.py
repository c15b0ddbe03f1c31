"""Filling a new index: every item gets its entry, while writes go on, or it is begun again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from stator_core import item_format, keys
from stator_core.indexes import index_change
from stator_core.partition import index_writes
from stator_core.partition_state import PartitionState
from stator_core.table import Table
from stator_node.index_filling import SLICE_ENTRIES, IndexFilling, IndexNotFilled
from stator_node.memory import MemoryItemStore
from stator_node.pending import wait
from stator_node.raft_commit import NotLeading, RaftCommit
from table_bodies import with_two_indexes
from told_links import partition
from virtual_time import run

STAMP = 5 << 16


def music(status: str = "CREATING") -> Table:
    """A table with the index by-a in this status."""
    table = with_two_indexes()
    return replace(table, global_indexes=(replace(table.global_indexes[0], status=status),))


class Led:
    """As much of a `HostedPartition` as a filling asks: it leads, and its log is this process."""

    def __init__(self, table: Table) -> None:
        self.store = MemoryItemStore()
        self.commit = RaftCommit(self.store, self._propose_soon)
        self.may_write = True
        self.state: PartitionState | None = PartitionState(partition(table), table)
        self.groups = 0
        self._index = 0

    def put(self, number: int, **members: Any) -> None:
        """An item that is applied."""
        key, value, _ = self.stored(number, members)
        self.store.write([("items", key, value)], sync=True)

    def stored(self, number: int, members: dict[str, Any]) -> tuple[bytes, bytes, dict[str, Any]]:
        assert self.state is not None
        item = {"pk": {"S": f"key-{number:04}"}, "sk": {"S": "x"}, **members}
        key = keys.item_key(self.state.table, item)
        return key, item_format.encode(key, orjson.dumps(item), 10, STAMP), item

    def entries(self) -> list[bytes]:
        """The keys of the index's entries."""
        assert self.state is not None
        (found,) = self.state.table.global_indexes
        start = found.identifier.to_bytes(4, "big")
        end = (found.identifier + 1).to_bytes(4, "big")
        return [key for key, _ in self.store.cursor("items", start, end)]

    def _propose_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._apply)

    def _apply(self) -> None:
        group = self.commit.take()
        if group is None:
            return
        self._index += 1
        self.groups += 1
        self.commit.was_proposed(self._index, 1, group)
        assert self.commit.group_at(self._index, 1) is group
        self.store.write(group.operations, sync=False)
        self.commit.applied(group)


def fill(led: Led, name: str = "by-a") -> None:
    async def main() -> None:
        await IndexFilling(led, name).run()  # type: ignore[arg-type]

    run(main())


def test_every_item_that_has_the_key_gets_an_entry() -> None:
    led = Led(music())
    for number in range(10):
        led.put(number, a={"S": f"a-{number}"})
    led.put(10)
    led.put(11, a={"N": "1"})

    fill(led)

    assert len(led.entries()) == 10


def test_it_walks_in_slices_that_go_through_the_log() -> None:
    led = Led(music())
    for number in range(2 * SLICE_ENTRIES + 1):
        led.put(number, a={"S": "same"})

    fill(led)

    assert len(led.entries()) == 2 * SLICE_ENTRIES + 1
    assert led.groups == 3


def test_slices_without_a_single_entry_end_too() -> None:
    led = Led(music())
    for number in range(2 * SLICE_ENTRIES + 1):
        led.put(number)

    fill(led)

    assert led.groups == 0


def test_it_reads_an_item_as_its_newest_write_in_flight_has_it() -> None:
    led = Led(music())
    led.put(1, a={"S": "old"})
    led.put(2, a={"S": "deleted meanwhile"})

    async def main() -> None:
        assert led.state is not None
        table = led.state.table
        (by_a,) = table.global_indexes
        key, value, item = led.stored(1, {"a": {"S": "new"}})
        change = index_change(table, by_a, None, item)
        assert change is not None
        led.commit.stage(key, value, index_writes([change], STAMP))
        led.commit.stage(led.stored(2, {})[0], None, [])
        written = led.commit.answer_after(led.commit.collecting, b"{}")
        await IndexFilling(led, "by-a").run()  # type: ignore[arg-type]
        await wait(written)

    run(main())

    (entry,) = led.entries()
    assert b"new" in entry


@pytest.mark.parametrize("name,status", [("by-b", "CREATING"), ("by-a", "ACTIVE")])
def test_an_index_that_is_not_being_made_is_not_filled(name: str, status: str) -> None:
    with pytest.raises(IndexNotFilled):
        fill(Led(music(status)), name)


def test_a_partition_that_is_led_elsewhere_is_not_filled() -> None:
    led = Led(music())
    led.may_write = False

    with pytest.raises(IndexNotFilled):
        fill(led)


def test_it_ends_when_leadership_is_lost_on_the_way() -> None:
    led = Led(music())
    for number in range(SLICE_ENTRIES + 1):
        led.put(number, a={"S": "same"})

    async def main() -> None:
        filling = asyncio.ensure_future(IndexFilling(led, "by-a").run())  # type: ignore[arg-type]
        led.commit._propose_soon = lambda: None
        await asyncio.sleep(0)
        led.may_write = False
        led.commit.lead_no_more()
        with pytest.raises(NotLeading):
            await filling

    run(main())


def test_it_ends_when_the_index_is_taken_away_on_the_way() -> None:
    led = Led(music())
    for number in range(SLICE_ENTRIES + 1):
        led.put(number)

    async def main() -> None:
        assert led.state is not None
        filling = asyncio.ensure_future(IndexFilling(led, "by-a").run())  # type: ignore[arg-type]
        await asyncio.sleep(0)
        without = replace(led.state.table, global_indexes=())
        led.state = replace(led.state, table=without)
        with pytest.raises(IndexNotFilled):
            await filling

    run(main())
