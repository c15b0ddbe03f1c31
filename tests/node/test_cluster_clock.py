"""Every storage process is as far ahead as the clock that a test moves, a late one too."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from small_cluster import SmallCluster
from stator_node.cluster_clock import TELL_SECONDS, ClusterClock
from stator_node.cluster_view import ClusterView
from stator_node.memory import ManualClock
from stator_node.movable_clock import MovableClock
from stator_node.operation_codes import OperationCode
from stator_node.transport.frame_format import Status
from stator_node.transport.links import Address
from told_links import NODES, ToldLinks
from virtual_time import run


@pytest.fixture
def links() -> ToldLinks:
    return ToldLinks()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(ManualClock())


def cluster_clock(links: ToldLinks, clock: MovableClock) -> ClusterClock:
    view = ClusterView(links, ManualClock(), "z1")  # type: ignore[arg-type]
    for number, node_id in enumerate(NODES, 1):
        view.join(node_id, f"z{number}", Address("127.0.0.1", number))
    return ClusterClock(clock, view)


def told(links: ToldLinks) -> list[tuple[str, float]]:
    assert {each.operation for each in links.asked} == {OperationCode.MOVE_CLOCK}
    return [(each.node_id, each.members) for each in links.asked]


def test_every_pod_is_told_at_once_how_far_ahead_it_is_to_be(
    links: ToldLinks, clock: MovableClock
) -> None:
    cluster_clock(links, clock)

    clock.advance(60)
    clock.advance(5)

    everybody = [(node_id, ahead) for ahead in (60.0, 65.0) for node_id in NODES]
    assert told(links) == everybody


def test_a_pod_that_was_not_there_is_told_again_and_nobody_of_a_clock_that_stayed(
    links: ToldLinks, clock: MovableClock
) -> None:
    async def body() -> None:
        running = asyncio.ensure_future(cluster_clock(links, clock).run())
        await asyncio.sleep(TELL_SECONDS * 1.5)
        assert links.asked == []
        clock.advance(60)
        await asyncio.sleep(TELL_SECONDS)
        running.cancel()
        assert told(links) == [(node_id, 60.0) for node_id in NODES] * 2

    run(body())


def test_a_pod_follows_if_it_was_started_for_tests_and_refuses_else() -> None:
    async def body() -> None:
        async with SmallCluster() as cluster:
            first, second, _ = cluster.pods
            assert first.node is not None
            assert second.node is not None
            movable = first.node.host.clock = MovableClock(ManualClock(1_000.0))

            taken = await cluster.ask(first.node_id, 0, OperationCode.MOVE_CLOCK, 60.0)
            refused = await cluster.ask(second.node_id, 0, OperationCode.MOVE_CLOCK, 60.0)

            assert taken.status is Status.RESULT
            assert movable.now() == 1_060.0
            assert refused.status is Status.UNAVAILABLE
            assert "--test-clock" in orjson.loads(refused.body)["reason"]

    asyncio.run(body())
