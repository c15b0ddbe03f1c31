"""One page of a Query or Scan: counts, filters, projects, and writes the answer.

The shell (a partition's replica, or the router over several) walks the entries of a `RangeRead` in
order and feeds them here, in slices as small as it likes; it stops when told that the page is full.
What leaves is the JSON answer. Nothing here waits or reads storage.

The rules of a page (AWS: "Query", "Scan", "Paginating table query results"):
- Every entry read counts, before the filter: toward ScannedCount, toward Limit, toward the 1 MB.
- The page ends with the entry that reaches Limit or 1 MB; that entry is part of the page.
- LastEvaluatedKey names the last entry evaluated, and is there exactly if the page ended early,
  even if nothing follows.
- A projection, a filter or Select COUNT never lowers what is read and paid for.

Invariants: `count <= scanned_count`; once `full`, no entry is taken any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from stator_core import capacity, item_format, keys
from stator_core.item import Item
from stator_core.limits import PAGE_BYTES_MAX
from stator_core.requests.range_read import RangeRead

# An entry as the shell hands it in: stored key, item JSON, size in bytes as DynamoDB counts it.
Entry = tuple[bytes, bytes, int]


def whole_page(stored: Sequence[tuple[bytes, bytes]], bytes_max: int) -> bytes | None:
    """The answer of a `whole` read that found these entries and no more; None if they are too many.

    What a `PageReader` would answer, without one: most pages are of this kind. The JSON of an item
    is longer than its size as DynamoDB counts it, so a short answer is surely within 1 MB. Raises
    `item_format.Damaged`.
    """
    payloads = item_format.payloads_of(stored)
    items = b",".join(payloads)
    if len(items) >= bytes_max:
        return None
    count = len(payloads)
    return b'{"Count":%d,"ScannedCount":%d,"Items":[%b]}' % (count, count, items)


class PageReader:
    """Collects one page. Feed it in key order (descending for a reverse read)."""

    __slots__ = (
        "_bytes_max",
        "_count_only",
        "_fetched_bytes",
        "_fetched_units",
        "_filter",
        "_plain",
        "_projection",
        "_range_read",
        "_scanned_count_max",
        "bytes_read",
        "count",
        "full",
        "items",
        "last_key",
        "scanned_count",
    )

    def __init__(self, range_read: RangeRead) -> None:
        self._range_read = range_read
        self._filter = range_read.filter
        self._count_only = range_read.count_only
        # A count needs no attributes, so it is never worth a projection.
        self._projection = None if self._count_only else range_read.projection
        self._plain = self._filter is None and self._projection is None
        # A page without Limit ends by its bytes alone: an item has at least one byte.
        self._scanned_count_max = range_read.limit or PAGE_BYTES_MAX + 1
        self._bytes_max = range_read.page_bytes_max
        self.last_key = b""  # the stored key of the last entry evaluated
        self._fetched_bytes = 0
        self._fetched_units = 0.0
        self.items: list[bytes] = []  # the JSON of each item of the answer
        self.count = 0
        self.scanned_count = 0
        self.bytes_read = 0
        self.full = False

    def feed(self, key: bytes, payload: bytes, size: int) -> bool:
        """Evaluate one entry of `size` bytes. True: the page is full, feed no more."""
        assert not self.full
        self.last_key = key
        self.bytes_read += size
        self.scanned_count += 1
        if self._plain:
            self.count += 1
            if not self._count_only:
                self.items.append(payload)
        else:
            self._evaluate(payload)
        self.full = (
            self.scanned_count >= self._scanned_count_max
            or self.bytes_read + self._fetched_bytes >= self._bytes_max
        )
        return self.full

    def feed_many(self, entries: Sequence[Entry]) -> bool:
        """Evaluate entries until they or the page end. True: the page is full.

        The cheap way in for a shell that has a slice of entries at hand; entries beyond the end of
        the page are left alone.
        """
        entries = entries[: self._room()]
        if self._take([payload for _, payload, _ in entries], [size for _, _, size in entries]):
            self.last_key = entries[-1][0]
            return self.full
        return any(self.feed(*entry) for entry in entries)

    def feed_stored(self, stored: Sequence[tuple[bytes, bytes]]) -> bool:
        """The same for entries as they lie in the storage, keys and values of `item_format`.

        Raises `item_format.Damaged`.
        """
        if len(stored) > self._room():
            stored = stored[: self._room()]
        payloads, sizes = item_format.contents_of(stored)
        if self._take(payloads, sizes):
            self.last_key = stored[-1][0]
            return self.full
        fed = zip(stored, payloads, sizes, strict=True)
        return any(self.feed(key, payload, size) for (key, _), payload, size in fed)

    def _room(self) -> int:
        """How many entries Limit still allows on the page."""
        assert not self.full
        return self._scanned_count_max - self.scanned_count

    def _take(self, payloads: list[bytes], sizes: list[int]) -> bool:
        """Take a whole slice at once, if its entries need no look and 1 MB holds them all."""
        if not self._plain or not sizes:
            return False
        bytes_read = self.bytes_read + sum(sizes)
        if bytes_read + self._fetched_bytes >= self._bytes_max:
            return False
        if not self._count_only:
            self.items += payloads
        self.count += len(sizes)
        self.scanned_count += len(sizes)
        self.bytes_read = bytes_read
        self.full = self.scanned_count == self._scanned_count_max
        return True

    def feed_fetched(
        self, key: bytes, entry_size: int, base_payload: bytes, base_size: int
    ) -> bool:
        """Evaluate one local index entry whose item was fetched from the table (`fetch_base`).

        Each such item is a read of its own, rounded by itself and charged to the table (AWS:
        "Local secondary indexes", read capacity units; rounding captured 2026-10). Its bytes count
        toward the 1 MB too, or a page of small entries could be an answer of gigabytes.
        """
        self._fetched_bytes += base_size
        self._fetched_units += capacity.read_units(base_size, self._range_read.consistent_read)
        return self.feed(key, base_payload, entry_size)

    def stop(self) -> None:
        """End the page here, as if it were full: the caller gets a LastEvaluatedKey.

        For a shell that has run out of time or throughput. A page on which nothing was read has no
        position to continue from, so it is an error to stop it.
        """
        assert self.scanned_count > 0
        self.full = True

    def last_evaluated_key(self) -> Item | None:
        """Where the next page starts, or None at the true end of the range."""
        if not self.full:
            return None
        read = self._range_read
        return keys.stored_key_attributes(read.table, read.index, self.last_key)

    def consumed_capacity(self) -> dict[str, Any] | None:
        """The answer's ConsumedCapacity; None if the caller did not ask for it.

        Counted are the entries read, whatever the filter left of them.
        """
        return self._range_read.consumed_capacity(self.bytes_read, self._fetched_units)

    def response(self, consumed: dict[str, Any] | None = None) -> bytes:
        """The JSON answer."""
        parts = [b'{"Count":%d,"ScannedCount":%d' % (self.count, self.scanned_count)]
        if not self._count_only:
            parts += (b',"Items":[', b",".join(self.items), b"]")
        if self.full:
            parts += (b',"LastEvaluatedKey":', orjson.dumps(self.last_evaluated_key()))
        if consumed is not None:
            parts += (b',"ConsumedCapacity":', orjson.dumps(consumed))
        parts.append(b"}")
        return b"".join(parts)

    def _evaluate(self, payload: bytes) -> None:
        """Filter and project one entry."""
        item: Item = orjson.loads(payload)
        if self._filter is not None and not self._filter.matches(item):
            return
        self.count += 1
        if self._count_only:
            return
        if self._projection is not None:
            payload = orjson.dumps(self._projection.project(item))
        self.items.append(payload)
