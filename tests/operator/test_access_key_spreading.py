"""Gateways' pods are told of a changed access key, each once, whoever is killed in between."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from pretended_api import Asked, Object, PretendedApi, refusal
from stator_operator import naming
from stator_operator.access_key_spreading import ROUND_SECONDS, AccessKeySpreader, pods_behind
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import ApiError, Refused
from stator_operator.metrics import Metrics

NAMESPACE, POOL = "music", "default"
MARK = "stator.dev/access-keys-version"
GATEWAYS = ("gateway-a", "gateway-b", "gateway-c", "gateway-d")


def keys(text: str, **annotations: str) -> Object:
    data = {"access-keys": base64.b64encode(text.encode()).decode()}
    metadata = {"name": "default-access-keys", "namespace": NAMESPACE, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def pod(name: str, component: str = naming.GATEWAY, pool: str = POOL, **status: Any) -> Object:
    labels = naming.labels(pool, component)
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels, "annotations": {"a": "b"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}


class World:
    """A pool with four gateways, and an operator that may be another one any time."""

    def __init__(self, server: PretendedApi) -> None:
        self.server = server
        self.api = KubernetesApi(server.connection())
        self.begin()
        self.put_keys("AKIAFIRST first\n")
        for name in GATEWAYS:
            server.put(pod(name, phase="Running"))
        server.put(pod("default-zone-1-0", naming.STORAGE))
        server.put(pod("other-gateway", pool="other"))

    def begin(self) -> None:
        """An operator begins: it knows nothing."""
        self.metrics = Metrics()
        self.spreader = AccessKeySpreader(self.api, self.metrics)

    def put_keys(self, text: str) -> str:
        """The Secret's version with these keys."""
        version: str = self.server.put(keys(text))["metadata"]["resourceVersion"]
        return version

    async def once(self) -> None:
        assert await self.spreader.once(NAMESPACE, POOL) == ROUND_SECONDS

    def told(self) -> dict[str, str | None]:
        """The version that each pod has been told of."""
        return {
            each["metadata"]["name"]: each["metadata"]["annotations"].get(MARK)
            for each in self.server.of("Pod")
        }

    def told_all(self, version: str) -> dict[str, str | None]:
        """What is to be: the pool's gateways and nobody else."""
        others = {"default-zone-1-0": None, "other-gateway": None}
        return dict.fromkeys(GATEWAYS, version) | others


def play(scene: Callable[[World], Awaitable[None]]) -> None:
    async def played() -> None:
        async with PretendedApi() as server:
            world = World(server)
            try:
                await asyncio.wait_for(scene(world), 60)
            finally:
                await world.api.close()

    asyncio.run(played())


def test_pods_that_run_and_bear_another_version_are_behind() -> None:
    told, other, ending = pod("told"), pod("other"), pod("ending")
    told["metadata"]["annotations"][MARK] = "7"
    other["metadata"]["annotations"][MARK] = "70"
    ending["metadata"]["deletionTimestamp"] = "2026-11-21T00:00:00Z"
    new, bare = pod("new"), pod("bare")
    del bare["metadata"]["annotations"]
    ended = [pod("done", phase="Succeeded"), pod("failed", phase="Failed")]

    found = pods_behind("7", [told, other, ending, new, bare, *ended])

    assert [each["metadata"]["name"] for each in found] == ["other", "new", "bare"]


def test_a_changed_key_is_told_to_every_gateway_of_the_pool_and_to_nobody_else() -> None:
    async def scene(world: World) -> None:
        await world.once()
        version = world.put_keys("AKIAFIRST first\nAKIASECOND second\n")
        await world.once()

        assert world.told() == world.told_all(version)
        (one, *_) = world.server.of("Pod")
        assert one["metadata"]["annotations"] == {"a": "b", MARK: version}

    play(scene)


def test_nothing_is_written_or_listed_while_the_keys_stay_as_they_are() -> None:
    async def scene(world: World) -> None:
        await world.once()
        world.server.asked.clear()
        for _ in range(3):
            await world.once()

        assert [(each.method, each.plural) for each in world.server.asked] == [
            ("GET", "secrets")
        ] * 3

    play(scene)


def test_a_pod_that_is_made_later_is_told_of_the_next_change() -> None:
    """It begins with the Secret as it is then."""

    async def scene(world: World) -> None:
        await world.once()
        world.server.put(pod("gateway-e"))
        await world.once()
        assert world.told()["gateway-e"] is None

        version = world.put_keys("AKIASECOND second\n")
        await world.once()
        assert world.told()["gateway-e"] == version

    play(scene)


def test_an_operator_that_begins_finds_whom_nobody_has_told() -> None:
    async def scene(world: World) -> None:
        await world.once()
        version = world.put_keys("AKIASECOND second\n")
        world.begin()
        await world.once()
        assert world.told() == world.told_all(version)

        world.begin()
        world.server.asked.clear()
        await world.once()
        assert world.server.writes == []

    play(scene)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, len(GATEWAYS) + 1))
def test_killed_at_any_write_the_next_operator_tells_the_rest_once(
    number: int, after: bool
) -> None:
    async def scene(world: World) -> None:
        await world.once()
        version = world.put_keys("AKIASECOND second\n")
        world.server.asked.clear()
        task = asyncio.ensure_future(world.once())

        def before_it(asked: Asked) -> web.Response | None:
            if len(world.server.writes) == number and asked.is_write and not after:
                task.cancel()
                return refusal(503, "Killed")
            return None

        def after_it(_: Asked) -> None:
            if len(world.server.writes) == number and after:
                task.cancel()

        world.server.answers, world.server.happens = before_it, after_it
        with pytest.raises(asyncio.CancelledError):
            await task
        world.server.answers, world.server.happens = lambda _: None, lambda _: None
        carried_out = number if after else number - 1
        assert list(world.told().values()).count(version) == carried_out

        world.begin()
        world.server.asked.clear()
        await world.once()
        assert world.told() == world.told_all(version)
        assert len(world.server.writes) == len(GATEWAYS) - carried_out

    play(scene)


def test_what_one_pod_refuses_holds_up_no_other_and_is_tried_again() -> None:
    async def scene(world: World) -> None:
        def refuse_one(asked: Asked) -> web.Response | None:
            is_it = asked.is_write and asked.name == GATEWAYS[0]
            return refusal(403, "Forbidden") if is_it else None

        await world.once()
        version = world.put_keys("AKIASECOND second\n")
        world.server.answers = refuse_one
        with pytest.raises(Refused):
            await world.once()
        told = world.told()
        assert [told[name] for name in GATEWAYS[1:]] == [version] * 3

        world.server.answers = lambda _: None
        await world.once()
        assert world.told() == world.told_all(version)

    play(scene)


def test_a_pod_that_is_gone_or_another_by_now_needs_nothing() -> None:
    async def scene(world: World) -> None:
        def just_before(asked: Asked) -> web.Response | None:
            if asked.is_write and asked.name == GATEWAYS[0]:
                world.server.remove("pods", NAMESPACE, asked.name)
            if asked.is_write and asked.name == GATEWAYS[1]:
                world.server.remove("pods", NAMESPACE, asked.name)
                world.server.put(pod(asked.name))
            return None

        world.server.answers = just_before
        await world.once()
        told = world.told()
        assert GATEWAYS[0] not in told
        assert told[GATEWAYS[1]] is None
        assert None not in (told[GATEWAYS[2]], told[GATEWAYS[3]])

    play(scene)


def test_without_the_secret_nothing_is_told_and_its_successor_is() -> None:
    async def scene(world: World) -> None:
        await world.once()
        world.server.remove("secrets", NAMESPACE, "default-access-keys")
        world.server.asked.clear()
        await world.once()
        assert world.server.writes == []

        version = world.put_keys("AKIANEW new\n")
        await world.once()
        assert world.told() == world.told_all(version)

    play(scene)


def test_an_api_server_that_does_not_answer_is_asked_again() -> None:
    async def scene(world: World) -> None:
        version = world.put_keys("AKIASECOND second\n")
        for plural in ("secrets", "pods"):
            world.server.answers = lambda asked, plural=plural: (  # type: ignore[misc]
                refusal(503, "ServiceUnavailable") if asked.plural == plural else None
            )
            with pytest.raises(ApiError):
                await world.once()
        world.server.answers = lambda _: None
        await world.once()
        assert world.told() == world.told_all(version)

    play(scene)


def test_keys_are_neither_read_nor_shown() -> None:
    async def scene(world: World) -> None:
        await world.once()
        world.put_keys("AKIASECOND second-secret\n")
        await world.once()

        read = [each for each in world.server.asked if each.plural == "secrets"]
        assert [each.name for each in read] == ["default-access-keys"] * 2
        assert all(each.is_of_metadata for each in read)
        written = json.dumps([each.sent for each in world.server.writes])
        assert MARK in written
        assert "second" not in written
        assert base64.b64encode(b"AKIASECOND").decode()[:8] not in written

    play(scene)


def test_what_is_written_is_among_the_figures() -> None:
    async def scene(world: World) -> None:
        await world.once()
        assert f'kind="Pod"}} {len(GATEWAYS)}' in world.metrics.text()

    play(scene)
