"""The item store on RocksDB: it keeps what it was given, says so when it cannot, and never less."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from damaged_files import copy_of, crashed_database, flip, log_of, manifest_of
from stator_node.doors import FAMILIES, ItemStore, StorageFailed
from stator_node.memory import MemoryItemStore
from stator_node.storage.rocksdb import WALK_ENTRIES, RocksItemStore

CRASHED_ENTRIES = 300


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RocksItemStore]:
    opened = RocksItemStore(tmp_path / "rocksdb")
    yield opened
    opened.close()


@pytest.fixture(params=["rocksdb", "memory"])
def twin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ItemStore]:
    """Both twins of the door, which must answer alike."""
    on_disk = request.param == "rocksdb"
    opened = RocksItemStore(tmp_path / "rocksdb") if on_disk else MemoryItemStore()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crashed_database(tmp_path_factory.mktemp("crashed") / "rocksdb", CRASHED_ENTRIES)


def put(store: ItemStore, *keys: bytes) -> None:
    store.write([("items", key, b"of " + key) for key in keys], sync=True)


def walk(store: ItemStore, start: bytes, end: bytes, *, reverse: bool = False) -> list[bytes]:
    return [key for key, _ in store.cursor("items", start, end, reverse=reverse)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "start,end,expected",
    [
        (b"", b"\xff", [b"a", b"b", b"b\0", b"c"]),
        (b"b", b"c", [b"b", b"b\0"]),
        (b"b\0", b"c", [b"b\0"]),
        (b"a\xff", b"b", []),
        (b"b", b"b", []),
        (b"c", b"c\0", [b"c"]),
        (b"d", b"z", []),
    ],
)
def test_a_walk_keeps_within_its_bounds_either_way(
    twin: ItemStore, start: bytes, end: bytes, expected: list[bytes], *, reverse: bool
) -> None:
    put(twin, b"a", b"b", b"b\0", b"c")
    assert walk(twin, start, end, reverse=reverse) == (expected[::-1] if reverse else expected)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_walk_in_slices_gives_everything_once(twin: ItemStore, *, reverse: bool) -> None:
    every = [b"%05d" % number for number in range(2 * WALK_ENTRIES + 3)]
    put(twin, *every)
    cursor = twin.cursor("items", b"", b"\xff", reverse=reverse)
    found: list[bytes] = []
    while taken := cursor.take(7):
        found += [key for key, _ in taken]
        if len(taken) < 7:
            break
    assert found == (every[::-1] if reverse else every)
    assert walk(twin, b"", b"\xff", reverse=reverse) == found


def test_a_walk_is_of_the_moment_when_it_began(twin: ItemStore) -> None:
    put(twin, b"a", b"b", b"c")
    cursor = twin.cursor("items", b"", b"\xff")
    assert [key for key, _ in cursor.take(1)] == [b"a"]
    put(twin, b"b2")
    twin.write([("items", b"c", None)], sync=True)
    assert [key for key, _ in cursor.take(9)] == [b"b", b"c"]


def test_a_walk_outlives_the_bytes_of_its_bounds(twin: ItemStore) -> None:
    """RocksDB looks at the bound at every step; whoever opened the walk may have forgotten it."""
    names = [b"\1" + number.to_bytes(2, "big") for number in range(2 * WALK_ENTRIES)]
    put(twin, *names)
    for _ in range(20):
        cursor = twin.cursor("items", (1).to_bytes(1, "big"), (512).to_bytes(2, "big"))
        others = [(0).to_bytes(2, "big") for _ in range(500)]  # Where the bound was.
        assert [key for key, _ in cursor] == names
        del others


def test_families_are_apart_and_a_batch_goes_over_all_of_them(twin: ItemStore) -> None:
    twin.write([(family, b"key", family.encode()) for family in FAMILIES], sync=True)
    assert [twin.get_from(family, b"key") for family in FAMILIES] == [
        family.encode() for family in FAMILIES
    ]
    twin.write([("indexes", b"key", None)], sync=True)
    assert twin.get(b"key") == b"items"
    assert twin.get_from("indexes", b"key") is None


def test_later_operations_of_a_batch_win(twin: ItemStore) -> None:
    twin.write([("items", b"k", b"1"), ("items", b"k", None), ("items", b"k", b"2")], sync=False)
    assert twin.get(b"k") == b"2"


def test_a_deleted_range_holds_nothing_and_its_neighbours_stay(twin: ItemStore) -> None:
    put(twin, b"a", b"b", b"b\xff", b"c")
    twin.delete_range("items", b"b", b"c")
    assert walk(twin, b"", b"\xff") == [b"a", b"c"]


def test_what_was_written_is_there_after_opening_again(store: RocksItemStore) -> None:
    put(store, b"a")
    store.write([("items", b"b", b"unsynced, and closed all the same")], sync=False)
    store.close()
    store.close()
    again = RocksItemStore(store.path)
    assert walk(again, b"", b"\xff") == [b"a", b"b"]
    again.close()


def test_a_batch_is_there_whole_or_not_at_all_wherever_a_crash_cuts_the_log(
    store: RocksItemStore, tmp_path: Path
) -> None:
    for number in range(3):
        store.write([(family, b"batch%d" % number, b"x" * 50) for family in FAMILIES], sync=True)
    whole = copy_of(store.path, tmp_path / "whole")
    log = log_of(whole)
    content = log.read_bytes()
    counts = set()
    for size in range(0, len(content) + 1, 41):
        cut = copy_of(whole, tmp_path / "cut")
        (cut / log.name).write_bytes(content[:size])
        found = RocksItemStore(cut)
        there = 0
        for number in range(3):
            values = {found.get_from(family, b"batch%d" % number) for family in FAMILIES}
            assert len(values) == 1, (size, number)
            there += None not in values
        counts.add(there)
        found.close()
    assert counts >= {0, 1, 2}


def test_a_closed_store_refuses_everything(store: RocksItemStore) -> None:
    store.close()
    for use in (
        lambda: store.get(b"a"),
        lambda: store.get_from("meta", b"a"),
        lambda: store.cursor("items", b"", b"\xff"),
        lambda: store.write([("items", b"a", b"")], sync=False),
        lambda: store.delete_range("items", b"", b"\xff"),
        store.sync,
    ):
        with pytest.raises(StorageFailed):
            use()


def test_reopening_serves_what_was_there_and_takes_more(store: RocksItemStore) -> None:
    put(store, b"a")
    kept = store.cursor("items", b"", b"\xff")
    assert len(kept.take(1)) == 1
    del kept
    store.reopen()
    put(store, b"b")
    assert store.get(b"a") == b"of a"
    assert walk(store, b"", b"\xff") == [b"a", b"b"]


def test_a_cursor_held_over_a_reopening_only_delays_it(store: RocksItemStore) -> None:
    put(store, b"a")
    kept = store.cursor("items", b"", b"\xff")
    with pytest.raises(StorageFailed, match=r"(?i)lock"):
        store.reopen()
    with pytest.raises(StorageFailed):
        store.get(b"a")
    del kept
    store.reopen()
    assert store.get(b"a") == b"of a"


def test_two_stores_cannot_open_one_database(store: RocksItemStore) -> None:
    with pytest.raises(StorageFailed, match=r"(?i)lock"):
        RocksItemStore(store.path)


def test_a_lost_current_makes_no_empty_database_over_the_data(store: RocksItemStore) -> None:
    """RocksDB would, and delete what it then takes for leftovers."""
    put(store, b"a")
    store.flush()
    store.close()
    current = (store.path / "CURRENT").read_bytes()
    (store.path / "CURRENT").unlink()
    with pytest.raises(StorageFailed):
        RocksItemStore(store.path)
    (store.path / "CURRENT").write_bytes(current)
    again = RocksItemStore(store.path)
    assert again.get(b"a") == b"of a"
    again.close()


def test_nothing_is_made_where_nothing_may_be_made(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        RocksItemStore(tmp_path / "none", create=False, read_only=True)


def test_a_damaged_block_raises_and_never_looks_like_the_end(store: RocksItemStore) -> None:
    values = {b"key%05d" % number: os.urandom(200) for number in range(500)}
    store.write([("items", key, value) for key, value in values.items()], sync=True)
    store.flush()
    store.close()
    (table_file,) = store.path.glob("*.sst")
    flip(table_file, table_file.stat().st_size // 2)
    damaged = RocksItemStore(store.path)
    for reverse in (False, True):
        with pytest.raises(StorageFailed, match="checksum"):
            walk(damaged, b"", b"\xff", reverse=reverse)
    failed = 0
    for key, value in values.items():
        try:
            assert damaged.get(key) == value
        except StorageFailed:
            failed += 1
    assert 0 < failed < len(values)
    damaged.close()


@pytest.mark.parametrize("bit", range(8))
def test_no_flipped_bit_of_a_log_record_is_passed_over(
    tmp_path: Path, crashed: Path, bit: int
) -> None:
    """Not a checksum, a length or a type, first or last: acknowledged writes would be gone."""
    size = log_of(crashed).stat().st_size
    near_the_end = size - 300
    for offset in (0, 4, 5, 6, 20, size // 2, near_the_end, size - 1):
        database = copy_of(crashed, tmp_path / "rocksdb")
        flip(log_of(database), offset, bit)
        with pytest.raises(StorageFailed):
            RocksItemStore(database)


def test_damage_in_the_manifest_is_refused_before_rocksdb_believes_it(
    tmp_path: Path, crashed: Path
) -> None:
    for offset in range(0, manifest_of(crashed).stat().st_size, 23):
        database = copy_of(crashed, tmp_path / "rocksdb")
        flip(manifest_of(database), offset, 7)
        with pytest.raises(StorageFailed, match="MANIFEST"):
            RocksItemStore(database)


def test_a_log_cut_short_opens_with_all_that_is_whole(tmp_path: Path, crashed: Path) -> None:
    database = copy_of(crashed, tmp_path / "rocksdb")
    log = log_of(database)
    log.write_bytes(log.read_bytes()[:-5])
    with pytest.raises(StorageFailed, match="truncated"):
        RocksItemStore(database, read_only=True, strict_log=True)
    store = RocksItemStore(database)
    assert len(walk(store, b"", b"\xff")) == CRASHED_ENTRIES - 1
    store.close()
