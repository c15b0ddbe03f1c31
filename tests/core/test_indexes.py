"""What a write changes in indexes: sparse, projected, and nothing where nothing changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_values import global_index, local_index, schema, table
from stator_core.indexes import index_changes, projected, size_with_local_entries
from stator_core.item import item_size
from stator_core.keys import entry_key
from stator_core.table import IndexProjection

KEYS_ONLY = IndexProjection("KEYS_ONLY")
ALL = global_index(schema("S", "N", "gs"), name="all", identifier=20)
KEYS = global_index(schema("S", "N", "gs"), KEYS_ONLY, name="keys", identifier=21)
SOME = local_index(
    schema("S", "N", "hs"), IndexProjection("INCLUDE", ("x", "y")), name="some", identifier=30
)
INDEXED = table("S", "S", SOME, ALL, KEYS)

KEY = {"h": {"S": "h"}, "r": {"S": "r"}}
ITEM = {**KEY, "g": {"S": "g"}, "s": {"N": "1"}, "x": {"S": "x"}, "z": {"S": "z"}}


def test_a_table_without_indexes_has_nothing_to_change() -> None:
    assert index_changes(table("S"), None, {"h": {"S": "h"}}) == []


def test_a_new_item_is_put_into_every_index_with_what_it_projects() -> None:
    some, all_, keys = index_changes(INDEXED, None, ITEM)

    assert (some.entry, all_.entry, keys.entry) == (
        {name: ITEM[name] for name in "hrsx"},
        ITEM,
        {name: ITEM[name] for name in "hrgs"},
    )
    assert all_.entry is ITEM
    for change in (some, all_, keys):
        assert change.removed_key is None
        assert change.put_key == entry_key(INDEXED, change.index, ITEM)
        assert change.entry is not None
        assert (change.old_entry_size, change.entry_size) == (0, item_size(change.entry))


def test_a_deleted_item_is_removed_from_every_index() -> None:
    for change in index_changes(INDEXED, ITEM, None):
        assert change.removed_key == entry_key(INDEXED, change.index, ITEM)
        assert (change.put_key, change.entry, change.entry_size) == (None, None, 0)
        assert change.old_entry_size == item_size(projected(INDEXED, change.index, ITEM))


def test_a_write_touches_only_the_indexes_that_project_what_changed() -> None:
    after = {**ITEM, "z": {"S": "other"}}
    assert [change.index for change in index_changes(INDEXED, ITEM, after)] == [ALL]

    after = {**ITEM, "y": {"S": "new"}}
    assert [change.index for change in index_changes(INDEXED, ITEM, after)] == [SOME, ALL]

    assert index_changes(INDEXED, ITEM, dict(ITEM)) == []


def test_an_entry_whose_key_stays_is_put_over_the_old_one() -> None:
    (change,) = index_changes(INDEXED, ITEM, {**ITEM, "z": {"S": "other"}})

    assert change.removed_key is None
    assert change.put_key == entry_key(INDEXED, ALL, ITEM)
    assert not change.key_changed


def test_an_entry_whose_key_changes_is_removed_and_put() -> None:
    after = {**ITEM, "s": {"N": "2"}}
    for change in index_changes(INDEXED, ITEM, after):
        assert change.removed_key == entry_key(INDEXED, change.index, ITEM)
        assert change.put_key == entry_key(INDEXED, change.index, after)
        assert change.key_changed


def test_an_item_without_an_index_key_has_no_entry() -> None:
    without = {name: value for name, value in ITEM.items() if name != "g"}

    assert [each.index for each in index_changes(INDEXED, None, without)] == [SOME]
    removed = [each for each in index_changes(INDEXED, ITEM, without) if each.entry is None]
    assert [each.index for each in removed] == [ALL, KEYS]
    assert index_changes(INDEXED, None, KEY) == []


@pytest.mark.parametrize("wrong", [{"N": "1"}, {"S": ""}, {"NULL": True}])
def test_a_value_that_the_index_cannot_hold_keeps_the_item_out(wrong) -> None:
    """Such items come from before the index: a write to the table would be refused."""
    changes = index_changes(INDEXED, None, {**ITEM, "g": wrong})

    assert [change.index for change in changes] == [SOME]


def test_an_index_with_several_hash_attributes_wants_them_all() -> None:
    many = global_index(schema("SN", "S", "as"))
    indexed = table("S", "", many)
    item = {"h": {"S": "h"}, "a0": {"S": "a"}, "s": {"S": "s"}}

    assert index_changes(indexed, None, item) == []
    (change,) = index_changes(indexed, None, {**item, "a1": {"N": "1"}})
    assert change.put_key is not None


def test_an_index_under_deletion_is_left_alone() -> None:
    indexed = table("S", "S", replace(ALL, status="DELETING"), replace(KEYS, status="CREATING"))

    assert [change.index.name for change in index_changes(indexed, None, ITEM)] == ["keys"]


def test_local_entries_count_to_the_size_of_the_item() -> None:
    size = item_size(ITEM)
    entry = item_size(projected(INDEXED, SOME, ITEM))

    assert size_with_local_entries(INDEXED, ITEM, size) == size + entry
    assert size_with_local_entries(INDEXED, KEY, item_size(KEY)) == item_size(KEY)


_written = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"h": st.just({"S": "h"}), "r": st.just({"S": "r"})},
        optional={
            "g": st.sampled_from([{"S": "g"}, {"S": "G"}, {"N": "1"}]),
            "s": st.sampled_from([{"N": "1"}, {"N": "2"}]),
            "x": st.sampled_from([{"S": "x"}, {"S": "X"}]),
            "z": st.sampled_from([{"S": "z"}, {"S": "Z"}]),
        },
    ),
)


@given(st.lists(_written, max_size=6))
def test_applying_the_changes_of_any_writes_gives_the_index_of_the_last_item(written) -> None:
    stored: dict[bytes, object] = {}
    before = None
    for after in written:
        for change in index_changes(INDEXED, before, after):
            if change.removed_key is not None:
                del stored[change.removed_key]
            if change.put_key is not None:
                stored[change.put_key] = change.entry
        before = after
    fresh = {change.put_key: change.entry for change in index_changes(INDEXED, None, before)}

    assert stored == fresh
