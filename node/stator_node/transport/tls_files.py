"""The certificates that pods show each other, and the contexts that they speak under.

In: three files, from the command line. Out: a context for who connects (`links.py`) and one for who
listens (`server.py`). Both sides must show a certificate of the cluster's authority. Who has one is
a pod of the cluster: the names in certificates are not looked at, since pods come and go under
addresses of the moment. `tls_renewal.py` makes the contexts anew when the files are replaced.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn


class TlsRefused(Exception):
    """These files cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: a certificate with what leads to its authority, its key, and the authority.

    The certificate must be good for servers and for clients: a pod is both.
    """

    certificate: Path
    key: Path
    authority: Path

    def context(self, purpose: ssl.Purpose) -> ssl.SSLContext:
        """SERVER_AUTH for who connects, CLIENT_AUTH for who listens. Raises TlsRefused."""
        path = self.authority
        try:
            context = ssl.create_default_context(purpose, cafile=str(path))
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.check_hostname = False
            context.verify_mode = ssl.CERT_REQUIRED
            path = self.certificate
            context.load_cert_chain(self.certificate, self.key, password=self._locked)
        except OSError as error:  # ssl.SSLError is one, too.
            raise TlsRefused(f"{self._blamed(path, error)}: {error.strerror or error}") from error
        return context

    def _locked(self) -> NoReturn:
        raise TlsRefused(
            f"{self.key}: the key is locked by a password, and nobody is here to say it"
        )

    def _blamed(self, path: Path, error: OSError) -> str:
        """OpenSSL reads certificate and key in one go, and does not say which it did not like."""
        if path == self.authority:
            return f"authority {path}"
        if isinstance(error, FileNotFoundError | PermissionError):
            for each in (self.certificate, self.key):
                try:
                    each.open("rb").close()
                except OSError:
                    return f"{each}"
        return f"certificate {path} with key {self.key}"

    def signature(self) -> tuple[object, ...]:
        """Differs whenever a file has been replaced or written to."""
        return tuple(_state_of(path) for path in (self.certificate, self.key, self.authority))


def _state_of(path: Path) -> object:
    try:
        found = path.stat()
    except OSError as error:
        return type(error).__name__
    return found.st_ino, found.st_size, found.st_mtime_ns


def for_connecting(files: TlsFiles | None) -> ssl.SSLContext | None:
    """The context of a pod's links; None where pods speak plainly. Raises TlsRefused."""
    return None if files is None else files.context(ssl.Purpose.SERVER_AUTH)


def for_listening(files: TlsFiles | None) -> ssl.SSLContext | None:
    """The same of a pod's server."""
    return None if files is None else files.context(ssl.Purpose.CLIENT_AUTH)
