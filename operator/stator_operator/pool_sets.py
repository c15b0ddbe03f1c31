"""The StatefulSet of each zone: how many pods, how large their volumes.

In: a `Pool` and what is there. Out: actions into the plan of `pool_plan.py`. Until all claims of a
zone have grown, or for ever where their class cannot, the set keeps the size that it has, and all
else of it is as wanted. Invariants: a volume is never made smaller; a pod whose volume may hold
data is not taken away, except that a suspended pool has none, and all its volumes; a StatefulSet of
somebody else is left alone.
"""

from __future__ import annotations

from dataclasses import replace

from stator_operator import naming
from stator_operator.objects.stateful_set import stateful_set
from stator_operator.pool_actions import Apply, Draft, GrowClaim, OrphanSet, Reason
from stator_operator.pool_observation import (
    Departure,
    ObservedClaim,
    ObservedPool,
    ObservedSet,
    ordinal_of,
)
from stator_operator.quantity import amount
from stator_operator.storage_pool import Pool


def is_foreign(pool: Pool, present: ObservedSet | None) -> bool:
    """Whether what has our StatefulSet's name is somebody else's."""
    if present is None:
        return False
    return not present.is_ours or present.owner_uid not in (None, pool.uid)


def plan_set(pool: Pool, zone: str, observed: ObservedPool, draft: Draft) -> None:
    """Have the zone's StatefulSet as it is wanted."""
    name = naming.stateful_set_name(pool.name, zone)
    present = observed.set_of(zone)
    if is_foreign(pool, present):
        draft.wait(
            Reason.NAME_TAKEN,
            f"StatefulSet {name} belongs to somebody else and is left alone: rename this pool,"
            " or delete the StatefulSet",
        )
        return
    if present is not None and present.is_ending:
        draft.wait(Reason.SET_IS_ENDING, f"StatefulSet {name} is being deleted")
        return
    too_small = _claims_to_grow(pool, zone, observed)
    draft.do(*(GrowClaim(each.name, pool.volume_size) for each in too_small))
    if present is not None and amount(present.volume_size) < amount(pool.volume_size):
        if not too_small:
            draft.do(OrphanSet(name, present.uid))
            return
        # A set's own claims cannot be changed, and those that there are may take their time.
        pool = replace(pool, volume_size=present.volume_size)
    elif present is not None and amount(present.volume_size) > amount(pool.volume_size):
        draft.wait(
            Reason.VOLUMES_ARE_LARGER,
            f"StatefulSet {name} asks for volumes of {present.volume_size}: set"
            f" spec.volume.size, now {pool.volume_size}, to at least that",
        )
        return
    pods = 0 if pool.is_suspended else pods_to_have(pool, zone, observed)
    draft.do(Apply(stateful_set(pool, zone, pods)))


def pods_to_have(pool: Pool, zone: str, observed: ObservedPool) -> int:
    """As many as are wanted, and never fewer than may have data.

    A StatefulSet takes away its last pods first, so one that must stay keeps all before it.
    """
    claims = [each for each in observed.claims if each.zone == zone]
    staying = [each.ordinal for each in claims if not is_released(each, observed)]
    claimed = {each.pod_name for each in claims}
    # A pod without a claim is seen where lists are of different moments.
    staying += [
        each.ordinal for each in observed.pods if each.zone == zone and each.name not in claimed
    ]
    return max([pool.pods_per_zone, *(ordinal + 1 for ordinal in staying)])


def is_released(claim: ObservedClaim, observed: ObservedPool) -> bool:
    """Whether the claim's pod may be taken away: its volume was seen to be empty, and still is."""
    if claim.is_ending and observed.pod_called(claim.pod_name) is None:
        return True  # Nothing comes back with it.
    if claim.departure is not Departure.EMPTY:
        return False
    nodes = observed.nodes_of(claim.pod_name)
    if any(node.replicas or (node.is_heard and not node.is_draining) for node in nodes):
        return False
    # Unless something runs on it, it cannot have been given anything since.
    runs = observed.pod_called(claim.pod_name) is not None or _is_due(claim, observed)
    return observed.nodes is not None or not runs


def _is_due(claim: ObservedClaim, observed: ObservedPool) -> bool:
    """Whether Kubernetes is about to start the claim's pod."""
    present = observed.set_of(claim.zone)
    return present is not None and not present.is_ending and ordinal_of(claim.name) < present.pods


def _claims_to_grow(pool: Pool, zone: str, observed: ObservedPool) -> list[ObservedClaim]:
    """Claims that are too small. One that somebody made larger than the spec says stays so."""
    return [
        each
        for each in observed.claims
        if each.zone == zone and not each.is_ending and amount(each.size) < amount(pool.volume_size)
    ]
