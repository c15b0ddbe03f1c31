"""DynamoDB's numbers: one text for each value, one order for texts and bytes, exact sums."""

from __future__ import annotations

from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_values import number_texts
from stator_core.number import (
    OVERFLOW,
    TOO_PRECISE,
    UNDERFLOW,
    NumberRefused,
    add,
    canonical,
    compare,
    from_order_preserving,
    order_preserving,
    size_bytes,
    sort_key,
    subtract,
)

NINES = "9" * 38


@pytest.mark.parametrize(
    "text, expected",
    [
        ("1", "1"),
        ("0", "0"),
        ("-0", "0"),
        ("0.00", "0"),
        ("007", "7"),
        ("+5", "5"),
        ("5.", "5"),
        ("+.5", "0.5"),
        ("-.50", "-0.5"),
        ("1.0", "1"),
        ("100e-2", "1"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("12.50", "12.5"),
        ("1e-3", "0.001"),
        ("1e125", "1" + "0" * 125),
        ("-1e-130", "-0." + "0" * 129 + "1"),
        ("0.0e126", "0"),
        ("1" + "0" * 60, "1" + "0" * 60),
        ("9.9999999999999999999999999999999999999E+125", NINES + "0" * 88),
        ("1e000000000000000000000000000000000002", "100"),
    ],
)
def test_a_number_is_answered_as_plain_decimal_without_needless_zeros(text, expected) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        ".",
        "-",
        "x",
        "1e",
        "e5",
        "1.2.3",
        " 1",
        "1 ",
        "1\n",
        "1_000",
        "0x10",
        "NaN",
        "Infinity",
        "--1",
        "1,5",
        "\u0661",
        "1e99999999999999999999",
        "1e-9223372036854775809",
    ],
)
def test_what_is_no_number_is_quoted_in_the_refusal(text) -> None:
    with pytest.raises(NumberRefused) as refusal:
        canonical(text)

    expected = f"The parameter cannot be converted to a numeric value: {text}"
    assert refusal.value.message == expected
    assert refusal.value.message_old == expected


def test_an_empty_number_is_refused_without_a_colon_by_the_old_layer() -> None:
    with pytest.raises(NumberRefused) as refusal:
        canonical("")

    text = "The parameter cannot be converted to a numeric value"
    assert refusal.value.message_new == text + ": "
    assert refusal.value.message_old == text


@pytest.mark.parametrize(
    "text, expected",
    [
        ("1e126", OVERFLOW),
        ("-1e126", OVERFLOW),
        ("1e-131", UNDERFLOW),
        ("0e126", OVERFLOW),
        ("0e-131", UNDERFLOW),
        ("0." + "0" * 130 + "1", UNDERFLOW),
        ("1" + "0" * 126, OVERFLOW),
        ("1" * 39, TOO_PRECISE),
        ("1." + "0" * 37 + "1", TOO_PRECISE),
        ("1" * 39 + "e200", OVERFLOW),
    ],
)
def test_magnitude_and_precision_have_limits(text, expected) -> None:
    with pytest.raises(NumberRefused) as refusal:
        canonical(text)

    assert refusal.value.message_new == expected
    assert refusal.value.message_old == expected


@pytest.mark.parametrize(
    "text, new, old",
    [
        ("1e2147483647", OVERFLOW, UNDERFLOW),
        ("1e2147483646", OVERFLOW, OVERFLOW),
        ("1e99999999999", OVERFLOW, None),
        ("1e-99999999999", UNDERFLOW, None),
        ("1.5e-2147483648", UNDERFLOW, None),
    ],
)
def test_the_old_layer_counts_exponents_in_32_bits(text, new, old) -> None:
    with pytest.raises(NumberRefused) as refusal:
        canonical(text)

    assert refusal.value.message_new == new
    not_convertible = f"The parameter cannot be converted to a numeric value: {text}"
    assert refusal.value.message_old == (old or not_convertible)


def test_a_hostile_exponent_costs_no_time() -> None:
    with pytest.raises(NumberRefused):
        canonical("1e" + "9" * 1_000_000)


@given(number_texts())
def test_the_canonical_text_keeps_the_value_and_is_its_own_canonical_text(text) -> None:
    number = canonical(text)

    assert Decimal(number) == Decimal(text)
    assert canonical(number) == number
    assert "e" not in number.lower()


@given(number_texts(), number_texts())
def test_texts_and_bytes_order_as_the_values_do(first, second) -> None:
    a, b = canonical(first), canonical(second)
    order = (Decimal(a) > Decimal(b)) - (Decimal(a) < Decimal(b))

    assert compare(a, b) == order
    form_a, form_b = order_preserving(a), order_preserving(b)
    assert (form_a > form_b) - (form_a < form_b) == order
    assert (sort_key(a) > sort_key(b)) - (sort_key(a) < sort_key(b)) == order


@given(number_texts(), number_texts())
def test_no_form_of_a_number_begins_with_another(first, second) -> None:
    a, b = canonical(first), canonical(second)

    assert from_order_preserving(order_preserving(a)) == a
    if a != b:
        assert not order_preserving(a).startswith(order_preserving(b))


@pytest.mark.parametrize(
    "number, form",
    [
        ("0", "02"),
        ("1", "038214"),
        ("-1", "017deb"),
        ("12345", "03861945" + "64"),
        ("0.001", "037f14"),
        ("-0.5", "017e9b"),
        ("1" + "0" * 125, "03ff14"),
        ("0." + "0" * 129 + "1", "030014"),
    ],
)
def test_the_form_in_stored_keys_never_changes(number, form) -> None:
    assert order_preserving(number).hex() == form


@pytest.mark.parametrize(
    "form", ["", "00", "03", "0382", "038215", "04", "0214", "038200", "0382c8"]
)
def test_bytes_that_are_no_form_are_refused(form) -> None:
    with pytest.raises(ValueError):
        from_order_preserving(bytes.fromhex(form))


@given(number_texts(), number_texts())
def test_sums_are_exact_or_refused(first, second) -> None:
    a, b = canonical(first), canonical(second)
    exact = Context(prec=500)
    for operation, expected in (
        (add, exact.add(Decimal(a), Decimal(b))),
        (subtract, exact.subtract(Decimal(a), Decimal(b))),
    ):
        fits = len(expected.normalize(exact).as_tuple().digits) <= 38
        if fits:
            assert Decimal(operation(a, b)) == expected
            assert canonical(operation(a, b)) == operation(a, b)
        else:
            with pytest.raises(NumberRefused, match="overflow"):
                operation(a, b)


def test_a_sum_that_would_lose_precision_is_an_overflow() -> None:
    for a, b in (("1" + "0" * 50, "1"), (NINES, "0.1"), ("9" * 38 + "0" * 88, NINES + "0" * 88)):
        with pytest.raises(NumberRefused) as refusal:
            add(a, b)
        assert refusal.value.message == OVERFLOW


def test_a_difference_below_the_range_is_an_underflow() -> None:
    tiny = "0." + "0" * 129 + "1"

    with pytest.raises(NumberRefused) as refusal:
        subtract(tiny + "1", tiny)  # 1.1E-130 - 1E-130
    assert refusal.value.message == UNDERFLOW


def test_counters_count() -> None:
    assert add("41", "1") == "42"
    assert add("-1", "1") == "0"
    assert subtract("0.3", "0.1") == "0.2"
    assert add(NINES, "1") == "1" + "0" * 38


@pytest.mark.parametrize(
    "number, size",
    [
        ("0", 1),
        ("1", 2),
        ("12", 2),
        ("123", 3),
        ("100", 2),
        ("1000000", 2),
        ("-1", 3),
        ("1.5", 3),
        ("0.5", 2),
        ("0.001", 2),
        ("-0.001", 3),
        ("10.01", 3),
        ("100.5", 4),
        (NINES, 20),
        ("-" + NINES, 21),
    ],
)
def test_a_number_weighs_a_byte_per_two_digits_and_one(number, size) -> None:
    assert size_bytes(number) == size


@given(st.integers(min_value=-(10**37), max_value=10**37))
def test_a_number_weighs_21_bytes_at_most(value) -> None:
    assert 1 <= size_bytes(str(value)) <= 21
