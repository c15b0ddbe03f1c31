"""DescribeTable: a table in every state, as `table_description.py` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stator_core.requests.shapes import STRING, Structure, check
from stator_core.requests.table_members import read_table_name
from stator_core.table import Table
from stator_core.table_description import NOTHING_COUNTED, TableStatistics, description

SHAPE = Structure("DescribeTableInput", {"TableName": STRING})


@dataclass(frozen=True, slots=True)
class DescribeTable:
    table_name: str

    def answer(
        self,
        table: Table,
        statistics: TableStatistics = NOTHING_COUNTED,
        now: float | None = None,
    ) -> dict[str, Any]:
        """`now`: epoch seconds, for the decreases of the day."""
        return {"Table": description(table, statistics, now)}


def parse(body: dict[str, Any]) -> DescribeTable:
    check(body, SHAPE)
    return DescribeTable(read_table_name(body))
