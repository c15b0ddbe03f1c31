"""A status is written when it differs, after the Events that tell of it, to this very object."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from pretended_api import Object, PretendedApi
from pretended_cluster import pool_body
from stator_operator.events import EventPoster
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.metrics import Metrics
from stator_operator.status_writing import StatusWriter

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def status(reason: str) -> Object:
    condition: dict[str, Any] = {
        "type": "Accepted",
        "status": "False",
        "reason": reason,
        "message": "text",
        "lastTransitionTime": "2026-11-20T12:00:00Z",
    }
    return {"observedGeneration": 1, "conditions": [condition]}


def write(present: Object | None, read: Object, wanted: Object) -> PretendedApi:
    """The API after the status of what was `read` was written; `present` is there by then."""

    async def written() -> PretendedApi:
        async with PretendedApi() as server:
            if present is not None:
                server.put(present)
            api = KubernetesApi(server.connection())
            poster = EventPoster(api, "operator-1", lambda: NOON)
            await StatusWriter(api, poster, Metrics()).write(read, wanted)
            await api.close()
            return server

    return asyncio.run(written())


def test_a_status_that_differs_is_said_and_written() -> None:
    server = write(pool_body(), pool_body(), status("NameTaken"))

    assert server.of("StoragePool")[0]["status"] == status("NameTaken")
    assert [each.plural for each in server.writes] == ["events", "storagepools"]


def test_the_same_status_is_not_written() -> None:
    body = {**pool_body(), "status": status("NameTaken")}

    assert write(body, body, status("NameTaken")).writes == []


def test_an_object_that_has_gone_or_is_another_by_now_gets_none() -> None:
    assert write(None, pool_body(), status("NameTaken")).of("StoragePool") == []
    another = pool_body()
    another["metadata"]["uid"] = "another"
    assert "status" not in write(another, pool_body(), status("NameTaken")).of("StoragePool")[0]
