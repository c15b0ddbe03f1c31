"""Has a changed access key reach the gateways of a pool within seconds.

A kubelet brings a changed Secret into a pod when it next looks at the pod: every minute or two, and
at once when the pod's object changes. So the version of the Secret is written onto the gateways'
pods as an annotation, which nobody but the operator reads. Kubernetes: "Configure a Pod to Use a
ConfigMap", "Mounted ConfigMaps are updated automatically"; kubelets treat Secrets alike.

In: the version of Secret POOL-access-keys, asked for every few seconds; where it is another than
before, the gateways' pods. Out: annotations. Run by `each_pool.py`.
Invariants: of the Secret no more than its metadata is asked for; no pod is restarted; nothing is
written while the Secret stays as it is; a pod that bears another version is found whoever was
killed before writing it. A pod that is made later needs nothing: it begins with what is there then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from stator_operator import naming
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.kubernetes_errors import ApiError, Conflict, NotFound
from stator_operator.kubernetes_kinds import Object
from stator_operator.metrics import Metrics

ROUND_SECONDS = 3.0
_ENDED: Final = ("Succeeded", "Failed")

PoolName = tuple[str, str]  # namespace, name


def pods_behind(version: str, pods: Iterable[Object]) -> tuple[Object, ...]:
    """The pods that still run and have not been told of this version of the access keys."""
    return tuple(each for each in pods if _runs(each) and _told_of(each) != version)


def _runs(pod: Object) -> bool:
    is_ending = "deletionTimestamp" in pod["metadata"]
    return not is_ending and pod.get("status", {}).get("phase") not in _ENDED


def _told_of(pod: Object) -> str | None:
    annotations = pod["metadata"].get("annotations") or {}
    version: str | None = annotations.get(naming.ACCESS_KEYS_VERSION_ANNOTATION)
    return version


@dataclass(slots=True)
class AccessKeySpreader:
    """One for the process; `operator_process.py` makes it."""

    api: KubernetesApi
    metrics: Metrics
    # The version that all gateways of a pool were told of. Forgotten with the process: then their
    # annotations are looked at once more.
    _told: dict[PoolName, str] = field(default_factory=dict)

    async def once(self, namespace: str, pool: str) -> float:
        """One look at a pool's access keys. The seconds until the next. Raises ApiError.

        What one pod refuses holds up no other; it is raised when all were told.
        """
        name = naming.access_keys_secret_name(pool)
        metadata = await self.api.metadata("Secret", namespace, name)
        if metadata is None:
            return ROUND_SECONDS  # The reconcile of pools makes another.
        version = metadata["resourceVersion"]
        if self._told.get((namespace, pool)) == version:
            return ROUND_SECONDS
        labels = naming.selector(pool, naming.GATEWAY)
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        refused: ApiError | None = None
        for pod in pods_behind(version, await self.api.items("Pod", namespace, selector)):
            try:
                await self._tell(pod, version)
            except ApiError as error:
                refused = error
        if refused is not None:
            raise refused
        self._told[namespace, pool] = version
        return ROUND_SECONDS

    async def _tell(self, pod: Object, version: str) -> None:
        """Write the version onto this very pod, unless it is gone by now. Raises ApiError."""
        metadata = pod["metadata"]
        annotations = {naming.ACCESS_KEYS_VERSION_ANNOTATION: version}
        patch = {"metadata": {"uid": metadata["uid"], "annotations": annotations}}
        self.metrics.wrote("Pod")
        try:
            await self.api.merge("Pod", metadata["namespace"], metadata["name"], patch)
        except (NotFound, Conflict):
            return
