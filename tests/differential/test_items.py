"""Stator answers every item operation as the peer does that is nearest to AWS.

hypothesis draws a table, items for it, and requests: legal ones, ones with the mistakes of people,
and ones with mistakes in the JSON itself. The examples are the same on every run (their seed is the
test's own name); `HYPOTHESIS_PROFILE=search EXAMPLES=1000 make differential` looks for new ones.
"""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies as st

from differential import legacy, requests
from differential.compare import TABLE, Pair, play
from differential.mistakes import spoilt
from differential.requests import Request
from differential.shapes import Shape, items, shapes
from differential.values import Json

Scenario = tuple[Shape, list[Json], list[Request]]
SEEDS_MAX = 5
REQUESTS_MAX = 8


def scenarios(make: str) -> st.SearchStrategy[Scenario]:
    """A table, what it holds at first, and requests of one kind."""

    @st.composite
    def build(draw: st.DrawFn) -> Scenario:
        shape = draw(shapes())
        seeds = draw(st.lists(items(shape, mistakes=False), max_size=SEEDS_MAX))
        one = {
            "put": requests.put_item,
            "update": requests.update_item,
            "delete": requests.delete_item,
            "get": requests.get_item,
            "query": requests.query,
            "scan": requests.scan,
            "batch get": requests.batch_get_item,
            "batch write": requests.batch_write_item,
            "any": requests.any_item_request,
            "legacy": legacy.any_legacy_request,
        }[make](TABLE, shape)
        return shape, seeds, draw(st.lists(one, min_size=1, max_size=REQUESTS_MAX))

    return build()


KINDS = ("put", "update", "delete", "get", "query", "scan", "batch get", "batch write")


@pytest.mark.parametrize("kind", [*KINDS, "any", "legacy"])
def test_both_answer_alike(kind: str, pair: Pair) -> None:
    @hypothesis.given(scenarios(kind))
    def alike(scenario: Scenario) -> None:
        play(pair, *scenario)

    alike()


@pytest.mark.parametrize("kind", ["any", "legacy"])
def test_both_answer_spoilt_requests_alike(kind: str, pair: Pair) -> None:
    """Which of several mistakes is reported, and how, is part of the interface."""
    strategy = requests.any_item_request if kind == "any" else legacy.any_legacy_request

    @hypothesis.given(shapes(), st.data())
    def alike(shape: Shape, data: st.DataObject) -> None:
        spoilt_requests = st.lists(
            spoilt(strategy(TABLE, shape)), min_size=1, max_size=REQUESTS_MAX
        )
        play(pair, shape, [], data.draw(spoilt_requests))

    alike()
