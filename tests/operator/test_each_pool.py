"""Every pool has its task: new ones get one, those that are gone lose it, failures stay alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pretended_api import PretendedApi
from pretended_cluster import pool_body
from stator_operator.each_pool import FAILED_SECONDS, POOLS_SECONDS, EachPool
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.supervisor_client import SupervisorAway


class Counted:
    """How often something was done for each pool; for `failing` ones it fails."""

    def __init__(self, *failing: str) -> None:
        self.times: dict[str, int] = {}
        self._failing = failing
        self.changed = asyncio.Event()

    async def __call__(self, namespace: str, pool: str) -> float:
        self.times[pool] = self.times.get(pool, 0) + 1
        self.changed.set()
        if pool in self._failing:
            raise SupervisorAway(pool)
        return 0.01

    async def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            self.changed.clear()
            await self.changed.wait()


def pool(name: str, namespace: str = "shop") -> dict[str, object]:
    return {**pool_body(), "metadata": {"name": name, "namespace": namespace}}


def play(scene: Callable[[PretendedApi, KubernetesApi], Awaitable[None]]) -> None:
    async def played() -> None:
        async with PretendedApi() as server:
            api = KubernetesApi(server.connection())
            try:
                await asyncio.wait_for(scene(server, api), 30)
            finally:
                await api.close()

    asyncio.run(played())


def test_each_pool_is_cared_for_though_another_fails() -> None:
    async def scene(server: PretendedApi, api: KubernetesApi) -> None:
        server.put(pool("good"))
        server.put(pool("bad"))
        counted = Counted("bad")
        running = asyncio.ensure_future(EachPool(api, None, (counted,)).run())
        await counted.until(lambda: counted.times.get("good", 0) > 3)
        await counted.until(lambda: counted.times.get("bad", 0) > 1)
        assert FAILED_SECONDS > 0.01
        running.cancel()
        await asyncio.wait({running})

    play(scene)


def test_new_pools_are_seen_and_gone_ones_left_alone() -> None:
    async def scene(server: PretendedApi, api: KubernetesApi) -> None:
        server.put(pool("first"))
        counted = Counted()
        each = EachPool(api, None, (counted,))
        each._have(await each._pools())
        ((first,),) = each._tasks.values()
        server.remove("storagepools", "shop", "first")
        server.put(pool("second"))
        each._have(await each._pools())
        await asyncio.wait({first})
        assert first.cancelled()
        assert set(each._tasks) == {("shop", "second")}
        each._have(set())
        assert POOLS_SECONDS > 0

    play(scene)


def test_only_the_namespaces_that_are_served_are_looked_at() -> None:
    async def scene(server: PretendedApi, api: KubernetesApi) -> None:
        server.put(pool("ours", "shop"))
        server.put(pool("theirs", "office"))
        assert await EachPool(api, ("shop",), ())._pools() == {("shop", "ours")}
        assert await EachPool(api, None, ())._pools() == {
            ("shop", "ours"),
            ("office", "theirs"),
        }

    play(scene)
