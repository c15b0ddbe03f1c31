"""Key attributes are scalars: nothing reaches into them."""

from __future__ import annotations

import pytest

from stator_core.errors import ValidationException
from stator_core.requests.nested_keys import check_nested_keys
from stator_core.table import Index, IndexProjection, KeyAttribute, KeySchema, Table

PK, SK, INDEXED = KeyAttribute("pk", "S"), KeyAttribute("sk", "N"), KeyAttribute("c", "S")
TABLE = Table(
    name="Music",
    identifier=1,
    table_id="00000000-0000-0000-0000-000000000000",
    arn="arn:aws:dynamodb:eu-west-2:000000000000:table/Music",
    key_schema=KeySchema((PK,), (SK,)),
    attribute_definitions=(PK, SK, INDEXED),
    created=0.0,
    local_indexes=(Index("l", "LOCAL", 2, KeySchema((PK,), (INDEXED,)), IndexProjection("ALL")),),
)


@pytest.mark.parametrize(
    "names, refused",
    [({"a", "sk"}, "Key: sk"), ({"c"}, "IndexKey: c"), ({"c", "pk"}, "Key: pk")],
)
def test_a_key_that_is_reached_into_is_named_table_keys_first(
    names: set[str], refused: str
) -> None:
    with pytest.raises(ValidationException) as caught:
        check_nested_keys(TABLE, frozenset(names))

    assert caught.value.message == (
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
        f"allowed: {refused}"
    )


def test_other_attributes_may_be_reached_into() -> None:
    check_nested_keys(TABLE, frozenset(("a", "b")))
