"""Definitions of other projects' resources, out of their own modules: what our objects must fit.

Of the Prometheus operator nothing runs; cert-manager's controller does (`cert_manager.py`).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from testbed.programs import CACHE, MODULES, Missing, go

Object = dict[str, Any]

DOWNLOAD_SECONDS = 300.0
CERT_MANAGER = "github.com/cert-manager/cert-manager"  # of the version that is run
PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.79.2"
CERTIFICATES = "deploy/crds/cert-manager.io_"
MONITORING = "example/prometheus-operator-crd/monitoring.coreos.com_"
# By kind: the module, and the file in it.
FILES = {
    "Certificate": (CERT_MANAGER, f"{CERTIFICATES}certificates.yaml"),
    "CertificateRequest": (CERT_MANAGER, f"{CERTIFICATES}certificaterequests.yaml"),
    "ClusterIssuer": (CERT_MANAGER, f"{CERTIFICATES}clusterissuers.yaml"),
    "Issuer": (CERT_MANAGER, f"{CERTIFICATES}issuers.yaml"),
    "PodMonitor": (PROMETHEUS_OPERATOR, f"{MONITORING}podmonitors.yaml"),
    "PrometheusRule": (PROMETHEUS_OPERATOR, f"{MONITORING}prometheusrules.yaml"),
}


def foreign_definition(kind: str) -> Object:
    """The CustomResourceDefinition of a kind. Raises Missing."""
    module, file = FILES[kind]
    definition: Object = yaml.safe_load((_folder(module) / file).read_text())
    return definition


def _folder(module: str) -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [go(), "mod", "download", "-json", module]
    # Where what is asked for has no version, it is the one that the program here is built of.
    place = CACHE if "@" in module else MODULES / "cert-manager"
    done = subprocess.run(
        command, cwd=place, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False
    )
    if done.returncode:
        raise Missing(f"`{' '.join(command)}` failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return Path(json.loads(done.stdout)["Dir"])
