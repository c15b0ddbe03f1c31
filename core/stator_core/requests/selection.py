"""Select and projection against each other and against the index that is read.

Called by `query.py` and `scan.py`: `check_select` while parsing, `check_index` once the index is
known. AWS: "Query", Select; the texts are as DynamoDB answers (captured 2026-10).
"""

from __future__ import annotations

from stator_core.errors import ValidationException
from stator_core.expressions.evaluate import Condition
from stator_core.expressions.projection import Projection
from stator_core.requests.constraints import enveloped
from stator_core.table import Index, Table

SELECT_VALUES = ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
INVALID = "One or more parameter values were invalid: "


def check_select(select: str | None, projection_parameter: str | None, index_name: object) -> None:
    """Refuse a Select that contradicts the projection or lacks what it needs.

    `projection_parameter` is the member that asks for attributes, `AttributesToGet` or
    `ProjectionExpression`, or None.
    """
    if select is None:
        return
    if select == "SPECIFIC_ATTRIBUTES":
        if projection_parameter is None:
            raise enveloped(
                ValidationException(
                    "Must specify the AttributesToGet or ProjectionExpression"
                    " when choosing to get SPECIFIC_ATTRIBUTES"
                )
            )
        return
    if projection_parameter is not None:
        wanted = "only the Count" if select == "COUNT" else select
        raise enveloped(
            ValidationException(
                f"Cannot specify the {projection_parameter} when choosing to get {wanted}"
            )
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and index_name is None:
        # Scan says Querying too.
        raise enveloped(
            ValidationException(
                "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
            )
        )


def check_all_attributes(select: str | None, index: Index | None) -> None:
    """Refuse ALL_ATTRIBUTES of a global index that does not hold them all."""
    if select != "ALL_ATTRIBUTES" or index is None or not index.is_global:
        return
    if index.projection.type != "ALL":
        raise ValidationException(
            f"{INVALID}Select type ALL_ATTRIBUTES is not supported for global secondary index"
            f" {index.name} because its projection type is not ALL"
        )


def check_projection(
    table: Table, index: Index | None, select: str | None, projection: Projection | None
) -> bool:
    """Whether entries must be completed from the table (`fetch_base`).

    A local index fetches what it does not hold; a global index refuses.
    """
    if index is None or index.projection.type == "ALL" or select == "COUNT":
        return False
    if projection is None:
        return select == "ALL_ATTRIBUTES" and not index.is_global
    missing = sorted(projection.top_level_names - projected_names(table, index))
    if missing and index.is_global:
        raise ValidationException(
            f"{INVALID}Global secondary index {index.name} does not project [{', '.join(missing)}]"
        )
    return bool(missing)


def check_filter(table: Table, index: Index | None, filter_: Condition | None) -> None:
    """Refuse a Query's filter on attributes that no entry of the index holds.

    Not for a Scan, whose filter just does not match them, nor for a read that fetches items.
    """
    if index is None or filter_ is None or index.projection.type == "ALL":
        return
    missing = sorted(filter_.top_level_names - projected_names(table, index))
    if missing:
        raise ValidationException(
            f"{INVALID}Secondary index {index.name} does not project one or more filter attributes:"
            f" [{', '.join(missing)}]"
        )


def projected_names(table: Table, index: Index) -> frozenset[str]:
    """The attributes that an entry of an index without projection ALL may hold."""
    assert index.projection.type != "ALL"
    return frozenset(
        (*table.key_names, *index.key_schema.names, *index.projection.non_key_attributes)
    )
