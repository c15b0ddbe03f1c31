"""JSON that no SDK would send: members missing, of another type, null, unknown, or out of range."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from differential.requests import Request
from differential.values import Json

HOSTILE: tuple[Json, ...] = (
    *(None, "", "a", "ab", "!", " ", "x" * 256, "NONE", "ALL_OLD", 0, 1, -1, 1.5, 2**31, 2**63),
    *(True, False, [], {}, [None], [[]], {"a": None}, {"": ""}, {"S": "a"}, [{"S": "a"}], ["a"]),
)
# Members that some operation has, to be put where another has none.
MEMBERS: tuple[tuple[str, Json], ...] = (
    ("ReturnValues", "ALL_NEW"),
    ("ReturnValues", "OLD"),
    ("ReturnConsumedCapacity", "ALL"),
    ("ReturnItemCollectionMetrics", "ALL"),
    ("ReturnValuesOnConditionCheckFailure", "x"),
    ("ConditionalOperator", "AND"),
    ("ConditionExpression", ""),
    ("UpdateExpression", ""),
    ("ProjectionExpression", ""),
    ("FilterExpression", ""),
    ("KeyConditionExpression", ""),
    ("Expected", {}),
    ("AttributeUpdates", {}),
    ("KeyConditions", {}),
    ("QueryFilter", {}),
    ("ScanFilter", {}),
    ("AttributesToGet", []),
    ("AttributesToGet", ["a", "a"]),
    ("ExpressionAttributeNames", {}),
    ("ExpressionAttributeNames", {"#a": ""}),
    ("ExpressionAttributeNames", {"#a": "a"}),
    ("ExpressionAttributeValues", {}),
    ("ExpressionAttributeValues", {":a": {"S": "a"}}),
    ("ExpressionAttributeValues", {":a": {"SS": []}}),
    ("Limit", 0),
    ("Segment", 1),
    ("TotalSegments", 0),
    ("Select", "NONE"),
    ("ConsistentRead", "maybe"),
    ("ScanIndexForward", 1),
    ("ExclusiveStartKey", {}),
    ("IndexName", ""),
    ("IndexName", "ab"),
    ("IndexName", "no!"),
    ("TableName", ""),
    ("TableName", "ab"),
    ("TableName", "a!"),
    ("TableName", "missing"),
    ("TableName", "x" * 256),
    ("TableName", None),
    ("Key", None),
    ("Key", {}),
    ("Item", {}),
    ("Unknown", {"a": [1]}),
)

Place = tuple[Any, ...]


def places(body: Json, at: Place = ()) -> list[Place]:
    """Every place in the JSON below the top."""
    found: list[Place] = []
    children: list[tuple[Any, Json]] = []
    if isinstance(body, dict):
        children = list(body.items())
    elif isinstance(body, list):
        children = list(enumerate(body))
    for step, child in children:
        found.append((*at, step))
        found += places(child, (*at, step))
    return found


@st.composite
def spoilt(draw: st.DrawFn, requests: st.SearchStrategy[Request]) -> Request:
    """A request with one to three mistakes in its JSON."""
    operation, body = draw(requests)
    body = copy.deepcopy(body)
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        turn = draw(st.integers(0, 5))
        if turn < 2:
            name, value = draw(st.sampled_from(MEMBERS))
            body[name] = copy.deepcopy(value)
            continue
        found = places(body)
        if not found:
            continue
        # The upper members have the rules; the depths of an item are the values' own test.
        shallow = [place for place in found if len(place) <= 2]
        *parents, last = draw(st.sampled_from(shallow if turn < 5 else found))
        target = body
        for step in parents:
            target = target[step]
        if turn == 2:
            del target[last]
        else:
            target[last] = copy.deepcopy(draw(st.sampled_from(HOSTILE)))
    return operation, body
