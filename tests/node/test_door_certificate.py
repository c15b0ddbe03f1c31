"""Both doors show a certificate, and another as soon as the files hold another."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from certificates import Authority
from small_table import SmallTable
from stator_node import cli
from stator_node.cli import LocalSettings
from stator_node.clock import SystemClock
from stator_node.front_doors import FrontDoors
from stator_node.gateway.access_keys import AccessKeys
from stator_node.gateway.door_certificate import CertificateRefused, DoorCertificate
from stator_node.gateway.door_files import DoorFiles
from stator_node.process import CannotStart

HEALTHY = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Folder:
    """Two authorities, and the files that the doors have."""

    def __init__(self, path: Path) -> None:
        self.authorities = [Authority(path, name) for name in ("old", "new")]
        self.files = DoorFiles(path / "tls.crt", path / "tls.key")
        self.lay(0)

    def lay(self, number: int) -> None:
        certificate, key = self.authorities[number].sign("door")
        # As a kubelet does it: both at once, to whoever looks afterwards.
        for source, target in ((certificate, self.files.certificate), (key, self.files.key)):
            target.unlink(missing_ok=True)
            target.write_bytes(source.read_bytes())

    def trusting(self, number: int) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authorities[number].certificate))

    def root(self, number: int) -> bytes:
        return self.authorities[number].certificate.read_bytes()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def folder(made: Folder) -> Folder:
    made.lay(0)
    return made


def settings(files: DoorFiles) -> LocalSettings:
    parsed = cli.parse(["local"])
    assert isinstance(parsed, LocalSettings)
    return replace(parsed, port=0, grpc_port=0, https=files)


def with_doors(files: DoorFiles, body: Callable[[FrontDoors], Awaitable[None]]) -> None:
    async def run() -> None:
        keys = AccessKeys.any_key()
        doors = await FrontDoors.open(settings(files), SmallTable(), keys, SystemClock())
        try:
            await body(doors)
        finally:
            await doors.close()

    asyncio.run(run())


async def ask_http(doors: FrontDoors, tls: ssl.SSLContext | None) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", doors.http.port, ssl=tls)
    writer.write(HEALTHY)
    try:
        return await reader.readline()
    finally:
        writer.close()


async def ask_grpc(doors: FrontDoors, root: bytes) -> None:
    """A health check. Raises grpc.aio.AioRpcError where the door is not trusted."""
    credentials = grpc.ssl_channel_credentials(root)
    async with grpc.aio.secure_channel(f"127.0.0.1:{doors.grpc_port}", credentials) as channel:
        await channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10)


def test_both_doors_speak_tls_to_who_trusts_them(folder: Folder) -> None:
    async def body(doors: FrontDoors) -> None:
        assert b"200" in await ask_http(doors, folder.trusting(0))
        await ask_grpc(doors, folder.root(0))

    with_doors(folder.files, body)


def test_nobody_is_answered_plainly(folder: Folder) -> None:
    async def body(doors: FrontDoors) -> None:
        try:
            said = await ask_http(doors, None)
        except ConnectionError:
            said = b""
        assert b"HTTP/1.1 200" not in said

    with_doors(folder.files, body)


def test_another_certificate_is_shown_without_a_restart(folder: Folder) -> None:
    async def body(doors: FrontDoors) -> None:
        assert doors.certificate is not None
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", doors.http.port, ssl=folder.trusting(0)
        )
        folder.lay(1)
        doors.certificate.look()

        assert b"200" in await ask_http(doors, folder.trusting(1))
        await ask_grpc(doors, folder.root(1))
        with pytest.raises(ssl.SSLCertVerificationError):
            await ask_http(doors, folder.trusting(0))
        with pytest.raises(grpc.aio.AioRpcError):
            await ask_grpc(doors, folder.root(0))
        # What was open goes on.
        writer.write(HEALTHY)
        assert b"200" in await reader.readline()
        writer.close()

    with_doors(folder.files, body)


def test_files_that_do_not_fit_change_nothing(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(doors: FrontDoors) -> None:
        assert doors.certificate is not None
        _, other = folder.authorities[1].sign("stranger")
        folder.files.key.write_bytes(other.read_bytes())
        doors.certificate.look()
        assert b"200" in await ask_http(doors, folder.trusting(0))
        await ask_grpc(doors, folder.root(0))

        folder.files.key.unlink()
        doors.certificate.look()
        assert b"200" in await ask_http(doors, folder.trusting(0))

    with_doors(folder.files, body)
    assert "the doors' certificate stays as it is" in caplog.text
    assert "PRIVATE" not in caplog.text


def test_what_cannot_be_shown_is_refused_at_the_start(folder: Folder) -> None:
    missing = replace(folder.files, key=folder.files.key.with_name("none"))
    with pytest.raises(CertificateRefused, match="No such file"):
        DoorCertificate(missing)

    with pytest.raises(CannotStart, match="No such file"):
        with_doors(missing, lambda doors: asyncio.sleep(0))


def test_one_file_alone_is_no_certificate(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.parse(["local", "--https-key=k"])

    assert "go together" in capsys.readouterr().err


def test_the_ready_line_says_https(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    async def body(doors: FrontDoors) -> None:
        doors.say_ready("data in a folder")

    with_doors(folder.files, body)

    said = capsys.readouterr().out
    assert "Stator is ready: https://127.0.0.1:" in said
    assert "--endpoint-url https://127.0.0.1:" in said
