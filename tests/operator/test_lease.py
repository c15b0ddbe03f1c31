"""Who may work: a Lease is taken when it is free or silent, by one alone and by its own clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from pretended_api import Asked, PretendedApi, refusal
from stator_operator import lease
from stator_operator.kubernetes_api import KubernetesApi
from stator_operator.lease import (
    LEASE_SECONDS,
    RENEW_SECONDS_MAX,
    ROUND_SECONDS,
    LeaseHolder,
    LeaseLost,
    Seen,
    Take,
    Wait,
    next_step,
    seen_now,
    taken,
)

NOW = "2026-11-20T12:00:00.000000Z"


def a_lease(holder: str, version: str = "7", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "stator-operator", "namespace": "ours", "resourceVersion": version},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": LEASE_SECONDS, **spec},
    }


def test_a_holder_ends_before_another_may_begin() -> None:
    """Renewing is given up, with a round to spare, before anybody takes a silent Lease."""
    assert RENEW_SECONDS_MAX + 2 * ROUND_SECONDS <= LEASE_SECONDS


def test_a_free_lease_is_taken() -> None:
    assert next_step(None, "a", None, 0) == Take()
    assert next_step(a_lease(""), "a", None, 0) == Take()


def test_ones_own_lease_is_taken_again_at_once() -> None:
    """A container that is started again has the name of the one before, which is gone."""
    assert next_step(a_lease("a"), "a", None, 0) == Take()


def test_a_lease_of_another_is_waited_for_until_it_has_been_silent_long_enough() -> None:
    found = a_lease("b")
    seen = seen_now(found, None, 100.0)

    assert next_step(found, "a", seen, 100.0) == Wait("b")
    assert next_step(found, "a", seen, 100.0 + LEASE_SECONDS - 0.1) == Wait("b")
    assert next_step(found, "a", seen, 100.0 + LEASE_SECONDS) == Take()


def test_what_its_holder_asked_for_counts() -> None:
    found = a_lease("b", leaseDurationSeconds=60)

    assert next_step(found, "a", Seen("7", 100.0), 159.0) == Wait("b")
    assert next_step(found, "a", Seen("7", 100.0), 160.0) == Take()


def test_a_lease_that_changes_is_not_silent() -> None:
    seen = seen_now(a_lease("b", "7"), None, 100.0)
    later = a_lease("b", "8")
    seen = seen_now(later, seen, 114.0)

    assert seen == Seen("8", 114.0)
    assert next_step(later, "a", seen, 120.0) == Wait("b")
    assert seen_now(later, seen, 120.0) == Seen("8", 114.0)


def test_a_taken_lease_says_who_and_since_when_and_keeps_its_version() -> None:
    before = a_lease("b", leaseTransitions=3, acquireTime="long ago")
    after = taken(before, "ours", "stator-operator", "a", NOW)

    assert after["spec"] == {
        "holderIdentity": "a",
        "leaseDurationSeconds": LEASE_SECONDS,
        "acquireTime": NOW,
        "renewTime": NOW,
        "leaseTransitions": 4,
    }
    assert after["metadata"]["resourceVersion"] == "7"
    assert before["spec"]["holderIdentity"] == "b"


def test_renewing_changes_the_time_alone() -> None:
    held = taken(None, "ours", "stator-operator", "a", NOW)
    renewed = taken(held, "ours", "stator-operator", "a", "later")

    assert held["spec"]["leaseTransitions"] == 0
    assert renewed["spec"] == held["spec"] | {"renewTime": "later"}


def holder(server: PretendedApi, identity: str) -> tuple[LeaseHolder, KubernetesApi]:
    api = KubernetesApi(server.connection())
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    return LeaseHolder(api, "ours", "stator-operator", identity, lambda: noon), api


Scene = Callable[[PretendedApi, LeaseHolder, LeaseHolder], Awaitable[None]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scene], None]:
    """Two operators at one Lease; rounds are short."""
    monkeypatch.setattr(lease, "ROUND_SECONDS", 0.01)
    monkeypatch.setattr(lease, "RENEW_SECONDS_MAX", 0.3)

    def played(scene: Scene) -> None:
        async def run() -> None:
            async with PretendedApi() as server:
                first, first_api = holder(server, "first")
                second, second_api = holder(server, "second")
                try:
                    await scene(server, first, second)
                finally:
                    await first_api.close()
                    await second_api.close()

        asyncio.run(run())

    return played


def held_by(server: PretendedApi) -> str:
    (found,) = server.of("Lease")
    name: str = found["spec"]["holderIdentity"]
    return name


def test_of_two_that_come_at_one_time_one_holds_it(play: Callable[[Scene], None]) -> None:
    async def scene(server: PretendedApi, first: LeaseHolder, second: LeaseHolder) -> None:
        both = [asyncio.ensure_future(each.acquire()) for each in (first, second)]
        done, waiting = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1
        assert held_by(server) == ("first" if first.is_held else "second")
        assert first.is_held != second.is_held
        for task in waiting:
            task.cancel()

    play(scene)


def test_a_lease_that_is_given_up_is_taken_at_once(play: Callable[[Scene], None]) -> None:
    async def scene(server: PretendedApi, first: LeaseHolder, second: LeaseHolder) -> None:
        await first.acquire()
        waiting = asyncio.ensure_future(second.acquire())
        await first.release()
        await waiting
        assert held_by(server) == "second"

    play(scene)


def test_who_finds_another_in_it_has_lost_it(play: Callable[[Scene], None]) -> None:
    async def scene(server: PretendedApi, first: LeaseHolder, second: LeaseHolder) -> None:
        await first.acquire()
        (found,) = server.of("Lease")
        server.put({**found, "spec": {**found["spec"], "holderIdentity": "second"}})
        with pytest.raises(LeaseLost, match="held by second"):
            await first.keep()
        assert not first.is_held
        await first.release()
        assert held_by(server) == "second"

    play(scene)


def test_who_cannot_renew_it_has_lost_it(play: Callable[[Scene], None]) -> None:
    async def scene(server: PretendedApi, first: LeaseHolder, second: LeaseHolder) -> None:
        await first.acquire()
        server.answers = lambda _: refusal(503, "ServiceUnavailable")
        with pytest.raises(LeaseLost, match="could not be renewed"):
            await first.keep()

    play(scene)


def test_who_has_not_renewed_it_for_long_may_not_work(
    play: Callable[[Scene], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was frozen finds it when it wakes, before anything has told it so."""

    async def scene(server: PretendedApi, first: LeaseHolder, second: LeaseHolder) -> None:
        assert not first.may_work()
        await first.acquire()
        assert first.may_work()
        monkeypatch.setattr(lease, "RENEW_SECONDS_MAX", 0.0)
        assert first.is_held
        assert not first.may_work()

    play(scene)


def test_a_renewal_whose_answer_is_lost_loses_nothing(play: Callable[[Scene], None]) -> None:
    """The write was carried out, so the version has moved on: its holder is oneself still."""

    async def scene(server: PretendedApi, first: LeaseHolder, second: LeaseHolder) -> None:
        await first.acquire()
        (found,) = server.of("Lease")
        server.put(found)  # as a renewal whose answer did not come
        keeping = asyncio.ensure_future(first.keep())
        renewed = asyncio.Event()

        def happens(asked: Asked) -> None:
            if asked.method == "PUT":
                renewed.set()

        server.happens = happens
        await renewed.wait()
        await renewed.wait()
        assert not keeping.done()
        keeping.cancel()

    play(scene)


def test_bad_days_are_waited_for(play: Callable[[Scene], None]) -> None:
    async def scene(server: PretendedApi, first: LeaseHolder, second: LeaseHolder) -> None:
        bad = iter([refusal(403, "Forbidden"), refusal(409, "Conflict"), refusal(500, "Internal")])
        server.answers = lambda _: next(bad, None)
        await first.acquire()
        assert held_by(server) == "first"

    play(scene)
