"""A small hostile world for Raft alone: one seed, one history, checked while it happens.

Replicas with clocks that drift, a network that delays, drops, duplicates, reorders and splits,
disks that lose what was not synced, freezes, crashes, membership changes, transfers, snapshots.
After every event the replica's invariants hold, and the observers below hold for the whole group:

* one leader per term (election safety)
* entries of one index and term are the same everywhere, and so is what precedes them (log matching)
* a new leader has every committed entry (leader completeness)
* nobody applies another entry at an index than others did (state-machine safety)
* neither a lease read nor a read-index read misses a write acknowledged before it began

test_random_histories.py runs it; the figures are milliseconds of true time.
"""

from __future__ import annotations

import contextlib
import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from mischief import Mischief

from stator_core.raft.membership import MembershipChange
from stator_core.raft.memory_storage import MemoryStorage
from stator_core.raft.messages import (
    Configuration,
    Entry,
    InstallSnapshot,
    Message,
    RequestVote,
    RequestVoteResponse,
    Role,
    TimeoutNow,
)
from stator_core.raft.raft import Raft, Start
from stator_core.raft.ready import Ready
from stator_core.raft.refusals import Refusal
from stator_core.raft.settings import Settings

SETTINGS = Settings(
    quiesce_after=700,
    append_bytes_max=200,
    inflight_bytes_max=2_000,
    inflight_messages_max=4,
    uncommitted_bytes_max=2_000,
    apply_bytes_max=500,
    tail_bytes_max=300,
)


@dataclass
class Applied:
    """What a state machine holds: everything up to an index, and the configuration there."""

    index: int
    configuration: Configuration


@dataclass
class Machine:
    """One replica with its disk and clock."""

    replica: int
    storage: MemoryStorage
    synced: MemoryStorage
    applied: Applied
    clock_offset: int
    clock_rate: float
    raft: Raft | None = None
    life: int = 0  # callbacks of an earlier life are void
    timer: int = 0  # and so are timers but the newest
    frozen_until: int = 0
    writes: deque[Ready] = field(default_factory=deque)
    writing: bool = False
    applies: deque[Ready] = field(default_factory=deque)
    applied_history: list[Applied] = field(default_factory=list)
    inbox: list[Message] = field(default_factory=list)
    waiting: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # index -> term, data
    reads: dict[int, int] = field(default_factory=dict)  # context -> acknowledged when it began
    ready_reads: list[tuple[int, int]] = field(default_factory=list)  # index, context


class World:
    """See the module."""

    def __init__(self, seed: int, replicas: int) -> None:
        self.random = random.Random(seed)
        self.now = 0
        self.events: list[tuple[int, int, Callable[[], None]]] = []
        self.sequence = 0
        self.machines: dict[int, Machine] = {}
        self.cuts: set[tuple[int, int]] = set()  # (sender, receiver) whose messages are lost
        self.slow_links: set[tuple[int, int]] = set()
        self.timeout_now_delay = 0
        self.clients_pause_until = 0
        self.calm = False
        self.written = 0
        self.read_contexts = 0
        # The observers' notes.
        self.leaders: dict[int, int] = {}  # term -> replica
        self.seen: dict[tuple[int, int], tuple[bytes, int]] = {}  # (index, term) -> data, before
        self.applied: dict[int, Entry] = {}
        self.applied_term: dict[int, int] = {}  # index -> the term that its first applier was in
        self.acknowledged = 0
        self.counts = dict.fromkeys(
            ("acknowledged", "lease reads", "index reads", "elections", "changes", "snapshots"), 0
        )
        self.mischief = Mischief(self)
        self.rough = self.random.random() < 0.5  # single messages are lost or late, too
        voters = frozenset(range(1, replicas + 1))
        # Learners that have everything can take the voters' place at once.
        spare = frozenset(range(replicas + 1, replicas + 1 + self.random.choice((0, 2, 3))))
        for replica in sorted(voters | spare):
            self.add_machine(replica, Configuration(voters=voters, learners=spare))

    # ----------------------------------------------------------------------------- machinery

    def at(self, delay: int, call: Callable[[], None]) -> None:
        self.sequence += 1
        heapq.heappush(self.events, (self.now + delay, self.sequence, call))

    def chance(self, probability: float) -> bool:
        return not self.calm and self.random.random() < probability

    def run(self, steps: int) -> None:
        """So many events of a hostile world."""
        self.at(0, self.client)
        self.at(50, self.mischief.strike)
        for _ in range(steps):
            self.one_event()

    def one_event(self) -> None:
        self.now, _, call = heapq.heappop(self.events)
        call()

    def settle(self) -> None:
        """The faults end; within bounded time the group must serve again."""
        self.calm = True
        self.cuts, self.slow_links = set(), set()
        for machine in self.machines.values():
            machine.frozen_until = 0
            if machine.raft is None:
                self.restart(machine)
        self.at(500, self.leave_joint)
        goal = self.now + 60_000
        wanted = self.acknowledged + 3
        while self.acknowledged < wanted or not self.converged():
            assert self.now < goal, f"no progress: {self.describe()}"
            self.one_event()

    def converged(self) -> bool:
        leaders = [m for m in self.machines.values() if m.raft and m.raft.leads]
        if not leaders:
            return False
        newest = max(leaders, key=lambda m: m.raft.term if m.raft else 0)
        assert newest.raft is not None
        members = newest.raft.configuration.members
        return not newest.raft.configuration.joint and all(
            self.machines[replica].applied.index >= self.acknowledged for replica in members
        )

    def describe(self) -> str:
        return "\n".join(
            f"{m.replica}: {m.raft.role.value} term {m.raft.term} commit {m.raft.commit_index}"
            f" applied {m.applied.index} last {m.raft.last_index} {m.raft.configuration}"
            f" {m.raft.ignored} quiet {m.raft.quiesced}"
            for m in self.machines.values()
            if m.raft
        )

    # ------------------------------------------------------------------------------ machines

    def add_machine(self, replica: int, configuration: Configuration) -> Machine:
        member = replica in configuration.members
        storage = MemoryStorage.bootstrapped(configuration) if member else MemoryStorage()
        machine = Machine(
            replica,
            storage,
            storage.copy(),
            Applied(1, configuration) if member else Applied(0, Configuration()),
            clock_offset=self.random.randrange(1_000_000),
            clock_rate=self.random.uniform(0.96, 1.04),
        )
        self.machines[replica] = machine
        self.restart(machine)
        return machine

    def clock(self, machine: Machine) -> int:
        return machine.clock_offset + int(self.now * machine.clock_rate)

    def restart(self, machine: Machine) -> None:
        machine.life += 1
        start = Start(
            machine.replica,
            machine.applied.index,
            machine.applied.configuration,
            self.clock(machine),
        )
        machine.raft = Raft(start, machine.storage, SETTINGS, self.random.randrange)
        machine.applied_history = [machine.applied]
        self.schedule_tick(machine)

    def crash(self, machine: Machine) -> None:
        """Lose what was not synced; of the writes under way some may have reached the disk."""
        if machine.raft is None:
            return
        machine.raft = None
        machine.life += 1
        machine.timer += 1
        survivors = self.random.randint(0, len(machine.writes))
        for ready in list(machine.writes)[:survivors]:
            self.write(machine, ready)
        machine.storage = machine.synced.copy()
        machine.writes.clear()
        machine.writing = False
        machine.applies.clear()
        machine.inbox.clear()
        machine.waiting.clear()
        machine.reads.clear()
        machine.ready_reads.clear()
        first = machine.storage.first_index()
        possible = [one for one in machine.applied_history if one.index >= first - 1]
        machine.applied = self.random.choice(possible)

    def write(self, machine: Machine, ready: Ready) -> None:
        storage = machine.synced
        if ready.snapshot is not None:
            storage.install(ready.snapshot)
            machine.applied = Applied(ready.snapshot.index, ready.snapshot.configuration)
            machine.applied_history = [machine.applied]
        storage.write(ready.hard_state, ready.entries)

    def schedule_tick(self, machine: Machine) -> None:
        if machine.raft is None:
            return
        deadline = machine.raft.deadline()
        if deadline is None:
            return
        delay = max(1, int((deadline - self.clock(machine)) / machine.clock_rate) + 1)
        machine.timer += 1
        timer = machine.timer

        def tick() -> None:
            raft = machine.raft
            if machine.timer != timer or raft is None:
                return
            if self.now < machine.frozen_until:
                self.at(machine.frozen_until - self.now, tick)
                return
            due = raft.deadline()
            if due is not None and due <= self.clock(machine):
                self.event(machine, lambda: raft.tick(self.clock(machine)))
            self.schedule_tick(machine)

        self.at(delay, tick)

    def event(self, machine: Machine, call: Callable[[], object]) -> None:
        """One event, its Readies, the observers."""
        raft = machine.raft
        assert raft is not None
        deadline = raft.deadline()
        term, role = raft.term, raft.role
        refusal: Refusal | None = None
        try:
            call()
        except Refusal as refused:
            refusal = refused  # The event may have woken the replica all the same.
        raft.check_invariants()
        while (ready := raft.ready()) is not None:
            raft.check_invariants()
            self.obey(machine, ready)
        if raft.role is Role.LEADER and (role is not Role.LEADER or raft.term != term):
            self.observe_leader(raft)
        self.read_under_lease(machine)
        if raft.deadline() != deadline:
            self.schedule_tick(machine)
        if refusal is not None:
            raise refusal

    def obey(self, machine: Machine, ready: Ready) -> None:
        for message in ready.messages:
            self.send(machine, message)
        for entry in ready.entries:
            self.observe_entry(machine, entry)
        for read in ready.read_states:
            context = read.context
            assert isinstance(context, int)
            machine.ready_reads.append((read.index, context))
        if ready.number:
            machine.writes.append(ready)
            self.start_write(machine)
        if ready.committed:
            machine.applies.append(ready)
            self.start_apply(machine)
        if ready.soft_state is not None and ready.soft_state.role is not Role.LEADER:
            machine.waiting.clear()
            machine.reads.clear()
        self.finish_reads(machine)

    def start_write(self, machine: Machine) -> None:
        """The disk takes all that waits at once: group commit."""
        if machine.writing or not machine.writes:
            return
        machine.writing = True
        batch, life = len(machine.writes), machine.life
        slow = self.chance(0.05)
        delay = self.random.randint(30, 700) if slow else self.random.randint(0, 12)

        def written() -> None:
            raft = machine.raft
            if machine.life != life or raft is None:
                return
            done = [machine.writes.popleft() for _ in range(batch)]
            for ready in done:
                self.write(machine, ready)
            self.share(machine)
            machine.writing = False
            for ready in done:
                for message in ready.messages_after_persistence:
                    self.send(machine, message)
            number = done[-1].number
            self.event(machine, lambda: raft.persisted(self.clock(machine), number))
            self.start_write(machine)

        self.at(delay, written)

    def share(self, machine: Machine) -> None:
        """The running replica sees what was synced (it sees nothing else)."""
        fresh = machine.synced.copy()
        for name in ("_before", "_entries", "_hard_state", "_snapshot"):
            setattr(machine.storage, name, getattr(fresh, name))

    def start_apply(self, machine: Machine) -> None:
        life = machine.life
        delay = self.random.randint(1, 200) if self.chance(0.05) else 0

        def apply() -> None:
            raft = machine.raft
            if machine.life != life or raft is None or not machine.applies:
                return
            ready = machine.applies.popleft()
            if ready.committed[0].index <= machine.applied.index:
                return  # A snapshot was faster.
            for entry in ready.committed:
                self.apply(machine, entry)
            configuration = ready.configuration or machine.applied.configuration
            machine.applied = Applied(ready.committed[-1].index, configuration)
            machine.applied_history.append(machine.applied)
            del machine.applied_history[:-20]
            self.acknowledge(machine, ready)
            index = machine.applied.index
            self.event(machine, lambda: raft.applied(self.clock(machine), index))

        self.at(delay, apply)

    def acknowledge(self, machine: Machine, ready: Ready) -> None:
        """The client hears of its write where it asked, if it is what was applied."""
        for entry in ready.committed:
            waiting = machine.waiting.pop(entry.index, None)
            if waiting == (entry.term, entry.data):
                self.acknowledged = max(self.acknowledged, entry.index)
                self.counts["acknowledged"] += 1

    # ------------------------------------------------------------------------------- network

    def send(self, machine: Machine, message: Message) -> None:
        if self.rough and self.chance(0.03):
            if isinstance(message, InstallSnapshot):
                self.at(20, lambda: self.snapshot_finished(message, delivered=False))
            return
        copies = 2 if self.chance(0.03) else 1
        for _ in range(copies):
            delay = self.random.randint(1, 15)
            about_votes = isinstance(message, TimeoutNow | RequestVote | RequestVoteResponse)
            if isinstance(message, TimeoutNow) and self.timeout_now_delay:
                delay, self.timeout_now_delay = self.timeout_now_delay, 0
            elif self.rough and self.chance(0.1 if about_votes else 0.01):
                delay = self.random.randint(100, 4_000)
            elif (message.sender, message.receiver) in self.slow_links:
                delay = self.random.randint(50, 1_500)
            self.at(delay, lambda: self.arrive(message))

    def snapshot_finished(self, message: InstallSnapshot, delivered: bool) -> None:
        sender = self.machines[message.sender]
        raft = sender.raft
        if raft is not None:
            now, receiver = self.clock(sender), message.receiver
            self.event(sender, lambda: raft.snapshot_finished(now, receiver, delivered=delivered))

    def arrive(self, message: Message) -> None:
        machine = self.machines[message.receiver]
        if self.now < machine.frozen_until:
            self.at(machine.frozen_until - self.now, lambda: self.arrive(message))
            return
        cut = (message.sender, message.receiver) in self.cuts
        raft = machine.raft
        if isinstance(message, InstallSnapshot):
            self.counts["snapshots"] += 1
            self.snapshot_finished(message, delivered=not cut and raft is not None)
        if raft is not None and not cut:
            self.event(machine, lambda: raft.step(self.clock(machine), message))

    # ------------------------------------------------------------------------------- clients

    def client(self) -> None:
        """Writes and reads come all the time, to whoever may lead; sometimes there are none."""
        pause = self.random.randint(1_000, 3_000) if self.chance(0.01) else 0
        self.at(pause + self.random.randint(1, 20), self.client)
        if self.now < self.clients_pause_until:
            return
        # A leader that nobody follows any more is asked as often as the one they follow.
        leaders = [one for one in self.machines.values() if one.raft and one.raft.leads]
        everybody = list(self.machines.values())
        asked = leaders if leaders and self.random.random() < 0.8 else everybody
        machine = self.random.choice(asked)
        raft = machine.raft
        if raft is None or self.now < machine.frozen_until:
            return
        try:
            if self.random.random() < 0.7:
                self.written += 1
                data = b"%d" % self.written + b"." * self.random.choice((0, 0, 0, 100, 300))

                def propose() -> None:
                    index = raft.propose(self.clock(machine), data)
                    machine.waiting[index] = (raft.term, data)

                self.event(machine, propose)
            else:
                self.read_contexts += 1
                context = self.read_contexts
                machine.reads[context] = self.acknowledged
                self.event(machine, lambda: raft.read_index(self.clock(machine), context))
        except Refusal:
            return

    def finish_reads(self, machine: Machine) -> None:
        assert machine.raft is not None
        for index, context in machine.ready_reads:
            began = machine.reads.pop(context, None)
            if began is not None:
                assert index >= began, "a read-index read missed an acknowledged write"
                self.counts["index reads"] += 1
        machine.ready_reads.clear()

    def read_under_lease(self, machine: Machine) -> None:
        raft = machine.raft
        if raft is not None and raft.lease_valid(self.clock(machine)):
            self.counts["lease reads"] += 1
            assert machine.applied.index >= self.acknowledged, (
                f"replica {machine.replica} reads {machine.applied.index} under its lease,"
                f" but {self.acknowledged} was acknowledged"
            )

    # ------------------------------------------------------------------------- the leader

    def ask_leader(self, call: Callable[[Raft, int], None]) -> None:
        for machine in self.machines.values():
            raft = machine.raft
            if raft is not None and raft.leads and self.now >= machine.frozen_until:
                with contextlib.suppress(Refusal):
                    self.event(machine, lambda m=machine, r=raft: call(r, self.clock(m)))

    def leave_joint(self) -> None:
        """What an explicit joint configuration leaves to the shell."""

        def propose(raft: Raft, now: int) -> None:
            if raft.configuration.joint and not raft.configuration.auto_leave:
                raft.propose_change(now, MembershipChange())

        self.ask_leader(propose)
        self.at(500, self.leave_joint)

    # ----------------------------------------------------------------------------- observers

    def observe_leader(self, raft: Raft) -> None:
        self.counts["elections"] += 1
        known = self.leaders.setdefault(raft.term, raft.replica)
        assert known == raft.replica, f"two leaders in term {raft.term}"
        log = raft.state.log
        for index, entry in self.applied.items():
            # Votes may be delayed: a leader of an old term need not have what later ones committed.
            if index >= log.first_index and self.applied_term[index] < raft.term:
                assert log.matches(index, entry.term), f"the leader lacks committed entry {index}"

    def observe_entry(self, machine: Machine, entry: Entry) -> None:
        assert machine.raft is not None
        log = machine.raft.state.log
        before = log.term(entry.index - 1)
        known = self.seen.setdefault((entry.index, entry.term), (entry.data, before))
        assert known == (entry.data, before), f"two entries {entry.term}/{entry.index}"

    def apply(self, machine: Machine, entry: Entry) -> None:
        assert entry.index == machine.applied.index + 1, "applied out of order"
        machine.applied = Applied(entry.index, machine.applied.configuration)
        assert machine.raft is not None
        self.applied_term.setdefault(entry.index, machine.raft.term)
        known = self.applied.setdefault(entry.index, entry)
        assert known == entry, f"replica {machine.replica} applies another entry {entry.index}"
