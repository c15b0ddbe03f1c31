"""What the planner promises, as observers of `placement_world.py`: no harm, and rest in the end."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

from placement_world import GIB, Group, Machine, World
from stator_core.partition_descriptor import Replica
from stator_core.placement import explain, plan
from stator_core.placement_types import (
    Action,
    AddLearner,
    CreatePartition,
    DeletePartition,
    DeleteStray,
    Disruptive,
    MergePartitions,
    NodeState,
    PromoteLearner,
    RemoveNode,
    RemoveReplica,
    SplitPartition,
    TransferLeader,
    partitions_of,
)

ROUNDS_MAX = 600


def living_zones(world: World) -> set[str]:
    return {m.zone for n, m in world.machines.items() if world.state_of(n) is NodeState.ALIVE}


def check_action(world: World, action: Action) -> None:
    """What an action may do to the world as it really is, at the moment of planning."""
    match action:
        case AddLearner():
            group = led_group(world, action.partition_id)
            assert world.state_of(action.node_id) is NodeState.ALIVE
            assert group.descriptor.replica_on(action.node_id) is None
            assert not group.descriptor.learners, "one replica of a partition at a time"
            if len(living_zones(world)) >= 3:
                assert can_come_without_doubling(world, group, action.node_id)
        case PromoteLearner():
            group = led_group(world, action.partition_id)
            learner = group.descriptor.replica(action.replica_id)
            assert learner is not None
            assert world.is_good(group, learner)
            staying = [v for v in group.descriptor.voters if v.replica_id != action.replaces]
            check_good_copies(world, group, [*staying, learner])
            # One voter too many only where nobody else could take over from the one that leaves.
            assert len(staying) + 1 <= (3 if action.replaces is not None else 4)
            if len(living_zones(world)) >= 3:
                zones = Counter(world.machines[v.node_id].zone for v in staying)
                spare = 1 if action.replaces is None and len(staying) == 3 else 0
                assert zones[world.machines[learner.node_id].zone] <= spare
        case RemoveReplica():
            group = led_group(world, action.partition_id)
            removed = group.descriptor.replica(action.replica_id)
            assert removed is not None
            if removed in group.descriptor.voters:
                staying = [v for v in group.descriptor.voters if v != removed]
                assert len(staying) >= 3
                check_good_copies(world, group, staying)
        case TransferLeader():
            group = led_group(world, action.partition_id)
            target = group.descriptor.replica_on(action.to_node_id)
            assert target in group.descriptor.voters
            assert world.is_good(group, target)
        case SplitPartition():
            group = led_group(world, action.partition_id)
            assert action.at_hash in group.descriptor.range
            assert group.hot_key_share <= 0.5 or group.size_bytes >= 10 * GIB
        case MergePartitions():
            left = led_group(world, action.partition_id)
            right = led_group(world, action.right_id)
            assert left.descriptor.node_ids == right.descriptor.node_ids
        case DeletePartition():
            table = world.tables.get(action.table_identifier)
            assert table is None or table.status == "DELETING"
        case DeleteStray():
            group_or_none = world.groups.get(action.partition_id)
            if group_or_none is not None:
                assert group_or_none.descriptor.replica(action.replica_id) is None
        case CreatePartition():
            assert world.tables[action.table_identifier].status == "CREATING"
        case RemoveNode():
            assert not any(
                action.node_id in group.descriptor.node_ids
                for group in world.groups.values()
                if group.descriptor.table_identifier in world.tables
                and world.tables[group.descriptor.table_identifier].status != "DELETING"
            )


def led_group(world: World, partition_id: int) -> Group:
    group = world.groups[partition_id]
    assert group.leader is not None, "nothing is done to a partition without a leader"
    assert group.descriptor.joint is None
    return group


def check_good_copies(world: World, group: Group, staying: list[Replica]) -> None:
    good = [voter for voter in staying if world.is_good(group, voter)]
    before = [voter for voter in group.descriptor.voters if world.is_good(group, voter)]
    assert 2 * len(good) > len(staying), "the majority holds good copies"
    assert len(good) >= min(len(before), 3), "no good copy is given up"


def can_come_without_doubling(world: World, group: Group, node_id: str) -> bool:
    zone = world.machines[node_id].zone
    voters = group.descriptor.voters
    leaving = [None] if len(voters) < 3 else list(voters)
    return any(
        zone not in {world.machines[v.node_id].zone for v in voters if v != victim}
        for victim in leaving
    )


def check_plan(world: World, actions: tuple[Action, ...]) -> None:
    fresh = [f.action for f in world.pending if world.now - f.started < 300]
    touched = Counter(key for action in (*fresh, *actions) for key in set(partitions_of(action)))
    new = {key for action in actions for key in partitions_of(action)}
    assert all(touched[key] == 1 for key in new), "one action per partition"
    disrupted = Counter(
        action.table_identifier for action in (*fresh, *actions) if isinstance(action, Disruptive)
    )
    new_tables = {a.table_identifier for a in actions if isinstance(a, Disruptive)}
    assert all(disrupted[key] == 1 for key in new_tables), "one disruptive action per table"
    for action in actions:
        check_action(world, action)


def check_world(world: World) -> None:
    """What must hold at every moment, whatever came late or twice."""
    by_table: dict[int, list[Group]] = {}
    for group in world.groups.values():
        by_table.setdefault(group.descriptor.table_identifier, []).append(group)
        if group.descriptor.table_identifier in world.tables:
            for voters in group.quorums:
                there = [v for v in voters if not machine_of(world, group, v).is_lost_for_good]
                assert 2 * len(there) > len(voters), "a majority of the copies can come back"
    for identifier, groups in by_table.items():
        ranges = sorted(group.descriptor.range for group in groups)
        assert all(one.end <= other.start for one, other in pairwise(ranges))
        table = world.tables.get(identifier)
        if table is not None and table.status == "ACTIVE":
            assert sum(range_.end - range_.start for range_ in ranges) == 2**64


def machine_of(world: World, group: Group, replica_id: int) -> Machine:
    replica = group.descriptor.replica(replica_id)
    assert replica is not None
    return world.machines[replica.node_id]


# -------------------------------------------------------------------------------------- convergence


def converge(world: World, order: random.Random) -> int:
    """Faults stop, time goes on, every action succeeds: rounds until there is nothing to do."""
    for machine in world.machines.values():
        machine.ballast_bytes = 0
        if not machine.is_up and not machine.is_lost_for_good and not machine.is_removed:
            machine.is_up, machine.since = True, world.now
    world.pending.clear()
    quiet = 0
    for rounds in range(ROUNDS_MAX):
        world.tick(40.0 if quiet == 0 else 4_000.0)
        for group in world.groups.values():
            world.replicate(group)
        world.tick()
        actions = plan(world.specification(), world.observation(), world.now)
        check_plan(world, actions)
        quiet = quiet + 1 if not actions else 0
        if quiet == 3:
            return rounds
        world.start(actions)
        flights = list(world.pending)
        order.shuffle(flights)
        for flight in flights:
            world.finish(flight)
            check_world(world)
    reasons = explain(world.specification(), world.observation(), world.now)
    raise AssertionError(f"still busy after {ROUNDS_MAX} rounds: {actions}, {reasons}")


def check_settled(world: World) -> None:
    alive = [n for n in world.machines if world.state_of(n) is NodeState.ALIVE]
    zones = {world.machines[node_id].zone for node_id in alive}
    assert all(table.status == "ACTIVE" or len(alive) < 2 for table in world.tables.values())
    for group in world.groups.values():
        assert group.descriptor.table_identifier in world.tables
        check_group_settled(world, group, len(alive), len(zones))
    for node_id, machine in world.machines.items():
        if machine.is_draining and machine.is_up and len(alive) >= 3:
            raise AssertionError(f"{node_id} is still there")
        if machine.is_up and len(alive) >= 3:
            for partition_id in machine.held:
                assert node_id in world.groups[partition_id].descriptor.node_ids, "a stray"
    if len(zones) == 3:
        check_even(world, alive)
    check_leaders(world)


def check_group_settled(world: World, group: Group, alive: int, zones: int) -> None:
    assert group.descriptor.joint is None
    assert not group.descriptor.learners
    assert group.leader is not None
    voters = group.descriptor.voters
    good = [voter for voter in voters if world.is_good(group, voter)]
    assert len(good) >= min(3, alive)
    if zones >= 3:
        assert len(good) == len({world.machines[voter.node_id].zone for voter in voters}) == 3
    if not world.tables[group.descriptor.table_identifier].pinned and group.hot_key_share <= 0.5:
        assert group.read_units / 3_000 + group.write_units / 1_000 < 1
        assert group.size_bytes < 10 * GIB


def check_even(world: World, alive: list[str]) -> None:
    count = Counter(v.node_id for g in world.groups.values() for v in g.descriptor.voters)
    for zone in {world.machines[node_id].zone for node_id in alive}:
        here = [count[node_id] for node_id in alive if world.machines[node_id].zone == zone]
        assert max(here) - min(here) <= 1, "a zone's nodes hold about as many replicas"


def check_leaders(world: World) -> None:
    led = Counter(leader_node(group) for group in world.groups.values())
    for group in world.groups.values():
        for voter in group.descriptor.voters:
            if world.state_of(voter.node_id) is NodeState.ALIVE:
                assert led[leader_node(group)] - led[voter.node_id] <= 1


def leader_node(group: Group) -> str:
    assert group.leader is not None
    leader = group.descriptor.replica(group.leader)
    assert leader is not None
    return leader.node_id
