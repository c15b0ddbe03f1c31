"""Writes an object's status where it has changed, and says by Events what has.

In: an object as it was read, and its status as it should be. Out: one write, or none. Called at the
end of a reconcile, and nowhere else, so a status never says what was not carried out.
"""

from __future__ import annotations

from dataclasses import dataclass

from stator_operator.event_reasons import changes
from stator_operator.events import EventPoster
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import Conflict, NotFound
from stator_operator.kubernetes_kinds import Object
from stator_operator.metrics import Metrics


@dataclass(frozen=True, slots=True)
class StatusWriter:
    """What statuses are written with. One for the process."""

    api: KubernetesApi
    poster: EventPoster
    metrics: Metrics

    async def write(self, body: Object, status: Object) -> None:
        """Have the object's status be this. It may have gone meanwhile. Raises ApiError."""
        own = body["metadata"]
        self.metrics.said(body["kind"], own["namespace"], own["name"], status["conditions"])
        before = body.get("status", {})
        if before == status:
            return
        said = changes(before.get("conditions", ()), status["conditions"])
        await self.poster.post(body, said)
        self.metrics.wrote(body["kind"])
        metadata = {name: body["metadata"][name] for name in ("name", "namespace", "uid")}
        head = {"apiVersion": body["apiVersion"], "kind": body["kind"]}
        try:
            await self.api.apply_status({**head, "metadata": metadata, "status": status})
        except (NotFound, Conflict):
            return  # It has gone; another of its name has a reconcile of its own.
