"""Every object is looked at now and then, in every namespace that is served."""

from __future__ import annotations

import asyncio

from aiohttp import web

from pretended_api import Asked, PretendedApi, refusal
from pretended_cluster import pool_body
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.metrics import Metrics
from stator_operator.resync import Resync
from stator_operator.watch_freshness import WatchFreshness
from stator_operator.work_queue import Key

KINDS = ("StoragePool", "Table")


def in_namespace(namespace: str) -> dict[str, object]:
    body = pool_body()
    body["metadata"] |= {"namespace": namespace, "uid": namespace}
    return body


def looked_at(namespaces: tuple[str, ...] | None) -> list[Key]:
    async def looked() -> list[Key]:
        async with PretendedApi() as server:
            for namespace in ("one", "two", "three"):
                server.put(in_namespace(namespace))
            api, found = KubernetesApi(server.connection()), list[Key]()
            freshness = WatchFreshness(KINDS, lambda: 0.0, Metrics())
            await Resync(api, KINDS, namespaces, found.append, freshness, 60).once("StoragePool")
            await api.close()
            return sorted(found)

    return asyncio.run(looked())


def test_what_is_served_is_looked_at_and_nothing_else() -> None:
    assert [each.namespace for each in looked_at(("one", "two"))] == ["one", "two"]
    assert [each.namespace for each in looked_at(None)] == ["one", "three", "two"]


def test_a_list_that_fails_is_tried_again_and_other_kinds_are_looked_at() -> None:
    lists: list[str] = []
    enough = asyncio.Event()

    def answers(asked: Asked) -> web.Response | None:
        lists.append(asked.plural)
        if lists.count("tables") == 3:
            enough.set()
        return refusal(503, "ServiceUnavailable") if asked.plural == "storagepools" else None

    async def scene() -> None:
        async with PretendedApi(answers) as server:
            api = KubernetesApi(server.connection())
            freshness = WatchFreshness(KINDS, lambda: 0.0, Metrics())
            resync = Resync(api, KINDS, None, lambda _: None, freshness, 0.001)
            running = asyncio.ensure_future(resync.run())
            await enough.wait()
            assert not running.done()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await api.close()

    asyncio.run(scene())
    assert lists.count("storagepools") >= 3
