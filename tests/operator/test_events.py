"""Events: each said once, whoever is killed in between, and never in the way of anything else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from aiohttp import web

from pretended_api import Asked, PretendedApi, refusal
from pretended_cluster import pool_body
from stator_operator.event_reasons import Said
from stator_operator.events import NOTE_CHARACTERS_MAX, EventPoster, event
from stator_operator.kubernetes_api import KubernetesApi

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TAKEN = Said("Warning", "NameTaken", "StatefulSet one-b belongs to somebody else", "")
READY = Said("Normal", "AllPodsServe", "", "earlier")


def test_what_is_said_twice_is_there_once() -> None:
    async def posted() -> None:
        async with PretendedApi() as server:
            api = KubernetesApi(server.connection())
            for identity in ("first", "second"):
                await EventPoster(api, identity, lambda: NOON).post(pool_body(), [TAKEN, READY])
            await api.close()

            said = [(each["type"], each["reason"], each["note"]) for each in server.of("Event")]
            assert said == [
                ("Warning", "NameTaken", TAKEN.message),
                ("Normal", "AllPodsServe", "AllPodsServe"),
            ]

    asyncio.run(posted())


def test_an_event_that_cannot_be_posted_stops_nothing() -> None:
    def answers(asked: Asked) -> web.Response | None:
        return refusal(403, "Forbidden") if asked.plural == "events" else None

    async def posted() -> None:
        async with PretendedApi(answers) as server:
            api = KubernetesApi(server.connection())
            await EventPoster(api, "first", lambda: NOON).post(pool_body(), [TAKEN])
            await api.close()
            assert server.of("Event") == []

    asyncio.run(posted())


def test_an_event_is_about_this_very_object_and_fits() -> None:
    long = Said("Warning", "ObjectRefused", "x" * 5_000, "")
    made = event(pool_body(), long, "operator-1", NOON)

    assert len(made["note"]) == NOTE_CHARACTERS_MAX
    assert made["regarding"]["uid"] == "u-1"
    assert made["eventTime"] == "2026-11-20T12:00:00.000000Z"
    assert made["metadata"]["name"].startswith("default.")
    assert made["metadata"]["name"] != event(pool_body(), TAKEN, "o", NOON)["metadata"]["name"]
