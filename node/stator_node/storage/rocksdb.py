"""The item store on RocksDB: the real twin of `memory.MemoryItemStore`.

In: batches of puts and deletes from `group_commit.py`, point reads and range reads from
`replica.py`. Out: bytes. One database per process, one column family per `Family`. A batch is
atomic, also over families. `write(sync=False)` puts it in the log and in memory; `sync()` makes
everything written so far durable, may run in a thread and lets other threads run meanwhile.
Invariants: keys are raw bytes; no operation is retried here; a failed write or sync marks the store
failed until `reopen`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rocksdict import (
    AccessType,
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    DBRecoveryMode,
    Options,
    Rdict,
    RdictIter,
    ReadOptions,
    WriteBatch,
    WriteOptions,
)

from stator_node.doors import FAMILIES, Family, Operation, StorageFailed

BLOCK_CACHE_BYTES = 256 * 1024 * 1024
WRITE_BUFFER_BYTES = 64 * 1024 * 1024
WRITE_BUFFERS_MAX = 4
WAL_BYTES_MAX = 512 * 1024 * 1024
BLOOM_BITS_PER_KEY = 10
BACKGROUND_JOBS_MAX = 2
WALK_ENTRIES = 100  # that an iteration one by one fetches at a time


def database_options(*, create: bool, strict_log: bool = False) -> Options:
    """The options of the database. `strict_log` refuses an incomplete last record too."""
    options = Options(raw_mode=True)
    options.create_if_missing(create)
    options.create_missing_column_families(create)
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
    """

    __slots__ = ("_iterator", "_reverse", "_start")

    def __init__(self, iterator: RdictIter, start: bytes, *, reverse: bool) -> None:
        self._iterator = iterator
        self._start = start
        self._reverse = reverse

    def take(self, count: int) -> list[tuple[bytes, bytes]]:
        """The next entries; fewer than `count` only at the end. Raises StorageFailed."""
        iterator = self._iterator
        valid, key, value = iterator.valid, iterator.key, iterator.value
        found: list[tuple[bytes, bytes]] = []
        try:
            if self._reverse:
                # rocksdict takes a lower bound and then ignores it, so it is kept here.
                start, step = self._start, iterator.prev
                while len(found) < count and valid() and (at := key()) >= start:
                    found.append((at, value()))
                    step()
            else:
                step = iterator.next
                while len(found) < count and valid():
                    found.append((key(), value()))
                    step()
            if len(found) < count:
                iterator.status()
        except Exception as error:
            raise StorageFailed(str(error)) from error
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
        """Open the database at `path`. Raises StorageFailed with RocksDB's own text."""
        self.path = path
        self._strict_log = strict_log
        self._create = create
        self._read_only = read_only
        self._synced = WriteOptions()
        self._synced.sync = True
        self._open()

    def _open(self) -> None:
        cache = Cache(BLOCK_CACHE_BYTES)
        access = AccessType.read_only(False) if self._read_only else AccessType.read_write()
        try:
            self._database = Rdict(
                str(self.path),
                database_options(
                    create=self._create and not self._read_only, strict_log=self._strict_log
                ),
                column_families={name: family_options(cache) for name in FAMILIES},
                access_type=access,
            )
        except Exception as error:  # rocksdict raises bare Exception with RocksDB's text.
            raise StorageFailed(f"cannot open the database at {self.path}: {error}") from error
        self._handles = {name: self._database.get_column_family_handle(name) for name in FAMILIES}
        self._families = {name: self._database.get_column_family(name) for name in FAMILIES}
        # The hot path's point read, without a frame of ours.
        self.get: Callable[[bytes], bytes | None] = self._families["items"].get

    def get_from(self, family: Family, key: bytes) -> bytes | None:
        """The value of a key of any family, or None."""
        value: bytes | None = self._families[family].get(key)
        return value

    def cursor(
        self, family: Family, start: bytes, end: bytes, *, reverse: bool = False
    ) -> RocksCursor:
        """A walk over the entries with start <= key < end, as of now."""
        options = ReadOptions()
        options.set_iterate_upper_bound(end)
        iterator = self._families[family].iter(options)
        if reverse:
            iterator.seek_to_last()
        else:
            iterator.seek(start)
        return RocksCursor(iterator, start, reverse=reverse)

    def write(self, operations: Sequence[Operation], *, sync: bool) -> None:
        """Apply a batch atomically; durable on return if `sync`. Raises StorageFailed."""
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
        """Close and open again: the way out of a failed state. Raises StorageFailed."""
        self.close()
        self._open()

    def file_end(self, name: str) -> bytes | None:
        """The greatest key in the table file of that name (`000012.sst`), or None."""
        for file in self._database.live_files():
            if file["name"].lstrip("/") == name:
                end: bytes | None = file["end_key"]
                return end
        return None

    def flush(self) -> None:
        """Move what the log holds into checksummed tables: a clean stop leaves no log to replay."""
        try:
            for family in self._families.values():
                family.flush(True)
        except Exception as error:
            raise StorageFailed(str(error)) from error

    def close(self) -> None:
        """Close the database. Everything synced is there at the next opening."""
        self._families.clear()
        self._handles.clear()
        self._database.close()
