"""What to do next for a pool: from what is wanted and what is there to actions, nothing else.

In: a `Pool` and an `ObservedPool`. Out: actions that may all be carried out now, in this order, and
the reasons why others must wait. Called again and again; whoever carries the actions out may stop
between any two of them. Invariants: those of the parts, `pool_sets.py`, `pool_scale_in.py`,
`pool_replacement.py`, `supervisor_replacement.py` and `pool_restarts.py`; a replacement goes before
a restart, and never both; what belongs to somebody else, and a pool in maintenance, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stator_operator import naming
from stator_operator.objects.gateway_deployment import gateway_deployment
from stator_operator.objects.network_policies import gateway_policy, storage_policy
from stator_operator.objects.pod_disruption_budgets import gateway_budget, storage_budget
from stator_operator.objects.services import gateway_service, storage_service
from stator_operator.objects.supervisor import (
    supervisor_policy,
    supervisor_service,
    supervisor_set,
)
from stator_operator.pool_actions import Apply, Draft, Plan, Reason
from stator_operator.pool_disruption import evictable
from stator_operator.pool_observation import ObservedPod, ObservedPool
from stator_operator.pool_replacement import plan_replacement, plan_successions
from stator_operator.pool_restarts import plan_restart
from stator_operator.pool_scale_in import plan_scale_in
from stator_operator.pool_sets import is_foreign, plan_set
from stator_operator.storage_pool import Pool
from stator_operator.supervisor_replacement import plan_supervisor_replacement

Object = dict[str, Any]


def plan(pool: Pool, observed: ObservedPool) -> Plan:
    """What to do now."""
    draft = Draft()
    if pool.is_in_maintenance:
        draft.wait(
            Reason.MAINTENANCE,
            f"nothing is changed while the pool has the annotation {naming.MAINTENANCE_ANNOTATION}",
        )
        return draft.plan()
    draft.do(*(Apply(body) for body in common_children(pool, evictable(pool, observed))))
    for zone in pool.zones:
        if not is_foreign(pool, observed.set_of(zone)):
            plan_scale_in(pool, zone, observed, draft)
        plan_set(pool, zone, observed, draft)
    if not pool.is_suspended:
        is_busy = plan_supervisor_replacement(pool, observed, draft)
        if not is_busy and not plan_replacement(pool, observed, draft):
            plan_restart(pool, observed, draft)
        plan_successions(pool, observed, draft)
        steering = () if observed.supervisor_pod is None else (observed.supervisor_pod,)
        for pod in (*observed.pods, *steering):
            _say_what_is_asked(pod, draft)
    return draft.plan()


def common_children(pool: Pool, evictable_pods: int = 1) -> Iterator[Object]:
    """The children that a pool has once. `evictable_pods`: storage pods, by whoever drains."""
    yield storage_service(pool)
    yield storage_budget(pool, evictable_pods)
    yield storage_policy(pool)
    yield supervisor_service(pool)
    yield supervisor_policy(pool)
    yield supervisor_set(pool)
    yield gateway_service(pool)
    yield gateway_budget(pool)
    yield gateway_policy(pool)
    yield gateway_deployment(pool)


def _say_what_is_asked(pod: ObservedPod, draft: Draft) -> None:
    """What a person asked for of one pod, or must do about it."""
    if pod.is_fenced:
        text = f"pod {pod.name} serves nothing while it has {naming.FENCED_ANNOTATION}"
        draft.wait(Reason.POD_FENCED, text)
    elif pod.is_in_maintenance:
        text = f"pod {pod.name} is left alone while it has {naming.MAINTENANCE_ANNOTATION}"
        draft.wait(Reason.MAINTENANCE, text)
    elif pod.refusal and not pod.is_ready:
        draft.wait(Reason.POD_REFUSES, f"pod {pod.name} does not start: {pod.refusal}")
