"""The planner of a pool: what it promises, in a world where things go wrong and it is killed."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool_world import PoolWorld
from sample_pool import a_pool, observed, outdated, with_pod
from stator_operator import naming
from stator_operator.objects.stateful_set import stateful_set
from stator_operator.pool_plan import (
    Apply,
    GrowClaim,
    ObservedClaim,
    ObservedPool,
    OrphanSet,
    RestartPod,
    plan,
)
from stator_operator.storage_pool import Pool

ROUNDS = 40


def kinds(pool: Pool, world: ObservedPool) -> list[type]:
    return [type(each) for each in plan(pool, world).actions if not isinstance(each, Apply)]


def reasons(pool: Pool, world: ObservedPool) -> list[str]:
    return [each.reason for each in plan(pool, world).waiting]


def applied_sets(pool: Pool, world: ObservedPool) -> dict[str, int]:
    bodies = [each.body for each in plan(pool, world).actions if isinstance(each, Apply)]
    return {
        body["metadata"]["name"]: body["spec"]["replicas"]
        for body in bodies
        if naming.ZONE_LABEL in body["metadata"]["labels"]
    }


@given(st.integers(0, 2**32))
def test_whatever_goes_wrong_it_arrives_and_disturbs_one_pod_at_a_time(seed: int) -> None:
    """The promises themselves are asserted by the world, action by action."""
    random = Random(seed)
    pool = a_pool(podsPerZone=random.randint(1, 2))
    world = PoolWorld(pool, random)
    for number in range(ROUNDS):
        if number in (15, 30):
            pods = max(pool.pods_per_zone, random.randint(1, 3))
            size = f"{10 + number}Gi"
            pool = a_pool(podsPerZone=pods, image=f"stator:{number}", volume={"size": size})
            world.pool = pool
        actions = plan(pool, world.observed()).actions
        killed_after = random.randint(0, len(actions)) if random.random() < 0.3 else len(actions)
        for action in actions[:killed_after]:
            world.carry_out(action)
        if random.random() < 0.2:
            world.go_wrong()
        for _ in range(random.randint(0, 8)):
            world.step()
    for _ in range(100):
        decided = plan(pool, world.observed())
        for action in decided.actions:
            world.carry_out(action)
        world.everything()
        if not decided.waiting and all(isinstance(each, Apply) for each in decided.actions):
            break
    else:
        raise AssertionError(f"it never comes to rest: {decided.waiting}")

    end = world.observed()
    assert kinds(pool, end) == []
    assert len(end.pods) == len(pool.zones) * pool.pods_per_zone
    assert all(each.is_ready and each.is_updated for each in end.pods)
    assert {each.size for each in end.claims} == {"40Gi"}
    assert {each.volume_size for each in end.sets} == {"40Gi"}


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


def test_an_older_pod_is_restarted_when_all_is_well() -> None:
    pool = a_pool()

    restarts = [
        each
        for each in plan(pool, outdated(observed(pool))).actions
        if isinstance(each, RestartPod)
    ]
    assert restarts == [RestartPod("default-zone-1-0", "pod-zone-1")]


@pytest.mark.parametrize(
    "changes",
    [
        {"lacking": 1},
        {"lacking": None},
        {"whole_seconds": 19.0},
    ],
)
def test_no_pod_goes_while_the_data_does_not_allow_it(changes: dict[str, object]) -> None:
    pool = a_pool()
    world = outdated(observed(pool, **changes))

    assert kinds(pool, world) == []
    assert reasons(pool, world) == ["RestartsWait"]


@pytest.mark.parametrize("changes", [{"is_ready": False}, {"is_ending": True}])
def test_no_pod_goes_while_another_is_away(changes: dict[str, object]) -> None:
    pool = a_pool()
    world = with_pod(outdated(observed(pool)), 2, is_updated=True, **changes)

    assert kinds(pool, world) == []


def test_no_pod_goes_while_another_is_missing() -> None:
    """Ready pods alone do not say that all are there."""
    pool = a_pool()
    world = outdated(observed(pool))
    world = replace(world, pods=world.pods[:2])

    assert kinds(pool, world) == []
    assert "zone zone-3 has 0 of 1 pods" in plan(pool, world).waiting[0].message


def test_the_one_pod_that_serves_nothing_may_go() -> None:
    """A pod that cannot start with its old image must not wait for itself."""
    pool = a_pool()
    world = with_pod(observed(pool, lacking=1), 1, is_ready=False, is_updated=False)

    assert kinds(pool, world) == [RestartPod]


def test_volumes_grow_first_and_their_set_is_replaced_then() -> None:
    pool = a_pool(volume={"size": "20Gi"})
    world = observed(pool)
    grown = replace(world, claims=tuple(replace(each, size="20Gi") for each in world.claims))

    assert kinds(pool, world) == [GrowClaim] * 3
    assert kinds(pool, grown) == [OrphanSet] * 3
    assert applied_sets(pool, grown) == {}


def test_a_volume_that_somebody_made_larger_stays_larger() -> None:
    pool = a_pool()
    world = observed(pool)
    claims = (replace(world.claims[0], size="30Gi"), *world.claims[1:])

    assert kinds(pool, replace(world, claims=claims)) == []


def test_sizes_are_compared_and_not_spelt() -> None:
    pool = a_pool(volume={"size": "10240Mi"})

    assert kinds(pool, observed(pool)) == []


def test_a_set_with_larger_volumes_waits_for_a_person() -> None:
    pool = a_pool(volume={"size": "5Gi"})

    assert reasons(pool, observed(pool)) == ["VolumesAreLarger"] * 3
    assert applied_sets(pool, observed(pool)) == {}


def test_a_set_of_somebody_else_is_left_alone() -> None:
    pool = a_pool()
    world = observed(pool)
    for foreign in (
        replace(world.sets[0], owner_uid="u-other"),
        replace(world.sets[0], is_ours=False, owner_uid=None),
    ):
        seen = replace(world, sets=(foreign, *world.sets[1:]))
        assert reasons(pool, seen) == ["NameTaken"]
        assert set(applied_sets(pool, seen)) == {"default-zone-2", "default-zone-3"}


def test_a_set_that_has_lost_its_owner_is_adopted() -> None:
    pool = a_pool()
    world = observed(pool)
    orphan = replace(world.sets[0], owner_uid=None)

    seen = replace(world, sets=(orphan, *world.sets[1:]))
    assert reasons(pool, seen) == []
    assert len(applied_sets(pool, seen)) == 3


def test_pods_with_data_are_never_taken_away() -> None:
    pool = a_pool()
    world = observed(pool)
    more = replace(world, sets=(replace(world.sets[0], pods=3), *world.sets[1:]))

    assert applied_sets(pool, more)["default-zone-1"] == 3
    assert "MorePodsThanWanted" in reasons(pool, more)


def test_a_set_that_is_made_again_has_room_for_every_volume() -> None:
    pool = a_pool()
    third = ObservedClaim("data-default-zone-1-2", "zone-1", "10Gi")

    assert applied_sets(pool, ObservedPool(claims=(third,)))["default-zone-1"] == 3


def test_a_set_that_ends_is_waited_for() -> None:
    pool = a_pool()
    world = observed(pool)
    ending = replace(world.sets[0], is_ending=True)

    assert reasons(pool, replace(world, sets=(ending, *world.sets[1:]))) == ["SetIsEnding"]


def test_what_is_applied_is_the_set_of_the_zone() -> None:
    pool = a_pool()
    bodies = [each.body for each in plan(pool, ObservedPool()).actions if isinstance(each, Apply)]

    assert stateful_set(pool, "zone-2", 1) in bodies
