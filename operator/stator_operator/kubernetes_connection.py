"""How the Kubernetes API is reached, and as whom.

In: the ServiceAccount of the pod that this runs in, or else the file that KUBECONFIG names. Out:
the address, a TLS context and the headers that say who asks. `kubernetes_api.py` asks here for its
requests, and `watches.py` has kopf ask here too, so there is one source of it.

A ServiceAccount's token and the authority of the API server's certificate are replaced on the disk
long before they end, so they are read anew every minute, and at once when the API server takes the
token no more, or shows a certificate that does not fit. What cannot be read then is kept as it was.
"""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import kopf
import yaml

TOKEN_SECONDS = 60.0  # and of all else that is read
# What is not there, not readable, or not of the form that it should have.
_UNUSABLE = (OSError, ValueError, TypeError, AttributeError)


class NoCluster(Exception):
    """Nothing here says where a Kubernetes API is. The text says what was looked for."""


def connection_info() -> kopf.ConnectionInfo:
    """Where the API is, and as whom it is asked. Raises NoCluster."""
    settings = kopf.OperatorSettings()
    try:
        found = kopf.login_with_service_account(settings=settings)
        found = found or kopf.login_with_kubeconfig(settings=settings)
    except (*_UNUSABLE, KeyError, kopf.LoginError, yaml.YAMLError) as error:
        raise NoCluster(f"the kubeconfig cannot be used: {error!r}") from error
    if found is None:
        raise NoCluster("no Kubernetes: no ServiceAccount is mounted, and KUBECONFIG names no file")
    return found


class Connection:
    """The present answer of `find`, not older than a minute. Raises NoCluster where it is made."""

    def __init__(
        self,
        find: Callable[[], kopf.ConnectionInfo] = connection_info,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._clock = clock
        self._found = find()
        self._since = clock()
        try:
            self._files = _files_of(self._found)
            self._tls = self._found.as_ssl_context()
        except _UNUSABLE as error:
            raise NoCluster(f"its certificates cannot be used: {error!r}") from error

    @property
    def address(self) -> str:
        """`https://HOST:PORT`, without a slash at its end."""
        return self._found.server.rstrip("/")

    @property
    def tls(self) -> ssl.SSLContext:
        """Whose certificate is believed, and which is shown. Another one where files changed."""
        self._look()
        return self._tls

    def headers(self) -> dict[str, str]:
        """What says who asks."""
        self._look()
        return self._found.as_http_headers()

    def refused(self) -> None:
        """One side knows the other no more: read all anew. What is not there is kept."""
        self._since = self._clock()
        with contextlib.suppress(NoCluster):
            self._found = self._find()
        with contextlib.suppress(*_UNUSABLE):
            files = _files_of(self._found)
            if files != self._files:
                self._tls = self._found.as_ssl_context()
                self._files = files

    def _look(self) -> None:
        if self._clock() - self._since >= TOKEN_SECONDS:
            self.refused()


def _files_of(found: kopf.ConnectionInfo) -> tuple[object, ...]:
    """What a TLS context is made of. Raises OSError."""
    paths = (found.ca_path, found.certificate_path, found.private_key_path)
    read = [None if path is None else Path(str(path)).read_bytes() for path in paths]
    return (*read, found.ca_data, found.certificate_data, found.private_key_data, found.insecure)
