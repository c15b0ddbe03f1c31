"""The numbers that a group runs by, with their units and the relations between them.

Made once by the shell and shared by all its replicas. `election_timeout` and `clock_drift_max`
must be the same in all replicas of a group: the lease (see `lease`) leans on the promise that the
others keep. Times are milliseconds of the monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults suit zones a few milliseconds apart."""

    # A follower waits this long to twice this long for its leader before it campaigns, and for
    # this long after hearing from a leader it votes for nobody else.
    election_timeout: int = 1_000
    heartbeat_interval: int = 100
    # How much two replicas' clocks may drift apart within one election timeout, and a millisecond
    # for clocks that are read in whole milliseconds. 100 in 1,000 is a thousand times what a
    # crystal does; it also covers a clock that is being slewed.
    clock_drift_max: int = 100
    # A follower hears of a new commit index by the next append, or by a heartbeat this much later.
    commit_notice_delay: int = 5
    # A leader with nothing to do for this long lets its group go quiet; 0 never does.
    quiesce_after: int = 5_000

    append_bytes_max: int = 1 << 20  # of one AppendEntries, though never less than one entry
    apply_bytes_max: int = 4 << 20  # of one Ready's committed entries, ditto
    inflight_messages_max: int = 64  # AppendEntries under way to one peer
    inflight_bytes_max: int = 16 << 20  # ditto
    uncommitted_bytes_max: int = 64 << 20  # proposed and not yet committed
    tail_bytes_max: int = 16 << 20  # durable entries kept in memory for slower peers
    # What the shell keeps behind the applied index, so that a peer that was away a while needs no
    # snapshot, and how many entries it lets pass before it forgets some.
    log_entries_kept: int = 2_000
    compact_every: int = 1_000
    snapshot_chunk_bytes: int = 512 << 10
    pending_reads_max: int = 100_000  # waiting for a quorum's answer

    def __post_init__(self) -> None:
        assert 0 < 2 * self.heartbeat_interval <= self.election_timeout, (
            "a lost heartbeat must not end a leadership"
        )
        assert 1 <= self.clock_drift_max < self.election_timeout - self.heartbeat_interval, (
            "a lease must outlast the wait for the next heartbeat"
        )
        assert 0 <= self.commit_notice_delay <= self.heartbeat_interval
        assert self.quiesce_after >= 0
        assert 0 < self.append_bytes_max <= self.inflight_bytes_max
        assert self.inflight_messages_max > 0
        assert self.uncommitted_bytes_max > 0
        assert self.apply_bytes_max > 0
        assert self.pending_reads_max > 0
        assert self.tail_bytes_max >= 0
        assert self.log_entries_kept >= 0
        assert self.compact_every > 0
        assert self.snapshot_chunk_bytes > 0

    @property
    def lease_duration(self) -> int:
        """How long a leader may trust a round that a quorum answered, from its sending."""
        return self.election_timeout - self.clock_drift_max
