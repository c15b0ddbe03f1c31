"""A pool's Secrets, made and kept by its reconcile, on good days and on bad ones."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from pretended_api import Asked, Object, PretendedApi, refusal
from pretended_cluster import Operators, pool_body

Scene = Callable[[Operators, PretendedApi], Awaitable[None]]
ALL = {"default-authority", "default-tls", "default-access-keys"}


def play(scene: Scene, pool: Object | None = None) -> None:
    async def played() -> None:
        async with PretendedApi() as server:
            server.put(pool or pool_body())
            operators = Operators(server)
            operators.begin()
            try:
                await scene(operators, server)
            finally:
                await operators.end()

    asyncio.run(played())


def secrets(server: PretendedApi) -> dict[str, Object]:
    return {each["metadata"]["name"]: each for each in server.of("Secret")}


def accepted(server: PretendedApi) -> tuple[str, str, str]:
    pool = server.objects["storagepools", "music", "default"]
    (found,) = [each for each in pool["status"]["conditions"] if each["type"] == "Accepted"]
    return found["status"], found["reason"], found["message"]


def test_a_pool_gets_its_secrets_before_its_pods() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()

        assert set(secrets(server)) == ALL
        writes = [each.plural for each in server.writes]
        assert writes.index("secrets") < writes.index("statefulsets")
        assert writes.count("secrets") == len(ALL)

    play(scene)


def test_the_end_of_the_certificate_is_among_the_figures() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()
        name = 'stator_operator_certificate_end_timestamp_seconds{namespace="music",name="default"}'
        assert name in operators.reconcile.status_writer.metrics.text()

        server.remove("storagepools", "music", "default")
        await operators.once()
        assert name not in operators.reconcile.status_writer.metrics.text()

    play(scene)


def test_secrets_are_read_by_name_and_never_listed() -> None:
    """The operator's role does not let it list them."""

    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()

        read = [each for each in server.asked if each.plural == "secrets" and not each.is_write]
        assert {each.name for each in read} == ALL

    play(scene)


def test_keys_that_people_put_there_meanwhile_are_kept() -> None:
    """Between the look and the write: the API server then says that there is one."""

    async def scene(operators: Operators, server: PretendedApi) -> None:
        own = base64.b64encode(b"AKID secret\n").decode()
        theirs = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "default-access-keys", "namespace": "music"},
            "data": {"access-keys": own},
        }

        def just_before(asked: Asked) -> web.Response | None:
            if asked.plural == "secrets" and asked.method == "POST":
                server.put(theirs)
            return None

        server.answers = just_before
        await operators.until_rest()

        assert secrets(server)["default-access-keys"]["data"] == {"access-keys": own}
        assert set(secrets(server)) == ALL

    play(scene)


def test_a_deleted_certificate_is_signed_again_by_the_same_authority() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()
        before = copy.deepcopy(secrets(server)["default-tls"])
        server.remove("secrets", "music", "default-tls")
        await operators.until_rest()

        after = secrets(server)["default-tls"]
        assert after["data"]["tls.crt"] != before["data"]["tls.crt"]
        assert after["data"]["ca.crt"] == before["data"]["ca.crt"]

    play(scene)


def test_a_strangers_secret_is_left_alone_and_the_pool_says_so() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        metadata = {"name": "default-tls", "namespace": "music"}
        theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"a": "eA=="}}
        server.put(theirs)
        await operators.once()

        assert secrets(server)["default-tls"]["data"] == {"a": "eA=="}
        status, reason, message = accepted(server)
        assert (status, reason) == ("False", "SecretTaken")
        assert "default-tls" in message
        assert ("Warning", "SecretTaken") in [
            (each["type"], each["reason"]) for each in server.of("Event")
        ]

    play(scene)


def test_a_cluster_without_cert_manager_is_told_of() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        def no_such_kind(asked: Asked) -> web.Response | None:
            return refusal(404, "NotFound") if asked.plural == "certificates" else None

        server.answers = no_such_kind
        await operators.once()

        status, reason, message = accepted(server)
        assert (status, reason) == ("False", "CertManagerMissing")
        assert "install cert-manager" in message
        # The rest of the pool is there; its pods wait for their Secret.
        assert len(server.of("StatefulSet")) == 4

    tls = {"issuedBy": "CertManager", "issuer": {"name": "inner"}}
    play(scene, pool_body(tls=tls))


def test_nothing_of_a_secret_is_said_in_a_status_or_an_event() -> None:
    async def scene(operators: Operators, server: PretendedApi) -> None:
        await operators.until_rest()
        keys = base64.b64decode(secrets(server)["default-access-keys"]["data"]["access-keys"])
        secret = keys.decode().split()[-1]

        pool = server.objects["storagepools", "music", "default"]
        said = json.dumps([pool["status"], *server.of("Event")])
        assert secret not in said
        assert "PRIVATE" not in said

    play(scene)
