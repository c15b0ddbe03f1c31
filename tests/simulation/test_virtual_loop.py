"""Product code finds on a simulated node what asyncio promises, in virtual time."""

from __future__ import annotations

import asyncio
import gc
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from simulation.disk import DiskSettings
from simulation.world import Node, SimulationFailed, World


def one_node(boot: Any, seed: int = 1, disk: DiskSettings | None = None) -> tuple[World, Node]:
    world = World(seed)
    return world, world.add_node("n", boot, disk=disk)


def test_callbacks_run_in_turns_and_in_order() -> None:
    seen: list[Any] = []

    def boot(node: Node) -> None:
        def first() -> None:
            seen.append(1)
            node.loop.call_soon(seen.append, 4)

        node.loop.call_soon(first)
        node.loop.call_soon(seen.append, 2)
        node.loop.call_soon(seen.append, 3).cancel()

    world, _ = one_node(boot)
    world.run()

    assert seen == [1, 2, 4]


def test_timers_run_on_the_nodes_own_clock() -> None:
    fired: list[float] = []

    def boot(node: Node) -> None:
        node.clock.drift(2.0)
        begun = node.loop.time()
        node.loop.call_later(10.0, lambda: fired.append(node.loop.time() - begun))
        node.loop.call_later(5.0, fired.append, 0.0).cancel()

    world, _ = one_node(boot)
    world.run()

    assert fired == [pytest.approx(10.0, abs=0.001)]
    assert world.now == pytest.approx(5e9, rel=0.001)


def test_coroutines_sleep_time_out_and_are_cancelled() -> None:
    seen: list[str] = []

    async def work(node: Node) -> None:
        assert asyncio.get_running_loop() is node.loop
        await asyncio.sleep(3600)
        seen.append("slept an hour")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await node.loop.create_future()
        seen.append("timed out")
        task = asyncio.create_task(asyncio.sleep(1000))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        seen.append("cancelled")

    world, _ = one_node(lambda node: node.loop.create_task(work(node)))
    world.run()

    assert seen == ["slept an hour", "timed out", "cancelled"]


def test_calls_of_one_thread_follow_each_other_and_errors_arrive() -> None:
    seen: list[Any] = []
    thread = ThreadPoolExecutor(1)  # never started: nothing is submitted to it

    def boot(node: Node) -> None:
        def fail() -> None:
            raise OSError("disk")

        node.loop.run_in_executor(thread, seen.append, "one")
        done = node.loop.run_in_executor(thread, fail)
        done.add_done_callback(lambda future: seen.append(str(future.exception())))
        node.loop.run_in_executor(thread, seen.append, "three")

    world, _ = one_node(boot)
    world.run()

    assert seen[0] == "one"
    assert sorted(seen[1:]) == ["disk", "three"]


def test_a_sync_in_a_thread_covers_all_some_or_none_of_what_is_written_meanwhile() -> None:
    survivors = set()
    for seed in range(40):

        def boot(node: Node) -> None:
            if node.lives > 1:
                return
            node.disk.write([("items", b"before", b"x")], sync=False)
            done = node.loop.run_in_executor(None, node.disk.sync)
            node.loop.call_later(
                0.000_05, node.disk.write, [("items", b"meanwhile", b"x")]
            ).cancel()
            node.loop.call_later(
                0.000_05, lambda: node.disk.write([("items", b"meanwhile", b"x")], sync=False)
            )
            done.add_done_callback(lambda _: node.disk.keep_batches(0))

        world, node = one_node(boot, seed)
        world.run()
        survivors.add(tuple(key for key, _ in node.disk.content("items")))

    assert survivors == {(b"before",), (b"before", b"meanwhile")}


def test_a_dead_loop_runs_nothing_and_a_frozen_one_waits() -> None:
    seen: list[str] = []

    def boot(node: Node) -> None:
        if node.lives == 1:
            node.loop.call_later(1.0, seen.append, "lost with the first life")
            node.loop.create_task(asyncio.sleep(5))
        else:
            node.loop.call_later(1.0, lambda: seen.append(f"at {world.now / 1e9:.0f} s"))

    world, node = one_node(boot)
    world.after(0.5, node.kill)
    world.after(2.0, node.start)
    world.after(2.5, node.freeze)
    world.after(9.0, node.thaw)
    world.run(20.0)

    assert seen == ["at 9 s"]


def test_an_error_in_a_callback_ends_the_run_and_tells_the_seed() -> None:
    def boot(node: Node) -> None:
        node.loop.call_later(1.0, lambda: 1 // 0)

    world, _ = one_node(boot, seed=77)

    with pytest.raises(SimulationFailed, match=r"seed 77, 1\.0.* n: .*ZeroDivisionError"):
        world.run(5.0)


def test_an_error_in_a_task_that_nobody_awaits_ends_the_run() -> None:
    async def fail() -> None:
        raise KeyError("lost")

    def boot(node: Node) -> None:
        node.loop.create_task(fail())
        node.loop.call_later(1.0, node.loop._tasks.clear)

    world, _ = one_node(boot)

    with pytest.raises(SimulationFailed, match="KeyError: 'lost'"):
        world.run(5.0)


def test_a_busy_callback_delays_the_next_turn() -> None:
    seen: list[int] = []

    def boot(node: Node) -> None:
        node.disk.write([("items", b"k", b"v")], sync=True)
        node.loop.call_soon(lambda: seen.append(world.now))

    world, _ = one_node(boot, disk=DiskSettings(sync_seconds_min=1.0, sync_seconds_mean=1.0))
    world.run()

    assert 1_000_000_000 < seen[0] < 1_001_000_000


def test_a_process_that_ends_leaves_no_task_behind_that_python_complains_of() -> None:
    """Also where it has made a task that never ran: warnings are errors here."""
    tasks: list[asyncio.Task[None]] = []

    async def work() -> None:
        await asyncio.sleep(1)

    def boot(node: Node) -> None:
        tasks.append(node.loop.create_task(work()))
        node.kill()
        tasks.append(node.loop.create_task(work()))

    world, node = one_node(boot)
    world.run()
    node.start()
    world.run(0.000_001)
    tasks.append(node.loop.create_task(work()))
    world.end()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tasks.clear()
        gc.collect()
    assert not caught
