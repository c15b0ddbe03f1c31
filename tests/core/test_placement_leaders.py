"""Where leaders lie: spread evenly, moved for a reason, never to a voter that lags."""

from __future__ import annotations

import pytest

from placement_world import World
from stator_core.placement import explain, plan
from stator_core.placement_types import Action, TransferLeader

THREE = {"a1": "a", "b1": "b", "c1": "c"}


def planned(world: World) -> tuple[Action, ...]:
    return plan(world.specification(), world.observation(), world.now)


def led_by_a1(tables: int) -> World:
    world = World(THREE)
    for identifier in range(1, tables + 1):
        world.table("a1 b1 c1", identifier=identifier)
    return world


@pytest.mark.parametrize("tables, transfers", [(1, 0), (2, 1), (3, 2), (6, 4)])
def test_leaders_spread_until_no_node_leads_two_more(tables: int, transfers: int) -> None:
    world = led_by_a1(tables)
    actions = planned(world)

    assert len(actions) == transfers
    assert all(isinstance(action, TransferLeader) for action in actions)
    world.run(actions)
    assert planned(world) == ()


def test_a_voter_that_lags_is_not_asked_to_lead() -> None:
    world = led_by_a1(2)
    for group in world.groups.values():
        group.last_index += 5_000
        group.applied[1] = group.last_index

    assert planned(world) == ()


def test_a_node_that_has_just_come_back_gets_no_leaders_yet() -> None:
    world = led_by_a1(2)
    world.machines["b1"].since = world.machines["c1"].since = world.now - 10

    assert planned(world) == ()
    texts = [r.text for r in explain(world.specification(), world.observation(), world.now)]
    assert "b1 should lead it once it is settled" in texts


def test_one_table_transfers_one_leader_at_a_time() -> None:
    world = World(THREE)
    world.table(*["a1 b1 c1"] * 6, partitions_on_creation=6)

    assert len(planned(world)) == 1


def test_leader_transfers_at_one_time_have_a_bound() -> None:
    world = led_by_a1(30)

    assert len(planned(world)) == 8


def test_a_draining_node_keeps_a_leader_that_nobody_can_follow() -> None:
    world = led_by_a1(1)
    world.machines["a1"].is_draining = True
    for group in world.groups.values():
        group.last_index += 5_000
        group.applied[1] = group.last_index

    assert planned(world) == ()
    texts = [r.text for r in explain(world.specification(), world.observation(), world.now)]
    assert "its leader must go, but no other voter has caught up" in texts


def test_no_leader_goes_to_a_draining_node() -> None:
    world = led_by_a1(4)
    world.machines["b1"].is_draining = True
    targets = {a.to_node_id for a in planned(world) if isinstance(a, TransferLeader)}

    assert targets == {"c1"}
