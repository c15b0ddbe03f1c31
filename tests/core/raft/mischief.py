"""What goes wrong in the hostile world of world.py: each fault a method, drawn by weight.

A history draws a few kinds of faults and goes deep into them, or all kinds. Some are aimed: they
bring about the circumstances in which a lease, a vote or a joint configuration would break.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stator_core.raft.membership import Change, ChangeKind, MembershipChange
from stator_core.raft.messages import Configuration
from stator_core.raft.raft import Raft

if TYPE_CHECKING:
    from world import Machine, World

REPLICAS_EVER_MAX = 9


class Mischief:
    """The faults of one history."""

    def __init__(self, world: World) -> None:
        self.world = world
        # A history of few kinds of faults goes deeper into them than one of all kinds.
        self.chosen = self.kinds_of_mischief()
        self.bursts = world.random.choice((0.0, 0.1, 0.5))
        if world.random.random() < 0.7:
            self.chosen = world.random.sample(self.chosen, world.random.randint(1, 4))
            self.chosen.append((self.heal, max(weight for _, weight in self.chosen)))

    def strike(self) -> None:
        """Bursts of faults, with pauses in which something may be achieved that can be broken."""
        if self.world.calm:
            return
        burst = self.world.random.random() < self.bursts
        self.world.at(
            self.world.random.randint(1, 60) if burst else self.world.random.randint(300, 3_000),
            self.strike,
        )
        leaders = [one for one in self.world.machines.values() if one.raft and one.raft.leads]
        everybody = list(self.world.machines.values())
        chosen = leaders if leaders and self.world.random.random() < 0.6 else everybody
        machine = self.world.random.choice(chosen)
        kinds, weights = zip(*self.chosen, strict=True)
        self.world.random.choices(kinds, weights)[0](machine)
        for one in self.world.machines.values():
            if self.world.now >= one.frozen_until:
                self.world.read_under_lease(one)

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
            (self.resign, 2),
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
            self.world.restart(machine)
        else:
            self.world.crash(machine)
            self.restart_later(machine)

    def power_cut(self, machine: Machine) -> None:
        for one in self.world.machines.values():
            self.world.crash(one)
            self.restart_later(one)

    def restart_later(self, machine: Machine) -> None:
        delay = self.world.random.choice((1, 1, 30, 500, 3_000))
        self.world.at(delay, lambda: self.world.restart(machine) if machine.raft is None else None)

    def freeze(self, machine: Machine) -> None:
        machine.frozen_until = self.world.now + self.world.random.choice((200, 950, 1_500, 4_000))

    def isolate(self, machine: Machine) -> None:
        """Cut off, in one direction or both, with as many friends as it happens to have."""
        others = sorted(set(self.world.machines) - {machine.replica})
        friends = self.world.random.sample(others, self.world.random.choice((0, 0, 1)))
        here = {machine.replica, *friends}
        there = set(others) - here
        directions = self.world.random.choice(("out", "in", "both", "both"))
        if directions != "in":
            self.world.cuts |= {(a, b) for a in here for b in there}
        if directions != "out":
            self.world.cuts |= {(b, a) for a in here for b in there}

    def voters(self, machine: Machine) -> list[int]:
        """Those who matter: cuts between others show nothing."""
        voters = machine.raft.configuration.voters if machine.raft else frozenset()
        return sorted(voters) or sorted(self.world.machines)

    def cut_links(self, machine: Machine) -> None:
        voters = self.voters(machine)
        for _ in range(self.world.random.randint(1, 3)):
            self.world.cuts.add(
                (self.world.random.choice(voters), self.world.random.choice(voters))
            )

    def slow_down(self, machine: Machine) -> None:
        everybody = sorted(self.world.machines)
        for _ in range(self.world.random.randint(1, 6)):
            self.world.slow_links.add((self.world.random.choice(everybody), machine.replica))
            self.world.slow_links.add((machine.replica, self.world.random.choice(everybody)))

    def heal(self, machine: Machine) -> None:
        self.world.cuts, self.world.slow_links = set(), set()

    def silence(self, machine: Machine) -> None:
        """Answers reach this replica late; a while later, nothing of it reaches anybody."""
        others = set(self.world.machines) - {machine.replica}
        self.world.slow_links |= {(other, machine.replica) for other in others}

        def cut() -> None:
            if not self.world.calm:
                self.world.cuts |= {(machine.replica, other) for other in others}

        self.world.at(self.world.random.randint(300, 1_500), cut)

    def usurp(self, machine: Machine) -> None:
        """The leader is cut off, and the others campaign as soon as their promise lets them."""
        others = [one for one in self.world.machines.values() if one is not machine]
        self.world.cuts |= {(machine.replica, one.replica) for one in others}
        self.world.cuts |= {(one.replica, machine.replica) for one in others}
        for delay in range(900, 1_100, 15):
            one = self.world.random.choice(others)
            self.world.at(delay, lambda m=one: self.campaign(m))

    def disturb(self, machine: Machine) -> None:
        """One voter does not hear the leader, which a while later hears nobody itself.

        Nothing is written meanwhile, lest that voter's log be too old to win.
        """
        voters = [one for one in self.voters(machine) if one != machine.replica]
        if not voters:
            return
        deaf = self.world.random.choice(voters)
        self.world.clients_pause_until = self.world.now + 1_080
        self.world.cuts |= {(machine.replica, deaf), (deaf, machine.replica)}

        def cut() -> None:
            if not self.world.calm:
                self.world.cuts |= {(other, machine.replica) for other in self.world.machines}

        self.world.at(self.world.random.randint(700, 1_100), cut)
        for delay in range(960, 1_100, 15):
            self.world.at(delay, lambda: self.campaign(self.world.machines[deaf]))

    def coup(self, machine: Machine) -> None:
        """The others restart at once and try to elect somebody while the leader still leads."""
        others = [one for one in self.world.machines.values() if one is not machine]
        self.world.cuts |= {(machine.replica, one.replica) for one in others}
        self.world.cuts |= {(one.replica, machine.replica) for one in others}
        for one in others:
            self.world.crash(one)
            self.world.at(1, lambda m=one: self.world.restart(m) if m.raft is None else None)
            self.world.at(self.world.random.randint(2, 30), lambda m=one: self.campaign(m))

    def late_transfer(self, machine: Machine) -> None:
        """TimeoutNow arrives when the leader hears nobody, perhaps long after it gave up."""
        self.world.timeout_now_delay = self.world.random.choice((20, 1_200, 1_200, 2_000))
        self.transfer(machine)

        def deafen() -> None:
            if not self.world.calm:
                self.world.cuts |= {(other, machine.replica) for other in self.world.machines}

        self.world.at(self.world.timeout_now_delay - self.world.random.randint(1, 20), deafen)

    def transfer(self, machine: Machine) -> None:
        target = self.world.random.choice(self.voters(machine))
        self.world.ask_leader(lambda raft, now: raft.transfer_leadership(now, target))

    def resign(self, machine: Machine) -> None:
        """As a leader whose disk refuses, or that hears nobody; its last words may come late."""
        self.world.timeout_now_delay = self.world.random.choice((0, 20, 1_200))
        self.world.ask_leader(lambda raft, now: raft.resign(now))

    def campaign(self, machine: Machine) -> None:
        raft = machine.raft
        if raft is not None and self.world.now >= machine.frozen_until:
            self.world.event(machine, lambda: raft.campaign(self.world.clock(machine)))

    def wake(self, machine: Machine) -> None:
        raft = machine.raft
        if raft is not None and self.world.now >= machine.frozen_until:
            self.world.event(machine, lambda: raft.wake(self.world.clock(machine)))

    def join(self, machine: Machine) -> None:
        """An empty replica joins, as a learner mostly: it needs a snapshot."""
        if len(self.world.machines) < REPLICAS_EVER_MAX:
            replica = len(self.world.machines) + 1
            self.world.add_machine(replica, Configuration())
            kind = self.world.random.choice((ChangeKind.ADD_LEARNER, ChangeKind.ADD_VOTER))
            self.propose_change(lambda voters: (Change(kind, replica),))

    def fall_behind(self, machine: Machine) -> None:
        """A replica is down while the others forget what it would need."""
        self.world.crash(machine)
        self.world.at(1_500, lambda: self.world.restart(machine) if machine.raft is None else None)
        for delay in (700, 1_400):
            for one in self.world.machines.values():
                self.world.at(delay, lambda m=one: self.compact(m, everything=True))

    def change_membership(self, machine: Machine) -> None:
        """One replica leaves, comes back, or changes its role."""
        replica = self.world.random.choice(sorted(self.world.machines))
        kind = self.world.random.choice(list(ChangeKind))
        self.propose_change(lambda voters: (Change(kind, replica),))

    def replace_members(self, machine: Machine) -> None:
        """Other voters, few of them the old ones: only a joint configuration can do that."""
        wanted = set(
            self.world.random.sample(sorted(self.world.machines), min(3, len(self.world.machines)))
        )

        def changes(voters: frozenset[int]) -> tuple[Change, ...]:
            added = [Change(ChangeKind.ADD_VOTER, one) for one in sorted(wanted - voters)]
            removed = [
                Change(self.world.random.choice((ChangeKind.REMOVE, ChangeKind.ADD_LEARNER)), one)
                for one in sorted(voters - wanted)
            ]
            return (*added, *removed)

        self.propose_change(changes)

    def replace_and_cut(self, machine: Machine) -> None:
        """Somewhere in the middle of a joint configuration its leader is cut off."""
        self.replace_members(machine)
        self.world.at(
            self.world.random.randint(1, 120),
            lambda: None if self.world.calm else self.isolate(machine),
        )
        if self.world.random.random() < 0.5:
            self.world.at(130, lambda: None if self.world.calm else self.isolate(machine))

    def propose_change(self, changes: Callable[[frozenset[int]], tuple[Change, ...]]) -> None:
        def propose(raft: Raft, now: int) -> None:
            wanted = changes(raft.configuration.voters)
            removed = {one.replica for one in wanted if one.kind is not ChangeKind.ADD_VOTER}
            if raft.configuration.joint:
                raft.propose_change(now, MembershipChange())
            elif wanted and len(raft.configuration.voters - removed) >= 1:
                automatic = self.world.random.random() < 0.7
                raft.propose_change(now, MembershipChange(wanted, auto_leave=automatic))
                self.world.counts["changes"] += 1

        self.world.ask_leader(propose)

    def compact(self, machine: Machine, everything: bool = False) -> None:
        raft = machine.raft
        if raft is None or not machine.applied.index:
            return
        to = self.world.random.choice((machine.applied_history[0].index, machine.applied.index))
        if everything:
            to = machine.applied.index
        elif self.world.random.random() < 0.5:
            to = min(to, raft.compaction_limit())
        if to < machine.synced.first_index():
            return
        raft.compact(to)
        for storage in (machine.synced, machine.storage):
            storage.take_snapshot(machine.applied.index, machine.applied.configuration)
            storage.compact(to)
