"""The durable Raft log of one partition replica, in the family `log` of the pod's database.

The shell's side of `stator_core.raft.log.Storage`. In: what a Ready says, from `partition_host.py`,
as operations that go into the pod's next synced batch (`sync_loop.py`). Out: entries and positions
for `Raft`. The newest entries are in Raft's own memory; what is read here is for slow peers and
after a restart. Invariant: what the reading methods show is durable, since `written` is called only
then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from stator_core import log_format, partition_state
from stator_core.log_format import entry_key, record_key
from stator_core.partition_state import PartitionState
from stator_core.raft.log import BOOTSTRAP_INDEX, BOOTSTRAP_TERM, size_of
from stator_core.raft.messages import Configuration, Entry, HardState, SnapshotMetadata
from stator_core.raft.refusals import Compacted
from stator_node.doors import ItemStore, Operation

NEW_HARD_STATE = HardState(term=0, vote=0, commit=0)
NOTHING_PROMISED = HardState(BOOTSTRAP_TERM, vote=0, commit=BOOTSTRAP_INDEX)


@dataclass(frozen=True, slots=True)
class ReplicaRecord:
    """What a replica keeps of itself beside log and items.

    `needs_snapshot`: its state is lost or was never there; it takes part in nothing before it has a
    snapshot of at least this index. `destroyed`: it was a member once and is none any more; what is
    left is this record, so that a late message does not bring it back.
    """

    replica_id: int
    state: PartitionState | None
    configuration: Configuration
    needs_snapshot: int | None = None
    destroyed: bool = False


def stored_partitions(store: ItemStore) -> Iterator[int]:
    """The ids of the partitions that this database has records of."""
    position = b""
    while found := store.cursor("log", position, b"\xff" * 9).take(1):
        partition_id = log_format.partition_of(found[0][0])
        yield partition_id
        position = log_format.partition_bounds(partition_id)[1]


def first_records(
    partition_id: int,
    record: ReplicaRecord,
    promised: HardState = NOTHING_PROMISED,
    timestamp: int = 0,
) -> list[Operation]:
    """The records of a new partition's replica, behind an empty and imaginary snapshot.

    `promised` is what the replica has promised already, if it was asked before it knew its state;
    `timestamp` is that of the split which made the partition: those of its own log lie above.
    """
    hard_state = NOTHING_PROMISED
    if promised.term > BOOTSTRAP_TERM:
        hard_state = HardState(promised.term, promised.vote, BOOTSTRAP_INDEX)
    before, state = record_key(partition_id, b"B"), record_key(partition_id, b"H")
    applied = record_key(partition_id, b"A")
    return [
        ("log", before, log_format.encode_position(before, BOOTSTRAP_INDEX, BOOTSTRAP_TERM)),
        ("log", state, log_format.encode_hard_state(state, hard_state)),
        ("log", applied, log_format.encode_applied(applied, BOOTSTRAP_INDEX, timestamp)),
        replica_operation(partition_id, record),
    ]


def replica_operation(partition_id: int, record: ReplicaRecord) -> Operation:
    """The write of a replica's record."""
    members = {
        "version": 1,
        "replica_id": record.replica_id,
        "state": None if record.state is None else partition_state.to_json(record.state).decode(),
        "configuration": log_format.configuration_members(record.configuration),
        "needs_snapshot": record.needs_snapshot,
        "destroyed": record.destroyed,
    }
    key = record_key(partition_id, b"R")
    return ("log", key, log_format.seal(key, orjson.dumps(members)))


def ended_record(state: PartitionState | None) -> ReplicaRecord:
    """The record of a partition that is in another one: no replica of it comes back, ever.

    `state` says what is to be deleted of it; None: nothing any more.
    """
    return ReplicaRecord(log_format.REPLICA_MAX, state, Configuration(), destroyed=True)


def read_replica(store: ItemStore, partition_id: int) -> ReplicaRecord | None:
    """The record of this pod's replica of a partition. Raises log_format.LogDamaged."""
    key = record_key(partition_id, b"R")
    stored = store.get_from("log", key)
    if stored is None:
        return None
    content = log_format.unseal(key, stored)
    try:
        return _replica_of(orjson.loads(content))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise log_format.LogDamaged(f"partition {partition_id}: replica record: {error}") from None


def _replica_of(members: dict[str, Any]) -> ReplicaRecord:
    if members["version"] != 1:
        raise ValueError(f"version {members['version']!r}, this code reads 1")
    state = members["state"]
    return ReplicaRecord(
        members["replica_id"],
        None if state is None else partition_state.from_json(state.encode()),
        log_format.configuration_of(members["configuration"]),
        members["needs_snapshot"],
        members["destroyed"],
    )


class LogStore:
    """The log of one replica. Raises log_format.LogDamaged where the disk cannot be trusted."""

    def __init__(self, store: ItemStore, partition_id: int) -> None:
        """Open what is there; a replica without records is empty."""
        self.partition_id = partition_id
        self._store = store
        self._hard_state = NEW_HARD_STATE
        self._before = (0, 0)  # index and term of the position before the first entry
        self.applied = 0
        self.newest_timestamp = 0  # of the entries up to `applied`
        # The Raft configuration at `applied`; set by the owner of this log.
        self.configuration: Callable[[], Configuration] = Configuration
        self._read_records()
        self._last = self._find_last()
        # What the writes under way will make of it.
        self._submitted_last = self._last
        self._submitted_hard_state = self._hard_state
        self._under_way = 0  # writes that `written` has not been told of
        self._overtaken = 0  # those among them whose entries an `install` has replaced
        self._forgotten = 0  # those that a `wipe` has replaced

    @property
    def is_empty(self) -> bool:
        """Whether this replica has never been written to."""
        return self._before == (0, 0) and self._last == 0 and self._hard_state == NEW_HARD_STATE

    @property
    def promised(self) -> HardState:
        """The newest term and vote, those of writes under way included."""
        return self._submitted_hard_state

    # What Raft reads.

    def hard_state(self) -> HardState:
        return self._hard_state

    def first_index(self) -> int:
        return self._before[0] + 1

    def last_index(self) -> int:
        return self._last

    def term(self, index: int) -> int:
        before, term = self._before
        if index == before:
            return term
        if index < before:
            raise Compacted(index)
        return self._entry(index).term

    def entries(self, low: int, high: int, bytes_max: int) -> Sequence[Entry]:
        if low <= self._before[0]:
            raise Compacted(low)
        found: list[Entry] = []
        total = 0
        expected = low
        start, end = entry_key(self.partition_id, low), entry_key(self.partition_id, high)
        for key, stored in self._store.cursor("log", start, end):
            entry = log_format.decode_entry(key, stored)
            if entry.index != expected:
                break
            expected += 1
            total += size_of(entry)
            if found and total > bytes_max:
                return found
            found.append(entry)
        if expected != high:
            raise log_format.LogDamaged(
                f"partition {self.partition_id}: entry {expected} is missing from the log"
            )
        return found

    def snapshot(self) -> SnapshotMetadata | None:
        """What is applied at this moment: the state machine itself is the snapshot."""
        if self.applied < max(self._before[0], BOOTSTRAP_INDEX):
            return None
        return SnapshotMetadata(self.applied, self.term(self.applied), self.configuration())

    # What the shell writes. Each returns operations; the state shows them once `written` is called.

    def write(self, hard_state: HardState | None, entries: Sequence[Entry]) -> list[Operation]:
        """Entries replace everything from their first index on."""
        operations: list[Operation] = []
        self._under_way += 1
        if hard_state is not None:
            self._submitted_hard_state = hard_state
            operations.append(self._hard_state_operation(hard_state))
        for entry in entries:
            key = entry_key(self.partition_id, entry.index)
            operations.append(("log", key, log_format.encode_entry(key, entry)))
        if entries:
            # A shorter log replaces a longer one: what is behind its end, even if its own write is
            # still under way, must not come back.
            last = entries[-1].index
            operations += self._deleted(last + 1, self._submitted_last + 1)
            self._submitted_last = last
        return operations

    def written(self, hard_state: HardState | None, entries: Sequence[Entry]) -> None:
        """What `write` returned is durable. To be told in the order of the writes."""
        if self._forgotten:
            self._forgotten -= 1
            return
        assert self._under_way > 0
        self._under_way -= 1
        if hard_state is not None:
            self._hard_state = hard_state
        if self._overtaken:
            self._overtaken -= 1
        elif entries:
            self._last = entries[-1].index

    def apply(self, index: int, timestamp: int) -> Operation:
        """That the state machine stands at `index`; belongs into the batch that takes it there.

        `timestamp` is the newest among all entries up to there.
        """
        self.applied, self.newest_timestamp = index, timestamp
        key = record_key(self.partition_id, b"A")
        return ("log", key, log_format.encode_applied(key, index, timestamp))

    def install(self, snapshot: SnapshotMetadata, timestamp: int) -> list[Operation]:
        """A snapshot takes the place of the whole log. Its content is written already."""
        self._overtaken = self._under_way
        return self._replaced_by(snapshot.index, snapshot.term, timestamp)

    def wipe(self) -> list[Operation]:
        """Forget log and state, but not the term and the vote.

        To be written behind the writes under way, as `install` is.
        """
        self._forgotten += self._under_way
        self._under_way = self._overtaken = 0
        promised = self._submitted_hard_state
        self._hard_state = HardState(promised.term, promised.vote, commit=0)
        self._submitted_hard_state = self._hard_state
        return [*self._replaced_by(0, 0, 0), self._hard_state_operation(self._hard_state)]

    def reach_term(self, term: int) -> list[Operation]:
        """What a snapshot of this term means for a replica that had not heard of the term yet.

        To be asked while no write is under way.
        """
        assert self._under_way == 0
        if term <= self._hard_state.term:
            return []
        self._hard_state = HardState(term, vote=0, commit=self._hard_state.commit)
        self._submitted_hard_state = self._hard_state
        return [self._hard_state_operation(self._hard_state)]

    def record(self, record: ReplicaRecord) -> Operation:
        """The write of the replica's own record."""
        return replica_operation(self.partition_id, record)

    def compact(self, to: int) -> list[Operation]:
        """Forget the entries up to `to`, which are applied."""
        before = self._before[0]
        if to <= before:
            return []
        assert to <= self.applied <= self._last
        operations = self._deleted(before + 1, to + 1)
        operations.append(self._begin_behind(to, self.term(to)))
        return operations

    # Inside.

    def _deleted(self, low: int, high: int) -> list[Operation]:
        """Delete the entries from `low` to before `high`."""
        key = self.partition_id
        return [("log", entry_key(key, index), None) for index in range(low, high)]

    def _replaced_by(self, index: int, term: int, timestamp: int) -> list[Operation]:
        """The log is empty and begins behind this position, where the state stands, too."""
        operations = self._deleted(self.first_index(), self._submitted_last + 1)
        operations.append(self._begin_behind(index, term))
        operations.append(self.apply(index, timestamp))
        self._last = self._submitted_last = index
        return operations

    def _begin_behind(self, index: int, term: int) -> Operation:
        self._before = (index, term)
        key = record_key(self.partition_id, b"B")
        return ("log", key, log_format.encode_position(key, index, term))

    def _hard_state_operation(self, hard_state: HardState) -> Operation:
        key = record_key(self.partition_id, b"H")
        return ("log", key, log_format.encode_hard_state(key, hard_state))

    def _entry(self, index: int) -> Entry:
        key = entry_key(self.partition_id, index)
        stored = self._store.get_from("log", key)
        if stored is None:
            raise log_format.LogDamaged(
                f"partition {self.partition_id}: entry {index} is missing from the log"
            )
        return log_format.decode_entry(key, stored)

    def _record(self, letter: bytes) -> tuple[bytes, bytes | None]:
        key = record_key(self.partition_id, letter)
        return key, self._store.get_from("log", key)

    def _read_records(self) -> None:
        key, stored = self._record(b"H")
        if stored is not None:
            self._hard_state = log_format.decode_hard_state(key, stored)
        key, stored = self._record(b"B")
        if stored is not None:
            self._before = log_format.decode_position(key, stored)
        key, stored = self._record(b"A")
        if stored is not None:
            self.applied, self.newest_timestamp = log_format.decode_applied(key, stored)

    def _find_last(self) -> int:
        start = entry_key(self.partition_id, self._before[0] + 1)
        end = entry_key(self.partition_id, 2**64 - 1)
        newest = self._store.cursor("log", start, end, reverse=True).take(1)
        return log_format.index_of(newest[0][0]) if newest else self._before[0]
