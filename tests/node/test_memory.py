"""The in-memory twins: a store that loses what was not synced, a clock that tests move."""

from __future__ import annotations

import pytest

from stator_node.doors import StorageFailed
from stator_node.memory import ManualClock, MemoryItemStore


def test_a_power_cut_undoes_exactly_what_was_not_synced() -> None:
    store = MemoryItemStore()
    store.write([("items", b"a", b"1"), ("items", b"b", b"1")], sync=True)
    store.write([("items", b"a", b"2"), ("items", b"b", None), ("items", b"c", b"2")], sync=False)
    store.write([("items", b"a", b"3")], sync=False)
    store.lose_power()

    assert list(store.cursor("items", b"", b"\xff")) == [(b"a", b"1"), (b"b", b"1")]


def test_a_sync_makes_all_that_was_written_before_it_durable() -> None:
    store = MemoryItemStore()
    store.write([("items", b"a", b"1")], sync=False)
    store.sync()
    store.lose_power()

    assert store.get(b"a") == b"1"


def test_a_refusing_store_takes_nothing_until_it_is_told_otherwise() -> None:
    store = MemoryItemStore()
    store.write([("items", b"a", b"1")], sync=True)
    store.fail_with = "No space left on device"
    for use in (
        lambda: store.write([("items", b"a", b"2")], sync=False),
        lambda: store.delete_range("items", b"", b"\xff"),
        store.sync,
        store.reopen,
    ):
        with pytest.raises(StorageFailed, match="No space left"):
            use()
    store.fail_with = None
    store.reopen()

    assert store.get(b"a") == b"1"


def test_the_clock_stands_still_until_it_is_moved_and_only_the_wall_may_jump_back() -> None:
    clock = ManualClock(1000.0)
    clock.advance(2.5)
    assert (clock.now(), clock.monotonic()) == (1002.5, 2.5)
    clock.set_now(10.0)
    assert (clock.now(), clock.monotonic()) == (10.0, 2.5)
    with pytest.raises(ValueError, match="forwards"):
        clock.advance(-1.0)
