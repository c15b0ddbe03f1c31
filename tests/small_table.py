"""A real, tiny Executor for the tests of the gRPC door: one table in memory, keyed by `pk`.

It answers as the router does, at once or with a Pending, and writes down what it was asked. It also
fails on request, so that tests can see every error and every broken connection through the door.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson

from stator_core.errors import DynamoDBError, ResourceNotFoundException
from stator_node.clock import SystemClock
from stator_node.doors import Caller
from stator_node.gateway.access_keys import AccessKeys
from stator_node.gateway.grpc import GrpcDoor, GrpcLimits
from stator_node.gateway.grpc_convert import OPERATIONS
from stator_node.pending import Pending

TABLE = "Music"
PAGE_ITEMS = 2  # a query's or scan's page, so that tests see several


class SmallTable:
    """The items of one table by key, oldest first."""

    def __init__(self) -> None:
        self.operations = frozenset(OPERATIONS)
        self.items: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, dict[str, Any], Caller]] = []
        self.errors: list[Exception] = []  # raised one by one before anything is done
        self.later: list[Pending[bytes]] = []  # given out instead of an answer, one by one

    def execute(
        self, operation: str, body: dict[str, Any], caller: Caller
    ) -> bytes | Pending[bytes]:
        self.asked.append((operation, body, caller))
        if self.errors:
            raise self.errors.pop(0)
        if self.later:
            return self.later.pop(0)
        answer = getattr(self, "_" + operation, lambda _: {})(body)
        return orjson.dumps(answer) if answer is not None else b""

    def _PutItem(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["TableName"] != TABLE:
            raise ResourceNotFoundException("Requested resource not found")
        self.items[body["Item"]["pk"]["S"]] = body["Item"]
        return {}

    def _GetItem(self, body: dict[str, Any]) -> dict[str, Any]:
        item = self.items.get(body["Key"]["pk"]["S"])
        if item is None:
            return {}
        return {"Item": {} if "ProjectionExpression" in body else item}

    def _Scan(self, body: dict[str, Any]) -> dict[str, Any]:
        keys = list(self.items)
        start = body.get("ExclusiveStartKey")
        first = keys.index(start["pk"]["S"]) + 1 if start else 0
        page = keys[first : first + PAGE_ITEMS]
        answer: dict[str, Any] = {"Count": len(page), "ScannedCount": len(page)}
        if body.get("Select") != "COUNT":
            answer["Items"] = [self.items[key] for key in page]
        if first + PAGE_ITEMS < len(keys):
            answer["LastEvaluatedKey"] = {"pk": {"S": page[-1]}}
        return answer

    _Query = _Scan

    def _TagResource(self, body: dict[str, Any]) -> None:
        """DynamoDB answers with no body at all."""


def later(value: bytes | DynamoDBError, after: Callable[[], Awaitable[None]]) -> Pending[bytes]:
    """A Pending that is resolved, or fails, once `after()` returns."""
    pending: Pending[bytes] = Pending()

    async def settle() -> None:
        await after()
        if isinstance(value, DynamoDBError):
            pending.fail(value)
        else:
            pending.resolve(value)

    pending.task = asyncio.ensure_future(settle())  # type: ignore[attr-defined]
    return pending


@contextlib.asynccontextmanager
async def running_door(
    table: SmallTable,
    access_keys: AccessKeys | None = None,
    limits: GrpcLimits | None = None,
    port: int = 0,
) -> AsyncIterator[tuple[GrpcDoor, str]]:
    """A door on this port of this machine, or on a free one, and its address."""
    door = GrpcDoor(
        table,
        access_keys or AccessKeys.any_key(),
        SystemClock(),
        account="000000000000",
        region="us-east-1",
        limits=limits,
    )
    port = await door.start("127.0.0.1", port)
    try:
        yield door, f"127.0.0.1:{port}"
    finally:
        await door.stop(0)
