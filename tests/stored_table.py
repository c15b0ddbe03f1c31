"""A table's entries in memory, and the walk over them that the shell does for a Query or Scan.

Imported by tests/core as `stored_table`. It follows the three rules of `range_read.py` and nothing
else: ranges in order, `seek` for interleaved reads, `base_key` for reads that fetch items.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from stator_core import keys
from stator_core.indexes import index_changes
from stator_core.item import Item, validate_item
from stator_core.requests import query, scan
from stator_core.requests.page import PageReader
from stator_core.requests.range_read import RangeRead
from stator_core.table import Table


class StoredTable:
    """Items and index entries by stored key, in the two column families."""

    def __init__(self, table: Table, *items: Item) -> None:
        self.table = table
        self.families: dict[str, dict[bytes, tuple[bytes, int]]] = {"items": {}, "indexes": {}}
        self.seeks = 0
        for item in items:
            self.put(item)

    def put(self, item: Item) -> None:
        size = validate_item(item)
        payload = orjson.dumps(item)
        self.families["items"][keys.item_key(self.table, item)] = payload, size
        for change in index_changes(self.table, None, item):
            family = "items" if change.index.is_global else "indexes"
            assert change.put_key is not None
            entry = orjson.dumps(change.entry), change.entry_size
            self.families[family][change.put_key] = entry

    def query(self, **members: Any) -> dict[str, Any]:
        """The answer to a Query of the table."""
        return self.read(query.parse({"TableName": "Table", **members}).bind(self.table))

    def scan(self, **members: Any) -> dict[str, Any]:
        """The answer to a Scan of the table."""
        return self.read(scan.parse({"TableName": "Table", **members}).bind(self.table))

    def read(self, range_read: RangeRead) -> dict[str, Any]:
        """Walk one page and parse its answer."""
        page = PageReader(range_read)
        for key in self.walk(range_read):
            payload, size = self.families[range_read.family][key]
            if range_read.fetch_base:
                base = self.families["items"][range_read.base_key(payload)]
                full = page.feed_fetched(key, size, *base)
            else:
                full = page.feed(key, payload, size)
            if full:
                break
        answer: dict[str, Any] = orjson.loads(page.response(page.consumed_capacity()))
        return answer

    def walk(self, range_read: RangeRead) -> Iterator[bytes]:
        """The stored keys of the read, in its order."""
        family = sorted(self.families[range_read.family])
        for start, end in range_read.ranges:
            sought = start
            for key in reversed(family) if range_read.reverse else family:
                if not start <= key < end or (key < sought and not range_read.reverse):
                    continue
                if range_read.interleaved and (seek := range_read.seek(key)) is not None:
                    assert seek > key
                    sought = seek
                    self.seeks += 1
                    continue
                yield key

    def pages(self, operation: str, **members: Any) -> list[dict[str, Any]]:
        """All pages of a Query or Scan, each started where the one before ended."""
        read = self.query if operation == "Query" else self.scan
        pages = [read(**members)]
        while "LastEvaluatedKey" in pages[-1]:
            assert len(pages) < 1000
            start = orjson.loads(orjson.dumps(pages[-1]["LastEvaluatedKey"]))
            pages.append(read(ExclusiveStartKey=start, **orjson.loads(orjson.dumps(members))))
        return pages
