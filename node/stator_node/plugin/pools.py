"""Pools as they are found, and questions to their supervisors.

In: `kubectl`. Out: `PoolView`. A supervisor is asked by `stator cluster` in its own pod, so nothing
of it is reachable from outside that was not before, and what may be asked is what may be executed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from stator_node.plugin.kubectl import Kubectl, KubectlFailed
from stator_node.plugin.pool_view import POOL_LABEL, PoolView, pool_of_pod

Object = dict[str, Any]

SUPERVISOR = "supervisor"


class NoSuchPool(Exception):
    """No pool, or more than one, is meant; the text says which there are."""


def find_pools(kubectl: Kubectl, name: str | None) -> list[PoolView]:
    """The pools of the namespace, or the one of that name. Raises NoSuchPool, KubectlFailed."""
    pools = kubectl.items("storagepools.stator.dev")
    names = [each["metadata"]["name"] for each in pools]
    if name is not None and name not in names:
        raise NoSuchPool(f"there is no StoragePool {name!r} in this namespace, but {names}")
    pods = kubectl.items("pods", f"--selector={POOL_LABEL}")
    return [
        PoolView(pool, tuple(each for each in pods if pool_of_pod(each) == of))
        for pool, of in zip(pools, names, strict=True)
        if name in (None, of)
    ]


def find_pool(kubectl: Kubectl, name: str | None) -> PoolView:
    """The one pool that is meant. Raises NoSuchPool, KubectlFailed."""
    found = find_pools(kubectl, name)
    if len(found) != 1:
        names = [each.name for each in found]
        raise NoSuchPool(
            f"there are several pools, {names}: name one with --pool"
            if found
            else "there is no StoragePool in this namespace: name another with --namespace"
        )
    return found[0]


def with_cluster(kubectl: Kubectl, view: PoolView) -> PoolView:
    """The pool with what its supervisor says, or why it says nothing."""
    try:
        answer = ask(kubectl, view, "status")
    except KubectlFailed as error:
        return replace(view, reason=str(error))
    return replace(view, cluster=answer).with_pod_names()


def ask(kubectl: Kubectl, view: PoolView, *words: str) -> Any:
    """What `stator cluster` says in the pool's supervisor. Raises KubectlFailed."""
    pods = view.pods_of(SUPERVISOR)
    if not pods:
        raise KubectlFailed(f"pool {view.name} has no supervisor pod")
    command = ("stator", "cluster", *words, f"--folder={_folder(pods[0])}", "--output=json")
    return json.loads(kubectl.execute(pods[0]["metadata"]["name"], SUPERVISOR, *command))


def _folder(pod: Object) -> str:
    """Where the supervisor has its record, by its own command line."""
    for container in pod["spec"]["containers"]:
        for word in container.get("args", ()):
            if word.startswith("--folder="):
                folder: str = word.partition("=")[2]
                return folder
    raise KubectlFailed(f"pod {pod['metadata']['name']} is no supervisor: it has no --folder")
