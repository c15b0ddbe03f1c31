"""The StatefulSets of a pool: how many pods, how large their volumes, whose they are."""

from __future__ import annotations

from dataclasses import replace

from sample_pool import a_pool, applied_sets, kinds, observed, reasons
from stator_operator.objects.stateful_set import stateful_set
from stator_operator.pool_actions import Apply, GrowClaim, OrphanSet
from stator_operator.pool_observation import ObservedClaim, ObservedPool
from stator_operator.pool_plan import plan


def test_volumes_grow_first_and_their_set_is_replaced_then() -> None:
    pool = a_pool(volume={"size": "20Gi"})
    world = observed(pool)
    grown = replace(world, claims=tuple(replace(each, size="20Gi") for each in world.claims))

    assert kinds(pool, world) == [GrowClaim] * 3
    assert kinds(pool, grown) == [OrphanSet] * 3
    assert applied_sets(pool, grown) == {}


def test_all_else_of_a_set_is_as_wanted_while_its_volumes_cannot_grow() -> None:
    """A size cannot be set back: a class whose volumes never grow is not to hold up the rest."""
    pool = a_pool(volume={"size": "20Gi"}, podsPerZone=2, image="stator:2")
    applies = [each.body for each in plan(pool, observed(pool)).actions if isinstance(each, Apply)]
    sets = [each for each in applies if each["metadata"]["name"].startswith("default-zone")]

    assert [each["spec"]["replicas"] for each in sets] == [2, 2, 2]
    for each in sets:
        (claim,) = each["spec"]["volumeClaimTemplates"]
        assert claim["spec"]["resources"]["requests"]["storage"] == "10Gi", "it cannot be changed"
        assert each["spec"]["template"]["spec"]["containers"][0]["image"] == "stator:2"


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
