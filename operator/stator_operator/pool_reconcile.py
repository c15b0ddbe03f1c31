"""The reconcile of a StoragePool: observe, plan, apply, say how it is.

In: a pool's key, from the queue. Out: nothing but what `apply.py` and `status_writing.py` write.
Level-triggered: it asks what is there, never what has happened, so it may be called at any time,
be broken off anywhere, and begin again in another process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from stator_operator.apply import Writer, role_lacks_rule
from stator_operator.conditions import Condition, merged
from stator_operator.kubernetes_errors import RoleLacksRule
from stator_operator.kubernetes_kinds import Object
from stator_operator.observe import Observer, PoolObservation
from stator_operator.ownership import separate
from stator_operator.pool_actions import Apply, Plan
from stator_operator.pool_plan import plan
from stator_operator.pool_reading import (
    found_cluster_id,
    lacking_of,
    observed_pool,
    with_new_templates,
)
from stator_operator.pool_secrets import Create, SecretsPlan, certificate_end, plan_secrets
from stator_operator.pool_status import pool_status
from stator_operator.status_writing import StatusWriter
from stator_operator.storage_pool import PodSettings, Pool, pool_of
from stator_operator.work_queue import Key

# While something is under way, what the supervisor knows is asked for this often.
AGAIN_SECONDS = 5.0


@dataclass(slots=True)
class PoolReconcile:
    """`clock`: seconds that no one sets; `wall`: the time of day, as statuses have it."""

    observer: Observer
    writer: Writer
    status_writer: StatusWriter
    settings: PodSettings
    clock: Callable[[], float]
    wall: Callable[[], datetime]
    # Since when each pool has been whole, by uid. Forgotten with the process: then it is waited
    # for anew, which is slow and never wrong.
    _whole_since: dict[str, float] = field(default_factory=dict)

    async def __call__(self, key: Key) -> float | None:
        """Look at the pool once. Raises ApiError."""
        try:
            found = await self.observer.pool(key)
        except RoleLacksRule as refused:
            await self._say_role_lacks_rule(key, refused)
            raise
        if found is None:
            self.writer.applied.forget(key)
            self._forget_figures(key)
            return None
        if "deletionTimestamp" in found.body["metadata"]:
            return None  # Kubernetes deletes its children; nothing of ours has to be done before.
        pool = self._pool(found)
        observed = observed_pool(
            pool,
            found.of_kind("StatefulSet"),
            found.of_kind("Pod"),
            found.of_kind("PersistentVolumeClaim"),
            found.facts,
            self._whole_seconds(pool, found),
            self.wall(),
        )
        wanted = plan(pool, observed)
        secrets = plan_secrets(pool, found.secrets, self.wall().timestamp())
        end = certificate_end(pool.name, found.secrets)
        self.status_writer.metrics.certificate_ends(key.namespace, key.name, end)
        done, retemplated = await self._carry_out(key, wanted, secrets, found)
        observed = with_new_templates(pool, observed, retemplated)
        before = found.body.get("status", {})
        now = self.wall().strftime("%Y-%m-%dT%H:%M:%SZ")
        status = pool_status(pool, observed, done, before, now)
        await self.status_writer.write(found.body, status)
        return AGAIN_SECONDS if _is_under_way(done, status) else None

    async def _say_role_lacks_rule(self, key: Key, refused: RoleLacksRule) -> None:
        """What the operator may not see, as far as it may say so: nothing else can be said now."""
        body = await self.observer.pool_itself(key)
        if body is None:
            return
        waiting = role_lacks_rule(refused)
        accepted = Condition("Accepted", False, waiting.reason, waiting.message)
        now = self.wall().strftime("%Y-%m-%dT%H:%M:%SZ")
        before = body.get("status", {})
        conditions: list[Object] = before.get("conditions", [])
        said = merged((accepted,), conditions, body["metadata"]["generation"], now)
        others = [each for each in conditions if each["type"] != accepted.type]
        await self.status_writer.write(body, {**before, "conditions": [*said, *others]})

    def _forget_figures(self, key: Key) -> None:
        metrics = self.status_writer.metrics
        metrics.said(key.kind, key.namespace, key.name, [])
        metrics.certificate_ends(key.namespace, key.name, None)

    def _pool(self, found: PoolObservation) -> Pool:
        carriers = (*found.of_kind("StatefulSet"), *found.of_kind("PersistentVolumeClaim"))
        name = found.body["metadata"]["name"]
        return pool_of(found.body, self.settings, found_cluster_id(name, carriers))

    def _whole_seconds(self, pool: Pool, found: PoolObservation) -> float:
        """How long every partition has had its replicas, as far as this process has seen."""
        if lacking_of(pool, found.facts) != 0:
            self._whole_since.pop(pool.uid, None)
            return 0.0
        return self.clock() - self._whole_since.setdefault(pool.uid, self.clock())

    async def _carry_out(
        self, key: Key, wanted: Plan, secrets: SecretsPlan, found: PoolObservation
    ) -> tuple[Plan, set[tuple[str, str]]]:
        """Do it, Secrets first: pods wait for them.

        What was done, with what was not as further reasons to wait; what got a new template.
        """
        actions = (*secrets.actions, *wanted.actions)
        known = found.children | {("Secret", name): each for name, each in found.secrets.items()}
        names = [
            (each.body["kind"], each.body["metadata"]["name"])
            for each in actions
            if isinstance(each, Apply)
        ]
        present = known | await self.observer.named(key.namespace, names, known)
        allowed, taken = separate(actions, present)
        outcome = await self.writer.carry_out(key, allowed, present, found.supervisor)
        done = tuple(each for each in outcome.done if not isinstance(each, Create))
        waiting = (*secrets.waiting, *wanted.waiting, *taken, *outcome.waiting)
        return replace(wanted, actions=done, waiting=waiting), outcome.retemplated


def _is_under_way(done: Plan, status: dict[str, object]) -> bool:
    """Whether to look again soon, though no object changes."""
    if done.waiting or any(not isinstance(each, Apply) for each in done.actions):
        return True
    conditions = status["conditions"]
    assert isinstance(conditions, list)
    return any(
        each["type"] in ("Ready", "FullyReplicated") and each["status"] != "True"
        for each in conditions
    )
