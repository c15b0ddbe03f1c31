"""The log's two parts: what is durable, what is newer, and who may vouch for what."""

from __future__ import annotations

import pytest

from stator_core.raft.log import Log, bootstrap_snapshot, size_of
from stator_core.raft.memory_storage import MemoryStorage
from stator_core.raft.messages import (
    Configuration,
    Entry,
    EntryKind,
    HardState,
    SnapshotMetadata,
)
from stator_core.raft.refusals import Compacted, ReplicaDamaged

ONE = Configuration(voters=frozenset({1}))


def entry(index: int, term: int, data: bytes = b"", *, membership: bool = False) -> Entry:
    kind = EntryKind.MEMBERSHIP if membership else EntryKind.NORMAL
    return Entry(index, term, kind, data)


def storage_of(*terms: int, commit: int = 1) -> MemoryStorage:
    """Entries from index 2 on with these terms, all durable."""
    storage = MemoryStorage.bootstrapped(ONE)
    entries = [entry(index, term) for index, term in enumerate(terms, 2)]
    storage.write(HardState(max(terms, default=1), 0, commit), entries)
    return storage


def write(log: Log, storage: MemoryStorage, number: int) -> None:
    """The disk takes everything at once."""
    storage.write(None, log.take_unwritten(number))
    log.written(number)


def test_a_log_whose_end_is_gone_is_damaged() -> None:
    with pytest.raises(ReplicaDamaged, match="entry 4 was committed, but the log ends at 3"):
        Log(storage_of(2, 2, commit=4), applied=1)
    with pytest.raises(ReplicaDamaged, match="entry 5 was committed"):
        Log(storage_of(2, 2), applied=5)


def test_a_state_that_is_older_than_the_log_is_damaged() -> None:
    storage = storage_of(2, 2, 2)
    storage.compact(3)

    with pytest.raises(ReplicaDamaged, match="the state stands at 1, but the log begins at 4"):
        Log(storage, applied=1)


def test_what_was_applied_was_committed() -> None:
    assert Log(storage_of(2, 2, 2), applied=3).commit == 3


def test_entries_after_a_position_that_differs_are_refused() -> None:
    log = Log(storage_of(2, 2), applied=1)

    assert not log.accept(3, 1, [entry(4, 3)])
    assert not log.accept(9, 2, [entry(10, 3)])
    assert log.last_index == 3


def test_entries_that_are_there_are_not_written_again() -> None:
    storage = storage_of(2, 2)
    log = Log(storage, applied=1)

    assert log.accept(1, 1, [entry(2, 2), entry(3, 2), entry(4, 2)])

    assert [one.index for one in log.take_unwritten(1)] == [4]


def test_a_conflict_cuts_the_log_there_even_in_the_durable_part() -> None:
    log = Log(storage_of(2, 2, 2), applied=1)

    assert log.accept(2, 2, [entry(3, 3)])

    assert (log.last_index, log.last_term, log.persisted) == (3, 3, 2)
    assert [one.index for one in log.take_unwritten(1)] == [3]
    log.check_invariants()


def test_a_committed_entry_is_never_replaced() -> None:
    log = Log(storage_of(2, 2), applied=1)
    log.commit_to(3)

    with pytest.raises(ReplicaDamaged, match="a leader replaces entry 3"):
        log.accept(2, 2, [entry(3, 3)])


def test_a_commit_index_beyond_the_log_means_lost_entries() -> None:
    with pytest.raises(ReplicaDamaged, match="vouched for entry 9, but its log ends at 3"):
        Log(storage_of(2, 2), applied=1).commit_to(9)


def test_an_old_write_does_not_vouch_for_what_took_its_place() -> None:
    """Index and term of the last entry agree with those of the first write; the disk does not."""
    storage = storage_of()
    log = Log(storage, applied=1)
    assert log.accept(1, 1, [entry(2, 2, b"first")])
    log.take_unwritten(1)
    assert log.accept(1, 1, [entry(2, 3, b"between")])
    log.take_unwritten(2)
    assert log.accept(1, 1, [entry(2, 2, b"first")])
    log.take_unwritten(3)

    log.written(1)
    assert log.persisted == 1
    log.written(2)
    assert log.persisted == 1
    log.written(3)
    assert log.persisted == 2


def test_only_what_is_committed_and_durable_is_handed_out() -> None:
    storage = storage_of()
    log = Log(storage, applied=1)
    log.append(entry(2, 2))
    log.append(entry(3, 2))
    log.commit_to(2)
    assert log.take_committed(1000) == []

    write(log, storage, 1)

    assert [one.index for one in log.take_committed(1000)] == [2]
    assert log.take_committed(1000) == []


def test_a_batch_to_apply_ends_with_a_membership_change() -> None:
    storage = storage_of()
    log = Log(storage, applied=1)
    for one in (entry(2, 2), entry(3, 2, membership=True), entry(4, 2)):
        log.append(one)
    write(log, storage, 1)
    log.commit_to(4)

    assert [one.index for one in log.take_committed(1000)] == [2, 3]
    assert [one.index for one in log.take_committed(1000)] == [4]
    assert log.holds_membership(1, 4)
    assert not log.holds_membership(3, 4)


def test_entries_are_cut_to_size_but_never_to_nothing() -> None:
    log = Log(storage_of(), applied=1)
    for index in (2, 3, 4):
        log.append(entry(index, 2, b"x" * 100))

    assert len(log.entries(2, 250)) == 2
    assert len(log.entries(2, 1)) == 1
    assert log.entries(5, 100) == []


def test_the_tail_keeps_what_peers_want_and_drops_the_rest() -> None:
    storage = storage_of()
    log = Log(storage, applied=1)
    for index in (2, 3, 4):
        log.append(entry(index, 2, b"x" * 100))
    write(log, storage, 1)
    log.commit_to(4)
    log.take_committed(1000)

    log.trim(wanted_from=4, bytes_max=1 << 20)
    assert log.tail_first == 4
    log.trim(wanted_from=4, bytes_max=0)
    assert log.tail_first == 5

    assert [one.index for one in log.entries(2, 1 << 20)] == [2, 3, 4]
    assert log.term(4) == 2
    log.check_invariants()


def test_where_logs_disagree_whole_terms_are_skipped() -> None:
    log = Log(storage_of(2, 2, 4, 4, 4), applied=1)

    assert log.agreeing(6, 3) == (3, 2)
    assert log.agreeing(99, 4) == (6, 4)
    assert log.agreeing(6, 0) == (0, 0)


def test_a_snapshot_takes_the_place_of_the_log() -> None:
    storage = storage_of(2, 2)
    log = Log(storage, applied=1)
    log.append(entry(4, 2))
    log.take_unwritten(1)
    snapshot = SnapshotMetadata(20, 3, ONE)

    log.restore(snapshot)
    log.written(1)

    assert log.persisted < 20
    assert log.take_committed(1000) == []
    assert log.has_unwritten
    assert log.take_snapshot() == snapshot
    log.take_unwritten(2)
    storage.install(snapshot)
    log.written(2)
    assert (log.first_index, log.applied, log.persisted) == (21, 20, 20)
    with pytest.raises(Compacted):
        log.term(19)
    log.check_invariants()


def test_completeness_is_last_term_first_and_length_second() -> None:
    """Section 5.4.1."""
    log = Log(storage_of(2, 3), applied=1)

    assert log.up_to_date(2, 4)
    assert log.up_to_date(3, 3)
    assert not log.up_to_date(2, 3)
    assert not log.up_to_date(9, 2)


def test_a_new_group_starts_behind_an_imaginary_snapshot() -> None:
    storage = MemoryStorage.bootstrapped(ONE)

    assert storage.snapshot() == bootstrap_snapshot(ONE)
    assert (storage.first_index(), storage.last_index(), storage.term(1)) == (2, 1, 1)
    assert size_of(entry(2, 2, b"123")) == 27
