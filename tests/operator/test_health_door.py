"""What a kubelet and Prometheus are told of the operator."""

from __future__ import annotations

import asyncio

import aiohttp

from stator_operator.health_door import HealthDoor
from stator_operator.metrics import Metrics
from stator_operator.watch_freshness import BEHIND_SECONDS_MAX, WatchFreshness


def test_it_is_alive_while_its_watches_are_and_ready_when_it_is_told_so() -> None:
    now = 0.0

    async def asked() -> None:
        nonlocal now
        metrics = Metrics()
        freshness = WatchFreshness(("StoragePool",), lambda: now, metrics)
        door = HealthDoor(freshness, metrics)
        await door.start(0)
        session = aiohttp.ClientSession(f"http://127.0.0.1:{door.port}")

        async def get(path: str) -> tuple[int, str]:
            async with session.get(path) as answer:
                return answer.status, await answer.text()

        assert (await get("/alive"))[0] == 200
        assert (await get("/ready"))[0] == 503
        door.is_ready = True
        assert (await get("/ready"))[0] == 200
        assert (await get("/other"))[0] == 404

        freshness.listed("StoragePool", [{"metadata": {"uid": "u", "generation": 1}}])
        assert (await get("/alive"))[0] == 200
        now += BEHIND_SECONDS_MAX
        status, text = await get("/alive")
        assert status == 503
        assert "StoragePool" in text

        status, text = await get("/metrics")
        assert status == 200
        assert 'stator_operator_watch_is_behind{kind="StoragePool"} 1' in text
        assert "stator_operator_lease_held 0" in text
        await session.close()
        await door.stop()

    asyncio.run(asked())
