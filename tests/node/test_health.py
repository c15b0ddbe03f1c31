"""How a pod says how it is, and how it is drained: over real sockets, as a kubelet asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from small_cluster import SmallCluster
from stator_core.exposition import Family, one
from stator_node.health import REQUEST_BYTES_MAX, Health, HealthDoor, Phase, _is_own


async def ask(port: int, head: str) -> tuple[int, str]:
    """Status and text of an answer; (0, "") where there is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + b"\r\nHost: pod\r\n\r\n")
    said = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    if not said:
        return 0, ""
    top, _, text = said.partition("\r\n\r\n")
    return int(top.split(" ")[1]), text.strip()


async def get(port: int, *paths: str) -> list[int]:
    return [(await ask(port, f"GET {path} HTTP/1.1"))[0] for path in paths]


def with_door(body: Callable[[Health, int], Awaitable[None]]) -> None:
    async def run() -> None:
        health = Health()
        door = HealthDoor(health)
        await door.start(0)
        try:
            # Of a door on all addresses with any port, each kind of address has its own.
            assert door._server is not None
            (port,) = {
                each.getsockname()[1]
                for each in door._server.sockets
                if each.family.name == "AF_INET"
            }
            await body(health, port)
        finally:
            await door.stop()

    asyncio.run(run())


async def nothing_to_hand_over() -> None:
    return


PATHS = ("/started", "/alive", "/ready")


def test_a_fenced_pod_has_started_and_serves_again_when_the_fence_is_down() -> None:
    async def body(health: Health, port: int) -> None:
        health.fences()
        assert await get(port, *PATHS) == [200, 200, 503]
        assert await ask(port, "GET /ready HTTP/1.1") == (503, "fenced")
        assert await ask(port, "POST /drain HTTP/1.1") == (200, "drained")  # it leads nothing
        health.serves(nothing_to_hand_over)
        assert await get(port, *PATHS) == [200, 200, 200]
        await health.drain()
        assert health.phase is Phase.DRAINING
        health.fences()
        health.serves(nothing_to_hand_over)
        assert await ask(port, "GET /ready HTTP/1.1") == (200, "serving")

    with_door(body)


def test_starting_serving_and_draining_are_told_apart() -> None:
    async def body(health: Health, port: int) -> None:
        assert await get(port, *PATHS) == [503, 200, 503]
        health.serves(nothing_to_hand_over)
        assert await get(port, *PATHS) == [200, 200, 200]
        await health.drain()
        assert await get(port, *PATHS) == [200, 200, 503]
        assert await ask(port, "GET /ready HTTP/1.1") == (503, "draining")

    with_door(body)


def test_a_pod_that_catches_up_has_started_and_is_not_ready_yet() -> None:
    async def body(health: Health, port: int) -> None:
        health.catches_up(nothing_to_hand_over)
        assert await get(port, *PATHS) == [200, 200, 503]
        assert await ask(port, "GET /ready HTTP/1.1") == (503, "catching up")
        health.has_caught_up()
        assert await get(port, *PATHS) == [200, 200, 200]
        assert await ask(port, "GET /ready HTTP/1.1") == (200, "serving")

    with_door(body)


@pytest.mark.parametrize("is_drained", [True, False])
def test_a_pod_that_drains_or_ends_while_it_catches_up_becomes_no_ready_one(
    is_drained: bool,
) -> None:
    async def body(health: Health, port: int) -> None:
        handed_over = asyncio.Event()

        async def hand_over() -> None:
            handed_over.set()

        health.catches_up(hand_over)
        if is_drained:
            await health.drain()
            assert handed_over.is_set()
        else:
            health.ends()
        health.has_caught_up()
        assert await ask(port, "GET /ready HTTP/1.1") == (503, "draining")

    with_door(body)


def test_a_pod_that_ends_is_not_ready() -> None:
    async def body(health: Health, port: int) -> None:
        health.serves(nothing_to_hand_over)
        health.ends()
        assert await get(port, *PATHS) == [200, 200, 503]

    with_door(body)


def test_draining_is_answered_when_it_is_done_and_is_done_once() -> None:
    async def body(health: Health, port: int) -> None:
        begun: list[asyncio.Event] = []

        async def hand_over() -> None:
            begun.append(asyncio.Event())
            await begun[0].wait()

        health.serves(hand_over)
        first, second = (asyncio.ensure_future(ask(port, "POST /drain HTTP/1.1")) for _ in range(2))
        done, _ = await asyncio.wait([first, second], timeout=0.1)
        assert not done
        assert health.phase is Phase.DRAINING
        assert await get(port, "/ready", "/alive") == [503, 200]
        begun[0].set()
        assert await first == await second == (200, "drained")
        assert len(begun) == 1

    with_door(body)


def test_what_was_begun_is_ended_though_nobody_waits() -> None:
    async def body(health: Health, port: int) -> None:
        go, gone = asyncio.Event(), asyncio.Event()

        async def hand_over() -> None:
            await go.wait()
            gone.set()

        health.serves(hand_over)
        asked = asyncio.ensure_future(health.drain())
        await asyncio.sleep(0)
        asked.cancel()
        go.set()
        async with asyncio.timeout(5):
            await gone.wait()

    with_door(body)


def test_a_pod_that_never_served_has_nothing_to_hand_over() -> None:
    async def body(health: Health, port: int) -> None:
        assert await ask(port, "POST /drain HTTP/1.1") == (200, "drained")
        assert health.phase is Phase.STARTING

    with_door(body)


@pytest.mark.parametrize(
    "address, own",
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.7", False),
        ("::ffff:10.0.0.7", False),
        ("fe80::1%eth0", False),
    ],
)
def test_a_pod_is_drained_from_within_alone(address: str, own: bool) -> None:
    assert _is_own(address) is own


@pytest.mark.parametrize(
    "head, status",
    [
        ("GET /else HTTP/1.1", 404),
        ("POST /ready HTTP/1.1", 404),
        ("GET /drain HTTP/1.1", 404),
        ("nonsense", 400),
        ("GET /ready HTTP/1.1\r\nX: " + "x" * REQUEST_BYTES_MAX, 0),
    ],
)
def test_what_is_not_asked_well_changes_nothing(head: str, status: int) -> None:
    async def body(health: Health, port: int) -> None:
        health.serves(nothing_to_hand_over)
        try:
            assert (await ask(port, head))[0] == status
        except ConnectionError:
            assert status == 0  # What was not read is thrown back.
        assert health.phase is Phase.SERVING

    with_door(body)


def test_a_drained_pod_leads_nothing_and_goes_on_to_follow() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            pod = cluster.leader()
            assert pod.node is not None
            health = Health()
            health.serves(pod.node.hand_over)

            await health.drain()

            await cluster.until(cluster.has_leader)
            assert cluster.leader() is not pod
            await cluster.execute("PutItem", TableName="Music", Item={"pk": {"S": "a"}})

    asyncio.run(run())


def test_figures_are_told_once_there_are_any() -> None:
    async def body(health: Health, port: int) -> None:
        assert await get(port, "/metrics") == [404]
        families = [Family("up", "gauge", "whether", one(1))]
        health.serves(nothing_to_hand_over, lambda: families)

        status, page = await ask(port, "GET /metrics HTTP/1.1")

        assert status == 200
        assert page.splitlines()[-1] == "up 1"
        health.ends()
        assert await get(port, "/metrics") == [200]

    with_door(body)
