"""Item operations: from a JSON body to the answer, in DynamoDB's order of checks.

In: an operation's name and body, from `router.py`. Each operation is parsed
(`stator_core.requests`), its table looked up, checked against the table, and handed to the replica
(`replica.py`). Out: the JSON answer or a DynamoDBError. Invariant: the first of several mistakes is
the one that is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from stator_core import item_format, keys
from stator_core.key_format import PREFIX_BYTES, hash_of, identifier_of
from stator_core.limits import PAGE_BYTES_MAX
from stator_core.partition import WriteRequest
from stator_core.partition_state import place_key
from stator_core.requests import (
    batch_get_item,
    batch_write_item,
    delete_item,
    get_item,
    put_item,
    query,
    scan,
    update_item,
)
from stator_core.requests.batch_get_item import BatchGetAnswer, BatchGetItem
from stator_core.requests.batch_write_item import BatchWriteAnswer, BatchWriteItem
from stator_core.requests.range_read import RangeRead
from stator_core.table import Table
from stator_node.batch_totals import merge_consumed, merge_metrics
from stator_node.pending import Pending
from stator_node.replica import Replica
from stator_node.storage_errors import STORAGE_ERRORS, for_client

Answer = bytes | Pending[bytes]
ItemOperation = Callable[[dict[str, Any]], Answer]


# Members that a gateway adds to a Scan over several partitions: how much of the page is left, and
# the hashes, in hexadecimal, from which and up to which this partition is asked. By now it may hold
# more, on either side.
PAGE_BYTES = "StatorPageBytes"
START_PLACE = "StatorStartPlace"
END_PLACE = "StatorEndPlace"


class OutsideRange(Exception):
    """The request is for keys that another partition holds; nothing was begun."""


class Fence:
    """The hashes [start, end) that a partition holds: what lies outside is not touched here."""

    def __init__(self, held: Callable[[], tuple[int, int]], note: Callable[[int], None]) -> None:
        """`note` is told of each hash that passes: the planner wants to know where traffic is."""
        self._held = held
        self._note = note

    def check(self, key: bytes) -> None:
        """Raises OutsideRange for the stored key of an item that is not held here."""
        start, end = self._held()
        place = hash_of(key)
        if not start <= place < end:
            raise OutsideRange
        self._note(place)

    def clip(self, read: RangeRead, start: int, end: int) -> RangeRead:
        """Leave of a walk over many partition keys what lies in [start, end).

        Raises OutsideRange where less is held: the asker would take the rest for empty.
        """
        held_start, held_end = self._held()
        if start < held_start or held_end < end:
            raise OutsideRange
        clipped: list[tuple[bytes, bytes]] = []
        for low, high in read.ranges:
            identifier = identifier_of(low)
            low, high = (
                max(low, place_key(identifier, start)),
                min(high, place_key(identifier, end)),
            )
            if low < high:
                clipped.append((low, high))
        read.ranges = clipped
        return read


class ItemOperations:
    """The operations on items of one replica."""

    def __init__(
        self, serving: Callable[[str], Table], replica: Replica, fence: Fence | None = None
    ) -> None:
        """`serving` finds the table of a name or ARN, or raises ResourceNotFoundException.

        `fence` is None where one replica holds everything.
        """
        self._serving = serving
        self._replica = replica
        self._fence = fence

    def by_name(self) -> dict[str, ItemOperation]:
        """The operations by DynamoDB's names."""
        return {
            "PutItem": self._put_item,
            "GetItem": self._get_item,
            "UpdateItem": self._update_item,
            "DeleteItem": self._delete_item,
            "Query": self._query,
            "Scan": self._scan,
            "BatchGetItem": self._batch_get_item,
            "BatchWriteItem": self._batch_write_item,
        }

    def _put_item(self, body: dict[str, Any]) -> Answer:
        return self._write(put_item.parse(body))

    def _update_item(self, body: dict[str, Any]) -> Answer:
        return self._write(update_item.parse(body))

    def _delete_item(self, body: dict[str, Any]) -> Answer:
        return self._write(delete_item.parse(body))

    def _write(self, request: WriteRequest) -> Answer:
        table = self._serving(request.table_name)
        request.check(table)
        if self._fence is not None:
            self._fence.check(keys.item_key(table, request.key_item()))
        return self._replica.write(table, request)

    def _get_item(self, body: dict[str, Any]) -> Answer:
        request = get_item.parse(body)
        table = self._serving(request.table_name)
        request.check(table)
        if self._fence is not None:
            self._fence.check(keys.item_key(table, request.key))
        return self._replica.get(table, request)

    def _query(self, body: dict[str, Any]) -> Answer:
        request = query.parse(body)
        read = request.bind(self._serving(request.table_name))
        if self._fence is not None:
            for start, _ in read.ranges:
                self._fence.check(start)
        return self._replica.read_page(read)

    def _scan(self, body: dict[str, Any]) -> Answer:
        request = scan.parse(body)
        read = request.bind(self._serving(request.table_name))
        if self._fence is not None:
            read = self._fence.clip(read, int(body[START_PLACE], 16), int(body[END_PLACE], 16))
            read.page_bytes_max = min(read.page_bytes_max, body.get(PAGE_BYTES, PAGE_BYTES_MAX))
        return self._replica.read_page(read)

    def _batch_get_item(self, body: dict[str, Any]) -> Answer:
        request = batch_get_item.parse(body)
        tables = [self._serving(wanted.table_name) for wanted in request.tables]
        for wanted, table in zip(request.tables, tables, strict=True):
            wanted.check(table)
        stored_keys = [
            [keys.item_key(table, key) for key in wanted.keys]
            for wanted, table in zip(request.tables, tables, strict=True)
        ]
        if self._fence is not None:
            for wanted_keys in stored_keys:
                for key in wanted_keys:
                    self._fence.check(key)
        prefixes = [key[:PREFIX_BYTES] for wanted in stored_keys for key in wanted]
        return self._replica.read_durable(
            prefixes, lambda: self._answer_batch_get(request, tables, stored_keys)
        )

    def _answer_batch_get(
        self, request: BatchGetItem, tables: list[Table], stored_keys: list[list[bytes]]
    ) -> bytes:
        try:
            return self._batch_get(request, stored_keys)
        except STORAGE_ERRORS as error:
            raise for_client(error, tables) from None

    def _batch_get(self, request: BatchGetItem, stored_keys: list[list[bytes]]) -> bytes:
        answer = BatchGetAnswer(request)
        read = item_format.payload_and_size
        for table_number, wanted in enumerate(stored_keys):
            for key_number, key in enumerate(wanted):
                if answer.full:
                    answer.leave(table_number, key_number)
                    continue
                stored = self._replica.store.get(key)
                payload, size = (None, 0) if stored is None else read(key, stored)
                answer.feed(table_number, key_number, payload, size)
        return answer.response()

    def _batch_write_item(self, body: dict[str, Any]) -> Answer:
        request = batch_write_item.parse(body)
        tables = [self._serving(wanted.table_name) for wanted in request.tables]
        for wanted, table in zip(request.tables, tables, strict=True):
            wanted.check(table)
        writes = [
            (table, write)
            for wanted, table in zip(request.tables, tables, strict=True)
            for write in wanted.writes
        ]
        if self._fence is not None:
            for table, write in writes:
                self._fence.check(keys.item_key(table, write.key_item()))
        answer: Pending[bytes] = Pending()

        def written(done: Pending[list[bytes]]) -> None:
            if done.error is not None:
                answer.fail(done.error)
            else:
                answer.resolve(_batch_write_answer(request, tables, done.result()))

        self._replica.write_all(writes).listen(written)
        return answer


def _batch_write_answer(
    request: BatchWriteItem, tables: list[Table], answers: list[bytes]
) -> bytes:
    """One answer from those of the single writes, which come in the order of the request."""
    answer = BatchWriteAnswer(request)
    if (
        request.return_consumed_capacity == "NONE"
        and request.return_item_collection_metrics == "NONE"
    ):
        return answer.response()
    consumed: list[dict[str, Any]] = []
    metrics: dict[str, list[dict[str, Any]]] = {}
    position = 0
    for wanted, table in zip(request.tables, tables, strict=True):
        count = len(wanted.writes)
        parts = [orjson.loads(part) for part in answers[position : position + count]]
        position += count
        if request.return_consumed_capacity != "NONE":
            consumed.append(merge_consumed(part["ConsumedCapacity"] for part in parts))
        if request.return_item_collection_metrics == "SIZE" and table.local_indexes:
            metrics[wanted.sent_name] = merge_metrics(
                part["ItemCollectionMetrics"] for part in parts
            )
    return answer.response(
        consumed if request.return_consumed_capacity != "NONE" else None,
        metrics,
    )
