"""A whole cluster on one machine: a control plane and three nodes in three zones.

It lives in a network namespace of its own, so that its addresses, its routes and its packet filter
are nobody else's: any number of clusters stand side by side with the same addresses. Whoever wants
to reach its pods and Services enters the namespace (`entered()`): the bridge leads to all of them.

    outside ─ nothing leads in but the namespace's file descriptor
      │
    namespace: etcd, API server, controllers, CoreDNS, kube-proxy, volumes.py     10.88.0.1
      └─ bridge ─┬─ node-1, zone-1: containerd, kubelet, kube-proxy, its pods     10.88.0.11
                 ├─ node-2, zone-2                                                10.88.0.12
                 └─ node-3, zone-3                                                10.88.0.13

Root only: namespaces, mounts and cgroups are made. Everything that is made goes with `end()`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from testbed import volumes
from testbed.control_plane import SERVICES, ControlPlane
from testbed.images import basic_images
from testbed.kubectl import Kubectl, KubectlFailed
from testbed.network_namespace import NetworkNamespace
from testbed.nodes import (
    BRIDGE,
    CGROUPS,
    GATEWAY,
    IMPORT_SECONDS,
    NODES_MAX,
    Node,
    NodeName,
    proxy_configuration,
    remove_cgroups,
    run,
)
from testbed.processes import NotReady, Processes
from testbed.programs import Missing, found, program

NODES = 3
READY_SECONDS = 120.0
STORAGE_CLASS = "zonal"
MACHINE_CLASS = "of-one-machine"
PREFIX = "stator-test-"  # of the cgroups; then the process id of who made them
# Programs of packages: where one is not there, no cluster can be.
NEEDED = ("containerd", "ctr", "runc", "ip", "nft", "conntrack", "unshare", "nsenter", "setpriv")

COREDNS = """\
.:53 {{
  bind {address}
  errors
  ready 127.0.0.1:18181
  cache 2
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {kubeconfig}
    pods insecure
    ttl 2
  }}
}}
"""


def require() -> None:
    """Raises Missing where this machine cannot run nodes."""
    if os.geteuid() != 0:
        raise Missing("nodes need root: namespaces, mounts and cgroups are made for them")
    if not Path("/sys/fs/cgroup/memory").is_dir():
        raise Missing("these nodes know cgroup v1 only; give a KUBECONFIG of another cluster")
    for name in NEEDED:
        found(name)


def remove_what_was_left() -> None:
    """Remove the cgroups of clusters whose test run was killed: all that it could leave.

    One that still ends keeps its own for now; whoever starts the next cluster comes by again.
    """
    for folder in CGROUPS.glob(f"*/{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            with contextlib.suppress(OSError):
                remove_cgroups(folder.name)


class Cluster:
    """A cluster in `folder`, which is its own and goes when it ends."""

    def __init__(self, folder: Path) -> None:
        require()
        remove_what_was_left()
        self.folder = folder
        self.id = f"{PREFIX}{os.getpid()}-{secrets.token_hex(3)}"
        self._archives = sorted(basic_images().glob("*.tar"))
        self._network = NetworkNamespace()
        self.processes = Processes(folder / "logs")
        with self.entered():
            self._make_bridge()
            self.control_plane = ControlPlane(folder / "control-plane", GATEWAY, 6443)
            numbers = range(1, NODES + 1)
            self.nodes = [self._node(number, f"zone-{number}") for number in numbers]

    @property
    def kubeconfig(self) -> Path:
        return self.control_plane.kubeconfig

    @property
    def kubectl(self) -> Kubectl:
        return self.control_plane.kubectl

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Run the calling thread, and what it starts meanwhile, in the cluster's network."""
        with self._network.entered():
            yield

    @contextlib.contextmanager
    def reached(self, service: str, ports: Sequence[int], namespace: str) -> Iterator[list[str]]:
        """Where these ports of a Service are found, from within the cluster's network."""
        found = self.kubectl.get("service", service, f"--namespace={namespace}")
        yield [f"{found['spec']['clusterIP']}:{port}" for port in ports]

    def start(self) -> Cluster:
        """Start it and wait until its nodes are Ready. Raises NotReady, Missing."""
        try:
            with self.entered():
                self.control_plane.start()
                for node in self.nodes:
                    self.start_node(node)
                self._start_services()
                for node in self.nodes:
                    self.wait_until_ready(node)
        except BaseException:
            self.end()
            raise
        return self

    def start_node(self, node: Node) -> None:
        """Start a node, or start it again, with every image that the cluster has."""
        with self.entered():
            node.start(self._archives)

    def wait_until_ready(self, node: Node) -> None:
        """Wait until a node that was just started is Ready. Raises NotReady with its logs."""
        try:
            self.processes.wait_for(node.name, "Ready node", lambda: self._is_ready(node), 120)
        except NotReady as failure:
            raise NotReady(f"{failure}\n{node.logs()}") from failure

    def load(self, archive: Path) -> None:
        """Bring the image of an archive onto every node. Raises NotReady.

        The archive stays where it is: a node that is started again reads it again.
        """
        self._archives.append(archive)
        with self.entered():
            imports = [node.load(archive) for node in self.nodes if node.is_running()]
            for importing in imports:
                written, _ = importing.communicate(timeout=IMPORT_SECONDS)
                if importing.returncode:
                    raise NotReady(f"import of {archive.name}: {written}")

    def tag(self, image: str, name: str) -> None:
        """Have every node know an image by another name as well. Raises NotReady."""
        with self.entered():
            for node in self.nodes:
                node.tag(image, name)

    def end(self) -> None:
        """End every process, remove cgroups and folder; the namespaces go with the processes."""
        self.processes.kill_all()
        self.control_plane.end()
        for node in self.nodes:
            node.forget()
        self._network.close()
        shutil.rmtree(self.folder)

    def add_node(self, zone: str) -> Node:
        """One more machine in a zone, which is started and not waited for."""
        with self.entered():
            node = self._node(NODES_MAX, zone)
        self.nodes.append(node)
        self.start_node(node)
        return node

    def lose_node(self, node: Node) -> None:
        """The machine's power is cut, and it never comes back. Its Node object stays."""
        with self.entered():
            node.kill()
        node.forget()
        self.nodes.remove(node)

    def _node(self, number: int, zone: str) -> Node:
        who = NodeName(number)
        folder = self.folder / who.name
        certificates = self.control_plane.certificates
        return Node(who, zone, folder, self.id, certificates, self.processes)

    def _make_bridge(self) -> None:
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "address", "add", f"{GATEWAY}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        # What is sent to a Service goes through kube-proxy's rules, if only it has a way to go.
        run("ip", "route", "add", SERVICES, "dev", BRIDGE)

    def _start_services(self) -> None:
        """What a cluster has beside control plane and nodes: Services, names, volumes."""
        certificates = self.control_plane.certificates
        self.kubectl.apply(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "kube-proxy"},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": "system:node-proxier",
                },
                "subjects": [{"kind": "User", "name": "system:kube-proxy"}],
            },
            volumes.storage_class(STORAGE_CLASS),
            volumes.storage_class(MACHINE_CLASS, default=False, bound_to=volumes.MACHINE),
        )
        proxy = self.folder / "proxy.json"
        proxy.write_text(
            json.dumps(proxy_configuration(socket.gethostname(), GATEWAY, certificates))
        )
        self.processes.start("kube-proxy", [str(program("kube-proxy")), f"--config={proxy}"])
        names = self.folder / "coredns.conf"
        names.write_text(COREDNS.format(address=GATEWAY, kubeconfig=self.kubeconfig))
        self.processes.start("coredns", [str(program("coredns")), "-conf", str(names)])
        place = self.folder / "volumes"
        place.mkdir()
        words = [str(certificates.folder), GATEWAY, str(self.control_plane.port), str(place)]
        self.processes.start("volumes", [sys.executable, volumes.__file__, *words])

    def _is_ready(self, node: Node) -> bool:
        condition = "{.status.conditions[?(@.type=='Ready')].status}"
        try:
            told = self.kubectl("get", "node", node.name, f"--output=jsonpath={condition}")
        except KubectlFailed:
            return False
        return told == "True"
