"""The operator and a supervisor prove who they are, under the certificate of their pool alone."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sample_pool import SETTINGS, a_pool
from stator_node.operator_door import OperatorDoor
from stator_node.operator_http import Members, OperatorRequest
from stator_node.transport.tls_files import TlsFiles, for_listening
from stator_operator.objects.supervisor import supervisor_set
from stator_operator.pool_secrets import plan_secrets
from stator_operator.supervisor_client import (
    SupervisorAddress,
    SupervisorAway,
    SupervisorClient,
    supervisor_address,
)
from stator_operator.supervisor_tls import (
    Contexts,
    Identity,
    IdentityRefused,
    identity_of,
    identity_secret_name,
)

Object = dict[str, Any]
NAME = "default-supervisor.music.svc"


def tls_secret() -> Object:
    """POOL-tls, as the operator makes it; handshakes go by the machine's clock."""
    actions = plan_secrets(a_pool(SETTINGS), {}, time.time()).actions
    (made,) = [each.body for each in actions if each.body["metadata"]["name"].endswith("-tls")]
    return made


def laid(folder: Path, secret: Object) -> TlsFiles:
    paths = []
    for name in ("tls.crt", "tls.key", "ca.crt"):
        paths.append(folder / name)
        paths[-1].write_bytes(base64.b64decode(secret["data"][name]))
    return TlsFiles(*paths)


def asked(
    folder: Path, ask: Callable[[SupervisorClient, int], Awaitable[Members]], secret: Object
) -> Members:
    """What `ask` gets of a supervisor's door that shows this Secret's certificate."""

    async def answering(_: OperatorRequest) -> Members:
        return {"well": True}

    async def run() -> Members:
        door = OperatorDoor(answering, tls=for_listening(laid(folder, secret)))
        await door.start("127.0.0.1", 0)
        client = SupervisorClient()
        try:
            return await ask(client, door.port)
        finally:
            await client.close()
            await door.stop()

    return asyncio.run(run())


async def get(client: SupervisorClient, address: SupervisorAddress) -> Members:
    return await client.ask(address, "GET", "/v1/pool")


def test_a_supervisor_answers_who_shows_its_pools_certificate(tmp_path: Path) -> None:
    secret = tls_secret()
    identity = identity_of(secret)

    answer = asked(
        tmp_path,
        lambda client, port: get(client, SupervisorAddress("127.0.0.1", NAME, port, identity)),
        secret,
    )

    assert answer == {"well": True}


@pytest.mark.parametrize(
    "address",
    [
        lambda port, own: SupervisorAddress("127.0.0.1", NAME, port),
        lambda port, own: SupervisorAddress("127.0.0.1", NAME, port, identity_of(tls_secret())),
        lambda port, own: SupervisorAddress("127.0.0.1", "other.music.svc", port, own),
    ],
    ids=["plainly", "with another pool's certificate", "under another name"],
)
def test_anybody_else_gets_no_answer(
    tmp_path: Path, address: Callable[[int, Identity], SupervisorAddress]
) -> None:
    secret = tls_secret()
    own = identity_of(secret)

    with pytest.raises(SupervisorAway) as refusal:
        asked(tmp_path, lambda client, port: get(client, address(port, own)), secret)
    assert "PRIVATE" not in str(refusal.value)


def test_a_pod_says_where_its_certificate_comes_from() -> None:
    for issuer, name in (("Operator", "default-tls"), ("None", None)):
        made = supervisor_set(a_pool(SETTINGS, tls={"issuedBy": issuer}))
        assert identity_secret_name(made["spec"]["template"]) == name


def test_an_address_carries_what_is_shown_there() -> None:
    pod = {
        "metadata": {"namespace": "music", "labels": {"stator.dev/pool": "default"}},
        "status": {"podIP": "10.0.0.9"},
    }
    identity = identity_of(tls_secret())

    address = supervisor_address(pod, identity)

    assert address is not None
    assert (address.host, address.name, address.identity) == ("10.0.0.9", NAME, identity)


@pytest.mark.parametrize("member", ["tls.crt", "tls.key", "ca.crt"])
def test_a_secret_that_cannot_be_shown_is_refused_without_a_word_of_a_key(member: str) -> None:
    missing, damaged = tls_secret(), tls_secret()
    del missing["data"][member]
    damaged["data"][member] = base64.b64encode(b"damaged").decode()

    with pytest.raises(IdentityRefused, match=f"default-tls.*{member}"):
        identity_of(missing)
    with pytest.raises(IdentityRefused) as refusal:
        Contexts().of(identity_of(damaged))
    assert "PRIVATE" not in str(refusal.value)
    assert "PRIVATE" not in repr(identity_of(tls_secret()))


def test_a_context_is_made_once_for_an_identity() -> None:
    contexts, identity = Contexts(), identity_of(tls_secret())

    assert contexts.of(identity) is contexts.of(identity)
