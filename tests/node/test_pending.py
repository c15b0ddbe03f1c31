"""A result that is not there yet: given once, heard once, and waiting never loses it."""

from __future__ import annotations

import asyncio

import pytest

from stator_node.pending import Pending, wait
from virtual_time import run


def test_a_listener_hears_of_the_result_whenever_it_came() -> None:
    heard: list[int] = []
    early: Pending[int] = Pending()
    early.listen(lambda pending: heard.append(pending.result()))
    early.resolve(1)
    late: Pending[int] = Pending()
    late.resolve(2)
    late.listen(lambda pending: heard.append(pending.result()))
    assert heard == [1, 2]


def test_an_error_is_raised_where_the_result_is_asked_for() -> None:
    pending: Pending[int] = Pending()
    pending.fail(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        pending.result()


def test_a_result_is_given_once() -> None:
    pending: Pending[int] = Pending()
    pending.resolve(1)
    with pytest.raises(AssertionError):
        pending.resolve(2)
    with pytest.raises(AssertionError):
        pending.fail(ValueError())


def test_a_waiter_that_gives_up_leaves_the_work_alone() -> None:
    async def story() -> None:
        pending: Pending[int] = Pending()
        waiting = asyncio.ensure_future(wait(pending))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        pending.resolve(1)
        assert pending.result() == 1

    run(story())
