"""`stator verify`: each kind of damage is named, and a sound folder is called sound."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from damaged_files import copy_of, flip
from one_node import item, table_body
from stator_core import expiry, item_format, keys, stream_shards
from stator_core.partition import View, evaluate_write
from stator_core.requests import create_table, put_item
from stator_core.table import Table, TimeToLive
from stator_core.table_status import table_active, table_deleting
from stator_node.catalog import TABLE_PREFIX, Catalog
from stator_node.doors import Operation
from stator_node.local_expiries import mark_key, setting_of
from stator_node.local_streams import Feed, feed_operation
from stator_node.storage.folder import DataFolder
from stator_node.storage.rocksdb import RocksItemStore
from stator_node.storage.verify import run, verify
from table_bodies import index

ITEMS = 60
LOCAL, GLOBAL = "by-a", "of-a"
BODY = table_body(
    LocalSecondaryIndexes=[index(LOCAL, "pk", "a")],
    GlobalSecondaryIndexes=[index(GLOBAL, "a")],
)


def fill(store: RocksItemStore) -> Table:
    """The table Music with ITEMS items, every second one in its indexes."""
    catalog = Catalog(store)
    request = create_table.parse(orjson.loads(orjson.dumps(BODY)))
    made = request.table(catalog.identifiers(), "id", 1.0, "eu-west-2", "123456789012")
    table = table_active(made)
    catalog.save(table)
    view = View(store.get, lambda key: store.get_from("indexes", key))
    for number in range(ITEMS):
        more = {"a": f"{number}"} if number % 2 else {}
        content = item(f"{number % 3}", f"{number:03}", v="x" * 50, **more)
        put = put_item.parse({"TableName": "Music", "Item": content})
        made_of_it = evaluate_write(table, put, view, number)
        operations: list[Operation] = [("items", made_of_it.key, made_of_it.value)]
        store.write([*operations, *made_of_it.beside], sync=False)
    store.sync()
    return table


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "data"
    with DataFolder(path, create=True, now=1.0) as folder:
        store = RocksItemStore(folder.database_path)
        fill(store)
        store.flush()
        store.close()
    return path


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return copy_of(sound, tmp_path / "data")


@pytest.fixture
def store(folder: Path) -> Iterator[RocksItemStore]:
    """The folder's own store, to write damage that RocksDB takes for data."""
    opened = RocksItemStore(folder / "rocksdb")
    yield opened
    opened.close()


def findings(store: RocksItemStore) -> list[str]:
    store.close()
    return verify(store.path).damage


def music(store: RocksItemStore) -> Table:
    return Catalog(store).tables["Music"]


def entry_of(store: RocksItemStore, name: str, number: int) -> tuple[Any, bytes, bytes]:
    """(family, key, value) of item `number`'s entry in an index."""
    table = music(store)
    one = table.index(name)
    assert one is not None
    entry = item(f"{number % 3}", f"{number:03}", v="x" * 50, a=f"{number}")
    entry_key = keys.entry_key(table, one, entry)
    family: Any = "items" if one.is_global else "indexes"
    stored = store.get_from(family, entry_key)
    assert stored is not None
    return family, entry_key, stored


def test_a_sound_folder_is_called_sound_and_left_as_it_was(folder: Path) -> None:
    def content() -> dict[str, bytes]:
        paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "LOCK"]
        return {str(path): path.read_bytes() for path in paths}

    before, output = content(), io.StringIO()
    assert run(folder, output) == 0
    assert output.getvalue() == f"{folder}: 1 tables, 60 items, 60 index entries; sound\n"
    assert content() == before


def test_a_damaged_item_is_named_by_table_and_key(store: RocksItemStore) -> None:
    item_key = keys.item_key(music(store), item("0", "000"))
    stored = store.get(item_key)
    assert stored is not None
    store.write([("items", item_key, stored[:-2] + b"?}")], sync=True)
    (found,) = findings(store)
    assert found.startswith('table Music, item {"pk":{"S":"0"},"sk":{"S":"000"}}: ')
    assert "checksum" in found


def test_an_item_under_the_key_of_another_is_named(store: RocksItemStore) -> None:
    table = music(store)
    item_key = keys.item_key(table, item("0", "000"))
    stored = item_format.encode(item_key, orjson.dumps(item("0", "other")), 1, 1)
    store.write([("items", item_key, stored)], sync=True)
    assert any("stands under another key" in found for found in findings(store))


def test_a_key_that_is_none_is_named(store: RocksItemStore) -> None:
    prefix = keys.item_key(music(store), item("0", "000"))[:12]
    store.write([("items", prefix + b"\x00\x07", b"")], sync=True)
    assert any("a key that is none" in found for found in findings(store))


@pytest.mark.parametrize("name", [LOCAL, GLOBAL])
def test_a_missing_index_entry_is_named(store: RocksItemStore, name: str) -> None:
    family, entry_key, _ = entry_of(store, name, 1)
    store.write([(family, entry_key, None)], sync=True)
    found = findings(store)
    assert any(
        f'index {name}: the entry of item {{"pk":{{"S":"1"}},"sk":{{"S":"001"}}}} is missing' in one
        for one in found
    )


@pytest.mark.parametrize("name", [LOCAL, GLOBAL])
def test_an_index_entry_of_no_item_is_named(store: RocksItemStore, name: str) -> None:
    table = music(store)
    item_key = keys.item_key(table, item("1", "001"))
    store.write([("items", item_key, None)], sync=True)
    assert f"table Music, index {name}: 30 entries, 29 follow from the items" in findings(store)


@pytest.mark.parametrize("name", [LOCAL, GLOBAL])
def test_an_index_entry_that_differs_from_its_item_is_named(
    store: RocksItemStore, name: str
) -> None:
    family, entry_key, stored = entry_of(store, name, 1)
    content = orjson.loads(item_format.payload_of(entry_key, stored)) | {"v": {"S": "other"}}
    other = item_format.encode(entry_key, orjson.dumps(content), 1, 1)
    store.write([(family, entry_key, other)], sync=True)
    assert any("differs from the item" in found for found in findings(store))


@pytest.mark.parametrize("name", [LOCAL, GLOBAL])
def test_a_damaged_index_entry_is_named(store: RocksItemStore, name: str) -> None:
    family, entry_key, stored = entry_of(store, name, 1)
    store.write([(family, entry_key, stored[:-2] + b"?}")], sync=True)
    assert any(f"index {name}, item " in one and "checksum" in one for one in findings(store))


def test_a_wrong_size_of_an_item_collection_is_named(store: RocksItemStore) -> None:
    counter = keys.collection_counter_key(music(store), item("2"))
    store.write([("indexes", counter, (12345).to_bytes(8, "big"))], sync=True)
    (found,) = findings(store)
    assert found.startswith('table Music: the item collection of {"S":"2"} has ')
    assert found.endswith("12345 are kept of it")


def ending(store: RocksItemStore) -> tuple[int, bytes]:
    """The table's identifier and the key of the only item that ends; the index is whole."""
    catalog = Catalog(store)
    setting = TimeToLive("ends", "ENABLED", 2.0)
    table = catalog.tables["Music"].changed(time_to_live=setting)
    catalog.save(table)
    put = put_item.parse({"TableName": "Music", "Item": item("0", "000", ends=50)})
    view = View(store.get, lambda key: store.get_from("indexes", key))
    made = evaluate_write(table, put, view, 99)
    mark: Operation = ("meta", mark_key(table.identifier), setting_of(table))
    store.write([("items", made.key, made.value), mark, *made.beside], sync=True)
    return table.identifier, made.key


def test_an_item_whose_end_is_not_known_is_named(store: RocksItemStore) -> None:
    identifier, key = ending(store)
    entry = expiry.entry_key(identifier, 50, key)
    store.write([("expiries", entry, None)], sync=True)

    assert [damage[:38] for damage in findings(store)] == ["table Music, time to live: expiry unde"]


def test_an_end_of_no_item_is_named(store: RocksItemStore) -> None:
    identifier, key = ending(store)
    store.write([expiry.entry(identifier, 51, key)], sync=True)

    assert findings(store) == ["table Music, time to live: 2 entries, 1 follow from the items"]


def test_an_index_by_expiry_that_is_not_whole_yet_is_no_damage(store: RocksItemStore) -> None:
    identifier, key = ending(store)
    entry = expiry.entry_key(identifier, 50, key)
    store.write([("expiries", entry, None), ("meta", mark_key(identifier), None)], sync=True)

    assert findings(store) == []


def test_a_damaged_description_of_a_table_is_named(store: RocksItemStore) -> None:
    key = TABLE_PREFIX + b"Music"
    stored = store.get_from("meta", key)
    assert stored is not None
    store.write([("meta", key, stored[:-1] + b"?")], sync=True)
    (found,) = findings(store)
    assert found.startswith("the description of table Music: ")


def test_a_table_on_its_way_out_may_be_half_gone(store: RocksItemStore) -> None:
    catalog = Catalog(store)
    table = catalog.tables["Music"]
    catalog.save(table_deleting(table))
    item_key = keys.item_key(table, item("1", "001"))
    store.write([("items", item_key, None)], sync=True)
    assert findings(store) == []


def test_every_part_of_a_table_file_is_looked_at(sound: Path, tmp_path: Path) -> None:
    table_files = sorted(path.name for path in (sound / "rocksdb").glob("*.sst"))
    assert len(table_files) == 3
    for name in table_files:
        size = (sound / "rocksdb" / name).stat().st_size
        for offset in range(3, size, size // 12):
            folder = copy_of(sound, tmp_path / "data")
            flip(folder / "rocksdb" / name, offset, offset % 8)
            output = io.StringIO()
            assert run(folder, output) == 1, (name, offset)
            assert f"file {name}" in output.getvalue(), (name, offset, output.getvalue())


def test_what_lies_behind_a_damaged_block_is_looked_at_too(tmp_path: Path) -> None:
    """One damaged file must not hide the next."""
    store = RocksItemStore(tmp_path / "rocksdb")
    for part in range(3):
        for number in range(100):
            key = b"\x00\x00\x00\x09%d%05d" % (part, number)
            store.write([("items", key, os.urandom(200))], sync=False)
        store.flush()
    store.close()
    names = sorted(path.name for path in store.path.glob("*.sst"))
    for name in (names[0], names[-1]):
        flip(store.path / name, 5000)
    found = verify(store.path).damage
    assert [name for name in names if any(name in one for one in found)] == [names[0], names[-1]]


def test_a_file_that_is_gone_is_named(folder: Path) -> None:
    (name, *_) = sorted(path.name for path in (folder / "rocksdb").glob("*.sst"))
    (folder / "rocksdb" / name).unlink()
    output = io.StringIO()
    assert run(folder, output) == 1
    assert name in output.getvalue()


def test_a_log_that_a_crash_cut_short_is_noted_and_sound(store: RocksItemStore) -> None:
    store.write([("meta", b"never acknowledged", b"x" * 100)], sync=True)
    copied = copy_of(store.path.parent, store.path.parent.parent / "copied")
    store.close()
    (log,) = [path for path in (copied / "rocksdb").glob("*.log") if path.stat().st_size]
    log.write_bytes(log.read_bytes()[:-5])
    output = io.StringIO()
    assert run(copied, output) == 0
    assert "incomplete record" in output.getvalue()
    assert output.getvalue().endswith("sound\n")


def test_a_folder_that_cannot_be_looked_at_is_refused(tmp_path: Path) -> None:
    output = io.StringIO()
    assert run(tmp_path / "none", output) == 1
    assert output.getvalue().startswith("stator: there is no data folder")


def with_stream(path: Path, stamp: int) -> Table:
    """A folder with a table whose shards are [100, 200) and on, and a change at this stamp."""
    with DataFolder(path, create=True, now=1.0) as folder:
        store = RocksItemStore(folder.database_path)
        catalog = Catalog(store)
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        body = {**orjson.loads(orjson.dumps(BODY)), "StreamSpecification": stream}
        made = create_table.parse(body).table(
            catalog.identifiers(), "id", 1.0, "eu-west-2", "123456789012"
        )
        table = table_active(made)
        catalog.save(table)
        view = View(store.get, lambda key: store.get_from("indexes", key))
        put = put_item.parse({"TableName": "Music", "Item": item(a="x")})
        evaluated = evaluate_write(table, put, view, stamp)
        operations: list[Operation] = [("items", evaluated.key, evaluated.value)]
        shards = stream_shards.opened((), table.identifier, "label", "NEW_IMAGE", 100)
        feed = Feed(table, stream_shards.rolled(shards, table.identifier, 200))
        store.write([*operations, *evaluated.beside, feed_operation(feed)], sync=True)
        store.close()
    return table


@pytest.mark.parametrize("stamp", [70, 100, 199, 200, 500])
def test_a_stream_whose_records_are_in_shards_is_sound(tmp_path: Path, stamp: int) -> None:
    """What is older than the oldest shard is about to be trimmed."""
    with_stream(tmp_path / "data", stamp)
    output = io.StringIO()
    assert run(tmp_path / "data", output) == 0, output.getvalue()


@pytest.mark.parametrize("damaged", [False, True])
def test_a_stream_record_that_is_damaged_or_in_no_shard_is_named(
    tmp_path: Path, damaged: bool
) -> None:
    path = tmp_path / "data"
    table = with_stream(path, 500)
    with DataFolder(path, create=False, now=1.0) as folder:
        store = RocksItemStore(folder.database_path)
        ((key, value),) = list(store.cursor("changes", b"", b"\xff" * 20))
        if damaged:
            store.write([("changes", key, value[:-1] + b"?")], sync=True)
        else:
            shards = stream_shards.opened((), table.identifier, "label", "NEW_IMAGE", 100)
            feed = Feed(table, stream_shards.closed(shards, 400))
            store.write([feed_operation(feed)], sync=True)
        store.close()
    output = io.StringIO()
    assert run(path, output) == 1
    named = "the checksum does not match" if damaged else f"under key {key.hex()} is in no shard"
    assert named in output.getvalue()
