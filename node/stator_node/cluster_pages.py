"""One page of a Scan that walks over several partitions.

In: the pages of single partitions, in order of their hashes. Out: the body for the next partition,
and at the end the one page that the client gets. The page ends where a partition's page ended
early, at Limit or at 1 MB, which count over all partitions (bytes as JSON has them, so a page may
be a little shorter than one from a single partition). Called by `cluster_router.py`. Invariant: a
page that ends before the table does says where.
"""

from __future__ import annotations

from typing import Any

import orjson

from stator_core.limits import PAGE_BYTES_MAX
from stator_node.batch_totals import merge_consumed
from stator_node.item_operations import END_PLACE, PAGE_BYTES, START_PLACE


class ScanOverPartitions:
    """Puts a page together."""

    def __init__(self, body: dict[str, Any], limit: int | None) -> None:
        self._body = body
        self._limit = limit
        self._items: list[Any] | None = None
        self._count = 0
        self._scanned_count = 0
        self._bytes = 0
        self._consumed: list[dict[str, Any]] = []
        self._last: Any = None
        self.full = False

    def next_body(self, start_place: int, end_place: int) -> bytes:
        """The request for the next partition: what is left of Limit and of the page.

        The hashes are those from which it is asked, and at which the partition after it begins.
        The start key is sent along: where it lies before them, it counts for nothing.
        """
        rest: dict[str, Any] = {
            PAGE_BYTES: max(1, PAGE_BYTES_MAX - self._bytes),
            START_PLACE: f"{start_place:017x}",
            END_PLACE: f"{end_place:017x}",
        }
        if self._limit is not None:
            rest["Limit"] = self._limit - self._scanned_count
        return orjson.dumps({**self._body, **rest})

    def take(self, answer: bytes) -> None:
        """The page of the next partition."""
        page = orjson.loads(answer)
        self._count += page["Count"]
        self._scanned_count += page["ScannedCount"]
        self._bytes += len(answer)
        if "Items" in page:
            self._items = (self._items or []) + page["Items"]
        if "ConsumedCapacity" in page:
            self._consumed.append(page["ConsumedCapacity"])
        self._last = page.get("LastEvaluatedKey")
        self.full = self._last is not None

    def response(self) -> bytes:
        """The client's page."""
        answer: dict[str, Any] = {"Count": self._count, "ScannedCount": self._scanned_count}
        if self._items is not None:
            answer["Items"] = self._items
        if self._last is not None:
            answer["LastEvaluatedKey"] = self._last
        if self._consumed:
            answer["ConsumedCapacity"] = merge_consumed(self._consumed)
        return orjson.dumps(answer)
