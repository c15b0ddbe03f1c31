"""Reads what is there: of the Kubernetes API, and of a pool's supervisor. Decides nothing.

In: the key of an object, from a reconcile. Out: objects, as they are now; what is not there is None
or absent. ApiError goes through: without a whole picture nothing is planned.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from stator_operator import naming
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_kinds import Object
from stator_operator.pool_secrets import secret_names
from stator_operator.supervisor_client import (
    Members,
    SupervisorAddress,
    SupervisorAway,
    SupervisorRefused,
    Supervisors,
    supervisor_address,
)
from stator_operator.supervisor_tls import IdentityRefused, identity_of, identity_secret_name
from stator_operator.work_queue import Key

logger = logging.getLogger(__name__)

# The kinds that a pool's children are of, and what its children make.
CHILD_KINDS = (
    "StatefulSet",
    "Deployment",
    "Service",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "Pod",
)

Children = dict[tuple[str, str], Object]  # by kind and name


@dataclass(frozen=True, slots=True)
class PoolObservation:
    """A pool's object and everything with its label, and what its supervisor says."""

    body: Object
    children: Children
    secrets: dict[str, Object]  # by name: those of `pool_secrets.secret_names`
    supervisor: SupervisorAddress | None
    facts: Members | None  # the answer to GET /v1/pool; None: nobody answers

    def of_kind(self, kind: str) -> list[Object]:
        return [each for (found, _), each in self.children.items() if found == kind]


@dataclass(frozen=True, slots=True)
class Observer:
    """What is looked with. One for the process; `operator_process.py` makes it."""

    api: KubernetesApi
    supervisors: Supervisors

    async def pool(self, key: Key) -> PoolObservation | None:
        """The pool; None: there is none. Raises ApiError."""
        body = await self.pool_itself(key)
        if body is None:
            return None
        labels = f"{naming.NAME_LABEL}=stator,{naming.POOL_LABEL}={key.name}"
        lists = await asyncio.gather(
            *(self.api.items(kind, key.namespace, labels) for kind in CHILD_KINDS)
        )
        children = {
            (each["kind"], each["metadata"]["name"]): each for listed in lists for each in listed
        }
        zones = body["spec"]["zones"]
        sets = [("StatefulSet", naming.stateful_set_name(key.name, zone)) for zone in zones]
        children |= await self.named(key.namespace, sets, children)
        names = [("Secret", name) for name in secret_names(body)]
        found = await self.named(key.namespace, names, {})
        secrets = {name: each for (_, name), each in found.items()}
        pod = children.get(("Pod", naming.supervisor_pod_name(key.name)))
        supervisor = await self._address(pod, secrets)
        facts = await self._facts(supervisor)
        return PoolObservation(body, children, secrets, supervisor, facts)

    async def pool_itself(self, key: Key) -> Object | None:
        """The pool's object and nothing about it. Raises ApiError."""
        return await self.api.get("StoragePool", key.namespace, key.name)

    async def named(
        self, namespace: str, names: Iterable[tuple[str, str]], known: Children
    ) -> Children:
        """What has these kinds and names and is not known yet: it has no label of ours.

        Raises ApiError.
        """
        missing = [each for each in names if each not in known]
        found = await asyncio.gather(
            *(self.api.get(kind, namespace, name) for kind, name in missing)
        )
        return {each: body for each, body in zip(missing, found, strict=True) if body is not None}

    async def supervisor(self, namespace: str, pool: str) -> SupervisorAddress | None:
        """Where a pool's supervisor answers; None: it does not run. Raises ApiError."""
        pod = await self.api.get("Pod", namespace, naming.supervisor_pod_name(pool))
        return await self._address(pod, {})

    async def _address(
        self, pod: Object | None, secrets: dict[str, Object]
    ) -> SupervisorAddress | None:
        """Where it answers, and what is to be shown to it. Raises ApiError."""
        name = None if pod is None else identity_secret_name(pod)
        if pod is None or name is None:
            return supervisor_address(pod)
        namespace = pod["metadata"]["namespace"]
        secret = secrets.get(name) or await self.api.get("Secret", namespace, name)
        if secret is None:
            return None  # The pod has not begun either: it waits for the same Secret.
        try:
            return supervisor_address(pod, identity_of(secret))
        except IdentityRefused as error:
            logger.info("the supervisor of %s cannot be asked: %s", namespace, error)
            return None

    async def _facts(self, address: SupervisorAddress | None) -> Members | None:
        if address is None:
            return None
        try:
            return await self.supervisors.ask(address, "GET", "/v1/pool")
        except (SupervisorAway, SupervisorRefused) as error:
            logger.info("nothing is known of %s: %s", address.name, error)
            return None
