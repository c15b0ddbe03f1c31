"""How the Kubernetes API is found, and as whom it is asked."""

from __future__ import annotations

import json
from pathlib import Path

import kopf
import pytest

from stator_operator.kubernetes_connection import Connection, NoCluster, connection_info


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
