"""Both front doors together: opened, told of, closed. Shared by every way to run a gateway.

In: an executor and the settings of the command line, from `local.py` and `local_zones.py`. Out: two
ports that are served, and the line that says so. Invariant: either both doors are open or none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from stator_node.doors import Clock, Executor
from stator_node.gateway.access_keys import AccessKeys
from stator_node.gateway.door_certificate import CertificateRefused, DoorCertificate
from stator_node.gateway.door_files import DoorFiles
from stator_node.gateway.grpc import GrpcDoor
from stator_node.gateway.http import HttpDoor
from stator_node.gateway.http_request import SideDoor
from stator_node.gateway.sigv4 import SignatureVerifier
from stator_node.process import CannotStart

DRAIN_SECONDS = 10.0


class DoorSettings(Protocol):
    """Where to listen, and as whom."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def grpc_port(self) -> int: ...
    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def https(self) -> DoorFiles | None: ...


@dataclass(frozen=True, slots=True)
class FrontDoors:
    """HTTP and gRPC, both open."""

    settings: DoorSettings
    http: HttpDoor
    grpc: GrpcDoor
    grpc_port: int
    accepts_any: bool
    certificate: DoorCertificate | None = None  # that clients are shown
    renewal: asyncio.Task[None] | None = None  # of it

    @classmethod
    async def open(
        cls,
        settings: DoorSettings,
        executor: Executor,
        access_keys: AccessKeys,
        clock: Clock,
        side_doors: Mapping[bytes, SideDoor] | None = None,
    ) -> FrontDoors:
        """Listen on both ports. Raises CannotStart."""
        certificate = _certificate(settings.https)
        account, region = settings.account, settings.region
        verifier = SignatureVerifier(access_keys, clock, account=account)
        http = HttpDoor(executor, verifier, clock, region=region, side_doors=side_doors)
        credentials = None if certificate is None else certificate.credentials
        grpc = GrpcDoor(
            executor, access_keys, clock, account=account, region=region, credentials=credentials
        )
        tls = None if certificate is None else certificate.context
        try:
            await http.start(settings.host, settings.port, tls=tls)
        except OSError as error:
            raise _cannot_listen(settings.host, settings.port, "--port", error) from error
        try:
            grpc_port = await grpc.start(settings.host, settings.grpc_port)
        except (OSError, RuntimeError) as error:
            await http.stop(0.0)
            raise _cannot_listen(settings.host, settings.grpc_port, "--grpc-port", error) from error
        renewal = None if certificate is None else asyncio.create_task(certificate.run())
        accepts_any = access_keys.accepts_any
        return cls(settings, http, grpc, grpc_port, accepts_any, certificate, renewal)

    def say_ready(self, where: str) -> None:
        """Print the line that people read and scripts wait for. `where` the data is, in words."""
        host, port = self.settings.host, self.http.port
        scheme = "http" if self.settings.https is None else "https"
        keys = "any access key is taken" if self.accepts_any else "signatures are verified"
        print(
            f"Stator is ready: {scheme}://{host}:{port} (gRPC {host}:{self.grpc_port}), "
            f"{where}, {keys}.\n"
            f"Try: aws dynamodb list-tables --endpoint-url {scheme}://{host}:{port}",
            flush=True,
        )

    async def close(self) -> None:
        """Take no new requests, let the running ones finish."""
        if self.renewal is not None:
            self.renewal.cancel()
        await asyncio.gather(self.http.stop(DRAIN_SECONDS), self.grpc.stop(DRAIN_SECONDS))


def _certificate(files: DoorFiles | None) -> DoorCertificate | None:
    """What clients are shown, if anything. Raises CannotStart."""
    try:
        return None if files is None else DoorCertificate(files)
    except CertificateRefused as error:
        raise CannotStart(str(error)) from error


def _cannot_listen(host: str, port: int, option: str, error: Exception) -> CannotStart:
    return CannotStart(
        f"cannot listen on {host}:{port}: {error}. "
        f"Another server may be using the port; choose one with {option}"
    )
