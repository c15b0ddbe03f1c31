"""Select, projection and filter against each other and against what an index holds."""

from __future__ import annotations

import pytest

from sample_values import global_index, local_index, schema, table
from stator_core.errors import ValidationException
from stator_core.expressions.projection import compile_attributes_to_get
from stator_core.requests.selection import (
    check_all_attributes,
    check_projection,
    check_select,
    projected_names,
)
from stator_core.table import Index, IndexProjection

ENVELOPE = "1 validation error detected: "
INCLUDE = IndexProjection("INCLUDE", ("a",))
LOCAL = local_index(schema("S", "S", names="hx"), INCLUDE)
GLOBAL = global_index(schema("S", names="x_"), INCLUDE)
EVERYTHING = global_index(schema("S", names="x_"), name="everything")
TABLE = table("S", "N", LOCAL, GLOBAL, EVERYTHING)


@pytest.mark.parametrize(
    "select, asking, index_name, message",
    [
        (None, "ProjectionExpression", None, None),
        ("SPECIFIC_ATTRIBUTES", "AttributesToGet", None, None),
        ("COUNT", None, None, None),
        ("ALL_PROJECTED_ATTRIBUTES", None, "index", None),
        (
            "SPECIFIC_ATTRIBUTES",
            None,
            None,
            (
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
                "SPECIFIC_ATTRIBUTES"
            ),
        ),
        (
            "COUNT",
            "AttributesToGet",
            None,
            "Cannot specify the AttributesToGet when choosing to get only the Count",
        ),
        (
            "ALL_ATTRIBUTES",
            "ProjectionExpression",
            None,
            "Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES",
        ),
        (
            "ALL_PROJECTED_ATTRIBUTES",
            None,
            None,
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
    ],
)
def test_select_and_projection_agree(
    select: str | None, asking: str | None, index_name: str | None, message: str | None
) -> None:
    if message is None:
        check_select(select, asking, index_name)
        return
    with pytest.raises(ValidationException) as caught:
        check_select(select, asking, index_name)
    assert caught.value.message == ENVELOPE + message


def test_an_entry_holds_the_keys_and_what_is_included() -> None:
    assert projected_names(TABLE, LOCAL) == {"h", "r", "x", "a"}
    assert projected_names(TABLE, GLOBAL) == {"h", "r", "x", "a"}


@pytest.mark.parametrize(
    "index, select, wanted, fetches",
    [
        (None, "ALL_ATTRIBUTES", None, False),
        (LOCAL, None, None, False),
        (LOCAL, "ALL_PROJECTED_ATTRIBUTES", None, False),
        (LOCAL, "ALL_ATTRIBUTES", None, True),
        (LOCAL, "COUNT", None, False),
        (LOCAL, None, ["a", "x"], False),
        (LOCAL, None, ["a", "b"], True),
        (GLOBAL, None, ["a", "h"], False),
        (EVERYTHING, "ALL_ATTRIBUTES", None, False),
        (EVERYTHING, None, ["b"], False),
    ],
)
def test_only_a_local_index_that_lacks_something_fetches(
    index: Index | None, select: str | None, wanted: list[str] | None, fetches: bool
) -> None:
    projection = None if wanted is None else compile_attributes_to_get(wanted)
    check_all_attributes(select, index)
    assert check_projection(TABLE, index, select, projection) is fetches


def test_a_global_index_refuses_what_it_does_not_hold() -> None:
    with pytest.raises(ValidationException, match=r"index g does not project \[b, c\]"):
        check_projection(TABLE, GLOBAL, None, compile_attributes_to_get(["c", "a", "b"]))
    with pytest.raises(ValidationException, match="its projection type is not ALL"):
        check_all_attributes("ALL_ATTRIBUTES", GLOBAL)
