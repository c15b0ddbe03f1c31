"""Capacity units: what requests cost, and the shapes that tell it."""

from __future__ import annotations

import pytest

from sample_values import global_index, local_index, schema
from stator_core.capacity import (
    consumed,
    index_units,
    index_write_units,
    read_units,
    write_units,
)
from stator_core.indexes import IndexChange
from stator_core.table import Index

GLOBAL = global_index(schema("S"))
LOCAL = local_index(schema("S", "S"))


def change(old: int, new: int, *, moved: bool = False, index: Index = GLOBAL) -> IndexChange:
    """A change of an entry from `old` bytes to `new` (0: none), to another key if `moved`."""
    return IndexChange(
        index=index,
        removed_key=b"old" if old and (moved or not new) else None,
        put_key=b"new" if new else None,
        entry={} if new else None,
        entry_size=new,
        old_entry_size=old,
    )


@pytest.mark.parametrize(
    "size, eventual, consistent",
    [(0, 0.5, 1), (1, 0.5, 1), (4096, 0.5, 1), (4097, 1, 2), (8192, 1, 2), (9 * 1024, 1.5, 3)],
)
def test_reads_cost_a_unit_per_4_kb_and_half_when_eventual(size, eventual, consistent) -> None:
    assert read_units(size, consistent=False) == eventual
    assert read_units(size, consistent=True) == consistent


@pytest.mark.parametrize(
    "before, after, units",
    [(0, 0, 1), (0, 1, 1), (0, 1024, 1), (0, 1025, 2), (5000, 1, 5), (1, 5000, 5), (2048, 0, 2)],
)
def test_writes_cost_a_unit_per_kb_of_the_larger_image(before, after, units) -> None:
    assert write_units(before, after) == units


@pytest.mark.parametrize(
    "index_change, units",
    [
        (change(0, 1500), 2),
        (change(1500, 0), 2),
        (change(1500, 2500), 3),
        (change(2500, 1500), 3),
        (change(1500, 2500, moved=True), 2 + 3),
        (change(10, 10, moved=True), 2),
    ],
)
def test_index_entries_cost_by_what_happens_to_them(index_change, units) -> None:
    assert index_write_units(index_change) == units


def test_units_are_summed_by_index_and_by_its_kind() -> None:
    changes = [change(0, 1500), change(1500, 0), change(0, 1, index=LOCAL)]

    assert index_units(changes) == ({"l": 1.0}, {"g": 4.0})
    assert index_units([]) == ({}, {})


@pytest.mark.parametrize("mode", [None, "NONE"])
def test_nothing_is_told_unless_asked(mode) -> None:
    assert consumed("T", mode, 1.0, {}, {"g": 1.0}) is None


def test_total_is_one_figure() -> None:
    answer = consumed("T", "TOTAL", 1.0, {"l": 1.0}, {"g": 2.0})

    assert answer == {"TableName": "T", "CapacityUnits": 4.0}


def test_indexes_tells_the_table_and_each_charged_index() -> None:
    assert consumed("T", "INDEXES", 1.0) == {
        "TableName": "T",
        "CapacityUnits": 1.0,
        "Table": {"CapacityUnits": 1.0},
    }
    assert consumed("T", "INDEXES", 0.0, {"l": 0.5}, {"g": 2}) == {
        "TableName": "T",
        "CapacityUnits": 2.5,
        "Table": {"CapacityUnits": 0.0},
        "LocalSecondaryIndexes": {"l": {"CapacityUnits": 0.5}},
        "GlobalSecondaryIndexes": {"g": {"CapacityUnits": 2.0}},
    }


def test_units_are_printed_as_floats() -> None:
    answer = consumed("T", "INDEXES", 1, {}, {"g": 2})

    assert answer is not None
    assert type(answer["CapacityUnits"]) is float
    assert type(answer["Table"]["CapacityUnits"]) is float
    assert type(answer["GlobalSecondaryIndexes"]["g"]["CapacityUnits"]) is float
