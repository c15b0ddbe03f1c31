"""Two read a shard at a time; a third is told to come again; one after the other, anybody may."""

from __future__ import annotations

import pytest

from stator_core.errors import LimitExceededException
from stator_core.stream_readers import SHARDS_KEPT_MAX, ShardReaders


def test_a_third_reader_beside_two_is_refused_until_one_of_them_pauses() -> None:
    readers = ShardReaders()
    for now in (100, 300):
        readers.note("shard", 1, 0, now)
        readers.note("shard", 2, 0, now)
    with pytest.raises(LimitExceededException) as refused:
        readers.note("shard", 3, 50, 400)
    assert refused.value.message == "Too many operations for a given subscriber."
    readers.note("shard", 1, 0, 1200)
    readers.note("shard", 3, 50, 1301)  # The second has not been seen for a second.


def test_the_refused_reader_does_not_disturb_the_two() -> None:
    readers = ShardReaders()
    for reader in (1, 2):
        readers.note("shard", reader, 0, 0)
    for now in range(100, 5000, 100):
        readers.note("shard", 1, 0, now)
        readers.note("shard", 2, 0, now)
        with pytest.raises(LimitExceededException):
            readers.note("shard", 3, 0, now)


def test_who_reads_once_in_a_second_is_no_reader() -> None:
    readers = ShardReaders()
    for now in range(0, 10_000, 1000):
        for reader in range(5):
            readers.note("shard", reader, 0, now)


def test_each_shard_has_its_own_readers() -> None:
    readers = ShardReaders()
    for reader in range(20):
        readers.note(f"shard-{reader % 10}", reader, 0, 0)


def test_readers_that_come_one_after_the_other_are_never_refused() -> None:
    readers = ShardReaders()
    for reader in range(50):
        began = 10 * reader + 1
        readers.note("shard", reader, began, began)
        readers.note("shard", reader, began, began + 5)


def test_only_so_many_shards_are_remembered() -> None:
    readers = ShardReaders()
    for number in range(SHARDS_KEPT_MAX + 10):
        readers.note(f"shard-{number}", 1, 0, 0)
    assert len(readers._reads) == SHARDS_KEPT_MAX
