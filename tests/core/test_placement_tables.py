"""The beginning and the end of things: made once, deleted wholly, strays told from needed data."""

from __future__ import annotations

from dataclasses import replace

from placement_world import Machine, World
from stator_core.key_format import HASH_SPACE
from stator_core.partition_descriptor import HashRange, merge, split, with_learner
from stator_core.partition_descriptor import without_replica as without
from stator_core.placement import explain, plan
from stator_core.placement_tables import even_ranges
from stator_core.placement_types import (
    Action,
    CreatePartition,
    DeletePartition,
    DeleteStray,
    MarkTableActive,
    MarkTableDeleted,
    RemoveNode,
    TableSpecification,
)

THREE = {"a1": "a", "b1": "b", "c1": "c"}


def planned(world: World) -> tuple[Action, ...]:
    return plan(world.specification(), world.observation(), world.now)


def texts(world: World) -> list[str]:
    return [r.text for r in explain(world.specification(), world.observation(), world.now)]


def creating(machines: dict[str, str], partitions: int = 1, pinned: bool = False) -> World:
    world = World(machines)
    world.tables[1] = TableSpecification(
        "Music", 1, "CREATING", pinned=pinned, partitions_on_creation=partitions
    )
    return world


def test_even_ranges_hold_every_hash_once() -> None:
    ranges = even_ranges(3)

    assert ranges[0].start == 0
    assert ranges[-1].end == HASH_SPACE
    assert [one.end for one in ranges[:-1]] == [other.start for other in ranges[1:]]


def test_a_new_table_gets_its_partitions_a_replica_in_each_zone() -> None:
    world = creating({**THREE, "a2": "a"}, partitions=2)
    actions = planned(world)

    assert all(isinstance(action, CreatePartition) for action in actions)
    assert [action.descriptor.range for action in actions] == even_ranges(2)
    assert [action.descriptor.partition_id for action in actions] == [1, 2]
    nodes = [{r.node_id for r in action.descriptor.replicas} for action in actions]
    assert nodes == [{"a1", "b1", "c1"}, {"a2", "b1", "c1"}]


def test_a_pinned_table_is_made_in_one_partition() -> None:
    assert len(planned(creating(THREE, partitions=4, pinned=True))) == 1


def test_a_table_is_active_when_every_hash_has_a_leader() -> None:
    world = creating(THREE, partitions=2)
    first, _ = planned(world)
    world.run((first,))
    assert not any(isinstance(action, MarkTableActive) for action in planned(world))

    world.run(planned(world))
    assert planned(world) == (MarkTableActive(1),)
    world.run(planned(world))
    assert world.tables[1].status == "ACTIVE"


def test_nothing_is_made_twice_while_the_first_is_in_flight() -> None:
    world = creating(THREE)
    world.start(planned(world))

    assert planned(world) == ()


def test_a_recorded_partition_is_asked_for_again_in_the_same_words() -> None:
    world = creating(THREE)
    (first,) = planned(world)
    assert isinstance(first, CreatePartition)
    world.tables[1] = replace(world.tables[1], recorded=(first.descriptor,))
    world.next_partition_id = 99

    assert planned(world) == (first,)


def test_a_gap_in_an_active_table_is_told_and_never_filled() -> None:
    world = World(THREE)
    world.table("a1 b1 c1")
    for machine in world.machines.values():
        machine.held.clear()

    assert planned(world) == ()
    assert texts(world) == ["no leader is known for 1 ranges of hashes"]


def test_a_table_waits_for_nodes_that_may_come_back_and_not_for_those_that_will_not() -> None:
    world = creating(THREE)
    world.fail("c1", seconds_ago=20)
    assert planned(world) == ()
    assert texts(world) == ["waits for nodes: 2 of 3 replicas have a place"]

    world.tick(600)
    (action,) = planned(world)
    assert isinstance(action, CreatePartition)
    assert action.descriptor.node_ids == {"a1", "b1"}


def test_one_node_is_too_few_for_three_replicas() -> None:
    assert planned(creating({"a1": "a"})) == ()


def test_a_deleted_tables_partitions_go_then_the_table() -> None:
    world = World(THREE)
    world.table("a1 b1 c1", "a1 b1 c1", status="DELETING")
    actions = planned(world)

    assert actions == (
        DeletePartition(1, 1, ("a1", "b1", "c1")),
        DeletePartition(2, 1, ("a1", "b1", "c1")),
    )
    world.run(actions)
    assert planned(world) == (MarkTableDeleted(1),)
    world.run(planned(world))
    assert world.tables == {}


def test_a_node_that_comes_back_with_a_deleted_table_is_cleared() -> None:
    world = World(THREE)
    world.table("a1 b1 c1", status="DELETING")
    world.fail("c1")
    world.run(planned(world))
    world.run(planned(world))
    world.machines["c1"].is_up = True

    assert planned(world) == (DeletePartition(1, 1, ("c1",)),)


def test_an_unknown_tables_partitions_are_left_alone() -> None:
    world = World(THREE)
    world.table("a1 b1 c1")
    world.tables.clear()

    assert planned(world) == ()
    assert texts(world) == ["its table is unknown: it is left alone"]


def stray_on_d1(world: World) -> None:
    """A node that held a replica of partition 1 comes back after its group removed it."""
    group = world.groups[1]
    learning = with_learner(group.descriptor, "d1")
    world.machines["d1"] = Machine("a", held={1: (4, learning)})
    group.descriptor = without(learning, 4)


def test_a_replica_that_its_group_removed_is_thrown_away() -> None:
    world = World(THREE)
    world.table("a1 b1 c1")
    stray_on_d1(world)

    assert planned(world) == (DeleteStray(1, 1, "d1", 4),)
    world.run(planned(world))
    assert planned(world) == ()


def test_a_leader_that_has_applied_its_own_removal_is_thrown_away() -> None:
    """It knows as much as the group that lives on without it."""
    world = World(THREE)
    (group,) = world.table("a1 b1 c1")
    stray_on_d1(world)
    world.machines["d1"].held[1] = (4, group.descriptor)

    assert planned(world) == (DeleteStray(1, 1, "d1", 4),)


def test_a_leftover_stays_while_good_copies_are_few() -> None:
    world = World(THREE)
    (group,) = world.table("a1 b1 c1")
    stray_on_d1(world)
    group.last_index += 5_000
    group.applied[1] = group.last_index

    assert planned(world) == ()
    assert texts(world) == ["a leftover on d1 stays: too few good copies of its hashes"]


def test_a_merged_partitions_data_stays_on_members_that_still_have_to_merge() -> None:
    world = World(THREE)
    (group,) = world.table("a1 b1 c1")
    left, right = split(group.descriptor, 2**63, 2)
    group.descriptor = merge(left, right)
    world.machines["c1"].held[2] = (3, right)
    assert planned(world) == ()

    world.machines["d1"] = Machine("a", held={2: (4, with_learner(right, "d1"))})
    assert planned(world) == (DeleteStray(2, 1, "d1", 4),)


def test_what_missed_a_split_and_was_removed_goes_though_its_node_holds_the_child() -> None:
    world = World({**THREE, "c2": "c"})
    (group,) = world.table("a1 b1 c1")
    before = group.descriptor
    left, right = split(before, 2**63, 2)
    world.groups[2] = replace(group, descriptor=right, applied=dict(group.applied))
    world.tell_members(world.groups[2])
    group.descriptor = without(left, 3)
    world.machines["c1"].held[1] = (3, before)

    assert DeleteStray(1, 1, "c1", 3) in planned(world)


def test_a_draining_node_leaves_only_when_it_holds_nothing() -> None:
    world = World(THREE)
    world.table("a1 b1 c1")
    world.machines["d1"] = Machine("a", is_draining=True)
    world.machines["c1"].is_draining = True

    assert planned(world) == (RemoveNode("d1"),)
    assert "leaves when it holds nothing; now 2" in texts(world)


def test_a_dead_node_is_forgotten_on_request_but_not_while_it_may_hold_the_last_copy() -> None:
    world = World({**THREE, "d1": "a"})
    world.table("a1 b1 c1")
    world.fail("d1", seconds_ago=20)
    assert planned(world) == ()
    world.machines["d1"].replace_now = True
    assert planned(world) == (RemoveNode("d1"),)

    for node_id in THREE:
        world.machines[node_id].held.clear()
    assert planned(world) == ()
    assert "stays: it may hold what nobody leads" in texts(world)


def test_ranges_that_are_recorded_are_not_made_again_beside() -> None:
    world = creating(THREE, partitions=2)
    first, _ = planned(world)
    assert isinstance(first, CreatePartition)
    world.run((first,))

    (second,) = planned(world)
    assert isinstance(second, CreatePartition)
    assert second.descriptor.range == HashRange(2**63, HASH_SPACE)
