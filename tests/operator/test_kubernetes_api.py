"""Requests to the Kubernetes API, and what its refusals mean, against a pretended one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import kopf
import pytest
from aiohttp import web

from pretended_api import Asked, PretendedApi, refusal
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_connection import Connection
from stator_operator.kubernetes_errors import (
    ApiError,
    Conflict,
    Gone,
    LeaseInDoubt,
    NotFound,
    Refused,
    TooManyRequests,
    Unavailable,
)


def service(name: str = "one", port: int = 1) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "ours", "labels": {"stator.dev/pool": "one"}},
        "spec": {"ports": [{"port": port}]},
    }


def ask(
    what: Callable[[KubernetesApi, PretendedApi], Awaitable[Any]],
    answers: Callable[[Asked], web.Response | None] = lambda _: None,
) -> Any:
    """The outcome of asking a pretended API."""

    async def asked() -> Any:
        async with PretendedApi(answers) as server:
            api = KubernetesApi(server.connection())
            try:
                return await what(api, server)
            finally:
                await api.close()

    return asyncio.run(asked())


def test_what_is_applied_is_there_and_applying_it_again_changes_nothing() -> None:
    async def what(api: KubernetesApi, _: PretendedApi) -> None:
        made = await api.apply(service())
        again = await api.apply(service())
        found = await api.get("Service", "ours", "one")

        assert made == again == found
        assert (await api.apply(service(port=2)))["metadata"]["generation"] == 2

    ask(what)


def test_what_is_not_there_is_none() -> None:
    assert ask(lambda api, _: api.get("Service", "ours", "none")) is None


def test_of_an_object_its_metadata_alone_can_be_asked_for() -> None:
    async def what(api: KubernetesApi, server: PretendedApi) -> None:
        made = server.put(service())

        assert await api.metadata("Service", "ours", "one") == made["metadata"]
        assert [each.is_of_metadata for each in server.asked] == [True]
        assert await api.metadata("Service", "ours", "none") is None

    ask(what)


def test_a_list_is_whole_though_it_comes_in_pages_and_says_what_its_items_are() -> None:
    async def what(api: KubernetesApi, server: PretendedApi) -> None:
        for number in range(8):
            server.put(service(f"s{number}"))
        other = service("other")
        other["metadata"]["labels"] = {}
        server.put(other)

        found = await api.items("Service", "ours", "stator.dev/pool=one")

        assert [each["metadata"]["name"] for each in found] == [f"s{n}" for n in range(8)]
        assert all((each["kind"], each["apiVersion"]) == ("Service", "v1") for each in found)
        assert len(await api.items("Service", None)) == 9

    ask(what)


def test_a_list_that_is_too_old_to_be_continued_is_begun_again() -> None:
    pages = 0

    def answers(asked: Asked) -> web.Response | None:
        nonlocal pages
        pages += asked.method == "GET"
        return refusal(410, "Expired") if pages == 2 else None

    async def what(api: KubernetesApi, server: PretendedApi) -> None:
        for number in range(4):
            server.put(service(f"s{number}"))
        assert len(await api.items("Service", "ours")) == 4

    ask(what, answers)


def test_a_list_that_is_always_too_old_is_given_up() -> None:
    with pytest.raises(Gone):
        ask(lambda api, _: api.items("Service", "ours"), lambda _: refusal(410, "Expired"))


@pytest.mark.parametrize(
    "status,error",
    [
        (400, Refused),
        (403, Refused),
        (404, NotFound),
        (409, Conflict),
        (410, Gone),
        (422, Refused),
        (429, TooManyRequests),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_a_refusal_says_what_it_was_about(status: int, error: type[ApiError]) -> None:
    def answers(_: Asked) -> web.Response:
        return refusal(status, "Because", "spec.ports is wrong", **{"Retry-After": "7"})

    with pytest.raises(error) as refused:
        ask(lambda api, _: api.apply(service()), answers)

    assert (refused.value.status, refused.value.reason) == (status, "Because")
    assert "spec.ports is wrong" in refused.value.message
    assert "/namespaces/ours/services/one" in refused.value.message
    assert refused.value.retry_seconds == 7


def test_an_answer_of_no_api_server_is_no_answer() -> None:
    with pytest.raises(Unavailable):
        ask(lambda api, _: api.apply(service()), lambda _: web.Response(text="<html>hello"))
    with pytest.raises(Unavailable) as refused:
        ask(
            lambda api, _: api.apply(service()),
            lambda _: web.Response(status=502, text="<html>bad gateway"),
        )
    assert "bad gateway" in refused.value.message


def test_nobody_answering_is_an_exception_of_its_own() -> None:
    async def what(api: KubernetesApi, server: PretendedApi) -> None:
        await server.__aexit__()
        await api.get("Service", "ours", "one")

    with pytest.raises(Unavailable):
        ask(what)


def test_a_version_that_is_not_the_newest_is_a_conflict() -> None:
    async def what(api: KubernetesApi, _: PretendedApi) -> None:
        first = await api.create(service())
        await api.replace({**first, "spec": {}})
        with pytest.raises(Conflict):
            await api.replace(first)
        with pytest.raises(Conflict):
            await api.create(service())

    ask(what)


def test_deleting_and_evicting_touch_this_very_object() -> None:
    async def what(api: KubernetesApi, server: PretendedApi) -> None:
        made = server.put(service())
        await api.delete("Service", "ours", "one", "another")
        assert await api.get("Service", "ours", "one") is not None
        await api.delete("Service", "ours", "one", made["metadata"]["uid"])
        await api.delete("Service", "ours", "one", made["metadata"]["uid"])
        assert await api.get("Service", "ours", "one") is None

        pod = server.put({**service("pod"), "kind": "Pod"})
        await api.evict("ours", "pod", "another")
        assert await api.get("Pod", "ours", "pod") is not None
        await api.evict("ours", "pod", pod["metadata"]["uid"])
        await api.evict("ours", "pod", pod["metadata"]["uid"])
        assert await api.get("Pod", "ours", "pod") is None

    ask(what)


def test_a_status_goes_to_this_very_object_and_makes_none() -> None:
    async def what(api: KubernetesApi, server: PretendedApi) -> None:
        head = {"apiVersion": "stator.dev/v1alpha1", "kind": "StoragePool"}
        name = {"name": "one", "namespace": "ours"}
        status = {**head, "metadata": {**name, "uid": "u"}, "status": {"pods": 3}}
        with pytest.raises(NotFound):
            await api.apply_status(status)

        server.put({**head, "metadata": {**name, "uid": "another"}, "spec": {}})
        with pytest.raises(Conflict):
            await api.apply_status(status)

        status["metadata"]["uid"] = "another"
        made = await api.apply_status(status)
        assert made["status"] == {"pods": 3}
        assert made["metadata"]["generation"] == 1

    ask(what)


def test_who_may_be_no_longer_the_one_writes_nothing() -> None:
    async def asked() -> None:
        async with PretendedApi() as server:
            api = KubernetesApi(server.connection(), lambda: False)
            made = server.put(service())
            assert await api.get("Service", "ours", "one") == made
            for write in (
                api.apply(service()),
                api.create(service("other")),
                api.delete("Service", "ours", "one", made["metadata"]["uid"]),
                api.evict("ours", "one", made["metadata"]["uid"]),
            ):
                with pytest.raises(LeaseInDoubt):
                    await write
            assert server.writes == []
            await api.close()

    asyncio.run(asked())


def test_an_api_server_that_forgot_the_token_is_told_the_newest() -> None:
    tokens = iter(("old", "new"))
    heard: list[str] = []

    async def asked() -> None:
        async with PretendedApi() as server:

            def find() -> Any:

                address = f"http://127.0.0.1:{server.port}"
                return kopf.ConnectionInfo(server=address, token=next(tokens))

            def answers(_: Asked) -> web.Response | None:
                return refusal(401, "Unauthorized") if len(heard) == 1 else None

            server.answers = answers
            connection = Connection(find)
            api = KubernetesApi(connection)
            heard.append(connection.headers()["Authorization"])
            with pytest.raises(Unavailable):
                await api.get("Service", "ours", "one")
            heard.append(connection.headers()["Authorization"])
            assert await api.get("Service", "ours", "one") is None
            await api.close()

    asyncio.run(asked())
    assert heard == ["Bearer old", "Bearer new"]
