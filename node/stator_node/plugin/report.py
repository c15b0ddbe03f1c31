"""A support bundle: what helps to find a fault, in one file that can be sent to somebody.

In: `kubectl`. Out: a .tar.gz of objects, events, logs and what supervisors say. What could not be
had is said in the file `missing.txt`, and the rest is there all the same. Invariant: no Secret is
asked for, and values of variables that sound like one are left out.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stator_node.plugin.kubectl import Kubectl, KubectlFailed
from stator_node.plugin.pool_view import POOL_LABEL, PoolView, describe
from stator_node.plugin.pools import find_pools, with_cluster

Object = dict[str, Any]

# Of the whole namespace: a pool's own, and what may stand in its way.
KINDS = {
    "storagepools": "storagepools.stator.dev",
    "tables": "tables.stator.dev",
    "partitions": "partitions.stator.dev",
    "workloads": "statefulsets,deployments",
    "pods": "pods",
    "volume-claims": "persistentvolumeclaims",
    "services": "services,endpointslices",
    "budgets": "poddisruptionbudgets",
    "policies": "networkpolicies",
    "events": "events",
}
LEFT_OUT = "(left out)"
_SOUNDS_SECRET = re.compile("secret|password|passwd|token|credential|access_?key|private", re.I)


def write_report(kubectl: Kubectl, file: Path, log_lines: int, version: str) -> list[str]:
    """Write the bundle. Returns what could not be had. Raises OSError."""
    contents: dict[str, str] = {"version.txt": f"{version}\n"}
    missing: list[str] = []

    def gather(name: str, get: Callable[..., str], *words: object) -> None:
        try:
            contents[name] = get(*words)
        except KubectlFailed as error:
            missing.append(f"{name}: {error}")

    for name, kinds in KINDS.items():
        gather(f"objects/{name}.json", _objects, kubectl, kinds)
    for view in _pools(kubectl, missing):
        contents[f"pools/{view.name}.txt"] = describe(view)
        contents[f"pools/{view.name}.json"] = _text(view.to_json())
        for pod, container in _containers(view):
            words = ("logs", pod, f"--container={container}", f"--tail={log_lines}")
            gather(f"logs/{pod}/{container}.log", kubectl, *words)
            gather(f"logs/{pod}/{container}.previous.log", kubectl, *words, "--previous")
    # A container that was never started again has no log before this one: that is no news.
    missing = [each for each in missing if ".previous.log" not in each]
    if missing:
        contents["missing.txt"] = "".join(f"{each}\n" for each in missing)
    _write(file, contents)
    return missing


def without_secrets(made: Any) -> Any:
    """An object without values of variables that sound like a secret, and without a copy of it."""
    if isinstance(made, list):
        return [without_secrets(each) for each in made]
    if not isinstance(made, dict):
        return made
    result = {name: without_secrets(each) for name, each in made.items()}
    if "value" in result and _SOUNDS_SECRET.search(str(result.get("name", ""))):
        result["value"] = LEFT_OUT
    if isinstance(annotations := result.get("annotations"), dict):
        annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    result.pop("managedFields", None)
    return result


def _objects(kubectl: Kubectl, kinds: str) -> str:
    items = kubectl.items(kinds)
    assert all(each["kind"] != "Secret" for each in items)
    return _text(without_secrets(items))


def _pools(kubectl: Kubectl, missing: list[str]) -> list[PoolView]:
    try:
        return [with_cluster(kubectl, each) for each in find_pools(kubectl, None)]
    except KubectlFailed as error:
        missing.append(f"pods with {POOL_LABEL}: {error}")
        return []


def _containers(view: PoolView) -> list[tuple[str, str]]:
    return [
        (pod["metadata"]["name"], container["name"])
        for pod in view.pods
        for container in pod["spec"]["containers"]
    ]


def _text(made: Any) -> str:
    return json.dumps(made, indent=1) + "\n"


def _write(file: Path, contents: dict[str, str]) -> None:
    folder = file.name.removesuffix(".tar.gz")
    with tarfile.open(file, "w:gz") as bundle:
        for name, text in contents.items():
            content = text.encode()
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(content)
            bundle.addfile(entry, io.BytesIO(content))
