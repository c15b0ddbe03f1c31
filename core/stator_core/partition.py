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
from typing import Any

import orjson

from stator_core import capacity, change_format, expiry, item_format, keys
from stator_core.change_format import ChangeFlag
from stator_core.entry_format import StoredFamily, StoredWrite
from stator_core.errors import ItemCollectionSizeLimitExceededException
from stator_core.indexes import IndexChange, index_changes
from stator_core.item import Item
from stator_core.limits import ITEM_COLLECTION_BYTES_MAX
from stator_core.requests.delete_item import DeleteItem
from stator_core.requests.get_item import GetItem
from stator_core.requests.put_item import PutItem
from stator_core.requests.update_item import UpdateItem
from stator_core.stream import NEW_IMAGES, OLD_IMAGES
from stator_core.table import Table

WriteRequest = PutItem | UpdateItem | DeleteItem
GIGABYTE = 1024**3

NOTHING = b"{}"


@dataclass(frozen=True, slots=True)
class View:
    """The partition's state as the leader sees it: what is applied, under what is in flight.

    `item` reads a stored item by its key, `index` a key of the family `indexes`. `partition_id` is
    whose feed a change is noted in; where one process holds all tables, a table's identifier stands
    for it. With `feeds_indexes` global indexes follow the feed; else they are written at once.
    """

    item: Callable[[bytes], bytes | None]
    index: Callable[[bytes], bytes | None]
    partition_id: int | None = None
    feeds_indexes: bool = False


@dataclass(slots=True)
class Evaluation:
    """What one write does: `value` under item key `key` (None deletes it, `unchanged` leaves it),
    what is written `beside` it (index entries, the change, the expiry), and the JSON `answer` once
    all that is durable."""

    key: bytes
    value: bytes | None
    beside: list[StoredWrite]
    answer: bytes
    unchanged: bool = False


def evaluate_write(
    table: Table, request: WriteRequest, view: View, timestamp: int, *, by_service: bool = False
) -> Evaluation:
    """Decide a write. Raises DynamoDBError (a false condition, an impossible update).

    `timestamp` is the hybrid clock's and is stored with the item. The old item is read only where
    the condition, the answer, the capacity or what follows need it: a plain PutItem is blind.
    `by_service` marks the change as no client's.
    """
    key = keys.item_key(table, request.key_item())
    indexes = table.indexes
    report = request.return_consumed_capacity != "NONE"
    before: Item | None = None
    before_size = 0
    before_payload = after_payload = b""
    fed = table.stream_view is not None or (view.feeds_indexes and bool(table.global_indexes))
    if request.needs_previous or report or not table.is_plain:
        stored = view.item(key)
        if stored is not None:
            before_payload, before_size = item_format.payload_and_size(key, stored)
            before = orjson.loads(before_payload)
        evaluated = request.evaluate(table, before, before_size)
        unchanged = before is None and evaluated.item is None
    else:
        evaluated = request.evaluate(table, None, 0)
        unchanged = False
    after = evaluated.item
    if after is None:
        value = None
    else:
        after_payload = orjson.dumps(after)
        value = item_format.encode(key, after_payload, evaluated.size, timestamp)
    if table.is_plain and not report and evaluated.attributes is None:
        return Evaluation(key, value, [], NOTHING, unchanged)
    changes: list[IndexChange] = []
    if report or table.local_indexes or (indexes and not view.feeds_indexes):
        changes = index_changes(table, before, after)
    at_once = [each for each in changes if not (view.feeds_indexes and each.index.is_global)]
    beside = index_writes(at_once, timestamp)
    if fed and before != after:
        flags = ChangeFlag.BY_SERVICE if by_service else ChangeFlag(0)
        images = before_payload, after_payload
        beside.append(change_write(table, view, key, timestamp, images, flags))
    if table.expires_by is not None:
        seconds = (expiry.second_of(item, table.expires_by) for item in (before, after))
        beside += expiry.changes(_partition_of(table, view), key, *seconds)
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


def change_write(
    table: Table,
    view: View,
    key: bytes,
    stamp: int,
    images: tuple[bytes, bytes],
    flags: ChangeFlag,
) -> StoredWrite:
    """The record of one change. `images` are the item's JSON before and after, empty for none."""
    before, after = images
    if before:
        flags |= ChangeFlag.EXISTED
    if after:
        flags |= ChangeFlag.EXISTS
    if not (view.feeds_indexes and table.global_indexes):  # Entries follow from both images.
        if table.stream_view not in OLD_IMAGES:
            before = b""
        if table.stream_view not in NEW_IMAGES:
            after = b""
    record_key = change_format.change_key(_partition_of(table, view), stamp)
    return "changes", record_key, change_format.encode(record_key, flags, key, before, after)


def _partition_of(table: Table, view: View) -> int:
    """Under which partition a write's change, and its item's expiry, are noted."""
    return table.identifier if view.partition_id is None else view.partition_id


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


def index_writes(changes: list[IndexChange], timestamp: int) -> list[StoredWrite]:
    """The stored form of index changes: local entries in their own family, global ones as items."""
    writes: list[StoredWrite] = []
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
    beside: list[StoredWrite],
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
