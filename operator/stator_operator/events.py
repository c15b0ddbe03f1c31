"""Posts Events about an object, each once, also where the operator is killed in between.

In: an object and what is to be said of it (`event_reasons.py`), before its status is written: so
nothing is left unsaid. Out: Events whose names follow from what they say, so that saying it again
is refused by the API server. That an Event cannot be posted stops nothing else.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from stator_operator.event_reasons import Said
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import ApiError, Conflict
from stator_operator.kubernetes_kinds import Object

logger = logging.getLogger(__name__)

CONTROLLER = "stator.dev/operator"
NOTE_CHARACTERS_MAX = 1_024


class EventPoster:
    """Posts. `identity`: of this operator; `wall`: the time of day."""

    def __init__(self, api: KubernetesApi, identity: str, wall: Callable[[], datetime]) -> None:
        self._api = api
        self._identity = identity
        self._wall = wall

    async def post(self, about: Object, said: Iterable[Said]) -> None:
        """Say all of it."""
        for each in said:
            log = logger.warning if each.type == "Warning" else logger.info
            metadata = about["metadata"]
            log(
                "%s %s/%s: %s %s",
                *(about["kind"], metadata["namespace"], metadata["name"]),
                *(each.reason, each.message),
            )
            try:
                await self._api.create(event(about, each, self._identity, self._wall()))
            except Conflict:
                continue  # It was said before the operator was killed.
            except ApiError as error:
                logger.warning("an Event was not posted: %s", error)


def event(about: Object, said: Said, identity: str, now: datetime) -> Object:
    """The Event's object."""
    metadata = about["metadata"]
    words = "\n".join((metadata["uid"], said.reason, said.message, said.since))
    digest = hashlib.sha256(words.encode()).hexdigest()[:16]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name']}.{digest}",
            "namespace": metadata["namespace"],
        },
        "eventTime": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "reportingController": CONTROLLER,
        "reportingInstance": identity,
        "action": "Reconcile",
        "reason": said.reason,
        "type": said.type,
        "note": said.message[:NOTE_CHARACTERS_MAX] or said.reason,
        "regarding": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
    }
