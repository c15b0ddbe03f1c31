"""A newer template comes to the pods: zone by zone, one pod at a time.

In: a `Pool` and what is there. Out: at most one RestartPod into the plan of `pool_plan.py`. What
the pod leads is led by others before it ends: its preStop hook sees to it. Invariants: those of
`pool_disruption.py`; a pod that is fenced or in maintenance is not restarted.
"""

from __future__ import annotations

from stator_operator.pool_actions import Draft, Reason, RestartPod
from stator_operator.pool_disruption import absence, unsettled
from stator_operator.pool_observation import ObservedPod, ObservedPool
from stator_operator.storage_pool import Pool


def plan_restart(pool: Pool, observed: ObservedPool, draft: Draft) -> None:
    """The one pod that may go now, for a template that is newer than it."""
    outdated = [
        each
        for each in observed.pods
        if not (each.is_updated or each.is_ending or each.is_fenced or each.is_in_maintenance)
    ]
    if not outdated:
        return
    chosen = _in_order(pool, outdated)[0]
    obstacle = absence(pool, observed, chosen.name)
    if obstacle is None:
        obstacle = unsettled(observed) if chosen.is_ready else _unready(chosen, observed)
    if obstacle is None:
        draft.do(RestartPod(chosen.name, chosen.uid))
    else:
        draft.wait(Reason.RESTARTS_WAIT, f"pod {chosen.name} is to be restarted: {obstacle}")


def _unready(pod: ObservedPod, observed: ObservedPool) -> str | None:
    """Why a pod that is not ready may not go; it may if no good replica more is lost by it.

    It may serve all the same: one that catches up with its peers votes, and counts as a copy.
    """
    if observed.nodes is None and pod.is_started:
        return "it has begun to serve, and nobody knows which partitions need it"
    node = observed.node_of(pod.name)
    if node is None or not node.is_heard or not node.needed:
        return None
    return f"{node.needed} partitions would have no majority of good copies without it"


def _in_order(pool: Pool, pods: list[ObservedPod]) -> list[ObservedPod]:
    """Those that are not ready first, then zone by zone; in a zone the newest pod first."""
    places = {zone: number for number, zone in enumerate(pool.zones)}

    def rank(pod: ObservedPod) -> tuple[bool, int, int]:
        return pod.is_ready, places.get(pod.zone, len(places)), -pod.ordinal

    return sorted(pods, key=rank)
