"""The watches, on kopf, against a pretended API: streams that die, are too old, or go quiet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import kopf
import pytest

from pretended_api import Asked, Object, PretendedApi, refusal
from stator_operator import watches
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.metrics import Metrics
from stator_operator.resync import Resync
from stator_operator.watch_freshness import BEHIND_SECONDS_MAX, WatchFreshness
from stator_operator.watches import OWN_OBJECTS, Watch, its_pool, itself, watch
from stator_operator.work_queue import Key

WATCHES = (
    Watch("StoragePool", itself("StoragePool")),
    Watch("Service", its_pool, OWN_OBJECTS),
)
NAMESPACE = "music"


def pool(name: str, image: str = "one") -> Object:
    return {
        "apiVersion": "stator.dev/v1alpha1",
        "kind": "StoragePool",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"image": image},
    }


def service(name: str, of_pool: str, **labels: str) -> Object:
    metadata = {
        "name": name,
        "namespace": NAMESPACE,
        "labels": {"app.kubernetes.io/name": "stator", "stator.dev/pool": of_pool} | labels,
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {}}


class Watched:
    """Watches that run, what they have woken, and a clock that the test sets."""

    def __init__(self, server: PretendedApi) -> None:
        self.server = server
        self.woken: list[Key] = []
        self.token = "first"
        self.happened = asyncio.Event()
        self.now = 0.0
        kinds = [each.kind for each in WATCHES]
        self.freshness = WatchFreshness(kinds, lambda: self.now, Metrics())

    def wake(self, key: Key) -> None:
        self.woken.append(key)
        self.happened.set()

    async def until_woken(self, name: str) -> None:
        """Something has woken this pool, since the last time that this was asked."""
        while Key("StoragePool", NAMESPACE, name) not in self.woken:
            self.happened.clear()
            await self.happened.wait()
        self.woken.clear()


Scene = Callable[[Watched], Awaitable[None]]


def play(scene: Scene, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """Watches of one namespace. `settings`: of kopf's watching, other than the product's."""

    async def played() -> None:
        async with PretendedApi() as server:
            address = f"http://127.0.0.1:{server.port}"
            made = Watched(server)
            monkeypatch.setattr(
                watches,
                "connection_info",
                lambda: kopf.ConnectionInfo(server=address, token=made.token),
            )
            running = asyncio.ensure_future(
                watch(WATCHES, (NAMESPACE,), made.wake, made.freshness, asyncio.Event())
            )
            try:
                await scene(made)
                assert not running.done()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    def changed(given: Any) -> kopf.OperatorSettings:
        made = original(given)
        for name, value in settings.items():
            setattr(made.watching, name, value)
        return made

    original = watches.settings
    monkeypatch.setattr(watches, "settings", changed)
    asyncio.run(played())


def test_what_is_there_and_what_happens_wakes_whom_it_concerns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(watched: Watched) -> None:
        server = watched.server
        server.put(pool("old"))
        await watched.until_woken("old")
        server.put(pool("new"))
        await watched.until_woken("new")
        server.put(service("new-gateway", "new"))
        await watched.until_woken("new")
        server.remove("services", NAMESPACE, "new-gateway")
        await watched.until_woken("new")

        server.put(service("theirs", "theirs", **{"app.kubernetes.io/name": "other"}))
        server.put(service("orphan", "") | {"spec": {"a": 1}})
        server.put(pool("last"))
        await watched.until_woken("last")
        assert all(each.name != "theirs" for each in watched.woken)

    play(scene, monkeypatch)


def test_objects_are_not_written_by_watching_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """No annotations, no finalizers: a pool that nobody serves any more can be deleted."""

    async def scene(watched: Watched) -> None:
        watched.server.put(pool("one"))
        await watched.until_woken("one")
        watched.server.put(pool("one", "two"))
        await watched.until_woken("one")
        assert watched.server.writes == []

    play(scene, monkeypatch)


def test_a_stream_that_breaks_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(watched: Watched) -> None:
        watched.server.put(pool("one"))
        await watched.until_woken("one")
        for number in range(3):
            watched.server.cut_watches()
            watched.server.put(pool("one", f"image {number}"))
            await watched.until_woken("one")

    play(scene, monkeypatch)


def test_a_version_that_is_too_old_leads_to_another_list(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(watched: Watched) -> None:
        server = watched.server
        server.put(pool("one"))
        await watched.until_woken("one")
        server.oldest = 1_000
        server.cut_watches()
        # What happens now is in no stream: only a list shows it.
        server.put(pool("one", "missed"))
        server.log.clear()
        await watched.until_woken("one")
        server.oldest = 0

    play(scene, monkeypatch)


def test_a_stream_that_goes_quiet_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(watched: Watched) -> None:
        watched.server.put(pool("one"))
        await watched.until_woken("one")
        watched.server.is_mute = True
        watched.server.put(pool("one", "unheard"))
        await asyncio.sleep(0.1)
        assert watched.woken == []
        watched.server.is_mute = False
        # The streams that are open now have lost what was said; those begun next tell it.
        watched.server.cut_watches()
        await watched.until_woken("one")

    play(scene, monkeypatch)


def test_a_quiet_stream_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(watched: Watched) -> None:
        begun, many = 0, asyncio.Event()

        def answers(asked: Asked) -> None:
            nonlocal begun
            begun += asked.method == "GET"
            if begun >= 10:  # each kind has listed once, and begun its stream again and again
                many.set()

        watched.server.is_mute = True
        watched.server.answers = answers
        await many.wait()

    play(scene, monkeypatch, inactivity_timeout=0.05)


def test_what_a_dead_watch_hides_the_resync_finds_and_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(watched: Watched) -> None:
        server = watched.server
        server.put(pool("one"))
        await watched.until_woken("one")
        server.is_mute = True
        server.put(pool("two"))
        api = KubernetesApi(server.connection())
        resync = Resync(api, ("StoragePool",), (NAMESPACE,), watched.wake, watched.freshness, 60.0)
        await resync.once("StoragePool")

        assert {each.name for each in watched.woken} == {"one", "two"}
        assert watched.freshness.dead() == []
        watched.now += BEHIND_SECONDS_MAX
        await resync.once("StoragePool")
        assert watched.freshness.dead() == ["StoragePool"]
        await api.close()

    play(scene, monkeypatch)


def test_an_api_server_that_is_away_for_a_while_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(watched: Watched) -> None:
        server = watched.server
        server.put(pool("one"))
        await watched.until_woken("one")
        count = 0

        def answers(_: object) -> Any:
            nonlocal count
            count += 1
            return refusal(429, "TooManyRequests", **{"Retry-After": "0"}) if count < 6 else None

        server.answers = answers
        server.cut_watches()
        server.put(pool("one", "two"))
        await watched.until_woken("one")
        assert count >= 6

    play(scene, monkeypatch)


def test_files_are_read_anew_though_nobody_refuses_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So a replaced authority of the API server's certificate is taken up; nothing is missed."""
    monkeypatch.setattr(watches, "LOGIN_SECONDS", 1)

    async def scene(watched: Watched) -> None:
        tokens: set[str] = set()

        def answers(asked: Asked) -> None:
            tokens.add(asked.token)

        watched.server.answers = answers
        for number in range(4):
            watched.server.put(pool(f"p{number}"))
            await watched.until_woken(f"p{number}")
            watched.token = f"login {number}"
            await asyncio.sleep(1.1)
            watched.server.cut_watches()
        assert {"login 0", "login 1", "login 2"} <= tokens

    play(scene, monkeypatch)


def test_a_token_that_has_ended_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ServiceAccount's token is replaced on the disk before it ends."""

    async def scene(watched: Watched) -> None:
        server = watched.server
        server.put(pool("one"))
        await watched.until_woken("one")
        watched.token = "second"
        server.answers = lambda asked: (
            None if asked.token == "second" else refusal(401, "Unauthorized")
        )
        server.cut_watches()
        server.put(pool("one", "two"))
        await watched.until_woken("one")

    play(scene, monkeypatch)
