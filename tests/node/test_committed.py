"""Committed entries are applied in order, and a configuration takes effect with its last entry."""

from __future__ import annotations

from stator_core.raft.messages import Configuration, Entry, EntryKind
from stator_node.committed import Batch, Committed

ONE, TWO = Configuration(frozenset((1, 2, 3))), Configuration(frozenset((1, 2)))


def entries(*indexes: int) -> list[Entry]:
    return [Entry(index, 1, EntryKind.NORMAL, b"") for index in indexes]


def test_parts_are_taken_one_after_the_other() -> None:
    committed = Committed()
    assert not committed
    committed.add(entries(5, 6), ONE)
    committed.add(entries(7), TWO)

    assert committed.entries() == entries(5, 6)
    assert committed.take(2) == ONE
    assert committed.entries() == entries(7)
    assert committed.take(1) == TWO
    assert not committed


def test_a_configuration_waits_for_the_last_entry_of_its_part() -> None:
    committed = Committed()
    committed.add(entries(5, 6, 7), ONE)

    assert committed.take(0) is None
    assert committed.take(2) is None
    assert committed.entries() == entries(7)
    assert committed.take(1) == ONE


def test_what_is_cleared_is_forgotten_with_its_wait() -> None:
    committed = Committed()
    committed.add(entries(5), ONE)
    committed.held_since = 40
    committed.clear()

    assert not committed
    assert committed.held_since is None


def test_a_batch_ends_with_a_digest_and_with_a_merge() -> None:
    assert not Batch([]).ends_here
    assert Batch([], scrubs=True).ends_here
