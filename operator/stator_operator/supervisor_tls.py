"""How the operator and a pool's supervisor prove to each other who they are.

In: the supervisor's pod, and the Secret that it shows its certificate from. Out: a TLS context, in
which the operator shows the same certificate: who has it is of the pool. Read by `observe.py`, used
by `supervisor_client.py`. Invariant: a key lies in a file only while OpenSSL reads it.
"""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from stator_operator.kubernetes_kinds import Object
from stator_operator.objects.pod import TLS

CONTEXTS_MAX = 256


class IdentityRefused(Exception):
    """The Secret holds no certificate that can be shown. No key is in the text."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate, its key and the authorities that are trusted, in PEM."""

    certificate: bytes
    key: bytes = field(repr=False)
    authority: bytes


def identity_secret_name(pod: Object) -> str | None:
    """The Secret that the pod has its certificate from; None: it speaks plainly."""
    for volume in pod["spec"].get("volumes", ()):
        if volume["name"] == TLS:
            name: str = volume["secret"]["secretName"]
            return name
    return None


def identity_of(secret: Object) -> Identity:
    """What a Secret of the kind `kubernetes.io/tls` holds. Raises IdentityRefused."""
    data = secret.get("data") or {}
    try:
        parts = [base64.b64decode(data[name]) for name in ("tls.crt", "tls.key", "ca.crt")]
    except (KeyError, binascii.Error) as error:
        name = secret["metadata"]["name"]
        raise IdentityRefused(f"Secret {name} has no readable {error}") from None
    return Identity(*parts)


class Contexts:
    """TLS contexts by identity: made once, since each costs milliseconds."""

    def __init__(self) -> None:
        self._made: OrderedDict[Identity, ssl.SSLContext] = OrderedDict()

    def of(self, identity: Identity) -> ssl.SSLContext:
        """The context. Raises IdentityRefused."""
        if identity not in self._made:
            self._made[identity] = _context(identity)
            if len(self._made) > CONTEXTS_MAX:
                self._made.popitem(last=False)
        self._made.move_to_end(identity)
        return self._made[identity]


def _context(identity: Identity) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=identity.authority.decode("ascii"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            Path(file.name).write_bytes(identity.certificate + b"\n" + identity.key)
            context.load_cert_chain(file.name, password="")
    except (ssl.SSLError, ValueError) as error:
        # What OpenSSL says names no key: `[X509: NO_CERTIFICATE_OR_CRL_FOUND]` and its like.
        raise IdentityRefused(f"the certificate cannot be used: {error}") from None
    return context
