"""How two partitions become one: docs/decisions/20261120-merging-partitions.md as a model.

Not the product: the protocol alone, so that each of its rules can be left out. Raft is taken for
granted: each group has one committed log, every replica applies it in order and at its own pace, a
leader is any replica that has applied all of it. Requests between partitions are never lost here,
they only come late, twice, and in any order; nodes crash and fall back to an earlier moment of
their disks. `walk` takes random steps; invariants are asserted in each. `Rules` leaves parts of
the protocol out, so that a test can ask whether they are needed.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

NODES = 3
FIRST_GROUPS = 3  # neighbours, each with one key: 0 | 1 | 2
GROUPS_MAX = 6
WRITES_MAX = 40
Request = tuple[Any, ...]
Entry = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the protocol leans on. Each may be left out by a test."""

    tombstones: bool = True  # nothing of an absorbed partition lives or begins again on a node
    absorbed_is_evidence: bool = True  # an epoch that has moved on is not enough for a thaw
    absorbed_is_inherited: bool = True  # by halves of a split, and by who absorbs the absorber
    waits_for_the_right: bool = True  # nobody absorbs on a node what is not frozen there yet
    asks_when_safe: bool = True  # nobody is asked to before the freeze is durable on every node
    epoch_counts: bool = True  # an absorption that was meant for another epoch changes nothing
    frozen_stays: bool = True  # a frozen partition neither splits nor absorbs


@dataclass(frozen=True, slots=True)
class State:
    """What a partition's log has made of it."""

    keys: tuple[int, ...]
    epoch: int = 1
    frozen: tuple[int, int] | None = None  # for whom, and for which epoch of it
    absorbed: frozenset[int] = frozenset()


@dataclass(slots=True)
class Replica:
    applied: int
    state: State


@dataclass(slots=True)
class Disk:
    """All of one node: its replicas, which share one store of items, and who may not come back."""

    replicas: dict[int, Replica] = field(default_factory=dict)
    items: dict[int, int] = field(default_factory=dict)  # key: the number of its last write
    gone: set[int] = field(default_factory=set)
    logged: dict[int, int] = field(default_factory=dict)  # what was applied was in the log before


class World:
    """The groups, the nodes, and the requests that were ever sent."""

    def __init__(self, chance: random.Random, rules: Rules) -> None:
        self.chance = chance
        self.rules = rules
        self.first = {group: State((group,)) for group in range(FIRST_GROUPS)}
        self.logs: dict[int, list[Entry]] = {group: [] for group in self.first}
        self.nodes = [Disk() for _ in range(NODES)]
        for disk in self.nodes:
            for group, state in self.first.items():
                disk.replicas[group] = Replica(0, state)
        self.saved = copy.deepcopy(self.nodes)
        self.requests: list[Request] = []
        self.latest = dict.fromkeys(range(FIRST_GROUPS), 0)
        self.writes = 0
        self.done: dict[str, int] = {}

    # Looking.

    def leaders(self) -> list[tuple[Disk, int, Replica]]:
        """Every replica that has applied all of its group's log."""
        return [
            (disk, group, replica)
            for disk in self.nodes
            for group, replica in disk.replicas.items()
            if replica.applied == len(self.logs[group]) and self.has_majority(group)
        ]

    def has_majority(self, group: int) -> bool:
        """A replica that does not know its state yet votes, too; one that is gone for ever not."""
        return sum(group not in disk.gone for disk in self.nodes) * 2 > NODES

    def serving(self) -> list[tuple[Disk, int, Replica]]:
        return [each for each in self.leaders() if each[2].state.frozen is None]

    # Steps.

    def step(self, *, calm: bool = False) -> None:
        """Something happens. In calm times nothing breaks, and nobody asks for new changes."""
        steps: list[tuple[Callable[[], None], int]] = [
            (self.apply, 6),
            (self.write, 3),
            (self.read, 2),
            (lambda: self.deliver(only_fit=calm), 4),
            (self.drive, 6 if calm else 3),
            (self.take_snapshot, 2),
        ]
        if not calm:
            steps += [(self.crash, 1), (self.save, 8), (self.plan, 3), (self.begin_again, 2)]
        work, weights = zip(*steps, strict=True)
        self.chance.choices(work, weights)[0]()

    def write(self) -> None:
        """A leader reads what is there and writes the next number on top of it."""
        serving = self.serving()
        if not serving or self.writes >= WRITES_MAX:
            return
        disk, group, replica = self.chance.choice(serving)
        key = self.chance.choice(replica.state.keys)
        self.check_latest(disk, key, f"group {group} writes on top of")
        self.writes += 1
        self.latest[key] = self.writes
        self.logs[group].append(("write", key, self.writes))

    def read(self) -> None:
        """A strong read, by whoever may answer it."""
        for disk, group, replica in self.serving():
            for key in replica.state.keys:
                self.check_latest(disk, key, f"group {group} answers")

    def check_latest(self, disk: Disk, key: int, what: str) -> None:
        found = disk.items.get(key, 0)
        assert found == self.latest[key], f"{what} {found} of key {key}, not {self.latest[key]}"

    def plan(self) -> None:
        """The planner wants neighbours merged, or a partition split, by what it saw somewhere."""
        disk = self.chance.choice(self.nodes)
        if not disk.replicas:
            return
        group = self.chance.choice(sorted(disk.replicas))
        state = disk.replicas[group].state
        if len(state.keys) > 1 and len(self.logs) < GROUPS_MAX and self.chance.random() < 0.5:
            self.ask("split", group, state.epoch)
        for other, replica in disk.replicas.items():
            if replica.state.keys[0] == state.keys[-1] + 1:
                self.ask("freeze", other, replica.state.epoch, group, state.epoch)

    def drive(self) -> None:
        """The supervisor sees a frozen partition somewhere, and does what follows from that."""
        disk = self.chance.choice(self.nodes)
        for group, replica in list(disk.replicas.items()):
            frozen = replica.state.frozen
            if frozen is None:
                continue
            left, epoch = frozen
            if not self.rules.asks_when_safe or self.is_safe(group, frozen):
                self.ask("absorb", left, epoch, group, replica.state)
            if self.chance.random() < 0.1:
                self.ask("refuse", left, epoch)
        for group, left, epoch in self.frozen_anywhere():
            if self.never(disk, group, left, epoch):
                self.ask("thaw", group, left, epoch)

    def is_safe(self, group: int, frozen: tuple[int, int]) -> bool:
        """Whether no crash takes the freeze away from any node."""
        return all(
            (replica := disk.replicas.get(group)) is not None and replica.state.frozen == frozen
            for disk in self.saved
        )

    def frozen_anywhere(self) -> set[tuple[int, int, int]]:
        return {
            (group, *replica.state.frozen)
            for disk in self.nodes
            for group, replica in disk.replicas.items()
            if replica.state.frozen is not None
        }

    def never(self, disk: Disk, group: int, left: int, epoch: int) -> bool:
        """Whether what is applied here proves that `left` will not absorb `group` any more."""
        for other, replica in disk.replicas.items():
            state = replica.state
            passed = other == left and state.epoch > epoch
            if passed or left in state.absorbed:
                if group not in state.absorbed or not self.rules.absorbed_is_evidence:
                    return True
        return False

    def ask(self, *request: Any) -> None:
        if request not in self.requests:
            self.requests.append(request)

    def deliver(self, *, only_fit: bool) -> None:
        """A request arrives, perhaps once more, and becomes an entry.

        A leader looks whether it fits, but what it has proposed and not applied yet may change
        that: so it may stand in the log anyway.
        """
        if not self.requests:
            return
        kind, group, *members = self.chance.choice(self.requests[-12:])
        leaders = [replica for _, each, replica in self.leaders() if each == group]
        if not leaders:
            return
        state = leaders[0].state
        if kind == "freeze":
            epoch, left, left_epoch = members
            if state.frozen is None and state.epoch == epoch:
                self.logs[group].append(("freeze", left, left_epoch))
        elif kind == "split":
            if state.epoch == members[0] and len(self.logs) < GROUPS_MAX:
                child = len(self.logs)
                self.logs[child] = []
                self.logs[group].append(("split", child))
        else:
            fits = state.frozen == tuple(members) if kind == "thaw" else state.epoch == members[0]
            if fits or not only_fit:
                self.logs[group].append((kind, *members))

    def take_snapshot(self) -> None:
        """A replica that is behind takes over a leader's whole state."""
        leaders = self.leaders()
        if not leaders:
            return
        source, group, leader = self.chance.choice(leaders)
        disk = self.chance.choice(self.nodes)
        if disk is source or group in disk.gone:
            return
        known = disk.replicas.get(group)
        if known is not None and known.applied >= leader.applied:
            return
        if (0 if known is None else known.applied) < disk.logged.get(group, 0):
            return  # It has that in its own log, which no crash takes away.
        if any(self.is_awaited(disk, each, group) for each in leader.state.absorbed):
            return
        if self.rules.tombstones:
            for each in leader.state.absorbed:
                self.bury(disk, each)
        if self.held_by_others(disk, leader.state.keys, {group}):
            return
        disk.replicas[group] = Replica(leader.applied, leader.state)
        for key in leader.state.keys:
            disk.items[key] = source.items.get(key, 0)

    @staticmethod
    def is_awaited(disk: Disk, right: int, coming: int) -> bool:
        """Whether another partition on the node is about to take over a frozen one."""
        replica = disk.replicas.get(right)
        frozen = None if replica is None else replica.state.frozen
        left = None if frozen is None or frozen[0] == coming else disk.replicas.get(frozen[0])
        return left is not None and frozen is not None and left.state.epoch == frozen[1]

    def begin_again(self) -> None:
        """A request to begin a partition comes late, where there is nothing of it any more."""
        disk = self.chance.choice(self.nodes)
        group = self.chance.randrange(FIRST_GROUPS)  # A child is born by its parent's split alone.
        if group not in disk.replicas and group not in disk.gone:
            disk.replicas[group] = Replica(0, self.first[group])

    def save(self) -> None:
        number = self.chance.randrange(NODES)
        self.saved[number] = copy.deepcopy(self.nodes[number])

    def crash(self) -> None:
        """The node is what its disk had synced. What is committed is in the logs all the same."""
        number = self.chance.randrange(NODES)
        logged = self.nodes[number].logged
        self.nodes[number] = copy.deepcopy(self.saved[number])
        self.nodes[number].logged = logged
        self.done["crash"] = self.done.get("crash", 0) + 1

    # The state machine.

    def apply(self) -> None:
        """Some replica applies its next entry, in one batch with all that follows from it."""
        disk = self.chance.choice(self.nodes)
        behind = [g for g, r in disk.replicas.items() if r.applied < len(self.logs[g])]
        if behind:
            self.apply_next(disk, self.chance.choice(sorted(behind)))

    def apply_next(self, disk: Disk, group: int) -> None:
        replica = disk.replicas[group]
        state = replica.state
        kind, *members = self.logs[group][replica.applied]
        after = state
        if kind == "write":
            key, number = members
            disk.items[key] = number
        elif kind == "freeze" and state.frozen is None:
            after = replace(state, frozen=tuple(members))
        elif kind == "thaw" and state.frozen == tuple(members):
            after = replace(state, frozen=None, epoch=state.epoch + 1)
        elif kind == "refuse" and state.epoch == members[0]:
            after = replace(state, epoch=state.epoch + 1)
        elif kind == "split" and len(state.keys) > 1 and self.may_change(state):
            after = self.split(disk, state, members[0])
        elif kind == "absorb":
            absorbed = self.absorb(disk, group, state, *members)
            if absorbed is None:
                return  # It waits.
            after = absorbed
        if after is not state:
            self.done[kind] = self.done.get(kind, 0) + 1
        disk.replicas[group] = Replica(replica.applied + 1, after)
        disk.logged[group] = max(replica.applied + 1, disk.logged.get(group, 0))

    def may_change(self, state: State) -> bool:
        return state.frozen is None or not self.rules.frozen_stays

    def split(self, disk: Disk, state: State, child: int) -> State:
        """The child begins with the right half, on the same nodes."""
        absorbed = state.absorbed if self.rules.absorbed_is_inherited else frozenset()
        right = State(state.keys[-1:], state.epoch + 1, None, absorbed)
        self.first.setdefault(child, right)
        if child not in disk.gone and child not in disk.replicas:
            disk.replicas[child] = Replica(0, right)
        return replace(state, keys=state.keys[:-1], epoch=state.epoch + 1)

    def absorb(
        self, disk: Disk, group: int, state: State, epoch: int, right: int, its: State
    ) -> State | None:
        """Take over what a frozen neighbour holds on this node. None: it is not there, or not yet.

        Where it never will be, a snapshot comes.
        """
        fits = state.epoch == epoch or not self.rules.epoch_counts
        if not fits or not self.may_change(state) or its.keys[0] != state.keys[-1] + 1:
            return state
        here = disk.replicas.get(right)
        if here is None or here.state.frozen != its.frozen:
            if self.rules.waits_for_the_right:
                return None
        if self.rules.tombstones:
            self.bury(disk, right)
        inherited = its.absorbed if self.rules.absorbed_is_inherited else frozenset()
        return State(
            state.keys + its.keys,
            max(state.epoch, its.epoch) + 1,
            None,
            state.absorbed | inherited | {right},
        )

    @staticmethod
    def bury(disk: Disk, group: int) -> None:
        disk.replicas.pop(group, None)
        disk.gone.add(group)

    @staticmethod
    def held_by_others(disk: Disk, keys: tuple[int, ...], but: set[int]) -> bool:
        return any(
            group not in but and set(replica.state.keys) & set(keys)
            for group, replica in disk.replicas.items()
        )

    # At rest.

    def is_at_rest(self) -> bool:
        """Everything is applied, and every key is served by exactly one partition."""
        behind = any(
            replica.applied < len(self.logs[group])
            for disk in self.nodes
            for group, replica in disk.replicas.items()
            if self.has_majority(group)
        )
        served = {
            key: {group for _, group, replica in self.serving() if key in replica.state.keys}
            for key in self.latest
        }
        return not behind and all(len(groups) == 1 for groups in served.values())


def walk(seed: int, rules: Rules | None = None, steps: int = 250) -> dict[str, int]:
    """A random history, then calm. Raises AssertionError; gives how often each thing happened."""
    world = World(random.Random(seed), rules or Rules())
    for _ in range(steps):
        world.step()
    for _ in range(6_000):
        if world.is_at_rest():
            world.read()
            return world.done
        world.step(calm=True)
    raise AssertionError(f"it does not come to rest: {world.nodes}")
