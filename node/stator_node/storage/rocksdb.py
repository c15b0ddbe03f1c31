"""The item store on RocksDB: the real twin of `memory.MemoryItemStore`.

In: batches of puts and deletes from `group_commit.py`, point reads and range reads from
`replica.py`. Out: bytes. One database per process, one column family per `Family`. A batch is
atomic, also over families. `write(sync=False)` puts it in the log and in memory; `sync()` makes
everything written so far durable, may run in a thread and lets other threads run meanwhile.
Invariants: keys are raw bytes; no operation is retried here; after a failed write or sync RocksDB
refuses writes until `reopen`; a database whose logs are damaged is not opened (`log_files.py`).
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rocksdict import (
    AccessType,
    BlockBasedOptions,
    Cache,
    ChecksumType,
    DBCompressionType,
    DBRecoveryMode,
    Options,
    Rdict,
    RdictIter,
    ReadOptions,
    WriteBatch,
    WriteOptions,
)

from stator_node.doors import FAMILIES, Family, Operation, StorageDamaged, StorageFailed
from stator_node.storage import log_files

logger = logging.getLogger(__name__)

BLOCK_CACHE_BYTES = 256 * 1024 * 1024
WRITE_BUFFER_BYTES = 64 * 1024 * 1024
WRITE_BUFFERS_MAX = 4
WAL_BYTES_MAX = 512 * 1024 * 1024
BLOOM_BITS_PER_KEY = 10
BACKGROUND_JOBS_MAX = 2
WALK_ENTRIES = 100  # that an iteration one by one fetches at a time
# Opening writes what the logs hold into table files, and a new log, before it deletes the old ones.
REOPEN_BYTES_FREE_MIN = 8 * 1024 * 1024
CLOSED = "the database is closed"


def database_options(*, create: bool, strict_log: bool = False) -> Options:
    """The options of the database. `strict_log` refuses an incomplete last record too."""
    options = Options(raw_mode=True)
    options.create_if_missing(create)
    options.create_missing_column_families(True)
    options.set_max_background_jobs(BACKGROUND_JOBS_MAX)
    options.set_max_total_wal_size(WAL_BYTES_MAX)
    options.set_keep_log_file_num(4)
    options.set_bytes_per_sync(1024 * 1024)
    # A log record cut short at the very end was never acknowledged; any other damage in the log is
    # refused at opening instead of silently dropping the acknowledged writes behind it.
    options.set_wal_recovery_mode(
        DBRecoveryMode.absolute_consistency()
        if strict_log
        else DBRecoveryMode.tolerate_corrupted_tail_records()
    )
    options.set_paranoid_checks(True)
    return options


def family_options(cache: Cache) -> Options:
    """The options of one column family; all share one block cache."""
    blocks = BlockBasedOptions()
    blocks.set_block_cache(cache)
    blocks.set_bloom_filter(BLOOM_BITS_PER_KEY, False)
    blocks.set_cache_index_and_filter_blocks(True)
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(True)
    # RocksDB's defaults of today, pinned: `table_files.py` reads what they say.
    blocks.set_format_version(6)
    blocks.set_checksum_type(ChecksumType.xxh3())
    options = Options(raw_mode=True)
    options.set_block_based_table_factory(blocks)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(WRITE_BUFFERS_MAX)
    options.set_level_compaction_dynamic_level_bytes(True)
    return options


class RocksCursor:
    """The `doors.Cursor` over a RocksDB iterator.

    An iterator that met a damaged block just ends; `status` tells that from the end of the data.
    It reads its upper bound in the bytes that it was given, at every step, and does not keep them
    alive: `options` does, so it must live as long. Without, a walk ends wherever it happens to.
    """

    __slots__ = ("_iterator", "_options", "_reverse", "_start")

    def __init__(
        self, iterator: RdictIter, options: ReadOptions, start: bytes, *, reverse: bool
    ) -> None:
        self._iterator = iterator
        self._options = options
        self._start = start
        self._reverse = reverse

    def take(self, count: int) -> list[tuple[bytes, bytes]]:
        """The next entries; fewer than `count` only at the end. Raises StorageFailed."""
        iterator = self._iterator
        key, value = iterator.key, iterator.value
        found: list[tuple[bytes, bytes]] = []
        try:
            if self._reverse:
                # rocksdict takes a lower bound and then ignores it, so it is kept here.
                start, step = self._start, iterator.prev
                while len(found) < count and (at := key()) is not None and at >= start:
                    found.append((at, value()))
                    step()
            else:
                step = iterator.next
                while len(found) < count and (at := key()) is not None:  # None: past the end
                    found.append((at, value()))
                    step()
            if len(found) < count:
                iterator.status()
        except Exception as error:
            raise _failure(error) from error
        return found

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        while found := self.take(WALK_ENTRIES):
            yield from found


class RocksItemStore:
    """The `doors.ItemStore` that keeps its bytes."""

    def __init__(
        self,
        path: Path,
        *,
        create: bool = True,
        read_only: bool = False,
        strict_log: bool = False,
    ) -> None:
        """Open the database at `path`, made first if `create` and there is none.

        Raises StorageFailed, with RocksDB's own text, or StorageDamaged, with the damaged log.
        """
        self.path = path
        self._strict_log = strict_log
        self._create = create and not read_only
        self._read_only = read_only
        self._synced = WriteOptions()
        self._synced.sync = True
        self._database: Any = None  # None: closed
        self._handles: dict[Family, Any] = {}
        self._families: dict[Family, Any] = {}
        # The hot path's point read of the family "items". Raises StorageFailed.
        self.get: Callable[[bytes], bytes | None] = _get_of_nothing
        self._open()

    def _open(self) -> None:
        if damages := log_files.damages(self.path):
            raise StorageDamaged("; ".join(damages))
        cache = Cache(BLOCK_CACHE_BYTES)
        access = AccessType.read_only(False) if self._read_only else AccessType.read_write()
        create = self._create and not _holds_data(self.path)
        try:
            database = Rdict(
                str(self.path),
                database_options(create=create, strict_log=self._strict_log),
                column_families={name: family_options(cache) for name in FAMILIES},
                access_type=access,
            )
        except Exception as error:  # rocksdict raises bare Exception with RocksDB's text.
            # Which does not name the log that it found damaged.
            damages = [] if self._strict_log else log_files.damages(self.path, thorough=True)
            kind = StorageDamaged if damages or "Corruption" in str(error) else StorageFailed
            damages = damages or [f"cannot open the database at {self.path}: {error}"]
            raise kind("; ".join(damages)) from error
        self._database = database
        self._handles = {name: database.get_column_family_handle(name) for name in FAMILIES}
        self._families = {name: database.get_column_family(name) for name in FAMILIES}
        self.get = _get_of(self._families["items"].get)

    def get_from(self, family: Family, key: bytes) -> bytes | None:
        """The value of a key of any family, or None. Raises StorageFailed."""
        if self._database is None:
            raise StorageFailed(CLOSED)
        return _get_of(self._families[family].get)(key)

    def cursor(
        self, family: Family, start: bytes, end: bytes, *, reverse: bool = False
    ) -> RocksCursor:
        """A walk over the entries with start <= key < end, as of now. Raises StorageFailed."""
        if self._database is None:
            raise StorageFailed(CLOSED)
        options = ReadOptions()
        options.set_iterate_upper_bound(end)
        try:
            iterator = self._families[family].iter(options)
            if reverse:
                iterator.seek_to_last()
            else:
                iterator.seek(start)
        except Exception as error:
            raise _failure(error) from error
        return RocksCursor(iterator, options, start, reverse=reverse)

    def write(self, operations: Sequence[Operation], *, sync: bool) -> None:
        """Apply a batch atomically; durable on return if `sync`. Raises StorageFailed."""
        if self._database is None:
            raise StorageFailed(CLOSED)
        batch = WriteBatch(raw_mode=True)
        handles = self._handles
        for family, key, value in operations:
            if value is None:
                batch.delete(key, handles[family])
            else:
                batch.put(key, value, handles[family])
        try:
            if sync:
                self._database.write(batch, self._synced)
            else:
                self._database.write(batch)
        except Exception as error:
            raise StorageFailed(str(error)) from error

    def delete_range(self, family: Family, start: bytes, end: bytes) -> None:
        """Delete every key in [start, end), durably. Raises StorageFailed."""
        if self._database is None:
            raise StorageFailed(CLOSED)
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(start, end, self._handles[family])
        try:
            self._database.write(batch, self._synced)
        except Exception as error:
            raise StorageFailed(str(error)) from error

    def sync(self) -> None:
        """Make everything written so far durable. Releases the interpreter while it waits."""
        try:
            self._database.flush_wal(True)
        except Exception as error:
            raise StorageFailed(str(error)) from error

    def reopen(self) -> None:
        """Close and open again: the way out of a failed state. Raises StorageFailed.

        Where the disk has no room for what opening writes, the database stays open as it is, so
        that reads go on.
        """
        if self._database is not None:
            self._check_room()
            self.close()
        # RocksDB keeps its lock while a cursor lives, be it in the traceback of some past error.
        gc.collect()
        self._open()

    def _check_room(self) -> None:
        disk = os.statvfs(self.path)
        free = disk.f_bavail * disk.f_frsize
        logs = sum(path.stat().st_size for path in self.path.glob("*.log"))
        if free < logs + REOPEN_BYTES_FREE_MIN:
            raise StorageFailed(
                f"{free:,} bytes are free at {self.path}; "
                f"{logs + REOPEN_BYTES_FREE_MIN:,} are needed to go on"
            )

    def table_files(self) -> dict[str, bytes]:
        """The table files of the database by name (`000012.sst`), with the last key of each."""
        return {file["name"].lstrip("/"): file["end_key"] for file in self._database.live_files()}

    def flush(self) -> None:
        """Move what the log holds into checksummed tables: a clean stop leaves no log to replay."""
        try:
            for family in self._families.values():
                family.flush(True)
        except Exception as error:
            raise StorageFailed(str(error)) from error

    def close(self) -> None:
        """Close the database. Everything synced is there at the next opening. Safe to call twice.

        RocksDB lets go of the folder when the last cursor has gone too.
        """
        database, self._database = self._database, None
        self.get = _get_of_nothing
        self._families.clear()  # In place: a frame of an error on its way out may hold them.
        self._handles.clear()
        if database is None:
            return
        try:
            database.close()
        except Exception as error:  # noqa: BLE001  # It flushes first; a full disk refuses that.
            logger.warning("the database was closed without flushing: %s", error)


def _get_of(get: Callable[[bytes], bytes | None]) -> Callable[[bytes], bytes | None]:
    """A point read that raises StorageFailed where rocksdict raises bare Exception."""

    def get_value(key: bytes) -> bytes | None:
        try:
            return get(key)
        except Exception as error:
            raise _failure(error) from error

    return get_value


def _failure(error: Exception) -> StorageFailed:
    """What a read failed with: RocksDB's text begins with the kind of its trouble."""
    text = str(error)
    return StorageDamaged(text) if text.startswith("Corruption") else StorageFailed(text)


def _get_of_nothing(_key: bytes) -> bytes | None:
    raise StorageFailed(CLOSED)


def _holds_data(path: Path) -> bool:
    """Whether there are entries at `path`, so that no empty database may be made over them.

    RocksDB would do that if CURRENT were lost. It writes CURRENT before its first log or table.
    """
    return any(path.glob("*.sst")) or any(path.glob("*.log"))
