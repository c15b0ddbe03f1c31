"""BatchWriteItem: up to 25 puts and deletes over several tables, parsed, checked and answered.

In: the JSON body. Out of `parse`: a `BatchWriteItem` with one `TableWrites` per table, each a list
of the very `PutItem` and `DeleteItem` of the single operations; the router looks each table up,
calls `TableWrites.check`, and has the partitions execute them one by one. A `BatchWriteAnswer`
collects what could not be written now, as UnprocessedItems. A batch is not atomic.

AWS: "BatchWriteItem". DynamoDB still reads it by its old validation layer; the texts and the order
of checks are as it answers (captured 2026-10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from stator_core import keys
from stator_core.errors import DynamoDBError, ValidationException
from stator_core.item import TOO_LARGE, Item, ValueRefused, check_names, validate_item
from stator_core.limits import BATCH_WRITE_REQUESTS_MAX, ITEM_SIZE_BYTES_MAX
from stator_core.requests.batch_members import add_map_violation, check_table_names
from stator_core.requests.constraints import (
    RETURN_CONSUMED_CAPACITY,
    RETURN_ITEM_COLLECTION_METRICS,
    TABLE_NAME,
    Violations,
    table_name_of,
)
from stator_core.requests.delete_item import DeleteItem
from stator_core.requests.put_item import PutItem
from stator_core.requests.return_values import NONE
from stator_core.requests.shapes import ATTRIBUTE_MAP, STRING, List, Map, Structure, check
from stator_core.table import Table
from stator_core.value_rules import EMPTY_VALUE, TWO_MEMBERS

SHAPE = Structure(
    "BatchWriteItemInput",
    {
        "RequestItems": Map(
            List(
                Structure(
                    "WriteRequest",
                    {
                        "PutRequest": Structure("PutRequest", {"Item": ATTRIBUTE_MAP}),
                        "DeleteRequest": Structure("DeleteRequest", {"Key": ATTRIBUTE_MAP}),
                    },
                )
            )
        ),
        "ReturnConsumedCapacity": STRING,
        "ReturnItemCollectionMetrics": STRING,
    },
)
REQUIRED = "The requestItems parameter is required for BatchWriteItem"
DUPLICATES = "Provided list of item keys contains duplicates"
TOO_MANY = "Too many items requested for the BatchWriteItem call"
LIST_LENGTHS = (
    "Map value must satisfy constraint: [Member must have length less than or equal to "
    f"{BATCH_WRITE_REQUESTS_MAX}, Member must have length greater than or equal to 1]"
)

Write = PutItem | DeleteItem


@dataclass(slots=True)
class TableWrites:
    """The writes wanted on one table, and each as it was sent, to be given back.

    `sent_name` is the table's name as the caller wrote it, which may be an ARN.
    """

    table_name: str
    sent_name: str
    writes: list[Write]
    sent: list[dict[str, Any]]

    def check(self, table: Table) -> None:
        """Every key against the schema, then index keys, then that no item is written twice.

        A batch has one sentence for every misfit of a put's key. Numbers are compared by value.
        """
        attributes = table.key_schema.attributes
        written: set[tuple[str, ...]] = set()
        for write in self.writes:
            item = write.key_item()
            if isinstance(write, PutItem):
                _check_put(table, item)
            else:
                keys.check_key(table, item)
            # Canonical values are the same item's exactly if they are spelt the same.
            written.add(tuple([item[each.name][each.type] for each in attributes]))
        if len(written) < len(self.writes):
            raise ValidationException(DUPLICATES)


@dataclass(slots=True)
class BatchWriteItem:
    """The parsed request; tables in the order in which the caller named them."""

    tables: list[TableWrites]
    return_consumed_capacity: str
    return_item_collection_metrics: str


class BatchWriteAnswer:
    """Collects what was left unwritten."""

    __slots__ = ("_request", "_unprocessed")

    def __init__(self, request: BatchWriteItem) -> None:
        self._request = request
        self._unprocessed: list[list[dict[str, Any]]] = [[] for _ in request.tables]

    def leave(self, table: int, write: int) -> None:
        """Give a write back to the caller, by its two positions: it was not executed."""
        self._unprocessed[table].append(self._request.tables[table].sent[write])

    def response(
        self,
        consumed: list[dict[str, Any]] | None = None,
        item_collection_metrics: dict[str, list[dict[str, Any]]] | None = None,
    ) -> bytes:
        """The JSON answer. `consumed`: an entry per table; the metrics: by table, a list each.

        Where no table has a local index there are no metrics, and the member is left out.
        """
        answer: dict[str, Any] = {
            "UnprocessedItems": {
                wanted.sent_name: sent
                for wanted, sent in zip(self._request.tables, self._unprocessed, strict=True)
                if sent
            }
        }
        if item_collection_metrics:
            answer["ItemCollectionMetrics"] = item_collection_metrics
        if consumed is not None:
            answer["ConsumedCapacity"] = consumed
        return orjson.dumps(answer)


def parse(body: dict[str, Any]) -> BatchWriteItem:
    """Read and check a body by itself (no table yet).

    Raises SerializationException and ValidationException.
    """
    try:
        request = _parse_usual(body)
    except DynamoDBError:
        request = None  # The slow lane finds the first error in DynamoDB's order, and its words.
    return request or _parse_in_order(body)


def _parse_usual(body: dict[str, Any]) -> BatchWriteItem | None:
    """The fast lane: the request if all is usual and right, or None."""
    tables = body.get("RequestItems")
    mode = body.get("ReturnConsumedCapacity", NONE)
    metrics = body.get("ReturnItemCollectionMetrics", NONE)
    if mode not in RETURN_CONSUMED_CAPACITY or metrics not in RETURN_ITEM_COLLECTION_METRICS:
        return None
    if type(tables) is not dict or not tables:
        return None
    total = 0
    for name, sent in tables.items():
        if TABLE_NAME.fullmatch(name) is None or type(sent) is not list or not sent:
            return None
        total += len(sent)
        if not all(map(_is_usual, sent)):
            return None
    if total > BATCH_WRITE_REQUESTS_MAX:
        return None
    return _request(body, tables)


def _is_usual(sent: Any) -> bool:
    """Whether one write is a put or a delete with nothing else."""
    if type(sent) is not dict or len(sent) != 1:
        return False
    put = sent.get("PutRequest")
    if put is not None:
        return type(put) is dict and type(put.get("Item")) is dict
    delete = sent.get("DeleteRequest")
    return type(delete) is dict and type(delete.get("Key")) is dict


def _parse_in_order(body: dict[str, Any]) -> BatchWriteItem:
    """The slow lane: every check in DynamoDB's order."""
    check(body, SHAPE)
    _check_members(body)
    tables: dict[str, list[dict[str, Any]]] = body["RequestItems"]
    for sent in (write for writes in tables.values() for write in writes):
        attributes = [*_attributes(sent, "PutRequest", "Item")]
        attributes += _attributes(sent, "DeleteRequest", "Key")
        for each in attributes:
            check_names({"M": each})
        if len(attributes) != 1:
            # Sic: DynamoDB speaks of the write as if it were a value.
            raise ValidationException(TWO_MEMBERS if attributes else EMPTY_VALUE)
    if sum(map(len, tables.values())) > BATCH_WRITE_REQUESTS_MAX:
        raise ValidationException(TOO_MANY)
    return _request(body, tables)


def _check_members(body: dict[str, Any]) -> None:
    """Every member by itself: lists and enum members, then table names alone."""
    tables = body.get("RequestItems")
    if not tables:
        raise ValidationException(REQUIRED)
    violations = Violations()
    if not all(0 < len(writes) <= BATCH_WRITE_REQUESTS_MAX for writes in tables.values()):
        add_map_violation(violations, tables, "[WriteRequest]", LIST_LENGTHS)
    violations.enum(
        "returnConsumedCapacity", body.get("ReturnConsumedCapacity"), RETURN_CONSUMED_CAPACITY
    )
    violations.enum(
        "returnItemCollectionMetrics",
        body.get("ReturnItemCollectionMetrics"),
        RETURN_ITEM_COLLECTION_METRICS,
    )
    for name, writes in tables.items():
        for position, sent in enumerate(writes, start=1):
            _require_contents(violations, f"requestItems.{name}.member.{position}.member", sent)
    violations.raise_any()
    check_table_names(violations, tables, "[WriteRequest]")
    violations.raise_any()


def _require_contents(violations: Violations, path: str, sent: dict[str, Any] | None) -> None:
    violations.require(path, sent)
    for member, content in (("PutRequest", "Item"), ("DeleteRequest", "Key")):
        inner = (sent or {}).get(member)
        if inner is not None:
            inner_path = f"{path}.{member[0].lower()}{member[1:]}.{content.lower()}"
            violations.require(inner_path, inner.get(content))


def _check_put(table: Table, item: Item) -> None:
    """The keys of a put: where PutItem has a sentence for each misfit, a batch has one for all."""
    try:
        keys.check_item_key(table, item)
    except ValidationException:
        keys.check_key(table, {name: item[name] for name in table.key_names if name in item})
        raise  # Nothing is wrong with the table's key, so it is an index's.


def _attributes(sent: dict[str, Any], member: str, content: str) -> list[Item]:
    """The attributes of a put or a delete, or nothing if the write is none."""
    return [sent[member][content]] if member in sent else []


def _request(body: dict[str, Any], tables: dict[str, list[dict[str, Any]]]) -> BatchWriteItem:
    """The request of checked members. Raises ValidationException for values and item sizes."""
    mode = body.get("ReturnConsumedCapacity", NONE)
    metrics = body.get("ReturnItemCollectionMetrics", NONE)
    read = []
    for name, writes in tables.items():
        table_name = table_name_of(name)
        read.append(
            TableWrites(
                table_name=table_name,
                sent_name=name,
                writes=[_write(table_name, sent, mode, metrics) for sent in writes],
                sent=writes,
            )
        )
    return BatchWriteItem(read, mode, metrics)


def _write(table_name: str, sent: dict[str, Any], mode: str, metrics: str) -> Write:
    """One put or delete as the request of the single operation, its values canonical."""
    put = sent.get("PutRequest")
    attributes: Item = sent["DeleteRequest"]["Key"] if put is None else put["Item"]
    try:
        size = validate_item(attributes)
    except ValueRefused as refused:
        raise ValidationException(refused.message_old) from None
    if put is None:
        return DeleteItem(
            table_name,
            attributes,
            return_consumed_capacity=mode,
            return_item_collection_metrics=metrics,
        )
    if size > ITEM_SIZE_BYTES_MAX:
        raise ValidationException(TOO_LARGE)
    return PutItem(
        table_name,
        attributes,
        size,
        return_consumed_capacity=mode,
        return_item_collection_metrics=metrics,
    )
