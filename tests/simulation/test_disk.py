"""A simulated disk keeps what it has synced, and loses the rest as real ones do."""

from __future__ import annotations

import random

import pytest

from simulation.disk import DiskSettings, SimulatedDisk
from stator_core import item_format
from stator_core.errors import DynamoDBError
from stator_node.doors import StorageFailed


def disk(seed: int = 1, settings: DiskSettings | None = None) -> SimulatedDisk:
    return SimulatedDisk(random.Random(seed), settings)


def put(target: SimulatedDisk, *keys: bytes, sync: bool = False) -> None:
    target.write([("items", key, b"value of " + key) for key in keys], sync=sync)


def keys_of(target: SimulatedDisk) -> list[bytes]:
    return [key for key, _ in target.content("items")]


@pytest.mark.parametrize("seed", range(30))
def test_a_power_cut_keeps_the_synced_and_a_prefix_of_whole_batches(seed: int) -> None:
    target = disk(seed)
    put(target, b"a", b"b", sync=True)
    put(target, b"c", b"d")
    put(target, b"e")
    target.write([("items", b"a", None)], sync=False)

    target.lose_power()

    assert keys_of(target.successor()) in (
        [b"a", b"b"],
        [b"a", b"b", b"c", b"d"],
        [b"a", b"b", b"c", b"d", b"e"],
        [b"b", b"c", b"d", b"e"],
    )


def test_every_prefix_happens() -> None:
    lengths = set()
    for seed in range(60):
        target = disk(seed)
        for key in (b"a", b"b", b"c"):
            put(target, key)
        target.lose_power()
        lengths.add(len(keys_of(target)))

    assert lengths == {0, 1, 2, 3}


def test_what_a_power_cut_kept_is_not_lost_by_the_next() -> None:
    target = disk()
    put(target, b"a")
    target.keep_batches(1)
    target.lose_power()

    assert keys_of(target) == [b"a"]


def test_code_of_before_the_crash_cannot_touch_the_disk_of_after_it() -> None:
    before = disk()
    put(before, b"a", sync=True)

    after = before.successor()

    with pytest.raises(StorageFailed, match="the power is off"):
        put(before, b"b")
    assert after.get(b"a") == b"value of a"
    assert before.get(b"a") is None


def test_a_failed_sync_leaves_the_batch_to_be_lost() -> None:
    settings = DiskSettings(sync_failure=1.0)
    target = disk(1, settings)

    with pytest.raises(StorageFailed):
        put(target, b"a", sync=True)
    assert target.get(b"a") is not None
    target.keep_batches(0)

    assert target.get(b"a") is None


def test_a_full_disk_refuses_until_there_is_room() -> None:
    target = disk()
    target.fill()
    with pytest.raises(StorageFailed, match="No space left"):
        put(target, b"a")
    target.fail_with = None
    put(target, b"a", sync=True)

    assert keys_of(target) == [b"a"]


def test_a_dying_disk_refuses_reads() -> None:
    target = disk()
    target.fail_reads("IO error: bad sector")

    for read in (lambda: target.get(b"a"), lambda: target.cursor("items", b"", b"z")):
        with pytest.raises(StorageFailed, match="bad sector"):
            read()


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_of_an_item_is_found_by_its_checksum(seed: int) -> None:
    target = disk(seed)
    key, payload = b"some key", b'{"pk":{"S":"x"}}'
    target.write([("items", key, item_format.encode(key, payload, 3, 77))], sync=True)

    assert target.corrupt(["items"]) == ("items", key)

    with pytest.raises((item_format.Damaged, DynamoDBError)):
        item_format.payload_of(key, target.get(key))


def test_a_slow_disk_takes_longer() -> None:
    seconds = [disk(3, DiskSettings(slowness=slow)).sync_seconds() for slow in (1.0, 100.0)]

    assert seconds[1] == pytest.approx(100 * seconds[0])


def test_an_erased_disk_is_empty() -> None:
    target = disk()
    put(target, b"a", sync=True)
    put(target, b"b")
    target.erase()
    target.lose_power()

    assert keys_of(target) == []
