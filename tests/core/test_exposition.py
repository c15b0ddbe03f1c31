"""Figures are text that Prometheus reads."""

from __future__ import annotations

import pytest

from stator_core.exposition import Family, Histogram, by, one, text


def test_a_page_has_a_head_and_a_line_for_each_set_of_labels() -> None:
    page = text(
        [
            Family("up_total", "counter", "how often", by("zone", {"b": 2, "a": 1.5})),
            Family("size_bytes", "gauge", "how large", one(12_345_678_901)),
        ]
    )

    assert page == (
        "# HELP up_total how often\n"
        "# TYPE up_total counter\n"
        'up_total{zone="a"} 1.5\n'
        'up_total{zone="b"} 2\n'
        "# HELP size_bytes how large\n"
        "# TYPE size_bytes gauge\n"
        "size_bytes 12345678901\n"
    )


def test_what_a_label_says_cannot_end_it() -> None:
    page = text([Family("f", "gauge", "h", by("name", {'a"b\\c\nd': 1}))])

    assert page.endswith('f{name="a\\"b\\\\c\\nd"} 1\n')


def test_a_histogram_counts_up_to_each_bound_and_all() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 9.0):
        histogram.add(value)

    lines = text([Family("t", "histogram", "h", histogram.samples({"of": "x"}))]).splitlines()

    assert lines[2:] == [
        't_bucket{of="x",le="0.1"} 2',
        't_bucket{of="x",le="1.0"} 3',
        't_bucket{of="x",le="+Inf"} 4',
        't_sum{of="x"} 9.65',
        't_count{of="x"} 4',
    ]


@pytest.mark.parametrize("bounds", [(1.0, 0.5), (1.0, 1.0)])
def test_bounds_rise(bounds: tuple[float, ...]) -> None:
    with pytest.raises(AssertionError):
        Histogram(bounds)
