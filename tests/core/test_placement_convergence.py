"""The planner in a world that fails at any moment: it never does harm, and it arrives."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from placement_promises import check_plan, check_settled, check_world, converge
from placement_world import GIB, Group, Machine, World
from stator_core.placement import plan
from stator_core.placement_types import Observation, Specification, TableSpecification

picks = st.integers(0, 1_000)


class PlannerInTheWorld(RuleBasedStateMachine):
    """Any order of faults, loads, plans and outcomes; then calm."""

    @initialize(zones=st.integers(3, 4), nodes=st.integers(3, 9), seed=st.integers(0, 2**16))
    def begin(self, zones: int, nodes: int, seed: int) -> None:
        nodes = max(nodes, zones)
        self.world = World({f"n{i}": "abcd"[i % zones] for i in range(nodes)})
        self.order = random.Random(seed)
        self.table_identifiers = 0
        self.old: tuple[Specification, Observation] | None = None
        self.create_table(partitions=2, pinned=False)

    def node(self, pick: int) -> str:
        return sorted(self.world.machines)[pick % len(self.world.machines)]

    def group(self, pick: int) -> Group:
        return self.world.groups[sorted(self.world.groups)[pick % len(self.world.groups)]]

    # ------------------------------------------------------------------------------------- planning

    def fresh(self) -> tuple[Specification, Observation]:
        return self.world.specification(), self.world.observation()

    @rule()
    def plan_now(self) -> None:
        specification, observation = self.fresh()
        actions = plan(specification, observation, self.world.now)
        check_plan(self.world, actions)
        nodes, replicas = list(observation.nodes), list(observation.replicas)
        self.order.shuffle(nodes)
        self.order.shuffle(replicas)
        shuffled = replace(observation, nodes=tuple(nodes), replicas=tuple(replicas))
        assert plan(specification, shuffled, self.world.now) == actions
        self.world.start(actions)

    @rule()
    def look_but_wait(self) -> None:
        self.old = self.fresh()

    @precondition(lambda self: self.old is not None)
    @rule()
    def plan_on_old_news(self) -> None:
        assert self.old is not None
        self.world.start(plan(*self.old, self.world.now))

    @precondition(lambda self: self.world.pending)
    @rule(pick=picks, succeeds=st.sampled_from([True, True, True, False]))
    def finish(self, pick: int, succeeds: bool) -> None:
        pending = self.world.pending
        self.world.finish(pending[pick % len(pending)], succeeds)

    @rule(rounds=st.integers(1, 6), all_catch_up=st.booleans())
    def go_well_for_a_while(self, rounds: int, all_catch_up: bool) -> None:
        for _ in range(rounds):
            self.plan_now()
            for flight in list(self.world.pending):
                self.world.finish(flight)
            self.world.tick(31.0)
            for group in self.world.groups.values():
                if all_catch_up:
                    self.world.replicate(group)
                else:
                    self.world.write(group, 5_000)

    # --------------------------------------------------------------------------------- faults

    @rule(seconds=st.sampled_from([0.0, 5.0, 40.0, 301.0, 700.0, 4_000.0]))
    def wait(self, seconds: float) -> None:
        self.world.tick(seconds)

    @rule(pick=picks)
    def kill(self, pick: int) -> None:
        machine = self.world.machines[self.node(pick)]
        if machine.is_up:
            machine.is_up, machine.since = False, self.world.now

    @rule(pick=picks)
    def revive(self, pick: int) -> None:
        machine = self.world.machines[self.node(pick)]
        if not machine.is_up and not machine.is_lost_for_good and not machine.is_removed:
            machine.is_up, machine.since = True, self.world.now

    @rule(pick=picks)
    def lose_for_good(self, pick: int) -> None:
        machine = self.world.machines[self.node(pick)]
        machine.is_lost_for_good = True
        try:
            check_world(self.world)
        except AssertionError:
            machine.is_lost_for_good = False
            return
        if len([m for m in self.world.machines.values() if m.is_lost_for_good]) > 3:
            machine.is_lost_for_good = False
        elif machine.is_up:
            machine.is_up, machine.since = False, self.world.now

    @rule(pick=picks, asked=st.booleans())
    def ask_to_replace_now(self, pick: int, asked: bool) -> None:
        self.world.machines[self.node(pick)].replace_now = asked

    @rule(pick=picks)
    def drain(self, pick: int) -> None:
        machine = self.world.machines[self.node(pick)]
        machine.is_draining, machine.since = True, self.world.now

    @rule(pick=picks)
    def keep_after_all(self, pick: int) -> None:
        machine = self.world.machines[self.node(pick)]
        machine.is_draining, machine.since = False, self.world.now

    @precondition(lambda self: len(self.world.machines) < 9)
    @rule(zone=st.sampled_from("abcd"))
    def add_node(self, zone: str) -> None:
        name = f"n{len(self.world.machines)}"
        self.world.machines[name] = Machine(zone, since=self.world.now)

    @rule(pick=picks, percent=st.sampled_from([0, 50, 80, 90, 99]))
    def fill_disk(self, pick: int, percent: int) -> None:
        machine = self.world.machines[self.node(pick)]
        machine.ballast_bytes = machine.capacity_bytes * percent // 100

    # --------------------------------------------------------------------------------- tables

    @rule(partitions=st.integers(1, 3), pinned=st.booleans())
    def create_table(self, partitions: int, pinned: bool) -> None:
        if len(self.world.tables) < 3:
            self.table_identifiers += 1
            key = self.table_identifiers
            self.world.tables[key] = TableSpecification(
                f"Table{key}", key, "CREATING", pinned=pinned, partitions_on_creation=partitions
            )

    @precondition(lambda self: len(self.world.tables) > 1)
    @rule(pick=picks)
    def delete_table(self, pick: int) -> None:
        key = sorted(self.world.tables)[pick % len(self.world.tables)]
        self.world.tables[key] = replace(self.world.tables[key], status="DELETING")

    @precondition(lambda self: self.world.groups)
    @rule(
        pick=picks,
        size=st.sampled_from([0, GIB, 3 * GIB, 12 * GIB]),
        heat=st.sampled_from([0.0, 0.2, 0.8, 1.5, 3.0]),
        hot_key_share=st.sampled_from([0.0, 0.4, 0.9]),
    )
    def load(self, pick: int, size: int, heat: float, hot_key_share: float) -> None:
        group = self.group(pick)
        group.size_bytes, group.hot_key_share = size, hot_key_share
        group.read_units, group.write_units = heat * 1_500, heat * 500

    @rule(grow=st.booleans())
    def load_all(self, grow: bool) -> None:
        """Everything gets big and hot, or small and cold, so that many split or merge."""
        for group in self.world.groups.values():
            group.hot_key_share = 0.0
            group.size_bytes = 21 * GIB if grow else GIB
            group.read_units, group.write_units = (4_000, 0) if grow else (0, 0)

    @precondition(lambda self: self.world.groups)
    @rule(pick=picks, entries=st.sampled_from([10, 5_000]))
    def write(self, pick: int, entries: int) -> None:
        self.world.write(self.group(pick), entries)

    @precondition(lambda self: self.world.groups)
    @rule(pick=picks)
    def catch_up(self, pick: int) -> None:
        self.world.replicate(self.group(pick))

    # --------------------------------------------------------------------------------- ends

    @invariant()
    def the_world_is_whole(self) -> None:
        check_world(self.world)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            converge(self.world, self.order)
            check_settled(self.world)


TestPlannerInTheWorld = PlannerInTheWorld.TestCase
TestPlannerInTheWorld.settings = settings(
    max_examples=50,
    stateful_step_count=40,
    deadline=None,
    # Shrinking runs the convergence of thousands of worlds: ask for it where a failure is studied.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
