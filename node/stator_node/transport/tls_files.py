"""The certificates that pods show each other, and the contexts that they speak under.

In: three files and perhaps a name, from the command line. Out: a context for who connects
(`links.py`) and one for who listens (`server.py`). Both sides must show a certificate of the
cluster's authority. Pods come and go under addresses of the moment, so no certificate is held
against an address: where a name is given, the certificate of every pod must bear that one name
(`stranger` looks once a connection is made), and else whoever has one of the authority is a pod of
the cluster. `tls_renewal.py` makes the contexts anew when the files are replaced.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

SHOWN_CHARACTERS_MAX = 200  # of the names of a stranger


class TlsRefused(Exception):
    """These files cannot be used; the text says which and why."""


class PodContext(ssl.SSLContext):
    """A context that knows which name the other side's certificate must bear; None: any."""

    peer_name: str | None = None


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: a certificate with what leads to its authority, its key, and the authority.

    The certificate must be good for servers and for clients: a pod is both. `peer_name`: the DNS
    name that every pod's certificate must be for; None where the authority signs for nobody else.
    """

    certificate: Path
    key: Path
    authority: Path
    peer_name: str | None = None

    def context(self, purpose: ssl.Purpose) -> PodContext:
        """SERVER_AUTH for who connects, CLIENT_AUTH for who listens. Raises TlsRefused."""
        connects = purpose is ssl.Purpose.SERVER_AUTH
        context = PodContext(ssl.PROTOCOL_TLS_CLIENT if connects else ssl.PROTOCOL_TLS_SERVER)
        context.peer_name = self.peer_name
        # As strict as this Python's own default, which cannot be had of another class.
        context.verify_flags = ssl.create_default_context(purpose).verify_flags
        path = self.authority
        try:
            context.load_verify_locations(path)
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


def stranger(connection: object) -> str | None:
    """Why the other side of a connection is no pod of this cluster, for both logs; None if it is.

    `connection`: what a transport has as its `ssl_object`, None where it speaks plainly.
    """
    if not isinstance(connection, ssl.SSLObject) or not isinstance(connection.context, PodContext):
        return None
    wanted = connection.context.peer_name
    alternatives = (connection.getpeercert() or {}).get("subjectAltName", ())
    names = [str(each[1]) for each in alternatives if each[0] == "DNS"]
    if wanted is None or wanted in names:
        return None
    shown = ", ".join(names)[:SHOWN_CHARACTERS_MAX] or "no DNS name"
    return f"a certificate for {shown}; those of this cluster are for {wanted}"


def for_connecting(files: TlsFiles | None) -> ssl.SSLContext | None:
    """The context of a pod's links; None where pods speak plainly. Raises TlsRefused."""
    return None if files is None else files.context(ssl.Purpose.SERVER_AUTH)


def for_listening(files: TlsFiles | None) -> ssl.SSLContext | None:
    """The same of a pod's server."""
    return None if files is None else files.context(ssl.Purpose.CLIENT_AUTH)
