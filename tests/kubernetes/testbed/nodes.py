"""The nodes of a cluster: real ones, each a few namespaces on this machine.

`cluster.py` makes three, and calls here with its own network namespace entered. A node is one
process tree behind `node.sh`; it can be cut off, killed as by a power cut, and started again on
what its disk holds.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.certificates import Certificates
from testbed.images import PAUSE
from testbed.processes import NotReady, Processes
from testbed.programs import found, program

SCRIPT = Path(__file__).resolve().parent / "node.sh"
CONNECT = SCRIPT.with_name("connect.sh")
BRIDGE = "nodes"
NODES_MAX = 4
GATEWAY = "10.88.0.1"  # the cluster's own end of the bridge: API server and DNS
PODS = "10.244.0.0/16"
CGROUPS = Path("/sys/fs/cgroup")
# Debian keeps the plugins here; others, where their packages do.
CNI_PLUGINS = ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni")
IMPORT_SECONDS = 300.0
END_SECONDS = 30.0

CONTAINERD = """\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  disable_apparmor = true

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{folder}/network"
"""


@dataclass(frozen=True, slots=True)
class NodeName:
    """Which node: its number, from 1 to `NODES_MAX`, decides name and addresses."""

    number: int

    @property
    def name(self) -> str:
        return f"node-{self.number}"

    @property
    def address(self) -> str:
        return f"10.88.0.{10 + self.number}"

    @property
    def pods(self) -> str:
        return f"10.244.{self.number}.0/24"

    @property
    def link(self) -> str:
        """Its cable, as the bridge's side names it."""
        return f"to-{self.name}"


class Node:
    """One node. All calls want the cluster's network namespace entered."""

    def __init__(
        self,
        who: NodeName,
        zone: str,
        folder: Path,
        cluster_id: str,
        certificates: Certificates,
        processes: Processes,
    ) -> None:
        self.name = who.name
        self.zone = zone
        self.address = who.address
        self._who = who
        self._folder = folder
        self._cgroup = f"{cluster_id}-{who.name}"
        self._certificates = certificates
        self._processes = processes
        certificates.add_node(who.name, who.address)

    def start(self, archives: Sequence[Path]) -> None:
        """Start it with the images of those archives; does not wait for it."""
        self._folder.mkdir(exist_ok=True)
        self._write_configuration()
        others = [NodeName(number) for number in range(1, NODES_MAX + 1)]
        others.remove(self._who)
        routes = " ".join(f"{other.pods}={other.address}" for other in others)
        environment = {
            "NAME": self.name,
            "ADDRESS": self.address,
            "GATEWAY": GATEWAY,
            "CGROUP": self._cgroup,
            "FOLDER": str(self._folder),
            "PROGRAMS": str(program("kubelet").parent),
            "KUBECONFIG": str(self._certificates.path(f"{self.name}.kubeconfig")),
            "ZONE": self.zone,
            "ROUTES": routes,
        }
        spaces = ("--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
        command = ["unshare", *spaces, "--propagation=private", str(SCRIPT), *map(str, archives)]
        outer = self._processes.start(self.name, command, os.environ | environment)
        self._connect(self._inner(outer))

    def kill(self) -> None:
        """The power is cut: every process of the node is gone at once.

        What lies in volumes stays, and what the kubelet knows; images and containers do not.
        """
        self._processes.kill(self.name)
        run("ip", "link", "delete", self._who.link, check=False)

    def cut(self) -> None:
        """Nothing reaches the node any more, and it reaches nothing."""
        run("ip", "link", "set", self._who.link, "down")

    def mend(self) -> None:
        """The cable is whole again."""
        run("ip", "link", "set", self._who.link, "up")

    def is_running(self) -> bool:
        return self._processes.is_running(self.name)

    def logs(self) -> str:
        """The ends of its logs, for whoever has to find out why it is not well."""
        files = [self._folder / f"{name}.log" for name in ("containerd", "kubelet", "proxy")]
        ends = [self._processes.log(self.name)]
        for file in files:
            lines = file.read_text(errors="replace").splitlines() if file.exists() else []
            ends += [f"-- {file.name}", *lines[-8:]]
        return "\n".join(ends)

    def run(self, *command: str) -> subprocess.Popen[str]:
        """Start a command on the node, where it sees the node's containerd and its files."""
        pid = self._inner(self._processes.pid(self.name))
        inside = ("nsenter", f"--target={pid}", "--mount", "--net", "--pid")
        return subprocess.Popen(
            [*inside, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def load(self, archive: Path) -> subprocess.Popen[str]:
        """Start to bring an image onto the node."""
        return self.run("ctr", "--namespace=k8s.io", "images", "import", str(archive))

    def kill_container(self, pod: str, container: str, namespace: str) -> None:
        """kill -9 for what runs in a container; the kubelet starts it again. Raises NotReady."""
        labels = {"namespace": namespace, "name": pod}
        wanted = [f'labels."io.kubernetes.pod.{key}"=={value}' for key, value in labels.items()]
        wanted.append(f'labels."io.kubernetes.container.name"=={container}')
        ids = self._ctr("containers", "list", "--quiet", ",".join(wanted)).split()
        running = self._ctr("tasks", "list", "--quiet").split()
        (found,) = set(ids) & set(running)
        self._ctr("tasks", "kill", "--signal=SIGKILL", found)

    def _ctr(self, *words: str) -> str:
        """What containerd's own client says. Raises NotReady."""
        asking = self.run("ctr", "--namespace=k8s.io", *words)
        said, _ = asking.communicate(timeout=END_SECONDS)
        if asking.returncode:
            raise NotReady(f"ctr {' '.join(words)}: {said}")
        return said

    def tag(self, image: str, name: str) -> None:
        """Have the node know an image by another name as well. Raises NotReady."""
        self._ctr("images", "tag", image, name)

    def forget(self) -> None:
        """Remove the cgroups that the node has left; it must have been killed.

        Its first process has ended; the last of those that went with it may still be on its way.
        """
        deadline = time.monotonic() + END_SECONDS
        while True:
            try:
                remove_cgroups(self._cgroup)
                return
            except OSError as failure:
                if failure.errno != errno.EBUSY or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def _inner(self, outer: int) -> int:
        """The node's first process, as the rest of the machine counts it."""
        children = Path(f"/proc/{outer}/task/{outer}/children")
        self._processes.wait_for(
            self.name, "process of the node", lambda: bool(children.read_text().strip()), 10
        )
        return int(children.read_text().split()[0])

    def _connect(self, inner: int) -> None:
        who = self._who
        run(str(CONNECT), BRIDGE, who.link, str(inner), who.address, who.pods)

    def _write_configuration(self) -> None:
        plugins = next((place for place in CNI_PLUGINS if Path(place, "bridge").exists()), None)
        if plugins is None:
            raise NotReady("no bridge plugin of CNI in " + ", ".join(CNI_PLUGINS))
        text = CONTAINERD.format(pause=PAUSE, plugins=plugins, folder=self._folder)
        (self._folder / "containerd.conf").write_text(text)
        (self._folder / "resolv.conf").write_text(f"nameserver {GATEWAY}\n")
        (self._folder / "network").mkdir(exist_ok=True)
        for file, content in {
            "network/bridge.conflist": self._network(),
            "kubelet.json": self._kubelet(),
            "proxy.json": proxy_configuration(self.name, self.address, self._certificates),
        }.items():
            (self._folder / file).write_text(json.dumps(content, indent=1))

    def _network(self) -> Any:
        addresses = {
            "type": "host-local",
            "ranges": [[{"subnet": self._who.pods}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        }
        bridge = {
            "type": "bridge",
            "bridge": "pods",
            "isGateway": True,
            "ipMasq": False,
            "hairpinMode": True,
            "ipam": addresses,
        }
        ports = {"type": "portmap", "capabilities": {"portMappings": True}}
        return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, ports]}

    def _kubelet(self) -> Any:
        file = self._certificates.path
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": self.address,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(file("authority.crt"))},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(file(f"{self.name}.crt")),
            "tlsPrivateKeyFile": str(file(f"{self.name}.key")),
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._cgroup}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "clusterDomain": "cluster.local",
            "clusterDNS": [GATEWAY],
            "resolvConf": str(self._folder / "resolv.conf"),
            "volumePluginDir": str(self._folder / "flex"),
            # A full disk of the machine is not the cluster's matter. No memory at all to keep free
            # would end the kubelet.
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {
                "nodefs.available": "0%",
                "nodefs.inodesFree": "0%",
                "imagefs.available": "0%",
                "memory.available": "1Mi",
            },
            "nodeStatusUpdateFrequency": "2s",
            "nodeLeaseDurationSeconds": 8,
            # Half of the usual, so that what waits for it takes no minutes, and still long enough
            # to tell what is brought at once from what is brought when the kubelet looks next.
            "syncFrequency": "30s",
        }


def proxy_configuration(name: str, address: str, certificates: Certificates) -> Any:
    """Of kube-proxy, on a node or in the cluster's own network namespace."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": PODS,
        "hostnameOverride": name,
        "bindAddress": address,
        "healthzBindAddress": f"{address}:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "clientConnection": {"kubeconfig": str(certificates.path("proxy.kubeconfig"))},
        # The machine's own, which no namespace may change.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def remove_cgroups(name: str) -> None:
    """Remove the cgroups of that name from every hierarchy. Raises OSError (EBUSY) where one
    still holds a process."""
    for top in CGROUPS.glob(f"*/{name}"):
        for folder, _, _ in os.walk(top, topdown=False):
            os.rmdir(folder)


def run(*command: str, check: bool = True) -> None:
    """A command of the network namespace that is entered. Raises NotReady with its complaint."""
    words = [command[0] if "/" in command[0] else str(found(command[0])), *command[1:]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    if check and done.returncode:
        raise NotReady(f"{' '.join(command)}: {done.stderr.strip()}")
