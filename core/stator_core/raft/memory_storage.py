"""The log store in memory: for tests and the simulator, and the simplest thing that obeys.

The shell's side of `log.Storage`: `write` what a Ready says, `compact` what nobody needs. What a
crash leaves is the caller's affair: a test that loses unsynced writes keeps a `copy` of the last
synced state.
"""

from __future__ import annotations

from collections.abc import Sequence

from stator_core.raft.log import bootstrap_snapshot, size_of
from stator_core.raft.messages import Configuration, Entry, HardState, SnapshotMetadata
from stator_core.raft.refusals import Compacted


class MemoryStorage:
    """A contiguous run of entries behind a snapshot's position."""

    __slots__ = ("_before", "_entries", "_hard_state", "_snapshot")

    def __init__(self) -> None:
        """An empty replica: no entry, no configuration. A leader will send it a snapshot."""
        self._before = (0, 0)  # index and term of the position before the first entry
        self._entries: list[Entry] = []
        self._hard_state = HardState(term=0, vote=0, commit=0)
        self._snapshot: SnapshotMetadata | None = None

    @classmethod
    def bootstrapped(cls, configuration: Configuration) -> MemoryStorage:
        """A replica of a new group whose members all start like this."""
        made = cls()
        made.install(bootstrap_snapshot(configuration))
        made._hard_state = HardState(made._before[1], vote=0, commit=made._before[0])
        return made

    def copy(self) -> MemoryStorage:
        """The same content, changed independently from now on."""
        made = MemoryStorage()
        made._before = self._before
        made._entries = list(self._entries)
        made._hard_state = self._hard_state
        made._snapshot = self._snapshot
        return made

    # -------------------------------------------------------------------------- log.Storage

    def hard_state(self) -> HardState:
        return self._hard_state

    def first_index(self) -> int:
        return self._before[0] + 1

    def last_index(self) -> int:
        return self._before[0] + len(self._entries)

    def term(self, index: int) -> int:
        before, term = self._before
        if index == before:
            return term
        if index < before:
            raise Compacted(index)
        return self._entries[index - before - 1].term

    def entries(self, low: int, high: int, bytes_max: int) -> Sequence[Entry]:
        before = self._before[0]
        if low <= before:
            raise Compacted(low)
        found: list[Entry] = []
        total = 0
        for entry in self._entries[low - before - 1 : high - before - 1]:
            total += size_of(entry)
            if found and total > bytes_max:
                break
            found.append(entry)
        return found

    def snapshot(self) -> SnapshotMetadata | None:
        return self._snapshot

    # ------------------------------------------------------------------------------- writing

    def write(self, hard_state: HardState | None, entries: Sequence[Entry]) -> None:
        """What a Ready says: entries replace everything from their first index on."""
        if hard_state is not None:
            self._hard_state = hard_state
        if entries:
            offset = entries[0].index - self.first_index()
            assert 0 <= offset <= len(self._entries), "a gap in the log"
            self._entries[offset:] = entries

    def install(self, snapshot: SnapshotMetadata) -> None:
        """A snapshot takes the place of the whole log."""
        self._before = (snapshot.index, snapshot.term)
        self._entries = []
        self._snapshot = snapshot

    def take_snapshot(self, index: int, configuration: Configuration) -> SnapshotMetadata:
        """Say that the state at `index` can be sent to peers from now on."""
        self._snapshot = SnapshotMetadata(index, self.term(index), configuration)
        return self._snapshot

    def compact(self, to: int) -> None:
        """Forget the entries up to `to`."""
        before = self._before[0]
        if to <= before:
            return
        assert to <= self.last_index()
        self._before = (to, self.term(to))
        del self._entries[: to - before]
