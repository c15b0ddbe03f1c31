"""The plain PutItem and GetItem between gateway and leader: no condition, nothing to report.

The gateway has parsed and checked such a request and found its stored key already; `put_body` and
`get_body` carry what came of that, so that the leader, which all writes of a partition go through,
need not parse the JSON once more. `PlainOperations` is the node's side: it answers from the bytes.
Where something follows from writes to the table that the gateway does not know of (an index, a
stream), the body goes the usual way.
Invariants: a key of another table, or outside the range, is not touched; what is stored and
answered is byte for byte what the usual way would store and answer.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

import orjson

from stator_core import item_format
from stator_core.clock import HybridClock
from stator_core.errors import InternalServerError, ResourceNotFoundException
from stator_core.key_format import identifier_of
from stator_core.partition import NOTHING
from stator_core.requests.get_item import GetItem
from stator_core.requests.put_item import PutItem
from stator_core.requests.return_values import NONE
from stator_core.table import Table
from stator_node.doors import Clock
from stator_node.item_operations import Answer, Fence, ItemOperation
from stator_node.raft_commit import RaftCommit
from stator_node.storage_errors import STORAGE_ERRORS, STORAGE_FAILED, for_client

# Bytes of the key, DynamoDB's size of the item; the key and the item's JSON follow.
PUT_HEADER = Struct(">HI")


def is_plain_put(request: PutItem, table: Table) -> bool:
    """Whether all there is to a put is that the item is stored."""
    return (
        request.condition is None
        and request.return_values == NONE
        and request.return_consumed_capacity == NONE
        and request.return_item_collection_metrics == NONE
        and table.is_plain
    )


def is_plain_get(request: GetItem) -> bool:
    """Whether the whole item, and nothing beside it, is asked for."""
    return request.projection is None and request.return_consumed_capacity == NONE


def put_body(key: bytes, request: PutItem) -> bytes:
    """The body of a PLAIN_PUT."""
    return PUT_HEADER.pack(len(key), request.item_size) + key + orjson.dumps(request.item)


class PlainOperations:
    """Answers PLAIN_PUT and PLAIN_GET for one replica."""

    def __init__(
        self,
        table: Callable[[], Table],
        fence: Fence,
        commit: RaftCommit,
        stamps: HybridClock,
        clock: Clock,
        writes: dict[int, int],
        usual_put: ItemOperation,
    ) -> None:
        """`table` raises ResourceNotFoundException where the table serves nobody now.

        `writes` counts by table identifier; `usual_put` takes a JSON body.
        """
        self._table = table
        self._fence = fence
        self._commit = commit
        self._stamps = stamps
        self._clock = clock
        self._writes = writes
        self._usual_put = usual_put

    def put(self, body: bytes) -> Answer:
        """Store the item. Raises DynamoDBError, OutsideRange; struct.error for no such body."""
        key_bytes, size = PUT_HEADER.unpack_from(body)
        key_end = PUT_HEADER.size + key_bytes
        key, payload = body[PUT_HEADER.size : key_end], body[key_end:]
        table = self._table_of(key)
        if not table.is_plain:
            usual: dict[str, Any] = {"TableName": table.name, "Item": orjson.loads(payload)}
            return self._usual_put(usual)
        self._fence.check(key)
        commit = self._commit
        if commit.failed is not None:
            raise InternalServerError(STORAGE_FAILED)
        timestamp = self._stamps.next(int(self._clock.now() * 1000))
        identifier = table.identifier
        self._writes[identifier] = self._writes.get(identifier, 0) + 1
        group = commit.stage(key, item_format.encode(key, payload, size, timestamp), ())
        return commit.answer_after(group, NOTHING)

    def get(self, key: bytes) -> Answer:
        """The item under a stored key. Raises DynamoDBError, OutsideRange."""
        table = self._table_of(key)
        self._fence.check(key)
        commit = self._commit
        if commit.reads_failed:
            raise InternalServerError(STORAGE_FAILED)
        try:
            stored = commit.store.get(key)
            if stored is None:
                return NOTHING
            return b'{"Item":' + item_format.payload_of(key, stored) + b"}"
        except STORAGE_ERRORS as error:
            raise for_client(error, (table,)) from None

    def _table_of(self, key: bytes) -> Table:
        table = self._table()
        if identifier_of(key) != table.identifier:
            raise ResourceNotFoundException("Requested resource not found")
        return table
