"""DeleteTable: which table goes, and whether it may.

In: a request body, then the table. Out: the table in DELETING and the answer; the shell takes the
data away and forgets the descriptor when that is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stator_core.requests.shapes import STRING, Structure, check
from stator_core.requests.table_members import read_table_name
from stator_core.table import Table
from stator_core.table_description import NOTHING_COUNTED, TableStatistics, description
from stator_core.table_status import check_deletable, table_deleting

SHAPE = Structure("DeleteTableInput", {"TableName": STRING})


@dataclass(frozen=True, slots=True)
class DeleteTable:
    table_name: str

    def apply(self, table: Table) -> Table:
        """The table in DELETING.

        Raises ResourceInUseException by the state of the table or an index, ValidationException for
        a protected table.
        """
        check_deletable(table)
        return table_deleting(table)

    def answer(
        self, deleting: Table, statistics: TableStatistics = NOTHING_COUNTED
    ) -> dict[str, Any]:
        return {"TableDescription": description(deleting, statistics)}


def parse(body: dict[str, Any]) -> DeleteTable:
    check(body, SHAPE)
    return DeleteTable(read_table_name(body))
