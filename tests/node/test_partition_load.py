"""What the planner hears of load: rates, medians, hot keys, sizes; bounded, and of now."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stator_core.key_format import HASH_SPACE
from stator_core.partition_state import PartitionState, place_key
from stator_node.memory import ManualClock, MemoryItemStore
from stator_node.partition_load import (
    FREE_BYTES_UNKNOWN,
    ROUND_SECONDS,
    SAMPLES_MAX,
    SLICE_ENTRIES,
    WALK_RESTS,
    WINDOW_SECONDS,
    PartitionLoads,
)
from told_links import music, partition
from virtual_time import run

HALF = HASH_SPACE // 2


class Held:
    """As much of a `HostedPartition` as is measured."""

    def __init__(self, start: int = 0, end: int = HASH_SPACE) -> None:
        table = music()
        self.partition_id = 1
        self.state: PartitionState | None = PartitionState(partition(table, 1, start, end), table)
        self.log = SimpleNamespace(applied=1)


class Measured:
    """The figures of one partition."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryItemStore()
        self.held = Held()
        self.loads = PartitionLoads(self.store, self.clock, None)
        self.loads.of(self.held)  # type: ignore[arg-type]

    @property
    def report(self) -> dict[str, Any]:
        return self.loads.of(self.held)  # type: ignore[arg-type]

    def operate(self, *places: int) -> None:
        for place in places:
            self.loads.note(1, place)

    def put(self, place: int, size: int) -> None:
        key = place_key(1, place) + b"k"
        self.store.write([("items", key, bytes(size - len(key)))], sync=True)

    def measure(self, held: Held | None = None) -> None:
        """Let one round of the walk pass."""

        async def main() -> None:
            walk = asyncio.ensure_future(
                self.loads.run({} if held is None else {1: held})  # type: ignore[arg-type]
            )
            await asyncio.sleep(ROUND_SECONDS * 1.5)
            walk.cancel()

        run(main())


@pytest.fixture
def measured() -> Measured:
    return Measured()


def test_the_rate_is_that_of_the_last_whole_window(measured: Measured) -> None:
    measured.operate(*range(50))
    assert measured.report["operations_per_second"] == 0.0

    measured.clock.advance(WINDOW_SECONDS)
    assert measured.report["operations_per_second"] == 50 / WINDOW_SECONDS
    measured.operate(1, 2, 3)
    assert measured.report["operations_per_second"] == 50 / WINDOW_SECONDS

    measured.clock.advance(2 * WINDOW_SECONDS)
    assert measured.report["operations_per_second"] == 3 / (2 * WINDOW_SECONDS)
    measured.clock.advance(WINDOW_SECONDS)
    assert measured.report["operations_per_second"] == 0.0


def test_the_median_of_traffic_cuts_it_in_two_halves(measured: Measured) -> None:
    measured.operate(*(place * 1000 for place in range(SAMPLES_MAX)))

    median = int(measured.report["traffic_median"], 16)

    assert median == SAMPLES_MAX // 2 * 1000


def test_few_operations_say_nothing_of_where_traffic_is(measured: Measured) -> None:
    measured.operate(*range(SAMPLES_MAX // 4 - 1))

    assert measured.report["traffic_median"] is None
    assert measured.report["hot_key_share"] == 0.0


@pytest.mark.parametrize("every", [1, 2, 4])
def test_the_share_of_the_hottest_key_is_known(measured: Measured, every: int) -> None:
    measured.operate(*(7 if n % every == 0 else 1000 + n for n in range(SAMPLES_MAX)))

    assert measured.report["hot_key_share"] == pytest.approx(1 / every)


def test_old_samples_give_way_to_new_ones(measured: Measured) -> None:
    measured.operate(*[7] * SAMPLES_MAX)
    measured.operate(*range(1000, 1000 + SAMPLES_MAX))

    assert measured.report["hot_key_share"] == pytest.approx(1 / SAMPLES_MAX)


def test_places_are_told_as_text_since_json_stops_short_of_them(measured: Measured) -> None:
    measured.operate(*[HASH_SPACE - 1] * SAMPLES_MAX)

    assert measured.report["traffic_median"] == f"{HASH_SPACE - 1:017x}"


def test_items_are_counted_and_the_middle_of_their_bytes_is_found(measured: Measured) -> None:
    count = 4 * SLICE_ENTRIES
    for number in range(count):
        measured.put(number << 48, 100)

    measured.measure(measured.held)

    report = measured.report
    assert (report["item_count"], report["size_bytes"]) == (count, count * 100)
    slices_off = SLICE_ENTRIES << 48
    assert abs(int(report["byte_median"], 16) - (count // 2 << 48)) <= slices_off


def test_only_what_has_changed_is_walked_again(measured: Measured) -> None:
    measured.put(1, 100)
    measured.measure(measured.held)
    measured.put(2, 100)

    measured.measure(measured.held)
    assert measured.report["item_count"] == 1, "nothing was applied, as far as it knows"

    measured.held.log.applied += 1
    measured.measure(measured.held)
    assert measured.report["item_count"] == 2


def test_a_walk_that_takes_long_is_seldom(measured: Measured) -> None:
    """Else the walks over a big partition that is written to would never end."""
    took = 100.0

    def slow(*_: Any) -> Any:
        measured.clock.advance(took)
        return cursor(*_)

    cursor, measured.store.cursor = measured.store.cursor, slow  # type: ignore[method-assign]
    measured.put(1, 100)
    measured.measure(measured.held)
    measured.put(2, 100)
    measured.held.log.applied += 1

    measured.clock.advance(WALK_RESTS * took - 1)
    measured.measure(measured.held)
    assert measured.report["item_count"] == 1
    measured.clock.advance(1)
    measured.measure(measured.held)
    assert measured.report["item_count"] == 2


def test_what_lies_outside_the_range_is_not_counted(measured: Measured) -> None:
    measured.put(HALF - 1, 100)
    measured.put(HALF, 100)
    measured.held = Held(HALF, HASH_SPACE)

    measured.measure(measured.held)

    assert measured.report["item_count"] == 1


def test_the_figures_of_a_partition_that_has_left_are_forgotten(measured: Measured) -> None:
    measured.put(1, 100)
    measured.measure(measured.held)

    measured.measure(None)

    assert measured.report["item_count"] == 0


def test_a_replica_without_a_state_is_not_measured(measured: Measured) -> None:
    measured.held.state = None

    measured.measure(measured.held)

    assert measured.report["size_bytes"] == 0


def test_free_space_is_that_of_the_folders_disk(tmp_path: Path) -> None:
    loads = PartitionLoads(MemoryItemStore(), ManualClock(), tmp_path)

    assert 0 < loads.free_bytes() < FREE_BYTES_UNKNOWN * 1024
    unknown = PartitionLoads(MemoryItemStore(), ManualClock(), None)
    assert unknown.free_bytes() == FREE_BYTES_UNKNOWN
