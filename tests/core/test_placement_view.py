"""Whom the planner believes: one leader of the latest term, good copies, current ranges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from placement_world import World
from stator_core.partition_descriptor import split, with_learner
from stator_core.placement import plan
from stator_core.placement_types import Observation
from stator_core.placement_view import ClusterView, majority, used_fraction

FOUR = {"a1": "a", "b1": "b", "c1": "c", "c2": "c"}


def one_partition() -> World:
    world = World(FOUR)
    world.table("a1 b1 c1")
    return world


def view_of(world: World, observation: Observation | None = None) -> ClusterView:
    return ClusterView(world.specification(), observation or world.observation(), world.now)


def with_report(world: World, node_id: str, **changes: Any) -> Observation:
    observation = world.observation()
    return replace(
        observation,
        replicas=tuple(
            replace(report, **changes) if report.node_id == node_id else report
            for report in observation.replicas
        ),
    )


def test_majorities() -> None:
    assert [majority(voters) for voters in (1, 2, 3, 4, 5)] == [1, 2, 2, 3, 3]


def test_the_leader_of_the_latest_term_is_believed() -> None:
    world = one_partition()
    observation = with_report(world, "b1", is_leader=True, term=2, last_index=10_000)
    leader = view_of(world, observation).led[1].leader

    assert leader is not None
    assert leader.node_id == "b1"


def test_no_leader_is_believed_while_a_member_knows_a_later_term() -> None:
    world = one_partition()
    view = view_of(world, with_report(world, "b1", term=2))

    assert view.led == {}
    assert view.partitions[1].unled == "an election is under way"


def test_no_leader_is_believed_who_knows_less_than_a_member() -> None:
    world = one_partition()
    news = with_learner(world.groups[1].descriptor, "c2")
    view = view_of(world, with_report(world, "b1", descriptor=news))

    assert view.led == {}


def test_no_leader_is_believed_on_a_silent_node_or_without_membership() -> None:
    world = one_partition()
    observation = world.observation()
    world.machines["a1"].is_up, world.machines["a1"].since = False, world.now
    silent = replace(observation, nodes=world.observation().nodes)
    assert view_of(world, silent).partitions[1].unled == "its leader a1 is silent"

    stranger = with_report(one_partition(), "a1", replica_id=9)
    assert view_of(world, stranger).led == {}


def test_reports_of_dead_nodes_are_not_heard() -> None:
    world = one_partition()
    observation = world.observation()
    world.machines["c1"].is_up, world.machines["c1"].since = False, world.now - 20
    view = view_of(world, replace(observation, nodes=world.observation().nodes))

    assert [report.node_id for report in view.reports] == ["a1", "b1"]


def test_a_partition_whose_hashes_somebody_newer_holds_is_not_acted_on() -> None:
    world = one_partition()
    left, right = split(world.groups[1].descriptor, 100, 2)
    world.groups[2] = replace(world.groups[1], descriptor=right)
    world.tell_members(world.groups[2])

    assert list(view_of(world).led) == [2]
    world.groups[1].descriptor = left
    assert list(view_of(world).led) == [1, 2]


def test_a_good_copy_is_close_behind_the_leader_on_a_node_that_serves() -> None:
    world = one_partition()
    group = world.groups[1]
    group.last_index += 1_001
    group.applied[1], group.applied[2] = group.last_index, group.last_index - 1_000
    view = view_of(world)

    assert [voter.node_id for voter in view.good_voters(view.led[1])] == ["a1", "b1"]


def test_zones_in_service_leave_out_the_lost_and_the_draining() -> None:
    world = World({**FOUR, "d1": "d", "e1": "e"})
    world.machines["d1"].is_draining = True
    world.fail("e1", seconds_ago=100)
    assert view_of(world).zones_in_service == {"a", "b", "c", "e"}

    world.fail("e1", seconds_ago=600)
    assert view_of(world).zones_in_service == {"a", "b", "c"}
    assert view_of(world).is_zone_strict(3)


def test_an_unknown_node_is_lost_and_has_no_zone() -> None:
    view = view_of(one_partition())

    assert view.is_lost("gone")
    assert view.zone_of("gone") is None


def test_an_action_in_flight_for_too_long_is_no_longer_counted_on() -> None:
    world = one_partition()
    world.machines["c1"].is_draining = True
    world.start(plan(world.specification(), world.observation(), world.now))
    assert len(view_of(world).in_flight) == 1
    world.now += 300
    assert view_of(world).in_flight == ()


def test_a_node_without_a_known_capacity_counts_as_full() -> None:
    node = one_partition().observation().nodes[0]

    assert used_fraction(node) == 0.0
    assert used_fraction(replace(node, capacity_bytes=0)) == 1.0
