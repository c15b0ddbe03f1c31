"""A Table's object and a supervisor's words, read once."""

from __future__ import annotations

from sample_table import an_entry, ending, table_body
from stator_core import desired_table
from stator_operator.table_object import FINALIZER, owning_table, table_object, wish
from table_specs import rich


def test_an_object_is_read_as_it_is() -> None:
    table = table_object(table_body(tableName="Films", deletionPolicy="Delete"))

    assert (table.name, table.namespace, table.uid) == ("music", "shop", "u-1")
    assert (table.table_name, table.pool, table.storage) == ("Films", "default", None)
    assert table.deletes_items
    assert not table.is_ending
    assert not table.has_finalizer


def test_a_table_with_storage_lies_in_a_pool_of_its_own_name() -> None:
    table = table_object(table_body("music", pool=None, storage={"podsPerZone": 1}))

    assert (table.pool, table.storage) == ("music", {"podsPerZone": 1})


def test_an_object_that_goes_says_so() -> None:
    table = table_object(ending(table_body(), "of.somebody/else"))

    assert table.is_ending
    assert table.finalizers == ("of.somebody/else", FINALIZER)


def test_what_is_asked_for_is_what_the_core_takes() -> None:
    desired = desired_table.parse(table_object(table_body(**rich())).body)

    assert desired.name == "Music.of_All-Times"
    assert desired.expires_by == "Ends"


def test_what_a_supervisor_says_is_read_as_it_is() -> None:
    entry = an_entry(refused={"error": "ValidationException", "message": "no"}, settled=False)

    assert (entry.object_uid, entry.generation, entry.is_deleting) == ("u-1", 3, False)
    assert entry.refused == ("ValidationException", "no")
    nobodys = an_entry(object=None)
    assert (nobodys.object_uid, nobodys.generation) == (None, 0)


def test_a_pool_is_a_tables_own_only_by_a_table_that_controls_it() -> None:
    table = {"kind": "Table", "uid": "u-1", "controller": True}
    other = {"kind": "Platform", "uid": "u-2", "controller": True}

    def owned_by(*owners: dict[str, object]) -> str | None:
        return owning_table({"metadata": {"ownerReferences": list(owners)}})

    assert owned_by(other, table) == "u-1"
    assert owned_by(other) is None
    assert owned_by(table | {"controller": False}) is None
    assert owning_table({"metadata": {}}) is None


def test_a_supervisor_is_told_whose_wish_it_is_and_which() -> None:
    table = table_object(table_body())

    assert wish(table) == {"uid": "u-1", "generation": 3, "table": table.body}
