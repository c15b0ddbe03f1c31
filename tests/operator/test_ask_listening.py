"""Every pool's clients are heard, and a pool that cannot be heard holds up no other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from pretended_api import Asked, refusal
from real_supervisor import NAMESPACE, Kept, play
from stator_operator.each_pool import EachPool
from table_bodies import create_body

BODY = create_body(TableName="music")


@contextlib.asynccontextmanager
async def listening(kept: Kept) -> AsyncIterator[None]:
    each = EachPool(kept.api, None, (kept.listener.once,))
    task = asyncio.ensure_future(each.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_clients_are_heard_beside_a_pool_without_a_supervisor() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_pool("second")
        kept.server.remove("pods", NAMESPACE, "second-supervisor-0")
        async with listening(kept):
            answer = await kept.client("CreateTable", **BODY)
        assert answer["TableDescription"]["TableStatus"] == "CREATING"
        assert kept.woken[0].name == "music"

    play(scene)


def test_a_supervisor_that_was_away_is_heard_when_it_is_back() -> None:
    async def scene(kept: Kept) -> None:
        kept.supervisor.is_away = True
        async with listening(kept):
            answer = kept.client("CreateTable", **BODY)
            await asyncio.sleep(0.2)
            assert kept.server.of("Table") == []
            kept.supervisor.is_away = False
            await answer
        assert len(kept.server.of("Table")) == 1

    play(scene)


def test_what_could_not_be_taken_up_is_heard_again() -> None:
    async def scene(kept: Kept) -> None:
        refused = iter([refusal(500, "InternalError")])

        def once(asked: Asked) -> object:
            is_first = asked.plural == "tables" and asked.is_write
            return next(refused, None) if is_first else None

        kept.server.answers = once  # type: ignore[assignment]
        async with listening(kept):
            await kept.client("CreateTable", **BODY)
        assert len(kept.server.of("Table")) == 1

    play(scene)
