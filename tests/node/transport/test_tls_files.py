"""Certificates of pods: files that cannot be used are named, and nobody is asked for a password."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from certificates import Authority, laid
from stator_node.transport.tls_files import TlsFiles, TlsRefused, for_connecting, for_listening


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


def test_a_pod_without_files_speaks_plainly() -> None:
    assert for_connecting(None) is None
    assert for_listening(None) is None


@pytest.mark.parametrize("which", ["certificate", "key", "authority"])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, ours: Authority, which: str, content: bytes | None
) -> None:
    files = laid(tmp_path, "a", ours)
    path: Path = getattr(files, which)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)

    with pytest.raises(TlsRefused, match=path.name):
        files.context(ssl.Purpose.CLIENT_AUTH)


def test_a_key_with_a_password_is_refused_and_nobody_is_asked(
    tmp_path: Path, ours: Authority
) -> None:
    files = laid(tmp_path, "a", ours)
    locked = tmp_path / "locked"
    ours.run("ec", "-in", str(files.key), "-aes128", "-passout", "pass:x", "-out", str(locked))

    with pytest.raises(TlsRefused, match="locked by a password"):
        TlsFiles(files.certificate, locked, files.authority).context(ssl.Purpose.SERVER_AUTH)
