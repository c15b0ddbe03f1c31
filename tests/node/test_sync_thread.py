"""The sync thread: not in the loop's thread, told of once each, and gone when it is closed."""

from __future__ import annotations

import asyncio
import threading

from stator_node.doors import StorageFailed
from stator_node.sync_thread import SyncThread


class Disk:
    """Notes in which thread it was synced."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.refusal: Exception | None = None

    def sync(self) -> None:
        self.threads.append(threading.current_thread())
        if self.refusal is not None:
            raise self.refusal


def test_each_begin_is_one_sync_in_one_thread_and_one_call_in_the_loop() -> None:
    async def story() -> None:
        disk, told = Disk(), asyncio.Queue[BaseException | None]()
        syncs = SyncThread(disk.sync, asyncio.get_running_loop(), told.put_nowait)
        for count in (1, 2, 3):
            syncs.begin()
            assert await told.get() is None
            assert len(disk.threads) == count
        assert len(set(disk.threads)) == 1
        assert threading.current_thread() not in disk.threads
        assert told.empty()
        syncs.close()
        assert not disk.threads[0].is_alive()

    asyncio.run(story())


def test_what_a_sync_raises_is_told_and_the_next_one_may_succeed() -> None:
    async def story() -> None:
        disk, told = Disk(), asyncio.Queue[BaseException | None]()
        syncs = SyncThread(disk.sync, asyncio.get_running_loop(), told.put_nowait)
        disk.refusal = StorageFailed("no room")
        syncs.begin()
        assert await told.get() is disk.refusal
        disk.refusal = None
        syncs.begin()
        assert await told.get() is None
        syncs.close()

    asyncio.run(story())


def test_a_thread_that_never_began_closes_and_one_without_its_loop_ends_in_peace() -> None:
    disk = Disk()
    loop = asyncio.new_event_loop()
    SyncThread(disk.sync, loop, lambda _: None).close()
    assert disk.threads == []

    orphan = SyncThread(disk.sync, loop, lambda _: None)
    loop.close()
    orphan.begin()
    orphan.close()
    assert len(disk.threads) == 1
    assert not disk.threads[0].is_alive()
