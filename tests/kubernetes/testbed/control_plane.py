"""A control plane: etcd, API server, controller manager and scheduler, as processes.

Alone it needs no root and no cluster: everything that the API decides can be tested on it
(schemas, CEL, admission, RBAC, server-side apply, leases, controllers that make objects of
objects). Nothing runs a pod there. `cluster.py` gives it nodes.

All ports but the API server's own are any free ones of loopback, so control planes stand side by
side. A control plane that was taken from `KUBEBUILDER_ASSETS` may have no controller manager and no
scheduler; then nothing does their work.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

from testbed.api import Api
from testbed.certificates import Certificates
from testbed.kubectl import Kubectl, KubectlFailed
from testbed.processes import Processes
from testbed.programs import Missing, program

READY_SECONDS = 90.0
SERVICES = "10.96.0.0/16"
NODE_GRACE_SECONDS = 12  # how long a node may be silent before it counts as lost


class ControlPlane:
    """A control plane in `folder`, which is its own and goes when it ends."""

    def __init__(self, folder: Path, address: str = "127.0.0.1", port: int | None = None) -> None:
        self.folder = folder
        self.address = address
        self.port = port or free_port(address)
        self._etcd_port = free_port()
        self._etcd_peer_port = free_port()
        self.certificates = Certificates(folder / "certificates", address, self.port)
        self.kubeconfig = self.certificates.path("admin.kubeconfig")
        self.api = Api(self.certificates.folder, address, self.port)
        self.kubectl = Kubectl(program("kubectl"), self.kubeconfig)
        self.processes = Processes(folder / "logs")

    def start(self) -> ControlPlane:
        """Start all parts and wait until objects can be made. Raises NotReady, Missing."""
        try:
            self.start_etcd()
            self.start_api_server()
            self.start_controllers()
        except BaseException:
            self.end()
            raise
        return self

    def end(self) -> None:
        """End every process by its own id, and remove the folder."""
        self.processes.kill_all()
        shutil.rmtree(self.folder)

    def start_etcd(self) -> None:
        clients = f"http://127.0.0.1:{self._etcd_port}"
        peers = f"http://127.0.0.1:{self._etcd_peer_port}"
        command = [
            *(str(program("etcd")), "--name=test", f"--data-dir={self.folder / 'etcd'}"),
            *(f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}"),
            *(f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}"),
            *(f"--initial-cluster=test={peers}", "--unsafe-no-fsync"),
        ]
        self.processes.start("etcd", command)

    def start_api_server(self) -> None:
        """Start it, or start it again after `kill_api_server`, and wait until it answers."""
        self.processes.start("kube-apiserver", self._api_server_command())
        self.processes.wait_for(
            "kube-apiserver", "ready API server", self.api.is_ready, READY_SECONDS
        )

    def kill_api_server(self) -> None:
        """kill -9, as a node that is lost does it."""
        self.processes.kill("kube-apiserver")

    def start_controllers(self) -> None:
        """Controller manager and scheduler, where they are to be had."""
        try:
            manager, scheduler = program("kube-controller-manager"), program("kube-scheduler")
        except Missing:
            return
        self.processes.start("kube-controller-manager", self._controller_manager_command(manager))
        common = self._controller_options("scheduler")
        self.processes.start("kube-scheduler", [str(scheduler), *common])
        # No pod can be made before the controllers have made its namespace's ServiceAccount.
        self.processes.wait_for(
            "kube-controller-manager",
            "ServiceAccount of the default namespace",
            self._has_default_account,
            READY_SECONDS,
        )

    def _has_default_account(self) -> bool:
        try:
            self.kubectl("get", "serviceaccount", "default", "--namespace=default")
        except KubectlFailed:
            return False
        return True

    def _api_server_command(self) -> list[str]:
        file = self.certificates.path
        if self.address == "127.0.0.1":
            # An endpoint on loopback would lead each pod to itself; there are no pods here.
            endpoints = ["--endpoint-reconciler-type=none", "--advertise-address=127.0.0.1"]
        else:
            endpoints = ["--endpoint-reconciler-type=lease", f"--advertise-address={self.address}"]
        return [
            str(program("kube-apiserver")),
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            f"--bind-address={self.address}",
            f"--secure-port={self.port}",
            *endpoints,
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            # On by default from Kubernetes 1.35 on: a pod learns the zone that it was placed in.
            "--feature-gates=PodTopologyLabelsAdmission=true",
            "--allow-privileged=true",
            f"--service-cluster-ip-range={SERVICES}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={file('service-accounts.pub')}",
            f"--service-account-signing-key-file={file('service-accounts.key')}",
            f"--client-ca-file={file('authority.crt')}",
            f"--tls-cert-file={file('apiserver.crt')}",
            f"--tls-private-key-file={file('apiserver.key')}",
            f"--kubelet-client-certificate={file('kubelet-client.crt')}",
            f"--kubelet-client-key={file('kubelet-client.key')}",
            f"--kubelet-certificate-authority={file('authority.crt')}",
            "--kubelet-preferred-address-types=InternalIP",
            f"--requestheader-client-ca-file={file('authority.crt')}",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={file('front-proxy.crt')}",
            f"--proxy-client-key-file={file('front-proxy.key')}",
        ]

    def _controller_manager_command(self, manager: Path) -> Sequence[str]:
        file = self.certificates.path
        return [
            str(manager),
            *self._controller_options("controller-manager"),
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={file('service-accounts.key')}",
            f"--root-ca-file={file('authority.crt')}",
            f"--cluster-signing-cert-file={file('authority.crt')}",
            f"--cluster-signing-key-file={file('authority.key')}",
            "--node-monitor-period=1s",
            f"--node-monitor-grace-period={NODE_GRACE_SECONDS}s",
            "--allocate-node-cidrs=false",
            f"--flex-volume-plugin-dir={self.folder / 'flex'}",
        ]

    def _controller_options(self, who: str) -> Sequence[str]:
        kubeconfig = self.certificates.path(f"{who}.kubeconfig")
        return [
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--secure-port=0",
            "--leader-elect=false",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        ]


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port
