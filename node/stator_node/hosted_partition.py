"""One replica of one partition on this pod: Raft, its log, its state machine, and what drives them.

In: messages, ticks and proposals from `partition_host.py`. It asks Raft what to do (`Ready`) and
does it in the order that `stator_core.raft.raft` lays down: messages leave at once, what must be
durable goes into the pod's next sync, committed entries are applied to the item store in one batch
with the applied index. Out: messages for peers, answers of writes (`raft_commit.py`), confirmed
reads.

A replica whose state cannot be trusted, or is being replaced by a snapshot, is `rebuilding`: its
Raft stands still and says nothing, its log stays as it is, until a whole state of some index has
arrived (`snapshot_transfer.py`); then Raft begins anew from log and state.

One that meets an entry which this version of the code cannot apply is `stopped`: it must neither
pass over the entry nor answer without it, so it does nothing more until the process ends.

Invariants: stored state and applied index move together; a rebuilding replica promises nothing;
what a snapshot brings is not shown before all of it is durable; timestamps grow with the index,
across leaders, restarts, snapshots and splits, wherever the wall clocks are set.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable

from stator_core import expiry, partition_changes
from stator_core.entry_format import (
    EntryKind,
    change_body,
    decode_writes,
    encode_change,
    encode_writes,
    read_header,
)
from stator_core.partition_changes import WALLS
from stator_core.partition_descriptor import Generation
from stator_core.partition_state import PartitionState
from stator_core.raft.membership import Change, ChangeKind, MembershipChange
from stator_core.raft.messages import (
    Configuration,
    Entry,
    InstallSnapshot,
    Message,
    Role,
    SnapshotMetadata,
)
from stator_core.raft.messages import EntryKind as RaftEntryKind
from stator_core.raft.raft import Raft, Start
from stator_core.raft.ready import Ready
from stator_core.raft.refusals import NotLeader, Refusal, ReplicaDamaged
from stator_node.committed import Batch, Committed
from stator_node.doors import Operation, StorageFailed
from stator_node.pending import Pending
from stator_node.raft_commit import NotLeading, RaftCommit, stored_writes
from stator_node.scrub import Scrubbed
from stator_node.storage.log_store import LogStore, ReplicaRecord
from stator_node.surroundings import Surroundings

logger = logging.getLogger(__name__)

# Proposals on their way to this replica's own disk. While that many are, more wait and share one.
PROPOSED_MAX = 2
# Where a shard of the table's stream may end or begin: at the timestamp of the entry.
CUTS_THE_FEED = frozenset((EntryKind.DESCRIBE, EntryKind.ROLL))


class HostedPartition:
    """A replica with its log. Make it with records that `LogStore` has read or just written."""

    def __init__(self, surroundings: Surroundings, log: LogStore, record: ReplicaRecord) -> None:
        """Raises raft.refusals.ReplicaDamaged where log and state cannot belong together."""
        self._around = surroundings
        self.log = log
        self.partition_id = log.partition_id
        self.replica_id = record.replica_id
        self.state: PartitionState | None = record.state
        self.configuration = record.configuration
        self.needs_snapshot = record.needs_snapshot
        self.commit = RaftCommit(surroundings.store, self._propose_soon)
        self.raft = self._new_raft()
        self.last_active = surroundings.now()
        self.scrubbed: Scrubbed | None = None  # the newest digest of what is held here
        self.stopped = False
        self._reads: list[tuple[int, Pending[None]]] = []  # (index to be applied, who waits)
        self._reads_asked: dict[Pending[None], None] = {}  # in the order of asking
        self._term_start = 0  # the leader's first entry of its own term
        self._wall = 0  # index of a split or a freeze that this leader has proposed and not applied
        self._writing = 0  # Ready writes under way
        self._committed = Committed()
        self.range_since: int | None = None  # when its range last changed, if in this life
        self._durably_frozen_for: Generation | None = None
        # What is to be taken over: state, index and newest timestamp.
        self._arrived: tuple[PartitionState, SnapshotMetadata, int] | None = None
        self._compacted_at = log.applied

    # Looking.

    @property
    def rebuilding(self) -> bool:
        """Whether this replica stands still and waits for a state."""
        return self.needs_snapshot is not None

    @property
    def may_propose(self) -> bool:
        """Whether it leads, and all of the past is applied."""
        return self.raft.leads and 0 < self._term_start <= self.log.applied and not self.rebuilding

    @property
    def may_write(self) -> bool:
        """Whether writes may be evaluated here: it may propose them, and is not frozen."""
        return self.may_propose and self.state is not None and self.state.frozen_for is None

    @property
    def held_since(self) -> int | None:
        """Since when (milliseconds) a merge waits for its right side on this pod."""
        return self._committed.held_since

    @property
    def lacks_from(self) -> int:
        """The index that a state must have at least to take the place of this one."""
        return self.log.applied + bool(self._committed)

    @property
    def is_closed(self) -> bool:
        """Whether it takes no change of its range, its members or its table, now or soon."""
        return self._wall > 0 or (self.state is not None and self.state.frozen_for is not None)

    @property
    def is_durably_frozen(self) -> bool:
        """Whether it is frozen, and stays so whatever happens to this pod short of its disk."""
        frozen_for = None if self.state is None else self.state.frozen_for
        return frozen_for is not None and frozen_for == self._durably_frozen_for

    def node_of(self, replica_id: int) -> str | None:
        """The node that holds a replica of this partition."""
        if self.state is None:
            return None
        member = self.state.descriptor.replica(replica_id)
        return None if member is None else member.node_id

    # Events.

    def step(self, message: Message) -> None:
        """A message of a peer has arrived."""
        if self.rebuilding:
            return
        try:
            self.raft.step(self._around.now(), message)
        except Refusal as refusal:
            logger.warning("partition %d: %s", self.partition_id, refusal)
        self._around.process_soon(self)

    def deadline(self) -> int | None:
        """When `tick` should be called, if nothing happens before; None: not at all."""
        due = [each for each in (self.raft.deadline(), self.commit.deadline) if each is not None]
        return min(due, default=None)

    def tick(self) -> None:
        """Time has passed."""
        self.commit.tick(self._around.now())
        if not self.rebuilding:
            self.raft.tick(self._around.now())
            self._around.process_soon(self)

    def confirm_lead(self) -> Pending[None] | None:
        """None if what is applied may be read now as the latest; else resolved when it may.

        Fails with NotLeading where another replica leads.
        """
        now = self._around.now()
        # While a split or a freeze is under way, peers may have applied it before this replica, and
        # another partition may serve: only what is committed by now says what is still held here.
        if self.raft.lease_valid(now) and not self._wall:
            return None
        waiting: Pending[None] = Pending()
        if not self.raft.leads:
            waiting.fail(NotLeading())
            return waiting
        try:
            self.raft.read_index(now, waiting)
        except Refusal:
            waiting.fail(NotLeading())
            return waiting
        self._reads_asked[waiting] = None
        self._around.process_soon(self)
        return waiting

    def propose_change(self, kind: EntryKind, body: bytes) -> int:
        """Propose an entry that changes the partition itself. Raises raft.refusals.Refusal."""
        if not self.may_propose:
            raise NotLeader(self.raft.leader)
        if kind in CUTS_THE_FEED:
            # What was evaluated has older timestamps: it must stand before the cut in the log.
            self._propose(all_of_it=True)
        index = self.raft.propose(self._around.now(), encode_change(kind, self._timestamp(), body))
        if kind in WALLS:
            self._wall = index
        self._around.process_soon(self)
        return index

    def process(self) -> None:
        """Propose what waits, then do all that Raft wants done."""
        if self.rebuilding:
            return
        self._add_named_learner()
        if self._committed:
            self._apply()
        self._propose()
        while (ready := self.raft.ready()) is not None:
            self._handle(ready)
            self._propose()

    # Proposing.

    def _propose_soon(self) -> None:
        self._around.process_soon(self)

    def _propose(self, *, all_of_it: bool = False) -> None:
        """Turn collected groups into entries, a few at a time.

        None while a split or a freeze is under way: a write behind it in the log would be for keys
        that another partition may hold by then.
        """
        commit = self.commit
        while commit.has_more() and not self._wall:
            if self._writing >= PROPOSED_MAX and not all_of_it:
                return
            if not self.may_write:
                commit.lead_no_more(self._around.now(), self.raft.term)
                return
            group = commit.take()
            if group is None:
                return
            try:
                index = self.raft.propose(
                    self._around.now(), encode_writes(self._timestamp(), stored_writes(group))
                )
            except Refusal:
                commit.refuse(group)
                continue
            commit.was_proposed(index, self.raft.term, group)
            ready = self.raft.ready()
            if ready is not None:
                self._handle(ready)

    def _timestamp(self) -> int:
        """For the next entry. All before it are applied or were stamped here."""
        timestamp = self._around.stamps.next(self._around.now_milliseconds())
        assert timestamp > self.log.newest_timestamp
        return timestamp

    def _add_named_learner(self) -> None:
        """Make a member of a replica that has been named and that Raft does not know yet."""
        if self.state is None or not self.may_propose:
            return
        known = self.configuration.members
        for member in self.state.descriptor.replicas:
            if member.replica_id not in known:
                change = MembershipChange((Change(ChangeKind.ADD_LEARNER, member.replica_id),))
                with contextlib.suppress(Refusal):  # Another change is under way: later.
                    self.raft.propose_change(self._around.now(), change)
                return

    # What a Ready wants.

    def _handle(self, ready: Ready) -> None:
        if ready.soft_state is not None:
            self._lead_or_follow(ready.soft_state.role)
        for message in ready.messages:
            self._send(message)
        if ready.number:
            self._persist(ready)
        if ready.committed:
            self._committed.add(ready.committed, ready.configuration)
            self._apply()
        for read in ready.read_states:
            waiting = read.context
            assert isinstance(waiting, Pending)
            if waiting in self._reads_asked:  # Else it has heard that the leadership is lost.
                del self._reads_asked[waiting]
                self._reads.append((read.index, waiting))
        if self._reads:
            self._answer_reads()

    def _lead_or_follow(self, role: Role) -> None:
        if role is Role.LEADER:
            self._term_start = self.raft.state.term_start
        else:
            self._term_start = self._wall = 0
            self.commit.lead_no_more(self._around.now(), self.raft.term)
            self._fail_reads()
        self._around.changed(self)

    def _send(self, message: Message) -> None:
        if isinstance(message, InstallSnapshot):
            self._around.send_snapshot(self, message)
        else:
            self._around.send(self, message)

    def _persist(self, ready: Ready) -> None:
        assert ready.snapshot is None, "snapshots are taken over beside Raft, see `take_over`"
        operations = self.log.write(ready.hard_state, ready.entries)
        self._writing += 1
        raft = self.raft

        def durable() -> None:
            self._writing -= 1
            self.log.written(ready.hard_state, ready.entries)
            if self.rebuilding or self.raft is not raft:
                self._take_over_if_still()
                return  # Nobody is told: Raft stands still.
            for message in ready.messages_after_persistence:
                self._send(message)
            raft.persisted(self._around.now(), ready.number)
            self._around.process_soon(self)

        self._around.sync.append(operations, durable)

    def _apply(self) -> None:
        """Apply what is committed; where a merge has to wait for its right side here, up to it."""
        committed = self._committed
        while committed and self._apply_batch():
            committed.held_since = None
        if committed and committed.held_since is None:
            committed.held_since = self._around.now()

    def _apply_batch(self) -> bool:
        """Apply committed entries: one batch with the applied index, not synced (the log is).

        False: not even the first can be applied now.
        """
        assert not self.rebuilding
        assert self.state is not None
        before = self.state
        batch = Batch([])
        timestamp = self.log.newest_timestamp
        taken = 0
        entries = self._committed.entries()
        for entry in entries:
            if entry.kind is not RaftEntryKind.NORMAL or not entry.data:
                taken += 1
                continue
            kind, stamp = read_header(entry.data)
            self._around.stamps.observe(stamp)
            if kind is EntryKind.WRITES:
                self._apply_writes(entry, batch)
            elif kind is EntryKind.SCRUB:
                batch.scrubs = True
            elif not self._apply_change(kind, stamp, change_body(entry.data), batch):
                break
            timestamp = stamp
            taken += 1
            if batch.ends_here:
                break
        configuration = self._committed.take(taken)
        if taken:
            self._write_batch(batch, entries[taken - 1], timestamp, before, configuration)
        return taken > 0

    def _apply_writes(self, entry: Entry, batch: Batch) -> None:
        group = self.commit.group_at(entry.index, entry.term)
        if group is not None:
            batch.operations += group.operations
            batch.groups.append(group)
        else:
            batch.operations += decode_writes(entry.data)
            own = self.commit.uncertain_at(entry.index, entry.term)
            if own is not None:
                batch.groups.append(own)

    def _apply_change(self, kind: EntryKind, stamp: int, body: bytes, batch: Batch) -> bool:
        """Apply an entry that changes the partition. False: it has to wait."""
        assert self.state is not None
        changed = partition_changes.apply_change(self.state, kind, stamp, body)
        if changed.absorbed is not None:
            if not self._around.absorb(changed.absorbed, batch.operations):
                return False
            batch.absorbed = changed.absorbed
        if partition_changes.empties_expiries(self.state, changed.state):
            batch.operations = self._without_expiries(batch.operations)
        self.state = changed.state
        if changed.child is not None:
            born = self._around.child_born(changed.child, batch.operations, stamp)
            (batch.children if born else batch.strangers).append(changed.child)
        return True

    def _write_batch(
        self,
        batch: Batch,
        last_entry: Entry,
        timestamp: int,
        before: PartitionState,
        configuration: Configuration | None,
    ) -> None:
        """Store what entries up to this one have done, and tell everybody whom it concerns."""
        assert self.state is not None
        last, term = last_entry.index, last_entry.term
        if configuration is not None:
            self.state = partition_changes.configured(self.state, self.configuration, configuration)
            self.configuration = configuration
        is_changed = self.state is not before or configuration is not None
        batch.operations.append(self.log.apply(last, timestamp))
        if is_changed:
            batch.operations.append(self._record())
        self._around.store.write(batch.operations, sync=False)
        if self.state is not before:
            self._note_change_of_state(before)
        self.raft.applied(self._around.now(), last)
        for group in batch.groups:
            self.commit.applied(group)
        self.commit.applied_up_to(last, term)
        if 0 < self._wall <= last:
            self._wall = 0
            self.commit.refuse_all()  # They were let in by the old range, or before it was frozen.
        for child in batch.children:
            self._around.child_stored(child)
        for child in batch.strangers:
            self._around.child_refused(child)
        if batch.absorbed is not None:
            self._around.absorbed(batch.absorbed)
        if is_changed:
            self._around.changed(self)
        if self.state.followers and self.raft.leads:
            self._around.followed(self)
        if last - self._compacted_at >= self._around.settings.compact_every:
            self._compact(last)
        if batch.scrubs:
            self._around.scrub(self, last)

    def _note_change_of_state(self, before: PartitionState) -> None:
        assert self.state is not None
        if self.state.forgotten_ranges() != before.forgotten_ranges():
            self.forget()
        if self.state.descriptor.range_epoch != before.descriptor.range_epoch:
            self.range_since = self._around.now()
        if self.state.frozen_for is not None and before.frozen_for is None:
            self.settle_freeze()

    def settle_freeze(self) -> None:
        """Have it durable that this partition is frozen: its neighbour relies on that."""
        assert self.state is not None
        frozen_for = self.state.frozen_for

        def durable() -> None:
            self._durably_frozen_for = frozen_for

        self._around.sync.append((), durable)

    def forget(self) -> None:
        """Delete what the log has trimmed of the feed, or deleted. Safe to do again."""
        assert self.state is not None
        for family, start, end in self.state.forgotten_ranges():
            if self._around.store.cursor(family, start, end).take(1):
                self._around.store.delete_range(family, start, end)

    def _without_expiries(self, operations: list[Operation]) -> list[Operation]:
        """Delete the index by expiry, which begins anew or is no more, also what is on its way.

        Before the batch: after a crash in between, the log says so again.
        """
        start, end = expiry.partition_bounds(self.partition_id)
        if self._around.store.cursor("expiries", start, end).take(1):
            self._around.store.delete_range("expiries", start, end)
        return [each for each in operations if each[0] != "expiries"]

    def _answer_reads(self) -> None:
        applied = self.log.applied
        waiting, self._reads = self._reads, []
        for index, read in waiting:
            if index <= applied:
                read.resolve(None)
            else:
                self._reads.append((index, read))

    def _compact(self, applied: int) -> None:
        """Forget entries that nobody in reach needs."""
        self._compacted_at = applied
        kept = self._around.settings.log_entries_kept
        to = min(self.raft.compaction_limit(), applied - kept)
        if to >= self.log.first_index():
            self.raft.compact(to)
            self._around.store.write(self.log.compact(to), sync=False)

    # Standing still.

    def hand_over(self, is_up: Callable[[str], bool]) -> bool:
        """Ask Raft to have a replica on a node that is up lead. False: nobody is asked."""
        for replica_id in sorted(self.configuration.voters - {self.replica_id}):
            node_id = self.node_of(replica_id)
            if self.raft.leads and node_id is not None and is_up(node_id):
                with contextlib.suppress(Refusal):
                    self.raft.transfer_leadership(self._around.now(), replica_id)
                self._around.process_soon(self)
                return True
        return False

    def resign(self) -> None:
        """Have another replica lead at once: this one is about to stand still, or to end.

        Who waits here hears that at once, too, and can ask there.

        What Raft wants besides is not done: it is begun anew from the disk after this, or never.
        """
        if self.raft.leads:
            # What makes this replica stand still may keep Raft from speaking: no harm in that.
            with contextlib.suppress(ReplicaDamaged, StorageFailed):
                self.raft.resign(self._around.now())
                ready = self.raft.ready()
                for message in () if ready is None else ready.messages:
                    self._send(message)
        self.commit.stand_still()
        self._fail_reads()

    def stop(self, record: ReplicaRecord) -> None:
        """Do nothing more. What was not applied is undone: `record` is what the disk holds."""
        self.resign()
        self.stopped = True
        self._committed.clear()
        self.state, self.configuration = record.state, record.configuration
        self.raft = self._new_raft()  # One that leads nobody, and that nobody will ask.
        self._term_start = self._wall = 0
        self._around.changed(self)

    def begin_rebuilding(self, until: int, coming: PartitionState | None = None) -> list[Operation]:
        """Stand still; a state of at least index `until` must come.

        `coming` is the one that is about to arrive: a replica that never had a state goes by it, so
        that what has arrived by then is known to be its own if it is taken away.
        Returns what must be durable before anything of the old state is touched.
        """
        self.resign()
        self._committed.clear()
        self.needs_snapshot = max(until, self.needs_snapshot or 0)
        self.state = self.state or coming
        self._arrived = None
        return [self._record()]

    def take_over(self, state: PartitionState, snapshot: SnapshotMetadata, timestamp: int) -> None:
        """All of a state's content is written: Raft goes on from it.

        `timestamp` is the newest in the log up to there.
        """
        self._arrived = state, snapshot, timestamp
        self._take_over_if_still()

    def _take_over_if_still(self) -> None:
        """Once nothing of the old Raft is under way to the disk, begin the new one."""
        if self._arrived is None or self._writing:
            return
        state, snapshot, timestamp = self._arrived
        assert self.needs_snapshot is not None
        assert snapshot.index >= self.needs_snapshot
        log = self.log
        in_log = log.first_index() - 1 <= snapshot.index <= log.last_index()
        if in_log and log.term(snapshot.index) == snapshot.term:
            # What the log holds behind it was promised, and stays.
            operations = [log.apply(snapshot.index, timestamp)]
        else:
            operations = log.install(snapshot, timestamp)
        operations += log.reach_term(snapshot.term)
        self.state, self.configuration = state, snapshot.configuration
        self.needs_snapshot, self._arrived = None, None
        operations.append(self._record())
        self._around.store.write(operations, sync=True)
        self.raft = self._new_raft()
        self._term_start = self._wall = 0
        self._compacted_at = log.applied
        self.settle_freeze()
        self._around.changed(self)
        self._around.process_soon(self)

    def snapshot_message(self, receiver: int) -> InstallSnapshot | None:
        """What a replica that asks for the state is told with it; None: not from here, not now."""
        snapshot = self.log.snapshot()
        if not self.may_propose or snapshot is None:
            return None
        term = self.raft.term
        return InstallSnapshot(self.replica_id, receiver, term, snapshot, self._around.now())

    def _fail_reads(self) -> None:
        """Nobody is told that it may read here."""
        waiting = [read for _, read in self._reads]
        waiting += self._reads_asked
        self._reads, self._reads_asked = [], {}
        for read in waiting:
            read.fail(NotLeading())

    def _record(self) -> Operation:
        return self.log.record(
            ReplicaRecord(self.replica_id, self.state, self.configuration, self.needs_snapshot)
        )

    def _new_raft(self) -> Raft:
        around = self._around
        around.stamps.observe(self.log.newest_timestamp)
        self.log.configuration = lambda: self.configuration
        start = Start(self.replica_id, self.log.applied, self.configuration, around.now())
        return Raft(start, self.log, around.settings, around.random_below)
