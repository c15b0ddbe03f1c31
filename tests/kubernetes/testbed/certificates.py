"""Who is who in a control plane: one authority, a certificate for each part, kubeconfigs.

Made with the openssl command, anew for every control plane, and gone with its folder.
"""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

SERVICE_ADDRESS = "10.96.0.1"  # the API server's, inside of a cluster
SERVER_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
# Certificates of clients: file name -> subject.
CLIENTS = {
    "admin": "/O=system:masters/CN=admin",
    "kubelet-client": "/O=system:masters/CN=kube-apiserver-kubelet-client",
    "front-proxy": "/CN=front-proxy",
    "controller-manager": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "proxy": "/CN=system:kube-proxy",
}
WITH_KUBECONFIG = ("admin", "controller-manager", "scheduler", "proxy")
DAYS = "30"


class Certificates:
    """The files of one control plane, all in `folder`: NAME.crt, NAME.key, NAME.kubeconfig."""

    def __init__(self, folder: Path, address: str, port: int) -> None:
        self.folder = folder
        self._server = f"https://{address}:{port}"
        folder.mkdir(parents=True)
        self._make_authority()
        addresses = dict.fromkeys(("127.0.0.1", address, SERVICE_ADDRESS))
        names = [f"IP:{one}" for one in addresses] + [f"DNS:{one}" for one in SERVER_NAMES]
        self._sign("apiserver", "/CN=kube-apiserver", "serverAuth", names)
        for name, subject in CLIENTS.items():
            self._sign(name, subject, "clientAuth")
        for name in WITH_KUBECONFIG:
            self._write_kubeconfig(name)
        self._make_key("service-accounts")
        self._openssl(
            "ec", "-in", "service-accounts.key", "-pubout", "-out", "service-accounts.pub"
        )

    def path(self, name: str) -> Path:
        return self.folder / name

    def add_node(self, name: str, address: str) -> None:
        """The certificate of a kubelet, which is a server and a client."""
        subject = f"/O=system:nodes/CN=system:node:{name}"
        self._sign(name, subject, "serverAuth,clientAuth", [f"DNS:{name}", f"IP:{address}"])
        self._write_kubeconfig(name)

    def _make_authority(self) -> None:
        self._make_key("authority")
        self._openssl(
            *("req", "-x509", "-new", "-key", "authority.key", "-subj", "/CN=test-authority"),
            *("-days", DAYS, "-out", "authority.crt"),
            *("-addext", "basicConstraints=critical,CA:TRUE"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        )

    def _make_key(self, name: str) -> None:
        curve = ("-name", "prime256v1")
        self._openssl("ecparam", *curve, "-genkey", "-noout", "-out", f"{name}.key")

    def _sign(self, name: str, subject: str, usage: str, names: Sequence[str] = ()) -> None:
        self._make_key(name)
        extensions = ["keyUsage=critical,digitalSignature", f"extendedKeyUsage={usage}"]
        if names:
            extensions.append(f"subjectAltName={','.join(names)}")
        self.path(f"{name}.extensions").write_text("\n".join(extensions) + "\n")
        request = f"{name}.request"
        self._openssl("req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", request)
        self._openssl(
            *("x509", "-req", "-in", request, "-CA", "authority.crt", "-CAkey", "authority.key"),
            *("-set_serial", f"0x{secrets.token_hex(8)}", "-days", DAYS),
            *("-extfile", f"{name}.extensions", "-out", f"{name}.crt"),
        )

    def _write_kubeconfig(self, name: str) -> None:
        """As JSON, which every reader of YAML reads; the certificates are in it."""

        def embedded(file: str) -> str:
            return base64.b64encode(self.path(file).read_bytes()).decode()

        cluster = {
            "server": self._server,
            "certificate-authority-data": embedded("authority.crt"),
        }
        user = {
            "client-certificate-data": embedded(f"{name}.crt"),
            "client-key-data": embedded(f"{name}.key"),
        }
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
            "current-context": "test",
        }
        self.path(f"{name}.kubeconfig").write_text(json.dumps(kubeconfig, indent=1))

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)
