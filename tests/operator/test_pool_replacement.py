"""A pod gets another volume: after a delay or at once, one at a time, never for the last copies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sample_pool import a_pool, observed, outdated, with_claim, with_node, with_pod
from stator_operator.pool_actions import (
    Action,
    Apply,
    DeleteClaim,
    GiveUpNode,
    Reason,
    RestartPod,
)
from stator_operator.pool_observation import Departure, ObservedNode, ObservedPool
from stator_operator.pool_plan import plan

POOL = a_pool()
POD = "default-zone-2-0"
DELETED = DeleteClaim(f"data-{POD}", f"claim-{POD}")


def doings(world: ObservedPool) -> list[Action]:
    return [each for each in plan(POOL, world).actions if not isinstance(each, Apply)]


def lost(seconds: float | None = 3_600.0, **pod: object) -> ObservedPool:
    """The machine of a pod is gone."""
    world = with_pod(observed(POOL, lacking=4), 1, is_ready=False, lost_seconds=seconds, **pod)
    return with_node(world, POD, is_heard=False)


def test_a_lost_pod_gets_another_volume_after_a_delay() -> None:
    assert doings(lost()) == [DELETED, RestartPod(POD, f"pod-{POD}", at_once=True)]
    assert doings(lost(1_799.0)) == []


def test_a_pod_that_only_does_not_serve_keeps_its_volume() -> None:
    """An image that cannot be pulled, or memory that is too little, is not the volume's fault."""
    assert doings(lost(None)) == []


def test_a_pod_that_hangs_on_its_lost_machine_is_ended_without_it() -> None:
    assert doings(lost(is_ending=True)) == [DELETED, RestartPod(POD, f"pod-{POD}", at_once=True)]


def test_a_person_asks_for_it_at_once() -> None:
    asked = with_pod(observed(POOL), 1, is_to_be_replaced=True)

    assert doings(asked) == [DELETED, RestartPod(POD, f"pod-{POD}")]


def test_a_claim_that_somebody_deletes_takes_its_pod_along() -> None:
    """A claim stays as long as its pod does, and the StatefulSet waits for it."""
    deleted = with_claim(observed(POOL), POD, is_ending=True)

    assert doings(deleted) == [RestartPod(POD, f"pod-{POD}")]
    assert doings(with_pod(deleted, 1, is_ready=False, is_ending=True)) == []


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"lacking": 2}, "2 partitions lack a replica"),
        ({"whole_seconds": 3.0}, "for 20 s"),
        ({"nodes": None}, "the supervisor does not answer"),
    ],
)
def test_a_pod_that_serves_waits_until_the_data_allows_it(
    changes: dict[str, object], text: str
) -> None:
    asked = replace(with_pod(observed(POOL), 1, is_to_be_replaced=True), **changes)

    assert doings(asked) == []
    assert plan(POOL, asked).waiting[0].reason is Reason.REPLACEMENT_WAITS
    assert text in plan(POOL, asked).waiting[0].message


def test_the_last_good_copies_are_never_deleted() -> None:
    world = with_node(lost(), POD, needed=3)

    assert doings(world) == []
    assert "3 partitions would have no majority" in plan(POOL, world).waiting[0].message


def test_of_two_lost_pods_neither_goes_while_they_share_partitions() -> None:
    other = "default-zone-3-0"
    asked = with_pod(lost(is_to_be_replaced=True), 2, is_ready=False, lost_seconds=3_600.0)

    assert doings(with_node(asked, other, is_heard=False, needed=2)) == []
    apart = with_node(asked, other, is_heard=False)
    assert [type(each) for each in doings(apart)] == [DeleteClaim, RestartPod]


def test_of_two_lost_pods_neither_goes_unless_a_person_asks() -> None:
    """A whole zone that is away for a while must not cost its volumes."""
    world = with_pod(lost(), 2, is_ready=False, lost_seconds=3_600.0)

    assert doings(with_node(world, "default-zone-3-0", is_heard=False)) == []


def test_one_at_a_time() -> None:
    asked = with_pod(with_pod(observed(POOL), 0, is_to_be_replaced=True), 2, is_to_be_replaced=True)

    assert len([each for each in doings(asked) if isinstance(each, DeleteClaim)]) == 1
    begun = with_claim(asked, "default-zone-1-0", is_ending=True)
    assert doings(begun) == [RestartPod("default-zone-1-0", "pod-default-zone-1-0")]


@pytest.mark.parametrize("wish", ["is_fenced", "is_in_maintenance"])
def test_who_is_to_be_left_alone_keeps_its_volume(wish: str) -> None:
    assert doings(lost(**{wish: True})) == []


def test_a_pod_that_leaves_needs_no_other_volume() -> None:
    second = "default-zone-2-1"
    world = observed(a_pool(podsPerZone=2), pods=2, lacking=4)
    world = with_claim(world, second, departure=Departure.LEAVING)
    world = with_pod(world, 3, is_ready=False, lost_seconds=3_600.0)
    world = with_node(world, second, is_heard=False)

    assert not [each for each in doings(world) if isinstance(each, DeleteClaim)]


def test_nothing_is_restarted_meanwhile() -> None:
    asked = with_pod(outdated(observed(POOL, whole_seconds=1.0)), 1, is_to_be_replaced=True)

    assert [each.reason for each in plan(POOL, asked).waiting] == [Reason.REPLACEMENT_WAITS]


def test_the_node_of_the_volume_before_is_given_up() -> None:
    """Its replicas are copied at once, instead of after the delay of a node that is silent."""
    world = with_node(observed(POOL), POD, is_heard=False)
    successor = ObservedNode("node-new", POD, "zone-2", is_heard=True)
    assert doings(world) == []

    assert world.nodes is not None
    replaced = replace(world, nodes=(*world.nodes, successor))
    assert doings(replaced) == [GiveUpNode(f"node-{POD}")]


def test_a_node_without_pod_and_volume_is_given_up() -> None:
    world = observed(POOL)
    assert world.nodes is not None
    gone = ObservedNode("node-gone", "default-zone-2-1", "zone-2", is_heard=False)
    foreign = ObservedNode("node-far", "somebody-elses-0", "zone-2", is_heard=False)

    seen = replace(world, nodes=(*world.nodes, gone, foreign))
    assert doings(seen) == [GiveUpNode("node-gone")]
