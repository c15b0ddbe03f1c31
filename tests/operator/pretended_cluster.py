"""Kubernetes' controllers over a pretended API, and an operator that can be killed at any write.

`settle` does what StatefulSet controllers and kubelets would have done after a while: pods and
claims are there, pods serve. `Operators` runs reconciles, each in an operator of its own where the
one before was killed. Time passes only where a test says so.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from pretended_api import Asked, Object, PretendedApi, refusal
from sample_pool import BODY, SETTINGS
from stator_operator.applied import Applied
from stator_operator.apply import Writer
from stator_operator.custom_resource import API_VERSION
from stator_operator.events import EventPoster
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import ApiError
from stator_operator.metrics import Metrics
from stator_operator.observe import Observer
from stator_operator.pool_reconcile import PoolReconcile
from stator_operator.status_writing import StatusWriter
from stator_operator.supervisor_client import Members, SupervisorAddress, SupervisorAway
from stator_operator.work_queue import Key

KEY = Key("StoragePool", "music", "default")
ROUNDS_MAX = 60  # a pool that has not come to rest by then never will
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def pool_body(**spec: Any) -> Object:
    """The StoragePool of the samples, as an object."""
    body = copy.deepcopy(BODY)
    body["spec"].update(spec)
    return {"apiVersion": API_VERSION, "kind": "StoragePool", **body}


def settle(api: PretendedApi) -> None:
    """What controllers and kubelets do, all of it."""
    for found in api.of("StatefulSet"):
        template = found["spec"]["template"]
        revision = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
        generation = found["metadata"]["generation"]
        status = {"observedGeneration": generation, "updateRevision": revision}
        if found.get("status") != status:
            api.put({**found, "status": status})
        for number in range(found["spec"]["replicas"]):
            _make_pod(api, found, number, revision)
        name, number = found["metadata"]["name"], found["spec"]["replicas"]
        while api.objects.pop(("pods", found["metadata"]["namespace"], f"{name}-{number}"), None):
            number += 1


def _make_pod(api: PretendedApi, found: Object, number: int, revision: str) -> None:
    namespace = found["metadata"]["namespace"]
    name = f"{found['metadata']['name']}-{number}"
    (claim,) = found["spec"]["volumeClaimTemplates"]
    claim_name = f"{claim['metadata']['name']}-{name}"
    if ("persistentvolumeclaims", namespace, claim_name) not in api.objects:
        metadata = {**claim["metadata"], "name": claim_name, "namespace": namespace}
        api.put({**copy.deepcopy(claim), "metadata": metadata})
    if ("pods", namespace, name) not in api.objects:
        labels = found["spec"]["template"]["metadata"]["labels"]
        metadata = {
            "name": name,
            "namespace": namespace,
            "labels": {**labels, "controller-revision-hash": revision},
        }
        ready = {"type": "Ready", "status": "True"}
        status = {"conditions": [ready], "podIP": "10.0.0.1"}
        spec = found["spec"]["template"]["spec"]
        made = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
        api.put({**made, "spec": spec, "status": status})


@dataclass
class PretendedSupervisor:
    """Answers GET /v1/pool. `lacking` None: it is away."""

    cluster_id: str = "u-1"
    lacking: int | None = 0

    async def ask(
        self,
        address: SupervisorAddress,
        method: str,
        path: str,
        members: Members | None = None,
        *,
        seconds: float = 0.0,
    ) -> Members:
        assert (method, path) == ("GET", "/v1/pool")
        if self.lacking is None:
            raise SupervisorAway(address.name)
        return {"cluster_id": self.cluster_id, "partitions": {"lacking": self.lacking}, "nodes": []}


@dataclass
class MovingSupervisor(PretendedSupervisor):
    """Has a node for each storage pod, and moves what it holds when it is drained: at a look."""

    server: PretendedApi | None = None
    draining: set[str] = field(default_factory=set)
    empty: set[str] = field(default_factory=set)

    async def ask(
        self,
        address: SupervisorAddress,
        method: str,
        path: str,
        members: Members | None = None,
        *,
        seconds: float = 0.0,
    ) -> Members:
        if method == "GET":
            answer = await super().ask(address, method, path)
            nodes = [self._node(pod) for pod in self._pods()]
            self.empty = set(self.draining)
            return {**answer, "nodes": nodes}
        node_id = path.removeprefix("/v1/nodes/")
        assert (method, members) in (("PUT", {"drain": True}), ("PUT", {"drain": False}))
        (self.draining.add if members == {"drain": True} else self.draining.discard)(node_id)
        return {}

    def _pods(self) -> list[Object]:
        assert self.server is not None
        labels = {each["metadata"]["name"]: each for each in self.server.of("Pod")}
        return [each for name, each in sorted(labels.items()) if "supervisor" not in name]

    def _node(self, pod: Object) -> Members:
        name, labels = pod["metadata"]["name"], pod["metadata"]["labels"]
        node_id = f"node-{name}"
        held = 0 if node_id in self.empty and node_id in self.draining else 2
        return {
            "node_id": node_id,
            "pod": name,
            "zone": labels["stator.dev/zone"],
            "state": "DRAINING" if node_id in self.draining else "ALIVE",
            "draining": node_id in self.draining,
            "given_up": False,
            "replicas": held,
            "named": held,
            "needed": 0,
            "size_bytes": held,
            "free_bytes": 1_000,
        }


@dataclass
class Operators:
    """Runs reconciles of the pool. `now`: the clock, in seconds."""

    server: PretendedApi
    supervisor: PretendedSupervisor = field(default_factory=PretendedSupervisor)
    now: float = 0.0
    begun: int = 0

    def begin(self) -> None:
        """An operator begins: it knows nothing."""
        self.begun += 1
        api = KubernetesApi(self.server.connection())
        metrics = Metrics()
        poster = EventPoster(api, f"operator-{self.begun}", lambda: NOON)
        self.reconcile = PoolReconcile(
            Observer(api, self.supervisor),
            Writer(api, Applied(), metrics, self.supervisor),
            StatusWriter(api, poster, metrics),
            SETTINGS,
            clock=lambda: self.now,
            wall=lambda: NOON,
        )
        self.api = api

    async def end(self) -> None:
        await self.api.close()

    async def once(self) -> float | None:
        """One reconcile, after which Kubernetes does its part and time passes."""
        again = await self.reconcile(KEY)
        settle(self.server)
        self.now += 30.0
        return again

    async def until_rest(self) -> None:
        """Reconciles until one wants nothing more, and has changed nothing."""
        for _ in range(ROUNDS_MAX):
            before = len(self.server.log)
            try:
                again = await self.once()
            except ApiError:
                continue
            if again is None and len(self.server.log) == before:
                return
        raise AssertionError("it does not come to rest")

    async def until_rest_killed_at(self, number: int, *, after: bool) -> bool:
        """The same; at its `number`th write the operator is killed, before or after it is done.

        Whether there was such a write. Another operator goes on.
        """
        task = asyncio.ensure_future(self.until_rest())
        count = 0

        def kill_before(asked: Asked) -> web.Response | None:
            nonlocal count
            count += asked.is_of_work
            if asked.is_of_work and count == number and not after:
                task.cancel()
                return refusal(503, "Killed")
            return None

        def kill_after(asked: Asked) -> None:
            if asked.is_of_work and count == number and after:
                task.cancel()

        self.server.answers, self.server.happens = kill_before, kill_after
        try:
            await task
        except asyncio.CancelledError:
            await self.end()
            self.begin()
            settle(self.server)
            await self.until_rest()
            return True
        return False
