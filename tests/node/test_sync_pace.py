"""Whether a sync may hold the event loop up: by how long the last ones took."""

from __future__ import annotations

from stator_node.memory import ManualClock
from stator_node.sync_pace import QUICK_SECONDS, SyncPace


class Disk:
    """A pace, and syncs as long as the test says."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.pace = SyncPace(self.clock)

    def sync(self, seconds: float, times: int = 1) -> None:
        for _ in range(times):
            self.pace.begin()
            self.clock.advance(seconds)
            self.pace.end()


def test_a_new_disk_is_taken_for_a_quick_one_and_stays_one() -> None:
    disk = Disk()
    assert disk.pace.is_quick
    disk.sync(QUICK_SECONDS * 0.9, times=1_000)
    assert disk.pace.is_quick


def test_one_sync_that_hangs_is_enough_and_quick_ones_make_up_for_it() -> None:
    disk = Disk()
    disk.sync(1.0)
    assert not disk.pace.is_quick
    disk.sync(0.0002, times=20)
    assert not disk.pace.is_quick
    disk.sync(0.0002, times=30)
    assert disk.pace.is_quick


def test_now_and_then_a_late_one_does_not_count() -> None:
    disk = Disk()
    for _ in range(50):
        disk.sync(0.0002, times=20)
        disk.sync(0.01)
        assert disk.pace.is_quick


def test_a_disk_that_is_a_little_too_slow_is_noticed_too() -> None:
    disk = Disk()
    disk.sync(QUICK_SECONDS * 1.5, times=20)
    assert not disk.pace.is_quick
