"""The supervisor gets another volume, like a storage pod, while pods can tell what was on it."""

from __future__ import annotations

from dataclasses import replace

from sample_pool import a_pool, observed, with_claim, with_node, with_pod
from stator_operator.pool_actions import Action, Apply, DeleteClaim, Reason, RestartPod
from stator_operator.pool_observation import ObservedClaim, ObservedPod, ObservedPool
from stator_operator.pool_plan import plan

POOL = a_pool()
NAME = "default-supervisor-0"
STEERING = ObservedPod(NAME, f"pod-{NAME}", "", is_ready=True, is_updated=False)
CLAIM = ObservedClaim(f"data-{NAME}", "", "1Gi", uid=f"claim-{NAME}")
DELETED = DeleteClaim(CLAIM.name, CLAIM.uid)
ENDED = RestartPod(NAME, STEERING.uid, at_once=True)


def doings(world: ObservedPool) -> list[Action]:
    return [each for each in plan(POOL, world).actions if not isinstance(each, Apply)]


def steered(world: ObservedPool | None = None, **pod: object) -> ObservedPool:
    """A pool with its supervisor, changed like this."""
    world = observed(POOL) if world is None else world
    return replace(world, supervisor_pod=replace(STEERING, **pod), supervisor_claim=CLAIM)


def lost(
    seconds: float | None = 3_600.0, world: ObservedPool | None = None, **pod: object
) -> ObservedPool:
    """Its machine is gone, so nobody says how the data is."""
    found = steered(world, is_ready=False, lost_seconds=seconds, **pod)
    return replace(found, lacking=None, nodes=None)


def test_a_supervisor_that_steers_is_left_as_it_is() -> None:
    assert doings(steered()) == []


def test_a_lost_supervisor_gets_another_volume_after_the_delay_of_storage_pods() -> None:
    assert doings(lost()) == [DELETED, ENDED]
    assert doings(lost(1_799.0)) == []
    assert doings(lost(is_ending=True)) == [DELETED, ENDED]


def test_a_supervisor_that_only_does_not_run_keeps_its_volume() -> None:
    assert doings(lost(None)) == []


def test_a_person_asks_for_it_or_deletes_its_claim() -> None:
    assert doings(steered(is_to_be_replaced=True)) == [DELETED, replace(ENDED, at_once=False)]
    ending = replace(steered(), supervisor_claim=replace(CLAIM, is_ending=True))
    assert doings(ending) == [replace(ENDED, at_once=False)]
    assert ending.supervisor_pod is not None
    gone = replace(ending.supervisor_pod, is_ending=True)
    assert doings(replace(ending, supervisor_pod=gone)) == []


def test_it_goes_first_where_a_storage_pod_was_lost_on_the_same_machine() -> None:
    """Of that one nobody can tell, before somebody steers, whether its volume may go."""
    world = with_pod(observed(POOL), 1, is_ready=False, lost_seconds=3_600.0)
    assert doings(lost(world=world)) == [DELETED, ENDED]

    back = with_node(steered(world), "default-zone-2-0", is_heard=False)
    assert [type(each) for each in doings(back)] == [DeleteClaim, RestartPod]
    assert doings(back)[0] != DELETED


def test_it_stays_while_the_pods_of_two_zones_could_not_tell() -> None:
    world = with_pod(with_pod(observed(POOL), 1, is_ready=False), 2, is_ready=False)

    assert doings(lost(world=world)) == []
    waiting = [e for e in plan(POOL, lost(world=world)).waiting if NAME in e.message]
    assert [each.reason for each in waiting] == [Reason.REPLACEMENT_WAITS]
    assert "zones zone-2, zone-3 do not serve" in waiting[0].message
    assert doings(lost(world=replace(observed(POOL), pods=()))) == []


def test_never_together_with_the_volume_of_a_storage_pod() -> None:
    asked = with_pod(steered(is_to_be_replaced=True), 1, is_to_be_replaced=True)
    assert doings(asked) == [DELETED, replace(ENDED, at_once=False)]

    begun = with_claim(steered(is_to_be_replaced=True), "default-zone-2-0", is_ending=True)
    assert DELETED not in doings(begun)
    # A claim that somebody deletes waits for a supervisor, so that one does not wait for it.
    begun = with_claim(observed(POOL), "default-zone-2-0", is_ending=True)
    assert DELETED in doings(lost(world=begun))


def test_one_in_maintenance_is_left_alone() -> None:
    kept = lost(is_in_maintenance=True)

    assert doings(kept) == []
    assert [each.reason for each in plan(POOL, kept).waiting] == [Reason.MAINTENANCE]
