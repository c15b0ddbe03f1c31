"""Takes up what a pool's clients ask of tables: into objects first, then to the supervisor.

In: asks, from `ask_listening.py`. Out: a Table made, changed or deleted, and the supervisor's word
that the client's own request may be carried out; or the error that the client gets. May be broken
off anywhere and be called again for the same ask. Objects are made and changed by their version and
not by server-side apply: that cannot take away what somebody else's field manager has set, as an
index that kubectl applied.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from stator_operator.ask_plan import (
    Ask,
    DeleteBare,
    DeleteObject,
    MakeObject,
    PatchObject,
    RefuseAsk,
    decide,
)
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import Conflict, NotFound, Refused
from stator_operator.kubernetes_kinds import Object
from stator_operator.metrics import Metrics
from stator_operator.supervisor_client import SupervisorAddress, SupervisorRefused, Supervisors
from stator_operator.table_object import FINALIZER, owning_table, table_object, wish
from stator_operator.table_observing import TableObserver
from stator_operator.work_queue import Key

logger = logging.getLogger(__name__)

CONFLICTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose ask it is: the clients of a pool."""

    namespace: str
    pool: str
    supervisor: SupervisorAddress


@dataclass(frozen=True, slots=True)
class AskTaker:
    """What asks are taken up with. `wake`: have a Table looked at."""

    api: KubernetesApi
    supervisors: Supervisors
    observer: TableObserver
    metrics: Metrics
    wake: Callable[[Key], None]

    async def take_up(self, asker: Asker, ask: Ask) -> None:
        """Raises ApiError and SupervisorAway: then it is to be taken up again."""
        try:
            await self._take_up(asker, ask)
        except Refused as refused:
            # No object can say it, or nobody may: a policy of the cluster, a quota, a schema.
            await self._refuse(asker, ask, RefuseAsk("ValidationException", refused.message))
        except SupervisorRefused as refused:
            await self._refuse(asker, ask, RefuseAsk("ValidationException", refused.message))

    async def _take_up(self, asker: Asker, ask: Ask) -> None:
        for _ in range(CONFLICTS_MAX):
            found = await self.observer.objects(asker.namespace, ask.table_name)
            entry = await self.observer.entry(asker.supervisor, ask.table_name)
            owner = None if entry is None else entry.object_uid
            decision = decide(ask, found, owner, asker.namespace, asker.pool)
            logger.info(
                "%s of table %s: %s", ask.operation, ask.table_name, type(decision).__name__
            )
            try:
                match decision:
                    case RefuseAsk():
                        await self._refuse(asker, ask, decision)
                    case DeleteBare(object_uid):
                        await self._tell(asker, ask, "DELETE", {"uid": object_uid})
                    case DeleteObject(body):
                        await self._delete(asker, ask, body)
                    case MakeObject(bodies):
                        await self._check_pool(asker)
                        await self._accept(asker, ask, await self._make(bodies), owner)
                    case PatchObject(body, patch):
                        changed = await self._patch(body, {"spec": patch}) if patch else body
                        await self._accept(asker, ask, changed, owner)
            except (Conflict, NotFound):
                continue  # Somebody else was faster: look again.
            return
        message = f"Table {ask.table_name} changes too fast at this moment"
        await self._refuse(asker, ask, RefuseAsk("ServiceUnavailable", message))

    async def _check_pool(self, asker: Asker) -> None:
        """A table's own pool takes no other. Raises SupervisorRefused, as for what it refuses."""
        pool = await self.api.get("StoragePool", asker.namespace, asker.pool)
        if pool is not None and owning_table(pool) is not None:
            message = f"Pool {asker.pool} is a table's own and takes no other table"
            raise SupervisorRefused(409, "PoolIsOwn", message)

    async def _make(self, bodies: tuple[Object, ...]) -> Object:
        """The first whose name is free. Raises Conflict where none is."""
        for body in bodies[:-1]:
            try:
                return await self._create(body)
            except Conflict:
                continue
        return await self._create(bodies[-1])

    async def _create(self, body: Object) -> Object:
        self.metrics.wrote("Table")
        return await self.api.create(body)

    async def _patch(self, body: Object, patch: Object) -> Object:
        """The object with this change. Raises Conflict where it has another version by now."""
        metadata = body["metadata"]
        own = {**patch.get("metadata", {}), "resourceVersion": metadata["resourceVersion"]}
        self.metrics.wrote("Table")
        return await self.api.merge(
            "Table", metadata["namespace"], metadata["name"], {**patch, "metadata": own}
        )

    async def _delete(self, asker: Asker, ask: Ask, body: Object) -> None:
        """DeleteTable takes the items along, whatever the object's policy says of kubectl."""
        table, policy = table_object(body), body["spec"].get("deletionPolicy")
        if not table.is_ending:
            others = [each for each in table.finalizers if each != FINALIZER]
            patch = {
                "metadata": {"finalizers": [*others, FINALIZER]},
                "spec": {"deletionPolicy": "Delete"},
            }
            changed = await self._patch(body, patch)
            try:
                await self.api.delete("Table", table.namespace, table.name, table.uid)
            except Refused:
                # Somebody does not let it go: it is to be as it was.
                back = {
                    "metadata": {"finalizers": list(table.finalizers)},
                    "spec": {"deletionPolicy": policy},
                }
                await self._patch(changed, back)
                raise
        await self._tell(asker, ask, "DELETE", wish(table))

    async def _accept(self, asker: Asker, ask: Ask, body: Object, owner: str | None) -> None:
        """The object says it: so does the supervisor now."""
        table = table_object(body)
        members = wish(table)
        if owner not in (None, table.uid):
            members["replaces"] = owner
        await self._tell(asker, ask, "PUT", members)
        self.wake(Key("Table", table.namespace, table.name))

    async def _tell(self, asker: Asker, ask: Ask, method: str, members: Object) -> None:
        path = f"/v1/tables/{ask.table_name}"
        given = {**members, "ask": ask.ask_id}
        await self.supervisors.ask(asker.supervisor, method, path, given)

    async def _refuse(self, asker: Asker, ask: Ask, refusal: RefuseAsk) -> None:
        logger.info("%s of table %s: %s", ask.operation, ask.table_name, refusal.message)
        members = {"error": refusal.error, "message": refusal.message}
        path = f"/v1/asks/{ask.ask_id}"
        await self.supervisors.ask(asker.supervisor, "DELETE", path, members)
