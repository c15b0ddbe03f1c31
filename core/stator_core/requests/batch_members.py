"""What BatchGetItem and BatchWriteItem ask of RequestItems alike: table names as map keys.

Called by `batch_get_item.py` and `batch_write_item.py` among their member constraints.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from stator_core.requests.constraints import TABLE_ARN, TABLE_NAME, Violations

TABLE_NAMES: Final = (
    "Map keys must satisfy constraint: [Member must have length less than or equal to 255, "
    "Member must have length greater than or equal to 3, "
    "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]"
)


def check_table_names(violations: Violations, names: Iterable[str], element: str) -> None:
    """One violation if any name is misspelt. `element` names what stands under each, for the echo.

    DynamoDB echoes the whole map, in a form that varies by host; the names are enough here.
    """
    names = list(names)
    if not all(is_table_name(name) for name in names):
        add_map_violation(violations, names, element, TABLE_NAMES)


def is_table_name(name: str) -> bool:
    """A plain table name or a table ARN."""
    return TABLE_NAME.fullmatch(name) is not None or TABLE_ARN.fullmatch(name) is not None


def add_map_violation(
    violations: Violations, names: Iterable[str], element: str, rule: str
) -> None:
    """A violation of RequestItems as a map: of its keys or of its values."""
    echo = ", ".join(f"{name}={element}" for name in names)
    violations.add_sentence(
        f"Value '{{{echo}}}' at 'requestItems' failed to satisfy constraint: {rule}"
    )
