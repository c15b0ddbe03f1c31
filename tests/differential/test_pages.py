"""Reading page by page finds the same items as Dynoxide finds, each once, forwards and backwards.

The order of a Scan is each server's own, so pages are compared by what they add up to; a Query's
pages are compared one by one.
"""

from __future__ import annotations

from typing import Any

import hypothesis
from hypothesis import strategies as st

from blackbox import Connection
from differential.compare import TABLE, Pair
from differential.shapes import Shape, items, shapes
from differential.values import Json

PAGES_MAX = 60


def pages(connection: Connection, operation: str, body: dict[str, Any]) -> list[Json]:
    """Every page, following LastEvaluatedKey."""
    found: list[Json] = []
    start: Json = None
    while len(found) < PAGES_MAX:
        more = {} if start is None else {"ExclusiveStartKey": start}
        answer = connection.call(operation, body | more)
        assert answer.error is None, (body | more, answer)
        found.append(answer.body)
        start = answer.body.get("LastEvaluatedKey")
        if start is None:
            return found
    raise AssertionError(f"no end after {PAGES_MAX} pages")


def all_items(found: list[Json]) -> list[str]:
    return sorted(str(sorted_sets(item)) for page in found for item in page["Items"])


def sorted_sets(value: Json) -> Json:
    if isinstance(value, dict):
        return {
            key: sorted(inner) if key in ("SS", "NS", "BS") else sorted_sets(inner)
            for key, inner in sorted(value.items())
        }
    return [sorted_sets(inner) for inner in value] if isinstance(value, list) else value


@st.composite
def filled(draw: st.DrawFn) -> tuple[Shape, list[Json]]:
    shape = draw(shapes().filter(lambda shape: shape.range_kind is not None))
    return shape, draw(st.lists(items(shape, mistakes=False), min_size=3, max_size=12))


@hypothesis.given(filled(), st.integers(1, 4), st.sampled_from((1, 2, 3)))
def test_the_pages_of_a_scan_add_up(
    pair: Pair, content: tuple[Shape, list[Json]], limit: int, segments: int
) -> None:
    shape, seeds = content
    with pair.table(shape):
        for item in seeds:
            if not pair.agree("PutItem", {"TableName": TABLE, "Item": item}):
                return
        for index in (None, *shape.indexes):
            body: dict[str, Any] = {"TableName": TABLE, "Limit": limit}
            if index:
                body["IndexName"] = index.name
            for connection in (pair.stator, pair.dynoxide):
                whole = all_items(pages(connection, "Scan", body | {"Limit": 1000}))
                parts: list[Json] = []
                for segment in range(segments):
                    members = {"Segment": segment, "TotalSegments": segments}
                    parts += pages(connection, "Scan", body | members)
                assert all_items(parts) == whole


@hypothesis.given(filled(), st.integers(1, 4), st.booleans())
def test_the_pages_of_a_query_are_alike(
    pair: Pair, content: tuple[Shape, list[Json]], limit: int, forward: bool
) -> None:
    shape, seeds = content
    with pair.table(shape):
        for item in seeds:
            if not pair.agree("PutItem", {"TableName": TABLE, "Item": item}):
                return
        body: dict[str, Any] = {
            "TableName": TABLE,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": seeds[0]["pk"]},
            "ScanIndexForward": forward,
            "Limit": limit,
        }
        ours = pages(pair.stator, "Query", body)
        theirs = pages(pair.dynoxide, "Query", body)
        assert [sorted_sets(page["Items"]) for page in ours] == [
            sorted_sets(page["Items"]) for page in theirs
        ]
        assert [page.get("LastEvaluatedKey") for page in ours] == [
            page.get("LastEvaluatedKey") for page in theirs
        ]
