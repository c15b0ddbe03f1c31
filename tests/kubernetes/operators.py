"""The operator as a process of its own beside a cluster, as a ServiceAccount with just its rules.

Used by the tests in this folder. The process is this tree's; what it may do is what
`stator_operator.access_rules` says, bound to an account that is made for it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from stator_operator.access_rules import own_rules, served_rules
from stator_operator.custom_resources import RESOURCES
from stator_operator.operator_settings import LEASE_NAME
from testbed.kubectl import Kubectl

Object = dict[str, Any]

ACCOUNT = "stator-operator"
CRDS = Path(__file__).resolve().parents[2] / "crds"
WAIT_SECONDS = 60.0
PORT = re.compile(r"answers at port (\d+)")


def define_resources(kubectl: Kubectl) -> None:
    """The definitions of `crds/`, and the server knows them."""
    kubectl("apply", "--server-side", f"--filename={CRDS}")
    names = (f"{each.plural}.stator.dev" for each in RESOURCES)
    kubectl.wait("condition=Established", "crd", *names)


def account_objects(namespace: str, *, all_namespaces: bool) -> list[Object]:
    """The account and its roles; `namespace` is the operator's own, and what it serves if not all.

    Names of what is of the whole cluster are those of the namespace: tests stand side by side.
    """
    whole = f"{ACCOUNT}-{namespace}"
    account = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}
    made: list[Object] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _named(ACCOUNT, namespace)},
        *_bound("Role", f"{ACCOUNT}-own", namespace, own_rules(LEASE_NAME), account),
    ]
    if all_namespaces:
        return [*made, *_bound("ClusterRole", whole, None, served_rules(), account)]
    return [*made, *_bound("Role", ACCOUNT, namespace, served_rules(), account)]


def _named(name: str, namespace: str | None) -> Object:
    return {"name": name} if namespace is None else {"name": name, "namespace": namespace}


def _bound(
    kind: str, name: str, namespace: str | None, rules: list[Object], account: Object
) -> list[Object]:
    """A role, and its binding to the account."""
    group = "rbac.authorization.k8s.io"
    head = {"apiVersion": f"{group}/v1", "metadata": _named(name, namespace)}
    reference = {"apiGroup": group, "kind": kind, "name": name}
    return [
        {**head, "kind": kind, "rules": rules},
        {**head, "kind": f"{kind}Binding", "roleRef": reference, "subjects": [account]},
    ]


class OperatorProcess:
    """Starts the operator and ends it. `log`: the file of what it says."""

    def __init__(
        self,
        kubectl: Kubectl,
        namespace: str,
        folder: Path,
        image: str,
        *,
        name: str = "one",
        all_namespaces: bool = False,
        words: tuple[str, ...] = (),
    ) -> None:
        self.kubectl = kubectl
        self.namespace = namespace
        self.log = folder / f"{name}.log"
        self._kubeconfig = folder / f"{name}.kubeconfig"
        served = "--all-namespaces" if all_namespaces else f"--namespace={namespace}"
        self._command = [
            *(sys.executable, "-m", "stator_operator", served, f"--own-namespace={namespace}"),
            *(f"--identity={name}", f"--image={image}", "--port=0", "--resync-seconds=5", *words),
        ]
        objects = account_objects(namespace, all_namespaces=all_namespaces)
        kubectl.apply(*objects, namespace=namespace)
        self._write_kubeconfig()
        self._process: subprocess.Popen[bytes] | None = None

    def _write_kubeconfig(self) -> None:
        """The cluster's address and authority, and a token of the account instead of the admin."""
        config = json.loads(
            self.kubectl("config", "view", "--raw", "--flatten", "--minify", "--output=json")
        )
        token = self.kubectl("create", "token", ACCOUNT, f"--namespace={self.namespace}").strip()
        config["users"] = [{"name": ACCOUNT, "user": {"token": token}}]
        config["contexts"][0]["context"]["user"] = ACCOUNT
        self._kubeconfig.write_text(json.dumps(config))

    def __enter__(self) -> OperatorProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def id(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        environment = {**os.environ, "KUBECONFIG": str(self._kubeconfig)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """kill -9."""
        self.signal(signal.SIGKILL)
        self.ended()

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        return self._process.wait(WAIT_SECONDS)

    def says(self) -> str:
        return self.log.read_text()

    def wait_until_says(self, words: str, count: int = 1) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while self.says().count(words) < count:
            assert time.monotonic() < deadline, f"{words!r} not said:\n{self.says()}"
            time.sleep(0.1)

    def figure(self, name: str, **labels: str) -> float:
        """A figure of /metrics, summed up over what has these labels."""
        port = PORT.findall(self.says())[-1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if re.match(rf"stator_operator_{name}[ {{]", line) and all(w in line for w in wanted)
        )

    def resident_bytes(self) -> int:
        """The memory that it has."""
        for line in Path(f"/proc/{self.id}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1_024
        raise AssertionError("it has ended")
