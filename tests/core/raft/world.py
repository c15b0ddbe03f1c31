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

from stator_core.raft.membership import Change, ChangeKind, MembershipChange
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
REPLICAS_EVER_MAX = 9


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
        # A history of few kinds of faults goes deeper into them than one of all kinds.
        self.mischiefs = self.kinds_of_mischief()
        self.bursts = self.random.choice((0.0, 0.1, 0.5))
        if self.random.random() < 0.7:
            self.mischiefs = self.random.sample(self.mischiefs, self.random.randint(1, 4))
            self.mischiefs.append((self.heal, max(weight for _, weight in self.mischiefs)))
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
        self.at(50, self.mischief)
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

    # -------------------------------------------------------------------------------- faults

    def mischief(self) -> None:
        """Bursts of faults, with pauses in which something may be achieved that can be broken."""
        if self.calm:
            return
        burst = self.random.random() < self.bursts
        self.at(
            self.random.randint(1, 60) if burst else self.random.randint(300, 3_000),
            self.mischief,
        )
        leaders = [one for one in self.machines.values() if one.raft and one.raft.leads]
        everybody = list(self.machines.values())
        chosen = leaders if leaders and self.random.random() < 0.6 else everybody
        machine = self.random.choice(chosen)
        kinds, weights = zip(*self.mischiefs, strict=True)
        self.random.choices(kinds, weights)[0](machine)
        for one in self.machines.values():
            if self.now >= one.frozen_until:
                self.read_under_lease(one)

    def kinds_of_mischief(self) -> list[tuple[Callable[[Machine], None], int]]:
        return [
            (self.crash_or_restart, 4),
            (self.power_cut, 1),
            (self.freeze, 3),
            (self.isolate, 4),
            (self.cut_links, 3),
            (self.slow_down, 2),
            (self.heal, 8),
            (self.silence, 3),
            (self.coup, 3),
            (self.usurp, 3),
            (self.disturb, 3),
            (self.transfer, 2),
            (self.late_transfer, 3),
            (self.change_membership, 6),
            (self.replace_members, 3),
            (self.replace_and_cut, 3),
            (self.compact, 4),
            (self.join, 3),
            (self.fall_behind, 3),
            (self.campaign, 3),
            (self.wake, 1),
        ]

    def crash_or_restart(self, machine: Machine) -> None:
        if machine.raft is None:
            self.restart(machine)
        else:
            self.crash(machine)
            self.restart_later(machine)

    def power_cut(self, machine: Machine) -> None:
        for one in self.machines.values():
            self.crash(one)
            self.restart_later(one)

    def restart_later(self, machine: Machine) -> None:
        delay = self.random.choice((1, 1, 30, 500, 3_000))
        self.at(delay, lambda: self.restart(machine) if machine.raft is None else None)

    def freeze(self, machine: Machine) -> None:
        machine.frozen_until = self.now + self.random.choice((200, 950, 1_500, 4_000))

    def isolate(self, machine: Machine) -> None:
        """Cut off, in one direction or both, with as many friends as it happens to have."""
        others = sorted(set(self.machines) - {machine.replica})
        friends = self.random.sample(others, self.random.choice((0, 0, 1)))
        here = {machine.replica, *friends}
        there = set(others) - here
        directions = self.random.choice(("out", "in", "both", "both"))
        if directions != "in":
            self.cuts |= {(a, b) for a in here for b in there}
        if directions != "out":
            self.cuts |= {(b, a) for a in here for b in there}

    def voters(self, machine: Machine) -> list[int]:
        """Those who matter: cuts between others show nothing."""
        voters = machine.raft.configuration.voters if machine.raft else frozenset()
        return sorted(voters) or sorted(self.machines)

    def cut_links(self, machine: Machine) -> None:
        voters = self.voters(machine)
        for _ in range(self.random.randint(1, 3)):
            self.cuts.add((self.random.choice(voters), self.random.choice(voters)))

    def slow_down(self, machine: Machine) -> None:
        everybody = sorted(self.machines)
        for _ in range(self.random.randint(1, 6)):
            self.slow_links.add((self.random.choice(everybody), machine.replica))
            self.slow_links.add((machine.replica, self.random.choice(everybody)))

    def heal(self, machine: Machine) -> None:
        self.cuts, self.slow_links = set(), set()

    def silence(self, machine: Machine) -> None:
        """Answers reach this replica late; a while later, nothing of it reaches anybody."""
        others = set(self.machines) - {machine.replica}
        self.slow_links |= {(other, machine.replica) for other in others}

        def cut() -> None:
            if not self.calm:
                self.cuts |= {(machine.replica, other) for other in others}

        self.at(self.random.randint(300, 1_500), cut)

    def usurp(self, machine: Machine) -> None:
        """The leader is cut off, and the others campaign as soon as their promise lets them."""
        others = [one for one in self.machines.values() if one is not machine]
        self.cuts |= {(machine.replica, one.replica) for one in others}
        self.cuts |= {(one.replica, machine.replica) for one in others}
        for delay in range(900, 1_100, 15):
            one = self.random.choice(others)
            self.at(delay, lambda m=one: self.campaign(m))

    def disturb(self, machine: Machine) -> None:
        """One voter does not hear the leader, which a while later hears nobody itself.

        Nothing is written meanwhile, lest that voter's log be too old to win.
        """
        voters = [one for one in self.voters(machine) if one != machine.replica]
        if not voters:
            return
        deaf = self.random.choice(voters)
        self.clients_pause_until = self.now + 1_080
        self.cuts |= {(machine.replica, deaf), (deaf, machine.replica)}

        def cut() -> None:
            if not self.calm:
                self.cuts |= {(other, machine.replica) for other in self.machines}

        self.at(self.random.randint(700, 1_100), cut)
        for delay in range(960, 1_100, 15):
            self.at(delay, lambda: self.campaign(self.machines[deaf]))

    def coup(self, machine: Machine) -> None:
        """The others restart at once and try to elect somebody while the leader still leads."""
        others = [one for one in self.machines.values() if one is not machine]
        self.cuts |= {(machine.replica, one.replica) for one in others}
        self.cuts |= {(one.replica, machine.replica) for one in others}
        for one in others:
            self.crash(one)
            self.at(1, lambda m=one: self.restart(m) if m.raft is None else None)
            self.at(self.random.randint(2, 30), lambda m=one: self.campaign(m))

    def late_transfer(self, machine: Machine) -> None:
        """TimeoutNow arrives when the leader hears nobody, perhaps long after it gave up."""
        self.timeout_now_delay = self.random.choice((20, 1_200, 1_200, 2_000))
        self.transfer(machine)

        def deafen() -> None:
            if not self.calm:
                self.cuts |= {(other, machine.replica) for other in self.machines}

        self.at(self.timeout_now_delay - self.random.randint(1, 20), deafen)

    def transfer(self, machine: Machine) -> None:
        target = self.random.choice(self.voters(machine))
        self.ask_leader(lambda raft, now: raft.transfer_leadership(now, target))

    def campaign(self, machine: Machine) -> None:
        raft = machine.raft
        if raft is not None and self.now >= machine.frozen_until:
            self.event(machine, lambda: raft.campaign(self.clock(machine)))

    def wake(self, machine: Machine) -> None:
        raft = machine.raft
        if raft is not None and self.now >= machine.frozen_until:
            self.event(machine, lambda: raft.wake(self.clock(machine)))

    def join(self, machine: Machine) -> None:
        """An empty replica joins, as a learner mostly: it needs a snapshot."""
        if len(self.machines) < REPLICAS_EVER_MAX:
            replica = len(self.machines) + 1
            self.add_machine(replica, Configuration())
            kind = self.random.choice((ChangeKind.ADD_LEARNER, ChangeKind.ADD_VOTER))
            self.propose_change(lambda voters: (Change(kind, replica),))

    def fall_behind(self, machine: Machine) -> None:
        """A replica is down while the others forget what it would need."""
        self.crash(machine)
        self.at(1_500, lambda: self.restart(machine) if machine.raft is None else None)
        for delay in (700, 1_400):
            for one in self.machines.values():
                self.at(delay, lambda m=one: self.compact(m, everything=True))

    def change_membership(self, machine: Machine) -> None:
        """One replica leaves, comes back, or changes its role."""
        replica = self.random.choice(sorted(self.machines))
        kind = self.random.choice(list(ChangeKind))
        self.propose_change(lambda voters: (Change(kind, replica),))

    def replace_members(self, machine: Machine) -> None:
        """Other voters, few of them the old ones: only a joint configuration can do that."""
        wanted = set(self.random.sample(sorted(self.machines), min(3, len(self.machines))))

        def changes(voters: frozenset[int]) -> tuple[Change, ...]:
            added = [Change(ChangeKind.ADD_VOTER, one) for one in sorted(wanted - voters)]
            removed = [
                Change(self.random.choice((ChangeKind.REMOVE, ChangeKind.ADD_LEARNER)), one)
                for one in sorted(voters - wanted)
            ]
            return (*added, *removed)

        self.propose_change(changes)

    def replace_and_cut(self, machine: Machine) -> None:
        """Somewhere in the middle of a joint configuration its leader is cut off."""
        self.replace_members(machine)
        self.at(self.random.randint(1, 120), lambda: None if self.calm else self.isolate(machine))
        if self.random.random() < 0.5:
            self.at(130, lambda: None if self.calm else self.isolate(machine))

    def propose_change(self, changes: Callable[[frozenset[int]], tuple[Change, ...]]) -> None:
        def propose(raft: Raft, now: int) -> None:
            wanted = changes(raft.configuration.voters)
            removed = {one.replica for one in wanted if one.kind is not ChangeKind.ADD_VOTER}
            if raft.configuration.joint:
                raft.propose_change(now, MembershipChange())
            elif wanted and len(raft.configuration.voters - removed) >= 1:
                automatic = self.random.random() < 0.7
                raft.propose_change(now, MembershipChange(wanted, auto_leave=automatic))
                self.counts["changes"] += 1

        self.ask_leader(propose)

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

    def compact(self, machine: Machine, everything: bool = False) -> None:
        raft = machine.raft
        if raft is None or not machine.applied.index:
            return
        to = self.random.choice((machine.applied_history[0].index, machine.applied.index))
        if everything:
            to = machine.applied.index
        elif self.random.random() < 0.5:
            to = min(to, raft.compaction_limit())
        if to < machine.synced.first_index():
            return
        raft.compact(to)
        for storage in (machine.synced, machine.storage):
            storage.take_snapshot(machine.applied.index, machine.applied.configuration)
            storage.compact(to)

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
