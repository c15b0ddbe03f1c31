"""Limits are DynamoDB's: the figures that its quota page gives."""

from __future__ import annotations

import stator_core.limits as limits


def test_the_figures_are_those_of_the_quota_page() -> None:
    assert limits.ITEM_SIZE_BYTES_MAX == 400 * 1024
    assert limits.PAGE_BYTES_MAX == 1024**2
    assert limits.REQUEST_BYTES_MAX == 16 * 1024**2
    assert limits.EXPRESSION_BYTES_MAX == 4 * 1024
    assert (limits.HASH_KEY_BYTES_MAX, limits.RANGE_KEY_BYTES_MAX) == (2048, 1024)
    assert (limits.BATCH_GET_KEYS_MAX, limits.BATCH_WRITE_REQUESTS_MAX) == (100, 25)
    assert (limits.LOCAL_INDEXES_MAX, limits.GLOBAL_INDEXES_MAX) == (5, 20)
    assert limits.NESTING_LEVELS_MAX == 32


def test_every_limit_is_a_positive_number_but_the_least_exponent() -> None:
    for name, value in vars(limits).items():
        if name.isupper() and name != "NUMBER_EXPONENT_MIN":
            assert isinstance(value, int), name
            assert value > 0, name
