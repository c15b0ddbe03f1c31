"""Log entries, version 1: golden bytes, round trips, refusals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core.entry_format import (
    EntryKind,
    EntryRefused,
    change_body,
    decode_writes,
    encode_change,
    encode_writes,
    read_header,
)

WRITES = st.lists(
    st.tuples(
        st.sampled_from(["items", "indexes"]),
        st.binary(max_size=20),
        st.none() | st.binary(max_size=40),
    )
)
TIMESTAMPS = st.integers(0, 2**64 - 1)


def test_the_bytes_of_an_entry_never_change() -> None:
    data = encode_writes(
        0x0102,
        [
            ("items", b"k", b"vv"),
            ("indexes", b"kk", None),
            ("changes", b"c", None),
            ("expiries", b"e", None),
        ],
    )

    header = "01 01 0000000000000102"
    put = "00 00000001 00000002 6b 7676"
    delete = "01 00000002 ffffffff 6b6b"
    rest = "02 00000001 ffffffff 63 03 00000001 ffffffff 65"
    assert data == bytes.fromhex(header + put + delete + rest)
    assert [kind.value for kind in EntryKind] == [*range(1, 13)]


@given(TIMESTAMPS, WRITES)
def test_writes_come_back_as_they_were_written(timestamp: int, writes: list) -> None:
    data = encode_writes(timestamp, writes)

    assert read_header(data) == (EntryKind.WRITES, timestamp)
    assert decode_writes(data) == writes


@given(TIMESTAMPS, st.binary())
def test_a_change_of_the_partition_comes_back(timestamp: int, body: bytes) -> None:
    data = encode_change(EntryKind.SPLIT, timestamp, body)

    assert read_header(data) == (EntryKind.SPLIT, timestamp)
    assert change_body(data) == body


@given(st.binary(max_size=60))
def test_foreign_bytes_are_refused_and_nothing_else_happens(data: bytes) -> None:
    try:
        kind, _ = read_header(data)
    except EntryRefused:
        return
    if kind is EntryKind.WRITES:
        try:
            decode_writes(data)
        except EntryRefused:
            return


@given(WRITES.filter(bool), st.data())
def test_an_entry_cut_short_within_a_write_is_refused(writes: list, data: st.DataObject) -> None:
    whole = encode_writes(1, writes)
    last = encode_writes(1, writes[-1:])
    cut = data.draw(st.integers(1, len(last) - len(encode_writes(1, [])) - 1))

    with pytest.raises(EntryRefused):
        decode_writes(whole[:-cut])


def test_an_entry_of_a_newer_version_or_kind_is_refused() -> None:
    with pytest.raises(EntryRefused, match="version 2"):
        read_header(b"\x02" + encode_writes(1, [])[1:])
    with pytest.raises(EntryRefused, match="kind 99"):
        read_header(b"\x01\x63" + encode_writes(1, [])[2:])
