"""What a leader knows of one peer's log, and how much it may send it.

Made by `election` for each member when a leadership begins, fed by `replication` with the peer's
answers. Three states, as a table of what follows what:

    PROBE      next is a guess: one message, then wait for its answer or the next heartbeat's
    REPLICATE  next is optimistic: stream until the inflight window is full
    SNAPSHOT   the log no longer reaches back: send nothing until the snapshot is in

Invariants: match < next; the inflight window is empty outside REPLICATE.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from stator_core.raft.messages import NO_CONTEXT

NEVER = -1  # before every send time


class ProgressState(Enum):
    PROBE = "probe"
    REPLICATE = "replicate"
    SNAPSHOT = "snapshot"


PROBE, REPLICATE, SNAPSHOT = ProgressState


class Inflights:
    """The AppendEntries that a peer has not answered: (last index, bytes), oldest first."""

    __slots__ = ("bytes", "bytes_max", "messages", "messages_max")

    def __init__(self, messages_max: int, bytes_max: int) -> None:
        self.messages: deque[tuple[int, int]] = deque()
        self.bytes = 0
        self.messages_max = messages_max
        self.bytes_max = bytes_max

    @property
    def full(self) -> bool:
        return len(self.messages) >= self.messages_max or self.bytes >= self.bytes_max

    def add(self, last_index: int, size: int) -> None:
        """One more message is under way; the last one may pass the bytes' limit, none after it."""
        self.messages.append((last_index, size))
        self.bytes += size

    def free_to(self, index: int) -> None:
        """Everything up to this index has arrived."""
        messages = self.messages
        while messages and messages[0][0] <= index:
            self.bytes -= messages.popleft()[1]

    def clear(self) -> None:
        self.messages.clear()
        self.bytes = 0


class Progress:
    """One peer, or the leader itself, whose `match` is what its own disk has."""

    __slots__ = (
        "acknowledged_send_time",
        "commit_sent",
        "heard_at",
        "inflights",
        "match",
        "match_at_heartbeat",
        "next",
        "pending_snapshot",
        "probe_sent",
        "read_context",
        "replica",
        "state",
    )

    def __init__(self, replica: int, next_index: int, now: int, inflights: Inflights) -> None:
        self.replica = replica
        self.match = 0  # the highest index known to be durable there and equal to ours
        self.match_at_heartbeat = 0  # `match` when it last answered a heartbeat
        self.next = next_index  # the first index to send next
        self.state = ProgressState.PROBE
        self.probe_sent = False  # in PROBE: an answer is awaited
        self.pending_snapshot = 0  # in SNAPSHOT: the index that will be there
        self.inflights = inflights
        self.heard_at = now  # when it last answered; a new peer starts with the benefit of doubt
        self.acknowledged_send_time = NEVER  # when the newest message that it answered was sent
        self.read_context = NO_CONTEXT  # the newest read context that it has confirmed
        self.commit_sent = 0  # the highest commit index that it was told

    @property
    def paused(self) -> bool:
        """Whether nothing may be sent to it now."""
        if self.state is REPLICATE:
            return self.inflights.full
        return self.state is SNAPSHOT or self.probe_sent

    def become_probe(self) -> None:
        """Start guessing anew, from what is certain."""
        after_snapshot = self.pending_snapshot + 1 if self.state is SNAPSHOT else 0
        self.state = PROBE
        self.next = max(self.match + 1, after_snapshot)
        self.probe_sent = False
        self.pending_snapshot = 0
        self.inflights.clear()

    def become_replicate(self) -> None:
        """The peer's log is known: stream."""
        self.state = REPLICATE
        self.next = self.match + 1
        self.probe_sent = False
        self.pending_snapshot = 0
        self.inflights.clear()

    def become_snapshot(self, index: int) -> None:
        """A snapshot up to this index is on its way."""
        self.state = SNAPSHOT
        self.next = index + 1
        self.probe_sent = False
        self.pending_snapshot = index
        self.inflights.clear()

    def snapshot_finished(self, *, delivered: bool) -> None:
        """It is there, or will not be: probe behind it or before it, at the next sign of life."""
        assert self.state is SNAPSHOT
        if not delivered:
            self.pending_snapshot = 0
        self.become_probe()
        self.probe_sent = True

    def sent(self, last_index: int, size: int) -> None:
        """Entries up to `last_index` are under way."""
        assert last_index >= self.next
        if self.state is REPLICATE:
            self.next = last_index + 1
            self.inflights.add(last_index, size)
        else:
            self.probe_sent = True

    def acknowledge(self, index: int) -> bool:
        """The peer has everything up to `index`. True if that is news."""
        if index <= self.match:
            return False
        self.match = index
        if self.next <= index:
            self.next = index + 1
        return True

    def refuse(self, refused: int, hint: int) -> bool:
        """The peer refused `refused` as previous index; `hint` may match. False if out of date."""
        if self.state is REPLICATE:
            if refused <= self.match:
                return False
            self.become_probe()
            return True
        if self.state is SNAPSHOT or self.next - 1 != refused:
            return False
        self.next = max(min(refused, hint + 1), self.match + 1)
        self.probe_sent = False
        return True

    def check_invariants(self) -> None:
        assert 0 <= self.match < self.next
        assert self.state is REPLICATE or not self.inflights.messages
        assert (self.state is SNAPSHOT) == (self.pending_snapshot > 0)
        assert self.inflights.bytes == sum(size for _, size in self.inflights.messages)
        assert len(self.inflights.messages) <= self.inflights.messages_max
