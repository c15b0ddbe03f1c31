"""Gives an object to each table that is there without one: made before objects were the truth.

In: the tables of a pool of which no object has ever spoken. Out: Table objects that say of them
what they are, for the reconcile to go on with. Run by `each_pool.py`. A table whose object was
deleted and that was retained is not among them: it gets no object unless somebody applies one, or
changes the table. Invariant: a table name that any object of the namespace has is left alone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from stator_operator import naming
from stator_operator.ask_plan import table_body
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import Conflict
from stator_operator.metrics import Metrics
from stator_operator.supervisor_client import Members, Supervisors
from stator_operator.table_object import owning_table
from stator_operator.table_observing import TableObserver
from stator_operator.table_request import spec_of_body

logger = logging.getLogger(__name__)

ROUND_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class TableAdoption:
    """What tables are adopted with."""

    api: KubernetesApi
    supervisors: Supervisors
    observer: TableObserver
    metrics: Metrics

    async def once(self, namespace: str, pool: str) -> float:
        """One round for a pool. Raises ApiError, SupervisorAway and SupervisorRefused."""
        body = await self.api.get("StoragePool", namespace, pool)
        is_shared = body is not None and owning_table(body) is None
        supervisor = await self.observer.observer.supervisor(namespace, pool)
        if is_shared and supervisor is not None:
            said = await self.supervisors.ask(supervisor, "GET", "/v1/tables?owner=nobody")
            for entry in said["tables"]:
                if entry["description"]["TableStatus"] != "DELETING":
                    await self._adopt(namespace, pool, entry)
        return ROUND_SECONDS

    async def _adopt(self, namespace: str, pool: str, entry: Members) -> None:
        if await self.observer.objects(namespace, entry["name"]):
            return  # Its own reconcile looks after it.
        spec = {**spec_of_body(entry["table"]), "pool": pool}
        for name in dict.fromkeys(naming.table_object_names(entry["name"])):
            self.metrics.wrote("Table")
            try:
                await self.api.create(table_body(name, namespace, spec))
            except Conflict:
                continue
            logger.info("table %s of pool %s/%s has an object", entry["name"], namespace, pool)
            return
