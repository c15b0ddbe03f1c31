"""A cluster that somebody else runs: the one that `KUBECONFIG` leads to (kind, a cloud).

It stands in for a control plane of our own and for a cluster of our own. What it cannot do (its
nodes are not ours to cut or kill, its API server not ours to end) it has no method for: tests of
that ask for `own_cluster`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testbed.kubectl import Kubectl
from testbed.programs import program


@dataclass(frozen=True, slots=True)
class GivenCluster:
    """What a ControlPlane and a Cluster have in common."""

    kubeconfig: Path
    kubectl: Kubectl

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Nothing to enter: its pods are reached by `kubectl.forward`."""
        yield


def given_cluster() -> GivenCluster | None:
    """The cluster of the environment, if there is one."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        return None
    on_path = shutil.which("kubectl")
    kubectl = Path(on_path) if on_path else program("kubectl")
    return GivenCluster(Path(path), Kubectl(kubectl, Path(path)))
