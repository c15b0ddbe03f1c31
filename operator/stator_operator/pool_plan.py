"""What to do next for a pool: from what is wanted and what is there to actions, nothing else.

In: a `Pool` and an `ObservedPool`. Out: actions that may all be carried out now, and the reasons
why others must wait. Called again and again; whoever carries the actions out may stop between any
two of them. Invariants: never two storage pods of a pool are taken down at one time; none while a
partition lacks a replica, except one that serves nothing anyhow; a volume is never made smaller,
pods with volumes never fewer; what belongs to somebody else is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from stator_operator import naming
from stator_operator.objects.gateway_deployment import gateway_deployment
from stator_operator.objects.network_policies import gateway_policy, storage_policy
from stator_operator.objects.pod_disruption_budgets import gateway_budget, storage_budget
from stator_operator.objects.services import gateway_service, storage_service
from stator_operator.objects.stateful_set import stateful_set
from stator_operator.objects.supervisor import (
    supervisor_policy,
    supervisor_service,
    supervisor_set,
)
from stator_operator.quantity import amount
from stator_operator.storage_pool import Pool

Object = dict[str, Any]

# So long must every partition have been whole before the next pod goes: a replica that has just
# come back may be about to fall behind again.
SETTLED_SECONDS = 20.0

# ------------------------------------------------------------------------------------ observation


@dataclass(frozen=True, slots=True)
class ObservedPod:
    """A storage pod. `is_updated`: it was made from the StatefulSet's newest template."""

    name: str
    uid: str
    zone: str
    is_ready: bool
    is_updated: bool
    is_ending: bool = False


@dataclass(frozen=True, slots=True)
class ObservedSet:
    """A StatefulSet under the name of one of ours. `owner_uid`: whose child it is."""

    zone: str
    uid: str
    owner_uid: str | None
    is_ours: bool  # it has the labels of this pool
    pods: int  # that it is to have
    volume_size: str
    is_ending: bool = False


@dataclass(frozen=True, slots=True)
class ObservedClaim:
    """A storage pod's volume claim, and the size that it asks for."""

    name: str
    zone: str
    size: str
    is_ending: bool = False


@dataclass(frozen=True, slots=True)
class ObservedPool:
    """What is there. `lacking`: partitions without a replica that serves; None: nobody knows."""

    sets: tuple[ObservedSet, ...] = ()
    pods: tuple[ObservedPod, ...] = ()
    claims: tuple[ObservedClaim, ...] = ()
    lacking: int | None = None
    whole_seconds: float = 0.0  # how long nothing has been lacking

    def set_of(self, zone: str) -> ObservedSet | None:
        return next((each for each in self.sets if each.zone == zone), None)


# ---------------------------------------------------------------------------------------- actions


@dataclass(frozen=True, slots=True)
class Apply:
    """Have an object be like this, by server-side apply."""

    body: Object


@dataclass(frozen=True, slots=True)
class GrowClaim:
    """Ask for a larger volume."""

    name: str
    size: str


@dataclass(frozen=True, slots=True)
class OrphanSet:
    """Delete a StatefulSet and leave its pods running: the next one adopts them.

    The size in its template cannot be changed, and new pods must get volumes of the new size.
    """

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class RestartPod:
    """Delete a pod, this very one: it comes back with the newest template."""

    name: str
    uid: str


Action = Apply | GrowClaim | OrphanSet | RestartPod


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why something that is wanted is not done now. `reason` is one of a closed list."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    actions: tuple[Action, ...] = ()
    waiting: tuple[Waiting, ...] = field(default=())


def plan(pool: Pool, observed: ObservedPool) -> Plan:
    """What to do now."""
    actions: list[Action] = [Apply(body) for body in common_children(pool)]
    waiting: list[Waiting] = []
    for zone in pool.zones:
        _plan_zone(pool, zone, observed, actions, waiting)
    _plan_restart(pool, observed, actions, waiting)
    return Plan(tuple(actions), tuple(waiting))


def common_children(pool: Pool) -> Iterator[Object]:
    """The children that a pool has once."""
    yield storage_service(pool)
    yield storage_budget(pool)
    yield storage_policy(pool)
    yield supervisor_service(pool)
    yield supervisor_policy(pool)
    yield supervisor_set(pool)
    yield gateway_service(pool)
    yield gateway_budget(pool)
    yield gateway_policy(pool)
    yield gateway_deployment(pool)


def _plan_zone(
    pool: Pool, zone: str, observed: ObservedPool, actions: list[Action], waiting: list[Waiting]
) -> None:
    name = naming.stateful_set_name(pool.name, zone)
    present = observed.set_of(zone)
    if present is None:
        actions.append(Apply(stateful_set(pool, zone, _pods_to_have(pool, zone, observed))))
        actions.extend(_growth(pool, zone, observed))
        return
    if not present.is_ours or present.owner_uid not in (None, pool.uid):
        waiting.append(
            Waiting(
                "NameTaken",
                f"StatefulSet {name} belongs to somebody else and is left alone: rename this pool,"
                " or delete the StatefulSet",
            )
        )
        return
    if present.is_ending:
        waiting.append(Waiting("SetIsEnding", f"StatefulSet {name} is being deleted"))
        return
    actions.extend(_growth(pool, zone, observed))
    if amount(present.volume_size) < amount(pool.volume_size):
        if not _claims_to_grow(pool, zone, observed):
            actions.append(OrphanSet(name, present.uid))
        return
    if amount(present.volume_size) > amount(pool.volume_size):
        waiting.append(
            Waiting(
                "VolumesAreLarger",
                f"StatefulSet {name} asks for volumes of {present.volume_size}: set"
                f" spec.volume.size, now {pool.volume_size}, to at least that",
            )
        )
        return
    if present.pods > pool.pods_per_zone:
        waiting.append(
            Waiting(
                "MorePodsThanWanted",
                f"zone {zone} has {present.pods} pods, {pool.pods_per_zone} are wanted: pods with"
                " data are not taken away, set spec.podsPerZone to what is there",
            )
        )
    actions.append(Apply(stateful_set(pool, zone, max(present.pods, pool.pods_per_zone))))


def _pods_to_have(pool: Pool, zone: str, observed: ObservedPool) -> int:
    """As many as are wanted, and never fewer than have data: a set may be gone and its pods not."""
    claims = [each for each in observed.claims if each.zone == zone and not each.is_ending]
    return max([pool.pods_per_zone, *(_ordinal(each.name) + 1 for each in claims)])


def _ordinal(name: str) -> int:
    """The number at the end of the name of a pod or a claim."""
    return int(name.rpartition("-")[2])


def _claims_to_grow(pool: Pool, zone: str, observed: ObservedPool) -> list[ObservedClaim]:
    return [
        each
        for each in observed.claims
        if each.zone == zone and not each.is_ending and amount(each.size) < amount(pool.volume_size)
    ]


def _growth(pool: Pool, zone: str, observed: ObservedPool) -> list[Action]:
    """Larger volumes. One that somebody made larger than the spec says stays as it is."""
    too_small = _claims_to_grow(pool, zone, observed)
    return [GrowClaim(each.name, pool.volume_size) for each in too_small]


def _plan_restart(
    pool: Pool, observed: ObservedPool, actions: list[Action], waiting: list[Waiting]
) -> None:
    """The one pod that may go now, for a template that is newer than it."""
    outdated = _in_order(pool, [each for each in observed.pods if not each.is_updated])
    outdated = [each for each in outdated if not each.is_ending]
    if not outdated:
        return
    chosen, obstacle = outdated[0], _obstacle(pool, observed)
    if obstacle is None:
        actions.append(RestartPod(chosen.name, chosen.uid))
    else:
        waiting.append(Waiting("RestartsWait", f"pod {chosen.name} is to be restarted: {obstacle}"))


def _in_order(pool: Pool, pods: list[ObservedPod]) -> list[ObservedPod]:
    """Those that serve nothing first, then zone by zone; in a zone the newest pod first."""
    places = {zone: number for number, zone in enumerate(pool.zones)}

    def rank(pod: ObservedPod) -> tuple[bool, int, int]:
        return pod.is_ready, places.get(pod.zone, len(places)), -_ordinal(pod.name)

    return sorted(pods, key=rank)


def _obstacle(pool: Pool, observed: ObservedPool) -> str | None:
    """Why no pod may be taken down now."""
    for zone in pool.zones:
        present = observed.set_of(zone)
        there = [each for each in observed.pods if each.zone == zone]
        if present is None or present.is_ending:
            return f"zone {zone} has no StatefulSet at this moment"
        if len(there) < present.pods:
            return f"zone {zone} has {len(there)} of {present.pods} pods"
    ending = [each.name for each in observed.pods if each.is_ending]
    if ending:
        return f"pod {ending[0]} is ending"
    not_ready = [each for each in observed.pods if not each.is_ready]
    if len(not_ready) == 1 and not not_ready[0].is_updated:
        return None  # It is the one to go, and serves nothing: no replica more is lost by it.
    if not_ready:
        return f"pod {not_ready[0].name} does not serve"
    if observed.lacking is None:
        return "nobody knows whether all partitions have their replicas"
    if observed.lacking:
        return f"{observed.lacking} partitions lack a replica"
    if observed.whole_seconds < SETTLED_SECONDS:
        return f"all partitions must have had their replicas for {SETTLED_SECONDS:g} s"
    return None
