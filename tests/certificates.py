"""Certificates of a test, made by the `openssl` command."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from stator_node.transport.tls_files import TlsFiles


class Authority:
    """A certificate authority of a test, and certificates for 127.0.0.1 signed by it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self.certificate = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        self.run(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", str(self._key), "-out", str(self.certificate), "-days", "2"),
            *("-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign"),
        )

    def run(self, *arguments: str) -> None:
        """Run `openssl` with these words."""
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self._folder)

    def sign(self, name: str, *, days: int = 2) -> tuple[Path, Path]:
        """The files of a certificate and its key; a negative number of days: expired."""
        key, request, certificate = (
            self._folder / f"{self._name}-{name}.{suffix}" for suffix in ("key", "csr", "pem")
        )
        extensions = self._folder / "extensions"
        extensions.write_text("subjectAltName=IP:127.0.0.1\n")
        self.run(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", str(key), "-out", str(request), "-subj", f"/CN={name}"),
        )
        self.run(
            *("x509", "-req", "-in", str(request), "-CA", str(self.certificate)),
            *("-CAkey", str(self._key), "-CAcreateserial", "-out", str(certificate)),
            *("-extfile", str(extensions), "-days", str(days)),
        )
        return certificate, key


def laid(folder: Path, name: str, authority: Authority) -> TlsFiles:
    """A pod's three files in its own folder; those that are there are replaced."""
    files = TlsFiles(folder / f"{name}.pem", folder / f"{name}.key", folder / f"{name}.authority")
    certificate, key = authority.sign(name)
    shutil.copy(certificate, files.certificate)
    shutil.copy(key, files.key)
    shutil.copy(authority.certificate, files.authority)
    return files
