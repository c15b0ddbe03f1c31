"""The supervisor gets another volume: its machine or volume is lost, or a person asks for it.

In: a `Pool` and what is there. Out: actions into the plan of `pool_plan.py`. With an empty volume
the supervisor asks the storage pods first, and rebuilds its record of what they hold; so it may
lose its volume while these can tell. Begun when that of a storage pod would be
(`pool_replacement.py`): after `replaceAfterSeconds`, or at once by `stator.dev/replace` or a claim
that somebody deletes.

Invariants: never while the storage pods of two zones do not serve, for each partition has a replica
in every zone and a quorum in two; never in one plan with the volume of a storage pod.
"""

from __future__ import annotations

from stator_operator.pool_actions import DeleteClaim, Draft, Reason, RestartPod
from stator_operator.pool_disruption import volume_that_goes
from stator_operator.pool_observation import ObservedClaim, ObservedPod, ObservedPool
from stator_operator.storage_pool import Pool


def plan_supervisor_replacement(pool: Pool, observed: ObservedPool, draft: Draft) -> bool:
    """The next step, if the volume is to go. True: one is taken, so nothing else goes now."""
    pod, claim = observed.supervisor_pod, observed.supervisor_claim
    if pod is None or claim is None or not _is_wanted(pool, pod, claim):
        return False
    obstacle = _obstacle(pool, pod, observed)
    if obstacle is not None:
        text = f"pod {pod.name} is to get another volume: {obstacle}"
        draft.wait(Reason.REPLACEMENT_WAITS, text)
        return False
    if not claim.is_ending:
        draft.do(DeleteClaim(claim.name, claim.uid))
    if not pod.is_ending or pod.lost_seconds is not None:
        draft.do(RestartPod(pod.name, pod.uid, at_once=pod.lost_seconds is not None))
    return True


def _is_wanted(pool: Pool, pod: ObservedPod, claim: ObservedClaim) -> bool:
    """Whether the volume is to go. The supervisor cannot be fenced."""
    if pod.is_in_maintenance:
        return False
    if claim.is_ending or pod.is_to_be_replaced:
        return True
    return pod.lost_seconds is not None and pod.lost_seconds >= pool.replace_after_seconds


def _obstacle(pool: Pool, pod: ObservedPod, observed: ObservedPool) -> str | None:
    """Why the volume may not go now."""
    serving = {zone: [e.serves for e in observed.pods if e.zone == zone] for zone in pool.zones}
    away = [zone for zone, pods in serving.items() if not pods or not all(pods)]
    if len(away) > 1:
        return f"storage pods of zones {', '.join(away)} do not serve, and could not tell it all"
    # One that has gone has nobody to wait for: without it no volume of a storage pod goes either.
    return volume_that_goes(observed, pod.name) if pod.serves else None
