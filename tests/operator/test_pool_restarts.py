"""A newer template comes to the pods one at a time, and only while the data allows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sample_pool import (
    a_pool,
    applied_sets,
    kinds,
    observed,
    outdated,
    reasons,
    with_node,
    with_pod,
)
from stator_operator.pool_actions import RestartPod
from stator_operator.pool_plan import plan


def test_an_older_pod_is_restarted_when_all_is_well() -> None:
    pool = a_pool()

    restarts = [
        each
        for each in plan(pool, outdated(observed(pool))).actions
        if isinstance(each, RestartPod)
    ]
    assert restarts == [RestartPod("default-zone-1-0", "pod-default-zone-1-0")]


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
    assert "pod default-zone-3-0 is not there" in plan(pool, world).waiting[0].message


def test_no_pod_goes_while_further_ones_are_about_to_be_made() -> None:
    world = outdated(observed(a_pool()))
    larger = a_pool(podsPerZone=2)

    assert set(applied_sets(larger, world).values()) == {2}
    assert kinds(larger, world) == []
    assert "pod default-zone-1-1 is not there" in plan(larger, world).waiting[0].message


def test_the_one_pod_that_serves_nothing_may_go() -> None:
    """A pod that cannot start with its old image must not wait for itself."""
    pool = a_pool()
    world = with_pod(observed(pool, lacking=1), 1, is_ready=False, is_updated=False)

    assert kinds(pool, world) == [RestartPod]


def test_a_pod_that_catches_up_does_not_go_while_partitions_need_it() -> None:
    """It is not ready, and serves all the same: peers of it may be behind by now."""
    pool = a_pool()
    world = with_pod(observed(pool, lacking=1), 1, is_ready=False, is_updated=False)
    needed = with_node(world, "default-zone-2-0", needed=2)

    assert kinds(pool, needed) == []
    assert "2 partitions would have no majority" in plan(pool, needed).waiting[0].message
    silent = with_node(world, "default-zone-2-0", needed=2, is_heard=False)
    assert kinds(pool, silent) == [RestartPod], "what does not answer serves nothing"


def test_while_nobody_steers_a_pod_that_has_begun_to_serve_is_waited_for() -> None:
    """One that has not may go: the image of pod and supervisor may be one that cannot start."""
    pool = a_pool()
    world = replace(observed(pool, lacking=None), nodes=None)
    world = with_pod(world, 1, is_ready=False, is_updated=False)

    assert kinds(pool, world) == [RestartPod]
    assert kinds(pool, with_pod(world, 1, is_started=True)) == []


@pytest.mark.parametrize("wish", ["is_fenced", "is_in_maintenance"])
def test_a_pod_that_is_to_be_left_alone_is_not_restarted(wish: str) -> None:
    pool = a_pool()
    world = with_pod(outdated(observed(pool)), 0, **{wish: True})

    restarted = [each for each in plan(pool, world).actions if isinstance(each, RestartPod)]
    assert [each.name for each in restarted] == ["default-zone-2-0"]


def test_zone_by_zone_and_in_a_zone_the_newest_pod_first() -> None:
    pool = a_pool(podsPerZone=2)
    world = outdated(observed(pool, pods=2))
    order = []
    while any(not each.is_updated for each in world.pods):
        (restart,) = [each for each in plan(pool, world).actions if isinstance(each, RestartPod)]
        order.append(restart.name)
        number = next(n for n, each in enumerate(world.pods) if each.name == restart.name)
        world = with_pod(world, number, is_updated=True)

    assert order == [f"default-{zone}-{number}" for zone in pool.zones for number in (1, 0)]
