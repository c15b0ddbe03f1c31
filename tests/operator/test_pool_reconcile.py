"""The reconcile of a pool: on good days, on bad ones, and killed at every single write."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from pretended_api import Asked, Object, PretendedApi, refusal
from pretended_cluster import MovingSupervisor, Operators, pool_body, settle
from sample_pool import BODY
from stator_operator.kubernetes_errors import RoleLacksRule

LARGER = {**BODY["spec"]["volume"], "size": "20Gi"}
CHILDREN = {
    "Deployment": 1,
    "NetworkPolicy": 3,
    "PodDisruptionBudget": 2,
    "Service": 3,
    "StatefulSet": 4,
}
Scene = Callable[[Operators, PretendedApi], Awaitable[None]]


def play(scene: Scene) -> None:
    """A pool that has just been made, and an operator that has just begun."""

    async def played() -> None:
        async with PretendedApi() as server:
            server.put(pool_body())
            operators = Operators(server)
            operators.begin()
            try:
                await scene(operators, server)
            finally:
                await operators.end()

    asyncio.run(played())


def pool_of(server: PretendedApi) -> Object:
    return server.objects["storagepools", "music", "default"]


def change(server: PretendedApi, **spec: Any) -> None:
    found = pool_of(server)
    server.put({**found, "spec": {**found["spec"], **spec}})


def condition(server: PretendedApi, type_: str) -> tuple[str, str, str]:
    (found,) = [each for each in pool_of(server)["status"]["conditions"] if each["type"] == type_]
    return found["status"], found["reason"], found["message"]


def events(server: PretendedApi) -> list[tuple[str, str]]:
    return [(each["type"], each["reason"]) for each in server.of("Event")]


def images(server: PretendedApi) -> set[str]:
    return {
        pod["spec"]["containers"][0]["image"]
        for pod in server.of("Pod")
        if pod["metadata"]["labels"]["app.kubernetes.io/component"] == "storage"
    }


def test_a_pool_becomes_its_children_and_says_that_it_is_ready() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()

        assert {kind: len(server.of(kind)) for kind in CHILDREN} == CHILDREN
        assert condition(server, "Ready")[0] == "True"
        assert condition(server, "FullyReplicated")[0] == "True"
        assert pool_of(server)["status"]["observedGeneration"] == 1
        owners = {
            owner["uid"]
            for kind in CHILDREN
            for each in server.of(kind)
            for owner in each["metadata"]["ownerReferences"]
        }
        assert owners == {pool_of(server)["metadata"]["uid"]}

    play(scene)


def test_nothing_is_written_while_nothing_changes() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()
        server.asked.clear()
        for _ in range(3):
            await operators.once()

        assert server.writes == []

    play(scene)


def test_an_operator_that_is_installed_again_restarts_nothing() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()
        before = {name: copy.deepcopy(body) for name, body in server.objects.items()}
        await operators.end()
        operators.begin()
        await operators.until_rest()

        assert server.objects == before

    play(scene)


def test_an_edited_child_is_put_back_and_a_deleted_one_made_again() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()
        service = copy.deepcopy(server.objects["services", "music", "default-gateway"])
        edited = copy.deepcopy(service)
        edited["spec"]["ports"] = []
        server.put(edited)
        server.remove("networkpolicies", "music", "default-storage")
        server.remove("statefulsets", "music", "default-zone-2")
        await operators.until_rest()

        found = server.objects["services", "music", "default-gateway"]
        assert found["spec"] == service["spec"]
        assert {kind: len(server.of(kind)) for kind in CHILDREN} == CHILDREN
        # What the operator does not set stays as people set it.
        found["metadata"].setdefault("annotations", {})["people"] = "were here"
        server.put(found)
        await operators.until_rest()
        found = server.objects["services", "music", "default-gateway"]
        assert found["metadata"]["annotations"] == {"people": "were here"}

    play(scene)


@pytest.mark.parametrize(
    "kind,plural,name",
    [
        ("StatefulSet", "statefulsets", "default-zone-2"),
        ("StatefulSet", "statefulsets", "default-supervisor"),
        ("Service", "services", "default-gateway"),
        ("PodDisruptionBudget", "poddisruptionbudgets", "default-storage"),
    ],
)
def test_what_is_somebody_elses_is_left_alone_and_said(kind: str, plural: str, name: str) -> None:
    version = {"StatefulSet": "apps/v1", "Service": "v1", "PodDisruptionBudget": "policy/v1"}[kind]
    theirs = {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": "music", "labels": {"app": "theirs"}},
        "spec": {"replicas": 0, "template": {}},
    }

    async def scene(operators: Operators, server: PretendedApi) -> None:
        server.put(theirs)
        for _ in range(5):
            await operators.once()

        assert [each for each in server.writes if (each.plural, each.name) == (plural, name)] == []
        status, reason, message = condition(server, "Accepted")
        assert (status, reason) == ("False", "NameTaken")
        assert f"{kind} {name} belongs to somebody else" in message
        assert "rename this pool" in message
        assert events(server).count(("Warning", "NameTaken")) == 1
        # All the rest is there.
        assert len(server.of("NetworkPolicy")) == 3

        server.remove(plural, "music", name)
        await operators.until_rest()
        assert condition(server, "Accepted")[0] == "True"
        assert ("Normal", "Accepted") in events(server)

    play(scene)


def test_what_the_api_server_does_not_take_is_said_and_the_rest_is_made() -> None:
    def answers(asked: Asked) -> web.Response | None:
        if (asked.method, asked.name) == ("PATCH", "default-gateway"):
            if asked.plural == "deployments":
                return refusal(422, "Invalid", "spec.template.spec.tolerations[0]: Invalid value")
        return None

    async def scene(operators: Operators, server: PretendedApi) -> None:
        server.answers = answers
        await operators.once()

        status, reason, message = condition(server, "Accepted")
        assert (status, reason) == ("False", "ObjectRefused")
        assert "no Deployment default-gateway: spec.template.spec.tolerations[0]" in message
        assert len(server.of("StatefulSet")) == 4
        assert ("Warning", "ObjectRefused") in events(server)

    play(scene)


FORBIDDEN = 'is forbidden: User "system:serviceaccount:a:b" cannot'


def test_a_role_that_lets_nothing_be_made_of_a_kind_is_said_and_the_rest_is_made() -> None:
    def answers(asked: Asked) -> web.Response | None:
        if asked.method != "GET" and asked.plural == "secrets":
            words = f'secrets {FORBIDDEN} create resource "secrets" in API group ""'
            return refusal(403, "Forbidden", words)
        return None

    async def scene(operators: Operators, server: PretendedApi) -> None:
        server.answers = answers
        await operators.once()

        status, reason, message = condition(server, "Accepted")
        assert (status, reason) == ("False", "RoleLacksRule")
        assert 'cannot create resource "secrets"' in message
        assert "access/served.yaml" in message
        assert len(server.of("StatefulSet")) == 4
        assert ("Warning", "RoleLacksRule") in events(server)

        server.answers = lambda _: None
        await operators.until_rest()
        assert condition(server, "Accepted")[0] == "True"

    play(scene)


def test_a_role_that_shows_not_all_is_said_and_nothing_is_done_on_half_a_picture() -> None:
    def answers(asked: Asked) -> web.Response | None:
        if asked.plural == "pods":
            return refusal(403, "Forbidden", f'pods {FORBIDDEN} list resource "pods"')
        return None

    async def scene(operators: Operators, server: PretendedApi) -> None:
        server.answers = answers
        with pytest.raises(RoleLacksRule):
            await operators.once()

        status, reason, message = condition(server, "Accepted")
        assert (status, reason) == ("False", "RoleLacksRule")
        assert 'cannot list resource "pods"' in message
        assert server.of("StatefulSet") == []
        assert ("Warning", "RoleLacksRule") in events(server)

        server.answers = lambda _: None
        await operators.until_rest()
        assert condition(server, "Accepted")[0] == "True"
        assert condition(server, "Ready")[0] == "True"

    play(scene)


def test_a_new_image_restarts_pods_one_by_one_when_all_is_whole() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()
        change(server, image="stator:2")
        operators.supervisor.lacking = 1
        await operators.once()
        assert pool_of(server)["status"]["image"] == "localhost/stator:test"
        for _ in range(3):
            await operators.once()
        assert images(server) == {"localhost/stator:test"}
        assert pool_of(server)["status"]["image"] == "localhost/stator:test"
        assert "1 partitions lack a replica" in condition(server, "Progressing")[2]

        operators.supervisor.lacking = 0
        await operators.until_rest()
        assert images(server) == {"stator:2"}
        assert pool_of(server)["status"]["image"] == "stator:2"
        evictions = [each.name for each in server.writes if each.part == "eviction"]
        assert evictions == [f"default-zone-{number}-0" for number in (1, 2, 3)]

    play(scene)


@pytest.mark.parametrize("what", ["away", "of another cluster"])
def test_pods_are_not_restarted_on_the_word_of_nobody(what: str) -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()
        change(server, image="stator:2")
        if what == "away":
            operators.supervisor.lacking = None
        else:
            operators.supervisor.cluster_id = "another"
        for _ in range(5):
            await operators.once()

        assert images(server) == {"localhost/stator:test"}
        assert condition(server, "FullyReplicated")[:2] == ("Unknown", "NotAsked")

    play(scene)


def test_a_budget_that_forbids_a_restart_is_waited_for() -> None:
    allowed = False

    def answers(asked: Asked) -> web.Response | None:
        if asked.part == "eviction" and not allowed:
            return refusal(429, "TooManyRequests", "the budget needs 2 more pods")
        return None

    async def scene(operators: Operators, server: PretendedApi) -> None:
        nonlocal allowed
        await operators.until_rest()
        change(server, image="stator:2")
        server.answers = answers
        await operators.once()
        for _ in range(4):
            assert await operators.once() is not None
        assert condition(server, "Progressing")[1] == "RestartsWait"
        assert "its budget does not allow it now" in condition(server, "Progressing")[2]

        allowed = True
        await operators.until_rest()
        assert images(server) == {"stator:2"}

    play(scene)


def test_volumes_grow_and_their_sets_are_made_again_around_their_pods() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()
        pods = {each["metadata"]["uid"] for each in server.of("Pod")}
        change(server, volume=LARGER)
        await operators.until_rest()

        sizes = {
            each["spec"]["resources"]["requests"]["storage"]
            for each in server.of("PersistentVolumeClaim")
        }
        assert sizes == {"20Gi", "1Gi"}
        assert {each["metadata"]["uid"] for each in server.of("Pod")} == pods
        assert condition(server, "Accepted")[0] == "True"

    play(scene)


def test_a_class_that_cannot_grow_is_said() -> None:
    def answers(asked: Asked) -> web.Response | None:
        if (asked.method, asked.plural) == ("PATCH", "persistentvolumeclaims"):
            return refusal(403, "Forbidden", "only dynamically provisioned pvc can be resized")
        return None

    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()
        change(server, volume=LARGER)
        server.answers = answers
        for _ in range(3):
            await operators.once()

        status, reason, message = condition(server, "Accepted")
        assert (status, reason) == ("False", "VolumesCannotGrow")
        assert "set allowVolumeExpansion of StorageClass zonal to true" in message
        assert "only dynamically provisioned pvc can be resized" in message
        assert len(server.of("StatefulSet")) == 4

    play(scene)


def test_a_pool_that_is_made_again_finds_the_cluster_of_its_volumes() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()
        for name in [each for each in server.objects if each[0] != "persistentvolumeclaims"]:
            server.remove(*name)
        again = pool_body()
        again["metadata"]["uid"] = "u-2"
        server.put(again)
        await operators.until_rest()

        assert pool_of(server)["status"]["clusterId"] == "u-1"
        arguments = server.of("Pod")[0]["spec"]["containers"][0]["args"]
        assert "--cluster-id=u-1" in arguments

    play(scene)


def test_a_pool_that_is_made_again_at_once_keeps_its_pods() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()
        pods = {each["metadata"]["uid"] for each in server.of("Pod")}
        again = pool_body()
        again["metadata"]["uid"] = "u-2"
        server.remove("storagepools", "music", "default")
        server.put(again)
        await operators.until_rest()

        assert {each["metadata"]["uid"] for each in server.of("Pod")} == pods
        owners = {
            owner["uid"]
            for kind in CHILDREN
            for each in server.of(kind)
            for owner in each["metadata"]["ownerReferences"]
        }
        assert owners == {"u-2"}
        assert condition(server, "Accepted")[0] == "True"

    play(scene)


def test_a_pool_that_goes_in_the_middle_is_let_go() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        def happens(asked: Asked) -> None:
            if asked.plural == "statefulsets" and ("storagepools", "music", "default") in (
                server.objects
            ):
                server.remove("storagepools", "music", "default")

        server.happens = happens
        assert await operators.once() is not None
        assert await operators.once() is None
        assert server.of("StoragePool") == []

    play(scene)


def test_a_pool_that_is_being_deleted_is_left_to_kubernetes() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        body = pool_of(server)
        body["metadata"]["deletionTimestamp"] = "2026-11-20T12:00:00Z"
        server.put(body)
        assert await operators.once() is None
        assert server.writes == []

    play(scene)


def test_bad_days_pass() -> None:
    """Whatever the API server says to whatever request, once it is well the pool is made."""
    refusals = [
        refusal(409, "Conflict"),
        refusal(410, "Expired"),
        refusal(422, "Invalid"),
        refusal(429, "TooManyRequests", **{"Retry-After": "1"}),
        refusal(500, "InternalError"),
        web.Response(status=504, text="<html>"),
    ]

    async def scene(operators: Operators, server: PretendedApi) -> None:
        count = 0

        def answers(_: Asked) -> web.Response | None:
            nonlocal count
            count += 1
            said = refusals[count % len(refusals)]
            bad = count < 400 and count % 5 == 0
            return web.Response(status=said.status, body=said.body) if bad else None

        server.answers = answers
        while count < 400:
            await asyncio.gather(operators.once(), return_exceptions=True)
        await operators.until_rest()

        assert {kind: len(server.of(kind)) for kind in CHILDREN} == CHILDREN
        assert condition(server, "Ready")[0] == "True"
        assert condition(server, "Accepted")[0] == "True"

    play(scene)


def essence(server: PretendedApi) -> dict[tuple[str, str, str], Object]:
    """What is there in the end, without what tells how it came to be."""
    kept = {}
    for name, body in server.objects.items():
        if body["kind"] == "Event":
            continue
        body = copy.deepcopy(body)
        for member in ("uid", "resourceVersion", "generation"):
            body["metadata"].pop(member)
        body.get("status", {}).pop("observedGeneration", None)
        if "data" in body:
            body["data"] = len(body["data"])  # keys are made of chance
        kept[name] = body
    return kept


def claims(server: PretendedApi) -> list[str]:
    found = [each["metadata"]["name"] for each in server.of("PersistentVolumeClaim")]
    return sorted(each for each in found if "supervisor" not in each)


@pytest.mark.parametrize("when_scaled, left", [("Retain", 6), ("Delete", 3)])
def test_a_pool_shrinks_when_its_last_pods_are_empty(when_scaled: str, left: int) -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        supervisor = MovingSupervisor(server=server)
        operators.supervisor = supervisor
        await operators.end()
        operators.begin()
        change(server, podsPerZone=2)
        await operators.until_rest()
        assert len(claims(server)) == 6

        volume = {**BODY["spec"]["volume"], "whenScaled": when_scaled}
        change(server, podsPerZone=1, volume=volume)
        await operators.once()
        assert supervisor.draining == set()  # on record first
        marks = {
            each["metadata"].get("annotations", {}).get("stator.dev/departure")
            for each in server.of("PersistentVolumeClaim")
        }
        assert marks == {None, "Leaving"}
        await operators.until_rest()
        assert len(claims(server)) == left
        assert {each["spec"]["replicas"] for each in server.of("StatefulSet")} == {1}
        gone = {f"node-default-zone-{number}-1" for number in (1, 2, 3)}
        assert supervisor.draining == gone  # so they get nothing if they come back

    play(scene)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_operator_that_is_killed_at_any_write_of_a_scale_in_arrives(after: bool) -> None:
    async def whole_life(number: int) -> bool:
        async with PretendedApi() as server:
            server.put(pool_body(podsPerZone=2))
            operators = Operators(server, MovingSupervisor(server=server))
            operators.begin()
            await operators.until_rest()
            change(server, podsPerZone=1)
            killed = await operators.until_rest_killed_at(number, after=after)
            await operators.end()
            assert {each["spec"]["replicas"] for each in server.of("StatefulSet")} == {1}
            return killed

    async def every_write() -> int:
        number = 1
        while await whole_life(number):
            number += 1
        return number

    # Two marks of three claims, and three sets, at the least.
    assert asyncio.run(every_write()) > 9


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_operator_that_is_killed_at_any_write_arrives(after: bool) -> None:
    """A pool is made, gets another image and larger volumes; each write is the last of one."""

    async def whole_life(number: int) -> tuple[bool, dict[tuple[str, str, str], Object]]:
        async with PretendedApi() as server:
            server.put(pool_body())
            operators = Operators(server)
            operators.begin()
            killed = await operators.until_rest_killed_at(number, after=after)
            done = len(server.writes)
            change(server, image="stator:2", volume=LARGER)
            if not killed:
                killed = await operators.until_rest_killed_at(number - done, after=after)
            else:
                await operators.until_rest()
            settle(server)
            await operators.end()
            return killed, essence(server)

    async def every_write() -> int:
        _, undisturbed = await whole_life(1_000_000)
        number = 0
        while True:
            number += 1
            killed, found = await whole_life(number)
            if not killed:
                return number
            assert found == undisturbed, f"killed at write {number}"

    # Thirteen children, three claims, three sets and three pods at the least, statuses, Events.
    assert asyncio.run(every_write()) > 30
