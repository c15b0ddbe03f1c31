"""The certificate that both doors show to clients, and its replacement while they are open.

In: two PEM files, from the command line. Out: a context for the HTTP door and credentials for the
gRPC door. The files are looked at every second: a connection that begins afterwards is shown the
new certificate, those that are open stay. Clients show no certificate: their signatures say who
they are. Made by `front_doors.py`. Invariant: files that do not fit each other change nothing.
"""

from __future__ import annotations

import asyncio
import logging
import ssl

import grpc

from stator_node.gateway.door_files import DoorFiles

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


class CertificateRefused(Exception):
    """These files cannot be shown; the text says which and why."""


class DoorCertificate:
    """What the doors show. Raises CertificateRefused where the files cannot be used."""

    def __init__(self, files: DoorFiles) -> None:
        self._files = files
        self._seen = files.signature()
        self.context = _context(files)
        self._pair = self._read()
        # gRPC asks from threads of its own, at every handshake.
        self._given = self._pair
        self.credentials = grpc.dynamic_ssl_server_credentials(
            _configuration(self._pair), self._newest
        )

    async def run(self) -> None:
        """Look at the files, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Show what the files hold by now, if they fit each other."""
        signature = self._files.signature()
        if signature == self._seen:
            return
        self._seen = signature
        try:
            _context(self._files)  # In a context of its own first: the one in use must stay whole.
            pair = self._read()
            self.context.load_cert_chain(self._files.certificate, self._files.key)
        except (CertificateRefused, OSError) as error:
            logger.error("the doors' certificate stays as it is: %s", error)
            return
        self._pair = pair
        logger.info("the doors show the certificate of %s anew", self._files.certificate)

    def _read(self) -> tuple[bytes, bytes]:
        return self._files.key.read_bytes(), self._files.certificate.read_bytes()

    def _newest(self) -> grpc.ServerCertificateConfiguration | None:
        """What gRPC is to show from now on; None: what it shows already."""
        pair = self._pair
        if pair == self._given:
            return None
        self._given = pair
        return _configuration(pair)


def _configuration(pair: tuple[bytes, bytes]) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([pair])


def _context(files: DoorFiles) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # SDKs of some years ago know no other
    context.set_alpn_protocols(["http/1.1"])
    try:
        # A password is never asked for: nobody is there to say it.
        context.load_cert_chain(files.certificate, files.key, password="")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError.
        said = getattr(error, "strerror", None) or error
        raise CertificateRefused(
            f"certificate {files.certificate} with key {files.key}: {said}"
        ) from error
    return context
