"""How the Kubernetes API is found, and as whom it is asked."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from pathlib import Path

import kopf
import pytest

from pretended_api import PretendedApi
from stator_operator.certificates import make_authority, sign
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_connection import Connection, NoCluster, connection_info
from stator_operator.kubernetes_errors import Unavailable


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def kubeconfig(folder: Path, **user: str) -> str:
    path = folder / "config.json"
    path.write_text(
        json.dumps(
            {
                "current-context": "one",
                "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
                "clusters": [{"name": "one", "cluster": {"server": "https://there:6443"}}],
                "users": [{"name": "one", "user": user}],
            }
        )
    )
    return str(path)


def test_a_kubeconfig_says_where_and_who(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", kubeconfig(tmp_path, token="secret"))
    connection = Connection()

    assert connection.address == "https://there:6443"
    assert connection.headers() == {"Authorization": "Bearer secret"}


def test_without_a_cluster_what_was_looked_for_is_said() -> None:
    with pytest.raises(NoCluster, match="KUBECONFIG names no file"):
        connection_info()


@pytest.mark.parametrize("text", ["{", '{"current-context": "other"}', "[]"])
def test_a_kubeconfig_that_cannot_be_used_is_said(
    text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "broken"
    path.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(path))

    with pytest.raises(NoCluster, match="cannot be used"):
        connection_info()


def test_certificates_that_are_not_there_are_said() -> None:
    with pytest.raises(NoCluster, match="certificates cannot be used"):
        Connection(lambda: kopf.ConnectionInfo(server="https://a/", ca_path="/nowhere/ca.crt"))


def test_a_token_is_read_anew_every_minute_and_when_it_is_refused() -> None:
    tokens, now = iter(("first", "second", "third")), 0.0
    connection = Connection(
        lambda: kopf.ConnectionInfo(server="https://a/", token=next(tokens)), lambda: now
    )

    assert connection.address == "https://a"
    now = 59.0
    assert connection.headers() == {"Authorization": "Bearer first"}
    now = 60.0
    assert connection.headers() == {"Authorization": "Bearer second"}
    connection.refused()
    assert connection.headers() == {"Authorization": "Bearer third"}


def test_a_token_that_is_not_there_for_a_moment_is_kept() -> None:
    is_there = True

    def find() -> kopf.ConnectionInfo:
        if not is_there:
            raise NoCluster("it is being replaced")
        return kopf.ConnectionInfo(server="https://a", token="kept")

    connection = Connection(find)
    is_there = False
    connection.refused()
    assert connection.headers() == {"Authorization": "Bearer kept"}


class Files:
    """A folder with an authority, a server's certificate of it, and a server that shows it."""

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "ca.crt"
        self._folder = folder
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.made_anew()

    def made_anew(self) -> None:
        """Another authority, and the server shows another certificate from now on."""
        now = time.time()
        authority = make_authority("a cluster", now)
        shown = sign(authority, ("localhost",), now, 3_600.0)
        certificate, key = self._folder / "tls.crt", self._folder / "tls.key"
        certificate.write_bytes(shown.certificate)
        key.write_bytes(shown.key)
        self.tls.load_cert_chain(certificate, key)
        self.newest = authority.certificate

    def replace(self) -> None:
        """The authority on the disk is the newest."""
        self.authority.write_bytes(self.newest)


def test_an_authority_that_is_replaced_is_read_when_a_certificate_does_not_fit(
    tmp_path: Path,
) -> None:
    files = Files(tmp_path)
    files.replace()

    async def ask(connection: Connection) -> None:
        api = KubernetesApi(connection)  # with connections of its own: those that are open go on
        try:
            assert await api.get("Service", "ours", "one") is None
        finally:
            await api.close()

    async def asked() -> None:
        async with PretendedApi(tls=files.tls) as server:
            address = f"https://localhost:{server.port}"
            path = str(files.authority)
            connection = Connection(lambda: kopf.ConnectionInfo(server=address, ca_path=path))
            await ask(connection)

            files.made_anew()
            with pytest.raises(Unavailable, match="certificate verify failed"):
                await ask(connection)
            files.replace()
            with pytest.raises(Unavailable):
                await ask(connection)
            await ask(connection)

    asyncio.run(asked())


def test_an_authority_is_looked_at_every_minute_and_kept_while_it_cannot_be_read(
    tmp_path: Path,
) -> None:
    files, now = Files(tmp_path), 0.0
    files.replace()
    found = kopf.ConnectionInfo(server="https://a", ca_path=str(files.authority))
    connection = Connection(lambda: found, lambda: now)
    first = connection.tls
    now = 60.0
    assert connection.tls is first, "nothing has changed"

    files.made_anew()
    files.replace()
    assert connection.tls is first, "it is not read for each request"
    now = 120.0
    second = connection.tls
    assert second is not first
    for text in (None, "half a certificate"):
        files.authority.unlink(missing_ok=True)
        if text is not None:
            files.authority.write_text(text)
        now += 60.0
        assert connection.tls is second
