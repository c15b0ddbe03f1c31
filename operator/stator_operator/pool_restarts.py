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
    # One that serves nothing may go: no replica more is lost by it.
    if obstacle is None and chosen.is_ready:
        obstacle = unsettled(observed)
    if obstacle is None:
        draft.do(RestartPod(chosen.name, chosen.uid))
    else:
        draft.wait(Reason.RESTARTS_WAIT, f"pod {chosen.name} is to be restarted: {obstacle}")


def _in_order(pool: Pool, pods: list[ObservedPod]) -> list[ObservedPod]:
    """Those that serve nothing first, then zone by zone; in a zone the newest pod first."""
    places = {zone: number for number, zone in enumerate(pool.zones)}

    def rank(pod: ObservedPod) -> tuple[bool, int, int]:
        return pod.is_ready, places.get(pod.zone, len(places)), -pod.ordinal

    return sorted(pods, key=rank)
