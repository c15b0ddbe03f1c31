"""`stator verify FOLDER`: is everything in a stopped data folder what was written there?

Reads only. Seven looks, each of which names what it finds: the files (every checksum in them), the
catalog, every item's checksum under its key, that each index holds exactly the entries that follow
from its table, that each item which ends is known by its end, that each item collection has the
size that is kept of it, and every stream record's checksum, and that it lies in a shard. Called by
`__main__.py`. Exit code 0: sound; 1: damaged, or the folder cannot be looked at. Invariant: the
folder is left as it was found.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import orjson

from stator_core import change_format, expiry, item_format, keys
from stator_core.change_format import ChangeDamaged
from stator_core.indexes import IndexChange, index_change
from stator_core.item_format import Damaged
from stator_core.stream_shards import Shards
from stator_core.table import Index, Table
from stator_node.catalog import TABLE_PREFIX, read_descriptors
from stator_node.doors import FAMILIES, Family, StorageFailed
from stator_node.local_expiries import mark_key, setting_of
from stator_node.local_streams import read_feeds
from stator_node.storage import log_files, table_files
from stator_node.storage.folder import DataFolder, FolderRefused
from stator_node.storage.rocksdb import RocksItemStore

FINDINGS_MAX = 100  # enough to see what is wrong; a broken disk finds thousands
KEY_END = b"\xff" * 64
_FILE_IN_TEXT = re.compile(r"(\d{6}\.(?:sst|log))")


@dataclass(slots=True)
class Findings:
    """What was looked at and what is wrong."""

    damage: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tables: int = 0
    items: int = 0
    entries: int = 0

    def add(self, text: str) -> None:
        """Note one damage, once; past FINDINGS_MAX they are only counted by the last line."""
        if len(self.damage) < FINDINGS_MAX and text not in self.damage:
            self.damage.append(text)


def run(path: Path, output: TextIO) -> int:
    """Verify a folder and write the findings for a person. Returns the exit code."""
    try:
        with DataFolder(path, create=False, now=time.time()) as folder:
            findings = verify(folder.database_path)
    except FolderRefused as error:
        output.write(f"stator: {error}\n")
        return 1
    for note in findings.notes:
        output.write(f"note: {note}\n")
    for damage in findings.damage:
        output.write(f"damaged: {damage}\n")
    output.write(
        f"{path}: {findings.tables} tables, {findings.items} items, {findings.entries} index "
        f"entries; {'damaged' if findings.damage else 'sound'}\n"
    )
    return 1 if findings.damage else 0


def verify(database_path: Path) -> Findings:
    """Look at a database that nobody has open."""
    findings = Findings()
    store = _open(database_path, findings)
    if store is None:
        return findings
    try:
        _check_files(store, findings)
        tables = _check_catalog(store, findings)
        findings.tables = len(tables)
        for table in tables:
            _check_table(store, table, findings)
        _check_streams(store, findings)
    finally:
        store.close()
    return findings


def _open(path: Path, findings: Findings) -> RocksItemStore | None:
    """Open for reading: strictly first, then as a restart would."""
    try:
        return RocksItemStore(path, create=False, read_only=True, strict_log=True)
    except StorageFailed as strict:
        try:
            store = RocksItemStore(path, create=False, read_only=True)
        except StorageFailed as error:
            _name_damage(path, error, findings)
            return None
        findings.notes.append(
            "the log ends in an incomplete record, as a crash leaves it; it was never "
            f"acknowledged, and the next start drops it ({strict})"
        )
        return store


def _name_damage(path: Path, error: StorageFailed, findings: Findings) -> None:
    """Say which files keep the database from being opened; RocksDB does not always."""
    try:
        damages = log_files.damages(path, thorough=True) + list(_table_damages(path))
    except OSError as unreadable:
        damages = [str(unreadable)]
    for damage in damages or [str(error)]:
        findings.add(damage)


def _table_damages(path: Path) -> Iterator[str]:
    """What the table files say of themselves, apart from their data blocks."""
    for table_file in sorted(path.glob("*.sst")):
        damage = table_files.damage_of(table_file)
        if damage is not None:
            yield f"file {table_file.name}: {damage}"


def _check_files(store: RocksItemStore, findings: Findings) -> None:
    """Look at every checksum of every file."""
    for damage in _table_damages(store.path):
        findings.add(damage)
    for family in FAMILIES:
        start: bytes | None = b""
        while start is not None:
            start = _walk(store, family, start, findings)


def _walk(store: RocksItemStore, family: Family, start: bytes, findings: Findings) -> bytes | None:
    """Walk a family from `start`; where to go on behind a damaged file, or None at the end."""
    try:
        for _ in store.cursor(family, start, KEY_END):
            pass
    except StorageFailed as error:
        name = _name_of_file(str(error))
        findings.add(f"file {name or 'unknown'}: {error}")
        end = None if name is None else store.table_files().get(name)
        return None if end is None or end < start else end + b"\0"
    return None


def _name_of_file(text: str) -> str | None:
    found = _FILE_IN_TEXT.search(text)
    return None if found is None else found.group(1)


def _check_catalog(store: RocksItemStore, findings: Findings) -> list[Table]:
    tables: list[Table] = []
    try:
        for name, descriptor in read_descriptors(store):
            if isinstance(descriptor, Table):
                tables.append(descriptor)
            else:
                findings.add(f"the description of table {name}: {descriptor}")
    except StorageFailed:
        findings.add(f"the catalog (keys beginning {TABLE_PREFIX.decode()}) cannot be read whole")
    return tables


def _check_streams(store: RocksItemStore, findings: Findings) -> None:
    """Every record's checksum; and, where the shards are known here, that one holds it."""
    shards: dict[int, Shards] = {}
    try:
        shards = {feed.table.identifier: feed.shards for feed in read_feeds(store)}
    except (Damaged, ValueError, StorageFailed) as error:
        findings.add(f"the shards of streams: {error}")
    try:
        for key, stored in store.cursor("changes", b"", KEY_END):
            try:
                change = change_format.decode(key, stored)
            except ChangeDamaged as error:
                findings.add(f"a stream's record: {error}")
                continue
            of_partition = shards.get(change_format.partition_of(key), ())
            if of_partition and not _is_held(of_partition, change.stamp):
                findings.add(f"the stream's record under key {key.hex()} is in no shard")
    except StorageFailed:
        findings.add("the records of streams cannot be read whole")


def _is_held(shards: Shards, stamp: int) -> bool:
    """Whether a shard holds this stamp, or did before it was trimmed."""
    return stamp < shards[0].start or any(
        shard.start <= stamp and (shard.end is None or stamp < shard.end) for shard in shards
    )


def _check_table(store: RocksItemStore, table: Table, findings: Findings) -> None:
    """Every item's checksum and key, and the index entries that follow from it."""
    expected = dict.fromkeys((index.name for index in table.indexes), 0)
    collections = Collections(store, table, findings)
    ends = Ends(store, table, findings)
    for key, stored in _entries(store, table, None, findings):
        item = _decode(table, None, key, stored, findings)
        if item is None:
            collections.give_up()
            continue
        findings.items += 1
        ends.add(key, item)
        local_bytes = 0
        for index in table.indexes:
            change = index_change(table, index, None, item)
            if change is not None:
                local_bytes += 0 if index.is_global else change.entry_size
                if _is_complete(table, index):
                    expected[index.name] += 1
                    _check_entry(store, table, item, change, findings)
        collections.add(item, item_format.size_of(stored) + local_bytes)
    collections.end()
    ends.end()
    for index in table.indexes:
        found = 0
        for key, stored in _entries(store, table, index, findings):
            found += 1
            findings.entries += 1
            _decode(table, index, key, stored, findings)
        if _is_complete(table, index) and found != expected[index.name]:
            findings.add(
                f"table {table.name}, index {index.name}: {found} entries, "
                f"{expected[index.name]} follow from the items"
            )


def _is_complete(table: Table, index: Index) -> bool:
    """Whether the index must agree with the table: neither is on its way in or out."""
    return index.status == "ACTIVE" and table.status != "DELETING"


class Ends:
    """Compares the index by expiry with the items, once it is whole for the setting in force."""

    def __init__(self, store: RocksItemStore, table: Table, findings: Findings) -> None:
        self._store = store
        self._table = table
        self._findings = findings
        self._found = 0
        self._attribute: str | None = None
        try:
            mark = store.get_from("meta", mark_key(table.identifier))
        except StorageFailed:
            return  # Its file has been named.
        if table.status != "DELETING" and mark == setting_of(table):
            self._attribute = table.expires_by

    def add(self, key: bytes, item: dict[str, dict[str, object]]) -> None:
        """An item, whose entry must be there if it ends at all."""
        if self._attribute is None:
            return
        second = expiry.second_of(item, self._attribute)
        if second is None:
            return
        self._found += 1
        entry_key = expiry.entry_key(self._table.identifier, second, key)
        try:
            expiry.check(entry_key, self._store.get_from("expiries", entry_key) or b"")
        except expiry.ExpiryDamaged as error:
            self._findings.add(f"table {self._table.name}, time to live: {error}")
        except StorageFailed:
            return  # Its file has been named.

    def end(self) -> None:
        """No more items: nor may there be more entries. An item that is damaged keeps its own."""
        if self._attribute is None or self._findings.damage:
            return
        bounds = expiry.partition_bounds(self._table.identifier)
        entries = sum(1 for _ in self._store.cursor("expiries", *bounds))
        if entries != self._found:
            self._findings.add(
                f"table {self._table.name}, time to live: {entries} entries, {self._found} follow "
                "from the items"
            )


class Collections:
    """Compares each item collection's size with the one that is kept (`partition.py`).

    Items come in the order of their keys, so one collection after the other.
    """

    def __init__(self, store: RocksItemStore, table: Table, findings: Findings) -> None:
        self._store = store
        self._table = table
        self._findings = findings
        self._key = b""  # the counter of the collection under way
        self._name = ""
        self._bytes = 0
        # Nothing is kept of a table without local indexes, nor right of one being deleted.
        self._counted = bool(table.local_indexes) and table.status != "DELETING"

    def add(self, item: dict[str, dict[str, object]], size: int) -> None:
        """One more item, of that many bytes with its local entries."""
        if not self._counted:
            return
        key = keys.collection_counter_key(self._table, item)
        if key != self._key:
            self.end()
            self._key, self._bytes = key, 0
            self._name = orjson.dumps(item[self._table.hash_key.name]).decode()
        self._bytes += size

    def end(self) -> None:
        """No more items of the collection under way."""
        if not self._counted or not self._key:
            return
        try:
            kept = self._store.get_from("indexes", self._key) or b""
        except StorageFailed:
            return  # Its file has been named.
        if int.from_bytes(kept, "big") != self._bytes:
            self._findings.add(
                f"table {self._table.name}: the item collection of {self._name} has "
                f"{self._bytes} bytes, {int.from_bytes(kept, 'big')} are kept of it"
            )

    def give_up(self) -> None:
        """An item cannot be read, so no sum would be right."""
        self._counted = False


def _entries(
    store: RocksItemStore, table: Table, index: Index | None, findings: Findings
) -> Iterator[tuple[bytes, bytes]]:
    family: Family = "indexes" if index is not None and not index.is_global else "items"
    for start, end in keys.scan_bounds(table, index, 0, 1):
        try:
            for key, stored in store.cursor(family, start, end):
                if index is None or index.is_global or keys.is_entry_of(index, key):
                    yield key, stored
        except StorageFailed:
            findings.add(f"table {table.name}: not all of it can be read, see the damaged files")


def _decode(
    table: Table, index: Index | None, key: bytes, stored: bytes, findings: Findings
) -> dict[str, dict[str, object]] | None:
    """The item under a key, or None if it is damaged; then it is named."""
    where = f"table {table.name}" + ("" if index is None else f", index {index.name}")
    try:
        attributes = keys.stored_key_attributes(table, index, key)
    except ValueError as error:
        findings.add(f"{where}: a key that is none ({key.hex()}): {error}")
        return None
    try:
        item: dict[str, dict[str, object]] = orjson.loads(item_format.payload_of(key, stored))
    except (Damaged, ValueError) as error:
        findings.add(f"{where}, item {orjson.dumps(attributes).decode()}: {error}")
        return None
    if any(item.get(name) != value for name, value in attributes.items()):
        findings.add(f"{where}, item {orjson.dumps(attributes).decode()}: stands under another key")
        return None
    return item


def _check_entry(
    store: RocksItemStore,
    table: Table,
    item: dict[str, dict[str, object]],
    change: IndexChange,
    findings: Findings,
) -> None:
    """Name the item's entry in an index if it is missing or another than follows from the item."""
    assert change.put_key is not None
    family: Family = "items" if change.index.is_global else "indexes"
    where = f"table {table.name}, index {change.index.name}"
    key = orjson.dumps(keys.key_of(table, item)).decode()
    try:
        stored = store.get_from(family, change.put_key)
        if stored is None:
            findings.add(f"{where}: the entry of item {key} is missing")
        elif orjson.loads(item_format.payload_of(change.put_key, stored)) != change.entry:
            findings.add(f"{where}: the entry of item {key} differs from the item")
    except (StorageFailed, Damaged, ValueError):
        return  # The damaged file, or entry, is named by the walk over it.
