"""A pool whose certificates cert-manager makes: its real controller, pods of a real cluster.

The pool is there before cert-manager is, and cert-manager before its issuer: each time the pool
says what it waits for. Then clients are at work while cert-manager makes another certificate.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackbox import wait_for
from certificates import refusal_of
from gateways import MORE, AnyCluster, create_table
from operators import OperatorProcess, define_resources
from pods import shown_certificate
from pools import ZONES, Pool
from stator_node.transport.tls_files import TlsFiles
from stator_operator import naming
from stator_operator.objects.stateful_set import FRAMES_PORT
from stator_operator.pool_actions import Reason
from testbed.cert_manager import cert_manager, certificate, is_present, issuers

SPREAD_SECONDS = 150.0  # a kubelet brings a Secret to its pods within two minutes
ISSUER = {"name": "inner", "kind": "Issuer", "group": "cert-manager.io"}

pytestmark = pytest.mark.timeout(600, func_only=True)


@pytest.fixture(scope="module")
def pool(
    running_cluster: AnyCluster,
    stator_image: str,
    cert_manager_program: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pool]:
    kubectl, folder = running_cluster.kubectl, tmp_path_factory.mktemp("certified")
    with running_cluster.entered(), kubectl.namespace("certified") as namespace:
        define_resources(kubectl)
        there = is_present(kubectl)
        with OperatorProcess(kubectl, namespace, folder, stator_image):
            pool = Pool(running_cluster, namespace)
            pool.make(tls=tls(days=90))
            if not there:
                pool.wait_until("Accepted", "False", Reason.CERT_MANAGER_MISSING)
            with cert_manager(kubectl, cert_manager_program, folder / "cert-manager"):
                pool.wait_until("Accepted")
                pool.wait_until("Progressing", "True", Reason.CERTIFICATE_AWAITED)
                kubectl.apply(*issuers(ISSUER["name"]), namespace=namespace)
                pool.wait_until_well()
                yield pool
                pool.remove()


def tls(days: int) -> dict[str, object]:
    return {"issuedBy": "CertManager", "issuer": ISSUER, "certificateDays": days}


def signed(pool: Pool) -> str:
    """The certificate that cert-manager has written, in PEM."""
    return read(pool, naming.tls_secret_name(pool.name))["tls.crt"].decode()


def read(pool: Pool, secret: str) -> dict[str, bytes]:
    data = pool.kubectl.get("secret", secret, pool.own)["data"]
    return {name: base64.b64decode(content) for name, content in data.items()}


def shown(pool: Pool, pod: str) -> str:
    """What the pod shows, in PEM."""
    return shown_certificate(pool.kubectl, pod, pool.namespace).decode()


def test_pods_trust_each_other_by_it_and_take_up_the_next_one_under_load(
    pool: Pool, tmp_path: Path
) -> None:
    before, pods = signed(pool), pool.uids("pods")
    assert {shown(pool, pool.pod(zone)).strip() for zone in ZONES} == {before.strip()}
    with pool.client() as client:
        create_table(client)

    with pool.gateway() as gateway, gateway.under_load(tmp_path, seed=1) as load:
        load.wait_for_success(60, MORE)
        pool.change(tls=tls(days=60))
        wait_for(lambda: True if signed(pool) != before else None, "another is signed", 60)
        for zone in ZONES:
            pod = pool.pod(zone)
            wait_for(
                lambda pod=pod: True if shown(pool, pod).strip() == signed(pool).strip() else None,
                f"{pod} shows it",
                SPREAD_SECONDS,
            )
        # What was open stays open: this one's new connections go under the new certificates.
        pool.kubectl("delete", "pod", pool.pod(ZONES[0]), pool.own)
        pool.wait_until_ready(pool.pod(ZONES[0]))
        load.wait_for_success(60, MORE)
    pool.wait_until_well()

    after = pool.uids("pods")
    assert {name for name in pods if after[name] != pods[name]} == {pool.pod(ZONES[0])}
    names = {each["metadata"]["name"] for each in pool.kubectl.items("secrets", pool.own)}
    assert naming.authority_secret_name(pool.name) not in names


def test_who_has_another_certificate_of_that_issuer_is_told_so_and_nothing_else(
    pool: Pool, tmp_path: Path
) -> None:
    """Any workload may ask the issuer for one; with the authority alone it would be a pod."""
    pool.kubectl.apply(certificate("stranger", ISSUER, "music.svc"), namespace=pool.namespace)
    pool.kubectl("wait", "--for=condition=Ready", "certificate/stranger", "--timeout=60s", pool.own)
    files = {name: tmp_path / name for name in ("tls.crt", "tls.key", "ca.crt")}
    for name, content in read(pool, "stranger").items():
        files[name].write_bytes(content)
    stranger = TlsFiles(files["tls.crt"], files["tls.key"], files["ca.crt"])

    for zone in ZONES:
        address = pool.kubectl.get("pod", pool.pod(zone), pool.own)["status"]["podIP"]
        wanted = naming.peer_name(pool.name, pool.namespace)
        assert refusal_of(address, FRAMES_PORT, stranger).endswith(
            f"a certificate for music.svc; those of this cluster are for {wanted}"
        )
