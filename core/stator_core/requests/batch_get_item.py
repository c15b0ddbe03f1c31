"""BatchGetItem: up to 100 keys over several tables, parsed, checked and answered.

In: the JSON body. Out of `parse`: a `BatchGetItem` with one `TableKeys` per table; the router
looks each table up, calls `TableKeys.check`, reads the keys wherever they live, and feeds what it
found to a `BatchGetAnswer`, which writes the JSON. Keys for which the answer has no room, or which
the router could not read now, go back to the caller as UnprocessedKeys.

AWS: "BatchGetItem"; the texts and the order of checks are as DynamoDB answers (captured 2026-10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from stator_core import capacity, keys
from stator_core.errors import DynamoDBError, ValidationException
from stator_core.expressions.projection import (
    Projection,
    compile_attributes_to_get,
    compile_projection,
)
from stator_core.expressions.substitutions import Layer, Substitutions, refuse_empty_names
from stator_core.item import EMPTY_NAME, Item, ValueRefused, check_names, validate_item
from stator_core.limits import BATCH_GET_ANSWER_BYTES_MAX, BATCH_GET_KEYS_MAX
from stator_core.requests.batch_members import check_table_names
from stator_core.requests.constraints import (
    RETURN_CONSUMED_CAPACITY,
    TABLE_NAME,
    Violations,
    length_at_least,
    length_at_most,
    table_name_of,
)
from stator_core.requests.layers import plain_values
from stator_core.requests.range_read import check_nested_keys
from stator_core.requests.return_values import NONE
from stator_core.requests.shapes import (
    ATTRIBUTE_MAP,
    BOOLEAN,
    STRING,
    STRING_LIST,
    STRING_MAP,
    List,
    Map,
    Structure,
    check,
)
from stator_core.table import Table

SHAPE = Structure(
    "BatchGetItemInput",
    {
        "RequestItems": Map(
            Structure(
                "KeysAndAttributes",
                {
                    "Keys": List(ATTRIBUTE_MAP),
                    "AttributesToGet": STRING_LIST,
                    "ConsistentRead": BOOLEAN,
                    "ProjectionExpression": STRING,
                    "ExpressionAttributeNames": STRING_MAP,
                },
            )
        ),
        "ReturnConsumedCapacity": STRING,
    },
)
_TABLE_MEMBERS = frozenset(
    ("Keys", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames")
)
MIXED = (
    "Can not use both expression and non-expression parameters in the same request: "
    "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"
)
NAMES_WITHOUT_EXPRESSION = "ExpressionAttributeNames can only be specified when using expressions"
DUPLICATES = "Provided list of item keys contains duplicates"
TOO_MANY = "Too many items requested for the BatchGetItem call"


@dataclass(slots=True)
class TableKeys:
    """The keys wanted of one table.

    `sent_name` is the table's name as the caller wrote it, which may be an ARN; `settings` the rest
    of its request, as it was sent.
    """

    table_name: str
    sent_name: str
    keys: list[Item]
    projection: Projection | None
    consistent_read: bool
    settings: dict[str, Any]

    def check(self, table: Table) -> None:
        """Every key against the schema, and the projection against nested use of keys."""
        for key in self.keys:
            keys.check_key(table, key)
        check_nested_keys(table, None, self.projection)

    def project(self, payload: bytes) -> bytes:
        """The JSON of a found item as the caller asked for it."""
        if self.projection is None:
            return payload
        return orjson.dumps(self.projection.project(orjson.loads(payload)))


@dataclass(slots=True)
class BatchGetItem:
    """The parsed request; tables in the order in which the caller named them."""

    tables: list[TableKeys]
    return_consumed_capacity: str


class BatchGetAnswer:
    """Collects the items of one call. Each key is fed once, in any order, by its two positions."""

    __slots__ = ("_bytes", "_found", "_request", "_units", "_unprocessed", "full")

    def __init__(self, request: BatchGetItem) -> None:
        self._request = request
        self._found: list[list[bytes]] = [[] for _ in request.tables]
        self._unprocessed: list[list[Item]] = [[] for _ in request.tables]
        self._units = [0.0] * len(request.tables)
        self._bytes = 0
        self.full = False

    def feed(self, table: int, key: int, payload: bytes | None, size: int) -> bool:
        """Take what was found at a key: the item's JSON and size in bytes, or None and 0.

        False: the answer would pass 16 MB. The key is unprocessed then, as is every key after it;
        a shell may stop reading and `leave` the rest.
        """
        if self.full or self._bytes + size > BATCH_GET_ANSWER_BYTES_MAX:
            self.full = True
            self.leave(table, key)
            return False
        wanted = self._request.tables[table]
        self._bytes += size
        self._units[table] += capacity.read_units(size, wanted.consistent_read)
        if payload is not None:
            self._found[table].append(wanted.project(payload))
        return True

    def leave(self, table: int, key: int) -> None:
        """Give a key back to the caller: it was not read."""
        self._unprocessed[table].append(self._request.tables[table].keys[key])

    def consumed_capacity(self) -> list[dict[str, Any]] | None:
        """One entry per table; None if the caller did not ask. Each item is rounded by itself."""
        mode = self._request.return_consumed_capacity
        entries = [
            capacity.consumed(wanted.table_name, mode, units)
            for wanted, units in zip(self._request.tables, self._units, strict=True)
        ]
        return [entry for entry in entries if entry is not None] or None

    def response(self) -> bytes:
        """The JSON answer."""
        responses = b",".join(
            [
                orjson.dumps(wanted.sent_name) + b":[" + b",".join(found) + b"]"
                for wanted, found in zip(self._request.tables, self._found, strict=True)
            ]
        )
        parts = [b'{"Responses":{', responses, b'},"UnprocessedKeys":']
        parts.append(orjson.dumps(self._unprocessed_keys()))
        consumed = self.consumed_capacity()
        if consumed is not None:
            parts += (b',"ConsumedCapacity":', orjson.dumps(consumed))
        parts.append(b"}")
        return b"".join(parts)

    def _unprocessed_keys(self) -> dict[str, Any]:
        """What the caller can send again as it is: the keys with their table's settings."""
        return {
            wanted.sent_name: {"Keys": unprocessed, **wanted.settings}
            for wanted, unprocessed in zip(self._request.tables, self._unprocessed, strict=True)
            if unprocessed
        }


def parse(body: dict[str, Any]) -> BatchGetItem:
    """Read and check a body by itself (no table yet).

    Raises SerializationException and ValidationException.
    """
    try:
        request = _parse_usual(body)
    except DynamoDBError:
        request = None  # The slow lane finds the first error in DynamoDB's order, and its words.
    return request or _parse_in_order(body)


def _parse_usual(body: dict[str, Any]) -> BatchGetItem | None:
    """The fast lane: the request if all is usual and right, or None."""
    tables = body.get("RequestItems")
    mode = body.get("ReturnConsumedCapacity", NONE)
    if type(tables) is not dict or not tables or mode not in RETURN_CONSUMED_CAPACITY:
        return None
    total = 0
    for name, wanted in tables.items():
        if TABLE_NAME.fullmatch(name) is None or not _is_usual(wanted):
            return None
        total += len(wanted["Keys"])
    if total > BATCH_GET_KEYS_MAX:
        return None
    return BatchGetItem([_table(name, wanted, Layer.NEW) for name, wanted in tables.items()], mode)


def _is_usual(wanted: Any) -> bool:
    """Whether one table's request has the members and the JSON types that the fast lane takes."""
    if type(wanted) is not dict or not wanted.keys() <= _TABLE_MEMBERS:
        return False
    wanted_keys = wanted.get("Keys")
    return (
        type(wanted_keys) is list
        and len(wanted_keys) > 0
        and all(type(key) is dict and plain_values(key) for key in wanted_keys)
        and type(wanted.get("ConsistentRead", False)) is bool
        and type(wanted.get("ProjectionExpression", "")) is str
        and ("ProjectionExpression" in wanted or "ExpressionAttributeNames" not in wanted)
    )


def _parse_in_order(body: dict[str, Any]) -> BatchGetItem:
    """The slow lane: every check in DynamoDB's order."""
    oddities = check(body, SHAPE)
    layer = Layer.OLD if oddities.old_layer else Layer.NEW
    _check_members(body)
    tables: dict[str, dict[str, Any]] = body["RequestItems"]
    for wanted in tables.values():
        _refuse_empty_names(wanted, layer)
    _refuse_mixing(tables)
    request = BatchGetItem(
        [_table(name, wanted, layer) for name, wanted in tables.items()],
        body.get("ReturnConsumedCapacity", NONE),
    )
    if sum(len(wanted.keys) for wanted in request.tables) > BATCH_GET_KEYS_MAX:
        raise ValidationException(TOO_MANY)
    return request


def _check_members(body: dict[str, Any]) -> None:
    """Every member by itself, in three rounds. Raises ValidationException."""
    violations = Violations()
    tables: dict[str, dict[str, Any]] | None = body.get("RequestItems")
    if tables is None:
        _consumed_capacity(body, violations)
        violations.require("requestItems", None)
        violations.raise_any()
        return
    if not tables:
        violations.add_without_value("RequestItems", length_at_least(1))
    for name, wanted in tables.items():
        if wanted.get("Keys") == []:
            violations.add_without_value(f"RequestItems.{name}.member.Keys", length_at_least(1))
    violations.raise_any()
    _consumed_capacity(body, violations)
    check_table_names(violations, tables, "KeysAndAttributes")
    for name, wanted in tables.items():
        path = f"requestItems.{name}.member"
        violations.require(f"{path}.keys", wanted.get("Keys"))
        for position, key in enumerate(wanted.get("Keys", ()), start=1):
            violations.require(f"{path}.keys.{position}.member", key)
        violations.length(f"{path}.attributesToGet", wanted.get("AttributesToGet"), 1)
    violations.raise_any()
    for name, wanted in tables.items():
        if len(wanted["Keys"]) > BATCH_GET_KEYS_MAX:
            violations.add_without_value(
                f"RequestItems.{name}.member.Keys", length_at_most(BATCH_GET_KEYS_MAX)
            )
    violations.raise_any()


def _consumed_capacity(body: dict[str, Any], violations: Violations) -> None:
    member = body.get("ReturnConsumedCapacity")
    violations.enum("returnConsumedCapacity", member, RETURN_CONSUMED_CAPACITY)


def _refuse_empty_names(wanted: dict[str, Any], layer: Layer) -> None:
    """DynamoDB looks for empty attribute names before all else that spans members."""
    if "" in wanted.get("AttributesToGet", ()):
        raise ValidationException(EMPTY_NAME)
    for key in wanted["Keys"]:
        check_names({"M": key})
    refuse_empty_names(wanted, layer)


def _refuse_mixing(tables: dict[str, dict[str, Any]]) -> None:
    """The older parameter beside an expression, even on another table."""
    older = any("AttributesToGet" in wanted for wanted in tables.values())
    newer = any("ProjectionExpression" in wanted for wanted in tables.values())
    if older and newer:
        raise ValidationException(MIXED)
    for wanted in tables.values():
        if "ExpressionAttributeNames" in wanted and "ProjectionExpression" not in wanted:
            raise ValidationException(NAMES_WITHOUT_EXPRESSION)


def _table(name: str, wanted: dict[str, Any], layer: Layer) -> TableKeys:
    """One table's share: the values of its keys, then its projection, as GetItem checks them.

    Raises ValidationException.
    """
    substitutions = Substitutions.parse(wanted, layer)
    wanted_keys: list[Item] = wanted["Keys"]
    # Keys are compared as they are written: 1 and 1.0 are two here (captured 2026-10).
    written = {_written(key) for key in wanted_keys}
    for key in wanted_keys:
        try:
            validate_item(key)
        except ValueRefused as refused:
            old = layer is Layer.OLD or refused.old_layer
            message = refused.message_old if old else refused.message_new
            raise ValidationException(message) from None
    projection = None
    if "AttributesToGet" in wanted:
        projection = compile_attributes_to_get(wanted["AttributesToGet"])
    elif "ProjectionExpression" in wanted:
        projection = compile_projection(wanted["ProjectionExpression"], substitutions)
        substitutions.check_all_used(layer)
    if len(written) < len(wanted_keys):
        raise ValidationException(DUPLICATES)
    settings = {member: value for member, value in wanted.items() if member != "Keys"}
    return TableKeys(
        table_name=table_name_of(name),
        sent_name=name,
        keys=wanted_keys,
        projection=projection,
        consistent_read=wanted.get("ConsistentRead", False),
        settings=settings,
    )


def _written(key: Item) -> bytes:
    """A key as the caller wrote it, whatever the order of its attributes."""
    try:
        return orjson.dumps(key, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return b""  # Nested too deep for any key; its values are about to be refused.
