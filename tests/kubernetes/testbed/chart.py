"""The project's chart, as helm renders and installs it.

In: helm and values. Out: objects, or what helm says against them. Used by the tests of the chart.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

CHART = Path(__file__).resolve().parents[3] / "charts" / "stator"
NAMESPACE = "stator-system"
RELEASE = "stator"
KUBERNETES_VERSION = "1.34.0"
HELM_SECONDS = 600.0
ZONES = ["zone-1", "zone-2", "zone-3"]


class HelmFailed(Exception):
    """Helm ended with another code than 0; the text is what it wrote to standard error."""


class Helm:
    """helm, for one cluster or for none. `home`: a folder for what it keeps."""

    def __init__(self, program: Path, home: Path, kubeconfig: Path | None = None) -> None:
        self._program = program
        self._environment = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
        if kubeconfig is not None:
            self._environment["KUBECONFIG"] = str(kubeconfig)

    def __call__(self, *words: str, values: Object | None = None) -> str:
        """What it prints. Raises HelmFailed."""
        command = [str(self._program), *words]
        if values is not None:
            command.append("--values=-")
        done = subprocess.run(
            command,
            input=None if values is None else json.dumps(values),
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=HELM_SECONDS,
            check=False,
        )
        if done.returncode:
            raise HelmFailed(done.stderr)
        return done.stdout

    def render(self, values: Object, chart: Path = CHART) -> list[Object]:
        """All objects of a release. Raises HelmFailed."""
        words = ("template", RELEASE, str(chart), f"--namespace={NAMESPACE}")
        version = f"--kube-version={KUBERNETES_VERSION}"
        text = self(*words, version, values=values)
        return [each for each in yaml.safe_load_all(text) if each is not None]


def values(**changes: Any) -> Object:
    """Values with zones, which helm can find on a cluster only, and these changes."""
    spec = {"zones": ZONES, "volume": {"size": "1Gi"}}
    pool = {"spec": spec} | changes.pop("pool", {})
    return {"pool": pool, **changes}


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [each for each in objects if each["kind"] == kind]


def the_one(objects: list[Object], kind: str, ending: str = "") -> Object:
    """The one object of a kind, or the one whose name ends so."""
    (found,) = [
        each for each in of_kind(objects, kind) if each["metadata"]["name"].endswith(ending)
    ]
    return found
