"""Links kept up: requests that end exactly once, frozen peers, restarts, and peers that are odd."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from frame_peers import CLUSTER, HOST, BadServer, Pod, frame, hello_frame, hello_of, run, until
from stator_node.pending import Pending, wait
from stator_node.transport import complaints
from stator_node.transport import links as links_module
from stator_node.transport.frame_format import ANSWER_HEADER, Kind, Status
from stator_node.transport.links import LOST, NOT_SENT, Answer

FROZEN_SERVER = Path(__file__).parent.parent.parent / "frame_peers.py"


async def two() -> tuple[Pod, Pod]:
    """Pods a and b, a's link to b up."""
    a, b = Pod("a"), await Pod("b").start()
    await a.server.start(HOST, 0)
    await a.reach(b)
    return a, b


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def test_raft_messages_and_requests_arrive_in_order_and_answers_come_back() -> None:
    async def story() -> None:
        a, b = await two()
        for number in range(100):
            assert a.links.send_raft("b", number, b"message")
        answers = [a.ask("b", str(number).encode()) for number in range(100)]
        assert [(await wait(answer)).body for answer in answers] == [
            str(number).encode() for number in range(100)
        ]
        assert b.raft == [("a", number, b"message") for number in range(100)]
        request = b.requests[0]
        assert (request.partition_id, request.operation, request.flags) == (7, 1, 0)
        assert a.news == [("up", "b")]

    run(story())


def test_what_cannot_go_is_refused_at_once() -> None:
    async def story() -> None:
        a = Pod("a")
        await a.server.start(HOST, 0)
        a.connect("b", free_port())
        for node_id in ("b", "nobody"):
            assert not a.links.send_raft(node_id, 7, b"m")
            assert a.ask(node_id).result() == NOT_SENT
            assert not a.links.is_up(node_id)

    run(story())


def test_a_request_past_its_deadline_is_unknown_and_its_late_answer_is_nobody_s() -> None:
    async def story() -> None:
        a, b = await two()
        b.answering = False
        began = time.monotonic()
        late = a.ask("b", seconds=0.2)
        assert await wait(late) == LOST
        assert 0.15 < time.monotonic() - began < 2.0
        b.requests[0].answer(Status.RESULT, b"late")
        b.requests[0].answer(Status.RESULT, b"twice")
        b.answering = True
        assert (await a.answer_of("b")).body == b"body"

    run(story())


def test_the_loss_of_a_link_ends_what_is_under_way_as_unknown_each_once() -> None:
    async def story() -> None:
        a, b = await two()
        b.answering = False
        ended: list[Answer] = []

        def listener(pending: Pending[Answer]) -> None:
            ended.append(pending.result())
            assert a.ask("b").result() == NOT_SENT, "there is no link to ask again on"
            if len(ended) == 2:
                raise RuntimeError("a bug")

        for _ in range(5):
            a.ask("b").listen(listener)
        await until(lambda: len(b.requests) == 5)
        await b.server.stop()
        await until(lambda: len(ended) == 5)
        assert ended == [LOST] * 5
        assert [news[:2] for news in a.news] == [("up", "b"), ("down", "b")]

    run(story())


def test_a_link_that_is_given_up_ends_what_is_under_way_now() -> None:
    async def story() -> None:
        a, b = await two()
        b.answering = False
        asked = a.ask("b")
        a.links.disconnect("b")
        assert asked.result() == LOST
        assert a.links.link("b") is None
        assert a.news[-1] == ("down", "b", "closed")

    run(story())


def test_a_node_that_moves_is_down_before_it_is_up_again() -> None:
    async def story() -> None:
        a, b = await two()
        moved = await Pod("b").start()
        a.connect("b", b.server.port)
        assert a.links.is_up("b"), "the same address changes nothing"
        a.connect("b", moved.server.port)
        assert not a.links.is_up("b")
        await until(lambda: a.links.is_up("b"))
        assert (await a.answer_of("b")).body == b"body"
        assert len(moved.requests) == 1
        assert [news[0] for news in a.news] == ["up", "down", "up"]

    run(story())


def test_closing_resolves_everything_and_tells_of_no_node() -> None:
    async def story() -> None:
        a, b = await two()
        b.answering = False
        asked = a.ask("b")
        a.links.close()
        assert asked.result() == LOST
        assert a.news == [("up", "b")]

    run(story())


def test_a_link_comes_back_after_the_other_side_restarts() -> None:
    async def story() -> None:
        a, b = await two()
        port = b.server.port
        await b.stop()
        await until(lambda: not a.links.is_up("b"))
        await asyncio.sleep(0.3)
        await Pod("b").start(port)
        await until(lambda: a.links.is_up("b"))
        assert (await a.answer_of("b")).body == b"body"
        assert [news[0] for news in a.news] == ["up", "down", "up"]

    run(story())


def test_attempts_grow_apart_and_are_spread_by_chance(caplog: pytest.LogCaptureFixture) -> None:
    drawn: list[float] = []

    def chance() -> float:
        drawn.append(0.0)
        return 0.0  # the least: half of each pause

    async def story() -> None:
        server = BadServer(b"")
        refusing = await server.start()
        server.script = [frame(Kind.REFUSED, b'{"reason":"not you"}')]
        a = Pod("a", chance=chance)
        await a.server.start(HOST, 0)
        a.connect("b", refusing)
        await until(lambda: len(server.connections) == 5)
        times = server.connections
        pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
        for pause, least in zip(pauses, (0.05, 0.1, 0.2, 0.4), strict=True):
            assert pause >= least * 0.9
        assert len(drawn) >= 4
        link = a.links.link("b")
        assert link is not None
        assert link.refused == "not you"

    run(story())
    said = [line for line in caplog.messages if "not you" in line]
    assert said == ["node b: it refuses this pod: not you"], "five attempts, one line"


def test_a_connection_that_never_lasts_is_not_made_again_without_a_pause() -> None:
    async def story() -> None:
        server = BadServer(hello_frame(hello_of("b")) + frame(9))
        port = await server.start()
        a = Pod("a")
        await a.server.start(HOST, 0)
        a.connect("b", port)
        await asyncio.sleep(1.0)
        assert 2 <= len(server.connections) <= 6

    run(story())


def test_a_server_that_says_nothing_is_given_up_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        server = BadServer(None)
        port = await server.start()
        a = Pod("a")
        await a.server.start(HOST, 0)
        a.connect("b", port)
        await until(lambda: len(server.connections) >= 2, seconds=6.0)

    run(story())
    assert "node b: no HELLO within 2 s" in caplog.messages


def odd_answers() -> list[tuple[bytes, str]]:
    known = hello_frame(hello_of("b"))
    return [
        (hello_frame(hello_of("c")), "expected node b, reached c"),
        (hello_frame(hello_of("b", cluster_id="other")), f"this is cluster {CLUSTER}"),
        (frame(Kind.PONG, bytes(8)), "the first frame must be a HELLO"),
        (frame(Kind.HELLO, b'{"protocol":2}'), "protocol version 2, this pod speaks 1"),
        (b"HTTP/1.1 400 Bad Request\r\n", "the limit is"),
        (known + known, "frame kind 1 is not expected here"),
        (known + frame(Kind.RAFT, bytes(9)), "frame kind 5 is not expected here"),
        (known + frame(Kind.PONG, b"x"), "a frame is shorter than its kind needs"),
        (known + frame(Kind.ANSWER, b"x"), "a frame is shorter than its kind needs"),
        (known + frame(Kind.ANSWER, ANSWER_HEADER.pack(1, 9)), "answer status 9 is unknown"),
    ]


@pytest.mark.parametrize("answer, reason", odd_answers())
def test_a_server_that_speaks_oddly_is_refused_and_told_why(answer: bytes, reason: str) -> None:
    async def story() -> None:
        server = BadServer(answer)
        port = await server.start()
        a = Pod("a")
        await a.server.start(HOST, 0)
        a.connect("b", port)
        await until(lambda: b"reason" in b"".join(server.heard))
        assert reason.encode() in b"".join(server.heard)
        await until(lambda: not a.links.is_up("b"))

    run(story())


@pytest.mark.parametrize("host, port", [("", 1), ("a" * 70, 1), ("127.0.0.1", 70_000)])
def test_an_address_that_is_none_is_said_and_harms_nobody(
    host: str, port: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A port past the last is another one to the event loop, where nobody listens.
    monkeypatch.setattr(complaints, "ABSENT_SECONDS", 0.0)

    async def story() -> None:
        a, _ = await two()
        a.links.connect("c", links_module.Address(host, port))
        await until(lambda: any(line.startswith("node c: ") for line in caplog.messages))
        assert (await a.answer_of("b")).body == b"body"

    run(story())


def test_a_slow_reader_is_bounded_and_stalls_nobody_else() -> None:
    async def story() -> None:
        a, _ = await two()
        listening = socket.socket()
        listening.bind((HOST, 0))
        listening.listen()
        a.connect("slow", listening.getsockname()[1])
        accepted, _ = await asyncio.to_thread(listening.accept)
        accepted.sendall(hello_frame(hello_of("slow")))
        await until(lambda: a.links.is_up("slow"))
        message = bytes(1024 * 1024)
        sent = 0
        while a.links.send_raft("slow", 7, message):
            sent += 1
            assert sent < 100, "the queue has no bound"
            await asyncio.sleep(0)
        assert sent >= 60
        assert a.ask("slow", message).result() == NOT_SENT
        began = time.monotonic()
        assert (await a.answer_of("b")).body == b"body"
        assert time.monotonic() - began < 0.5
        accepted.close()
        listening.close()

    run(story())


def test_a_frozen_peer_is_dropped_within_about_a_second() -> None:
    script = (
        "import asyncio\nfrom frame_peers import Pod\n"
        "async def main():\n"
        "    pod = await Pod('b').start()\n"
        "    print(pod.server.port, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    folder = str(FROZEN_SERVER.parent)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([folder, *sys.path])},
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())

        async def story() -> None:
            a = Pod("a")
            await a.server.start(HOST, 0)
            a.connect("b", port)
            await until(lambda: a.links.is_up("b"))
            link = a.links.link("b")
            assert link is not None
            await until(lambda: link.round_trip_ms > 0)
            process.send_signal(signal.SIGSTOP)
            began = time.monotonic()
            asked = a.ask("b", seconds=30.0)
            await until(lambda: not a.links.is_up("b"))
            assert 0.7 < time.monotonic() - began < 2.5
            assert asked.result() == LOST
            assert a.news[-1] == ("down", "b", "silent for 1.3 s")
            process.send_signal(signal.SIGCONT)
            await until(lambda: a.links.is_up("b"), seconds=10.0)

        run(story())
    finally:
        process.kill()
        process.communicate()


def test_a_pod_that_stood_still_itself_drops_nobody() -> None:
    async def story() -> None:
        a, _ = await two()
        time.sleep(1.5)  # noqa: ASYNC251  # As a stopped process does.
        await asyncio.sleep(0.5)
        assert a.news == [("up", "b")]
        assert (await a.answer_of("b")).body == b"body"

    run(story())


def test_a_node_that_runs_again_is_linked_to_without_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a leader waits for seconds for the only follower that could take its entries."""
    monkeypatch.setattr(links_module, "RECONNECT_SECONDS_MIN", 60.0)
    monkeypatch.setattr(links_module, "RECONNECT_SECONDS_MAX", 60.0)

    async def story() -> None:
        a, b = Pod("a"), Pod("b")
        await a.start()
        a.server.on_greeted = a.links.wake
        with socket.socket() as taken:
            taken.bind((HOST, 0))
            port = taken.getsockname()[1]
        a.connect("b", port)
        await until(lambda: "node b" in a.links.complaints._absent)
        await b.server.start(HOST, port)
        b.connect("a", a.server.port)
        await until(lambda: a.links.is_up("b"))

    run(story())


def test_a_node_that_speaks_before_it_listens_is_asked_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that starts has links before it has a door."""
    pauses: list[float] = []
    honest = links_module.Link._rest

    async def counted(link: links_module.Link, seconds: float) -> bool:
        pauses.append(seconds)
        return await honest(link, seconds)

    async def story() -> None:
        a = await Pod("a").start()
        monkeypatch.setattr(links_module.Link, "_rest", counted)
        with socket.socket() as taken:
            taken.bind((HOST, 0))
            port = taken.getsockname()[1]
        a.connect("b", port)
        await until(lambda: len(pauses) >= 4)
        seen = len(pauses)
        a.links.wake(hello_of("b"))
        await until(lambda: len(pauses) >= seen + 1)
        assert pauses[seen] < pauses[seen - 1]
        assert pauses[seen] <= 2 * links_module.RECONNECT_SECONDS_MIN * 1.5

    run(story())
