"""Definitions of other projects' resources, out of their own modules: what our objects must fit.

Nothing of those projects runs; their definitions alone are applied to an API server.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from testbed.programs import CACHE, Missing, go

Object = dict[str, Any]

DOWNLOAD_SECONDS = 300.0
CERT_MANAGER = "github.com/cert-manager/cert-manager@v1.16.2"
PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.79.2"
MONITORING = "example/prometheus-operator-crd/monitoring.coreos.com_"
# By kind: the module, and the file in it.
FILES = {
    "Certificate": (CERT_MANAGER, "deploy/crds/crd-certificates.yaml"),
    "PodMonitor": (PROMETHEUS_OPERATOR, f"{MONITORING}podmonitors.yaml"),
    "PrometheusRule": (PROMETHEUS_OPERATOR, f"{MONITORING}prometheusrules.yaml"),
}


def foreign_definition(kind: str) -> Object:
    """The CustomResourceDefinition of a kind. Raises Missing."""
    module, file = FILES[kind]
    definition: Object = yaml.safe_load((_folder(module) / file).read_text())
    definition["metadata"].pop("labels", None)  # templates of a chart, in one of them
    return definition


def _folder(module: str) -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [go(), "mod", "download", "-json", module]
    done = subprocess.run(
        command, cwd=CACHE, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False
    )
    if done.returncode:
        raise Missing(f"`{' '.join(command)}` failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return Path(json.loads(done.stdout)["Dir"])
