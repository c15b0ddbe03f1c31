"""Reads what there is of a Table: objects, and what its pool's supervisor says. Decides nothing.

In: the key of an object, or the name of a table. Out: objects as they are now, and `ObservedTable`
for `table_plan.py`. ApiError goes through. Used by `table_reconcile.py` and `ask_taking.py`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import Unavailable
from stator_operator.kubernetes_kinds import Object
from stator_operator.observe import Observer
from stator_operator.supervisor_client import (
    SupervisorAddress,
    SupervisorAway,
    SupervisorRefused,
    Supervisors,
)
from stator_operator.table_object import (
    SupervisorEntry,
    TableObject,
    owning_table,
    supervisor_entry,
    table_object,
)
from stator_operator.table_plan import ObservedTable
from stator_operator.work_queue import Key

logger = logging.getLogger(__name__)

REMEMBERED_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class TableObservation:
    """A Table's object, its pool's, and where its supervisor is asked."""

    body: Object
    pool: Object | None
    supervisor: SupervisorAddress | None
    observed: ObservedTable


@dataclass(frozen=True, slots=True)
class _Pool:
    body: Object | None
    supervisor: SupervisorAddress | None
    read_at: float


@dataclass(frozen=True, slots=True)
class TableObserver:
    """What is looked with. One for the process.

    A pool and where its supervisor answers are remembered for `remembered_seconds`: many tables of
    one pool are looked at side by side.
    """

    api: KubernetesApi
    supervisors: Supervisors
    observer: Observer
    remembered_seconds: float = REMEMBERED_SECONDS
    _pools: dict[tuple[str, str], _Pool] = field(default_factory=dict)

    async def table(self, key: Key) -> TableObservation | None:
        """The table; None: there is no such object. Raises ApiError."""
        body = await self.api.get("Table", key.namespace, key.name)
        if body is None:
            return None
        table = table_object(body)
        namesakes = [
            table_object(each)
            for each in await self.objects(key.namespace, table.table_name)
            if each["metadata"]["uid"] != table.uid
        ]
        found = await self._pool(table)
        pool, supervisor, entry = found.body, found.supervisor, None
        lodgers: tuple[str, ...] = ()
        if supervisor is not None:
            entry = await self.entry(supervisor, table.table_name)
            if table.is_ending and table.storage is not None:
                lodgers = await self._others(supervisor, table.table_name)
        observed = ObservedTable(
            table,
            tuple(namesakes),
            None if pool is None else pool["metadata"]["uid"],
            "" if pool is None else owning_table(pool) or "",
            entry,
            lodgers,
        )
        return TableObservation(body, pool, supervisor, observed)

    async def _pool(self, table: TableObject) -> _Pool:
        """The pool of a table. One of its own is looked at anew each time: it may be changed."""
        name, now = (table.namespace, table.pool), asyncio.get_running_loop().time()
        known = self._pools.get(name)
        if known is not None and table.storage is None:
            if known.supervisor is not None and now - known.read_at < self.remembered_seconds:
                return known
        body, supervisor = await self.api.get("StoragePool", *name), None
        if body is not None:
            supervisor = await self.observer.supervisor(*name)
        read = _Pool(body, supervisor, now)
        self._pools[name] = read
        return read

    async def objects(self, namespace: str, table_name: str) -> list[Object]:
        """The Tables of a namespace with this tableName. Raises ApiError."""
        return await self.api.items("Table", namespace, fields=f"spec.tableName={table_name}")

    async def _others(self, supervisor: SupervisorAddress, table_name: str) -> tuple[str, ...]:
        """The other tables of a pool. Raises ApiError where nobody says."""
        try:
            said = await self.supervisors.ask(supervisor, "GET", "/v1/tables")
        except (SupervisorAway, SupervisorRefused) as error:
            raise Unavailable(0, "SupervisorAway", str(error)) from error
        names = [each["name"] for each in said["tables"] if each["description"] is not None]
        return tuple(name for name in names if name != table_name)

    async def entry(self, supervisor: SupervisorAddress, table_name: str) -> SupervisorEntry | None:
        """What the supervisor says of a table; None: it does not answer."""
        try:
            said = await self.supervisors.ask(supervisor, "GET", f"/v1/tables/{table_name}")
        except (SupervisorAway, SupervisorRefused) as error:
            logger.info("nothing is known of table %s: %s", table_name, error)
            return None
        return supervisor_entry(said)
