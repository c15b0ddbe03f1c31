"""The operator's certificates are such that the pods' own TLS takes them, at its strictest."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from stator_node.transport.tls_files import TlsFiles
from stator_operator.certificate_plan import AUTHORITY_SECONDS, DAY_SECONDS
from stator_operator.certificates import (
    KeyPair,
    Unreadable,
    bundle_parts,
    make_authority,
    read_authority,
    read_certificate,
    sign,
)

NOW = 1_795_000_000.0  # epoch seconds
NAMES = ("one-gateway", "one-gateway.music.svc", "localhost")
LIFETIME = 90.0 * DAY_SECONDS
STRICT = getattr(ssl, "VERIFY_X509_STRICT", 0)


@pytest.fixture
def now() -> float:
    """Handshakes go by the machine's clock; nothing else here does."""
    import time

    return time.time()


def laid(folder: Path, name: str, pair: KeyPair, bundle: bytes) -> TlsFiles:
    files = TlsFiles(*(folder / f"{name}.{kind}" for kind in ("crt", "key", "authority")))
    files.certificate.write_bytes(pair.certificate)
    files.key.write_bytes(pair.key)
    files.authority.write_bytes(bundle)
    return files


def shake_hands(client: TlsFiles, server: TlsFiles) -> None:
    """A handshake without a socket. Raises ssl.SSLError where one of them refuses."""
    contexts = client.context(ssl.Purpose.SERVER_AUTH), server.context(ssl.Purpose.CLIENT_AUTH)
    for context in contexts:
        context.verify_flags |= STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        contexts[0].wrap_bio(to_client, to_server, server_hostname="one-gateway.music.svc"),
        contexts[1].wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = list(ends)
    for _ in range(10):
        for end in tuple(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
        if not waiting:
            ends[0].write(b"hello")
            assert ends[1].read(5) == b"hello"
            return
    raise AssertionError("the handshake does not end")


def test_pods_of_one_authority_accept_each_other(tmp_path: Path, now: float) -> None:
    authority = make_authority("one authority", now)
    pods = [
        laid(tmp_path, name, sign(authority, NAMES, now, LIFETIME), authority.certificate)
        for name in ("one", "two")
    ]

    shake_hands(*pods)


def test_pods_of_another_authority_are_refused(tmp_path: Path, now: float) -> None:
    own, other = make_authority("one authority", now), make_authority("one authority", now)
    pods = [
        laid(tmp_path, name, sign(each, NAMES, now, LIFETIME), each.certificate)
        for name, each in (("one", own), ("two", other))
    ]

    with pytest.raises(ssl.SSLError):
        shake_hands(*pods)


def test_a_bundle_of_two_authorities_lets_pods_of_both_in(tmp_path: Path, now: float) -> None:
    """They have one name and differ by their keys, as while an authority is changed."""
    old, new = make_authority("one authority", now - 1), make_authority("one authority", now)
    bundle = new.certificate + old.certificate
    pods = [
        laid(tmp_path, name, sign(each, NAMES, now, LIFETIME), bundle)
        for name, each in (("one", old), ("two", new))
    ]

    shake_hands(pods[0], pods[1])
    shake_hands(pods[1], pods[0])


def test_the_hosts_name_is_in_the_certificate(tmp_path: Path, now: float) -> None:
    """Pods do not look at names, clients of a gateway do."""
    authority = make_authority("one authority", now)
    files = laid(tmp_path, "one", sign(authority, NAMES, now, LIFETIME), authority.certificate)
    client = ssl.create_default_context(cafile=str(files.authority))
    server = files.context(ssl.Purpose.CLIENT_AUTH)
    server.verify_mode = ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    stranger = client.wrap_bio(to_client, to_server, server_hostname="somebody.else")
    listening = server.wrap_bio(to_server, to_client, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        stranger.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        listening.do_handshake()

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        stranger.do_handshake()


def test_what_was_made_reads_back() -> None:
    authority = make_authority("one authority", NOW)
    pair = sign(authority, NAMES, NOW, LIFETIME)

    kept = read_authority(authority)
    given = read_certificate(pair, authority.certificate, NOW + 5)

    assert (kept.made_at, kept.ends_at) == (NOW, NOW + AUTHORITY_SECONDS)
    assert given.issuer == kept.id
    assert given.trusted == (kept.id,)
    assert (given.made_at, given.ends_at) == (NOW, NOW + LIFETIME)
    assert (given.changed_at, given.names) == (NOW + 5, NAMES)


def test_a_certificate_ends_with_its_authority() -> None:
    authority = make_authority("one authority", NOW)
    late = NOW + AUTHORITY_SECONDS - DAY_SECONDS

    given = read_certificate(sign(authority, NAMES, late, LIFETIME), authority.certificate, late)

    assert given.ends_at == NOW + AUTHORITY_SECONDS


def test_a_long_name_fits() -> None:
    make_authority("p" * 80, NOW)


def test_what_cannot_be_read_is_refused_without_a_word_of_a_key() -> None:
    authority, other = make_authority("one", NOW), make_authority("two", NOW)
    pair = sign(authority, NAMES, NOW, LIFETIME)
    broken = (
        KeyPair(b"", b""),
        KeyPair(b"nonsense", pair.key),
        KeyPair(pair.certificate, b"nonsense"),
        KeyPair(pair.certificate, other.key),
    )
    for each in broken:
        with pytest.raises(Unreadable) as refusal:
            read_authority(each)
        assert "BEGIN" not in str(refusal.value)
    for bundle in (b"", b"nonsense"):
        with pytest.raises(Unreadable):
            bundle_parts(bundle)


def test_a_key_is_not_shown() -> None:
    pair = make_authority("one", NOW)

    assert "PRIVATE" not in repr(pair)
