"""One sync for all partitions: order, batches, a free loop, and a disk that refuses."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

import pytest

from slow_disk import SlowDisk
from stator_node.doors import StorageFailed
from stator_node.sync_loop import SyncLoop
from virtual_time import run


class Loop:
    """A sync loop over a slow disk; `heard` lists who was told, in order."""

    def __init__(self, store: SlowDisk | None = None) -> None:
        self.store = store or SlowDisk()
        self.failures: list[str] = []
        self.heard: list[str] = []
        self._news = asyncio.Event()
        self.sync = SyncLoop(self.store, asyncio.get_running_loop(), self._failed)

    def _failed(self, error: StorageFailed) -> None:
        self.failures.append(str(error))
        self._news.set()

    def append(self, name: str, then: Callable[[], None] | None = None) -> None:
        def done() -> None:
            self.heard.append(name)
            self._news.set()
            if then is not None:
                then()

        self.sync.append([("log", name.encode(), b"v")], done)

    async def until(self, *names: str) -> None:
        """Wait until these were the last to hear; with no name, for a failure."""
        while self.heard[-len(names) :] != list(names) if names else not self.failures:
            self._news.clear()
            await self._news.wait()


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_batch_is_written_after_what_the_turn_sent_has_left_and_leaves_the_loop_free() -> None:
    """A loop that waited for a slow disk would miss heartbeats."""

    async def story() -> None:
        loop = Loop()
        loop.store.hold()
        loop.append("a")
        await turns(1)
        assert loop.store.done == []  # The sockets are written to at the end of this turn.
        await turns()
        assert loop.heard == [], "the disk still works"
        loop.store.release()
        await loop.until("a")

        assert loop.store.done == [("write", [b"a"], False), ("sync",)]
        loop.sync.close()

    run(story())


def test_all_batches_of_a_turn_share_one_write_and_one_sync_in_the_thread() -> None:
    async def story() -> None:
        loop = Loop()
        for name in "abc":
            loop.append(name)
        await loop.until("a", "b", "c")

        assert loop.store.done == [("write", [b"a", b"b", b"c"], False), ("sync",)]
        loop.sync.close()

    run(story())


def test_the_event_loop_goes_on_while_a_thread_syncs() -> None:
    class Watched(SlowDisk):
        threads: list[threading.Thread] = []

        def sync(self) -> None:
            self.threads.append(threading.current_thread())
            super().sync()

    async def story() -> None:
        loop = Loop(Watched())
        loop.store.hold()
        loop.append("a")
        loop.append("b")
        await turns()
        assert loop.heard == []
        loop.store.release()
        await loop.until("a", "b")

        assert threading.main_thread() not in Watched.threads
        loop.sync.close()

    run(story())


def test_what_comes_during_a_sync_waits_for_the_next_one_and_is_told_later() -> None:
    async def story() -> None:
        loop = Loop()
        loop.store.hold()
        loop.append("a")
        loop.append("b")
        await turns()
        loop.append("late")
        await turns()
        assert loop.heard == []
        loop.store.release()
        await loop.until("a", "b", "late")

        assert loop.heard == ["a", "b", "late"]
        assert [what[0] for what in loop.store.done] == ["write", "sync", "write", "sync"]
        loop.sync.close()

    run(story())


def test_a_callback_may_append() -> None:
    async def story() -> None:
        loop = Loop()
        loop.append("a", then=lambda: loop.append("b", then=lambda: loop.append("c")))
        await loop.until("a", "b", "c")
        loop.sync.close()

    run(story())


def test_one_partition_s_trouble_leaves_the_others_served(caplog: pytest.LogCaptureFixture) -> None:
    def trouble() -> None:
        raise RuntimeError("a bug")

    async def story() -> None:
        loop = Loop()
        loop.append("a", then=trouble)
        loop.append("b")
        await loop.until("a", "b")
        loop.append("c")
        await loop.until("c")
        loop.sync.close()

    run(story())
    assert "a partition could not go on after its sync" in caplog.text


def test_a_disk_that_refuses_a_write_is_told_of_once_and_nothing_is_durable_any_more() -> None:
    async def story() -> None:
        loop = Loop()
        loop.store.fail_with = "no space left"
        loop.append("a")
        await turns()
        loop.store.fail_with = None
        loop.append("b")
        await turns()

        assert loop.heard == []
        assert loop.failures == ["no space left"]
        loop.sync.close()

    run(story())


@pytest.mark.parametrize("late", [False, True])
def test_a_failed_sync_is_told_of_once_and_nothing_is_durable_any_more(late: bool) -> None:
    async def story() -> None:
        loop = Loop()
        loop.store.hold()
        loop.store.sync_error = "input/output error"
        loop.append("a")
        loop.append("b")
        await turns()
        if late:
            loop.append("c")
        loop.store.release()
        await loop.until()
        loop.append("d")
        await turns()

        assert loop.heard == []
        assert loop.failures == ["input/output error"]
        loop.sync.close()

    run(story())


def test_an_error_that_no_disk_makes_breaks_the_loop_too(caplog: pytest.LogCaptureFixture) -> None:
    class Odd(SlowDisk):
        def sync(self) -> None:
            raise ValueError("odd")

    async def story() -> None:
        loop = Loop(Odd())
        loop.append("a")
        loop.append("b")
        await loop.until()
        loop.append("c")
        await turns()

        assert loop.heard == []
        loop.sync.close()

    with caplog.at_level(logging.ERROR):
        run(story())
    assert "the disk refuses: odd" in caplog.text
