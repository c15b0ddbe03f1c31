"""Where replicas lie: what is lost is made anew, zones stay apart, nodes drain and even out."""

from __future__ import annotations

import pytest

from placement_world import GIB, World
from stator_core.partition_descriptor import entering_joint, with_learner
from stator_core.placement import explain, plan
from stator_core.placement_types import (
    Action,
    AddLearner,
    Configuration,
    PromoteLearner,
    RemoveReplica,
    TransferLeader,
)

SIX = {"a1": "a", "a2": "a", "b1": "b", "b2": "b", "c1": "c", "c2": "c"}


def planned(world: World) -> tuple[Action, ...]:
    return plan(world.specification(), world.observation(), world.now)


def reasons(world: World) -> list[str]:
    found = explain(world.specification(), world.observation(), world.now)
    return [reason.text for reason in found]


def the_only(world: World) -> Action:
    (action,) = planned(world)
    return action


def test_a_whole_partition_is_left_alone() -> None:
    world = World(SIX)
    world.table("a1 b1 c1")

    assert planned(world) == ()
    assert reasons(world) == []


def test_a_dead_nodes_replica_is_replaced_in_its_zone_only_after_the_delay() -> None:
    world = World(SIX)
    world.table("a1 b1 c1")
    world.fail("c1", seconds_ago=599)
    assert planned(world) == ()

    world.tick(1)
    action = the_only(world)
    assert isinstance(action, AddLearner)
    assert action.node_id == "c2"


def test_a_person_may_ask_to_replace_a_dead_node_at_once() -> None:
    world = World(SIX)
    world.table("a1 b1 c1")
    world.fail("c1", seconds_ago=20)
    world.machines["c1"].replace_now = True

    assert isinstance(the_only(world), AddLearner)


def test_a_replacement_is_learner_then_joint_change_once_it_has_caught_up() -> None:
    world = World(SIX)
    (group,) = world.table("a1 b1 c1")
    world.fail("c1", seconds_ago=700)
    world.start(planned(world))
    world.finish(world.pending[0])
    world.tick()

    assert planned(world) == ()
    assert reasons(world) == ["the learner on c2 catches up; it replaces a lost replica"]

    world.replicate(group)
    action = the_only(world)
    assert isinstance(action, PromoteLearner)
    assert (action.replica_id, action.replaces) == (4, 3)
    world.run((action,))
    assert group.descriptor.node_ids == {"a1", "b1", "c2"}
    assert planned(world) == ()


def test_a_learner_goes_when_the_lost_replica_is_back() -> None:
    world = World(SIX)
    (group,) = world.table("a1 b1 c1")
    world.fail("c1", seconds_ago=700)
    world.run(planned(world))
    world.machines["c1"].is_up = True
    world.tick()
    world.replicate(group)

    action = the_only(world)
    assert isinstance(action, RemoveReplica)
    assert action.replica_id == 4


def test_a_learner_on_a_node_that_died_makes_way_for_another() -> None:
    world = World({**SIX, "c3": "c"})
    world.table("a1 b1 c1")
    world.fail("c1", seconds_ago=700)
    world.run(planned(world))
    world.fail("c2", seconds_ago=20)

    action = the_only(world)
    assert isinstance(action, RemoveReplica)
    world.run((action,))
    again = the_only(world)
    assert isinstance(again, AddLearner)
    assert again.node_id == "c3"


def test_zones_are_never_doubled_while_three_are_in_service() -> None:
    world = World({**SIX, "c2": "b"})
    world.table("a1 b1 c1")
    world.machines["c3"] = type(world.machines["c1"])("c")
    world.machines["c3"].ballast_bytes = 990 * GIB
    world.fail("c1", seconds_ago=700)

    assert planned(world) == ()
    assert reasons(world) == ["no node that replaces a lost replica has room in a free zone"]


def test_with_two_zones_left_a_lost_replica_goes_to_the_best_there_is() -> None:
    world = World({"a1": "a", "a2": "a", "b1": "b", "c1": "c"})
    world.table("a1 b1 c1")
    world.fail("c1", seconds_ago=700)

    action = the_only(world)
    assert isinstance(action, AddLearner)
    assert action.node_id == "a2"


def test_two_replicas_in_one_zone_part_when_a_third_zone_comes() -> None:
    world = World({"a1": "a", "a2": "a", "b1": "b"})
    (group,) = world.table("a1 a2 b1")
    assert planned(world) == ()

    world.machines["c1"] = type(world.machines["a1"])("c")
    world.run(planned(world))
    world.run(planned(world))
    assert group.descriptor.node_ids == {"a1", "b1", "c1"}


def test_two_replicas_never_share_a_node_whatever_is_lost() -> None:
    world = World({"a1": "a", "b1": "b", "c1": "c"})
    world.table("a1 b1 c1")
    world.fail("c1", seconds_ago=700)

    assert planned(world) == ()


def test_a_partition_without_a_leader_is_left_alone() -> None:
    world = World(SIX)
    world.table("a1 b1 c1")
    world.fail("c1", seconds_ago=700)
    world.fail("b1", seconds_ago=700)

    assert planned(world) == ()
    assert "no member says that it leads" in reasons(world)


def test_a_voter_leaves_only_if_good_copies_stay_in_the_majority() -> None:
    world = World(SIX)
    (group,) = world.table("a1 b1 c1")
    world.fail("c1", seconds_ago=700)
    world.run(planned(world))
    group.last_index += 5_000
    group.applied[1] = group.applied[4] = group.last_index

    assert planned(world) == ()
    assert reasons(world) == ["too few good copies to change its members"]


def test_a_joint_configuration_is_waited_for() -> None:
    world = World(SIX)
    (group,) = world.table("a1 b1 c1")
    learning = with_learner(group.descriptor, "c2")
    world.change(group, entering_joint(learning, 4, 3))
    world.replicate(group)

    assert planned(world) == ()
    assert reasons(world) == ["a joint configuration is being left"]


def test_a_drain_moves_leaders_then_replicas_then_lets_the_node_go() -> None:
    world = World({"a1": "a", "a2": "a", "b1": "b", "c1": "c"})
    world.table("a1 b1 c1", identifier=1)
    world.table("b1 a1 c1", identifier=2)
    world.machines["a1"].is_draining = True

    kinds = []
    for _ in range(6):
        actions = planned(world)
        kinds.append({type(action).__name__ for action in actions})
        world.run(actions)

    assert kinds == [
        {"TransferLeader"},
        {"AddLearner"},
        {"PromoteLearner"},
        {"RemoveNode"},
        set(),
        set(),
    ]


def test_a_leader_hands_over_before_its_replica_leaves() -> None:
    world = World(SIX)
    (group,) = world.table("a1 b1 c1")
    world.machines["a1"].is_draining = True
    world.run(planned(world))
    world.run(planned(world))
    group.leader, group.term = 1, group.term + 1

    assert isinstance(the_only(world), TransferLeader)


def test_a_lone_copy_moves_by_voting_together_for_a_moment() -> None:
    world = World({"a1": "a", "b1": "b"})
    (group,) = world.table("a1", replication=1)
    world.machines["a1"].is_draining = True
    kinds = []
    while actions := planned(world):
        kinds += [type(action).__name__ for action in actions]
        world.run(actions)

    moves = ["AddLearner", "PromoteLearner", "TransferLeader", "RemoveReplica", "RemoveNode"]
    assert kinds == moves
    assert group.descriptor.node_ids == {"b1"}


def test_a_voter_too_many_goes_the_lost_one_first() -> None:
    world = World(SIX)
    (group,) = world.table("a1 b1 c1 c2")
    world.fail("c1", seconds_ago=20)

    action = the_only(world)
    assert isinstance(action, RemoveReplica)
    world.run((action,))
    assert group.descriptor.node_ids == {"a1", "b1", "c2"}


def test_a_missing_voter_is_added_without_another_leaving() -> None:
    world = World(SIX)
    world.table("a1 b1")
    world.run(planned(world))

    action = the_only(world)
    assert isinstance(action, PromoteLearner)
    assert action.replaces is None


def test_a_full_node_gives_replicas_away_and_gets_none() -> None:
    world = World(SIX)
    (group,) = world.table("a1 b1 c1")
    group.size_bytes = GIB
    world.machines["a1"].ballast_bytes = 860 * GIB

    action = the_only(world)
    assert isinstance(action, AddLearner)
    assert action.node_id == "a2"
    world.machines["a2"].ballast_bytes = 800 * GIB
    assert planned(world) == ()
    assert reasons(world) == ["no node that relieves a full node has room in a free zone"]


def test_room_counts_what_is_still_being_copied() -> None:
    world = World({"a1": "a", "b1": "b", "c1": "c", "c2": "c"})
    for identifier in (1, 2):
        (group,) = world.table("a1 b1 c1", identifier=identifier)
        group.size_bytes = 300 * GIB
    world.configuration = Configuration(split_bytes=1_000 * GIB)
    world.machines["c2"].ballast_bytes = 400 * GIB
    world.fail("c1", seconds_ago=700)

    assert [type(action) for action in planned(world)].count(AddLearner) == 1
    assert "no node that replaces a lost replica has room in a free zone" in reasons(world)


@pytest.mark.parametrize("partitions, moves", [(1, 0), (2, 1), (3, 1)])
def test_nodes_of_a_zone_even_out_only_from_a_difference_of_two(partitions: int, moves) -> None:
    world = World({"a1": "a", "b1": "b", "c1": "c", "c2": "c"})
    for identifier in range(1, partitions + 1):
        world.table("a1 b1 c1", identifier=identifier)

    learners = [action for action in planned(world) if isinstance(action, AddLearner)]
    assert [action.node_id for action in learners] == ["c2"] * moves


def test_a_node_that_has_just_come_back_is_not_filled_by_choice() -> None:
    world = World({"a1": "a", "b1": "b", "c1": "c", "c2": "c"})
    for identifier in (1, 2):
        world.table("a1 b1 c1", identifier=identifier)
    world.machines["c2"].since = world.now - 10

    assert not any(isinstance(action, AddLearner) for action in planned(world))


def test_repairs_come_before_moves_of_choice_and_share_a_budget() -> None:
    world = World({**SIX, "c3": "c"})
    for identifier in range(1, 9):
        world.table("a1 b1 c1", identifier=identifier)
    world.fail("c1", seconds_ago=700)

    actions = planned(world)
    learners = [action for action in actions if isinstance(action, AddLearner)]
    assert len(learners) == 4
    assert {action.node_id for action in learners} == {"c2", "c3"}
    assert "waits: 4 moves under way, 4 may be" in reasons(world)
