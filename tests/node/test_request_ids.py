"""Request ids: form, uniqueness, and what makes two processes differ."""

from __future__ import annotations

import re

from stator_node.gateway.request_ids import RequestIds, base32


def test_an_id_has_52_characters_of_digits_and_capitals() -> None:
    ids = RequestIds(lambda count: b"\xa5" * count)

    assert re.fullmatch(rb"[0-9A-Z]{52}", ids.next())


def test_ids_never_repeat_not_even_where_the_counter_starts_again() -> None:
    """The counter has a million values; then a new block begins."""
    ids = RequestIds(lambda count: bytes(count))
    count = 32**4 + 1_000

    assert len({ids.next() for _ in range(count)}) == count


def test_processes_with_other_random_bytes_share_no_ids() -> None:
    first, second = (RequestIds(lambda count, byte=byte: bytes([byte]) * count) for byte in (1, 2))

    assert first.next()[:40] != second.next()[:40]


def test_base32_counts_up_in_order() -> None:
    assert [base32(number, 2) for number in (0, 31, 32, 1023)] == [b"00", b"0V", b"10", b"VV"]
