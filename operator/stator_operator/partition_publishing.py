"""Publishes the partitions of each pool as Partition objects: a view for people, with restraint.

In: what a pool's supervisor says of its partitions, every few seconds. Out: few writes
(`partition_objects.py` says which). What was written is remembered, and read anew only now and
then; who edits or deletes a Partition sees it put right then. Run by `each_pool.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from stator_operator import naming
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import Conflict, NotFound
from stator_operator.kubernetes_kinds import Object
from stator_operator.metrics import Metrics
from stator_operator.observe import Observer
from stator_operator.partition_objects import (
    Action,
    PoolView,
    RemovePartition,
    WritePartition,
    is_behind,
    plan,
)
from stator_operator.supervisor_client import Supervisors

logger = logging.getLogger(__name__)

ROUND_SECONDS = 10.0
BEHIND_SECONDS = 2.0  # where partitions have no object yet: a pool may have thousands
READ_AGAIN_SECONDS = 300.0

PoolName = tuple[str, str]  # namespace, name


@dataclass(slots=True)
class _Known:
    """The objects of a pool as they were read, and written since. `pool_uid`: of which pool."""

    pool_uid: str
    objects: dict[str, Object]
    read_at: float


@dataclass(slots=True)
class PartitionPublisher:
    """`wall`: the time of day, as statuses have it."""

    api: KubernetesApi
    supervisors: Supervisors
    observer: Observer
    metrics: Metrics
    wall: Callable[[], datetime]
    _known: dict[PoolName, _Known] = field(default_factory=dict)

    async def once(self, namespace: str, pool: str) -> float:
        """One round for a pool. Raises ApiError, SupervisorAway and SupervisorRefused."""
        body = await self.api.get("StoragePool", namespace, pool)
        supervisor = await self.observer.supervisor(namespace, pool)
        if body is None or supervisor is None or "deletionTimestamp" in body["metadata"]:
            self._known.pop((namespace, pool), None)
            return ROUND_SECONDS
        said = await self.supervisors.ask(supervisor, "GET", "/v1/partitions")
        pods = await self._pods(namespace, pool, said["nodes"])
        view = PoolView(pool, namespace, body["metadata"]["uid"], pods)
        known = await self._objects(view)
        now = self.wall().strftime("%Y-%m-%dT%H:%M:%SZ")
        actions = plan(view, said["partitions"], known.objects, now)
        for action in actions:
            await self._carry_out(view, known, action)
        return BEHIND_SECONDS if is_behind(actions) else ROUND_SECONDS

    async def _pods(self, namespace: str, pool: str, nodes: list[Object]) -> dict[str, str]:
        """The names of pods by the ids of the nodes that run in them."""
        labels = naming.selector(pool, naming.STORAGE)
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        found = await self.api.items("Pod", namespace, selector)
        names = {each.get("status", {}).get("podIP"): each["metadata"]["name"] for each in found}
        hosts = {each["node_id"]: each["address"].rpartition(":")[0] for each in nodes}
        return {node_id: names[host] for node_id, host in hosts.items() if host in names}

    async def _objects(self, view: PoolView) -> _Known:
        """The objects of a pool, as far as they are remembered."""
        now = asyncio.get_running_loop().time()
        known = self._known.get((view.namespace, view.name))
        fresh = known is not None and now - known.read_at < READ_AGAIN_SECONDS
        if known is not None and fresh and known.pool_uid == view.uid:
            return known
        labels = f"{naming.NAME_LABEL}=stator,{naming.POOL_LABEL}={view.name}"
        found = await self.api.items("Partition", view.namespace, labels)
        read = _Known(view.uid, {each["metadata"]["name"]: each for each in found}, now)
        self._known[view.namespace, view.name] = read
        return read

    async def _carry_out(self, view: PoolView, known: _Known, action: Action) -> None:
        match action:
            case RemovePartition(name, uid):
                self.metrics.wrote("Partition")
                await self.api.delete("Partition", view.namespace, name, uid)
                known.objects.pop(name, None)
            case WritePartition():
                await self._write(known, action)

    async def _write(self, known: _Known, action: WritePartition) -> None:
        name = action.body["metadata"]["name"]
        if action.is_new:
            self.metrics.wrote("Partition")
            known.objects[name] = await self.api.apply(action.body)
        metadata = known.objects[name]["metadata"]
        own = {key: metadata[key] for key in ("name", "namespace", "uid")}
        head = {"apiVersion": action.body["apiVersion"], "kind": "Partition", "metadata": own}
        self.metrics.wrote("Partition")
        try:
            known.objects[name] = await self.api.apply_status({**head, "status": action.status})
        except (NotFound, Conflict):
            known.objects.pop(name, None)  # Somebody has deleted it: it is made again.
