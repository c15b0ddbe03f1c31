"""Certificates of a test, made by the `openssl` command."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from pathlib import Path

from stator_node.transport.frame_format import FRAME_HEADER, Kind, decode_refusal
from stator_node.transport.tls_files import TlsFiles

ANSWER_SECONDS = 5.0


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

    def sign(self, name: str, *, days: int = 2, dns: str = "") -> tuple[Path, Path]:
        """The files of a certificate and its key; a negative number of days: expired.

        `dns`: a name that it is for, besides its address.
        """
        key, request, certificate = (
            self._folder / f"{self._name}-{name}.{suffix}" for suffix in ("key", "csr", "pem")
        )
        extensions = self._folder / "extensions"
        names = f"IP:127.0.0.1,DNS:{dns}" if dns else "IP:127.0.0.1"
        extensions.write_text(f"subjectAltName={names}\n")
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


def laid(
    folder: Path, name: str, authority: Authority, *, dns: str = "", peer_name: str | None = None
) -> TlsFiles:
    """A pod's three files in its own folder; those that are there are replaced."""
    files = TlsFiles(
        folder / f"{name}.pem", folder / f"{name}.key", folder / f"{name}.authority", peer_name
    )
    certificate, key = authority.sign(name, dns=dns)
    shutil.copy(certificate, files.certificate)
    shutil.copy(key, files.key)
    shutil.copy(authority.certificate, files.authority)
    return files


def refusal_of(host: str, port: int, files: TlsFiles) -> str:
    """Why a pod hangs up on who shows this certificate. It says nothing else."""
    context = files.context(ssl.Purpose.SERVER_AUTH)
    with (
        socket.create_connection((host, port), ANSWER_SECONDS) as plain,
        context.wrap_socket(plain) as wrapped,
    ):
        heard = b"".join(iter(lambda: wrapped.recv(4096), b""))
    length, kind = FRAME_HEADER.unpack_from(heard)
    payload = heard[FRAME_HEADER.size :]
    assert (length, kind) == (len(payload) + 1, Kind.REFUSED)
    return decode_refusal(payload)
