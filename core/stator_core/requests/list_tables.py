"""ListTables: the names of the caller's tables, sorted, in pages of up to a hundred.

In: a request body, then the names. Out: one page. AWS: API reference, ListTables.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stator_core.limits import LIST_TABLES_LIMIT_MAX
from stator_core.requests.constraints import Violations
from stator_core.requests.shapes import INTEGER, STRING, Structure, check

SHAPE = Structure("ListTablesInput", {"ExclusiveStartTableName": STRING, "Limit": INTEGER})


@dataclass(frozen=True, slots=True)
class ListTables:
    exclusive_start_table_name: str | None
    limit: int

    def answer(self, table_names: Iterable[str]) -> dict[str, Any]:
        """One page of the names that come after the start, which need not exist itself.

        Names are ASCII, so their order as text is their order as bytes.
        """
        start = self.exclusive_start_table_name
        names = sorted(name for name in table_names if start is None or name > start)
        page: dict[str, Any] = {"TableNames": names[: self.limit]}
        if len(names) > self.limit:
            page["LastEvaluatedTableName"] = names[self.limit - 1]
        return page


def parse(body: dict[str, Any]) -> ListTables:
    check(body, SHAPE)
    violations = Violations()
    start = body.get("ExclusiveStartTableName")
    if start is not None:
        violations.name("exclusiveStartTableName", start, both=True)
    limit = body.get("Limit")
    violations.range("limit", limit, 1, LIST_TABLES_LIMIT_MAX)
    violations.raise_any()
    return ListTables(start, LIST_TABLES_LIMIT_MAX if limit is None else limit)
