"""The partition: what a request makes of stored bytes. The heart between requests and storage.

In: a request that has been parsed and checked against its table, and a way to see the partition's
state (`View`). Out: an `Evaluation`, the exact bytes to write and the exact answer. Called by the
leader's replica (`replica.py`), which makes the write durable and then lets the answer go;
followers only write the bytes. Invariants: evaluating changes nothing and may be repeated; the base
item and its index entries leave in one Evaluation, so they are stored together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from stator_core import capacity, item_format, keys
from stator_core.errors import ItemCollectionSizeLimitExceededException
from stator_core.indexes import IndexChange, index_changes
from stator_core.item import Item
from stator_core.limits import ITEM_COLLECTION_BYTES_MAX
from stator_core.requests.delete_item import DeleteItem
from stator_core.requests.get_item import GetItem
from stator_core.requests.put_item import PutItem
from stator_core.requests.update_item import UpdateItem
from stator_core.table import Table

WriteRequest = PutItem | UpdateItem | DeleteItem
GIGABYTE = 1024**3

# Where an entry is stored: base items and global entries, or local entries (`key_format.py`).
StoredFamily = Literal["items", "indexes"]
IndexWrite = tuple[StoredFamily, bytes, bytes | None]  # None deletes the key
NOTHING = b"{}"


@dataclass(frozen=True, slots=True)
class View:
    """The partition's state as the leader sees it: what is applied, under what is in flight.

    `item` reads a stored item by its key, `index` a key of the family `indexes`.
    """

    item: Callable[[bytes], bytes | None]
    index: Callable[[bytes], bytes | None]


@dataclass(slots=True)
class Evaluation:
    """What one write does: `value` under item key `key` (None deletes it, `unchanged` leaves it),
    `index_writes` beside it, and the JSON `answer` once all that is durable."""

    key: bytes
    value: bytes | None
    index_writes: list[IndexWrite]
    answer: bytes
    unchanged: bool = False


def evaluate_write(table: Table, request: WriteRequest, view: View, timestamp: int) -> Evaluation:
    """Decide a write. Raises DynamoDBError (a false condition, an impossible update).

    `timestamp` is the hybrid clock's and is stored with the item. The old item is read only where
    the condition, the answer, an index or the capacity need it: a plain PutItem is blind.
    """
    key = keys.item_key(table, request.key_item())
    indexes = table.indexes
    report = request.return_consumed_capacity != "NONE"
    before: Item | None = None
    before_size = 0
    if request.needs_previous or indexes or report:
        stored = view.item(key)
        if stored is not None:
            payload, before_size = item_format.payload_and_size(key, stored)
            before = orjson.loads(payload)
        evaluated = request.evaluate(table, before, before_size)
        unchanged = before is None and evaluated.item is None
    else:
        evaluated = request.evaluate(table, None, 0)
        unchanged = False
    after = evaluated.item
    if after is None:
        value = None
    else:
        value = item_format.encode(key, orjson.dumps(after), evaluated.size, timestamp)
    if not indexes and not report and evaluated.attributes is None:
        return Evaluation(key, value, [], NOTHING, unchanged)
    changes = index_changes(table, before, after) if indexes else []
    beside = index_writes(changes, timestamp)
    answer: dict[str, Any] = {}
    if evaluated.attributes is not None:
        answer["Attributes"] = evaluated.attributes
    if report:
        answer["ConsumedCapacity"] = capacity.consumed(
            request.table_name,
            request.return_consumed_capacity,
            capacity.write_units(before_size, evaluated.size),
            *capacity.index_units(changes),
        )
    if table.local_indexes:
        sizes = before_size, evaluated.size
        metrics = _grow_collection(table, request, view, changes, sizes, beside)
        if metrics is not None:
            answer["ItemCollectionMetrics"] = metrics
    return Evaluation(key, value, beside, orjson.dumps(answer), unchanged)


def answer_get(request: GetItem, key: bytes, stored: bytes | None) -> bytes:
    """The answer of GetItem over the stored bytes of the item, None where there is none."""
    size = 0
    if stored is None:
        body = b""
    else:
        if request.projection is None and request.return_consumed_capacity == "NONE":
            return b'{"Item":' + item_format.payload_of(key, stored) + b"}"
        found = item_format.read(key, stored)
        size = found.size
        payload = found.payload
        if request.projection is not None:
            payload = orjson.dumps(request.projection.project(orjson.loads(payload)))
        body = b'"Item":' + payload
    if request.return_consumed_capacity == "NONE":
        return b"{" + body + b"}"
    consumed = capacity.consumed(
        request.table_name,
        request.return_consumed_capacity,
        capacity.read_units(size, request.consistent_read),
    )
    assert consumed is not None
    return (
        b"{"
        + body
        + (b"," if body else b"")
        + b'"ConsumedCapacity":'
        + orjson.dumps(consumed)
        + b"}"
    )


def index_writes(changes: list[IndexChange], timestamp: int) -> list[IndexWrite]:
    """The stored form of index changes: local entries in their own family, global ones as items."""
    writes: list[IndexWrite] = []
    for change in changes:
        family: StoredFamily = "items" if change.index.is_global else "indexes"
        if change.removed_key is not None and change.removed_key != change.put_key:
            writes.append((family, change.removed_key, None))
        if change.put_key is not None:
            assert change.entry is not None
            value = item_format.encode(
                change.put_key, orjson.dumps(change.entry), change.entry_size, timestamp
            )
            writes.append((family, change.put_key, value))
    return writes


def _grow_collection(
    table: Table,
    request: WriteRequest,
    view: View,
    changes: list[IndexChange],
    sizes: tuple[int, int],
    beside: list[IndexWrite],
) -> dict[str, Any] | None:
    """Keep the size of the item collection, refuse what would pass 10 GB, and report it.

    A collection is all items of one partition key with their local index entries; only tables with
    local indexes limit it (AWS: "Item collections in DynamoDB").
    """
    before_size, after_size = sizes
    growth = after_size - before_size
    for change in changes:
        if not change.index.is_global:
            growth += change.entry_size - change.old_entry_size
    key_item = request.key_item()
    counter_key = keys.collection_counter_key(table, key_item)
    stored = view.index(counter_key)
    total = growth + (0 if stored is None else int.from_bytes(stored, "big"))
    assert total >= 0
    if growth > 0 and total > ITEM_COLLECTION_BYTES_MAX:
        raise ItemCollectionSizeLimitExceededException("Collection size exceeded.")
    if growth != 0:
        beside.append(("indexes", counter_key, total.to_bytes(8, "big") if total else None))
    if request.return_item_collection_metrics != "SIZE":
        return None
    lower = float(total // GIGABYTE)
    return {
        "ItemCollectionKey": {table.hash_key.name: key_item[table.hash_key.name]},
        "SizeEstimateRangeGB": [lower, lower + 1.0],
    }
