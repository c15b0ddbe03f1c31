"""Carries out what is planned for a Table: at the API server, and at its pool's supervisor.

In: actions of `table_plan.py`, in their order. Out: what the supervisor says of the table after
them, and for what is not taken the reason, as a plan has it. Each action may be repeated. An
ApiError that says nothing of the object itself goes through.
"""

from __future__ import annotations

from dataclasses import dataclass

from stator_operator import naming
from stator_operator.apply import Writer
from stator_operator.kubernetes_kinds import Object
from stator_operator.pool_actions import Apply, Waiting
from stator_operator.supervisor_client import SupervisorAway, SupervisorRefused, Supervisors
from stator_operator.table_object import SupervisorEntry, supervisor_entry, wish
from stator_operator.table_observing import TableObservation
from stator_operator.table_plan import (
    Action,
    DeletePool,
    DeleteTable,
    DeleteVolumes,
    PutTable,
    SetFinalizers,
    TablePlan,
    supervisor_away,
)
from stator_operator.work_queue import Key


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """What is known after the actions."""

    entry: SupervisorEntry | None
    waiting: Waiting | None


@dataclass(frozen=True, slots=True)
class TableWriter:
    """What writes are made with. One for the process."""

    writer: Writer
    supervisors: Supervisors

    async def carry_out(self, key: Key, plan: TablePlan, found: TableObservation) -> TableOutcome:
        """Do all of it, up to what is refused. Raises ApiError."""
        outcome = TableOutcome(found.observed.entry, plan.waiting)
        for action in plan.actions:
            outcome = await self._carry_out(key, action, found, outcome)
            if outcome.waiting is not None and outcome.waiting != plan.waiting:
                return outcome
        return outcome

    async def _carry_out(
        self, key: Key, action: Action, found: TableObservation, outcome: TableOutcome
    ) -> TableOutcome:
        match action:
            case Apply():
                pool = action.body["metadata"]["name"]
                present = {} if found.pool is None else {("StoragePool", pool): found.pool}
                done = await self.writer.carry_out(key, [action], present, None)
                return TableOutcome(outcome.entry, done.waiting[0]) if done.waiting else outcome
            case SetFinalizers(finalizers):
                await self._set_finalizers(found.body, finalizers)
                return outcome
            case PutTable(replaces):
                members = wish(found.observed.table)
                if replaces is not None:
                    members["replaces"] = replaces
                return await self._tell("PUT", members, found, outcome)
            case DeletePool(uid):
                self.writer.metrics.wrote("StoragePool")
                pool = found.observed.table.pool
                await self.writer.api.delete("StoragePool", key.namespace, pool, uid)
                return outcome
            case DeleteVolumes():
                await self._delete_volumes(key.namespace, found.observed.table.pool)
                return outcome
            case DeleteTable():
                return await self._tell("DELETE", wish(found.observed.table), found, outcome)

    async def _delete_volumes(self, namespace: str, pool: str) -> None:
        """Those of the pool's pods, which end next: Kubernetes keeps each until its pod has."""
        labels = f"{naming.NAME_LABEL}=stator,{naming.POOL_LABEL}={pool}"
        for claim in await self.writer.api.items("PersistentVolumeClaim", namespace, labels):
            name, uid = claim["metadata"]["name"], claim["metadata"]["uid"]
            self.writer.metrics.wrote("PersistentVolumeClaim")
            await self.writer.api.delete("PersistentVolumeClaim", namespace, name, uid)

    async def _set_finalizers(self, body: Object, finalizers: tuple[str, ...]) -> None:
        metadata = body["metadata"]
        patch = {
            "metadata": {
                "finalizers": list(finalizers),
                "resourceVersion": metadata["resourceVersion"],
            }
        }
        self.writer.metrics.wrote("Table")
        await self.writer.api.merge("Table", metadata["namespace"], metadata["name"], patch)

    async def _tell(
        self, method: str, members: Object, found: TableObservation, outcome: TableOutcome
    ) -> TableOutcome:
        """Say it to the supervisor. What it does not take is a reason to wait."""
        table = found.observed.table
        assert found.supervisor is not None
        path = f"/v1/tables/{table.table_name}"
        try:
            said = await self.supervisors.ask(found.supervisor, method, path, members)
        except SupervisorAway:
            return TableOutcome(outcome.entry, supervisor_away(table.pool))
        except SupervisorRefused as refused:
            return TableOutcome(outcome.entry, Waiting(refused.reason, refused.message))
        return TableOutcome(supervisor_entry(said), outcome.waiting)
