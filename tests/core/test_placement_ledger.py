"""The plan being written: one change of a table, one of a partition, within the budget."""

from __future__ import annotations

from dataclasses import replace

import pytest

from placement_world import GIB, World
from stator_core.partition_descriptor import Epochs
from stator_core.placement_ledger import Ledger
from stator_core.placement_types import (
    AddLearner,
    CreatePartition,
    RemoveReplica,
    SplitPartition,
    TransferLeader,
)
from stator_core.placement_view import ClusterView

SIX = {"a1": "a", "a2": "a", "b1": "b", "b2": "b", "c1": "c", "c2": "c"}
EPOCHS = Epochs(1, 1)


def view_of(world: World) -> ClusterView:
    return ClusterView(world.specification(), world.observation(), world.now)


def two_partitions() -> World:
    world = World(SIX)
    for group in world.table("a1 b1 c1", "a1 b1 c1"):
        group.size_bytes = 5 * GIB
    return world


def test_a_table_with_an_action_planned_takes_no_second() -> None:
    view = view_of(two_partitions())
    ledger = Ledger(view)
    ledger.decide(TransferLeader(1, 1, 1, "a1", "b1"))

    assert not ledger.may_disturb(view.led[2])
    assert [reason.text for reason in ledger.reasons] == ["waits: one change of a table at a time"]
    with pytest.raises(AssertionError, match="one action per partition"):
        ledger.decide(SplitPartition(1, 1, EPOCHS, 5, 9))


def test_a_table_with_an_action_in_flight_takes_no_second() -> None:
    world = two_partitions()
    world.start((TransferLeader(1, 1, 1, "a1", "b1"),))
    view = view_of(world)

    assert not Ledger(view).may_touch(view.led[2])


def test_a_partition_half_way_through_a_move_holds_its_tables_turn() -> None:
    world = two_partitions()
    world.run((AddLearner(1, 1, EPOCHS, "a2"),))
    view = view_of(world)
    ledger = Ledger(view)

    assert ledger.may_touch(view.led[1])
    assert not ledger.may_disturb(view.led[1])
    assert not ledger.may_disturb(view.led[2])
    assert ledger.moving == {1}


def test_a_move_is_counted_as_done_and_taken_back_when_it_is_called_off() -> None:
    world = two_partitions()
    ledger = Ledger(view_of(world))
    ledger.decide(AddLearner(1, 1, EPOCHS, "a2"))
    assert (ledger.replica_count["a1"], ledger.replica_count["a2"]) == (1, 1)
    assert ledger.reserved_bytes["a2"] == 5 * GIB

    world.run((AddLearner(1, 1, EPOCHS, "a2"),))
    ledger = Ledger(view_of(world))
    assert (ledger.replica_count["a1"], ledger.replica_count["a2"]) == (1, 1)
    ledger.decide(RemoveReplica(1, 1, Epochs(1, 2), 4))
    assert (ledger.replica_count["a1"], ledger.replica_count["a2"]) == (2, 0)


def test_planned_transfers_and_creations_count_at_once() -> None:
    world = two_partitions()
    ledger = Ledger(view_of(world))
    assert ledger.leader_count["a1"] == 2
    ledger.decide(TransferLeader(1, 1, 1, "a1", "b1"))
    assert (ledger.leader_count["a1"], ledger.leader_count["b1"]) == (1, 1)

    other = World(SIX)
    (group,) = other.table("a2 b2 c2", identifier=9)
    ledger.decide(CreatePartition(replace(group.descriptor, partition_id=77)))
    assert (ledger.replica_count["a2"], ledger.leader_count["a2"]) == (1, 1)


def test_moves_of_choice_leave_room_for_repairs() -> None:
    world = World(SIX)
    for identifier in (1, 2, 3):
        world.table("a1 b1 c1", identifier=identifier)
    for identifier in (1, 2):
        world.run((AddLearner(identifier, identifier, EPOCHS, "a2"),))
    view = view_of(world)
    ledger = Ledger(view)

    assert ledger.may_move(view.led[3], of_choice=False)
    assert not ledger.may_move(view.led[3], of_choice=True)


def test_room_is_what_stays_free_after_all_that_is_coming() -> None:
    view = view_of(two_partitions())
    ledger = Ledger(view)
    node = view.nodes["a2"]

    assert ledger.room_for(node, 849 * GIB, 0.85)
    ledger.decide(AddLearner(1, 1, EPOCHS, "a2"))
    assert not ledger.room_for(node, 849 * GIB, 0.85)
