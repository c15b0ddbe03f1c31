"""Who may connect, what happens to those who may not, and TLS with certificates on both sides."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from certificates import Authority, laid
from frame_peers import CLUSTER, HOST, Pod, RawPeer, frame, hello_frame, hello_of, run, until
from stator_node.transport import server as server_module
from stator_node.transport.frame_format import (
    FRAME_BYTES_MAX,
    REQUEST_HEADER,
    Kind,
    Status,
)
from stator_node.transport.tls_files import for_connecting, for_listening


def refused(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "refused: " in message]


@pytest.mark.parametrize(
    "first, reason",
    [
        (hello_frame(hello_of("a", cluster_id="other")), f"this is cluster {CLUSTER}, you are of"),
        (hello_frame(hello_of("a"), "c"), "this is node b, you look for c"),
        (hello_frame(hello_of("b")), "node id b is mine: two nodes have one identity"),
        (frame(Kind.HELLO, b'{"protocol":2}'), "protocol version 2, this pod speaks 1; upgrade"),
        (frame(Kind.HELLO, b"hello"), "the first frame is no HELLO"),
        (frame(Kind.RAFT, bytes(20)), "the first frame must be a HELLO"),
        (b"GET / HTTP/1.1\r\nHost: b\r\n\r\n", "the limit is"),
    ],
)
def test_who_may_not_speak_is_told_why_and_the_log_says_it_once(
    first: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        b = await Pod("b").start()
        for _ in range(3):
            peer = await RawPeer.open(b.server.port)
            peer.send(first)
            assert reason in await peer.reason()
            await peer.close()
        await until(lambda: refused(caplog))
        assert b.raft == []

    run(story())
    assert len(refused(caplog)) == 1
    assert reason in refused(caplog)[0]


@pytest.mark.parametrize(
    "odd, reason",
    [
        (frame(9), "frame kind 9 is unknown"),
        (frame(Kind.HELLO, b"{}"), "frame kind 1 is not expected here"),
        (frame(Kind.ANSWER, bytes(9)), "frame kind 7 is not expected here"),
        (frame(Kind.RAFT, b"short"), "a frame is shorter than its kind needs"),
        (frame(Kind.REQUEST, bytes(17)), "a frame is shorter than its kind needs"),
        (struct.pack(">IB", FRAME_BYTES_MAX + 1, 5) + bytes(4_000_000), "the limit is"),
    ],
)
def test_an_accepted_peer_that_speaks_oddly_is_refused_and_others_are_served(
    odd: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        a, b = Pod("a"), await Pod("b").start()
        await a.server.start(HOST, 0)
        await a.reach(b)
        peer = await RawPeer.open(b.server.port, greeting=hello_of("c"))
        peer.send(odd)
        assert reason in await peer.reason()
        await peer.close()
        await until(lambda: refused(caplog))
        assert (await a.answer_of("b")).body == b"body"
        assert a.news == [("up", "b")]

    run(story())
    assert "node c at 127.0.0.1: refused: " in refused(caplog)[0]


def test_a_second_process_under_one_identity_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        a, twin, b = Pod("a"), Pod("a"), await Pod("b").start()
        for pod in (a, twin):
            await pod.server.start(HOST, 0)
        await a.reach(b)
        twin.connect("b", b.server.port)
        link = twin.links.link("b")
        assert link is not None
        await until(lambda: link.refused)
        assert "node id a is in use by a process at 127.0.0.1" in str(link.refused)
        assert not twin.links.is_up("b")
        assert a.links.is_up("b")
        await a.stop()
        await until(lambda: twin.links.is_up("b"))

    run(story())
    assert any("node b: it refuses this pod: node id a is in use" in m for m in caplog.messages)
    assert any("node a at 127.0.0.1: refused: node id a is in use" in m for m in caplog.messages)


def test_a_process_that_connects_again_and_gateways_of_one_name_are_no_twins() -> None:
    async def story() -> None:
        b = await Pod("b").start()
        greeting = hello_of("a")
        first = await RawPeer.open(b.server.port, greeting=greeting)
        again = await RawPeer.open(b.server.port, greeting=greeting)
        for _ in range(2):
            gateway = await RawPeer.open(b.server.port, greeting=hello_of("g", "gateway"))
            await gateway.close()
        await first.close()
        await again.close()

    run(story())


def test_no_hello_in_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HELLO_SECONDS_MAX", 0.1)

    async def story() -> None:
        b = await Pod("b").start()
        peer = await RawPeer.open(b.server.port)
        peer.send(hello_frame(hello_of("a"))[:-3])
        assert "no HELLO came" in await peer.reason()
        await peer.close()

    run(story())


def test_a_peer_that_went_without_a_word_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "SWEEP_SECONDS", 0.01)

    async def story() -> None:
        b = await Pod("b").start()
        peer = await RawPeer.open(b.server.port, greeting=hello_of("a"))
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await peer.receive()
        await peer.close()

    run(story())


def test_a_refusal_by_the_other_side_is_logged_here_too(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        b = await Pod("b").start()
        peer = await RawPeer.open(b.server.port, greeting=hello_of("a"))
        peer.send(frame(Kind.REFUSED, b'{"reason":"expected node x, reached b"}'))
        await until(lambda: caplog.messages)
        await peer.close()

    run(story())
    assert caplog.messages == [
        "node a at 127.0.0.1: refused by the other side: expected node x, reached b"
    ]


def test_a_handler_s_bug_costs_its_own_request_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Fragile(Pod):
        def raft_received(self, *_: object) -> None:
            raise struct.error("a bug")

    async def story() -> None:
        a, b = Pod("a"), await Fragile("b").start()
        await a.server.start(HOST, 0)
        await a.reach(b)
        a.links.send_raft("b", 7, b"message")
        assert (await a.answer_of("b", b"raise")).status is Status.UNKNOWN
        assert (await a.answer_of("b")).status is Status.RESULT
        assert a.news == [("up", "b")]

    run(story())
    assert "a Raft message for partition 7 could not be handled" in caplog.text
    assert "a request for partition 7 failed" in caplog.text


def test_an_answer_too_large_for_a_frame_is_unknown_at_once() -> None:
    async def story() -> None:
        a, b = Pod("a"), await Pod("b").start()
        b.answering = False
        await a.server.start(HOST, 0)
        await a.reach(b)
        asked = a.ask("b")
        await until(lambda: b.requests)
        b.requests[0].answer(Status.RESULT, bytes(FRAME_BYTES_MAX))
        await until(lambda: asked.done)
        assert asked.result().status is Status.UNKNOWN

    run(story())


def test_an_answer_to_somebody_who_has_gone_is_nothing() -> None:
    async def story() -> None:
        b = await Pod("b").start()
        b.answering = False
        peer = await RawPeer.open(b.server.port, greeting=hello_of("a"))
        peer.send(frame(Kind.REQUEST, REQUEST_HEADER.pack(1, 7, 1, 2) + b"body"))
        await until(lambda: b.requests)
        await peer.close()
        await asyncio.sleep(0.05)
        b.requests[0].answer(Status.RESULT, b"late")

    run(story())


# ------------------------------------------------------------------------------------------- TLS


def context_of(
    purpose: ssl.Purpose, trusted: Authority, files: tuple[Path, Path] | None
) -> ssl.SSLContext:
    """Mutual: both sides want a certificate of the authority that they trust."""
    context = ssl.create_default_context(purpose, cafile=str(trusted.certificate))
    context.verify_mode = ssl.CERT_REQUIRED
    if files is not None:
        context.load_cert_chain(*files)
    return context


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority]:
    folder = tmp_path_factory.mktemp("certificates")
    return Authority(folder, "ours"), Authority(folder, "theirs")


Files = tuple[Path, Path]


async def secure(
    ours: Authority, server: Files, trusted_by_client: Authority, client: Files | None
) -> tuple[Pod, Pod]:
    a = Pod("a", client_tls=context_of(ssl.Purpose.SERVER_AUTH, trusted_by_client, client))
    b = Pod("b", server_tls=context_of(ssl.Purpose.CLIENT_AUTH, ours, server))
    await a.server.start(HOST, 0)
    await b.start()
    a.connect("b", b.server.port)
    return a, b


def test_pods_with_certificates_of_one_authority_speak(
    authorities: tuple[Authority, Authority],
) -> None:
    ours, _ = authorities

    async def story() -> None:
        a, _ = await secure(ours, ours.sign("b"), ours, ours.sign("a"))
        await until(lambda: a.links.is_up("b"))
        body = bytes(1_000_000)
        assert (await a.answer_of("b", body)).body == body

    run(story())


Case = Callable[[Authority, Authority], tuple[Files, Authority, Files | None]]
CASES: dict[str, tuple[Case, str, str]] = {
    "the server is of another authority": (
        lambda ours, theirs: (theirs.sign("b"), ours, ours.sign("a")),
        "certificate verify failed",
        "alert",
    ),
    "the server's certificate has expired": (
        lambda ours, theirs: (ours.sign("b", days=-1), ours, ours.sign("a")),
        "certificate has expired",
        "certificate expired",
    ),
    "the client is of another authority": (
        lambda ours, theirs: (ours.sign("b"), ours, theirs.sign("a")),
        "unknown ca",
        "certificate verify failed",
    ),
    "the client's certificate has expired": (
        lambda ours, theirs: (ours.sign("b"), ours, ours.sign("a", days=-1)),
        "certificate expired",
        "certificate has expired",
    ),
    "the client has no certificate": (
        lambda ours, theirs: (ours.sign("b"), ours, None),
        "certificate required",
        "peer did not return a certificate",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_certificate_that_is_not_good_is_refused_and_both_sides_say_so_once(
    name: str, authorities: tuple[Authority, Authority], caplog: pytest.LogCaptureFixture
) -> None:
    case, client_says, server_says = CASES[name]
    server, trusted, client = case(*authorities)

    def said(words: str, *names: str) -> list[str]:
        lines = [line for line in caplog.messages if line.startswith(names)]
        return [line for line in lines if words in line.lower().replace("_", " ")]

    async def story() -> None:
        a, _ = await secure(authorities[0], server, trusted, client)
        await until(
            lambda: said(client_says, "node b: ", "127.0.0.1: ") and said(server_says, "somebody: ")
        )
        await asyncio.sleep(0.3)
        assert not a.links.is_up("b")
        assert a.ask("b").result().status is Status.UNAVAILABLE

    run(story())
    assert len(said(client_says, "node b: ", "127.0.0.1: ")) == 1
    assert len(said(server_says, "somebody: ")) == 1


@pytest.mark.parametrize("strange, dns", [("a", "db.other.svc"), ("b", "db.other.svc"), ("a", "")])
def test_a_certificate_for_another_cluster_is_refused_and_both_sides_say_so_once(
    strange: str,
    dns: str,
    tmp_path: Path,
    authorities: tuple[Authority, Authority],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One authority may sign for many; who has no name of the cluster is told nothing of it."""
    ours, _ = authorities
    other = {"a": "b", "b": "a"}[strange]
    theirs = laid(tmp_path, strange, ours, dns=dns)
    own = laid(tmp_path, other, ours, dns="db.ours.svc", peer_name="db.ours.svc")
    files = {strange: theirs, other: own}
    reason = f"a certificate for {dns or 'no DNS name'}; those of this cluster are for db.ours.svc"

    async def story() -> None:
        a, b = (
            Pod("a", client_tls=for_connecting(files["a"])),
            Pod("b", server_tls=for_listening(files["b"])),
        )
        await a.server.start(HOST, 0)
        await b.start()
        a.connect("b", b.server.port)
        await until(lambda: len([line for line in caplog.messages if reason in line]) == 2)
        await asyncio.sleep(0.3)
        assert not a.links.is_up("b")
        assert b.requests == []

    run(story())
    assert len([line for line in caplog.messages if reason in line]) == 2


def test_pods_whose_certificates_have_the_name_of_their_cluster_speak(
    tmp_path: Path, authorities: tuple[Authority, Authority]
) -> None:
    a_files, b_files = (
        laid(tmp_path, name, authorities[0], dns="db.ours.svc", peer_name="db.ours.svc")
        for name in "ab"
    )

    async def story() -> None:
        a = Pod("a", client_tls=for_connecting(a_files))
        b = Pod("b", server_tls=for_listening(b_files))
        await a.server.start(HOST, 0)
        await b.start()
        await a.reach(b)
        assert (await a.answer_of("b", b"body")).body == b"body"

    run(story())


def test_plain_speech_to_a_tls_port_is_refused_and_logged(
    authorities: tuple[Authority, Authority], caplog: pytest.LogCaptureFixture
) -> None:
    ours, _ = authorities

    async def story() -> None:
        b = Pod("b", server_tls=context_of(ssl.Purpose.CLIENT_AUTH, ours, ours.sign("b")))
        await b.start()
        a = Pod("a")
        await a.server.start(HOST, 0)
        a.connect("b", b.server.port)
        await until(lambda: any("somebody: the TLS handshake failed" in m for m in caplog.messages))
        assert not a.links.is_up("b")

    run(story())


def test_a_hello_is_sent_for_the_node_that_was_looked_for() -> None:
    async def story() -> None:
        b = await Pod("b").start()
        peer = await RawPeer.open(b.server.port)
        peer.send(hello_frame(replace(hello_of("a")), "b"))
        assert (await peer.receive())[0] == Kind.HELLO
        await peer.close()

    run(story())


class Late(asyncio.Transport):
    """What asyncio brings for a connection that was accepted before the server closed."""

    is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True


def test_a_connection_that_was_accepted_as_the_server_stopped_is_dropped() -> None:
    async def story() -> None:
        b = await Pod("b").start()
        connection = b.server._connection()
        await b.stop()
        late = Late()
        connection.connection_made(late)
        assert late.is_aborted

    run(story())
