"""Does what is to be done for every pool that there is, each thing in a task of its own.

In: the pools of the API server, looked at every few seconds. Out: calls of what is to be done,
again and again: `ask_listening.py`, `table_adoption.py`, `partition_publishing.py`,
`access_key_spreading.py`. Run by `operator_process.py`.
Invariants: a pool that cannot be asked holds up no other; what fails for one is done again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import ApiError
from stator_operator.supervisor_client import SupervisorAway, SupervisorRefused

logger = logging.getLogger(__name__)

POOLS_SECONDS = 3.0  # how soon a new pool is seen
FAILED_SECONDS = 1.0

PoolName = tuple[str, str]  # namespace, name
# What is done for a pool once: the seconds until it is to be done again.
Doing = Callable[[str, str], Awaitable[float]]


@dataclass(slots=True)
class EachPool:
    """`namespaces`: those that are served; None: all. `doings` may raise what asking raises."""

    api: KubernetesApi
    namespaces: tuple[str, ...] | None
    doings: tuple[Doing, ...]
    _tasks: dict[PoolName, list[asyncio.Task[None]]] = field(default_factory=dict)

    async def run(self) -> None:
        """Go on until cancelled."""
        try:
            while True:
                try:
                    self._have(await self._pools())
                except ApiError as error:
                    logger.warning("the pools could not be listed: %s", error)
                await asyncio.sleep(POOLS_SECONDS)
        finally:
            self._have(set())

    def _have(self, pools: set[PoolName]) -> None:
        """Tasks for each of these, and for no others."""
        for gone in set(self._tasks) - pools:
            for task in self._tasks.pop(gone):
                task.cancel()
        loop = asyncio.get_running_loop()
        for new in pools - set(self._tasks):
            self._tasks[new] = [loop.create_task(self._go_on(doing, *new)) for doing in self.doings]

    async def _pools(self) -> set[PoolName]:
        found: set[PoolName] = set()
        for namespace in (None,) if self.namespaces is None else self.namespaces:
            for pool in await self.api.items("StoragePool", namespace):
                found.add((pool["metadata"]["namespace"], pool["metadata"]["name"]))
        return found

    async def _go_on(self, doing: Doing, namespace: str, pool: str) -> None:
        while True:
            try:
                seconds = await doing(namespace, pool)
            except (ApiError, SupervisorAway, SupervisorRefused) as error:
                logger.info("pool %s/%s: %s", namespace, pool, error)
                seconds = FAILED_SECONDS
            except Exception:
                # A bug that one pool brings out must not end the work for the others.
                logger.exception("pool %s/%s: what is done for it failed", namespace, pool)
                seconds = FAILED_SECONDS
            await asyncio.sleep(seconds)
