"""Fewer pods per zone, in two phases: what they hold is moved away, then they go.

In: a `Pool` and what is there. Out: actions into the plan of `pool_plan.py`; the StatefulSet is
made smaller by `pool_sets.py` when a pod's claim is marked EMPTY here and the node still is. Each
step is on record, as a mark of the claim, before the next. It is begun only where the data has room
in what stays, and may be taken back at any moment: a higher `podsPerZone` keeps the pod, its data
and its name. Invariants: only a node that holds nothing, and that no partition names, is EMPTY;
only the claim of such a node is deleted, after its pod; a drain that a person asked for is not
ended here.
"""

from __future__ import annotations

from stator_core.placement_types import Configuration
from stator_operator.pool_actions import (
    DeleteClaim,
    Draft,
    DrainNode,
    KeepNode,
    MarkClaim,
    Reason,
)
from stator_operator.pool_observation import Departure, ObservedClaim, ObservedNode, ObservedPool
from stator_operator.pool_sets import is_released
from stator_operator.storage_pool import Pool

_ON_THE_WAY = (Departure.LEAVING, Departure.EMPTY)
# Up to here the planner of placement fills a node when it must: so far the data has a place.
FULL_FRACTION = Configuration().full_fraction
_GIBIBYTE = 1 << 30


def plan_scale_in(pool: Pool, zone: str, observed: ObservedPool, draft: Draft) -> None:
    """The next step of the zone's pods that are to go, or were."""
    if pool.is_suspended:
        return  # Nothing can be moved. What was begun goes on when there are pods.
    claims = [each for each in observed.claims if each.zone == zone]
    staying = [each for each in claims if each.ordinal < pool.pods_per_zone]
    surplus = [each for each in claims if each not in staying]
    for claim in staying:
        if claim.departure in _ON_THE_WAY and not claim.is_ending:
            _stay(claim, observed, draft)
    begun = any(each.departure in _ON_THE_WAY for each in surplus)
    obstacle = None if begun or not surplus else _obstacle(pool, surplus, staying, observed)
    if obstacle is not None:
        draft.wait(*obstacle)
        return
    for claim in surplus:
        _leave(pool, claim, observed, draft)


def _stay(claim: ObservedClaim, observed: ObservedPool, draft: Draft) -> None:
    """The pod is wanted after all. The last mark goes last: it says that a drain was ours."""
    node = observed.node_of(claim.pod_name)
    if claim.departure is Departure.EMPTY:
        draft.do(MarkClaim(claim.name, claim.uid, Departure.LEAVING))
    elif node is None or not node.is_heard:
        return  # It is started again, and heard then.
    elif node.is_draining:
        draft.do(KeepNode(node.node_id))
    else:
        draft.do(MarkClaim(claim.name, claim.uid, Departure.NONE))


def _leave(pool: Pool, claim: ObservedClaim, observed: ObservedPool, draft: Draft) -> None:
    """The next step of a pod that is to go."""
    nodes, pod = observed.nodes_of(claim.pod_name), observed.pod_called(claim.pod_name)
    if claim.is_ending and pod is None:
        return  # It goes by itself, with what was on it.
    if claim.departure is Departure.NONE:
        draft.do(MarkClaim(claim.name, claim.uid, Departure.LEAVING))
    elif is_released(claim, observed):
        if pod is None and not pool.keeps_volumes and not any(each.replicas for each in nodes):
            if observed.nodes is not None:
                draft.do(DeleteClaim(claim.name, claim.uid))
    elif observed.nodes is None:
        draft.wait(Reason.SCALE_IN_WAITS, f"pod {claim.pod_name} leaves: {_NOBODY_ANSWERS}")
    elif claim.departure is Departure.EMPTY:
        draft.do(MarkClaim(claim.name, claim.uid, Departure.LEAVING))  # It has been given more.
    elif nodes and nodes[0].is_heard and not nodes[0].is_draining:
        draft.do(DrainNode(nodes[0].node_id))
    elif (held := _held(nodes, observed)) is not None:
        draft.wait(Reason.SCALE_IN_WAITS, f"pod {claim.pod_name} leaves: {held}")
    else:
        draft.do(MarkClaim(claim.name, claim.uid, Departure.EMPTY))


_NOBODY_ANSWERS = "the supervisor does not answer"


def _held(nodes: list[ObservedNode], observed: ObservedPool) -> str | None:
    """Why a volume that leaves is not known to be empty; None if it is."""
    if nodes:
        held = sum(each.replicas for each in nodes)
        return f"it still holds {held} replicas" if held else None
    # It never was heard, as a pod that never started: whole partitions have nothing there.
    return None if observed.lacking == 0 else "it has not been heard, and replicas are lacking"


def _obstacle(
    pool: Pool, surplus: list[ObservedClaim], staying: list[ObservedClaim], observed: ObservedPool
) -> tuple[Reason, str] | None:
    """Why pods of a zone cannot begin to leave now."""
    names = ", ".join(sorted(each.pod_name for each in surplus))
    what = f"pods {names} are to leave zone {surplus[0].zone}"
    if observed.nodes is None:
        return Reason.SCALE_IN_WAITS, f"{what}: {_NOBODY_ANSWERS}"
    leaving = [observed.node_of(each.pod_name) for each in surplus]
    taking = [observed.node_of(each.pod_name) for each in staying]
    held = sum(each.used_bytes for each in leaving if each is not None)
    if any(each.is_ending for each in staying):
        return Reason.SCALE_IN_WAITS, f"{what}: a pod that stays gets another volume"
    if held and not all(each is not None and each.is_heard for each in taking):
        return Reason.SCALE_IN_WAITS, f"{what}: a node that stays does not answer"
    room = sum(_room(each) for each in taking if each is not None)
    if held <= room:
        return None
    text = (
        f"{what} with {held / _GIBIBYTE:.1f} GiB, and the pods that stay have room for"
        f" {room / _GIBIBYTE:.1f} GiB: set spec.podsPerZone, now {pool.pods_per_zone}, higher, or"
        " let spec.volume.size grow"
    )
    return Reason.NO_ROOM, text


def _room(node: ObservedNode) -> int:
    """How many bytes more a node takes."""
    if node.is_draining:
        return 0
    most = int(FULL_FRACTION * (node.used_bytes + node.free_bytes))
    return max(0, most - node.used_bytes)
