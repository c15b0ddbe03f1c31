"""How server processes begin and end: exit codes, signals, the end of standard input, names."""

from __future__ import annotations

import asyncio
import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator

import pytest

from stator_node import process
from stator_node.process import CannotStart


@pytest.fixture(autouse=True)
def _interpreter() -> Iterator[None]:
    """What a server changes of the interpreter is as before, for the tests after it."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_the_exit_code_is_that_of_who_serves() -> None:
    async def serve() -> int:
        process.settle()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == process.COLLECTOR_THRESHOLDS
        return 7

    assert process.run(serve()) == 7


def test_who_cannot_start_says_why_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    async def serve() -> int:
        raise CannotStart("the port is taken")

    assert process.run(serve()) == 1
    assert capsys.readouterr().err == "stator: the port is taken\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_event_and_nothing_else(number: signal.Signals) -> None:
    async def serve() -> int:
        stopped = asyncio.Event()
        process.stop_on_signals(stopped)
        os.kill(os.getpid(), number)
        await stopped.wait()
        return 0

    assert process.run(serve()) == 0


def test_the_end_of_standard_input_sets_the_event_and_words_on_it_do_not() -> None:
    ours, theirs = os.pipe()
    before = os.dup(0)
    os.dup2(ours, 0)

    async def serve() -> int:
        stopped = asyncio.Event()
        process.stop_at_end_of_input(stopped)
        os.write(theirs, b"a word")
        while await asyncio.to_thread(_unread, ours):
            assert not stopped.is_set()
        os.close(theirs)
        await stopped.wait()
        return 0

    try:
        assert process.run(serve()) == 0
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(ours)


def _unread(descriptor: int) -> bool:
    """Whether something is in the pipe that nobody has read."""
    return bool(select.select([descriptor], [], [], 0)[0])


def test_a_process_has_a_name_of_its_own() -> None:
    assert process.process_name("gateway") == f"gateway-{socket.gethostname()}-{os.getpid()}"


def test_a_taken_health_port_is_a_reason_not_to_start_and_none_is_none() -> None:
    async def body() -> None:
        health, door = await process.open_health(None)
        health.serves(process.nothing_to_hand_over)
        await health.drain()
        assert health.answer("/ready")[0] == 503
        await door.stop()
        _, first = await process.open_health(0)
        try:
            with pytest.raises(CannotStart, match=f"cannot listen on health port {first.port}"):
                await process.open_health(first.port)
        finally:
            await first.stop()

    asyncio.run(body())
