"""Reads that wait for a quorum to confirm the leader: thesis 6.4, in batches.

`Raft.read_index` adds a read. When the next Ready is made, everything added since the last one
becomes one batch under one context, a number that rides on heartbeats to all voters and back. Once
a quorum has answered a context, whoever sent that heartbeat was still the leader when the reads of
that batch and all before it had begun; each may be served when the commit index noted with its
batch is applied. Shells with a valid lease (`lease`) need none of this.

Invariant: contexts grow, and a batch's index is the leader's commit index at or after the moment
its reads arrived.
"""

from __future__ import annotations

from collections import deque

from stator_core.raft.messages import NO_CONTEXT, ReadState


class ReadQueue:
    """The reads of one leadership; they end with it, unanswered."""

    __slots__ = ("_batches", "_open", "context", "pending")

    def __init__(self) -> None:
        self._open: list[object] = []  # no heartbeat has left since these arrived
        self._batches: deque[tuple[int, int, list[object]]] = deque()  # context, index, reads
        self.context = NO_CONTEXT  # the newest batch's
        self.pending = 0

    def add(self, context: object) -> None:
        """One more read, under the name its caller gave it."""
        self._open.append(context)
        self.pending += 1

    @property
    def has_open(self) -> bool:
        return bool(self._open)

    @property
    def has_batches(self) -> bool:
        return bool(self._batches)

    def close_batch(self, commit: int) -> int:
        """The context under which the reads that arrived so far shall be confirmed."""
        assert self._open
        self.context += 1
        self._batches.append((self.context, commit, self._open))
        self._open = []
        return self.context

    def confirm(self, context: int) -> list[ReadState]:
        """A quorum has answered this context: release its batch and all before it."""
        released: list[ReadState] = []
        while self._batches and self._batches[0][0] <= context:
            _, index, reads = self._batches.popleft()
            released.extend(ReadState(read, index) for read in reads)
        self.pending -= len(released)
        return released

    def check_invariants(self) -> None:
        contexts = [context for context, _, _ in self._batches]
        indexes = [index for _, index, _ in self._batches]
        assert contexts == sorted(set(contexts))
        assert indexes == sorted(indexes)
        assert not contexts or contexts[-1] <= self.context
        assert self.pending == len(self._open) + sum(len(reads) for _, _, reads in self._batches)
