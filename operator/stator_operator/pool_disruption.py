"""When a storage pod may be taken down: what a restart and a replacement both ask first.

In: what is there. Out: None, or the reason why not, for people; and how many others may evict.
Invariants: never two pods of a pool at one time; none while a partition lacks a replica, except one
that serves nothing anyhow; a partition that has just become whole is given time before the operator
itself takes the next pod.
"""

from __future__ import annotations

from stator_operator import naming
from stator_operator.pool_observation import ObservedPod, ObservedPool
from stator_operator.pool_sets import pods_to_have
from stator_operator.storage_pool import Pool

# So long must every partition have been whole before the next pod goes: a replica that has just
# come back may be about to fall behind again.
SETTLED_SECONDS = 20.0


def absence(pool: Pool, observed: ObservedPool, besides: str) -> str | None:
    """Which pod is away, or about to lose its volume, apart from the one of this name."""
    return _absence_of_pods(pool, observed, besides) or volume_that_goes(observed, besides)


def _absence_of_pods(pool: Pool, observed: ObservedPool, besides: str | None) -> str | None:
    """Which pod is away, apart from the one of this name."""
    for zone in pool.zones:
        present = observed.set_of(zone)
        if present is None or present.is_ending:
            return f"zone {zone} has no StatefulSet at this moment"
        name = naming.stateful_set_name(pool.name, zone)
        # Those too that it is to have from now on: the same plan has them made.
        for ordinal in range(max(present.pods, pods_to_have(pool, zone, observed))):
            pod = f"{name}-{ordinal}"
            if pod != besides and observed.pod_called(pod) is None:
                return f"pod {pod} is not there"
    for each in observed.pods:
        if each.name != besides and not each.serves:
            return _why_away(each)
    return None


def volume_that_goes(observed: ObservedPool, besides: str) -> str | None:
    """Which claim is being deleted, apart from that of the pod of this name."""
    for claim in observed.claims:
        if claim.pod_name != besides and claim.is_ending:
            return f"claim {claim.name} is being deleted"
    return None


def unsettled(observed: ObservedPool) -> str | None:
    """Why the data is not such that a serving pod may go."""
    if observed.lacking is None:
        return "nobody knows whether all partitions have their replicas"
    if observed.lacking:
        return f"{observed.lacking} partitions lack a replica"
    if observed.whole_seconds < SETTLED_SECONDS:
        return f"all partitions must have had their replicas for {SETTLED_SECONDS:g} s"
    return None


def evictable(pool: Pool, observed: ObservedPool) -> int:
    """How many storage pods may be evicted by whoever drains machines: one, or none.

    None while a pod is away, so that none may go either when it is back with an empty volume:
    it is ready then, and what was on its volume has not been copied yet. A pod whose volume is to
    go may: the operator evicts it. While nobody can say what is lacking, pods that are ready count
    alone: a drain that took the supervisor first would wait for it, and it for the drain's end.
    """
    is_lacking = observed.lacking is not None and observed.lacking > 0
    return 0 if is_lacking or _absence_of_pods(pool, observed, None) is not None else 1


def _why_away(pod: ObservedPod) -> str:
    if pod.is_fenced:
        return f"pod {pod.name} is fenced"
    return f"pod {pod.name} " + ("is ending" if pod.is_ending else "does not serve")
