"""What clients ask of tables that changes nothing: descriptions, lists, tags, settings, limits.

In: requests, and the tables as whoever answers knows them: on record (`table_life.py`), or as the
storage pods say (`remote_tables.py`, while the supervisor is away). Out: DynamoDB's answers.
Invariant: the same table gives the same answer, whoever gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from stator_core import table_status
from stator_core.arn import ResourceArn
from stator_core.requests import (
    describe_table,
    limits_and_endpoints,
    list_tables,
    tags,
    time_to_live,
)
from stator_core.table import Table
from stator_core.table_description import TableStatistics
from stator_node.doors import Caller, Clock

TableOperation = Callable[[dict[str, Any], Caller], bytes]
READS = (
    "DescribeTable",
    "ListTables",
    "ListTagsOfResource",
    "DescribeTimeToLive",
    "DescribeLimits",
    "DescribeEndpoints",
)


class TableReading:
    """Answers from the tables of the moment."""

    def __init__(
        self,
        tables: Callable[[], Mapping[str, Table]],
        statistics: Callable[[Table], TableStatistics],
        clock: Clock,
        account: str,
    ) -> None:
        """`tables`: by name; `statistics`: what was counted of one."""
        self._tables = tables
        self._statistics = statistics
        self._clock = clock
        self._account = account

    def operations(self) -> dict[str, TableOperation]:
        """The operations of `READS` by DynamoDB's names."""
        return {
            "DescribeTable": self._describe_table,
            "ListTables": self._list_tables,
            "ListTagsOfResource": self._list_tags_of_resource,
            "DescribeTimeToLive": self._describe_time_to_live,
            "DescribeLimits": lambda _body, _caller: orjson.dumps(
                limits_and_endpoints.describe_limits()
            ),
            "DescribeEndpoints": lambda _body, caller: orjson.dumps(
                limits_and_endpoints.describe_endpoints(caller.endpoint)
            ),
        }

    def table(self, name: str) -> Table:
        """The table of this name or ARN. Raises ResourceNotFoundException."""
        found = self._tables().get(name)
        if found is None and name.startswith("arn:"):
            found = self._tables().get(name.rpartition("/")[2])
            if found is not None and found.arn != name:
                found = None
        if found is None:
            raise table_status.not_found(name)
        return found

    def tagged(self, resource: ResourceArn, caller: Caller) -> Table:
        """The table of this ARN, which must be the caller's. Raises ResourceNotFoundException."""
        resource.check_owner(caller.region, self._account)
        found = self._tables().get(resource.table_name)
        if found is None or not resource.text.startswith(found.arn):
            raise tags.resource_not_found(resource)
        return found

    def _describe_table(self, body: dict[str, Any], _caller: Caller) -> bytes:
        request = describe_table.parse(body)
        table = self.table(request.table_name)
        return orjson.dumps(request.answer(table, self._statistics(table), self._clock.now()))

    def _list_tables(self, body: dict[str, Any], _caller: Caller) -> bytes:
        return orjson.dumps(list_tables.parse(body).answer(self._tables()))

    def _list_tags_of_resource(self, body: dict[str, Any], caller: Caller) -> bytes:
        request = tags.parse_list_tags_of_resource(body)
        return orjson.dumps(request.answer(self.tagged(request.resource, caller)))

    def _describe_time_to_live(self, body: dict[str, Any], _caller: Caller) -> bytes:
        request = time_to_live.parse_describe_time_to_live(body)
        return orjson.dumps(request.answer(self.table(request.table_name)))
