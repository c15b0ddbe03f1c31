"""The catalog: what is shown is on disk, and no identifier is ever given twice."""

from __future__ import annotations

import itertools

import orjson
import pytest

from stator_core import item_format
from stator_core.errors import ResourceNotFoundException
from stator_core.item_format import Damaged
from stator_core.requests import create_table
from stator_core.table import Table
from stator_core.table_status import table_active
from stator_node.catalog import IDENTIFIERS_KEY, TABLE_PREFIX, Catalog, read_descriptors
from stator_node.doors import StorageFailed
from stator_node.memory import MemoryItemStore
from table_bodies import create_body, index, ranged_body


def new_table(catalog: Catalog, name: str, body: dict[str, object] | None = None) -> Table:
    request = create_table.parse((body or create_body()) | {"TableName": name})
    made = request.table(catalog.identifiers(), f"id of {name}", 1.0, "eu-west-2", "123456789012")
    return table_active(made)


def with_two_indexes() -> dict[str, object]:
    return ranged_body(GlobalSecondaryIndexes=[index("by-a", "a"), index("by-b", "b")])


def identifiers_of(table: Table) -> list[int]:
    return [table.identifier, *(one.identifier for one in table.indexes)]


def test_what_was_saved_is_there_at_the_next_start() -> None:
    store = MemoryItemStore()
    catalog = Catalog(store)
    table = new_table(catalog, "Music", with_two_indexes())
    catalog.save(table)
    store.lose_power()

    assert Catalog(store).tables == {"Music": table}


def test_a_table_that_was_refused_by_the_disk_is_not_shown() -> None:
    store = MemoryItemStore()
    catalog = Catalog(store)
    store.fail_with = "No space left on device"
    with pytest.raises(StorageFailed):
        catalog.save(new_table(catalog, "Music"))

    assert catalog.tables == {}


def test_a_deleted_table_gives_up_its_name_and_stays_on_record() -> None:
    store = MemoryItemStore()
    catalog = Catalog(store)
    old = new_table(catalog, "Music")
    catalog.save(old)
    deleted = old.changed(status="DELETED")
    catalog.save_deleted(deleted)
    assert (catalog.tables, catalog.deleted) == ({}, {old.identifier: deleted})
    new = new_table(catalog, "Music")
    catalog.save(new)
    catalog.save_deleted(deleted.changed(status="DELETING"))
    again = Catalog(store)
    assert again.tables == {"Music": new}
    assert again.deleted == {old.identifier: deleted.changed(status="DELETING")}
    again.remove_deleted(deleted)
    assert Catalog(store).deleted == {}
    assert Catalog(store).tables == {"Music": new}


def test_an_identifier_is_never_given_twice() -> None:
    """Not after a deletion, not after a restart: an old key must not become a new table's."""
    store = MemoryItemStore()
    catalog = Catalog(store)
    given: list[int] = []
    for number in range(5):
        table = new_table(catalog, "Music", with_two_indexes())
        given += identifiers_of(table)
        catalog.save(table)
        catalog.remove("Music")
        if number % 2:
            store.lose_power()
            catalog = Catalog(store)

    assert len(set(given)) == len(given)


def test_identifiers_stay_above_those_in_use_whatever_the_counter_says() -> None:
    store = MemoryItemStore()
    catalog = Catalog(store)
    table = new_table(catalog, "Music", with_two_indexes())
    catalog.save(table)
    store.write([("meta", IDENTIFIERS_KEY, None)], sync=True)

    assert next(Catalog(store).identifiers()) == max(identifiers_of(table)) + 1


def test_a_damaged_descriptor_is_refused_and_the_others_are_named() -> None:
    store = MemoryItemStore()
    catalog = Catalog(store)
    for name in ("Books", "Music"):
        catalog.save(new_table(catalog, name))
    key = TABLE_PREFIX + b"Music"
    stored = store.get_from("meta", key)
    assert stored is not None
    store.write([("meta", key, stored[:-1] + b"?")], sync=True)

    with pytest.raises(Damaged, match="checksum"):
        Catalog(store)
    found = dict(read_descriptors(store))
    assert isinstance(found["Books"], Table)
    assert isinstance(found["Music"], Damaged)


@pytest.mark.parametrize("content", [b"[]", b"{}", b"{", b'{"descriptor_version":2}'])
def test_a_descriptor_of_another_shape_is_refused(content: bytes) -> None:
    store = MemoryItemStore()
    key = TABLE_PREFIX + b"Music"
    stored = item_format.encode(key, content, len(content), 0)
    store.write([("meta", key, stored)], sync=True)

    with pytest.raises(ValueError):
        Catalog(store)


def test_a_descriptor_that_lacks_a_member_is_refused() -> None:
    store = MemoryItemStore()
    catalog = Catalog(store)
    catalog.save(new_table(catalog, "Music"))
    key = TABLE_PREFIX + b"Music"
    stored = orjson.loads(item_format.payload_of(key, store.get_from("meta", key) or b""))
    del stored["key_schema"]
    content = orjson.dumps(stored)
    store.write([("meta", key, item_format.encode(key, content, 0, 0))], sync=True)

    with pytest.raises(ValueError, match="key_schema"):
        Catalog(store)


def test_a_table_serves_by_name_and_by_arn_while_it_is_active_or_updating() -> None:
    catalog = Catalog(MemoryItemStore())
    table = new_table(catalog, "Music")
    for status, name in itertools.product(("ACTIVE", "UPDATING"), ("Music", table.arn)):
        catalog.save(table.changed(status=status))
        assert catalog.serving(name).name == "Music"
    for status, name in itertools.product(("CREATING", "DELETING"), ("Music", table.arn)):
        catalog.save(table.changed(status=status))
        with pytest.raises(ResourceNotFoundException):
            catalog.serving(name)


def test_the_arn_of_another_account_names_no_table() -> None:
    catalog = Catalog(MemoryItemStore())
    table = new_table(catalog, "Music")
    catalog.save(table)

    with pytest.raises(ResourceNotFoundException):
        catalog.serving(table.arn.replace("123456789012", "000000000000"))
