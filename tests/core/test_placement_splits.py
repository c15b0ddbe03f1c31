"""How many partitions: split what is big or hot, merge what is small and cold, never in turns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from placement_world import GIB, Group, World
from stator_core.placement import explain, plan
from stator_core.placement_types import Action, AddLearner, MergePartitions, SplitPartition

RANGE_CHANGES = (SplitPartition, MergePartitions)
THREE = {"a1": "a", "b1": "b", "c1": "c"}
SIX = {"a1": "a", "a2": "a", "b1": "b", "b2": "b", "c1": "c", "c2": "c"}


def planned(world: World) -> tuple[Action, ...]:
    return plan(world.specification(), world.observation(), world.now)


def texts(world: World) -> list[str]:
    return [r.text for r in explain(world.specification(), world.observation(), world.now)]


def one_partition(**changes: object) -> tuple[World, Group]:
    world = World(SIX)
    (group,) = world.table("a1 b1 c1", **changes)
    return world, group


def test_ten_gigabytes_are_cut_at_the_byte_median() -> None:
    world, group = one_partition()
    group.size_bytes = 10 * GIB

    (action,) = planned(world)
    assert isinstance(action, SplitPartition)
    assert (action.at_hash, action.child_id) == (2**63, 2)


@pytest.mark.parametrize(
    "reads, writes, splits",
    [(2_999, 0, 0), (3_000, 0, 1), (0, 1_000, 1), (0, 999, 0), (1_500, 500, 1)],
)
def test_heat_is_reads_and_writes_together(reads: float, writes: float, splits: int) -> None:
    world, group = one_partition()
    group.read_units, group.write_units = reads, writes

    assert len(planned(world)) == splits


def test_one_hot_key_is_no_reason_to_split_but_one_to_tell() -> None:
    world, group = one_partition()
    group.write_units, group.hot_key_share = 5_000, 0.8

    assert planned(world) == ()
    assert texts(world) == ["hot, but one key makes 80 % of the traffic: a split would not help"]


def test_a_range_of_one_hash_cannot_be_cut() -> None:
    world, group = one_partition()
    group.size_bytes = 20 * GIB
    observation = world.observation()
    uncut = replace(
        observation, replicas=tuple(replace(r, byte_median=0) for r in observation.replicas)
    )
    assert plan(world.specification(), uncut, world.now) == ()
    reasons = explain(world.specification(), uncut, world.now)
    assert [r.text for r in reasons] == ["too big, but no hash cuts it in halves"]


def test_a_pinned_table_is_not_split() -> None:
    world, group = one_partition(pinned=True)
    group.size_bytes = 20 * GIB

    assert planned(world) == ()
    assert texts(world) == ["should be split, but its table must lie in one partition"]


def test_a_partition_rests_between_two_splits() -> None:
    world, group = one_partition()
    group.size_bytes, group.range_since = 20 * GIB, world.now - 30

    assert planned(world) == ()
    world.tick(30)
    assert len(planned(world)) == 1


def test_the_hottest_partition_of_a_table_is_split_first_and_alone() -> None:
    world = World(SIX)
    cooler, hotter = world.table("a1 b1 c1", "b2 c2 a2")
    cooler.read_units, hotter.read_units = 3_500, 9_000

    (action,) = planned(world)
    assert isinstance(action, SplitPartition)
    assert action.partition_id == hotter.descriptor.partition_id
    assert "waits: one change of a table at a time" in texts(world)


def test_small_cold_neighbours_on_the_same_nodes_merge() -> None:
    world = World(SIX)
    world.table("a1 b1 c1", "b1 c1 a1")

    (action,) = planned(world)
    assert isinstance(action, MergePartitions)
    assert (action.partition_id, action.right_id) == (1, 2)
    world.run((action,))
    assert [group.descriptor.range.end for group in world.groups.values()] == [2**64]
    assert planned(world) == ()


def test_where_pods_cannot_merge_neighbours_neither_move_nor_hold_anything_up() -> None:
    world = World(SIX)
    world.configuration = replace(world.configuration, merges=False)
    world.table("a1 b1 c1", "b2 c2 a2")

    assert planned(world) == ()
    assert not texts(world)


def test_neighbours_that_should_merge_are_brought_together_first() -> None:
    world = World(SIX)
    world.table("a1 b1 c1", "b1 c1 a2")

    (action,) = planned(world)
    assert isinstance(action, AddLearner)
    assert (action.partition_id, action.node_id) == (2, "a1")
    for _ in range(3):
        world.run(planned(world))
    assert len(world.groups) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"size_bytes": 3 * GIB},
        {"read_units": 800.0},
        {"write_units": 300.0},
        {"range_since": 9_000.0},
    ],
)
def test_a_neighbour_that_is_big_warm_or_new_does_not_merge(changes: dict[str, object]) -> None:
    world = World(THREE)
    _, right = world.table("a1 b1 c1", "b1 c1 a1")
    for name, value in changes.items():
        setattr(right, name, value)

    assert planned(world) == ()


def test_a_table_keeps_the_partitions_that_it_was_made_with() -> None:
    world = World(THREE)
    world.table("a1 b1 c1", "b1 c1 a1", partitions_on_creation=2)

    assert planned(world) == ()


def test_neighbours_whose_shards_are_read_stay_apart_and_where_they_are() -> None:
    world = World(SIX)
    world.table("a1 b1 c1", "b2 c2 a2", has_shards=True)

    assert planned(world) == ()


def test_a_table_that_becomes_pinned_is_merged_whatever_its_heat() -> None:
    world = World(SIX)
    _, right = world.table("a1 b1 c1", "b1 c1 a1", pinned=True)
    right.read_units = 2_000

    (action,) = planned(world)
    assert isinstance(action, MergePartitions)


def test_a_side_that_is_not_whole_waits_with_the_merge() -> None:
    world = World(THREE)
    _, right = world.table("a1 b1 c1", "b1 c1 a1")
    right.last_index += 5_000
    right.applied[1] = right.last_index

    assert planned(world) == ()
    assert texts(world) == ["merges with partition 1 once both are whole"]


def test_split_and_merge_do_not_take_turns() -> None:
    world, group = one_partition()
    group.size_bytes, group.read_units = 12 * GIB, 3_100
    kinds = []
    for _ in range(40):
        world.tick(4_000)
        actions = planned(world)
        kinds += [
            type(a).__name__ for a in actions if isinstance(a, SplitPartition | MergePartitions)
        ]
        world.run(actions)

    assert kinds == ["SplitPartition"]
