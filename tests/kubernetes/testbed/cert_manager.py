"""cert-manager beside a cluster: its own controller, as a process, with its own definitions.

A cluster that has cert-manager already (a given one) keeps its own, and nothing is started. What
is made here goes again: other tests want a cluster without it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from testbed.foreign_definitions import Object, foreign_definition
from testbed.kubectl import Kubectl
from testbed.processes import Processes

NAME = "cert-manager"
KINDS = ("Certificate", "CertificateRequest", "Issuer", "ClusterIssuer")
API = "cert-manager.io/v1"


@contextlib.contextmanager
def cert_manager(kubectl: Kubectl, controller: Path, folder: Path) -> Iterator[None]:
    """Runs while the block does, its log in `folder`."""
    if is_present(kubectl):
        yield
        return
    definitions = [foreign_definition(kind) for kind in KINDS]
    names = [each["metadata"]["name"] for each in definitions]
    processes = Processes(folder)
    try:
        kubectl.apply(*definitions, server_side=True)
        kubectl.wait("condition=Established", "crd", *names)
        processes.start(NAME, [str(controller), str(kubectl.kubeconfig)])
        yield
        if not processes.is_running(NAME):
            raise AssertionError(f"cert-manager ended:\n{processes.log(NAME)}")
    finally:
        processes.kill_all()
        kubectl("delete", "crd", "--ignore-not-found", *names)


def is_present(kubectl: Kubectl) -> bool:
    """Whether the cluster has cert-manager's definitions."""
    found = {each["metadata"]["name"] for each in kubectl.items("crd")}
    return "certificates.cert-manager.io" in found


def issuers(name: str) -> list[Object]:
    """An Issuer of that name with an authority of its own, which cert-manager makes as well."""
    root, authority = f"{name}-root", f"{name}-authority"
    certificate = {
        "isCA": True,
        "commonName": authority,
        "secretName": authority,
        "privateKey": {"algorithm": "ECDSA", "size": 256},
        "issuerRef": {"name": root, "kind": "Issuer", "group": "cert-manager.io"},
    }
    return [
        _object("Issuer", root, {"selfSigned": {}}),
        _object("Certificate", authority, certificate),
        _object("Issuer", name, {"ca": {"secretName": authority}}),
    ]


def certificate(name: str, issuer: Object, dns_name: str) -> Object:
    """A Certificate of somebody else's, kept in the Secret of that name."""
    spec = {
        "secretName": name,
        "dnsNames": [dns_name],
        "usages": ["server auth", "client auth"],
        "privateKey": {"algorithm": "ECDSA", "size": 256},
        "issuerRef": issuer,
    }
    return _object("Certificate", name, spec)


def _object(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}
