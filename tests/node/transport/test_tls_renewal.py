"""Replaced certificates are taken up at once, by new connections, where they fit each other."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from certificates import Authority, laid
from frame_peers import HOST, Pod, run, until
from stator_node.transport.tls_files import TlsFiles, for_connecting, for_listening
from stator_node.transport.tls_renewal import Renewal


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("theirs"), "theirs")


async def two_pods(a_files: TlsFiles, b_files: TlsFiles) -> tuple[Pod, Pod]:
    a = Pod("a", client_tls=for_connecting(a_files), server_tls=for_listening(a_files))
    b = Pod("b", client_tls=for_connecting(b_files), server_tls=for_listening(b_files))
    await a.server.start(HOST, 0)
    await b.start()
    return a, b


def test_a_replaced_authority_is_believed_and_the_old_one_is_not(
    tmp_path: Path, ours: Authority, theirs: Authority
) -> None:
    async def story() -> None:
        a_files, b_files = laid(tmp_path, "a", theirs), laid(tmp_path, "b", ours)
        a, b = await two_pods(a_files, b_files)
        port = b.server.port
        a.connect("b", port)
        renewal = Renewal(b_files, b.links, b.server)
        await asyncio.sleep(0.2)
        assert not a.links.is_up("b")
        laid(tmp_path, "b", theirs)
        await renewal.look()
        await until(lambda: a.links.is_up("b"))
        assert b.server.port == port
        assert (await a.answer_of("b", b"body")).body == b"body"
        # A connection that stands is left alone; a new one of the old authority's is not made.
        laid(tmp_path, "b", ours)
        await renewal.look()
        assert (await a.answer_of("b", b"body")).body == b"body"
        a.links.disconnect("b")
        a.connect("b", port)
        await asyncio.sleep(0.3)
        assert not a.links.is_up("b")

    run(story())


def test_files_that_do_not_fit_each_other_yet_change_nothing(
    tmp_path: Path, ours: Authority, theirs: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        a_files, b_files = laid(tmp_path, "a", ours), laid(tmp_path, "b", ours)
        a, b = await two_pods(a_files, b_files)
        renewal = Renewal(b_files, b.links, b.server)
        certificate, key = theirs.sign("b")
        shutil.copy(certificate, b_files.certificate)
        for _ in range(3):
            await renewal.look()
        a.connect("b", b.server.port)
        await until(lambda: a.links.is_up("b"))
        shutil.copy(key, b_files.key)
        shutil.copy(theirs.certificate, b_files.authority)
        await renewal.look()
        a.links.disconnect("b")
        a.connect("b", b.server.port)
        await asyncio.sleep(0.2)
        assert not a.links.is_up("b"), "the new certificate is shown"

    run(story())
    complaints = [line for line in caplog.messages if "the old ones stay" in line]
    assert len(complaints) == 1
    assert f"certificate {tmp_path / 'b.pem'} with key {tmp_path / 'b.key'}" in complaints[0]
