"""The log store in memory does what a Ready says, and forgets what it may."""

from __future__ import annotations

import pytest

from stator_core.raft.memory_storage import MemoryStorage
from stator_core.raft.messages import Configuration, Entry, EntryKind, HardState
from stator_core.raft.refusals import Compacted

ONE = Configuration(voters=frozenset({1}))


def filled() -> MemoryStorage:
    storage = MemoryStorage.bootstrapped(ONE)
    entries = [Entry(index, 2, EntryKind.NORMAL, b"x" * 10) for index in (2, 3, 4, 5)]
    storage.write(HardState(2, 1, 3), entries)
    return storage


def test_a_write_replaces_everything_from_its_first_index_on() -> None:
    storage = filled()

    storage.write(None, [Entry(3, 4, EntryKind.NORMAL, b"")])

    assert storage.last_index() == 3
    assert storage.term(3) == 4
    assert storage.hard_state() == HardState(2, 1, 3)


def test_compaction_keeps_the_term_of_the_last_entry_that_went() -> None:
    storage = filled()

    storage.compact(3)

    assert (storage.first_index(), storage.term(3)) == (4, 2)
    for gone in (lambda: storage.term(2), lambda: storage.entries(3, 5, 100)):
        with pytest.raises(Compacted):
            gone()


def test_reads_are_bounded_but_never_empty() -> None:
    storage = filled()

    assert len(storage.entries(2, 6, 70)) == 2
    assert len(storage.entries(2, 6, 0)) == 1
    assert len(storage.entries(2, 4, 1000)) == 2


def test_a_copy_goes_its_own_way() -> None:
    storage = filled()
    kept = storage.copy()

    storage.write(HardState(9, 0, 0), [Entry(2, 9, EntryKind.NORMAL, b"")])

    assert (kept.last_index(), kept.hard_state().term) == (5, 2)
