"""Carries out what a plan says: the only writes to the Kubernetes API but status, Events, Lease.

In: actions of `pool_plan.py`, in their order, and what is there. Out: writes, each of which may be
repeated; and for what the API server will not take, the reason, as a plan has it. Whoever is killed
between two writes plans again from what is there, and goes on. An ApiError that says nothing of the
object itself (no answer, too many requests) goes through.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from stator_operator import naming
from stator_operator.applied import Applied
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import (
    Conflict,
    NotFound,
    Refused,
    RoleLacksRule,
    TooManyRequests,
)
from stator_operator.kubernetes_kinds import Object
from stator_operator.metrics import Metrics
from stator_operator.node_writing import ask_for
from stator_operator.objects.cert_manager import CERTIFICATE_VERSION
from stator_operator.observe import Children
from stator_operator.pool_actions import (
    Action,
    Apply,
    DeleteClaim,
    DrainNode,
    GiveUpNode,
    GrowClaim,
    KeepNode,
    MarkClaim,
    ObjectAction,
    OrphanSet,
    Reason,
    RestartPod,
    Waiting,
)
from stator_operator.pool_secrets import Create
from stator_operator.supervisor_client import SupervisorAddress, Supervisors
from stator_operator.work_queue import Key


@dataclass(slots=True)
class Outcome:
    """What has come of a plan: `done`, and the reasons why the rest is not.

    `retemplated`: kinds and names of what now makes other pods than it did.
    """

    done: list[Action | Create] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    retemplated: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Writer:
    """What writes are made with. One for the process; `operator_process.py` makes it."""

    api: KubernetesApi
    applied: Applied
    metrics: Metrics
    supervisors: Supervisors

    async def carry_out(
        self,
        key: Key,
        actions: Iterable[Action | Create],
        present: Children,
        supervisor: SupervisorAddress | None,
    ) -> Outcome:
        """Do all of it, but for what is refused. Raises ApiError."""
        outcome = Outcome()
        for action in actions:
            if isinstance(action, DrainNode | KeepNode | GiveUpNode):
                refused = await ask_for(self.supervisors, supervisor, action)
            else:
                try:
                    refused = await self._carry_out(key, action, present, outcome.retemplated)
                except RoleLacksRule as lacking:
                    refused = role_lacks_rule(lacking)
            if refused is None:
                outcome.done.append(action)
            else:
                outcome.waiting.append(refused)
        return outcome

    async def _carry_out(
        self,
        key: Key,
        action: ObjectAction | Create,
        present: Children,
        retemplated: set[tuple[str, str]],
    ) -> Waiting | None:
        match action:
            case Create(body):
                return await self._create(body)
            case Apply():
                return await self._apply(key, action, present, retemplated)
            case GrowClaim():
                return await self._grow(key, action, present)
            case OrphanSet(name, uid):
                self.metrics.wrote("StatefulSet")
                await self.api.delete("StatefulSet", key.namespace, name, uid, orphan=True)
                return None
            case RestartPod():
                return await self._restart(key, action)
            case MarkClaim():
                return await self._mark(key, action)
            case DeleteClaim(name, uid):
                self.metrics.wrote("PersistentVolumeClaim")
                await self.api.delete("PersistentVolumeClaim", key.namespace, name, uid)
                return None

    async def _apply(
        self, key: Key, action: Apply, present: Children, retemplated: set[tuple[str, str]]
    ) -> Waiting | None:
        body = action.body
        kind, name = body["kind"], body["metadata"]["name"]
        before = present.get((kind, name))
        if self.applied.still_holds(key, body, before):
            return None
        self.metrics.wrote(kind)
        try:
            answer = await self.api.apply(body)
        except NotFound:
            if body["apiVersion"] != CERTIFICATE_VERSION:
                raise
            return Waiting(
                Reason.CERT_MANAGER_MISSING,
                f"the cluster knows no {kind} of {CERTIFICATE_VERSION}: install cert-manager, or"
                " make this pool anew with another spec.tls.issuedBy",
            )
        except RoleLacksRule:
            raise
        except Refused as refused:
            return Waiting(
                "ObjectRefused", f"the API server takes no {kind} {name}: {refused.message}"
            )
        self.applied.remember(key, body, answer)
        if before is not None and _template(before) != _template(answer):
            retemplated.add((kind, name))
        return None

    async def _create(self, body: Object) -> Waiting | None:
        self.metrics.wrote(body["kind"])
        with contextlib.suppress(Conflict):  # There is one by now: it stays as it is.
            await self.api.create(body)
        return None

    async def _grow(self, key: Key, action: GrowClaim, present: Children) -> Waiting | None:
        patch = {"spec": {"resources": {"requests": {"storage": action.size}}}}
        self.metrics.wrote("PersistentVolumeClaim")
        try:
            await self.api.merge("PersistentVolumeClaim", key.namespace, action.name, patch)
        except NotFound:
            return None  # It has gone meanwhile; its successor is made with the new size.
        except RoleLacksRule:
            raise
        except Refused as refused:
            claim = present.get(("PersistentVolumeClaim", action.name), {})
            return _cannot_grow(action, claim, refused)
        return None

    async def _mark(self, key: Key, action: MarkClaim) -> Waiting | None:
        annotations = {naming.DEPARTURE_ANNOTATION: action.departure.value or None}
        patch = {"metadata": {"uid": action.uid, "annotations": annotations}}
        self.metrics.wrote("PersistentVolumeClaim")
        # Of that name and another uid: it is not the one that was meant.
        with contextlib.suppress(NotFound, Conflict):
            await self.api.merge("PersistentVolumeClaim", key.namespace, action.name, patch)
        return None

    async def _restart(self, key: Key, action: RestartPod) -> Waiting | None:
        """By eviction, so that it counts with those of others: one pod of the pool at a time."""
        self.metrics.wrote("Pod")
        if action.at_once:
            await self.api.delete("Pod", key.namespace, action.name, action.uid, at_once=True)
            return None
        try:
            await self.api.evict(key.namespace, action.name, action.uid)
        except TooManyRequests as refused:
            return Waiting(
                "RestartsWait",
                f"pod {action.name} is to be restarted: its budget does not allow it now"
                f" ({refused.message})",
            )
        return None


def role_lacks_rule(refused: RoleLacksRule) -> Waiting:
    """What the operator may not do that it must, and how it comes to be allowed."""
    return Waiting(
        Reason.ROLE_LACKS_RULE,
        f"the operator's role lacks a rule: {refused.message}: upgrade the chart, or apply its"
        " access/served.yaml where you make roles yourself",
    )


def _cannot_grow(action: GrowClaim, claim: Object, refused: Refused) -> Waiting:
    """Why a claim does not grow, and what to do. One that is not bound yet is of no class' making.

    The pool's size cannot be set back, so there must be a way on.
    """
    if claim.get("status", {}).get("phase") == "Pending":
        text = f"claim {action.name} grows to {action.size} when it has a volume"
        return Waiting(Reason.VOLUMES_GROW, text)
    of_class = claim.get("spec", {}).get("storageClassName") or "of the claim"
    return Waiting(
        "VolumesCannotGrow",
        f"claim {action.name} cannot grow to {action.size} and stays as it is, with its data: set"
        f" allowVolumeExpansion of StorageClass {of_class} to true, or have more pods by"
        f" spec.podsPerZone ({refused.message})",
    )


def _template(body: Object) -> Object | None:
    template: Object | None = body.get("spec", {}).get("template")
    return template
