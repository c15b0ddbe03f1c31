"""Figures are shown anew when they have moved by a tenth."""

from __future__ import annotations

import pytest

from stator_operator.figures import shown_figures


@pytest.mark.parametrize(
    "found, shown", [(100, 100), (109, 100), (111, 111), (89, 89), (91, 100), (0, 0)]
)
def test_a_figure_moves_by_tenths(found: int, shown: int) -> None:
    assert shown_figures({"items": found}, {"items": 100}) == {"items": shown}


def test_all_move_together_and_new_ones_are_shown() -> None:
    before = {"items": 100, "bytes": 100}

    assert shown_figures({"items": 101, "bytes": 200}, before) == {"items": 101, "bytes": 200}
    assert shown_figures({"items": 7}, {}) == {"items": 7}
    assert shown_figures({"items": 1}, {"items": 0}) == {"items": 1}


def test_a_growing_figure_is_written_as_often_as_its_logarithm_grows() -> None:
    shown: dict[str, int] = {}
    written = 0
    for count in range(100_000):
        new = shown_figures({"items": count}, shown)
        written += new != shown
        shown = new
    assert written < 120
