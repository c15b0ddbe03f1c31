"""Hears what the clients of every pool ask of tables: one wait at each pool's supervisor.

In: the pools that there are, and their supervisors' asks. Out: calls of `ask_taking.py`, one after
the other for each pool. Run by `operator_process.py`. Invariants: a pool that cannot be heard holds
up no other; what is asked is heard again until it was taken up or its client has given up.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from stator_operator.ask_plan import ask_of
from stator_operator.ask_taking import Asker, AskTaker
from stator_operator.kubernetes_errors import ApiError
from stator_operator.supervisor_client import SupervisorAway, SupervisorRefused

logger = logging.getLogger(__name__)

POOLS_SECONDS = 3.0  # how soon a new pool is heard
WAIT_SECONDS = 20
ANSWER_SECONDS_MAX = WAIT_SECONDS + 10.0
AWAY_SECONDS = 1.0

PoolName = tuple[str, str]  # namespace, name


@dataclass(slots=True)
class AskListener:
    """`namespaces`: those that are served; None: all."""

    taker: AskTaker
    namespaces: tuple[str, ...] | None
    _listening: dict[PoolName, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Listen until cancelled."""
        try:
            while True:
                try:
                    self._listen_to(await self._pools())
                except ApiError as error:
                    logger.warning("the pools could not be listed: %s", error)
                await asyncio.sleep(POOLS_SECONDS)
        finally:
            self._listen_to(set())

    def _listen_to(self, pools: set[PoolName]) -> None:
        """To these, and to no others."""
        for gone in set(self._listening) - pools:
            self._listening.pop(gone).cancel()
        for new in pools - set(self._listening):
            self._listening[new] = asyncio.get_running_loop().create_task(self._listen(*new))

    async def _pools(self) -> set[PoolName]:
        found: set[PoolName] = set()
        for namespace in (None,) if self.namespaces is None else self.namespaces:
            for pool in await self.taker.api.items("StoragePool", namespace):
                found.add((pool["metadata"]["namespace"], pool["metadata"]["name"]))
        return found

    async def _listen(self, namespace: str, pool: str) -> None:
        """To one pool, forever."""
        while True:
            try:
                was_heard = await self.once(namespace, pool)
            except (ApiError, SupervisorAway, SupervisorRefused) as error:
                logger.info("pool %s/%s: %s", namespace, pool, error)
                was_heard = False
            except Exception:
                # A bug that one request brings out must not end the hearing of others.
                logger.exception("what is asked of pool %s/%s was not taken up", namespace, pool)
                was_heard = False
            if not was_heard:
                await asyncio.sleep(AWAY_SECONDS)

    async def once(self, namespace: str, pool: str) -> bool:
        """Wait for asks and take them up. False: nobody could be asked.

        Raises ApiError, SupervisorAway and SupervisorRefused.
        """
        taker = self.taker
        supervisor = await taker.observer.observer.supervisor(namespace, pool)
        if supervisor is None:
            return False
        path = f"/v1/asks?wait={WAIT_SECONDS}"
        said = await taker.supervisors.ask(supervisor, "GET", path, seconds=ANSWER_SECONDS_MAX)
        for members in said["asks"]:
            await taker.take_up(Asker(namespace, pool, supervisor), ask_of(members))
        return True
