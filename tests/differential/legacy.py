"""Requests with the parameters that came before expressions.

Expected, AttributeUpdates, KeyConditions, QueryFilter, ScanFilter, AttributesToGet and
ConditionalOperator, each right and wrong.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from differential.requests import (
    RETURN_VALUES,
    Request,
    add_capacity,
    index_names,
)
from differential.shapes import Shape, items, keys
from differential.values import Json, key_values, perhaps, perhaps_bad, scalars, sets, values

OPERATORS = (
    *("EQ", "NE", "LT", "LE", "GT", "GE", "BETWEEN", "IN", "NULL", "NOT_NULL", "CONTAINS"),
    *("NOT_CONTAINS", "BEGINS_WITH"),
)
ARGUMENTS = {"BETWEEN": 2, "IN": 2, "NULL": 0, "NOT_NULL": 0}


@st.composite
def comparison(draw: st.DrawFn) -> Json:
    """An operator with its arguments; sometimes too many, too few, or of unequal types."""
    operator = draw(st.sampled_from(OPERATORS))
    if perhaps(draw, 40):
        operator = draw(st.sampled_from(("eq", "FOO", "")))
    count = ARGUMENTS.get(operator, 1)
    if perhaps(draw, 15):
        count = draw(st.integers(0, 3))
    arguments = [draw(perhaps_bad(st.one_of(scalars(), scalars(), values()))) for _ in range(count)]
    made: dict[str, Any] = {"ComparisonOperator": operator}
    if arguments or perhaps(draw, 3):
        made["AttributeValueList"] = arguments
    return made


@st.composite
def expectation(draw: st.DrawFn) -> Json:
    """One attribute of Expected, in either of its two forms, or in none."""
    turn = draw(st.integers(0, 9))
    if turn < 4:
        return draw(comparison())
    if turn < 6:
        return {"Value": draw(perhaps_bad(values()))}
    if turn < 8:
        return {"Exists": False}
    return draw(
        st.fixed_dictionaries(
            {},
            optional={
                "Value": values(),
                "Exists": st.sampled_from((True, False, "yes", "maybe")),
                "ComparisonOperator": st.sampled_from(OPERATORS),
                "AttributeValueList": st.lists(scalars(), max_size=2),
            },
        )
    )


def add_expected(draw: st.DrawFn, body: dict[str, Any]) -> None:
    names = draw(st.lists(st.sampled_from(("a", "b", "m", "pk", "s.k")), max_size=2, unique=True))
    if names:
        body["Expected"] = {name: draw(expectation()) for name in names}
    add_operator(draw, body, len(names))


def add_operator(draw: st.DrawFn, body: dict[str, Any], conditions: int) -> None:
    """ConditionalOperator belongs to two or more conditions."""
    if perhaps(draw, 3 if conditions > 1 else 20):
        body["ConditionalOperator"] = draw(st.sampled_from(("AND", "OR", "OR", "and", "")))


def add_mixture(draw: st.DrawFn, body: dict[str, Any]) -> None:
    """Rarely an expression parameter beside the legacy ones."""
    if perhaps(draw, 25):
        body["ConditionExpression"] = "attribute_exists(a)"
    if perhaps(draw, 40):
        body["ExpressionAttributeNames"] = {"#a": "a"}


def add_return_values(draw: st.DrawFn, body: dict[str, Any], legal: tuple[str, ...]) -> None:
    add_capacity(draw, body)
    if perhaps(draw, 3):
        body["ReturnValues"] = draw(st.sampled_from(legal))


@st.composite
def put_item(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    body: dict[str, Any] = {"TableName": table, "Item": draw(items(shape, mistakes=False))}
    add_expected(draw, body)
    add_mixture(draw, body)
    add_return_values(draw, body, ("NONE", "ALL_OLD"))
    return "PutItem", body


@st.composite
def delete_item(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    body: dict[str, Any] = {"TableName": table, "Key": draw(keys(shape))}
    add_expected(draw, body)
    add_mixture(draw, body)
    add_return_values(draw, body, ("NONE", "ALL_OLD"))
    return "DeleteItem", body


@st.composite
def update_item(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    body: dict[str, Any] = {"TableName": table, "Key": draw(keys(shape))}
    names = draw(st.lists(st.sampled_from(("a", "b", "l", "s", "g")), max_size=3, unique=True))
    body["AttributeUpdates"] = {name: draw(attribute_update()) for name in names}
    if perhaps(draw, 3):
        add_expected(draw, body)
    add_mixture(draw, body)
    add_return_values(draw, body, RETURN_VALUES[:5])
    return "UpdateItem", body


@st.composite
def attribute_update(draw: st.DrawFn) -> Json:
    action = draw(st.sampled_from(("PUT", "ADD", "DELETE", "PUT", "ADD", None)))
    made: dict[str, Any] = {} if action is None else {"Action": action}
    if perhaps(draw, 40):
        made["Action"] = draw(st.sampled_from(("put", "", "REMOVE")))
    numbers = st.sampled_from(({"N": "1"}, {"N": "-2"}))
    lists = st.lists(scalars(), max_size=2).map(lambda members: {"L": members})
    fitting = {
        "ADD": st.one_of(numbers, sets(), lists),
        "DELETE": sets(),
    }.get(action or "PUT", perhaps_bad(values()))
    if not perhaps(draw, 3 if action == "DELETE" else 20):
        made["Value"] = draw(values() if perhaps(draw, 10) else fitting)
    return made


@st.composite
def get_item(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    names = draw(st.lists(st.sampled_from(("a", "b", "m", "pk", "", "zz")), max_size=3))
    body: dict[str, Any] = {"TableName": table, "Key": draw(keys(shape)), "AttributesToGet": names}
    if perhaps(draw, 20):
        body["ProjectionExpression"] = "a"
    return "GetItem", body


@st.composite
def query(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    body: dict[str, Any] = {"TableName": table}
    if (name := index_names(draw, shape)) is not None:
        body["IndexName"] = name
    index = next((i for i in shape.indexes if i.name == name), None)
    hash_key = index.hash if index else ("pk", shape.hash_kind)
    range_key = index.range if index else ("sk", shape.range_kind) if shape.range_kind else None
    good = draw(key_values(hash_key[1]))
    conditions: dict[str, Json] = {
        hash_key[0]: {"ComparisonOperator": "EQ", "AttributeValueList": [good]}
    }
    if range_key is not None and range_key[1] and perhaps(draw, 2):
        operator = draw(st.sampled_from(("EQ", "LT", "LE", "GT", "GE", "BEGINS_WITH", "BETWEEN")))
        count = ARGUMENTS.get(operator, 1)
        arguments = [draw(key_values(range_key[1])) for _ in range(count)]
        conditions[range_key[0]] = {
            "ComparisonOperator": operator,
            "AttributeValueList": arguments,
        }
    if perhaps(draw, 10):
        conditions[draw(st.sampled_from(("a", "pk", "sk")))] = draw(comparison())
    body["KeyConditions"] = conditions
    if perhaps(draw, 2):
        names = draw(st.lists(st.sampled_from(("a", "b", "pk", "sk")), max_size=2, unique=True))
        body["QueryFilter"] = {name: draw(comparison()) for name in names}
        add_operator(draw, body, len(names))
    if perhaps(draw, 4):
        body["AttributesToGet"] = draw(st.lists(st.sampled_from(("a", "b", "pk")), max_size=2))
    if perhaps(draw, 30):
        body["KeyConditionExpression"] = "pk = :a"
    add_capacity(draw, body)
    return "Query", body


@st.composite
def scan(draw: st.DrawFn, table: str, shape: Shape) -> Request:
    body: dict[str, Any] = {"TableName": table}
    names = draw(st.lists(st.sampled_from(("a", "b", "m", "pk")), max_size=2, unique=True))
    body["ScanFilter"] = {name: draw(comparison()) for name in names}
    add_operator(draw, body, len(names))
    if perhaps(draw, 4):
        body["AttributesToGet"] = draw(st.lists(st.sampled_from(("a", "b", "pk")), max_size=2))
    if perhaps(draw, 30):
        body["FilterExpression"] = "attribute_exists(a)"
    add_capacity(draw, body)
    return "Scan", body


def any_legacy_request(table: str, shape: Shape) -> st.SearchStrategy[Request]:
    return st.one_of(
        put_item(table, shape),
        update_item(table, shape),
        update_item(table, shape),
        delete_item(table, shape),
        get_item(table, shape),
        query(table, shape),
        scan(table, shape),
    )
