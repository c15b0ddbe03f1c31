"""A pool's status: what is so, why, and what to change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sample_pool import a_pool, observed, outdated, with_claim, with_node, with_pod
from stator_operator.pool_observation import Departure, ObservedPool
from stator_operator.pool_plan import plan
from stator_operator.pool_status import pool_status
from stator_operator.storage_pool import Pool


def status(pool: Pool, world: ObservedPool, before: dict[str, Any] | None = None) -> dict[str, Any]:
    return pool_status(pool, world, plan(pool, world), before or {}, "2026-11-20T12:00:00Z")


def said(pool: Pool, world: ObservedPool) -> dict[str, tuple[str, str]]:
    conditions = status(pool, world)["conditions"]
    return {each["type"]: (each["status"], each["reason"]) for each in conditions}


def test_a_pool_that_is_well_is_ready() -> None:
    pool = a_pool()

    assert said(pool, observed(pool)) == {
        "Accepted": ("True", "Accepted"),
        "Progressing": ("False", "AsWanted"),
        "FullyReplicated": ("True", "AllReplicas"),
        "Ready": ("True", "AllPodsServe"),
        "Suspended": ("False", "NotAsked"),
    }


def test_a_new_pool_progresses() -> None:
    conditions = said(a_pool(), ObservedPool())

    assert conditions["Ready"] == ("False", "PodsNotReady")
    assert conditions["Progressing"] == ("True", "PodsStart")
    assert conditions["FullyReplicated"] == ("Unknown", "NotAsked")


def test_numbers_are_those_of_pods_that_serve() -> None:
    pool = a_pool()
    made = status(pool, with_pod(observed(pool), 1, is_ending=True))

    assert (made["pods"], made["readyPods"], made["podsPerZone"]) == (3, 2, 1)
    assert [each["readyPods"] for each in made["zones"]] == [1, 0, 1]
    assert made["clusterId"] == "u-1"
    assert made["observedGeneration"] == 3


def test_what_a_person_must_change_is_said() -> None:
    pool = a_pool(volume={"size": "5Gi"})
    accepted = status(pool, observed(pool))["conditions"][0]

    assert (accepted["status"], accepted["reason"]) == ("False", "VolumesAreLarger")
    assert "set spec.volume.size" in accepted["message"]


def test_a_restart_that_waits_says_for_what() -> None:
    pool = a_pool()
    world = outdated(observed(pool, lacking=2))
    progressing = status(pool, world)["conditions"][1]

    assert progressing["reason"] == "RestartsWait"
    assert "2 partitions lack a replica" in progressing["message"]
    assert said(pool, outdated(observed(pool)))["Progressing"] == ("True", "PodRestarts")
    assert said(a_pool(volume={"size": "20Gi"}), observed(pool))["Progressing"] == (
        "True",
        "VolumesGrow",
    )


def test_the_image_is_said_when_all_pods_run_it() -> None:
    pool = a_pool(image="stator:2")
    mixed = with_pod(observed(pool), 0, is_updated=False)

    assert status(pool, observed(pool))["image"] == "stator:2"
    assert "image" not in status(pool, mixed)
    assert status(pool, mixed, {"image": "stator:1"})["image"] == "stator:1"


def test_nothing_new_is_said_of_a_world_that_has_not_changed() -> None:
    pool = a_pool()
    first = status(pool, observed(pool))
    world = replace(observed(pool), whole_seconds=999.0)
    assert pool_status(pool, world, plan(pool, world), first, "later") == first

    waits = status(pool, outdated(replace(world, whole_seconds=1.0)))
    later = outdated(replace(world, whole_seconds=2.0))
    assert pool_status(pool, later, plan(pool, later), waits, "later") == waits


def test_a_suspended_pool_says_so_and_is_not_ready() -> None:
    pool = a_pool(suspend=True)
    ending = said(pool, observed(pool))
    assert ending["Suspended"] == ("False", "PodsEnd")
    assert ending["Progressing"] == ("True", "PodsEnd")

    asleep = said(pool, replace(observed(pool), pods=()))
    assert asleep["Suspended"] == ("True", "AsAsked")
    assert asleep["Ready"] == ("False", "Suspended")
    assert asleep["Progressing"] == ("False", "AsWanted")


def test_a_pool_that_gets_smaller_says_how_far_it_is() -> None:
    pool = a_pool()
    world = observed(pool, pods=2)
    assert said(pool, world)["Progressing"] == ("True", "PodsLeave")

    for number in range(3):
        pod = f"default-zone-{number + 1}-1"
        world = with_claim(world, pod, departure=Departure.LEAVING)
        world = with_node(world, pod, is_draining=True)
    assert said(pool, world)["Progressing"] == ("True", "ScaleInWaits")
    assert said(pool, world)["Accepted"] == ("True", "Accepted")


def test_what_there_is_no_room_for_is_not_accepted() -> None:
    pool = a_pool()
    full = observed(pool, pods=2)
    assert full.nodes is not None
    full = replace(full, nodes=tuple(replace(each, free_bytes=0) for each in full.nodes))

    assert said(pool, full)["Accepted"] == ("False", "NoRoom")


def test_what_people_asked_for_is_neither_progress_nor_refusal() -> None:
    pool = a_pool()
    fenced = said(pool, with_pod(observed(pool), 0, is_fenced=True, is_ready=False))

    assert fenced["Progressing"] == ("False", "PodFenced")
    assert fenced["Accepted"] == ("True", "Accepted")


def test_a_volume_that_is_replaced_is_said() -> None:
    pool = a_pool()
    asked = with_pod(observed(pool), 0, is_to_be_replaced=True)

    assert said(pool, asked)["Progressing"] == ("True", "VolumeReplaced")
