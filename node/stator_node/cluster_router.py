"""The router of a gateway: which partitions a request is for, and one answer out of theirs.

In: operations from the doors. Each is parsed and checked against its table as `router.py`'s are, so
that mistakes are answered here; then its body goes on errands (`errand.py`) to the partitions that
hold its keys. Batches and Scans of tables with several partitions go out in parts and come back as
one answer. Invariant: nothing central is asked on the way; the view is this process's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from stator_core import keys
from stator_core.errors import (
    ProvisionedThroughputExceededException,
    ServiceUnavailable,
    ThrottlingException,
    UnknownOperationException,
)
from stator_core.key_format import HASH_SPACE, hash_of, identifier_of
from stator_core.partition import WriteRequest
from stator_core.partition_descriptor import PartitionDescriptor
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
from stator_core.requests.range_read import RangeRead
from stator_core.table import Table
from stator_node.batch_totals import merge_consumed
from stator_node.cluster_pages import ScanOverPartitions
from stator_node.cluster_view import ClusterView
from stator_node.doors import Caller
from stator_node.errand import NO_LEADER, Errands, Scattered
from stator_node.operation_codes import OperationCode
from stator_node.pending import Pending, wait
from stator_node.plain_operations import is_plain_get, is_plain_put, put_body
from stator_node.stream_operations import StreamOperation

Body = dict[str, Any]
THROTTLED = (ProvisionedThroughputExceededException, ThrottlingException)
PARTITION_TRIES_MAX = 40
PARTITION_RETRY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """One key or write of a batch: as it was `sent`, and where it belongs."""

    table: Table
    name: str  # of the table, as the client has it
    place: int
    sent: Body


class ClusterRouter:
    """The `doors.Executor` of a gateway."""

    def __init__(
        self,
        view: ClusterView,
        errands: Errands,
        others: Mapping[str, StreamOperation],
    ) -> None:
        """`others` are the operations on tables and streams by name."""
        self._view = view
        self._errands = errands
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[bytes]] = set()
        self._others = others
        self._items: dict[str, Callable[[Body], bytes | Pending[bytes]]] = {
            "PutItem": self._put_item,
            "UpdateItem": self._update_item,
            "DeleteItem": self._delete_item,
            "GetItem": self._get_item,
            "Query": self._query,
            "Scan": self._scan,
            "BatchGetItem": self._batch_get_item,
            "BatchWriteItem": self._batch_write_item,
        }
        self.operations = frozenset(self._items) | frozenset(others)

    def execute(self, operation: str, body: Body, caller: Caller) -> bytes | Pending[bytes]:
        """Answer one operation. Raises, or fails with, DynamoDBError."""
        handler = self._items.get(operation)
        if handler is not None:
            return handler(body)
        other = self._others.get(operation)
        if other is None:
            raise UnknownOperationException()
        return other(body, caller)

    # One key.

    def _put_item(self, body: Body) -> Pending[bytes]:
        request = put_item.parse(body)
        table = self._view.serving(request.table_name)
        request.check(table)
        key = keys.item_key(table, request.item)
        if is_plain_put(request, table):
            code, data = OperationCode.PLAIN_PUT, put_body(key, request)
        else:
            code, data = OperationCode.PUT_ITEM, orjson.dumps(body)
        return self._errands.send(table.identifier, (hash_of(key),), code, data, is_write=True)

    def _update_item(self, body: Body) -> Pending[bytes]:
        return self._write(update_item.parse(body), body, OperationCode.UPDATE_ITEM)

    def _delete_item(self, body: Body) -> Pending[bytes]:
        return self._write(delete_item.parse(body), body, OperationCode.DELETE_ITEM)

    def _write(self, request: WriteRequest, body: Body, code: OperationCode) -> Pending[bytes]:
        table = self._view.serving(request.table_name)
        request.check(table)
        place = keys.hash_place(table, request.key_item())
        return self._errands.send(
            table.identifier, (place,), code, orjson.dumps(body), is_write=True
        )

    def _get_item(self, body: Body) -> Pending[bytes]:
        request = get_item.parse(body)
        table = self._view.serving(request.table_name)
        request.check(table)
        key = keys.item_key(table, request.key)
        if is_plain_get(request):
            code, data = OperationCode.PLAIN_GET, key
        else:
            code, data = OperationCode.GET_ITEM, orjson.dumps(body)
        eventual = not request.consistent_read
        return self._errands.send(table.identifier, (hash_of(key),), code, data, eventual=eventual)

    def _query(self, body: Body) -> Pending[bytes]:
        request = query.parse(body)
        table = self._view.serving(request.table_name)
        read = request.bind(table)
        return self._errands.send(
            holder_of(table, read),
            (hash_of(read.ranges[0][0]) if read.ranges else 0,),
            OperationCode.QUERY,
            orjson.dumps(body),
            eventual=not request.consistent_read,
        )

    # Many keys.

    def _scan(self, body: Body) -> Pending[bytes]:
        request = scan.parse(body)
        table = self._view.serving(request.table_name)
        read = request.bind(table)
        start, end = places_of(read.ranges)
        holder = holder_of(table, read)
        eventual = not request.consistent_read
        pages = ScanOverPartitions(body, request.limit)

        async def walk() -> bytes:
            place = start
            while not pages.full:
                partition = await self._partition(holder, place)
                behind = partition.range.end
                answer = self._errands.send(
                    holder,
                    (place, behind - 1),
                    OperationCode.SCAN,
                    pages.next_body(place, behind),
                    eventual=eventual,
                )
                try:
                    page = await wait(answer)
                except Scattered:
                    continue  # It was split: what holds the place now ends earlier.
                if place == start and behind >= end:
                    return page  # There is no other.
                pages.take(page)
                place = behind
                if place >= end:
                    break
            return pages.response()

        return self._later(walk())

    def _batch_get_item(self, body: Body) -> Pending[bytes]:
        request = batch_get_item.parse(body)
        entries: list[BatchEntry] = []
        for wanted in request.tables:
            table = self._view.serving(wanted.table_name)
            wanted.check(table)
            entries += [
                BatchEntry(table, wanted.sent_name, keys.hash_place(table, key), key)
                for key in wanted.keys
            ]
        eventual = {wanted.sent_name: not wanted.consistent_read for wanted in request.tables}

        def send(part: list[BatchEntry]) -> Pending[bytes]:
            name = part[0].name
            wanted = {**body["RequestItems"][name], "Keys": [entry.sent for entry in part]}
            return self._errands.send(
                part[0].table.identifier,
                [entry.place for entry in part],
                OperationCode.BATCH_GET_ITEM,
                orjson.dumps({**body, "RequestItems": {name: wanted}}),
                eventual=eventual[name],
            )

        return self._later(self._in_parts(entries, send))

    def _batch_write_item(self, body: Body) -> Pending[bytes]:
        request = batch_write_item.parse(body)
        entries: list[BatchEntry] = []
        for wanted in request.tables:
            table = self._view.serving(wanted.table_name)
            wanted.check(table)
            entries += [
                BatchEntry(table, wanted.sent_name, keys.hash_place(table, write.key_item()), sent)
                for write, sent in zip(wanted.writes, wanted.sent, strict=True)
            ]

        def send(part: list[BatchEntry]) -> Pending[bytes]:
            wanted = {part[0].name: [entry.sent for entry in part]}
            return self._errands.send(
                part[0].table.identifier,
                [entry.place for entry in part],
                OperationCode.BATCH_WRITE_ITEM,
                orjson.dumps({**body, "RequestItems": wanted}),
                is_write=True,
            )

        return self._later(self._in_parts(entries, send, "UnprocessedItems"))

    async def _in_parts(
        self,
        entries: list[BatchEntry],
        send: Callable[[list[BatchEntry]], Pending[bytes]],
        unprocessed: str = "",
    ) -> bytes:
        """One answer of the partitions that hold the entries of a batch.

        What a partition is throttled for goes back as the member `unprocessed`, unless it is all.
        Source: AWS API Reference, BatchWriteItem: "If none of the items can be processed ...".
        """
        parts: dict[tuple[int, int, str], list[BatchEntry]] = {}
        for entry in entries:
            partition = self._view.partition_of(entry.table.identifier, entry.place)
            # Of a split that is half known, both halves may still go by the parent's id.
            known = (0, 0) if partition is None else (partition.partition_id, partition.range_epoch)
            parts.setdefault((*known, entry.name), []).append(entry)

        async def answer_of(part: list[BatchEntry]) -> bytes:
            try:
                return await wait(send(part))
            except Scattered:
                return await self._in_parts(part, send, unprocessed)

        if len(parts) == 1:
            return await answer_of(entries)
        answers = []
        throttled: list[BaseException] = []
        found = await asyncio.gather(*map(answer_of, parts.values()), return_exceptions=True)
        for part, answer in zip(parts.values(), found, strict=True):
            if isinstance(answer, bytes):
                answers.append(orjson.loads(answer))
            elif isinstance(answer, THROTTLED) and unprocessed:
                throttled.append(answer)
                answers.append({unprocessed: {part[0].name: [entry.sent for entry in part]}})
            else:
                raise answer
        if len(throttled) == len(answers):
            raise throttled[0]
        return merge_batch(answers)

    async def _partition(self, identifier: int, place: int) -> PartitionDescriptor:
        """The partition that holds a hash; waits a while for one to be heard of."""
        for _ in range(PARTITION_TRIES_MAX):
            partition = self._view.partition_of(identifier, place)
            if partition is not None:
                return partition
            await asyncio.sleep(PARTITION_RETRY_SECONDS)
        raise ServiceUnavailable(NO_LEADER)

    def _later(self, work: Coroutine[Any, Any, bytes]) -> Pending[bytes]:
        """The result of a coroutine as a Pending."""
        result: Pending[bytes] = Pending()
        task = self._loop.create_task(work)
        self._tasks.add(task)

        def done(finished: asyncio.Task[bytes]) -> None:
            self._tasks.discard(finished)
            error = finished.exception()
            if error is not None:
                result.fail(error)
            else:
                result.resolve(finished.result())

        task.add_done_callback(done)
        return result


def holder_of(table: Table, read: RangeRead) -> int:
    """The identifier of the partitions that are read: the table's own, or a global index's."""
    index = read.index
    return index.identifier if index is not None and index.is_global else table.identifier


def places_of(ranges: list[tuple[bytes, bytes]]) -> tuple[int, int]:
    """The hashes [start, end) that ranges of stored keys walk over."""
    if not ranges:
        return 0, 0
    first, last = ranges[0][0], ranges[-1][1]
    start = hash_of(first.ljust(12, b"\0"))
    if identifier_of(last) != identifier_of(first):
        return start, HASH_SPACE
    end = hash_of(last.ljust(12, b"\0"))
    return start, end + 1 if len(last) > 12 else end


def merge_batch(parts: list[Body]) -> bytes:
    """One batch answer of several: lists by table are joined, capacity is added up."""
    answer: Body = {}
    consumed: dict[str, list[Body]] = {}
    for part in parts:
        for member in ("Responses", "ItemCollectionMetrics", "UnprocessedItems"):
            if member in part:
                joined = answer.setdefault(member, {})
                for name, entries in part[member].items():
                    joined.setdefault(name, []).extend(entries)
        if "UnprocessedKeys" in part:
            joined = answer.setdefault("UnprocessedKeys", {})
            for name, rest in part["UnprocessedKeys"].items():
                joined.setdefault(name, {**rest, "Keys": []})["Keys"].extend(rest["Keys"])
        for capacity in part.get("ConsumedCapacity", ()):
            consumed.setdefault(capacity["TableName"], []).append(capacity)
    if consumed:
        answer["ConsumedCapacity"] = [merge_consumed(each) for each in consumed.values()]
    return orjson.dumps(answer)
