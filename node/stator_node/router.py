"""The router of a process that holds every partition itself.

In: an operation's name and its JSON body, from a door (`gateway/http.py`, `gateway/grpc.py`). Item
operations go to `item_operations.py`, table operations to `table_life.py`, those of streams to
`stream_operations.py`. Out: the JSON answer or a DynamoDBError.
"""

from __future__ import annotations

from typing import Any

from stator_core.errors import UnknownOperationException
from stator_node.catalog import Catalog
from stator_node.doors import Caller
from stator_node.item_operations import Answer, ItemOperations
from stator_node.replica import Replica
from stator_node.storage_errors import STORAGE_ERRORS, for_client
from stator_node.stream_operations import StreamOperations
from stator_node.table_life import TableLife


class Router:
    """The `doors.Executor` of `stator local`."""

    def __init__(
        self, catalog: Catalog, replica: Replica, tables: TableLife, streams: StreamOperations
    ) -> None:
        self._items = ItemOperations(catalog.serving, replica).by_name()
        self._others = {**tables.operations(), **streams.operations()}
        self.operations = frozenset(self._items) | frozenset(self._others)

    def execute(self, operation: str, body: dict[str, Any], caller: Caller) -> Answer:
        """Answer one operation. Raises, or fails with, DynamoDBError."""
        handler = self._items.get(operation)
        if handler is not None:
            return handler(body)
        other = self._others.get(operation)
        if other is None:
            raise UnknownOperationException()
        try:
            return other(body, caller)
        except STORAGE_ERRORS as error:
            raise for_client(error, ()) from None
