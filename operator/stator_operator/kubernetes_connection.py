"""How the Kubernetes API is reached, and as whom.

In: the ServiceAccount of the pod that this runs in, or else the file that KUBECONFIG names. Out:
the address, a TLS context and the headers that say who asks. `kubernetes_api.py` asks here for its
requests, and `watches.py` has kopf ask here too, so there is one source of it.

A ServiceAccount's token is replaced on the disk long before it ends, so it is read anew every
minute, and at once when the API server takes it no more.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import kopf
import yaml

TOKEN_SECONDS = 60.0
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
            self.tls = self._found.as_ssl_context()
        except _UNUSABLE as error:
            raise NoCluster(f"its certificates cannot be used: {error!r}") from error

    @property
    def address(self) -> str:
        """`https://HOST:PORT`, without a slash at its end."""
        return self._found.server.rstrip("/")

    def headers(self) -> dict[str, str]:
        """What says who asks."""
        if self._clock() - self._since >= TOKEN_SECONDS:
            self.refused()
        return self._found.as_http_headers()

    def refused(self) -> None:
        """The API server knows the token no more: read it anew. Without another it is kept."""
        self._since = self._clock()
        with contextlib.suppress(NoCluster):
            self._found = self._find()
