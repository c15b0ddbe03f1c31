"""Whole requests for the differential test, one strategy per operation.

Each draws a legal request of its operation, with the small mistakes that `values.py`, `shapes.py`
and `expressions.py` put in; `mistakes.py` spoils the JSON itself.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from differential import expressions
from differential.expressions import Words, condition, key_condition, perhaps_spoilt, projection
from differential.shapes import Shape, items, keys
from differential.values import Json, key_values, perhaps

Request = tuple[str, Json]
RETURN_VALUES = ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW", "none", "")
SELECTS = ("ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT", "count")


def add_capacity(draw: st.DrawFn, body: dict[str, Any]) -> None:
    if perhaps(draw, 3):
        body["ReturnConsumedCapacity"] = draw(st.sampled_from(("TOTAL", "INDEXES", "NONE")))
    if perhaps(draw, 60):
        body["ReturnConsumedCapacity"] = draw(st.sampled_from(("", "total", "ALL")))


def add_write_options(draw: st.DrawFn, body: dict[str, Any], legal: tuple[str, ...]) -> None:
    add_capacity(draw, body)
    if perhaps(draw, 2):
        body["ReturnValues"] = draw(st.sampled_from(legal))
    if perhaps(draw, 30):
        body["ReturnValues"] = draw(st.sampled_from(RETURN_VALUES))
    if perhaps(draw, 4):
        choices = ("ALL_OLD", "NONE", "ALL_OLD", "ALL_OLD")
        body["ReturnValuesOnConditionCheckFailure"] = draw(st.sampled_from(choices))
    if perhaps(draw, 6):
        choices = ("SIZE", "NONE", "BIG")
        chosen = choices if perhaps(draw, 10) else choices[:2]
        body["ReturnItemCollectionMetrics"] = draw(st.sampled_from(chosen))


def add_condition(draw: st.DrawFn, body: dict[str, Any], words: Words) -> None:
    if perhaps(draw, 2):
        body["ConditionExpression"] = perhaps_spoilt(draw, condition(draw, words))


@st.composite
def put_item(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    words = Words()
    body: dict[str, Any] = {"TableName": table, "Item": draw(items(shape))}
    add_condition(draw, body, words)
    add_write_options(draw, body, ("NONE", "ALL_OLD"))
    return "PutItem", body | words.members(draw)


@st.composite
def delete_item(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    words = Words()
    body: dict[str, Any] = {"TableName": table, "Key": draw(keys(shape))}
    add_condition(draw, body, words)
    add_write_options(draw, body, ("NONE", "ALL_OLD"))
    return "DeleteItem", body | words.members(draw)


@st.composite
def update_item(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    words = Words()
    body: dict[str, Any] = {"TableName": table, "Key": draw(keys(shape))}
    if not perhaps(draw, 15):
        body["UpdateExpression"] = perhaps_spoilt(draw, expressions.update(draw, words))
    if perhaps(draw, 3):
        add_condition(draw, body, words)
    add_write_options(draw, body, RETURN_VALUES[:5])
    return "UpdateItem", body | words.members(draw)


@st.composite
def get_item(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    words = Words()
    body: dict[str, Any] = {"TableName": table, "Key": draw(keys(shape))}
    if perhaps(draw, 2):
        body["ProjectionExpression"] = perhaps_spoilt(draw, projection(draw, words))
    if perhaps(draw, 3):
        body["ConsistentRead"] = draw(st.booleans())
    add_capacity(draw, body)
    members = words.members(draw)
    members.pop("ExpressionAttributeValues", None)
    return "GetItem", body | members


def add_reading(
    draw: st.DrawFn, body: dict[str, Any], shape: Shape, words: Words, operation: str
) -> None:
    """What Query and Scan share."""
    if perhaps(draw, 2):
        body["FilterExpression"] = perhaps_spoilt(draw, condition(draw, words, 1))
    if perhaps(draw, 3):
        body["ProjectionExpression"] = perhaps_spoilt(draw, projection(draw, words))
    if perhaps(draw, 6):
        body["Select"] = draw(st.sampled_from(SELECTS if perhaps(draw, 4) else SELECTS[:1]))
    if perhaps(draw, 5):
        body["ConsistentRead"] = draw(st.booleans())
    if perhaps(draw, 40):
        body["Limit"] = draw(st.sampled_from((0, -1, 2**31)))
    if perhaps(draw, 15):
        body["ExclusiveStartKey"] = draw(start_keys(shape, body.get("IndexName")))
    add_capacity(draw, body)


def start_keys(shape: Shape, index_name: str | None) -> st.SearchStrategy[Json]:
    """A start key for the table or the index; sometimes the other one's."""

    @st.composite
    def build(draw: st.DrawFn) -> Json:
        key = draw(keys(shape))
        index = next((i for i in shape.indexes if i.name == index_name), None)
        if index is not None and not perhaps(draw, 8):
            for name, kind in filter(None, (index.hash, index.range)):
                key[name] = draw(key_values(kind))
        return key

    return build()


def index_names(draw: st.DrawFn, shape: Shape) -> str | None:
    names = [index.name for index in shape.indexes]
    if names and perhaps(draw, 2):
        return draw(st.sampled_from(names))
    return "missing" if perhaps(draw, 40) else None


@st.composite
def query(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    words = Words()
    body: dict[str, Any] = {"TableName": table}
    if (name := index_names(draw, shape)) is not None:
        body["IndexName"] = name
    text = key_condition(draw, words, shape, name)
    body["KeyConditionExpression"] = perhaps_spoilt(draw, text)
    if perhaps(draw, 3):
        body["ScanIndexForward"] = draw(st.booleans())
    if perhaps(draw, 4):
        body["Limit"] = draw(st.integers(1, 3))
    add_reading(draw, body, shape, words, "Query")
    return "Query", body | words.members(draw)


@st.composite
def scan(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    words = Words()
    body: dict[str, Any] = {"TableName": table}
    if (name := index_names(draw, shape)) is not None:
        body["IndexName"] = name
    if perhaps(draw, 20):
        body["Segment"] = draw(st.sampled_from((0, 1, 5, -1)))
    if perhaps(draw, 20):
        body["TotalSegments"] = draw(st.sampled_from((1, 0, 1_000_001)))
    add_reading(draw, body, shape, words, "Scan")
    return "Scan", body | words.members(draw)


@st.composite
def batch_get_item(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    words = Words()
    found = draw(st.lists(keys(shape), min_size=1, max_size=4))
    one: dict[str, Any] = {"Keys": found}
    if perhaps(draw, 3):
        one["ProjectionExpression"] = perhaps_spoilt(draw, projection(draw, words))
        names = words.members(draw).get("ExpressionAttributeNames")
        if names:
            one["ExpressionAttributeNames"] = names
    elif perhaps(draw, 5):
        one["AttributesToGet"] = draw(st.lists(st.sampled_from("abpm"), max_size=3))
    if perhaps(draw, 4):
        one["ConsistentRead"] = draw(st.booleans())
    body: dict[str, Any] = {"RequestItems": {table: one}}
    if perhaps(draw, 30):
        body["RequestItems"] = draw(st.sampled_from(({}, {table: {"Keys": []}}, {"a!": one}, None)))
    if perhaps(draw, 30):
        # Alone: which of two tables' errors is reported first is not promised.
        body["RequestItems"] = {"no.such.table": one}
    add_capacity(draw, body)
    return "BatchGetItem", body


@st.composite
def batch_write_item(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    def one(draw: st.DrawFn) -> Json:
        if perhaps(draw, 60):
            return draw(st.sampled_from(({}, {"PutRequest": {}}, {"DeleteRequest": {}}, None)))
        if perhaps(draw, 60):
            put = {"Item": draw(items(shape))}
            return {"PutRequest": put, "DeleteRequest": {"Key": draw(keys(shape))}}
        if not perhaps(draw, 3):
            return {"PutRequest": {"Item": draw(items(shape))}}
        return {"DeleteRequest": {"Key": draw(keys(shape))}}

    count = draw(st.integers(1, 4))
    body: dict[str, Any] = {"RequestItems": {table: [one(draw) for _ in range(count)]}}
    if perhaps(draw, 30):
        body["RequestItems"][table] = body["RequestItems"][table][:1] * 26
    if perhaps(draw, 40):
        body["RequestItems"] = draw(st.sampled_from(({}, {table: []}, {"a!": []}, None, [])))
    if perhaps(draw, 6):
        body["ReturnItemCollectionMetrics"] = draw(st.sampled_from(("SIZE", "NONE", "x")))
    add_capacity(draw, body)
    return "BatchWriteItem", body


def any_item_request(table: str, shape: Shape) -> st.SearchStrategy[Request]:
    """Any item operation of this table, writes more often than reads."""
    return st.one_of(
        put_item(table, shape),
        update_item(table, shape),
        update_item(table, shape),
        delete_item(table, shape),
        get_item(table, shape),
        query(table, shape),
        scan(table, shape),
        batch_get_item(table, shape),
        batch_write_item(table, shape),
    )
