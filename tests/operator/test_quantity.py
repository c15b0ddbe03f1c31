"""Quantities as Kubernetes reckons them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_operator.quantity import amount


@pytest.mark.parametrize(
    "text, number",
    [
        ("1", 1),
        ("10Gi", 10 * 1024**3),
        ("1.5Ti", 3 * 1024**4 // 2),
        ("500m", Fraction(1, 2)),
        ("1e9", 10**9),
        ("1E3", 1000),
        ("1E", 10**18),
        ("12k", 12_000),
        (".5Ki", 512),
        ("1u", Fraction(1, 10**6)),
        ("-3n", Fraction(-3, 10**9)),
    ],
)
def test_what_a_quantity_amounts_to(text: str, number: Fraction | int) -> None:
    assert amount(text) == number


@pytest.mark.parametrize("text", ["", "Gi", "1Qi", "1 Gi", "ten", "1e", "1ki"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        amount(text)


@given(st.integers(1, 10**6), st.sampled_from(["Ki", "Mi", "Gi", "Ti"]))
def test_sizes_compare_across_units(size: int, unit: str) -> None:
    assert amount(f"{size}{unit}") == amount(str(size)) * amount(f"1{unit}")
    assert amount(f"{size}{unit}") < amount(f"{size + 1}{unit}")
