"""Expressions that reach into a key attribute, which must be a scalar.

Called by `check` of the single-item requests once the table is known, for expressions that use any
attribute with `.` or `[]`. As DynamoDB answers: the table's keys first, never enveloped.
"""

from __future__ import annotations

from stator_core.expressions.paths import check_scalar_keys
from stator_core.table import Table


def check_nested_keys(table: Table, nested_names: frozenset[str]) -> None:
    """Refuse `nested_names` among the keys of table and indexes. Raises ValidationException."""
    index_key_names = (name for index in table.indexes for name in index.key_schema.names)
    check_scalar_keys(nested_names, table.key_names, index_key_names)
