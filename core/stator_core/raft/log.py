"""One replica's log: what the disk has, and the tail in memory that is newer or still wanted.

`replication` appends and truncates here; `raft` takes from here what the shell shall write and
apply. The stable part is only ever read, through `Storage`: the shell writes it, told by a Ready.

                      tail_first                                    last_index
    1 ...... first_index ... | ------------------ tail ---------------- |
                    handed_out <= commit      persisted <= emitted

Writes are pipelined: `emitted` is what the shell was told to write, `persisted` what it said is
durable. When a new leader's entries replace old ones whose write is still under way, the old
write's acknowledgement must not vouch for the new entries, though index and even term may agree
again later (etcd's "ABA race"). Each write therefore has a number of its own, and a truncation
lowers what the writes under way may vouch for.

Invariants, by `check_invariants`: applied <= handed_out <= commit, handed_out <= persisted,
persisted <= emitted <= last_index; the tail begins no later than the first entry that is not yet
durable or not yet handed out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from stator_core.raft.messages import (
    ENTRY_OVERHEAD_BYTES,
    Configuration,
    Entry,
    EntryKind,
    HardState,
    SnapshotMetadata,
)
from stator_core.raft.refusals import Compacted, ReplicaDamaged

# A new group's replicas all start behind an imaginary snapshot of an empty state: a replica that
# joins later must fetch a real one, and with it learns the configuration.
BOOTSTRAP_INDEX: Final = 1
BOOTSTRAP_TERM: Final = 1  # nobody ever leads it


class Storage(Protocol):
    """The durable log, read only. It shows every write that was acknowledged by `persisted`."""

    def hard_state(self) -> HardState: ...

    def first_index(self) -> int:
        """The first entry that is there: one after the snapshot that replaced the others."""
        ...

    def last_index(self) -> int:
        """The last entry, or the snapshot's index if there is none."""
        ...

    def term(self, index: int) -> int:
        """From `first_index() - 1` to `last_index()`; raises Compacted below."""
        ...

    def entries(self, low: int, high: int, bytes_max: int) -> Sequence[Entry]:
        """From `low` to before `high`: one, then as many as fit in all; raises Compacted."""
        ...

    def snapshot(self) -> SnapshotMetadata | None:
        """The snapshot that could be sent to a peer now; None if none can be had yet."""
        ...


def bootstrap_snapshot(configuration: Configuration) -> SnapshotMetadata:
    """Where every replica of a new group starts."""
    return SnapshotMetadata(BOOTSTRAP_INDEX, BOOTSTRAP_TERM, configuration)


def size_of(entry: Entry) -> int:
    """An entry's bytes as limits count them."""
    return len(entry.data) + ENTRY_OVERHEAD_BYTES


class Log:
    """See the module. Indexes outside [first_index - 1, last_index] are the caller's mistake."""

    __slots__ = (
        "applied",
        "before_tail_term",
        "commit",
        "emitted",
        "handed_out",
        "persisted",
        "snapshot",
        "snapshot_given",
        "storage",
        "tail",
        "tail_bytes",
        "tail_first",
        "writes",
    )

    def __init__(self, storage: Storage, applied: int) -> None:
        """Raises ReplicaDamaged where log, hard state and state machine cannot belong together."""
        last = storage.last_index()
        commit = max(storage.hard_state().commit, applied)
        if commit > last:
            raise ReplicaDamaged(f"entry {commit} was committed, but the log ends at {last}")
        if applied < storage.first_index() - 1:
            raise ReplicaDamaged(
                f"the state stands at {applied}, but the log begins at {storage.first_index()}"
            )
        self.storage = storage
        self.tail: list[Entry] = []
        self.tail_bytes = 0
        self.tail_first = last + 1
        self.before_tail_term = storage.term(last)
        self.persisted = self.emitted = last
        self.commit = commit
        self.handed_out = self.applied = applied
        self.snapshot: SnapshotMetadata | None = None  # to be installed, not yet durable
        self.snapshot_given = False  # the shell was told to install it
        self.writes: deque[list[int]] = deque()  # under way: [number, entries vouched for up to]

    # ------------------------------------------------------------------------------- reading

    @property
    def first_index(self) -> int:
        if self.snapshot is not None:
            return self.snapshot.index + 1
        return self.storage.first_index()

    @property
    def last_index(self) -> int:
        return self.tail_first + len(self.tail) - 1

    @property
    def last_term(self) -> int:
        return self.tail[-1].term if self.tail else self.before_tail_term

    def term(self, index: int) -> int:
        """The term of the entry at `index`. Raises Compacted."""
        offset = index - self.tail_first
        if offset >= 0:
            return self.tail[offset].term
        if offset == -1:
            return self.before_tail_term
        if self.snapshot is not None:
            raise Compacted(index)
        return self.storage.term(index)

    def matches(self, index: int, term: int) -> bool:
        """Whether the entry at `index` is there and of this term."""
        if not 0 <= index <= self.last_index:
            return False
        try:
            return self.term(index) == term
        except Compacted:
            return False

    def entries(self, low: int, bytes_max: int) -> list[Entry]:
        """From `low` on, at least one if there is one. Raises Compacted."""
        offset = low - self.tail_first
        if offset < 0:
            if self.snapshot is not None:
                raise Compacted(low)
            return list(self.storage.entries(low, self.tail_first, bytes_max))
        tail = self.tail
        if len(tail) - offset <= 1:
            return tail[offset:]
        return tail[offset : offset + _fitting(tail, offset, len(tail), bytes_max)]

    def up_to_date(self, last_log_index: int, last_log_term: int) -> bool:
        """Section 5.4.1: whether a candidate's log is at least as complete as this one."""
        own_term = self.last_term
        if last_log_term != own_term:
            return last_log_term > own_term
        return last_log_index >= self.last_index

    def agreeing(self, index: int, term: int) -> tuple[int, int]:
        """The last position at or before `index` whose term is not above `term`, and its term.

        Where logs disagree, whole terms are skipped instead of single entries (end of section
        5.3): nothing after that position can match a log that has `term` at `index`.
        """
        index = min(index, self.last_index)
        while index > 0:
            try:
                own_term = self.term(index)
            except Compacted:
                return index, 0
            if own_term <= term:
                return index, own_term
            index -= 1
        return 0, 0

    def holds_membership(self, low: int, high: int) -> bool:
        """Whether an entry in (low, high] changes the configuration."""
        while low < high:
            page = self.entries(low + 1, 1 << 20)
            if any(e.kind is EntryKind.MEMBERSHIP and e.index <= high for e in page):
                return True
            low = page[-1].index
        return False

    # ------------------------------------------------------------------------------- writing

    def append(self, entry: Entry) -> None:
        """The leader's own next entry."""
        assert entry.index == self.tail_first + len(self.tail)
        self.tail.append(entry)
        self.tail_bytes += len(entry.data) + ENTRY_OVERHEAD_BYTES

    def accept(self, previous_index: int, previous_term: int, entries: list[Entry]) -> bool:
        """A leader's entries after a position that must match. False if it does not (5.3).

        Raises ReplicaDamaged if a committed entry would have to be replaced.
        """
        if previous_index != self.last_index:
            if not self.matches(previous_index, previous_term):
                return False
            entries = self._after_overlap(entries)
        elif self.last_term != previous_term:
            return False
        self.tail.extend(entries)
        for entry in entries:
            self.tail_bytes += len(entry.data) + ENTRY_OVERHEAD_BYTES
        return True

    def _after_overlap(self, entries: list[Entry]) -> list[Entry]:
        """Those that are new, after cutting off whatever of ours contradicts them."""
        last = self.last_index
        for position, entry in enumerate(entries):
            if entry.index > last:
                return entries[position:]
            if self.term(entry.index) != entry.term:
                self._truncate_from(entry.index)
                return entries[position:]
        return []

    def _truncate_from(self, index: int) -> None:
        if index <= self.commit:
            raise ReplicaDamaged(
                f"a leader replaces entry {index}, but {self.commit} was committed here"
            )
        before = self.term(index - 1)
        offset = index - self.tail_first
        if offset > 0:
            self.tail_bytes -= sum(size_of(entry) for entry in self.tail[offset:])
            del self.tail[offset:]
        else:
            self.tail, self.tail_bytes = [], 0
            self.tail_first, self.before_tail_term = index, before
        self.emitted = min(self.emitted, index - 1)
        self.persisted = min(self.persisted, index - 1)
        for write in self.writes:
            write[1] = min(write[1], index - 1)

    def commit_to(self, index: int) -> bool:
        """Everything up to `index` is committed. Raises ReplicaDamaged if it is not there."""
        if index <= self.commit:
            return False
        if index > self.last_index:
            raise ReplicaDamaged(
                f"this replica vouched for entry {index}, but its log ends at {self.last_index}"
            )
        self.commit = index
        return True

    def restore(self, snapshot: SnapshotMetadata) -> None:
        """A snapshot takes the place of the whole log."""
        assert snapshot.index > self.commit
        self.snapshot, self.snapshot_given = snapshot, False
        self.tail, self.tail_bytes = [], 0
        self.tail_first, self.before_tail_term = snapshot.index + 1, snapshot.term
        self.commit = self.emitted = snapshot.index
        # What was written before vouches for nothing of the new log.
        self.persisted = self.handed_out
        for write in self.writes:
            write[1] = self.persisted

    # --------------------------------------------------------------- handing out, acknowledging

    @property
    def has_unwritten(self) -> bool:
        """Whether there is an entry or a snapshot that the shell was not told to write."""
        if self.snapshot is not None and not self.snapshot_given:
            return True
        return self.emitted < self.tail_first + len(self.tail) - 1

    def take_snapshot(self) -> SnapshotMetadata | None:
        """The snapshot that the next write installs."""
        if self.snapshot is None or self.snapshot_given:
            return None
        self.snapshot_given = True
        return self.snapshot

    def take_unwritten(self, number: int) -> list[Entry]:
        """The entries that the write of this number carries."""
        entries = self.tail[self.emitted + 1 - self.tail_first :]
        self.emitted = self.last_index
        self.writes.append([number, self.emitted])
        return entries

    def written(self, number: int) -> bool:
        """The write of this number and all before it are durable. True if entries became so."""
        before = self.persisted
        while self.writes and self.writes[0][0] <= number:
            self.persisted = max(self.persisted, self.writes.popleft()[1])
        snapshot = self.snapshot
        if snapshot is not None and self.persisted >= snapshot.index:
            # It is installed: the state machine stands at its index.
            self.handed_out = self.applied = snapshot.index
            self.snapshot = None
        return self.persisted > before

    def take_committed(self, bytes_max: int) -> list[Entry]:
        """What is committed, durable here and not yet handed out; ends with a membership entry."""
        high = min(self.commit, self.persisted)
        if high <= self.handed_out or self.snapshot is not None:
            return []
        entries = self.entries(self.handed_out + 1, bytes_max)
        if entries[-1].index > high:
            del entries[high - entries[-1].index :]
        for position, entry in enumerate(entries):
            if entry.kind is EntryKind.MEMBERSHIP:
                del entries[position + 1 :]
                break
        self.handed_out = entries[-1].index
        return entries

    def applied_to(self, index: int) -> None:
        assert index <= self.handed_out, "applied what was never handed out"
        if index > self.applied:
            self.applied = index

    def trim(self, wanted_from: int, bytes_max: int) -> None:
        """Drop from the tail what is durable, handed out and below `wanted_from`.

        Entries that a slow peer still wants go too while the tail passes `bytes_max`; it will be
        served from the storage.
        """
        droppable = min(self.persisted, self.handed_out) + 1 - self.tail_first
        if droppable <= 0 or self.snapshot is not None:
            return
        count = 0
        dropped_bytes = 0
        tail = self.tail
        wanted = wanted_from - self.tail_first
        while count < droppable:
            if count >= wanted and self.tail_bytes - dropped_bytes <= bytes_max:
                break
            dropped_bytes += len(tail[count].data) + ENTRY_OVERHEAD_BYTES
            count += 1
        if count:
            self.before_tail_term = tail[count - 1].term
            del tail[:count]
            self.tail_first += count
            self.tail_bytes -= dropped_bytes

    def check_invariants(self) -> None:
        assert self.applied <= self.handed_out <= self.commit <= self.last_index
        assert self.persisted <= self.emitted <= self.last_index
        assert self.snapshot is not None or self.handed_out <= self.persisted
        assert self.tail_first <= self.persisted + 1 or self.snapshot is not None
        assert self.tail_bytes == sum(size_of(entry) for entry in self.tail)
        previous_term = self.before_tail_term
        for position, entry in enumerate(self.tail):
            assert entry.index == self.tail_first + position
            assert entry.term >= previous_term, "terms never fall along a log"
            previous_term = entry.term
        assert all(vouched <= self.emitted for _, vouched in self.writes)


def _fitting(entries: list[Entry], start: int, stop: int, bytes_max: int) -> int:
    """How many entries from `start` on fit; at least one."""
    total = 0
    for position in range(start, stop):
        total += len(entries[position].data) + ENTRY_OVERHEAD_BYTES
        if total > bytes_max:
            return max(1, position - start)
    return stop - start
