"""Fewer pods: emptied first, then taken away; refused without room; taken back at any moment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sample_pool import (
    GIBIBYTE,
    a_pool,
    applied_sets,
    observed,
    with_claim,
    with_node,
)
from stator_operator.pool_actions import (
    Action,
    Apply,
    DeleteClaim,
    DrainNode,
    KeepNode,
    MarkClaim,
    Reason,
)
from stator_operator.pool_observation import Departure, ObservedPool
from stator_operator.pool_plan import plan
from stator_operator.storage_pool import Pool

POD = "default-zone-1-1"
CLAIM, CLAIM_UID, NODE = f"data-{POD}", f"claim-{POD}", f"node-{POD}"
ONE = a_pool()
TWO = a_pool(podsPerZone=2)


def doings(pool: Pool, world: ObservedPool) -> list[Action]:
    return [each for each in plan(pool, world).actions if not isinstance(each, Apply)]


def world(departure: Departure, **node: object) -> ObservedPool:
    """Two pods a zone; the second of zone-1 is this far on its way out, the others are well."""
    made = observed(TWO, pods=2)
    claims = tuple(e for e in made.claims if e.zone == "zone-1" or not e.name.endswith("-1"))
    pods = tuple(e for e in made.pods if e.zone == "zone-1" or not e.name.endswith("-1"))
    sets = tuple(replace(e, pods=2 if e.zone == "zone-1" else 1) for e in made.sets)
    nodes = tuple(e for e in made.nodes if e.zone == "zone-1" or not e.pod.endswith("-1"))
    made = replace(made, claims=claims, pods=pods, sets=sets, nodes=nodes)
    return with_node(with_claim(made, POD, departure=departure), POD, **node)


def without_pod(seen: ObservedPool) -> ObservedPool:
    """Its StatefulSet is smaller by now."""
    sets = tuple(replace(each, pods=1) for each in seen.sets)
    return replace(seen, sets=sets, pods=tuple(e for e in seen.pods if e.name != POD))


def test_a_pod_leaves_step_by_step_each_on_record_first() -> None:
    begun = world(Departure.NONE)
    assert doings(ONE, begun) == [MarkClaim(CLAIM, CLAIM_UID, Departure.LEAVING)]

    assert doings(ONE, world(Departure.LEAVING)) == [DrainNode(NODE)]

    moving = world(Departure.LEAVING, is_draining=True)
    assert doings(ONE, moving) == []
    assert plan(ONE, moving).waiting[0].reason is Reason.SCALE_IN_WAITS
    assert "it still holds 4 replicas" in plan(ONE, moving).waiting[0].message

    moved = world(Departure.LEAVING, is_draining=True, replicas=0)
    assert doings(ONE, moved) == [MarkClaim(CLAIM, CLAIM_UID, Departure.EMPTY)]
    assert applied_sets(ONE, moved)["default-zone-1"] == 2  # not before that is on record

    empty = world(Departure.EMPTY, is_draining=True, replicas=0)
    assert doings(ONE, empty) == []
    assert applied_sets(ONE, empty)["default-zone-1"] == 1


def test_a_pod_that_was_given_something_again_is_not_taken_away() -> None:
    """Somebody has ended its drain by hand."""
    for again in ({"is_draining": False, "replicas": 0}, {"is_draining": True, "replicas": 1}):
        seen = world(Departure.EMPTY, **again)
        assert applied_sets(ONE, seen)["default-zone-1"] == 2
        assert doings(ONE, seen) == [MarkClaim(CLAIM, CLAIM_UID, Departure.LEAVING)]


@pytest.mark.parametrize("kept, deleted", [("Retain", []), ("Delete", [(CLAIM, CLAIM_UID)])])
def test_an_empty_volume_is_kept_or_deleted_after_its_pod(
    kept: str, deleted: list[tuple[str, str]]
) -> None:
    pool = a_pool(volume={"size": "10Gi", "whenScaled": kept})
    away = world(Departure.EMPTY, is_draining=True, replicas=0, is_heard=False)

    assert doings(pool, away) == []  # its pod is still there
    assert doings(pool, without_pod(away)) == [DeleteClaim(*each) for each in deleted]


def test_no_volume_is_deleted_while_nobody_says_that_it_is_empty() -> None:
    pool = a_pool(volume={"size": "10Gi", "whenScaled": "Delete"})
    away = without_pod(world(Departure.EMPTY, is_draining=True, replicas=0, is_heard=False))

    assert doings(pool, replace(away, nodes=None)) == []
    assert doings(pool, with_node(away, POD, replicas=1)) == [
        MarkClaim(CLAIM, CLAIM_UID, Departure.LEAVING)
    ]


def test_a_volume_is_not_taken_for_one_that_its_pod_had_before() -> None:
    """The pool slept: neither node answers, and the older one was empty. Data was deleted so."""
    pool = a_pool(volume={"size": "10Gi", "whenScaled": "Delete"})
    away = without_pod(world(Departure.EMPTY, is_draining=True, replicas=0, is_heard=False))
    (older,) = [each for each in away.nodes or () if each.node_id == NODE]
    newer = replace(older, node_id=f"{NODE}-newer", replicas=3, is_draining=False)
    assert older.node_id < newer.node_id
    both = replace(away, nodes=(*(away.nodes or ()), newer))

    assert doings(pool, both) == [MarkClaim(CLAIM, CLAIM_UID, Departure.LEAVING)]
    assert applied_sets(pool, both)["default-zone-1"] == 2
    leaving = with_claim(both, POD, departure=Departure.LEAVING)
    assert "it still holds 3 replicas" in plan(pool, leaving).waiting[0].message

    # Of one that answers it is known that this is its volume.
    heard = replace(newer, is_heard=True, is_draining=True, replicas=0)
    silent = replace(older, replicas=1)
    others = tuple(each for each in away.nodes or () if each.node_id != NODE)
    seen = replace(leaving, nodes=(*others, silent, heard))
    assert doings(pool, seen)[0] == MarkClaim(CLAIM, CLAIM_UID, Departure.EMPTY)


def test_a_pod_leaves_although_somebody_deletes_its_volume() -> None:
    """It is not replaced first: that would wait for a pod before it, which waits for this one."""
    seen = with_claim(world(Departure.LEAVING, is_draining=True, replicas=0), POD, is_ending=True)
    assert doings(ONE, seen) == [MarkClaim(CLAIM, CLAIM_UID, Departure.EMPTY)]

    gone = with_claim(world(Departure.EMPTY, is_draining=True, replicas=0), POD, is_ending=True)
    assert doings(ONE, gone) == []
    assert applied_sets(ONE, gone)["default-zone-1"] == 1
    assert doings(ONE, without_pod(gone)) == []  # The claim goes by itself.


def test_a_pod_is_wanted_again_at_any_moment() -> None:
    leaving = world(Departure.LEAVING, is_draining=True)
    assert KeepNode(NODE) in doings(TWO, leaving)
    kept = world(Departure.LEAVING)
    assert MarkClaim(CLAIM, CLAIM_UID, Departure.NONE) in doings(TWO, kept)

    empty = without_pod(world(Departure.EMPTY, is_draining=True, replicas=0, is_heard=False))
    assert MarkClaim(CLAIM, CLAIM_UID, Departure.LEAVING) in doings(TWO, empty)
    assert applied_sets(TWO, empty)["default-zone-1"] == 2


def test_the_mark_that_a_volume_is_empty_goes_before_anything_can_come_to_it() -> None:
    """Else a pool that is suspended then takes a volume with data for an empty one."""
    seen = world(Departure.EMPTY, is_draining=True, replicas=0)

    assert KeepNode(NODE) not in doings(TWO, seen)
    assert MarkClaim(CLAIM, CLAIM_UID, Departure.LEAVING) in doings(TWO, seen)


def test_a_drain_that_a_person_asked_for_is_not_ended() -> None:
    seen = with_node(observed(TWO, pods=2), POD, is_draining=True)

    assert doings(TWO, seen) == []


def test_without_room_it_is_refused_and_nothing_begins() -> None:
    stays = "default-zone-1-0"
    seen = with_node(world(Departure.NONE, used_bytes=3 * GIBIBYTE), stays, free_bytes=GIBIBYTE)

    decided = plan(ONE, seen)
    assert doings(ONE, seen) == []
    assert decided.waiting[0].reason is Reason.NO_ROOM
    assert decided.waiting[0].message == (
        "pods default-zone-1-1 are to leave zone zone-1 with 3.0 GiB, and the pods that stay have"
        " room for 0.7 GiB: set spec.podsPerZone, now 1, higher, or let spec.volume.size grow"
    )
    # What was begun is not broken off because copies are counted twice on the way.
    begun = with_claim(seen, POD, departure=Departure.LEAVING)
    assert doings(ONE, begun) == [DrainNode(NODE)]


@pytest.mark.parametrize(
    "changes",
    [
        {"nodes": None},
        {"nodes": "one is silent"},
    ],
)
def test_it_waits_for_who_is_to_take_the_data(changes: dict[str, object]) -> None:
    seen = world(Departure.NONE)
    if changes["nodes"] is None:
        seen = replace(seen, nodes=None)
    else:
        seen = with_node(seen, "default-zone-1-0", is_heard=False)

    assert doings(ONE, seen) == []
    assert plan(ONE, seen).waiting[0].reason is Reason.SCALE_IN_WAITS


def test_a_pod_that_never_served_holds_nothing() -> None:
    """It must not keep the pool from getting smaller, as one that is Pending for want of memory."""
    seen = world(Departure.LEAVING)
    never = replace(seen, nodes=tuple(each for each in seen.nodes if each.pod != POD))

    assert doings(ONE, never) == [MarkClaim(CLAIM, CLAIM_UID, Departure.EMPTY)]
    assert doings(ONE, replace(never, lacking=1)) == []


def test_zones_get_smaller_side_by_side() -> None:
    marked = [each for each in doings(ONE, observed(TWO, pods=2)) if isinstance(each, MarkClaim)]

    assert len(marked) == 3
