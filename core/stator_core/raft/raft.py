"""One replica of one Raft group: events in, a Ready out. The door to this package.

A shell owns each `Raft`, calls it from one thread, and does all that touches the world. Every call
that may depend on time takes `now`, milliseconds of a monotonic clock that also counts while the
machine sleeps (CLOCK_BOOTTIME where there is one). After one or more events the shell asks
`ready()` until it is None and does what each says, with these duties:

 1. `messages` leave at once, in order, while the write of 2 is still under way.
 2. `hard_state`, `entries` and `snapshot` are written as one atomic batch and synced. Writes may
    queue up behind each other but must become durable in the order of their numbers.
 3. When the write with this `number` and all before it are durable, `messages_after_persistence`
    leave and `persisted(now, number)` is called. A number may come without anything to write: it
    then waits for the writes before it.
 4. `committed` entries are applied in order, then `applied(now, index)` is called; applying may lag
    behind, and further Readies may be taken meanwhile. The applied index is stored with the state,
    and so is `configuration`, when it is given. A `snapshot` brings both with it: the state machine
    stands at its index once its number was `persisted`.
 5. A read in `read_states` is served when its index is applied. When `soft_state` says that this
    replica does not lead, reads and proposals still waiting get no answer from here.
 6. `tick(now)` is called at `deadline()` or soon after; a replica without a deadline costs nothing.

A lost message costs time, never safety; messages may be duplicated and reordered. A message that
needs a stream of data (InstallSnapshot) is the shell's: send the data, deliver the message when
all of it is there, and in any case say `snapshot_finished` to the sender.

After ReplicaDamaged nothing may be asked of the object any more: the replica must be rebuilt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stator_core.raft.dispatch import handle
from stator_core.raft.election import campaign, count_own_vote
from stator_core.raft.lease import end_transfer, in_touch, renew_lease, step_down
from stator_core.raft.log import Log, Storage
from stator_core.raft.membership import MembershipChange
from stator_core.raft.messages import (
    ENTRY_OVERHEAD_BYTES,
    NO_REPLICA,
    Configuration,
    EntryKind,
    Message,
    Role,
)
from stator_core.raft.progress import SNAPSHOT
from stator_core.raft.quiescence import may_quiesce, quiesce, wake
from stator_core.raft.ready import Ready, take_ready
from stator_core.raft.reconfiguration import (
    campaign_now,
    keeps_quorum,
    leave_joint_if_due,
    propose_change,
    transfer,
)
from stator_core.raft.refusals import (
    LeadershipMoving,
    NotLeader,
    TooManyReads,
    TooMuchUncommitted,
)
from stator_core.raft.replication import advance_commit, append, ask_quorum, broadcast_heartbeat
from stator_core.raft.settings import Settings
from stator_core.raft.state import ReplicaState


@dataclass(frozen=True, slots=True)
class Start:
    """Where a replica starts: who it is, and what its state machine stored.

    A replica of a new group, or one that will be sent a snapshot, has applied what its storage's
    first position stands for (index 1 or 0). `configuration` is the one at `applied`.
    """

    replica: int
    applied: int
    configuration: Configuration
    now: int


class Raft:
    """See the module. Raises ReplicaDamaged if storage and state cannot belong together."""

    __slots__ = ("_state",)

    def __init__(
        self,
        start: Start,
        storage: Storage,
        settings: Settings,
        random_below: Callable[[int], int],
    ) -> None:
        """`random_below(n)` draws from 0 to n - 1, like `random.Random.randrange`."""
        assert start.now >= 0
        log = Log(storage, start.applied)
        state = ReplicaState(start.replica, log, start.configuration, settings, random_below)
        state.now = start.now
        if state.may_have_promised:
            state.promise()
        state.restart_election_timer()
        state.draw_election_timeout()
        self._state = state

    # ------------------------------------------------------------------------------- looking

    @property
    def replica(self) -> int:
        return self._state.replica

    @property
    def term(self) -> int:
        return self._state.term

    @property
    def role(self) -> Role:
        return self._state.role

    @property
    def leads(self) -> bool:
        return self._state.role is Role.LEADER

    @property
    def leader(self) -> int:
        """Who leads this term, as far as is known; NO_REPLICA if it is not."""
        return self._state.leader

    @property
    def configuration(self) -> Configuration:
        return self._state.configuration

    @property
    def commit_index(self) -> int:
        return self._state.log.commit

    @property
    def applied_index(self) -> int:
        return self._state.log.applied

    @property
    def last_index(self) -> int:
        return self._state.log.last_index

    @property
    def quiesced(self) -> bool:
        return self._state.quiesced

    @property
    def ignored(self) -> dict[str, int]:
        """Messages that changed nothing, counted by reason."""
        return self._state.ignored

    @property
    def state(self) -> ReplicaState:
        """For status pages, tests and checkers: to be read only."""
        return self._state

    def lease_valid(self, now: int) -> bool:
        """Whether the applied state may be read now: nobody else can have acknowledged a write.

        True says too that whatever was acknowledged before is applied here. See `lease`.
        """
        return now < self._state.lease_until

    def deadline(self) -> int | None:
        """When `tick` should be called, if nothing happens before; None: not at all."""
        state = self._state
        if state.quiesced:
            return None
        if state.role is not Role.LEADER:
            return state.election_timer_start + state.election_timeout if state.is_voter else None
        due = [state.heartbeat_at] if state.others else []
        if state.commit_notice_at is not None:
            due.append(state.commit_notice_at)
        if state.transfer_target != NO_REPLICA:
            due.append(state.transfer_deadline)
        return min(due, default=None)

    # -------------------------------------------------------------------------------- events

    def tick(self, now: int) -> None:
        """Time has passed. Does nothing before `deadline()`."""
        state = self._set_time(now)
        if state.quiesced:
            return
        if state.role is Role.LEADER:
            self._tick_leader()
        elif state.is_voter and now >= state.election_timer_start + state.election_timeout:
            campaign(state)

    def _tick_leader(self) -> None:
        state = self._state
        if state.transfer_target != NO_REPLICA and state.transfer_deadline <= state.now:
            end_transfer(state)
        if not state.others or state.heartbeat_at > state.now:
            return
        if not in_touch(state):
            step_down(state)
        elif may_quiesce(state):
            quiesce(state)
        else:
            broadcast_heartbeat(state)

    def step(self, now: int, message: Message) -> None:
        """A message has arrived. Raises MessageRefused, ReplicaDamaged."""
        handle(self._set_time(now), message)

    def propose(self, now: int, data: bytes) -> int:
        """Append an entry to the log of this leader; its index, in the present term.

        Raises NotLeader, LeadershipMoving, TooMuchUncommitted.
        """
        state = self._act_as_leader(now)
        if state.transfer_target != NO_REPLICA:
            raise LeadershipMoving("leadership is moving to another replica")
        waiting = state.uncommitted_bytes
        # An entry larger than the limit still passes alone.
        if waiting and waiting + len(data) + ENTRY_OVERHEAD_BYTES > (
            state.settings.uncommitted_bytes_max
        ):
            raise TooMuchUncommitted(f"{waiting} bytes wait to be committed")
        return append(state, EntryKind.NORMAL, data)

    def propose_change(self, now: int, change: MembershipChange) -> int:
        """Append a membership change; its index. It counts from when it is handed out to apply.

        Raises NotLeader, LeadershipMoving, MembershipRefused.
        """
        return propose_change(self._act_as_leader(now), change)

    def keeps_quorum(self, now: int, change: MembershipChange, behind_max: int) -> bool:
        """Whether, after this change, a majority answers and lacks at most so many entries.

        False, too, right after a quiet group was woken by asking: ask again after a heartbeat.
        Raises NotLeader, MembershipRefused.
        """
        return keeps_quorum(self._act_as_leader(now), change, behind_max)

    def read_index(self, now: int, context: object) -> None:
        """Ask for a linearizable read; a ReadState with this context answers.

        Raises NotLeader, TooManyReads.
        """
        state = self._act_as_leader(now)
        if state.reads.pending + len(state.postponed_reads) >= state.settings.pending_reads_max:
            raise TooManyReads("too many reads wait for a quorum")
        ask_quorum(state, context)

    def transfer_leadership(self, now: int, target: int) -> None:
        """Let `target` take over. Raises NotLeader, TransferRefused."""
        transfer(self._act_as_leader(now), target)

    def resign(self, now: int) -> None:
        """Lead no more, and have another campaign at once: this replica is about to stand still."""
        state = self._set_time(now)
        if state.role is Role.LEADER:
            step_down(state)

    def campaign(self, now: int) -> bool:
        """Try to lead now, by a pre-vote. False if it may not stand, or a leader may be alive.

        So it is, too, while this replica campaigns already.
        """
        state = self._set_time(now)
        wake(state)
        return campaign_now(state)

    def wake(self, now: int) -> None:
        """Start the timers of a quiet group: its leader's node was lost, or work is coming."""
        wake(self._set_time(now))

    def unreachable(self, now: int, replica: int) -> None:
        """Messages to this peer were lost: probe, from its next sign of life on."""
        peer = self._set_time(now).progress.get(replica)
        if peer is not None and peer.state is not SNAPSHOT and replica != self.replica:
            peer.become_probe()
            peer.probe_sent = True

    def snapshot_finished(self, now: int, replica: int, *, delivered: bool) -> None:
        """An InstallSnapshot that left in a Ready was delivered to this peer, or never will be."""
        peer = self._set_time(now).progress.get(replica)
        if peer is not None and peer.state is SNAPSHOT:
            peer.snapshot_finished(delivered=delivered)

    # ----------------------------------------------------------------- Ready and its answers

    def ready(self) -> Ready | None:
        """What to do now, or None. To take it is to promise to do it.

        Raises ReplicaDamaged for a membership entry that cannot be.
        """
        return take_ready(self._state)

    def persisted(self, now: int, number: int) -> None:
        """The write of the Ready with this number, and all before it, are durable."""
        state = self._set_time(now)
        assert 0 < number <= state.last_number
        news = state.log.written(number)
        while state.term_writes and state.term_writes[0][0] <= number:
            state.durable_term = state.term_writes.popleft()[1]
        if state.role is Role.LEADER:
            if news:
                own = state.own_progress
                own.match = state.log.persisted
                own.next = own.match + 1
                advance_commit(state)
        elif state.role is Role.CANDIDATE and state.durable_term == state.term:
            if state.replica not in state.votes:
                count_own_vote(state)

    def applied(self, now: int, index: int) -> None:
        """The state machine stands at `index`."""
        state = self._set_time(now)
        log = state.log
        log.applied_to(index)
        wanted_from = log.last_index + 1
        if state.role is Role.LEADER:
            if not state.lease_active and index >= state.term_start:
                renew_lease(state)
            leave_joint_if_due(state)
            for peer in state.others:
                if peer.match < wanted_from:
                    wanted_from = peer.match + 1
        log.trim(wanted_from, state.settings.tail_bytes_max)

    # ---------------------------------------------------------------------------- compaction

    def compaction_limit(self) -> int:
        """Up to here no peer in reach needs an entry; what lies above costs it a snapshot."""
        state = self._state
        limit = state.log.applied
        for peer in state.others:
            if peer.heard_at + state.settings.election_timeout > state.now:
                limit = min(limit, max(peer.match, peer.pending_snapshot))
        return limit

    def compact(self, to: int) -> None:
        """The shell is about to delete its log's entries up to `to`, which must be applied.

        A snapshot at or above `to` must be had, or be possible to make, from `Storage.snapshot`.
        """
        assert to <= self._state.log.applied
        self._state.log.trim(to + 1, 0)

    def check_invariants(self) -> None:
        """Everything that must hold between two events; for tests, it takes its time."""
        self._state.check_invariants()

    def _set_time(self, now: int) -> ReplicaState:
        state = self._state
        if now > state.now:
            state.now = now
        return state

    def _act_as_leader(self, now: int) -> ReplicaState:
        state = self._set_time(now)
        if state.quiesced:
            wake(state)
        if state.role is not Role.LEADER:
            raise NotLeader(state.leader)
        state.active_at = now
        return state
