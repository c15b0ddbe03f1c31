"""Three zones whose processes show each other certificates, and speak with nobody else."""

from __future__ import annotations

import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackbox import boto3_client, wait_for
from certificates import Authority, laid, refusal_of
from cluster.zones import TABLE, ZONES, Zones
from stator_node import cluster_file
from stator_node.transport.tls_files import TlsFiles

ANSWER_SECONDS = 5.0
PEER_NAME = "db.ours.svc"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture(scope="module")
def files(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    folder = tmp_path_factory.mktemp("pods")
    made = TlsFiles(folder / "pod.pem", folder / "pod.key", folder / "authority.pem")
    lay(authority, "before", made)
    return made


def lay(authority: Authority, name: str, files: TlsFiles) -> None:
    certificate, key = authority.sign(name, dns=PEER_NAME)
    shutil.copy(authority.certificate, files.authority)
    shutil.copy(certificate, files.certificate)
    shutil.copy(key, files.key)


@pytest.fixture(scope="module")
def secured(files: TlsFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zones]:
    zones = Zones(
        tmp_path_factory.mktemp("zones"),
        *("--tls-certificate", str(files.certificate)),
        *("--tls-key", str(files.key)),
        *("--tls-authority", str(files.authority)),
        *("--tls-peer-name", PEER_NAME),
    )
    zones.start()
    try:
        zones.create_table()
        zones.wait_until_whole()
        yield zones
    finally:
        zones.end()


def port_of(zones: Zones, zone: str) -> int:
    return cluster_file.read(zones.data / "control").nodes[zone].port


def shown_by(port: int, own: TlsFiles) -> str | None:
    """The name in the certificate that a process shows; None if it will not have ours."""
    context = own.context(ssl.Purpose.SERVER_AUTH)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as plain,
            context.wrap_socket(plain) as wrapped,
        ):
            wrapped.settimeout(0.5)
            try:
                if wrapped.recv(1) == b"":  # It would wait for a HELLO.
                    return None
            except TimeoutError:
                pass
            subject = wrapped.getpeercert()["subject"]
            return str(dict(pair for part in subject for pair in part)["commonName"])
    except ssl.SSLError:
        return None


def answers_plainly(port: int) -> bool:
    """Whether a process says anything to who does not speak TLS. It hangs up, or waits."""
    with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as plain:
        plain.settimeout(1.0)
        plain.sendall(bytes(64))
        try:
            return plain.recv(1) not in (b"", b"\x15")  # the first byte of a TLS alert
        except (TimeoutError, ConnectionResetError):
            return False


def test_clients_and_people_notice_nothing(secured: Zones) -> None:
    client = boto3_client(secured.url)
    client.put_item(TableName=TABLE, Item={"pk": {"S": "kept"}})
    found = client.get_item(TableName=TABLE, Key={"pk": {"S": "kept"}}, ConsistentRead=True)

    assert found["Item"] == {"pk": {"S": "kept"}}
    assert len(secured.status()["nodes"]) == len(ZONES), "`stator cluster` has a certificate, too"


def test_who_has_no_certificate_of_the_authority_is_not_spoken_with(
    secured: Zones, files: TlsFiles, tmp_path: Path
) -> None:
    content = cluster_file.read(secured.data / "control")
    strange = TlsFiles(tmp_path / "pem", tmp_path / "key", files.authority)
    certificate, key = Authority(tmp_path, "theirs").sign("stranger")
    shutil.copy(certificate, strange.certificate)
    shutil.copy(key, strange.key)
    for place in (*content.nodes.values(), content.supervisor):
        assert not answers_plainly(place.port)
        assert shown_by(place.port, strange) is None
        assert shown_by(place.port, files) == "before"


def test_who_has_a_certificate_for_another_cluster_is_told_so_and_nothing_else(
    secured: Zones, authority: Authority, tmp_path: Path
) -> None:
    content = cluster_file.read(secured.data / "control")
    strange = laid(tmp_path, "stranger", authority, dns="db.other.svc")
    for place in (*content.nodes.values(), content.supervisor):
        refusal = refusal_of("127.0.0.1", place.port, strange)
        assert "db.other.svc; those of this cluster are for db.ours.svc" in refusal


def test_a_new_certificate_is_shown_without_a_restart(
    secured: Zones, files: TlsFiles, authority: Authority
) -> None:
    pids = [secured.pid(zone) for zone in ZONES]
    supervisor = cluster_file.read(secured.data / "control").supervisor
    lay(authority, "after", files)
    for port in (*(port_of(secured, zone) for zone in ZONES), supervisor.port):
        wait_for(lambda p=port: shown_by(p, files) == "after" or None, "the new certificate")

    assert [secured.pid(zone) for zone in ZONES] == pids
    # A process that comes back finds its way into the cluster under the new one.
    old = secured.kill_node(ZONES[0])
    secured.wait_for_new_process(ZONES[0], old)
    secured.wait_until_whole()


def test_files_that_cannot_be_used_are_told_of(tmp_path: Path) -> None:
    zones = Zones(
        tmp_path, *("--tls-certificate", "a.pem", "--tls-key", "a.key", "--tls-authority", "b.pem")
    )
    with pytest.raises(Exception, match=r"exit code 1:(.|\n)*authority .*b\.pem: No such file"):
        zones.start()
