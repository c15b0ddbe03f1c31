"""What a write makes of an item, and the 400 KB that it shares with its local index entries."""

from __future__ import annotations

import pytest

from stator_core.item import Item, item_size
from stator_core.requests.evaluated import Evaluated, is_too_large
from stator_core.table import Index, IndexProjection, KeyAttribute, KeySchema, Table

PK, SK, INDEXED = KeyAttribute("pk", "S"), KeyAttribute("sk", "S"), KeyAttribute("c", "S")
BY_C = KeySchema((PK,), (INDEXED,))
LIMIT_BYTES = 409_600


def table(*local_indexes: Index) -> Table:
    return Table(
        name="Music",
        identifier=1,
        table_id="00000000-0000-0000-0000-000000000000",
        arn="arn:aws:dynamodb:eu-west-2:000000000000:table/Music",
        key_schema=KeySchema((PK,), (SK,)),
        attribute_definitions=(PK, SK, INDEXED),
        created=0.0,
        local_indexes=local_indexes,
    )


def item_of(size: int, **attributes: str) -> Item:
    """An item of that many bytes."""
    item: Item = {name: {"S": text} for name, text in {"pk": "a", "sk": "b", **attributes}.items()}
    item["d"] = {"S": ""}
    item["d"]["S"] = "x" * (size - item_size(item))
    assert item_size(item) == size
    return item


def test_a_write_answers_without_attributes_unless_it_says_otherwise() -> None:
    assert Evaluated(None, 0).attributes is None
    assert Evaluated({"pk": {"S": "a"}}, 3) == Evaluated({"pk": {"S": "a"}}, 3, None)


@pytest.mark.parametrize("size, too_large", [(LIMIT_BYTES, False), (LIMIT_BYTES + 1, True)])
def test_an_item_may_have_400_kb_and_not_a_byte_more(size: int, too_large: bool) -> None:
    assert is_too_large(table(), item_of(size), size) is too_large


def test_entries_in_local_indexes_count_towards_the_limit() -> None:
    whole = Index("w", "LOCAL", 2, BY_C, IndexProjection("ALL"))
    keys_only = Index("k", "LOCAL", 3, BY_C, IndexProjection("KEYS_ONLY"))
    half = LIMIT_BYTES // 2

    assert not is_too_large(table(whole), item_of(half, c="x"), half)
    assert is_too_large(table(whole), item_of(half + 1, c="x"), half + 1)
    assert not is_too_large(table(keys_only), item_of(half + 1, c="x"), half + 1)
    assert is_too_large(table(keys_only), item_of(LIMIT_BYTES - 7, c="x"), LIMIT_BYTES - 7)


def test_an_item_that_a_local_index_leaves_out_has_the_whole_limit() -> None:
    whole = Index("w", "LOCAL", 2, BY_C, IndexProjection("ALL"))

    assert not is_too_large(table(whole), item_of(LIMIT_BYTES), LIMIT_BYTES)
