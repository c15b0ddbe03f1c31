"""INDEX_WRITE at the partition of a global index: entries that follow from a table's changes.

In: a batch of entries (`stator_core.index_entries`) from the leader of a partition of the table,
for the leader of this one. Each is held against what is stored and in flight under its key; what is
newer goes into the log, and what is not does nothing. Out: an answer once all of the batch is
stored by a quorum, whoever brought it. Called by `partition_requests.py`. Invariant: an entry
outside the range is not touched, and then none of its batch.
"""

from __future__ import annotations

from stator_core import index_entries
from stator_core.errors import InternalServerError
from stator_core.index_entries import BATCH_SECONDS_MAX, TOMBSTONE_SECONDS
from stator_core.partition import NOTHING
from stator_core.table import Table
from stator_node.doors import Clock, Operation
from stator_node.item_operations import Answer, Fence
from stator_node.pending import Pending
from stator_node.raft_commit import RaftCommit
from stator_node.storage_errors import STORAGE_ERRORS, STORAGE_FAILED, for_client

assert BATCH_SECONDS_MAX < TOMBSTONE_SECONDS, "an older batch might miss a tombstone"
TOO_LATE = "The entries were on their way for too long, or the clocks of two pods differ by far."


class IndexWrites:
    """Stores entries for one replica."""

    def __init__(self, table: Table, fence: Fence, commit: RaftCommit, clock: Clock) -> None:
        self._table = table
        self._fence = fence
        self._commit = commit
        self._clock = clock

    def write(self, body: bytes) -> Answer:
        """Store a batch. Raises BatchRefused, OutsideRange, DynamoDBError."""
        sent_at, entries = index_entries.decode_batch(body)
        if self._clock.now() - sent_at / 1000 > BATCH_SECONDS_MAX:
            raise InternalServerError(TOO_LATE)
        if self._commit.failed is not None:
            raise InternalServerError(STORAGE_FAILED)
        for entry in entries:
            self._fence.check(entry.key)
        commit = self._commit
        in_flight = False
        try:
            for entry in entries:
                key = entry.key
                there = commit.item(key), commit.index_entry(key)
                writes = index_entries.resolve(entry, *there, self._clock.now())
                if writes is None:
                    in_flight = in_flight or commit.group_of(key) is not None
                    continue
                (_, _, value), *beside = writes
                operations: list[Operation] = [*beside]
                commit.stage(key, value, operations)
                in_flight = True
        except STORAGE_ERRORS as error:
            raise for_client(error, (self._table,)) from None
        if not in_flight:
            done: Pending[bytes] = Pending()
            done.resolve(NOTHING)
            return done
        # Groups are applied in order: behind the newest one, all of the batch is.
        return commit.answer_after(commit.collecting, NOTHING)
