"""A whole node without disk, doors or real time: catalog, replica, table life and router in memory.

Imported by tests/node. `Node(store)` starts on what a store holds, as a restart would.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from slow_disk import SlowDisk
from stator_core.table import Table
from stator_node.catalog import Catalog
from stator_node.doors import Caller
from stator_node.group_commit import GroupCommit
from stator_node.local_expiries import LocalExpiries
from stator_node.local_streams import LocalStreams
from stator_node.local_table_work import LocalTableWork
from stator_node.memory import ManualClock
from stator_node.pending import Pending, wait
from stator_node.replica import Replica
from stator_node.router import Router
from stator_node.stream_operations import StreamOperations
from stator_node.table_life import TableLife
from stator_node.table_statistics import TableCounter
from table_bodies import attributes, create_body, keys

ACCOUNT = "123456789012"
CALLER = Caller("AKIATEST", ACCOUNT, "eu-west-2", "localhost:8000")
DELAY_SECONDS = 1.0


class Node:
    """One process' parts over one store."""

    def __init__(self, store: SlowDisk | None = None, *, sync: bool = True) -> None:
        loop = asyncio.get_running_loop()
        self.store = store or SlowDisk()
        self.clock = ManualClock()
        self.catalog = Catalog(self.store)
        self.counter = TableCounter(self.store, self.clock)
        self.commit = GroupCommit(self.store, loop, self.clock, sync=sync)
        self.replica = Replica(
            self.commit, loop, self.clock, self.commit.stamps, self.counter.writes
        )
        self.life = TableLife(
            self.catalog,
            LocalTableWork(self.catalog, self.replica, self.counter),
            self.clock,
            delay_seconds=DELAY_SECONDS,
            account=ACCOUNT,
        )
        self.streams = LocalStreams(self.catalog, self.commit, self.clock)
        self.router = Router(
            self.catalog, self.replica, self.life, StreamOperations(self.streams, self.clock)
        )
        self.expiries = LocalExpiries(self.catalog, self.replica, self.clock)
        self.life.resume()

    def send(self, operation: str, body: dict[str, Any]) -> bytes | Pending[bytes]:
        """Execute an operation; what comes back may be on its way yet."""
        return self.router.execute(operation, body, CALLER)

    async def call(self, operation: str, **body: Any) -> dict[str, Any]:
        """Execute an operation and wait for its answer."""
        answer = self.send(operation, body)
        text = answer if isinstance(answer, bytes) else await wait(answer)
        return orjson.loads(text) if text else {}

    async def create(self, body: dict[str, Any]) -> Table:
        """Create a table and wait until it is ACTIVE."""
        await self.call("CreateTable", **body)
        await self.rest()
        return self.catalog.tables[body["TableName"]]

    async def status(self, name: str = "Music") -> str:
        shown = await self.call("DescribeTable", TableName=name)
        return str(shown["Table"]["TableStatus"])

    async def rest(self) -> None:
        """Let the work on tables come to its end."""
        await asyncio.gather(*self.life._tasks.values())

    async def crash(self) -> SlowDisk:
        """End without a word; what was not synced is lost. Returns the store for the next start."""
        self.store.release()
        await self.life.stop()
        self.commit.close()
        self.store.lose_power()
        return self.store


def item(pk: str = "a", sk: str = "1", **more: Any) -> dict[str, Any]:
    """An item of a table with the keys pk and sk; `n=5` is a number, `s="x"` a string."""
    attributes: dict[str, Any] = {"pk": {"S": pk}, "sk": {"S": sk}}
    for name, value in more.items():
        attributes[name] = {"S": value} if isinstance(value, str) else {"N": str(value)}
    return attributes


def key(pk: str = "a", sk: str = "1") -> dict[str, Any]:
    return item(pk, sk)


def table_body(name: str = "Music", **indexes: Any) -> dict[str, Any]:
    """CreateTable of an on-demand table with keys pk and sk, and with what its indexes need.

    `LocalSecondaryIndexes` and `GlobalSecondaryIndexes` as in the request; `b` is a number.
    """
    named = {"pk", "sk"}
    for member in indexes.values():
        for one in member:
            named.update(part["AttributeName"] for part in one["KeySchema"])
    types = {one: "N" if one == "b" else "S" for one in sorted(named)}
    return create_body(
        TableName=name,
        KeySchema=keys("pk", "sk"),
        AttributeDefinitions=attributes(**types),
        **indexes,
    )
