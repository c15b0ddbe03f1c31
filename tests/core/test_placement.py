"""The planner as a whole: the same answer to the same question, the urgent first, ids used once."""

from __future__ import annotations

from dataclasses import replace

from placement_world import GIB, World
from stator_core.placement import decide, explain, plan
from stator_core.placement_types import (
    AddLearner,
    CreatePartition,
    SplitPartition,
    TableSpecification,
    TransferLeader,
)

SIX = {"a1": "a", "a2": "a", "b1": "b", "b2": "b", "c1": "c", "c2": "c"}


def busy_world() -> World:
    """A table to make, one that lost a replica and is too big, one that is led unevenly."""
    world = World(SIX)
    world.tables[1] = TableSpecification("Table1", 1, "CREATING", partitions_on_creation=2)
    (group,) = world.table("a1 b1 c1", identifier=2)
    group.size_bytes = 20 * GIB
    world.table("a1 b1 c2", identifier=3)
    world.table("a1 b1 c2", identifier=4)
    world.fail("c1", seconds_ago=700)
    return world


def test_an_empty_world_needs_nothing() -> None:
    world = World({})

    assert plan(world.specification(), world.observation(), world.now) == ()
    assert explain(world.specification(), world.observation(), world.now) == ()


def test_the_same_world_in_any_order_gets_the_same_plan() -> None:
    world = busy_world()
    specification, observation = world.specification(), world.observation()
    mirrored = replace(
        observation, nodes=observation.nodes[::-1], replicas=observation.replicas[::-1]
    )

    assert decide(specification, observation, world.now) == decide(
        replace(specification, tables=specification.tables[::-1]), mirrored, world.now
    )


def test_a_lost_replica_comes_before_a_split() -> None:
    world = busy_world()
    actions = plan(world.specification(), world.observation(), world.now)
    of_table_2 = [a for a in actions if getattr(a, "table_identifier", None) == 2]

    assert [type(action) for action in of_table_2] == [AddLearner]


def test_tables_do_not_wait_for_each_other() -> None:
    world = busy_world()
    actions = plan(world.specification(), world.observation(), world.now)

    assert {type(action) for action in actions} >= {CreatePartition, AddLearner, TransferLeader}


def test_new_ids_are_above_all_that_is_seen_in_flight_or_on_record() -> None:
    world = World(SIX)
    first, second = world.table("a1 b1 c1", identifier=1), world.table("a2 b2 c2", identifier=2)
    for group in (*first, *second):
        group.size_bytes = 20 * GIB
    observation = replace(world.observation(), next_partition_id=1)
    actions = plan(world.specification(), observation, world.now)
    assert sorted(a.child_id for a in actions if isinstance(a, SplitPartition)) == [3, 4]

    in_flight = tuple(a for a in actions if isinstance(a, SplitPartition) and a.child_id == 4)
    world.start(in_flight)
    observation = replace(world.observation(), next_partition_id=1)
    (other,) = plan(world.specification(), observation, world.now)
    assert isinstance(other, SplitPartition)
    assert other.child_id == 5


def test_what_is_not_done_is_explained() -> None:
    world = busy_world()
    reasons = explain(world.specification(), world.observation(), world.now)

    assert ("partition 1 of Table2", "waits: one change of a table at a time") in [
        (reason.subject, reason.text) for reason in reasons
    ]
