"""A replica's durable log: what a reopened one shows after every step, and damage that is seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core.log_format import LogDamaged, entry_key, record_key, seal
from stator_core.partition_descriptor import WHOLE_SPACE, new_partition
from stator_core.partition_state import PartitionState
from stator_core.raft.memory_storage import MemoryStorage
from stator_core.raft.messages import (
    Configuration,
    Entry,
    EntryKind,
    HardState,
    SnapshotMetadata,
)
from stator_core.raft.refusals import Compacted
from stator_core.requests import create_table
from stator_node.doors import Operation
from stator_node.memory import MemoryItemStore
from stator_node.storage.log_store import (
    NEW_HARD_STATE,
    LogStore,
    ReplicaRecord,
    first_records,
    read_replica,
    replica_operation,
    stored_partitions,
)
from table_bodies import create_body

PARTITION = 7
VOTERS = Configuration(frozenset((1, 2, 3)))
ENOUGH = 1 << 20


def entries(first: int, last: int, term: int = 2) -> list[Entry]:
    data = bytes((term,))
    return [Entry(index, term, EntryKind.NORMAL, data) for index in range(first, last + 1)]


class Disk:
    """A log over a store in memory, writes that end when the test says, and what must come out."""

    def __init__(self) -> None:
        self.store = MemoryItemStore()
        self.model = MemoryStorage.bootstrapped(VOTERS)
        self.store.write(
            first_records(PARTITION, ReplicaRecord(1, None, VOTERS)),
            sync=True,
        )
        self.log = self.reopened()
        self._under_way: list[tuple[list[Operation], HardState | None, list[Entry]]] = []

    def reopened(self) -> LogStore:
        log = LogStore(self.store, PARTITION)
        log.configuration = lambda: VOTERS
        return log

    def begin(self, written: list[Entry], hard_state: HardState | None = None) -> None:
        operations = self.log.write(hard_state, written)
        self._under_way.append((operations, hard_state, written))

    def end(self) -> None:
        """The oldest write under way becomes durable."""
        operations, hard_state, written = self._under_way.pop(0)
        self.store.write(operations, sync=True)
        self.log.written(hard_state, written)

    def write(self, written: list[Entry], hard_state: HardState | None = None) -> None:
        self.begin(written, hard_state)
        while self._under_way:
            self.end()
        self.model.write(hard_state, written)
        self.check()

    def apply(self, index: int) -> None:
        self.store.write([self.log.apply(index, 0)], sync=False)

    def check(self) -> None:
        """The log and a reopened one show what the model says."""
        assert shown(self.log) == shown(self.reopened()) == shown(self.model)


def shown(log: LogStore | MemoryStorage) -> tuple[object, ...]:
    first, last = log.first_index(), log.last_index()
    kept = list(log.entries(first, last + 1, ENOUGH)) if last >= first else []
    terms = [log.term(index) for index in range(first - 1, last + 1)]
    return first, last, log.hard_state(), kept, terms


def test_a_replica_without_records_is_empty() -> None:
    log = LogStore(MemoryItemStore(), PARTITION)

    assert log.is_empty
    assert (log.first_index(), log.last_index(), log.applied) == (1, 0, 0)
    assert log.hard_state() == NEW_HARD_STATE
    assert log.snapshot() is None
    assert log.term(0) == 0


def test_a_new_partition_s_replica_stands_behind_an_imaginary_snapshot() -> None:
    disk = Disk()

    disk.check()
    assert not disk.log.is_empty
    assert disk.log.applied == 1
    assert disk.log.snapshot() == SnapshotMetadata(1, 1, VOTERS)


def test_what_is_written_is_there_after_reopening_and_nothing_is_shown_before() -> None:
    disk = Disk()
    disk.begin(entries(2, 4), HardState(2, 1, 1))
    assert disk.log.last_index() == 1
    assert disk.log.hard_state() == HardState(1, 0, 1)
    disk.end()

    assert disk.log.last_index() == 4
    assert disk.log.hard_state() == HardState(2, 1, 1)
    assert disk.reopened().last_index() == 4


def test_a_shorter_suffix_replaces_a_longer_one() -> None:
    disk = Disk()
    disk.write(entries(2, 9))
    disk.write(entries(5, 6, term=3))

    assert disk.log.last_index() == 6
    assert [entry.term for entry in disk.log.entries(2, 7, ENOUGH)] == [2, 2, 2, 3, 3]


def test_a_suffix_replaced_while_its_own_write_is_under_way_does_not_come_back() -> None:
    disk = Disk()
    disk.begin(entries(2, 9))
    disk.begin(entries(3, 4, term=3))
    disk.begin(entries(5, 5, term=4))
    disk.end()
    assert disk.log.last_index() == 9
    disk.end()
    assert disk.log.last_index() == 4
    disk.end()

    disk.model.write(None, [*entries(2, 2), *entries(3, 4, term=3), *entries(5, 5, term=4)])
    disk.check()


def test_compaction_forgets_a_prefix_and_keeps_its_last_term() -> None:
    disk = Disk()
    disk.write(entries(2, 9))
    disk.apply(7)
    disk.store.write(disk.log.compact(6), sync=False)
    disk.model.compact(6)

    disk.check()
    assert disk.log.compact(6) == disk.log.compact(3) == []
    assert disk.reopened().applied == 7
    with pytest.raises(Compacted):
        disk.log.term(5)
    with pytest.raises(Compacted):
        disk.log.entries(6, 8, ENOUGH)
    with pytest.raises(AssertionError):
        disk.log.compact(8)


def test_a_snapshot_takes_the_place_of_the_log() -> None:
    disk = Disk()
    disk.write(entries(2, 9))
    disk.store.write(disk.log.install(SnapshotMetadata(20, 5, VOTERS), 9), sync=True)
    disk.model.install(SnapshotMetadata(20, 5, VOTERS))

    disk.check()
    assert disk.log.applied == disk.reopened().applied == 20
    assert disk.log.newest_timestamp == disk.reopened().newest_timestamp == 9
    disk.write(entries(21, 22, term=5))


@pytest.mark.parametrize("last", [9, 30])
def test_writes_that_a_snapshot_overtook_do_not_move_the_end_of_the_log(last: int) -> None:
    disk = Disk()
    disk.begin(entries(2, last), HardState(2, 0, 1))
    installed = disk.log.install(SnapshotMetadata(20, 5, VOTERS), 9)
    disk.begin(entries(21, 21, term=5))
    disk.end()
    assert disk.log.last_index() == 20
    assert disk.log.hard_state() == HardState(2, 0, 1)
    disk.store.write(installed, sync=True)
    disk.end()

    disk.model.install(SnapshotMetadata(20, 5, VOTERS))
    disk.model.write(HardState(2, 0, 1), entries(21, 21, term=5))
    disk.check()


def test_a_wiped_replica_keeps_term_and_vote_even_those_under_way_and_nothing_else() -> None:
    disk = Disk()
    disk.write(entries(2, 9), HardState(2, 1, 5))
    disk.begin(entries(10, 11), HardState(3, 2, 5))
    wiped = disk.log.wipe()
    disk.end()
    disk.store.write(wiped, sync=True)

    for log in (disk.log, disk.reopened()):
        assert log.hard_state() == HardState(3, 2, 0)
        assert (log.first_index(), log.last_index(), log.applied) == (1, 0, 0)
        assert log.snapshot() is None
    disk.model = MemoryStorage()
    disk.model.write(HardState(3, 2, 0), [])
    disk.write(entries(1, 3))


def test_a_term_first_heard_of_by_a_snapshot_is_reached_with_no_vote_in_it() -> None:
    disk = Disk()
    disk.write(entries(2, 9), HardState(2, 1, 5))

    disk.store.write(disk.log.reach_term(2), sync=True)
    assert disk.reopened().hard_state() == HardState(2, 1, 5)
    disk.store.write(disk.log.reach_term(4), sync=True)
    assert disk.log.hard_state() == disk.reopened().hard_state() == HardState(4, 0, 5)


def test_a_promise_given_before_a_replica_had_its_state_stands_in_its_first_records() -> None:
    store = MemoryItemStore()
    record = ReplicaRecord(1, None, Configuration(frozenset((1,))))
    store.write(first_records(7, record, HardState(5, 3, 0)), sync=True)

    assert LogStore(store, 7).hard_state() == HardState(5, 3, 1)


def test_a_split_s_child_begins_with_the_timestamp_of_the_split() -> None:
    store = MemoryItemStore()
    record = ReplicaRecord(1, None, VOTERS)
    store.write(first_records(7, record, timestamp=9), sync=True)

    assert LogStore(store, 7).newest_timestamp == 9


def test_the_applied_index_goes_with_the_batch_that_it_belongs_to() -> None:
    disk = Disk()
    disk.write(entries(2, 9))
    disk.store.write([("items", b"k", b"v"), disk.log.apply(5, 9)], sync=False)
    disk.store.lose_power()

    assert disk.reopened().applied == 1
    assert disk.reopened().newest_timestamp == 0
    assert disk.store.get(b"k") is None


def test_entries_come_in_pages_of_at_least_one() -> None:
    disk = Disk()
    disk.write(entries(2, 9))

    assert [entry.index for entry in disk.log.entries(3, 10, 1)] == [3]
    assert [entry.index for entry in disk.log.entries(3, 10, 60)] == [3, 4]
    assert [entry.index for entry in disk.log.entries(3, 5, ENOUGH)] == [3, 4]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "replace", "end", "install", "compact", "wipe", "crash"]),
        st.integers(0, 6),
    ),
    max_size=25,
)


@given(STEPS)
def test_after_any_steps_a_reopened_log_is_the_one_that_was_written(
    steps: list[tuple[str, int]],
) -> None:
    """As the shell does it: writes under way in order, a snapshot or a wipe written behind them."""
    disk, term = Disk(), 2
    last = 1  # of what is submitted
    for step, number in steps:
        term += 1
        match step:
            case "append":
                disk.begin(entries(last + 1, last + number, term), HardState(term, 0, 1))
                last += number
            case "replace":
                first = max(disk.log.first_index(), last - number)
                disk.begin(entries(first, first + number // 2, term))
                last = first + number // 2
            case "end" if disk._under_way:
                disk.end()
            case "install":
                operations = disk.log.install(SnapshotMetadata(last + number, term, VOTERS), 0)
                last += number
                while disk._under_way:
                    disk.end()
                disk.store.write(operations, sync=True)
            case "compact":
                while disk._under_way:
                    disk.end()
                disk.apply(last)
                disk.store.write(disk.log.compact(last - min(number, 2)), sync=True)
            case "wipe":
                operations = disk.log.wipe()
                while disk._under_way:
                    disk.end()
                disk.store.write(operations, sync=True)
                last = 0
            case "crash":
                disk._under_way.clear()
                disk.log = disk.reopened()
                last = disk.log.last_index()
    while disk._under_way:
        disk.end()

    assert shown(disk.log) == shown(disk.reopened())
    assert disk.log.last_index() == last


@pytest.mark.parametrize("letter", [b"H", b"B", b"A"])
def test_a_damaged_record_is_damage_at_opening(letter: bytes) -> None:
    disk = Disk()
    disk.store.write([("log", record_key(PARTITION, letter), b"\x01damaged!")], sync=True)

    with pytest.raises(LogDamaged):
        disk.reopened()


def test_a_damaged_or_missing_entry_is_damage_when_it_is_read() -> None:
    disk = Disk()
    disk.write(entries(2, 9))
    disk.store.write([("log", entry_key(PARTITION, 4), b"\x01damaged!")], sync=True)
    disk.store.write([("log", entry_key(PARTITION, 6), None)], sync=True)

    with pytest.raises(LogDamaged):
        disk.log.term(4)
    with pytest.raises(LogDamaged):
        disk.log.entries(2, 6, ENOUGH)
    with pytest.raises(LogDamaged, match="entry 6 is missing"):
        disk.log.term(6)
    with pytest.raises(LogDamaged, match="entry 6 is missing"):
        disk.log.entries(5, 8, ENOUGH)


def test_every_partition_with_records_is_found_once() -> None:
    store = MemoryItemStore()
    for partition_id in (1, 7, 2**63):
        store.write(first_records(partition_id, ReplicaRecord(1, None, VOTERS)), sync=True)
        log = LogStore(store, partition_id)
        store.write(log.write(None, entries(2, 5)), sync=True)

    assert list(stored_partitions(store)) == [1, 7, 2**63]
    assert list(stored_partitions(MemoryItemStore())) == []


def test_logs_of_neighbours_do_not_touch() -> None:
    disk = Disk()
    disk.write(entries(2, 9))
    neighbour = LogStore(disk.store, PARTITION + 1)
    disk.store.write(neighbour.write(None, entries(1, 3)), sync=True)
    disk.store.write(neighbour.wipe(), sync=True)

    disk.check()


def test_a_replica_s_own_record_comes_back() -> None:
    table = create_table.parse(create_body()).table(iter((3,)), "id", 1.0, "eu-west-2", "1234")
    state = PartitionState(new_partition(7, "Music", 3, WHOLE_SPACE, ("n1", "n2")), table)
    store = MemoryItemStore()
    assert read_replica(store, PARTITION) is None

    for record in (
        ReplicaRecord(2, state, VOTERS),
        ReplicaRecord(2, None, Configuration(), needs_snapshot=5),
        ReplicaRecord(2, None, Configuration(), destroyed=True),
    ):
        store.write([LogStore(store, PARTITION).record(record)], sync=True)
        assert read_replica(store, PARTITION) == record


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"version":2}', b'{"version":1}'])
def test_a_record_that_is_none_is_damage(content: bytes) -> None:
    store = MemoryItemStore()
    key = record_key(PARTITION, b"R")
    store.write([("log", key, seal(key, content))], sync=True)

    with pytest.raises(LogDamaged):
        read_replica(store, PARTITION)
    store.write([replica_operation(PARTITION, ReplicaRecord(1, None, VOTERS))], sync=True)
    assert read_replica(store, PARTITION) is not None
