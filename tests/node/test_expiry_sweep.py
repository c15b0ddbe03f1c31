"""The sweep deletes what is due, once, and looks at each item again before it does."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from expiring_table import NAME, ending, entries, expected_entries, expiring, names
from one_node import Node, key, table_body
from stator_core import change_format, expiry, keys
from stator_core.change_format import ChangeFlag
from stator_core.expiry import PAST_SECONDS_MAX
from stator_node.doors import StorageDamaged, StorageFailed
from stator_node.expiry_sweep import ROUND_SECONDS, SLICE_ENTRIES, Rounds, SweepCounts
from stator_node.group_commit import REOPEN_SECONDS
from stator_node.memory import ManualClock
from table_bodies import index
from virtual_time import run

INDEXES: dict[str, Any] = {
    "GlobalSecondaryIndexes": [index("by-a", "a")],
    "LocalSecondaryIndexes": [index("of-a", "pk", "a")],
}


def counts(node: Node) -> SweepCounts:
    return node.expiries.counts[node.catalog.tables[NAME].identifier]


def test_what_is_due_goes_and_everything_else_stays() -> None:
    """20.3"""

    async def main() -> None:
        node = Node()
        await expiring(node)
        await ending(node, "due", 10)
        await ending(node, "due, too", 10.5)
        await ending(node, "later", 100)
        await ending(node, "long ago", -PAST_SECONDS_MAX - 5)
        await ending(node, "never", None)
        await ending(node, "a text", None, ends="5")

        await node.expiries.round()
        assert len(names(node)) == 6
        node.clock.advance(11)
        await node.expiries.round()

        assert names(node) == {"later", "long ago", "never", "a text"}
        assert entries(node) == expected_entries(node)
        assert (counts(node).deleted, counts(node).stale) == (2, 0)
        await node.crash()

    run(main())


def test_indexes_and_collections_go_with_the_item() -> None:
    """20.5"""

    async def main() -> None:
        node = Node()
        await expiring(node, **INDEXES)
        await ending(node, "a", 1, a="x")
        assert list(node.store.cursor("indexes", b"", b"\xff" * 9))
        node.clock.advance(2)

        await node.expiries.round()

        for family in ("items", "indexes", "expiries"):
            assert list(node.store.cursor(family, b"", b"\xff" * 9)) == [], family
        await node.crash()

    run(main())


def test_a_stream_hears_that_the_service_did_it() -> None:
    """20.5"""

    async def main() -> None:
        node = Node()
        stream = {"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"}
        body = {**table_body(NAME), "StreamSpecification": stream}
        await node.create(body)
        await node.call(
            "UpdateTimeToLive",
            TableName=NAME,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"},
        )
        await ending(node, "a", 1)
        await ending(node, "b", 1)
        await node.call("DeleteItem", TableName=NAME, Key=key("b"))
        node.clock.advance(2)

        await node.expiries.round()

        bounds = change_format.feed_bounds(node.catalog.tables[NAME].identifier)
        records = [change_format.decode(*each) for each in node.store.cursor("changes", *bounds)]
        gone = [record for record in records if ChangeFlag.EXISTS not in record.flags]
        assert [ChangeFlag.BY_SERVICE in record.flags for record in gone] == [False, True]
        assert b'"pk":{"S":"a"}' in gone[1].before
        await node.crash()

    run(main())


def test_an_item_that_was_given_more_time_stays() -> None:
    """20.4: the value is looked at again at the last moment, as its newest write has it."""

    async def main() -> None:
        node = Node()
        await expiring(node)
        await ending(node, "a", 1)
        node.clock.advance(2)
        sweeping = asyncio.ensure_future(node.expiries.round())
        rescue = asyncio.ensure_future(ending(node, "a", 50))
        await asyncio.gather(sweeping, rescue)
        stays = names(node) == {"a"}
        node.clock.advance(100)
        await node.expiries.round()

        assert stays
        assert names(node) == entries(node) == set()
        await node.crash()

    run(main())


def test_an_entry_without_its_item_is_taken_away() -> None:
    async def main() -> None:
        node = Node()
        await expiring(node)
        await ending(node, "a", 100)
        table = node.catalog.tables[NAME]
        now = int(node.clock.now())
        held = keys.item_key(table, key("a"))
        alien = (table.identifier + 1).to_bytes(4, "big") + held[4:]
        strays = [
            expiry.entry(table.identifier, now - 5, keys.item_key(table, key("gone"))),
            expiry.entry(table.identifier, now - 4, held),
            expiry.entry(table.identifier, now - 3, alien),
        ]
        node.store.write(strays, sync=True)

        await node.expiries.round()

        assert names(node) == {"a"}
        assert entries(node) == expected_entries(node)
        assert (counts(node).deleted, counts(node).stale) == (0, 3)
        assert counts(node).backlog_seconds >= 5
        await node.expiries.round()
        assert counts(node).backlog_seconds == 0
        await node.crash()

    run(main())


def test_many_go_in_slices_with_rests_and_others_are_served_in_between() -> None:
    async def main() -> None:
        node = Node(sync=False)
        await expiring(node)
        for number in range(3 * SLICE_ENTRIES + 5):
            await ending(node, f"{number}", 1)
        node.clock.advance(2)
        sweeping = asyncio.ensure_future(node.expiries.round())
        left = set()
        while not sweeping.done():
            await asyncio.sleep(0.0001)
            left.add(len(names(node)))

        assert {2 * SLICE_ENTRIES + 5, SLICE_ENTRIES + 5, 5, 0} <= left
        assert entries(node) == set()
        await node.crash()

    run(main())


def test_a_full_disk_pauses_the_sweep_and_it_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        node = Node(sync=False)
        await expiring(node)
        await ending(node, "a", 1)
        node.clock.advance(2)
        node.store.fail_with = "No space left on device"
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                await node.expiries.round()
        assert names(node) == {"a"}
        said = [record for record in caplog.records if "next round" in record.message]
        assert len(said) == 1, "once, not in every round"

        node.store.fail_with = None
        await asyncio.sleep(2 * REOPEN_SECONDS)
        await node.expiries.round()

        assert names(node) == entries(node) == set()
        assert counts(node).deleted == 1
        await node.crash()

    run(main())


def test_a_damaged_item_is_left_alone_and_named(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        node = Node(sync=False)
        await expiring(node)
        await ending(node, "bad", 1)
        await ending(node, "good", 1)
        damaged = keys.item_key(node.catalog.tables[NAME], key("bad"))
        node.store.write([("items", damaged, b"x" * 40)], sync=True)
        node.clock.advance(2)

        await node.expiries.round()

        assert names(node) == {"bad"}
        assert '{"pk":{"S":"bad"}' in caplog.text
        await node.crash()

    run(main())


def test_a_damaged_entry_is_named_and_its_item_decides(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        node = Node(sync=False)
        await expiring(node)
        await ending(node, "a", 1)
        (entry,) = entries(node)
        node.store.write([("expiries", entry, b"rot")], sync=True)
        node.clock.advance(2)

        await node.expiries.round()

        assert names(node) == entries(node) == set()
        assert "the checksum does not match" in caplog.text
        await node.crash()

    run(main())


def test_a_damaged_block_ends_the_round_and_the_next_one_tries_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        node = Node(sync=False)
        await expiring(node)
        await ending(node, "a", 1)
        node.clock.advance(2)

        def damaged(*_: object) -> None:
            raise StorageDamaged("Corruption: block checksum mismatch")

        with monkeypatch.context() as patched:
            patched.setattr(node.store, "cursor", damaged)
            await node.expiries.round()
        assert names(node) == {"a"}
        assert "block checksum mismatch" in caplog.text
        await node.expiries.round()

        assert names(node) == set()
        await node.crash()

    run(main())


def test_a_clock_that_is_set_back_keeps_items_longer_and_one_ahead_takes_them() -> None:
    """No item goes before its time by the clock of the process that takes its writes."""

    async def main() -> None:
        node = Node(sync=False)
        await expiring(node)
        now = node.clock.now()
        await ending(node, "a", 100)
        await ending(node, "b", 5000)
        node.clock.set_now(now - 86_400)
        await node.expiries.round()
        assert names(node) == {"a", "b"}
        node.clock.set_now(now + 99)
        await node.expiries.round()
        assert names(node) == {"a", "b"}
        node.clock.set_now(now + 101)
        await node.expiries.round()

        assert names(node) == {"b"}
        await node.crash()

    run(main())


def test_rounds_outlive_whatever_keeps_a_round_from_beginning() -> None:
    async def main() -> None:
        asked = 0

        def passes() -> list[Counted]:
            nonlocal asked
            asked += 1
            raise StorageFailed("No space left on device")

        task = asyncio.ensure_future(Rounds(passes, ManualClock()).run())
        await asyncio.sleep(2.5 * ROUND_SECONDS)
        task.cancel()
        assert asked == 3

    run(main())


class Counted:
    """A pass that wants so many slices."""

    def __init__(self, slices: int) -> None:
        self.left = slices

    async def slice(self) -> bool:
        self.left -= 1
        return self.left <= 0


def test_rounds_take_turns_and_can_be_woken() -> None:
    async def main() -> None:
        long, short = Counted(4), Counted(1)
        made: list[list[Counted]] = []

        def passes() -> list[Counted]:
            made.append([long, short])
            return made[-1]

        rounds = Rounds(passes, ManualClock())
        task = asyncio.ensure_future(rounds.run())
        await asyncio.sleep(1)
        assert (long.left, short.left) == (0, 0)
        rounds.wake()
        await asyncio.sleep(1)
        assert len(made) == 2
        await asyncio.sleep(ROUND_SECONDS)
        assert len(made) == 3
        task.cancel()

    run(main())
