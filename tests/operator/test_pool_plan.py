"""The planner of a pool: what it promises, in a world where things go wrong and it is killed."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pool_data import COPIES
from pool_world import PoolWorld
from sample_pool import a_pool, applied_sets, kinds, observed, reasons, with_pod
from stator_operator.event_reasons import EVENTS
from stator_operator.pool_actions import Apply, Reason
from stator_operator.pool_observation import Departure, ObservedPool
from stator_operator.pool_plan import plan
from stator_operator.storage_pool import Pool

ROUNDS = 60


@given(st.integers(0, 2**32))
@example(774648607)  # A volume with data was taken for the one that its pod had before.
@example(533151343)  # A claim that was deleted and a lost volume before it waited for each other.
def test_whatever_goes_wrong_it_arrives_and_loses_nothing(seed: int) -> None:
    """The promises themselves are asserted by the world, action by action and step by step."""
    random = Random(seed)
    pool = a_pool(podsPerZone=random.randint(1, 3))
    world = PoolWorld(pool, random)
    for number in range(ROUNDS):
        if number in (12, 24, 36, 48):
            pool = world.pool = changed(number, random)
        is_answered = random.random() < 0.9
        seen = world.observed(is_answered)
        actions = plan(pool, seen).actions
        killed_after = random.randint(0, len(actions)) if random.random() < 0.3 else len(actions)
        for action in actions[:killed_after]:
            world.carry_out(action)
        if is_answered and killed_after == len(actions) and random.random() < 0.3:
            world.evict()
        if random.random() < 0.3:
            world.go_wrong()
        for _ in range(random.randint(0, 12)):
            world.step()
    world.go_well()
    pool = world.pool = replace(pool, is_suspended=False)
    arrive(pool, world)

    end = world.observed()
    assert kinds(pool, end) == []
    assert len(end.pods) == len(pool.zones) * pool.pods_per_zone
    assert all(each.is_ready and each.is_updated for each in end.pods)
    assert end.lacking == 0
    assert all(each.departure in (Departure.NONE, Departure.EMPTY) for each in end.claims)
    assert pool.keeps_volumes or len(end.claims) == len(end.pods)
    assert {each.size for each in end.claims} == {pool.volume_size}
    assert {each.volume_size for each in end.sets} == {pool.volume_size}
    assert all(len(world.data.kept(each)) == COPIES for each in world.data.members)
    heard = [each for each in end.nodes or () if each.is_heard]
    assert not any(each.is_draining for each in heard)


def changed(number: int, random: Random) -> Pool:
    """What somebody wants from now on."""
    return a_pool(
        podsPerZone=random.randint(1, 3),
        image=f"stator:{random.randint(1, 3)}",
        volume={
            "size": f"{10 + number}Gi",
            "whenScaled": random.choice(("Retain", "Delete")),
        },
        suspend=random.random() < 0.2,
    )


def arrive(pool: Pool, world: PoolWorld) -> None:
    """Plan and carry out until nothing is left to do, and nothing comes up any more."""
    rests = 0
    for _ in range(150):
        world.ask_for_lost()
        decided = plan(pool, world.observed())
        for action in decided.actions:
            world.carry_out(action)
        world.everything()
        rested = not decided.waiting and all(isinstance(each, Apply) for each in decided.actions)
        rests = rests + 1 if rested else 0
        if rests == 3:
            return
    raise AssertionError(f"it never comes to rest: {decided.waiting} {decided.actions}")


def test_a_new_pool_gets_all_its_objects_at_once() -> None:
    pool = a_pool()

    assert applied_sets(pool, ObservedPool()) == {f"default-{zone}": 1 for zone in pool.zones}
    assert len(plan(pool, ObservedPool()).actions) == 10 + 3


def test_a_pool_that_is_as_it_should_be_is_only_confirmed() -> None:
    pool = a_pool()

    assert kinds(pool, observed(pool)) == []
    assert reasons(pool, observed(pool)) == []


def test_the_same_world_gives_the_same_plan() -> None:
    pool = a_pool()

    assert plan(pool, observed(pool)) == plan(pool, observed(pool))


def test_a_pool_in_maintenance_is_left_alone() -> None:
    pool = replace(a_pool(image="stator:2"), is_in_maintenance=True)

    assert plan(pool, ObservedPool()).actions == ()
    assert reasons(pool, ObservedPool()) == ["Maintenance"]


def test_a_suspended_pool_has_no_pods_and_keeps_its_volumes() -> None:
    pool = a_pool(suspend=True, image="stator:2")
    world = observed(pool)
    bodies = {
        body["metadata"]["name"]: body["spec"]
        for action in plan(pool, world).actions
        if isinstance(action, Apply) and "replicas" in (body := action.body).get("spec", {})
    }

    assert {name: spec["replicas"] for name, spec in bodies.items()} == {
        "default-supervisor": 0,
        "default-gateway": 0,
        **{f"default-{zone}": 0 for zone in pool.zones},
    }
    assert kinds(pool, world) == []


def test_a_pool_that_is_resumed_has_a_pod_for_every_volume_that_may_hold_data() -> None:
    pool = a_pool()
    before = observed(pool, pods=2, nodes=None, lacking=None)
    sets = tuple(replace(each, pods=0) for each in before.sets)
    asleep = replace(before, sets=sets, pods=())

    assert set(applied_sets(pool, asleep).values()) == {2}


@pytest.mark.parametrize(
    "changes, reason, text",
    [
        ({"is_fenced": True}, "PodFenced", "stator.dev/fenced"),
        ({"is_in_maintenance": True}, "Maintenance", "stator.dev/maintenance"),
        ({"refusal": "this folder is of cluster c-2"}, "PodRefuses", "is of cluster c-2"),
    ],
)
def test_what_becomes_of_a_pod_is_said(changes: dict[str, object], reason: str, text: str) -> None:
    pool = a_pool()
    world = with_pod(observed(pool, lacking=1), 0, is_ready=False, **changes)

    assert kinds(pool, world) == []
    assert [(each.reason, text in each.message) for each in plan(pool, world).waiting] == [
        (reason, True)
    ]


def test_every_reason_is_one_that_people_are_told_of() -> None:
    assert {each.value for each in Reason} <= set(EVENTS)
