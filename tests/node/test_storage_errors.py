"""Errors of the storage: InternalServerError for the client, table and key for the log."""

from __future__ import annotations

import pytest

from stator_core import keys
from stator_core.errors import InternalServerError, ValidationException
from stator_core.item_format import Damaged
from stator_core.table import Table
from stator_node.doors import StorageFailed
from stator_node.storage_errors import for_client, name_of
from table_bodies import active, attributes, create_body, index
from table_bodies import keys as key_schema

CONTENT = {"pk": {"S": "x"}, "sk": {"S": "1"}, "a": {"S": "2"}}


@pytest.fixture
def table() -> Table:
    return active(
        create_body(
            KeySchema=key_schema("pk", "sk"),
            AttributeDefinitions=attributes(pk="S", sk="S", a="S"),
            LocalSecondaryIndexes=[index("by-a", "pk", "a")],
            GlobalSecondaryIndexes=[index("of-a", "a")],
        )
    )


def test_a_damaged_item_is_named_in_the_log_and_not_to_the_client(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    answer = for_client(Damaged(keys.item_key(table, CONTENT), "why"), [table])

    assert isinstance(answer, InternalServerError)
    assert "pk" not in str(answer)
    assert 'table Music, item {"pk":{"S":"x"},"sk":{"S":"1"}} is damaged' in caplog.text


def test_a_failed_storage_is_logged_in_its_own_words(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(for_client(StorageFailed("no space"), [table]), InternalServerError)
    assert isinstance(for_client(StorageFailed("no space"), []), InternalServerError)
    assert "failed a request to table Music: no space" in caplog.text


def test_other_errors_pass_as_they_are(table: Table) -> None:
    for error in (ValidationException("x"), AssertionError()):
        assert for_client(error, [table]) is error


@pytest.mark.parametrize("name", ["by-a", "of-a"])
def test_an_index_entry_is_named_with_its_index(table: Table, name: str) -> None:
    one = table.index(name)
    assert one is not None
    named = name_of(keys.entry_key(table, one, CONTENT), [table])
    assert named.startswith(f"table Music, index {name}, item {{")


def test_a_key_of_no_known_table_is_named_by_its_bytes(table: Table) -> None:
    assert name_of(b"\xff\xff\xff\xff\x01", [table]) == "the value under key ffffffff01"
    assert name_of(table.identifier.to_bytes(4, "big"), [table]).startswith("the value under key")
