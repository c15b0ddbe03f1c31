"""Requests are counted as clients hear of them: once, by operation and error, with their time."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import ResourceNotFoundException
from stator_core.exposition import text
from stator_node.doors import Caller
from stator_node.memory import ManualClock
from stator_node.pending import Pending
from stator_node.request_figures import CountedExecutor

CALLER = Caller("key", "1", "r")


class Answering:
    """An executor that answers what a test says."""

    operations = frozenset({"GetItem", "PutItem"})

    def __init__(self) -> None:
        self.answer: bytes | Pending[bytes] | BaseException = b"{}"

    def execute(
        self, operation: str, body: dict[str, Any], caller: Caller
    ) -> bytes | Pending[bytes]:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def line(counted: CountedExecutor, beginning: str) -> str | None:
    lines = text(counted.families()).splitlines()
    return next((each for each in lines if each.startswith(beginning)), None)


def requests(counted: CountedExecutor, operation: str, error: str) -> str | None:
    labels = f'operation="{operation}",error="{error}"'
    return line(counted, f"stator_gateway_requests_total{{{labels}}}")


def test_an_answer_at_once_is_counted(clock: ManualClock) -> None:
    counted = CountedExecutor(Answering(), clock)

    assert counted.execute("GetItem", {}, CALLER) == b"{}"
    counted.execute("GetItem", {}, CALLER)

    assert str(requests(counted, "GetItem", "")).endswith(" 2")


def test_an_answer_that_comes_later_is_counted_then_with_its_time(clock: ManualClock) -> None:
    executor = Answering()
    coming: Pending[bytes] = Pending()
    executor.answer = coming
    counted = CountedExecutor(executor, clock)

    answer = counted.execute("PutItem", {}, CALLER)
    assert requests(counted, "PutItem", "") is None
    clock.advance(0.3)
    coming.resolve(b"late")

    assert isinstance(answer, Pending)
    assert answer.result() == b"late"
    assert str(requests(counted, "PutItem", "")).endswith(" 1")
    name = 'stator_gateway_request_seconds_bucket{operation="PutItem",le='
    assert str(line(counted, f'{name}"0.25"')).endswith(" 0")
    assert str(line(counted, f'{name}"0.5"')).endswith(" 1")


def test_errors_are_counted_by_what_clients_hear_and_go_on_to_them(clock: ManualClock) -> None:
    executor = Answering()
    counted = CountedExecutor(executor, clock)
    executor.answer = ResourceNotFoundException("none")
    with pytest.raises(ResourceNotFoundException):
        counted.execute("GetItem", {}, CALLER)
    executor.answer = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        counted.execute("GetItem", {}, CALLER)
    failing: Pending[bytes] = Pending()
    executor.answer = failing
    answer = counted.execute("GetItem", {}, CALLER)
    failing.fail(ResourceNotFoundException("none"))

    assert isinstance(answer, Pending)
    with pytest.raises(ResourceNotFoundException):
        answer.result()
    assert str(requests(counted, "GetItem", "ResourceNotFoundException")).endswith(" 2")
    assert str(requests(counted, "GetItem", "InternalServerError")).endswith(" 1")


def test_a_name_that_a_client_made_up_makes_no_figure_of_its_own(clock: ManualClock) -> None:
    counted = CountedExecutor(Answering(), clock)

    counted.execute("DropEverything", {}, CALLER)

    assert "DropEverything" not in text(counted.families())
    assert str(requests(counted, "unknown", "")).endswith(" 1")
