"""What is looked at next: one at a time each, nothing forgotten, failures ever more seldom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from stator_operator.kubernetes_errors import TooManyRequests
from stator_operator.metrics import Metrics
from stator_operator.work_queue import (
    QUIET_SECONDS_MAX,
    RETRY_SECONDS_MAX,
    Backlog,
    Key,
    Reconcile,
    WorkQueue,
    again_seconds,
    retry_seconds,
)

ONE, TWO = Key("StoragePool", "ours", "one"), Key("StoragePool", "ours", "two")


def test_a_key_waits_once_and_is_taken_when_it_is_due() -> None:
    backlog = Backlog()
    backlog.add(ONE, 5.0)
    backlog.add(ONE, 3.0)
    backlog.add(ONE, 9.0)

    assert backlog.next_due() == 3.0
    assert backlog.take(2.9) is None
    assert backlog.take(3.0) == ONE
    assert backlog.take(99.0) is None


def test_a_key_that_is_woken_while_it_is_worked_on_is_worked_on_again_afterwards() -> None:
    backlog = Backlog()
    backlog.add(ONE, 0.0)
    assert backlog.take(0.0) == ONE

    backlog.add(ONE, 0.0)
    assert backlog.take(1.0) is None
    backlog.done(ONE)
    assert backlog.take(1.0) == ONE
    backlog.done(ONE)
    assert backlog.take(1.0) is None


@given(st.lists(st.tuples(st.sampled_from("atd"), st.integers(0, 3), st.integers(0, 9))))
def test_what_was_added_is_taken_after_it_and_by_one_at_a_time(
    doings: list[tuple[str, int, int]],
) -> None:
    backlog, now = Backlog(), 0.0
    owed: dict[Key, float] = {}
    working: list[Key] = []
    for doing, number, seconds in doings:
        key = Key("StoragePool", "ours", str(number))
        if doing == "a":
            backlog.add(key, now + seconds)
            owed[key] = min(owed.get(key, now + seconds), now + seconds)
        elif doing == "d" and working:
            backlog.done(working.pop())
        else:
            now += seconds
            got = backlog.take(now)
            ready = [each for each, due in owed.items() if due <= now and each not in working]
            assert (got is None) == (not ready)
            if got is not None:
                assert owed.pop(got) <= now
                assert got not in working
                working.append(got)
    assert len(backlog) == len(owed)


def test_failures_are_tried_again_ever_more_seldom() -> None:
    waits = [retry_seconds(count) for count in range(1, 40)]

    assert waits == sorted(waits)
    assert waits[0] < 1
    assert waits[-1] == RETRY_SECONDS_MAX


def test_what_the_api_server_asks_for_is_waited_for() -> None:
    assert retry_seconds(1, 17.0) == 17.0


def test_what_stays_as_it_is_is_looked_at_ever_more_seldom() -> None:
    """A hundred tables whose pool is away must not keep the API server busy."""
    assert again_seconds(5.0, 0.0) == 5.0
    assert again_seconds(5.0, 19.0) == 5.0
    assert again_seconds(5.0, 80.0) == 20.0
    assert again_seconds(5.0, 100_000.0) == QUIET_SECONDS_MAX
    assert again_seconds(120.0, 100_000.0) == 120.0

    now, looks = 0.0, 0
    while now < 600:
        now += again_seconds(1.0, now)
        looks += 1
    assert looks < 40


async def drive(reconcile: Reconcile, is_over: Callable[[], bool], *keys: Key) -> Metrics:
    """Run the queue until it is over."""
    metrics = Metrics()
    queue = WorkQueue({"StoragePool": reconcile}, 2, metrics)
    running = asyncio.ensure_future(queue.run())
    for key in keys:
        queue.wake(key)
    while not is_over():
        await asyncio.sleep(0)
        assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return metrics


def test_a_reconcile_that_fails_is_called_again_and_others_go_on() -> None:
    calls: list[Key] = []

    async def reconcile(key: Key) -> float | None:
        calls.append(key)
        if key == ONE and calls.count(ONE) == 1:
            raise TooManyRequests(429, "TooManyRequests", "later")
        if key == TWO and calls.count(TWO) == 1:
            raise ZeroDivisionError("a bug that this object brings out")
        return None

    def is_over() -> bool:
        return calls.count(ONE) == 2 and calls.count(TWO) == 2

    metrics = asyncio.run(drive(reconcile, is_over, ONE, TWO))

    text = metrics.text()
    assert 'stator_operator_reconcile_failures_total{kind="StoragePool"} 2' in text


def test_an_object_has_one_worker_at_a_time() -> None:
    at_work = most = calls = 0

    async def reconcile(_: Key) -> float | None:
        nonlocal at_work, most, calls
        at_work += 1
        most, calls = max(most, at_work), calls + 1
        await asyncio.sleep(0)
        at_work -= 1
        return 0.0  # again, at once

    asyncio.run(drive(reconcile, lambda: calls >= 20, ONE))

    assert most == 1
