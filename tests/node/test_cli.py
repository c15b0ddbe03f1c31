"""The command line: words become settings, and wrong words are explained with exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from stator_node.cli import GatewaySettings, LocalSettings, NodeSettings, VerifySettings, parse
from stator_node.transport.tls_files import TlsFiles

SUPERVISOR = "supervisor --folder f --cluster-id c --seeds a:1"
TLS = "--tls-certificate a --tls-key b --tls-authority c"


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        parse(list(words))
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_local_keeps_its_promises_by_default() -> None:
    settings = parse(["local"])
    assert isinstance(settings, LocalSettings)
    assert (settings.host, settings.port, settings.grpc_port) == ("127.0.0.1", 8000, 8001)
    assert settings.sync, "a write is on the disk before it is acknowledged"
    assert settings.folder == Path("data")
    assert settings.access_keys is None


def test_local_takes_what_it_is_given() -> None:
    words = [
        "local",
        "--folder",
        "f",
        "--port",
        "0",
        "--grpc-port",
        "65535",
        "--no-sync",
        "--account",
        "123456789012",
    ]
    settings = parse(words)
    assert isinstance(settings, LocalSettings)
    assert (settings.port, settings.grpc_port) == (0, 65535)
    assert not settings.sync
    assert settings.account == "123456789012"


def test_the_clock_is_moved_only_where_a_test_asks_for_it() -> None:
    settings = parse(["local"])
    assert isinstance(settings, LocalSettings)
    assert not settings.test_clock
    assert settings.ttl_round_seconds == 5.0
    asked = parse(["local", "--test-clock", "--ttl-round-seconds", "0.5"])
    assert isinstance(asked, LocalSettings)
    assert asked.test_clock
    assert asked.ttl_round_seconds == 0.5
    zones = parse(["local", "--test-clock", "--zones", "3"])
    assert isinstance(zones, LocalSettings)
    assert zones.test_clock
    for words, is_moved in (("", False), ("--test-clock", True)):
        node = parse(f"node --folder f --cluster-id c --zone z {words}".split())
        assert isinstance(node, NodeSettings)
        assert node.test_clock is is_moved


def test_a_node_may_have_seeds_and_a_fence() -> None:
    words = "node --folder f --cluster-id c --zone z"
    plain = parse(words.split())
    assert isinstance(plain, NodeSettings)
    assert (plain.seeds, plain.fence_file) == ((), None)

    pod = parse(f"{words} --seeds=pods:8002,[::1]:9 --fence-file=/podinfo/fenced".split())
    assert isinstance(pod, NodeSettings)
    assert pod.seeds == (("pods", 8002), ("::1", 9))
    assert pod.fence_file == Path("/podinfo/fenced")


def test_a_gateway_has_its_zone_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pod it stands there: the zone's label comes to the pod only when it has a place."""
    words = ["gateway", "--cluster-id", "c", "--seeds", "pods:8002"]
    monkeypatch.delenv("STATOR_ZONE", raising=False)
    unknown = parse(words)
    monkeypatch.setenv("STATOR_ZONE", "zone-2")
    known, told = parse(words), parse([*words, "--zone=zone-3"])

    assert isinstance(unknown, GatewaySettings)
    assert isinstance(known, GatewaySettings)
    assert isinstance(told, GatewaySettings)
    assert [each.zone for each in (unknown, known, told)] == ["", "zone-2", "zone-3"]


@pytest.mark.parametrize("command", ["local --zones 3", "node --folder f --cluster-id c --zone z"])
def test_certificates_are_found_from_wherever_a_process_is_started(command: str) -> None:
    settings = parse([*command.split(), *TLS.split()])
    assert isinstance(settings, LocalSettings | NodeSettings)
    here = Path.cwd()
    assert settings.tls == TlsFiles(here / "a", here / "b", here / "c")
    plain = parse(command.split())
    assert isinstance(plain, LocalSettings | NodeSettings)
    assert plain.tls is None
    named = parse([*command.split(), *TLS.split(), "--tls-peer-name=db.ours.svc"])
    assert isinstance(named, LocalSettings | NodeSettings)
    assert named.tls == TlsFiles(here / "a", here / "b", here / "c", "db.ours.svc")


def test_verify_takes_a_folder() -> None:
    assert parse(["verify", "data"]) == VerifySettings(folder=Path("data"))


@pytest.mark.parametrize(
    "words,explanation",
    [
        ("", "COMMAND"),
        ("serve", "serve"),
        ("verify", "folder"),
        ("local --port 65536", "65536 is not a port"),
        ("local --port -1", "port"),
        ("local --port http", "http"),
        ("local --ttl-round-seconds 0", "0 is no time to wait"),
        ("local --ttl-round-seconds nan", "nan is no time to wait"),
        ("local --account 12", "twelve digits"),
        ("local --nothing", "--nothing"),
        ("local --zones 3 --no-sync", "--no-sync is for one process"),
        ("local --zones 3 --tls-certificate a --tls-key b", "go together"),
        ("node --folder f --cluster-id c --zone z --tls-authority a", "go together"),
        ("node --folder f --cluster-id c --zone z --tls-peer-name n", "--tls-peer-name needs"),
        (f"local {TLS}", "--zones 3"),
        (
            "supervisor --folder f --cluster-id c --seeds a:1 --tables-by-operator",
            "--operator-port",
        ),
    ],
)
def test_wrong_words_are_explained(
    capsys: pytest.CaptureFixture[str], words: str, explanation: str
) -> None:
    assert explanation in refusal(capsys, *words.split())
