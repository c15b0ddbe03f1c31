"""A pod gets another volume: its machine or volume is lost, or a person asks for it.

In: a `Pool` and what is there. Out: actions into the plan of `pool_plan.py`. The new volume is
empty, so the pod becomes another node; the old one is given up as soon as the new one answers, and
the supervisor has the replicas copied. Begun after `replaceAfterSeconds`, or at once for a pod with
the annotation `stator.dev/replace` and for one whose claim somebody deletes. A claim that is being
deleted says by itself that its pod must go: no other record is needed. What is leaving anyhow
(`pool_scale_in.py`) gets no other volume.

Invariants: one at a time, and unless a person asks, only while all other pods serve; no volume is
deleted while a partition would have no majority of good copies without it; a pod that is fenced or
in maintenance is left alone.
"""

from __future__ import annotations

from stator_operator import naming
from stator_operator.pool_actions import (
    DeleteClaim,
    Draft,
    GiveUpNode,
    Reason,
    RestartPod,
)
from stator_operator.pool_disruption import absence, unsettled, volume_that_goes
from stator_operator.pool_observation import (
    Departure,
    ObservedClaim,
    ObservedNode,
    ObservedPool,
)
from stator_operator.storage_pool import Pool


def plan_replacement(pool: Pool, observed: ObservedPool, draft: Draft) -> bool:
    """The next step of one replacement. True: one is under way or wanted, so nothing else goes."""
    wanted = [each for each in observed.claims if _is_wanted(each, pool, observed)]
    # What cannot be taken back goes first, if it can go.
    wanted.sort(key=lambda each: (not each.is_ending, each.name))
    obstacles = {each.name: _obstacle(pool, each, observed) for each in wanted}
    free = next((each for each in wanted if obstacles[each.name] is None), None)
    if free is not None:
        _replace(free, observed, draft)
        return True
    for claim in wanted:
        text = f"pod {claim.pod_name} is to get another volume: {obstacles[claim.name]}"
        draft.wait(Reason.REPLACEMENT_WAITS, text)
    return bool(wanted)


def plan_successions(pool: Pool, observed: ObservedPool, draft: Draft) -> None:
    """Give up nodes that never come back: another has their pod, or neither pod nor volume is."""
    ours = tuple(f"{naming.stateful_set_name(pool.name, zone)}-" for zone in pool.zones)
    for node in observed.nodes or ():
        if node.is_given_up or node.is_heard or not node.pod.startswith(ours):
            continue
        pod, claim = observed.pod_called(node.pod), observed.claim_of(node.pod)
        if (pod is None and claim is None) or _successor(node, observed) is not None:
            draft.do(GiveUpNode(node.node_id))


def _successor(node: ObservedNode, observed: ObservedPool) -> ObservedNode | None:
    """The node that answers from the same pod, so from another volume."""
    found = observed.node_of(node.pod)
    return found if found is not None and found.is_heard else None


def _is_wanted(claim: ObservedClaim, pool: Pool, observed: ObservedPool) -> bool:
    """Whether the volume of this claim is to go, and its pod to get another."""
    pod = observed.pod_called(claim.pod_name)
    if pod is None or pod.is_fenced or pod.is_in_maintenance:
        return False
    if claim.departure is not Departure.NONE and claim.ordinal >= pool.pods_per_zone:
        return False  # It leaves; what it holds has its place elsewhere.
    if claim.is_ending:
        return True
    if pod.is_to_be_replaced:
        return True
    return pod.lost_seconds is not None and pod.lost_seconds >= pool.replace_after_seconds


def _obstacle(pool: Pool, claim: ObservedClaim, observed: ObservedPool) -> str | None:
    """Why this volume may not go now."""
    pod = observed.pod_called(claim.pod_name)
    if pod is not None and pod.serves:
        away = absence(pool, observed, claim.pod_name) or unsettled(observed)
    elif pod is not None and pod.is_to_be_replaced and pod.lost_seconds is not None:
        away = None  # It has gone already, and a person knows what else is away.
    elif pod is not None and pod.lost_seconds is not None:
        away = absence(pool, observed, claim.pod_name)  # A zone that is away may come back.
    else:
        away = volume_that_goes(observed, claim.pod_name)
    if away is not None:
        return away
    if observed.nodes is None:
        return "the supervisor does not answer"
    node = observed.node_of(claim.pod_name)
    needed = sum(each.needed for each in observed.nodes if not each.is_heard or each is node)
    if needed:
        return f"{needed} partitions would have no majority of good copies without it"
    return None


def _replace(claim: ObservedClaim, observed: ObservedPool, draft: Draft) -> None:
    """The next step of a volume that may go. A claim stays for as long as its pod does."""
    if not claim.is_ending:
        draft.do(DeleteClaim(claim.name, claim.uid))
    pod = observed.pod_called(claim.pod_name)
    if pod is not None and (not pod.is_ending or pod.lost_seconds is not None):
        draft.do(RestartPod(pod.name, pod.uid, at_once=pod.lost_seconds is not None))
