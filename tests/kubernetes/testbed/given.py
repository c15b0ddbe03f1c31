"""A cluster that somebody else runs: the one that `KUBECONFIG` leads to (kind, a cloud).

It stands in for a control plane of our own and for a cluster of our own. What it cannot do (its
nodes are not ours to cut or kill, its API server not ours to end) it has no method for: tests of
that ask for `own_cluster`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
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

    @contextlib.contextmanager
    def reached(self, service: str, ports: Sequence[int], namespace: str) -> Iterator[list[str]]:
        """Where these ports of a Service are found, for as long as its pod stays the same."""
        with contextlib.ExitStack() as forwards:
            ways = [self.kubectl.forward(f"svc/{service}", port, namespace) for port in ports]
            yield [f"127.0.0.1:{forwards.enter_context(way)}" for way in ways]


def given_cluster() -> GivenCluster | None:
    """The cluster of the environment, if there is one."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        return None
    on_path = shutil.which("kubectl")
    kubectl = Path(on_path) if on_path else program("kubectl")
    return GivenCluster(Path(path), Kubectl(kubectl, Path(path)))
